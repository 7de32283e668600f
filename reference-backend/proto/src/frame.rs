//! Frames: a length, and within it one packet, compressed or not. Bytes go in at [`Input::push`], packets come out at
//! [`Input::next`].

use bytes::{Buf, Bytes, BytesMut};

use crate::compression;
use crate::error::FrameError;
use crate::fault::{Fault, Faults};
use crate::wire::{Reader, WireError, varint_len};

/// The longest frame, and so the longest packet: what a length of three bytes can say (vanilla's frame decoder reads
/// no more than three).
pub const MAX_FRAME: usize = 2_097_151;

/// The largest size that a compressed packet may declare. Vanilla's bound until 1.16; the 8 MiB of later versions
/// would let a few KiB cost that much memory, and whatever is larger than a frame cannot be sent uncompressed anyway.
pub const MAX_UNCOMPRESSED: usize = 2_097_152;

/// How many bytes a frame length may take.
pub(crate) const LENGTH_MAX_BYTES: usize = 3;

/// What a state allows one packet to cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limit {
    /// Bytes of the frame's content.
    pub(crate) frame: usize,
    /// Bytes that a compressed packet may declare.
    pub(crate) uncompressed: usize,
}

impl Limit {
    /// The protocol's own bounds.
    pub(crate) const PROTOCOL: Self = Self {
        frame: MAX_FRAME,
        uncompressed: MAX_UNCOMPRESSED,
    };

    pub(crate) const fn of(bytes: usize) -> Self {
        Self {
            frame: bytes,
            uncompressed: bytes,
        }
    }
}

/// A packet taken apart into id and payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Packet {
    pub(crate) id: i32,
    pub(crate) data: Bytes,
}

/// What has been received and not yet been taken apart.
#[derive(Debug, Default)]
pub(crate) struct Input {
    buffer: BytesMut,
    threshold: Option<usize>,
    faults: Faults,
}

impl Input {
    pub(crate) fn new(faults: Faults) -> Self {
        Self {
            faults,
            ..Self::default()
        }
    }

    pub(crate) fn push(&mut self, data: &[u8]) {
        self.buffer.extend_from_slice(data);
    }

    /// What has come and not been taken apart.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.buffer
    }

    pub(crate) fn len(&self) -> usize {
        self.buffer.len()
    }

    pub(crate) fn clear(&mut self) {
        self.buffer = BytesMut::new();
    }

    /// From the next frame on, packets of `threshold` bytes or more come compressed.
    pub(crate) fn enable_compression(&mut self, threshold: usize) {
        self.threshold = Some(threshold);
    }

    /// The next packet, or none while its frame is not whole. An error is final, since nothing after it can be told
    /// apart.
    pub(crate) fn next(&mut self, limit: Limit) -> Result<Option<Packet>, FrameError> {
        let (header, len) = match frame_length(&self.buffer, limit.frame) {
            Ok(Some(length)) => length,
            Ok(None) => return Ok(None),
            Err(FrameError::LengthTooLong | FrameError::TooLong { .. })
                if self.faults.has(Fault::OversizedIsIncomplete) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        if self.buffer.len() < header + len {
            // No room is made for what is only announced.
            return Ok(None);
        }
        self.buffer.advance(header);
        let frame = self.buffer.split_to(len).freeze();
        let body = match self.threshold {
            None => frame,
            Some(threshold) => unpack(frame, threshold, limit.uncompressed)?,
        };
        packet(body).map(Some)
    }
}

/// Length of the header and of what it announces; none while the header is not whole.
fn frame_length(buffer: &[u8], limit: usize) -> Result<Option<(usize, usize)>, FrameError> {
    let mut len = 0_usize;
    for index in 0..LENGTH_MAX_BYTES {
        let Some(byte) = buffer.get(index) else {
            return Ok(None);
        };
        len |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return match len {
                0 => Err(FrameError::Empty),
                len if len > limit => Err(FrameError::TooLong { found: len, limit }),
                len => Ok(Some((index + 1, len))),
            };
        }
    }
    Err(FrameError::LengthTooLong)
}

