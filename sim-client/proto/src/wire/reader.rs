use std::fmt::Display;

use super::{DecodeError, DecodeErrorKind, MAX_IDENTIFIER, MAX_VARINT_BYTES, MAX_VARLONG_BYTES};
use crate::Version;

/// Longest text of a value that is recorded for a dump, in characters.
const MAX_VALUE_TEXT: usize = 120;
/// Most fields that are recorded of one packet: a dump is read by people.
const MAX_FIELDS: usize = 4096;

/// One field of a packet, as a dump shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Offset in the packet's data, which starts after the id.
    pub offset: usize,
    /// Length in bytes.
    pub len: usize,
    /// The field's path: `worldNames[2]`.
    pub path: String,
    /// The value as text, at most 120 characters.
    pub value: String,
}

/// Reads a packet's data from front to back and knows where it is: offset and field.
///
/// Each method takes the field's name. With [`Reader::recording`] every field is noted for a dump; else that costs
/// nothing.
#[derive(Debug)]
pub struct Reader<'a> {
    data: &'a [u8],
    at: usize,
    version: Version,
    path: Vec<Segment>,
    fields: Option<Vec<Field>>,
    muted: u32,
}

#[derive(Debug)]
enum Segment {
    Name(&'static str),
    Owned(String),
    Index(usize),
}

type Read<T> = Result<T, DecodeError>;

impl<'a> Reader<'a> {
    /// A reader that records nothing.
    pub fn new(data: &'a [u8], version: Version) -> Self {
        Reader {
            data,
            at: 0,
            version,
            path: Vec::new(),
            fields: None,
            muted: 0,
        }
    }

    /// A reader that records its fields.
    pub fn recording(data: &'a [u8], version: Version) -> Self {
        Reader {
            fields: Some(Vec::new()),
            ..Reader::new(data, version)
        }
    }

    /// The protocol whose packet this is.
    pub fn version(&self) -> Version {
        self.version
    }

    /// What was recorded so far.
    pub fn into_fields(self) -> Vec<Field> {
        self.fields.unwrap_or_default()
    }

    /// Where the next byte is read.
    pub fn offset(&self) -> usize {
        self.at
    }

    /// How many bytes are left.
    pub fn left(&self) -> usize {
        self.data.len() - self.at
    }

    /// Whether fields are recorded.
    pub fn is_recording(&self) -> bool {
        self.fields.is_some() && self.muted == 0
    }

    /// Everything must have been read.
    pub fn finish(&self) -> Read<()> {
        match self.left() {
            0 => Ok(()),
            count => Err(self.error_at(self.at, "", DecodeErrorKind::TrailingBytes { count })),
        }
    }

    /// An error in a field of this reader that starts at `offset`.
    pub fn error_at(
        &self,
        offset: usize,
        field: &str,
        kind: impl Into<DecodeErrorKind>,
    ) -> DecodeError {
        DecodeError {
            field: self.path_to(field),
            offset,
            kind: kind.into(),
        }
    }

