use bytes::{Buf, Bytes, BytesMut};

use super::{FrameError, MAX_VARINT_BYTES, Reader, Writer, zlib};
use crate::Version;

/// Largest frame in bytes, without its length: what three bytes of a varint can say (vanilla's frame decoder).
pub const MAX_FRAME: usize = (1 << 21) - 1;

/// Most zeros that a connection adds to packets shorter than stated (until 763), in bytes: this client's own bound, so
/// that a few bytes do not claim a heap of packets. A real one has no such bound, and reads next to none of them: a
/// packet with that much behind its end is refused.
pub const MAX_FILLED: usize = 1 << 14;

/// Most bytes of a frame's length.
const LENGTH_BYTES: usize = 3;

/// One packet from the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The packet's id.
    pub id: i32,
    /// Its bytes after the id.
    pub data: Bytes,
    /// Something odd that a real client does not mind.
    pub note: Option<FrameNote>,
}

/// Something odd about a frame that a real client does not mind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameNote {
    /// Not compressed, although it reaches the threshold.
    Uncompressed {
        /// Its size in bytes.
        size: usize,
        /// The threshold that the server set.
        threshold: usize,
    },
    /// Its length took more bytes than needed.
    LongPrefix,
    /// Compressed, although it does not reach the threshold (756+).
    CompressedBelowThreshold {
        /// Stated uncompressed size in bytes.
        size: usize,
        /// The threshold that the server set.
        threshold: usize,
    },
    /// More came out than was stated: what is over is dropped.
    LongerThanStated {
        /// Stated uncompressed size in bytes.
        stated: usize,
    },
    /// Less came out than was stated: zeros follow (until 763).
    ShorterThanStated {
        /// Stated uncompressed size in bytes.
        stated: usize,
        /// What came out, in bytes.
        actual: usize,
    },
}

/// Splits what comes from the server into packets.
///
/// Incomplete is `Ok(None)`. After an error the stream cannot be read any further, and every call answers it again.
#[derive(Debug)]
pub struct FrameDecoder {
    version: Version,
    buffer: BytesMut,
    threshold: Option<usize>,
    broken: Option<FrameError>,
    empty_frames: u64,
    /// Bytes of zeros that were added so far.
    filled: usize,
}

impl FrameDecoder {
    /// A decoder without compression.
    pub fn new(version: Version) -> Self {
        FrameDecoder {
            version,
            buffer: BytesMut::new(),
            threshold: None,
            broken: None,
            empty_frames: 0,
            filled: 0,
        }
    }

    /// Takes bytes in any split.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Compression from the next frame on; None for none.
    pub fn set_threshold(&mut self, threshold: Option<usize>) {
        self.threshold = threshold;
    }

    /// Bytes that wait for the rest of their frame.
    pub fn pending(&self) -> usize {
        self.buffer.len()
    }

    /// How many frames had no contents at all; clients skip them (a length of zero until 772, an empty packet in a
    /// frame that says that it is not compressed on all).
    pub fn empty_frames(&self) -> u64 {
        self.empty_frames
    }

    /// The next packet, None when more bytes are needed.
    ///
    /// # Errors
    ///
    /// What a client's pipeline refuses: see [`FrameError`].
    pub fn next_frame(&mut self) -> Result<Option<Frame>, FrameError> {
        if let Some(error) = &self.broken {
            return Err(error.clone());
        }
        let result = self.read_frame();
        if let Err(error) = &result {
            self.broken = Some(error.clone());
        }
        result
    }

    fn read_frame(&mut self) -> Result<Option<Frame>, FrameError> {
        loop {
            let Some((length, prefix)) = frame_length(&self.buffer)? else {
                return Ok(None);
            };
            if self.buffer.len() < prefix + length {
                return Ok(None);
            }
            self.buffer.advance(prefix);
            if length == 0 {
                if self.version.refuses_empty_frames() {
                    return Err(FrameError::Empty);
                }
                self.empty_frames += 1;
                continue;
            }
            let body = self.buffer.split_to(length).freeze();
            let long = prefix > 1 && length < 1 << (7 * (prefix - 1));
            let (packet, note) = self.unpack(body)?;
            if packet.is_empty() {
                self.empty_frames += 1;
                continue;
            }
            let mut reader = Reader::new(&packet, self.version);
            let id = reader.varint("id").map_err(|_| FrameError::BadPacketId)?;
            let start = reader.offset();
            let note = note.or(long.then_some(FrameNote::LongPrefix));
            return Ok(Some(Frame {
                id,
                data: packet.slice(start..),
                note,
            }));
        }
    }

