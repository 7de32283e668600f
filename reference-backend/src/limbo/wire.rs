//! Writing packets and NBT.

use bytes::{BufMut, BytesMut};

const TAG_INT: u8 = 3;
const TAG_STRING: u8 = 8;
const TAG_LIST: u8 = 9;
const TAG_COMPOUND: u8 = 10;
const TAG_END: u8 = 0;

pub(super) trait Write {
    fn varint(&mut self, value: i32);
    fn string(&mut self, text: &str);
    fn flag(&mut self, value: bool);
    /// Names and strings of NBT; ASCII here, where modified UTF-8 is the same.
    fn nbt_text(&mut self, text: &str);
    fn nbt_string(&mut self, name: &str, text: &str);
    fn nbt_int(&mut self, name: &str, value: i32);
    fn nbt_compound(&mut self, name: &str);
    fn nbt_compounds(&mut self, name: &str, count: usize);
    fn nbt_end(&mut self);
}

impl Write for BytesMut {
    fn varint(&mut self, value: i32) {
        let mut rest = value.cast_unsigned();
        while rest > 0x7f {
            self.put_u8(rest.to_le_bytes()[0] | 0x80);
            rest >>= 7;
        }
        self.put_u8(rest.to_le_bytes()[0]);
    }

    fn string(&mut self, text: &str) {
        self.varint(i32::try_from(text.len()).unwrap_or(i32::MAX));
        self.put_slice(text.as_bytes());
    }

    fn flag(&mut self, value: bool) {
        self.put_u8(u8::from(value));
    }

    fn nbt_text(&mut self, text: &str) {
        self.put_u16(u16::try_from(text.len()).unwrap_or(u16::MAX));
        self.put_slice(text.as_bytes());
    }

    fn nbt_string(&mut self, name: &str, text: &str) {
        self.put_u8(TAG_STRING);
        self.nbt_text(name);
        self.nbt_text(text);
    }

    fn nbt_int(&mut self, name: &str, value: i32) {
        self.put_u8(TAG_INT);
        self.nbt_text(name);
        self.put_i32(value);
    }

    fn nbt_compound(&mut self, name: &str) {
        self.put_u8(TAG_COMPOUND);
        self.nbt_text(name);
    }

    fn nbt_compounds(&mut self, name: &str, count: usize) {
        self.put_u8(TAG_LIST);
        self.nbt_text(name);
        self.put_u8(TAG_COMPOUND);
        self.put_i32(i32::try_from(count).unwrap_or(i32::MAX));
    }

    fn nbt_end(&mut self) {
        self.put_u8(TAG_END);
    }
}
