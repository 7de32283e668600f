//! What waits to be sent: packets go in at [`Output::put`], bytes come out at [`Output::take`].

use bytes::{BufMut, Bytes, BytesMut};

use crate::compression;
use crate::frame::{LENGTH_MAX_BYTES, MAX_FRAME, packet_size};
use crate::wire::{WriteExt, varint_len};

/// Bytes that one [`Connection::poll_transmit`](crate::Connection::poll_transmit) hands out at most, so that what waits stays countable while a slow peer is written to.
pub const MAX_CHUNK: usize = 64 * 1024;

/// What waits to be sent.
#[derive(Debug, Default)]
pub(crate) struct Output {
    buffer: BytesMut,
    threshold: Option<usize>,
}

impl Output {
    pub(crate) fn len(&self) -> usize {
        self.buffer.len()
    }

    /// From the next packet on, packets of `threshold` bytes or more go compressed.
    pub(crate) fn enable_compression(&mut self, threshold: usize) {
        self.threshold = Some(threshold);
    }

    /// Appends one packet. On an error nothing is appended.
    pub(crate) fn put(&mut self, id: i32, data: &[u8]) -> Result<(), PacketTooLong> {
        let size = packet_size(id, data);
        let too_long = PacketTooLong { size };
        if size > MAX_FRAME {
            return Err(too_long);
        }
        match self.threshold {
            None => self.plain(size, id, data),
            Some(threshold) if size < threshold => self.below_threshold(size, id, data),
            Some(_) => self.compressed(size, id, data).map_err(|()| too_long)?,
        }
        Ok(())
    }

    /// Appends bytes that are no frame.
    pub(crate) fn put_unframed(&mut self, bytes: &[u8]) {
        self.buffer.put_slice(bytes);
    }

    fn plain(&mut self, size: usize, id: i32, data: &[u8]) {
        self.buffer.reserve(LENGTH_MAX_BYTES + size);
        self.buffer.put_len(size);
        self.buffer.put_varint(id);
        self.buffer.put_slice(data);
    }

    fn below_threshold(&mut self, size: usize, id: i32, data: &[u8]) {
        self.buffer.reserve(LENGTH_MAX_BYTES + 1 + size);
        self.buffer.put_len(1 + size);
        self.buffer.put_u8(0);
        self.buffer.put_varint(id);
        self.buffer.put_slice(data);
    }

    fn compressed(&mut self, size: usize, id: i32, data: &[u8]) -> Result<(), ()> {
        let mut head = BytesMut::with_capacity(5);
        head.put_varint(id);
        compression::deflate(&head, data, |packed| {
            let declared = i32::try_from(size).map_err(|_| ())?;
            let len = varint_len(declared) + packed.len();
            if len > MAX_FRAME {
                return Err(());
            }
            self.buffer.reserve(LENGTH_MAX_BYTES + len);
            self.buffer.put_len(len);
            self.buffer.put_varint(declared);
            self.buffer.put_slice(packed);
            Ok(())
        })
    }

    /// Removes up to [`MAX_CHUNK`] bytes from the front.
    pub(crate) fn take(&mut self) -> Option<Bytes> {
        match self.buffer.len() {
            0 => None,
            len @ ..=MAX_CHUNK => Some(self.buffer.split_to(len).freeze()),
            _ => Some(self.buffer.split_to(MAX_CHUNK).freeze()),
        }
    }

    /// For [`Output::roll_back`].
    pub(crate) fn mark(&self) -> usize {
        self.buffer.len()
    }

    /// Forgets everything that was appended since the mark was taken.
    pub(crate) fn roll_back(&mut self, mark: usize) {
        self.buffer.truncate(mark);
    }
}

/// Id and payload together are over [`MAX_FRAME`], or zlib makes them so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PacketTooLong {
    pub(crate) size: usize,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::frame::{Input, Limit};

    #[test]
    fn a_packet_at_the_limit_and_past_it_goes_out() {
        let mut output = Output::default();
        let data = vec![0; MAX_FRAME];
        assert_eq!(
            output.put(0, &data),
            Err(PacketTooLong {
                size: MAX_FRAME + 1
            })
        );
        assert_eq!(output.len(), 0);
        assert_eq!(output.put(0, &data[1..]), Ok(()));
        assert_eq!(output.len(), 3 + MAX_FRAME);
    }

    #[test]
    fn what_zlib_makes_too_long_is_refused() {
        let mut output = Output::default();
        output.enable_compression(256);
        // A multiplicative generator: nothing for zlib to find.
        let mut state = 1_u64;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 56) as u8
        })
        .take(MAX_FRAME - 1)
        .collect();
        assert_eq!(
            output.put(0, &noise),
            Err(PacketTooLong { size: MAX_FRAME })
        );
        assert_eq!(output.len(), 0);
        assert_eq!(output.put(0, &noise[..MAX_FRAME - 1000]), Ok(()));
        assert_eq!(output.put(0, &vec![0; MAX_FRAME - 1]), Ok(()));
    }

    #[test]
    fn the_queue_is_handed_out_in_chunks() {
        let mut output = Output::default();
        output.put(0, &vec![1; MAX_CHUNK]).unwrap();
        let total = output.len();
        assert_eq!(output.take().unwrap().len(), MAX_CHUNK);
        assert_eq!(output.len(), total - MAX_CHUNK);
        assert_eq!(output.take().unwrap().len(), total - MAX_CHUNK);
        assert_eq!(output.take(), None);
    }

    proptest! {
        #[test]
        fn packets_come_out_as_they_went_in_however_they_are_split(
            packets in proptest::collection::vec((0..i32::MAX, proptest::collection::vec(any::<u8>(), 0..700)), 1..6),
            threshold in proptest::option::of(0_usize..600),
            step in 1_usize..900,
        ) {
            let mut output = Output::default();
            let mut input = Input::default();
            if let Some(threshold) = threshold {
                output.enable_compression(threshold);
                input.enable_compression(threshold);
            }
            for (id, data) in &packets {
                prop_assert_eq!(output.put(*id, data), Ok(()));
            }
            let mut found = Vec::new();
            while let Some(chunk) = output.take() {
                for part in chunk.chunks(step) {
                    input.push(part);
                    while let Some(packet) = input.next(Limit::PROTOCOL).unwrap() {
                        found.push((packet.id, packet.data.to_vec()));
                    }
                }
            }
            prop_assert_eq!(found, packets);
            prop_assert_eq!(input.len(), 0);
        }
    }
}