    fn unpack(&mut self, body: Bytes) -> Result<(Bytes, Option<FrameNote>), FrameError> {
        let Some(threshold) = self.threshold else {
            return Ok((body, None));
        };
        let mut reader = Reader::new(&body, self.version);
        let size = reader
            .varint("size")
            .map_err(|_| FrameError::BadUncompressedLength)?;
        let start = reader.offset();
        let size = usize::try_from(size).map_err(|_| FrameError::BadUncompressedLength)?;
        let rest = body.slice(start..);
        if size == 0 {
            let note =
                (rest.len() >= threshold && threshold > 0).then_some(FrameNote::Uncompressed {
                    size: rest.len(),
                    threshold,
                });
            return Ok((rest, note));
        }
        let mut note = None;
        if size < threshold {
            if self.version.checks_compression_threshold() {
                return Err(FrameError::BelowThreshold { size, threshold });
            }
            note = Some(FrameNote::CompressedBelowThreshold { size, threshold });
        }
        let max = self.version.max_uncompressed();
        if size > max {
            return Err(FrameError::TooLarge { size, max });
        }
        let (bytes, odd) = self.inflate(&rest, size)?;
        Ok((bytes, note.or(odd)))
    }

    /// As the game does: it has its decompressor fill a buffer of the stated size, and looks at how much came from 764
    /// on only.
    fn inflate(
        &mut self,
        data: &[u8],
        stated: usize,
    ) -> Result<(Bytes, Option<FrameNote>), FrameError> {
        // One byte more than stated, to see whether there is more.
        let mut out =
            zlib::inflate(data, stated.saturating_add(1)).map_err(|_| FrameError::Zlib)?;
        let actual = out.len();
        if actual > stated {
            out.truncate(stated);
            return Ok((out.into(), Some(FrameNote::LongerThanStated { stated })));
        }
        if actual == stated {
            return Ok((out.into(), None));
        }
        let missing = stated - actual;
        if self.version.checks_inflated_size() || missing > MAX_FILLED - self.filled {
            return Err(FrameError::SizeMismatch { stated, actual });
        }
        self.filled += missing;
        out.reserve_exact(missing);
        out.resize(stated, 0);
        Ok((
            out.into(),
            Some(FrameNote::ShorterThanStated { stated, actual }),
        ))
    }
}

/// The frame's length and how many bytes said it; None when more are needed.
fn frame_length(buffer: &[u8]) -> Result<Option<(usize, usize)>, FrameError> {
    let mut length = 0;
    for (index, byte) in buffer.iter().take(LENGTH_BYTES).enumerate() {
        length |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Ok(Some((length, index + 1)));
        }
    }
    if buffer.len() >= LENGTH_BYTES {
        Err(FrameError::LengthTooLong)
    } else {
        Ok(None)
    }
}

/// Makes frames of packets to the server.
#[derive(Debug, Default)]
pub struct FrameEncoder {
    threshold: Option<usize>,
}

impl FrameEncoder {
    /// An encoder without compression.
    pub fn new() -> Self {
        FrameEncoder::default()
    }

    /// Compression from the next frame on; None for none.
    pub fn set_threshold(&mut self, threshold: Option<usize>) {
        self.threshold = threshold;
    }

    /// The frame of a packet. A packet that no frame can hold is written nevertheless: what the server makes of it may
    /// be the question.
    pub fn encode(&self, id: i32, data: &[u8]) -> Bytes {
        let size = varint_size(id) + data.len();
        match self.threshold {
            None => framed(size, |frame| frame.varint(id).raw(data)),
            Some(threshold) if size < threshold => {
                framed(1 + size, |frame| frame.u8(0).varint(id).raw(data))
            }
            Some(_) => compressed(length_of(size), id, data),
        }
    }

    /// A compressed frame that declares `size` bytes, whatever it holds: for what a server must refuse.
    pub fn encode_declaring(size: i32, id: i32, data: &[u8]) -> Bytes {
        compressed(size, id, data)
    }

    /// Packets of so many bytes or more are compressed; None for none.
    pub fn threshold(&self) -> Option<usize> {
        self.threshold
    }
}

/// A compressed frame.
fn compressed(declared: i32, id: i32, data: &[u8]) -> Bytes {
    let mut packet = Writer::with_capacity(MAX_VARINT_BYTES + data.len());
    packet.varint(id).raw(data);
    let packed = zlib::deflate(&packet.into_bytes());
    framed(varint_size(declared) + packed.len(), |frame| {
        frame.varint(declared).raw(&packed)
    })
}

/// A frame of `length` bytes, which `write` writes.
fn framed(length: usize, write: impl FnOnce(&mut Writer) -> &mut Writer) -> Bytes {
    let prefix = length_of(length);
    let mut frame = Writer::with_capacity(varint_size(prefix) + length);
    write(frame.varint(prefix));
    frame.into_bytes().into()
}

/// What [`Writer::length`] writes.
fn length_of(length: usize) -> i32 {
    i32::try_from(length).unwrap_or(i32::MAX)
}

/// How many bytes a varint takes: 7 bits each, one for 0.
fn varint_size(value: i32) -> usize {
    let bits = u32::BITS - (value.cast_unsigned() | 1).leading_zeros();
    bits.div_ceil(7) as usize
}
