//! The primitives of the protocol. Reading has three outcomes: a value, [`WireError::Incomplete`], and any other
//! [`WireError`], which says why the bytes can never become a value.

use bytes::{BufMut, BytesMut};

/// A varint holds 32 bits, 7 in each byte.
const VARINT_MAX_BYTES: usize = 5;

/// Why a primitive could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// The bytes end before the value does; more of them may make it whole.
    #[error("the data ends inside a value")]
    Incomplete,
    /// A varint that goes on after its fifth byte, or whose fifth byte holds more than the four bits that are left.
    #[error("a varint has more than 32 bits")]
    OverlongVarint,
    /// A boolean is 0 or 1.
    #[error("a boolean is {0}")]
    BadBool(u8),
    /// A length or a count that is below zero.
    #[error("a length is negative: {0}")]
    NegativeLength(i32),
    /// A length or a count past what the field allows.
    #[error("a length is {found}, over the limit of {limit}")]
    TooLong {
        /// As read.
        found: usize,
        /// The field's own bound, in its own unit (UTF-16 units for strings, bytes or elements otherwise).
        limit: usize,
    },
    /// A string that is not UTF-8.
    #[error("a string is not UTF-8")]
    BadUtf8,
}

/// Reads primitives from the front of a slice.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(data: &'a [u8]) -> Self {
        Self { rest: data }
    }

    /// How many bytes have not been read.
    pub(crate) const fn remaining(&self) -> usize {
        self.rest.len()
    }

    pub(crate) fn bytes(&mut self, len: usize) -> Result<&'a [u8], WireError> {
        let (taken, rest) = self
            .rest
            .split_at_checked(len)
            .ok_or(WireError::Incomplete)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(WireError::Incomplete)?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, WireError> {
        self.array().map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, WireError> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn i64(&mut self) -> Result<i64, WireError> {
        self.array().map(i64::from_be_bytes)
    }

    pub(crate) fn u128(&mut self) -> Result<u128, WireError> {
        self.array().map(u128::from_be_bytes)
    }

    pub(crate) fn bool(&mut self) -> Result<bool, WireError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(WireError::BadBool(other)),
        }
    }

    /// Trailing zero groups are accepted, as the game does: proxies pad their lengths with them.
    pub(crate) fn varint(&mut self) -> Result<i32, WireError> {
        let mut value = 0_u32;
        for index in 0..VARINT_MAX_BYTES {
            let byte = *self.rest.get(index).ok_or(WireError::Incomplete)?;
            if index == VARINT_MAX_BYTES - 1 && byte > 0x0f {
                return Err(WireError::OverlongVarint);
            }
            value |= u32::from(byte & 0x7f) << (7 * index);
            if byte & 0x80 == 0 {
                self.rest = &self.rest[index + 1..];
                return Ok(value.cast_signed());
            }
        }
        Err(WireError::OverlongVarint)
    }

    /// A length or a count of 0 to `limit`.
    pub(crate) fn length(&mut self, limit: usize) -> Result<usize, WireError> {
        let raw = self.varint()?;
        let found = usize::try_from(raw).map_err(|_| WireError::NegativeLength(raw))?;
        if found > limit {
            return Err(WireError::TooLong { found, limit });
        }
        Ok(found)
    }

    /// At most `limit` UTF-16 units, which is how the game counts; a unit takes at most three bytes of UTF-8.
    pub(crate) fn string(&mut self, limit: usize) -> Result<&'a str, WireError> {
        let len = self.length(limit * 3).map_err(|error| match error {
            WireError::TooLong { found, .. } => WireError::TooLong { found, limit },
            other => other,
        })?;
        let bytes = self.bytes(len)?;
        let text = core::str::from_utf8(bytes).map_err(|_| WireError::BadUtf8)?;
        let found = utf16_len(text);
        if found > limit {
            return Err(WireError::TooLong { found, limit });
        }
        Ok(text)
    }
}

/// Writes primitives to the end of a buffer.
pub trait WriteExt {
    /// 1 to 5 bytes; a negative number takes 5.
    fn put_varint(&mut self, value: i32);
    /// A length or a count, as a varint.
    fn put_len(&mut self, len: usize);
    /// Its length in bytes, and UTF-8.
    fn put_string(&mut self, text: &str);
    /// One byte.
    fn put_bool(&mut self, value: bool);
}

impl WriteExt for BytesMut {
    fn put_varint(&mut self, value: i32) {
        let mut rest = value.cast_unsigned();
        while rest > 0x7f {
            self.put_u8((rest & 0x7f) as u8 | 0x80);
            rest >>= 7;
        }
        self.put_u8(rest as u8);
    }

    fn put_len(&mut self, len: usize) {
        // Whatever is over the frame limit is refused before it is sent, long before a length can pass 2^31.
        self.put_varint(i32::try_from(len).unwrap_or(i32::MAX));
    }

    fn put_string(&mut self, text: &str) {
        self.put_len(text.len());
        self.put_slice(text.as_bytes());
    }

    fn put_bool(&mut self, value: bool) {
        self.put_u8(u8::from(value));
    }
}

/// How many bytes a varint takes: 1 to 5.
pub(crate) const fn varint_len(value: i32) -> usize {
    match value.cast_unsigned() {
        0..=0x7f => 1,
        0x80..=0x3fff => 2,
        0x4000..=0x1f_ffff => 3,
        0x20_0000..=0x0fff_ffff => 4,
        _ => 5,
    }
}

