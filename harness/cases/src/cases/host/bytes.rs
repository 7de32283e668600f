//! The few bytes that a case writes and reads itself, where no client would say such a thing: varints, strings and
//! frames without compression.

use std::time::Duration;

use sim_client::Stream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Longest frame that is read here.
const LONGEST: usize = 1 << 16;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A packet under construction: its id and its fields.
#[derive(Debug, Default)]
pub struct Packet(Vec<u8>);

impl Packet {
    /// With nothing but an id.
    pub fn new(id: i32) -> Self {
        Self::default().varint(id)
    }

    /// LEB128 of the two's complement, as the protocol has it.
    pub fn varint(mut self, value: i32) -> Self {
        let mut rest = value.cast_unsigned();
        while rest >= 0x80 {
            self.0.push((rest & 0x7f) as u8 | 0x80);
            rest >>= 7;
        }
        self.0.push(rest as u8);
        self
    }

    /// A string with its length in bytes.
    pub fn string(self, text: &str) -> Self {
        let length = i32::try_from(text.len()).unwrap_or(i32::MAX);
        let mut packet = self.varint(length);
        packet.0.extend_from_slice(text.as_bytes());
        packet
    }

    /// As they are.
    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// As it is.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// With its length in front.
    pub fn framed(self) -> Vec<u8> {
        let length = i32::try_from(self.0.len()).unwrap_or(i32::MAX);
        Self::default().varint(length).bytes(&self.0).0
    }
}

/// A handshake of any protocol, for status (1) or login (2).
pub fn handshake(protocol: i32, next: i32) -> Vec<u8> {
    Packet::new(0)
        .varint(protocol)
        .string("localhost")
        .bytes(&25565_u16.to_be_bytes())
        .varint(next)
        .framed()
}

/// A connection that a case drives byte by byte.
pub struct Wire(pub Stream);

impl Wire {
    /// Whether it could be written.
    pub async fn write(&mut self, bytes: &[u8]) -> bool {
        let written = tokio::time::timeout(PATIENCE, self.0.write_all(bytes)).await;
        matches!(written, Ok(Ok(())))
    }

    /// The next frame's id and data, unless the other side ends first or takes too long.
    pub async fn frame(&mut self) -> Option<(i32, Vec<u8>)> {
        let frame = tokio::time::timeout(PATIENCE, async {
            let length = usize::try_from(self.varint().await?)
                .ok()
                .filter(|length| *length <= LONGEST)?;
            let mut data = vec![0; length];
            self.0.read_exact(&mut data).await.ok()?;
            let (id, used) = varint(&data)?;
            Some((id, data.split_off(used)))
        });
        frame.await.ok().flatten()
    }

    async fn varint(&mut self) -> Option<i32> {
        let mut value = 0_u32;
        for shift in (0..35).step_by(7) {
            let byte = self.0.read_u8().await.ok()?;
            value |= u32::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(value.cast_signed());
            }
        }
        None
    }
}

/// A varint at the start of the bytes, and how many it takes.
pub fn varint(bytes: &[u8]) -> Option<(i32, usize)> {
    let mut value = 0_u32;
    for (index, byte) in bytes.iter().take(5).enumerate() {
        value |= u32::from(byte & 0x7f).checked_shl(u32::try_from(index * 7).ok()?)?;
        if byte & 0x80 == 0 {
            return Some((value.cast_signed(), index + 1));
        }
    }
    None
}

/// A string with its length in front, if it fills the bytes.
pub fn string(bytes: &[u8]) -> Option<&str> {
    let (length, used) = varint(bytes)?;
    let text = bytes.get(used..)?;
    (usize::try_from(length).ok()? == text.len())
        .then(|| std::str::from_utf8(text).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_are_written_as_they_are_read() {
        for value in [0, 1, 127, 128, 255, 2_097_151, i32::MAX, -1, i32::MIN] {
            let bytes = Packet::default().varint(value).0;
            assert_eq!(varint(&bytes), Some((value, bytes.len())), "{value}");
        }
        assert_eq!(varint(&[0x80]), None);
        assert_eq!(Packet::new(0).string("é").framed(), [4, 0, 2, 0xc3, 0xa9]);
    }
}