fn unpack(mut frame: Bytes, threshold: usize, limit: usize) -> Result<Bytes, FrameError> {
    let mut reader = Reader::new(&frame);
    let declared = reader.varint().map_err(FrameError::DataLength)?;
    let header = frame.len() - reader.remaining();
    let declared = usize::try_from(declared)
        .map_err(|_| FrameError::DataLength(WireError::NegativeLength(declared)))?;
    if declared == 0 {
        // Vanilla does not ask whether such a packet should have been compressed, and neither does this.
        frame.advance(header);
        return Ok(frame);
    }
    if declared < threshold {
        return Err(FrameError::BelowThreshold {
            declared,
            threshold,
        });
    }
    if declared > limit {
        return Err(FrameError::TooLongUncompressed { declared, limit });
    }
    compression::inflate(&frame[header..], declared).map(Bytes::from)
}

fn packet(mut body: Bytes) -> Result<Packet, FrameError> {
    let mut reader = Reader::new(&body);
    let id = reader.varint().map_err(|error| match error {
        WireError::Incomplete => FrameError::Empty,
        other => FrameError::PacketId(other),
    })?;
    if id < 0 {
        return Err(FrameError::NegativePacketId(id));
    }
    let header = body.len() - reader.remaining();
    body.advance(header);
    Ok(Packet { id, data: body })
}

/// Bytes of a packet before compression and without its frame: its id and its payload.
pub(crate) fn packet_size(id: i32, data: &[u8]) -> usize {
    varint_len(id) + data.len()
}

#[cfg(test)]
mod tests {
    use bytes::BufMut;
    use proptest::prelude::*;

    use super::*;
    use crate::wire::WriteExt;

    fn input(bytes: &[u8]) -> Input {
        let mut input = Input::default();
        input.push(bytes);
        input
    }

    fn next(bytes: &[u8]) -> Result<Option<Packet>, FrameError> {
        input(bytes).next(Limit::PROTOCOL)
    }

    /// A frame of `len` bytes: the packet id 0 and zeros.
    fn frame_of(len: usize) -> Vec<u8> {
        let mut out = BytesMut::new();
        out.put_len(len);
        out.put_bytes(0, len);
        out.to_vec()
    }

    fn compressed(declared: i32, stream: &[u8]) -> Vec<u8> {
        let mut out = BytesMut::new();
        out.put_len(varint_len(declared) + stream.len());
        out.put_varint(declared);
        out.put_slice(stream);
        out.to_vec()
    }

    fn zlib(data: &[u8]) -> Vec<u8> {
        compression::deflate(&[], data, <[u8]>::to_vec)
    }

    fn next_compressed(bytes: &[u8]) -> Result<Option<Packet>, FrameError> {
        let mut input = input(bytes);
        input.enable_compression(256);
        input.next(Limit::PROTOCOL)
    }

    #[test]
    fn frames_at_the_edges() {
        assert_eq!(next(&[]), Ok(None));
        assert_eq!(next(&[0]), Err(FrameError::Empty));
        assert_eq!(next(&[1]), Ok(None));
        let one = Packet {
            id: 0,
            data: Bytes::new(),
        };
        assert_eq!(next(&frame_of(1)), Ok(Some(one)));
        let largest = frame_of(MAX_FRAME);
        assert_eq!(next(&largest[..largest.len() - 1]), Ok(None));
        let packet = next(&largest).unwrap().unwrap();
        assert_eq!(packet.data.len(), MAX_FRAME - 1);
        // 2,097,152 takes a fourth byte, which is refused before anything else of the frame has come.
        assert_eq!(
            next(&frame_of(MAX_FRAME + 1)[..3]),
            Err(FrameError::LengthTooLong)
        );
        // So are minus one and a padded length.
        assert_eq!(
            next(&[0xff, 0xff, 0xff, 0xff, 0x0f]),
            Err(FrameError::LengthTooLong)
        );
        assert_eq!(
            next(&[0x81, 0x80, 0x80, 0x00]),
            Err(FrameError::LengthTooLong)
        );
        assert_eq!(next(&[0x81, 0x80, 0x00, 0x07]).unwrap().unwrap().id, 7);
    }

