//! What waits to be sent: packets go in at [`Output::put`], bytes come out at [`Output::take`].

use std::collections::VecDeque;

use bytes::{BufMut, Bytes, BytesMut};

use crate::compression;
use crate::frame::{LENGTH_MAX_BYTES, MAX_FRAME, packet_size};
use crate::wire::{WriteExt, varint_len};

/// Bytes that one [`Connection::poll_transmit`](crate::Connection::poll_transmit) hands out at most, so that what waits stays countable while a slow peer is written to.
pub const MAX_CHUNK: usize = 64 * 1024;

/// What waits to be sent.
///
/// It lies in pieces: one buffer would be copied whole each time it grows, megabytes of it for a slow peer, and an
/// allocator may keep every other thread waiting meanwhile.
#[derive(Debug, Default)]
pub(crate) struct Output {
    /// None of them empty. Each of [`MAX_CHUNK`] bytes at most, or of one packet.
    full: VecDeque<BytesMut>,
    last: BytesMut,
    /// Bytes in all of them.
    len: usize,
    threshold: Option<usize>,
}

impl Output {
    pub(crate) fn len(&self) -> usize {
        self.len
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
            None => self.append(LENGTH_MAX_BYTES + size, |last| {
                last.put_len(size);
                last.put_varint(id);
                last.put_slice(data);
            }),
            Some(threshold) if size < threshold => {
                self.append(LENGTH_MAX_BYTES + 1 + size, |last| {
                    last.put_len(1 + size);
                    last.put_u8(0);
                    last.put_varint(id);
                    last.put_slice(data);
                });
            }
            Some(_) => self.compressed(size, id, data).map_err(|()| too_long)?,
        }
        Ok(())
    }

    /// Appends bytes that are no frame.
    pub(crate) fn put_unframed(&mut self, bytes: &[u8]) {
        self.append(bytes.len(), |last| last.put_slice(bytes));
    }

    /// Has `write` append up to `most` bytes in one piece.
    fn append(&mut self, most: usize, write: impl FnOnce(&mut BytesMut)) {
        if !self.last.is_empty() && self.last.len() + most > MAX_CHUNK {
            self.full.push_back(std::mem::take(&mut self.last));
        }
        let before = self.last.len();
        self.last.reserve(most);
        write(&mut self.last);
        self.len += self.last.len() - before;
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
            self.append(LENGTH_MAX_BYTES + len, |last| {
                last.put_len(len);
                last.put_varint(declared);
                last.put_slice(packed);
            });
            Ok(())
        })
    }

    /// Removes up to [`MAX_CHUNK`] bytes from the front.
    pub(crate) fn take(&mut self) -> Option<Bytes> {
        let first = self.full.front_mut().unwrap_or(&mut self.last);
        if first.is_empty() {
            return None;
        }
        let taken = first.split_to(first.len().min(MAX_CHUNK)).freeze();
        self.len -= taken.len();
        self.full.pop_front_if(|first| first.is_empty());
        Some(taken)
    }

    /// For [`Output::roll_back`].
    pub(crate) fn mark(&self) -> usize {
        self.len
    }

    /// Forgets everything that was appended since the mark was taken. Nothing may have been taken meanwhile.
    pub(crate) fn roll_back(&mut self, mark: usize) {
        while self.len > mark {
            let more = self.len - mark;
            let kept = self.last.len().saturating_sub(more);
            self.len -= self.last.len() - kept;
            self.last.truncate(kept);
            if kept == 0
                && let Some(before) = self.full.pop_back()
            {
                self.last = before;
            }
        }
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

    /// Nothing is copied again because more comes: the bytes stay where they were written.
    #[test]
    fn what_waits_is_not_moved_when_more_comes() {
        let mut output = Output::default();
        let packet = [7; 1000];
        output.put(0, &packet).unwrap();
        while output.full.is_empty() {
            output.put(0, &packet).unwrap();
        }
        let (first, length) = (output.full[0].as_ptr(), output.full[0].len());
        assert!(length > MAX_CHUNK - packet.len() - 8 && length <= MAX_CHUNK);
        for _ in 0..4000 {
            output.put(0, &packet).unwrap();
        }
        assert_eq!(
            output.len(),
            (2 + 1 + packet.len()) * (4000 + length / 1003 + 1)
        );
        assert_eq!(output.take().unwrap().as_ptr(), first);
    }

    #[test]
    fn a_mark_is_rolled_back_to_across_pieces() {
        for before in [0, 1, MAX_CHUNK - 100, MAX_CHUNK, 3 * MAX_CHUNK] {
            let mut output = Output::default();
            for _ in 0..before / 500 {
                output.put(1, &[1; 500]).unwrap();
            }
            let mut as_it_was = Output::default();
            for _ in 0..before / 500 {
                as_it_was.put(1, &[1; 500]).unwrap();
            }
            let mark = output.mark();
            for size in [3, 70_000, 200, 60_000] {
                output.put(2, &vec![2; size]).unwrap();
            }
            output.roll_back(mark);
            assert_eq!(output.len(), mark);
            for output in [&mut output, &mut as_it_was] {
                output.put(3, &[3; 10]).unwrap();
            }
            let all = |mut output: Output| {
                let mut all = Vec::new();
                while let Some(chunk) = output.take() {
                    all.extend_from_slice(&chunk);
                }
                assert_eq!(output.len(), 0);
                all
            };
            assert_eq!(all(output), all(as_it_was));
        }
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