/// The length of a text as the game counts it.
pub(crate) fn utf16_len(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(write: impl FnOnce(&mut BytesMut)) -> BytesMut {
        let mut out = BytesMut::new();
        write(&mut out);
        out
    }

    fn every_truncation_is_incomplete<T: core::fmt::Debug + PartialEq>(
        bytes: &[u8],
        read: impl Fn(&mut Reader<'_>) -> Result<T, WireError>,
    ) {
        for len in 0..bytes.len() {
            let mut reader = Reader::new(&bytes[..len]);
            assert_eq!(
                read(&mut reader),
                Err(WireError::Incomplete),
                "{len} of {bytes:?}"
            );
        }
    }

    #[test]
    fn varints_of_other_implementations() {
        // The examples that the protocol's community documents.
        let known: [(i32, &[u8]); 9] = [
            (0, &[0x00]),
            (1, &[0x01]),
            (127, &[0x7f]),
            (128, &[0x80, 0x01]),
            (25565, &[0xdd, 0xc7, 0x01]),
            (2_097_151, &[0xff, 0xff, 0x7f]),
            (i32::MAX, &[0xff, 0xff, 0xff, 0xff, 0x07]),
            (-1, &[0xff, 0xff, 0xff, 0xff, 0x0f]),
            (i32::MIN, &[0x80, 0x80, 0x80, 0x80, 0x08]),
        ];
        for (value, bytes) in known {
            assert_eq!(&written(|out| out.put_varint(value))[..], bytes);
            assert_eq!(Reader::new(bytes).varint(), Ok(value));
            assert_eq!(varint_len(value), bytes.len());
        }
    }

    #[test]
    fn a_varint_past_32_bits_is_malformed_not_incomplete() {
        for bytes in [
            &[0xff, 0xff, 0xff, 0xff, 0x1f][..],
            &[0xff, 0xff, 0xff, 0xff, 0x8f],
            &[0x80, 0x80, 0x80, 0x80, 0x80],
            &[0x80, 0x80, 0x80, 0x80, 0x80, 0x00],
        ] {
            assert_eq!(Reader::new(bytes).varint(), Err(WireError::OverlongVarint));
        }
    }

    #[test]
    fn a_padded_varint_is_accepted() {
        assert_eq!(Reader::new(&[0x81, 0x80, 0x00]).varint(), Ok(1));
    }

    #[test]
    fn a_string_is_measured_in_utf16_units() {
        let at = "𝄞".repeat(8);
        let past = format!("{at}a");
        let bytes = written(|out| out.put_string(&at));
        assert_eq!(Reader::new(&bytes).string(16), Ok(at.as_str()));
        let bytes = written(|out| out.put_string(&past));
        let error = WireError::TooLong {
            found: 17,
            limit: 16,
        };
        assert_eq!(Reader::new(&bytes).string(16), Err(error));
    }

    #[test]
    fn a_length_past_the_bound_does_not_wait_for_the_bytes() {
        let bytes = written(|out| out.put_varint(49));
        let error = WireError::TooLong {
            found: 49,
            limit: 16,
        };
        assert_eq!(Reader::new(&bytes).string(16), Err(error));
        let bytes = written(|out| out.put_varint(-1));
        assert_eq!(
            Reader::new(&bytes).string(16),
            Err(WireError::NegativeLength(-1))
        );
    }

    #[test]
    fn a_boolean_is_zero_or_one() {
        assert_eq!(Reader::new(&[2]).bool(), Err(WireError::BadBool(2)));
    }

    #[test]
    fn a_string_must_be_utf8() {
        assert_eq!(Reader::new(&[1, 0xff]).string(4), Err(WireError::BadUtf8));
    }

    proptest! {
        #[test]
        fn reading_undoes_writing_a_varint(value: i32) {
            let bytes = written(|out| out.put_varint(value));
            let mut reader = Reader::new(&bytes);
            prop_assert_eq!(reader.varint(), Ok(value));
            prop_assert_eq!(reader.remaining(), 0);
            prop_assert_eq!(bytes.len(), varint_len(value));
            every_truncation_is_incomplete(&bytes, |reader| reader.varint());
        }

        #[test]
        fn reading_undoes_writing_the_rest(text in "\\PC{0,40}", number: i64, uuid: u128, short: u16, flag: bool) {
            let bytes = written(|out| {
                out.put_string(&text);
                out.put_i64(number);
                out.put_u128(uuid);
                out.put_u16(short);
                out.put_bool(flag);
            });
            let read = |reader: &mut Reader<'_>| {
                Ok((
                    reader.string(80)?.to_owned(),
                    reader.i64()?,
                    reader.u128()?,
                    reader.u16()?,
                    reader.bool()?,
                ))
            };
            prop_assert_eq!(read(&mut Reader::new(&bytes)), Ok((text, number, uuid, short, flag)));
            every_truncation_is_incomplete(&bytes, read);
        }

        #[test]
        fn arbitrary_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = Reader::new(&bytes).varint();
            let _ = Reader::new(&bytes).string(16);
            let _ = Reader::new(&bytes).length(16);
        }
    }
}
