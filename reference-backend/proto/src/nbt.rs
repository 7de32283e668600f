//! Writing NBT: just enough for registries around given elements and for text components.

use bytes::{BufMut, BytesMut};

/// What a string of NBT can hold: its length is 16 bits, counted in bytes of modified UTF-8.
pub(crate) const MAX_STRING: usize = 65_535;

/// The type bytes that are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Tag {
    /// Ends a compound.
    End = 0,
    /// `i8`.
    Byte = 1,
    /// `i16`.
    Short = 2,
    /// `i32`.
    Int = 3,
    /// `i64`.
    Long = 4,
    /// `f32`.
    Float = 5,
    /// `f64`.
    Double = 6,
    /// A length in 16 bits, and modified UTF-8.
    String = 8,
    /// The type of its elements, their number, and them.
    List = 9,
    /// Named values, until an [`End`](Self::End).
    Compound = 10,
}

/// Appends pieces of NBT.
pub trait NbtExt {
    /// The type byte alone, as before a nameless root.
    fn put_tag(&mut self, tag: Tag);
    /// Type byte and name, as before each value in a compound.
    fn put_named(&mut self, tag: Tag, name: &str);
    /// The payload of a string. Cut where a string of NBT must end.
    fn put_nbt_string(&mut self, text: &str);
    /// The head of a list's payload.
    fn put_list(&mut self, element: Tag, len: usize);
}

impl NbtExt for BytesMut {
    fn put_tag(&mut self, tag: Tag) {
        self.put_u8(tag as u8);
    }

    fn put_named(&mut self, tag: Tag, name: &str) {
        self.put_tag(tag);
        self.put_nbt_string(name);
    }

    fn put_nbt_string(&mut self, text: &str) {
        let at = self.len();
        self.put_u16(0);
        let mut len = 0_u16;
        for c in text.chars() {
            let mut units = [0; 2];
            let units = c.encode_utf16(&mut units);
            let width: u16 = units.iter().map(|unit| unit_len(*unit)).sum();
            let Some(longer) = len.checked_add(width) else {
                break;
            };
            len = longer;
            for unit in units {
                put_unit(self, *unit);
            }
        }
        self[at..at + 2].copy_from_slice(&len.to_be_bytes());
    }

    fn put_list(&mut self, element: Tag, len: usize) {
        self.put_tag(element);
        self.put_i32(i32::try_from(len).unwrap_or(i32::MAX));
    }
}

/// Bytes of a text in modified UTF-8: zero takes two, and a character past the basic plane three for each surrogate.
pub(crate) fn modified_utf8_len(text: &str) -> usize {
    text.encode_utf16()
        .map(|unit| usize::from(unit_len(unit)))
        .sum()
}

const fn unit_len(unit: u16) -> u16 {
    match unit {
        1..=0x7f => 1,
        0 | 0x80..=0x7ff => 2,
        _ => 3,
    }
}

fn put_unit(out: &mut BytesMut, unit: u16) {
    let [low, mid, high] = [unit & 0x3f, (unit >> 6) & 0x3f, unit >> 12].map(|bits| bits as u8);
    match unit_len(unit) {
        1 => out.put_u8(unit as u8),
        2 => out.put_slice(&[0xc0 | mid, 0x80 | low]),
        _ => out.put_slice(&[0xe0 | high, 0x80 | mid, 0x80 | low]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn string(text: &str) -> BytesMut {
        let mut out = BytesMut::new();
        out.put_nbt_string(text);
        out
    }

    #[test]
    fn strings_are_modified_utf8() {
        assert_eq!(
            &string("a\0é€𝄞")[..],
            b"\0\x0e\x61\xc0\x80\xc3\xa9\xe2\x82\xac\xed\xa0\xb4\xed\xb4\x9e"
        );
        assert_eq!(modified_utf8_len("a\0é€𝄞"), 14);
    }

    #[test]
    fn a_string_at_the_limit_and_past_it() {
        let at = "a".repeat(MAX_STRING);
        assert_eq!(string(&at).len(), 2 + MAX_STRING);
        let past = format!("{at}a");
        assert_eq!(string(&past), string(&at));
        let across = format!("{}€", "a".repeat(MAX_STRING - 2));
        assert_eq!(string(&across).len(), 2 + MAX_STRING - 2);
    }
}