    /// Reads the fields of a part under its name.
    pub fn within<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&mut Self) -> Read<T>,
    ) -> Read<T> {
        self.path.push(Segment::Name(name));
        let result = read(self);
        self.path.pop();
        result
    }

    /// Reads an element under its index.
    pub fn at_index<T>(
        &mut self,
        index: usize,
        read: impl FnOnce(&mut Self) -> Read<T>,
    ) -> Read<T> {
        self.path.push(Segment::Index(index));
        let result = read(self);
        self.path.pop();
        result
    }

    /// Records nothing of what `read` reads.
    pub fn muted<T>(&mut self, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        self.muted += 1;
        let result = read(self);
        self.muted -= 1;
        result
    }

    /// The next byte, which stays.
    pub fn peek(&self) -> Option<u8> {
        self.data.get(self.at).copied()
    }

    /// Like [`Reader::within`], for a name that came with the data.
    pub fn within_named<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&mut Self) -> Read<T>,
    ) -> Read<T> {
        self.path.push(Segment::Owned(name.to_owned()));
        let result = read(self);
        self.path.pop();
        result
    }

    /// Reads `count` things, each under its index.
    pub fn repeat<T>(
        &mut self,
        name: &'static str,
        count: usize,
        mut read: impl FnMut(&mut Self) -> Read<T>,
    ) -> Read<Vec<T>> {
        // A count is only a claim: nothing is reserved for more than the bytes that are left.
        let mut all = Vec::with_capacity(count.min(self.left()).min(1024));
        self.path.push(Segment::Name(name));
        for index in 0..count {
            self.path.push(Segment::Index(index));
            match read(self) {
                Ok(one) => all.push(one),
                // The path stays as it was at the error; the reader is not used after one.
                Err(error) => return Err(error),
            }
            self.path.pop();
        }
        self.path.pop();
        Ok(all)
    }

    /// A varint count, then that many things.
    pub fn array<T>(
        &mut self,
        name: &'static str,
        limit: usize,
        read: impl FnMut(&mut Self) -> Read<T>,
    ) -> Read<Vec<T>> {
        let count = self.within(name, |r| r.length("count", limit))?;
        self.repeat(name, count, read)
    }

    /// A boolean, then the thing if it is true.
    pub fn option<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&mut Self) -> Read<T>,
    ) -> Read<Option<T>> {
        let present = self.within(name, |r| r.bool("present"))?;
        if present {
            read(self).map(Some)
        } else {
            Ok(None)
        }
    }

    /// Lets `read` see the next `length` bytes and no more; answers also how many of them it did not read, which are
    /// skipped.
    pub fn bounded<T>(
        &mut self,
        name: &'static str,
        length: usize,
        read: impl FnOnce(&mut Self) -> Read<T>,
    ) -> Read<(T, usize)> {
        let whole = self.data;
        let Some(part) = whole.get(..self.at.saturating_add(length)) else {
            let kind = DecodeErrorKind::UnexpectedEnd {
                wanted: length,
                left: self.left(),
            };
            return Err(self.error_at(self.at, name, kind));
        };
        self.data = part;
        let result = self.within(name, read);
        let skipped = self.left();
        if result.is_ok() && skipped > 0 {
            self.path.push(Segment::Name(name));
            self.record_span(
                "(left over)",
                self.at,
                skipped,
                format_args!("{skipped} bytes"),
            );
            self.path.pop();
        }
        self.at = part.len();
        self.data = whole;
        result.map(|value| (value, skipped))
    }

    /// Records nothing of what `read` reads, but one field for all of it.
    pub fn summarised<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&mut Self) -> Read<T>,
        value: impl FnOnce(&T) -> String,
    ) -> Read<T> {
        let start = self.at;
        self.muted += 1;
        let result = self.within(name, read);
        self.muted -= 1;
        let result = result?;
        if self.is_recording() {
            self.record(name, start, value(&result));
        }
        Ok(result)
    }

    /// Notes a field that starts at `start` and ends here.
    pub fn record(&mut self, name: &str, start: usize, value: impl Display) {
        let end = self.at;
        self.record_span(name, start, end - start, value);
    }

    /// Notes a field anywhere.
    pub fn record_span(&mut self, name: &str, offset: usize, len: usize, value: impl Display) {
        if !self.is_recording() {
            return;
        }
        let path = self.path_to(name);
        if let Some(fields) = &mut self.fields
            && fields.len() < MAX_FIELDS
        {
            let mut text = value.to_string();
            if text.chars().count() > MAX_VALUE_TEXT {
                text = text.chars().take(MAX_VALUE_TEXT - 1).chain(['…']).collect();
            }
            fields.push(Field {
                offset,
                len,
                path,
                value: text,
            });
        }
    }

    /// Exactly `count` bytes, not recorded.
    pub fn take(&mut self, name: &str, count: usize) -> Read<&'a [u8]> {
        match self.data.get(self.at..self.at.saturating_add(count)) {
            Some(bytes) => {
                self.at += count;
                Ok(bytes)
            }
            None => Err(self.error_at(
                self.at,
                name,
                DecodeErrorKind::UnexpectedEnd {
                    wanted: count,
                    left: self.left(),
                },
            )),
        }
    }

    /// Exactly `count` bytes.
    pub fn bytes(&mut self, name: &str, count: usize) -> Read<&'a [u8]> {
        let start = self.at;
        let bytes = self.take(name, count)?;
        if self.is_recording() {
            self.record(name, start, format_args!("{count} bytes"));
        }
        Ok(bytes)
    }

    /// All bytes that are left; more than `limit` are an error.
    pub fn rest(&mut self, name: &str, limit: usize) -> Read<&'a [u8]> {
        let length = self.left();
        if length > limit {
            return Err(self.error_at(
                self.at,
                name,
                DecodeErrorKind::LengthOverLimit { length, limit },
            ));
        }
        self.bytes(name, length)
    }

    /// A varint length, then that many bytes.
    pub fn prefixed_bytes(&mut self, name: &'static str, limit: usize) -> Read<&'a [u8]> {
        let length = self.within(name, |r| r.length("length", limit))?;
        self.bytes(name, length)
    }

    /// Any byte but 0 is true, as in vanilla.
    pub fn bool(&mut self, name: &str) -> Read<bool> {
        let start = self.at;
        let value = self.fixed::<1>(name)?[0] != 0;
        self.record(name, start, value);
        Ok(value)
    }

    /// Unsigned, one byte.
    pub fn u8(&mut self, name: &str) -> Read<u8> {
        let start = self.at;
        let value = u8::from_be_bytes(self.fixed(name)?);
        self.record(name, start, value);
        Ok(value)
    }

    /// Signed, one byte.
    pub fn i8(&mut self, name: &str) -> Read<i8> {
        let start = self.at;
        let value = i8::from_be_bytes(self.fixed(name)?);
        self.record(name, start, value);
        Ok(value)
    }

    /// Unsigned, two bytes.
    pub fn u16(&mut self, name: &str) -> Read<u16> {
        let start = self.at;
        let value = u16::from_be_bytes(self.fixed(name)?);
        self.record(name, start, value);
        Ok(value)
    }

    /// Signed, two bytes.
    pub fn i16(&mut self, name: &str) -> Read<i16> {
        let start = self.at;
        let value = i16::from_be_bytes(self.fixed(name)?);
        self.record(name, start, value);
        Ok(value)
    }

    /// Signed, four bytes.
    pub fn i32(&mut self, name: &str) -> Read<i32> {
        let start = self.at;
        let value = i32::from_be_bytes(self.fixed(name)?);
        self.record(name, start, value);
        Ok(value)
    }

    /// Signed, eight bytes.
    pub fn i64(&mut self, name: &str) -> Read<i64> {
        let start = self.at;
        let value = i64::from_be_bytes(self.fixed(name)?);
        self.record(name, start, value);
        Ok(value)
    }

    /// Four bytes, IEEE 754.
    pub fn f32(&mut self, name: &str) -> Read<f32> {
        let start = self.at;
        let value = f32::from_be_bytes(self.fixed(name)?);
        self.record(name, start, value);
        Ok(value)
    }

    /// Eight bytes, IEEE 754.
    pub fn f64(&mut self, name: &str) -> Read<f64> {
        let start = self.at;
        let value = f64::from_be_bytes(self.fixed(name)?);
        self.record(name, start, value);
        Ok(value)
    }

    /// Sixteen bytes.
    pub fn uuid(&mut self, name: &str) -> Read<u128> {
        let start = self.at;
        let value = u128::from_be_bytes(self.fixed(name)?);
        self.record(name, start, format_args!("{value:032x}"));
        Ok(value)
    }

    /// At most five bytes; what the fifth says beyond 32 bits is dropped, as in vanilla.
    pub fn varint(&mut self, name: &str) -> Read<i32> {
        let start = self.at;
        let value = self.leb128(name, MAX_VARINT_BYTES)?;
        #[allow(
            clippy::cast_possible_truncation,
            reason = "vanilla drops the same bits"
        )]
        let value = value as u32 as i32;
        self.record(name, start, value);
        Ok(value)
    }

    /// At most ten bytes.
    pub fn varlong(&mut self, name: &str) -> Read<i64> {
        let start = self.at;
        let value = self.leb128(name, MAX_VARLONG_BYTES)?.cast_signed();
        self.record(name, start, value);
        Ok(value)
    }

    /// A varint that counts something: not negative, at most `limit`.
    pub fn length(&mut self, name: &str, limit: usize) -> Read<usize> {
        let start = self.at;
        let value = self.varint(name)?;
        let Ok(length) = usize::try_from(value) else {
            return Err(self.error_at(start, name, DecodeErrorKind::NegativeLength(value)));
        };
        if length > limit {
            return Err(self.error_at(
                start,
                name,
                DecodeErrorKind::LengthOverLimit { length, limit },
            ));
        }
        Ok(length)
    }

    /// A string of at most `limit` UTF-16 units.
    pub fn string(&mut self, name: &str, limit: usize) -> Read<&'a str> {
        let start = self.at;
        self.muted += 1;
        let bytes = self.length(
            name,
            limit.saturating_mul(self.version.string_bytes_per_unit()),
        );
        self.muted -= 1;
        let bytes = self.take(name, bytes?)?;
        let Ok(text) = std::str::from_utf8(bytes) else {
            return Err(self.error_at(start, name, DecodeErrorKind::InvalidUtf8));
        };
        let length = text.encode_utf16().count();
        if length > limit {
            return Err(self.error_at(
                start,
                name,
                DecodeErrorKind::LengthOverLimit { length, limit },
            ));
        }
        if self.is_recording() {
            self.record(name, start, format_args!("{text:?}"));
        }
        Ok(text)
    }

    /// An identifier, without its namespace or with one. Checked from 393 on, as the clients do.
    pub fn identifier(&mut self, name: &str) -> Read<&'a str> {
        let start = self.at;
        let text = self.string(name, MAX_IDENTIFIER)?;
        if self.version.checks_identifiers() && !is_identifier(text) {
            return Err(self.error_at(
                start,
                name,
                DecodeErrorKind::InvalidIdentifier(text.to_owned()),
            ));
        }
        Ok(text)
    }

    /// A varint count, then that many eight-byte numbers.
    pub fn longs(&mut self, name: &'static str, limit: usize) -> Read<Vec<u64>> {
        let start = self.at;
        self.muted += 1;
        let count = self.length(name, limit);
        self.muted -= 1;
        let count = count?;
        let bytes = self.take(name, count.saturating_mul(8))?;
        let longs: Vec<u64> = bytes
            .as_chunks::<8>()
            .0
            .iter()
            .map(|chunk| u64::from_be_bytes(*chunk))
            .collect();
        if self.is_recording() {
            self.record(name, start, format_args!("{count} longs"));
        }
        Ok(longs)
    }

    fn fixed<const N: usize>(&mut self, name: &str) -> Read<[u8; N]> {
        let bytes = self.take(name, N)?;
        let mut array = [0; N];
        array.copy_from_slice(bytes);
        Ok(array)
    }

    fn leb128(&mut self, name: &str, max: usize) -> Read<u64> {
        let start = self.at;
        let mut value = 0_u64;
        for index in 0..max {
            let [byte] = self.fixed::<1>(name)?;
            value |= u64::from(byte & 0x7f)
                .checked_shl(7 * u32::try_from(index).unwrap_or(u32::MAX))
                .unwrap_or(0);
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(self.error_at(start, name, DecodeErrorKind::VarIntTooLong { max }))
    }

    fn path_to(&self, field: &str) -> String {
        let mut path = String::new();
        for segment in &self.path {
            match segment {
                Segment::Name(name) => push_name(&mut path, name),
                Segment::Owned(name) => push_name(&mut path, name),
                Segment::Index(index) => {
                    path.push('[');
                    path.push_str(&index.to_string());
                    path.push(']');
                }
            }
        }
        push_name(&mut path, field);
        path
    }
}

fn push_name(path: &mut String, name: &str) {
    if !path.is_empty() && !name.is_empty() {
        path.push('.');
    }
    path.push_str(name);
}

/// Whether a text is an identifier as the game's `ResourceLocation` reads it.
pub(crate) fn is_identifier(text: &str) -> bool {
    let (namespace, path) = text.split_once(':').unwrap_or(("minecraft", text));
    let plain = |c: u8| matches!(c, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-');
    namespace.bytes().all(plain) && path.bytes().all(|c| plain(c) || c == b'/')
}
