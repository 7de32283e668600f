//! zlib for packets. The two states are large (hundreds of KiB to compress), so each thread has one of each instead of
//! each connection; both are reset before use, so the bytes do not depend on what went before.

use std::cell::RefCell;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use crate::error::FrameError;

struct Deflater {
    state: Compress,
    packed: Vec<u8>,
}

/// A buffer that one huge packet has blown up is not kept.
const KEPT_CAPACITY: usize = 256 * 1024;

/// Faster than zlib's usual 6 for almost the same size, and the lowest at which data that zlib cannot shrink grows by a
/// few hundred bytes and not by thousands (measured on 2 MiB), which decides what still fits a frame.
const LEVEL: u32 = 3;

thread_local! {
    static DEFLATER: RefCell<Deflater> = RefCell::new(Deflater {
        state: Compress::new(Compression::new(LEVEL), true),
        packed: Vec::new(),
    });
    static INFLATER: RefCell<Decompress> = RefCell::new(Decompress::new(true));
}

/// Compresses `head` followed by `body`, and hands over the zlib stream.
pub(crate) fn deflate<T>(head: &[u8], body: &[u8], then: impl FnOnce(&[u8]) -> T) -> T {
    DEFLATER.with_borrow_mut(|Deflater { state, packed }| {
        state.reset();
        packed.clear();
        packed.reserve(head.len() + body.len() / 2 + 64);
        for (part, flush) in [(head, FlushCompress::None), (body, FlushCompress::Finish)] {
            let start = state.total_in();
            loop {
                let consumed = usize::try_from(state.total_in() - start).unwrap_or(part.len());
                let rest = part.get(consumed..).unwrap_or_default();
                let done = rest.is_empty() && flush == FlushCompress::None;
                // Compressing into a growing vector cannot fail: the state is fresh and the flush is legal.
                if done
                    || matches!(
                        state.compress_vec(rest, packed, flush),
                        Ok(Status::StreamEnd)
                    )
                {
                    break;
                }
                packed.reserve(packed.len().max(64));
            }
        }
        let result = then(packed);
        if packed.capacity() > KEPT_CAPACITY {
            *packed = Vec::new();
        }
        result
    })
}

/// Decompresses a whole zlib stream of exactly `declared` bytes. Never produces more than one byte past that, whatever
/// the stream holds.
pub(crate) fn inflate(packed: &[u8], declared: usize) -> Result<Vec<u8>, FrameError> {
    INFLATER.with_borrow_mut(|state| {
        state.reset(true);
        // The byte more tells a stream that goes on from one that has ended.
        let mut out = vec![0; declared + 1];
        let status = state
            .decompress(packed, &mut out, FlushDecompress::Finish)
            .map_err(|_| FrameError::CorruptStream)?;
        let produced = usize::try_from(state.total_out()).unwrap_or(usize::MAX);
        let consumed = usize::try_from(state.total_in()).unwrap_or(usize::MAX);
        if produced > declared {
            return Err(FrameError::LargerThanDeclared { declared });
        }
        if status != Status::StreamEnd {
            return Err(FrameError::StreamCutShort);
        }
        if produced < declared {
            return Err(FrameError::SmallerThanDeclared { declared, produced });
        }
        if consumed != packed.len() {
            return Err(FrameError::BytesAfterStream {
                left: packed.len() - consumed,
            });
        }
        out.truncate(declared);
        Ok(out)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn packed(data: &[u8]) -> Vec<u8> {
        deflate(
            &data[..data.len() / 3],
            &data[data.len() / 3..],
            <[u8]>::to_vec,
        )
    }

    #[test]
    fn the_same_data_gives_the_same_bytes_whatever_went_before() {
        let first = packed(b"the same data, the same bytes");
        let _ = packed(&[7; 100_000]);
        assert_eq!(packed(b"the same data, the same bytes"), first);
    }

    #[test]
    fn a_wrong_size_is_told_either_way() {
        let stream = packed(&[1; 1000]);
        let larger = FrameError::LargerThanDeclared { declared: 999 };
        assert_eq!(inflate(&stream, 999), Err(larger));
        let smaller = FrameError::SmallerThanDeclared {
            declared: 1001,
            produced: 1000,
        };
        assert_eq!(inflate(&stream, 1001), Err(smaller));
        assert_eq!(inflate(&stream, 1000), Ok(vec![1; 1000]));
    }

    #[test]
    fn every_truncation_and_any_rest_is_an_error() {
        let mut stream = packed(&(0..=255).collect::<Vec<u8>>());
        for len in 0..stream.len() {
            assert!(inflate(&stream[..len], 256).is_err(), "{len}");
        }
        stream.push(0);
        assert_eq!(
            inflate(&stream, 256),
            Err(FrameError::BytesAfterStream { left: 1 })
        );
    }

    #[test]
    fn what_is_no_zlib_stream_is_corrupt() {
        assert_eq!(inflate(&[0xff; 20], 256), Err(FrameError::CorruptStream));
    }

    proptest! {
        #[test]
        fn inflating_undoes_deflating(data in proptest::collection::vec(any::<u8>(), 1..5000)) {
            prop_assert_eq!(inflate(&packed(&data), data.len()), Ok(data));
        }

        #[test]
        fn arbitrary_bytes_are_inflated_or_refused(data in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = inflate(&data, 300);
        }
    }
}
