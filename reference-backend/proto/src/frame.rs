//! Frames: a length, and within it one packet, compressed or not. Bytes go in at [`Input::push`], packets come out at
//! [`Input::next`]; [`Output`] is the other way.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::compression;
use crate::error::FrameError;
use crate::wire::{Reader, WireError, WriteExt, varint_len};

/// The longest frame, and so the longest packet: what a length of three bytes can say (vanilla's frame decoder reads
/// no more than three).
pub const MAX_FRAME: usize = 2_097_151;

/// The largest size that a compressed packet may declare. Vanilla's bound until 1.16; the 8 MiB of later versions
/// would let a few KiB cost that much memory, and whatever is larger than a frame cannot be sent uncompressed anyway.
pub const MAX_UNCOMPRESSED: usize = 2_097_152;

/// How many bytes a frame length may take.
const LENGTH_MAX_BYTES: usize = 3;

/// Bytes of one [`Output::take`], so that what waits stays countable while a slow peer is written to.
pub const MAX_CHUNK: usize = 64 * 1024;

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
}

impl Input {
    pub(crate) fn push(&mut self, data: &[u8]) {
        self.buffer.extend_from_slice(data);
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
        let Some((header, len)) = frame_length(&self.buffer, limit.frame)? else {
            return Ok(None);
        };
        if self.buffer.len() < header + len {
            self.buffer.reserve(header + len - self.buffer.len());
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
            if len <= MAX_FRAME {
                self.buffer.reserve(LENGTH_MAX_BYTES + len);
                self.buffer.put_len(len);
                self.buffer.put_varint(declared);
                self.buffer.put_slice(packed);
                Ok(())
            } else if size < MAX_FRAME {
                // What zlib cannot shrink may have grown past the limit. The client takes it uncompressed.
                self.below_threshold(size, id, data);
                Ok(())
            } else {
                Err(())
            }
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

/// Bytes of a packet before compression and without its frame: its id and its payload.
pub(crate) fn packet_size(id: i32, data: &[u8]) -> usize {
    varint_len(id) + data.len()
}