    #[test]
    fn a_state_can_allow_less() {
        let limit = Limit::of(100);
        assert!(input(&frame_of(100)).next(limit).unwrap().is_some());
        let error = FrameError::TooLong {
            found: 101,
            limit: 100,
        };
        assert_eq!(input(&frame_of(101)[..1]).next(limit), Err(error));
    }

    #[test]
    fn packet_ids_that_cannot_be() {
        assert_eq!(
            next(&[5, 0xff, 0xff, 0xff, 0xff, 0x0f]),
            Err(FrameError::NegativePacketId(-1))
        );
        assert_eq!(next(&[1, 0x80]), Err(FrameError::Empty));
        let overlong = FrameError::PacketId(WireError::OverlongVarint);
        assert_eq!(next(&[5, 0xff, 0xff, 0xff, 0xff, 0x7f]), Err(overlong));
    }

    #[test]
    fn compression_at_the_threshold() {
        let data = [3; 257];
        let packet = next_compressed(&compressed(256, &zlib(&data[..256])))
            .unwrap()
            .unwrap();
        assert_eq!((packet.id, packet.data.len()), (3, 255));
        let below = FrameError::BelowThreshold {
            declared: 255,
            threshold: 256,
        };
        assert_eq!(
            next_compressed(&compressed(255, &zlib(&data[..255]))),
            Err(below)
        );
        // Uncompressed whatever its size, as vanilla takes it.
        let packet = next_compressed(&compressed(0, &data)).unwrap().unwrap();
        assert_eq!((packet.id, packet.data.len()), (3, 256));
        assert_eq!(next_compressed(&compressed(0, &[])), Err(FrameError::Empty));
    }

    #[test]
    fn declared_sizes_at_the_limit_and_past_it() {
        let data = vec![0; MAX_UNCOMPRESSED + 1];
        let limit = i32::try_from(MAX_UNCOMPRESSED).unwrap();
        let at = compressed(limit, &zlib(&data[..MAX_UNCOMPRESSED]));
        assert_eq!(
            next_compressed(&at).unwrap().unwrap().data.len(),
            MAX_UNCOMPRESSED - 1
        );
        let past = compressed(limit + 1, &zlib(&data));
        let error = FrameError::TooLongUncompressed {
            declared: MAX_UNCOMPRESSED + 1,
            limit: MAX_UNCOMPRESSED,
        };
        assert_eq!(next_compressed(&past), Err(error));
        let negative = FrameError::DataLength(WireError::NegativeLength(-1));
        assert_eq!(next_compressed(&compressed(-1, &[])), Err(negative));
        let cut = FrameError::DataLength(WireError::Incomplete);
        assert_eq!(next_compressed(&[1, 0x80]), Err(cut));
    }

    #[test]
    fn a_bomb_costs_no_more_than_it_declares() {
        let bomb = zlib(&vec![0; 64 * 1024 * 1024]);
        assert!(bomb.len() < MAX_FRAME);
        let error = FrameError::LargerThanDeclared { declared: 256 };
        assert_eq!(next_compressed(&compressed(256, &bomb)), Err(error));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_are_taken_apart_or_refused(
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
            threshold in proptest::option::of(0_usize..64),
        ) {
            let mut input = input(&bytes);
            if let Some(threshold) = threshold {
                input.enable_compression(threshold);
            }
            while let Ok(Some(_)) = input.next(Limit::PROTOCOL) {}
        }
    }
}
