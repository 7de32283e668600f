//! zlib. Its states are large (tens of KiB to decompress, hundreds to compress) and to make one costs more than most
//! packets, so each thread has one of each instead of each packet. They are reset before use: what they make does not
//! depend on what went before.

use std::cell::RefCell;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use thiserror::Error;

/// Bytes that are no zlib stream, or only the start of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a zlib stream")]
pub(crate) struct Corrupt;

/// Room that is made first for a byte of a stream, and at least.
const EXPANSION: usize = 8;
const LEAST_ROOM: usize = 64;

thread_local! {
    static DEFLATER: RefCell<Compress> = RefCell::new(Compress::new(Compression::default(), true));
    static INFLATER: RefCell<Decompress> = RefCell::new(Decompress::new(true));
}

/// What a zlib stream holds, at most `limit` bytes of it; what follows them or the stream is not looked at. A stream that
/// breaks off gives what it has. Room is made by what comes out, not by the limit.
pub(crate) fn inflate(data: &[u8], limit: usize) -> Result<Vec<u8>, Corrupt> {
    run(data, limit).map(|(out, _)| out)
}

/// What came out, and whether the stream's end or the limit was reached.
fn run(data: &[u8], limit: usize) -> Result<(Vec<u8>, bool), Corrupt> {
    INFLATER.with_borrow_mut(|state| {
        state.reset(true);
        let room = data.len().saturating_mul(EXPANSION).max(LEAST_ROOM);
        let mut out = Vec::with_capacity(room.min(limit));
        let mut rest = data;
        while out.len() < limit {
            if out.len() == out.capacity() {
                out.reserve_exact(out.len().max(LEAST_ROOM).min(limit - out.len()));
            }
            let before = (state.total_in(), out.len());
            let status = state
                .decompress_vec(rest, &mut out, FlushDecompress::None)
                .map_err(|_| Corrupt)?;
            let read = usize::try_from(state.total_in() - before.0).unwrap_or(rest.len());
            rest = rest.get(read..).unwrap_or_default();
            if status == Status::StreamEnd {
                break;
            }
            // It waits for bytes that will not come.
            if read == 0 && out.len() == before.1 {
                return Ok((out, false));
            }
        }
        out.truncate(limit);
        Ok((out, true))
    })
}

/// A zlib stream that holds `data`.
pub(crate) fn deflate(data: &[u8]) -> Vec<u8> {
    DEFLATER.with_borrow_mut(|state| {
        state.reset();
        let mut out = Vec::with_capacity(data.len() / 2 + LEAST_ROOM);
        loop {
            let read = usize::try_from(state.total_in()).unwrap_or(data.len());
            let rest = data.get(read..).unwrap_or_default();
            // Into a vector that grows it cannot fail: the state is fresh and the flush is legal.
            match state.compress_vec(rest, &mut out, FlushCompress::Finish) {
                Ok(Status::Ok | Status::BufError) => out.reserve(out.len().max(LEAST_ROOM)),
                Ok(Status::StreamEnd) | Err(_) => return out,
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use flate2::read::ZlibDecoder;
    use flate2::write::ZlibEncoder;
    use proptest::prelude::*;

    use super::*;

    /// What a stream holds that does not break off before the limit.
    fn whole(data: &[u8], limit: usize) -> Result<Vec<u8>, Corrupt> {
        match run(data, limit)? {
            (out, true) => Ok(out),
            (_, false) => Err(Corrupt),
        }
    }

    /// The same through flate2's reader, which makes a state each time.
    fn read(data: &[u8], limit: usize) -> Result<Vec<u8>, Corrupt> {
        let mut out = Vec::new();
        let mut reader = ZlibDecoder::new(data).take(limit as u64);
        reader.read_to_end(&mut out).map_err(|_| Corrupt)?;
        Ok(out)
    }

    /// The same through flate2's writer, which makes a state each time.
    fn written(data: &[u8]) -> Vec<u8> {
        let mut writer = ZlibEncoder::new(Vec::new(), Compression::default());
        writer.write_all(data).unwrap();
        writer.finish().unwrap()
    }

    #[test]
    fn data_of_any_size_is_compressed_as_a_writer_does() {
        let mut state = 1_u64;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 56) as u8
        })
        .take(1 << 17)
        .collect();
        for size in [0, 1, 64, 1000, 1 << 15, 1 << 17] {
            assert_eq!(deflate(&noise[..size]), written(&noise[..size]), "{size}");
            assert_eq!(deflate(&vec![0; size]), written(&vec![0; size]), "{size}");
        }
    }

    #[test]
    fn the_limit_holds_at_its_edge() {
        let stream = deflate(&[7; 100_000]);
        for limit in [0, 1, 63, 64, 65, 99_999, 100_000] {
            assert_eq!(whole(&stream, limit), Ok(vec![7; limit]));
        }
        let all = whole(&stream, 100_001).map(|all| all.len());
        assert_eq!(all, Ok(100_000));
    }

    #[test]
    fn room_is_made_by_what_comes_out() {
        let all = whole(&deflate(b"small"), 1 << 23);
        assert!(all.is_ok_and(|all| all.capacity() < 1 << 10));
    }

    #[test]
    fn a_stream_that_breaks_off_gives_what_it_has() {
        let stream = deflate(&[7; 100]);
        assert_eq!(inflate(&stream[..stream.len() - 5], 100), Ok(vec![7; 100]));
        assert_eq!(inflate(&[], 100), Ok(Vec::new()));
    }

    #[test]
    fn nothing_is_left_of_a_stream_that_was_refused() {
        let stream = deflate(b"the same data, the same bytes");
        for cut in 0..stream.len() {
            let mut broken = stream[..cut].to_vec();
            broken.resize(stream.len(), 0xff);
            let _ = whole(&broken, 100);
            let again = whole(&stream, 100);
            assert_eq!(again.as_deref(), Ok(&b"the same data, the same bytes"[..]));
        }
    }

    proptest! {
        #[test]
        fn every_truncation_gives_what_a_reader_gives(
            data in prop::collection::vec(0..4_u8, 0..2000),
            cut in any::<prop::sample::Index>(),
        ) {
            let stream = deflate(&data);
            let cut = &stream[..cut.index(stream.len() + 1)];
            prop_assert_eq!(whole(cut, data.len() + 1), read(cut, data.len() + 1));
        }

        #[test]
        fn a_changed_stream_gives_what_a_reader_gives(
            data in prop::collection::vec(0..4_u8, 0..2000),
            place in any::<prop::sample::Index>(),
            byte in any::<u8>(),
        ) {
            let mut stream = deflate(&data);
            let place = place.index(stream.len());
            stream[place] = byte;
            prop_assert_eq!(whole(&stream, 1 << 16), read(&stream, 1 << 16));
        }
    }
}
