/// Writes a packet's data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// An empty one.
    pub fn new() -> Self {
        Writer::default()
    }

    /// An empty one with room for so many bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        Writer {
            bytes: Vec::with_capacity(bytes),
        }
    }

    /// What was written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    /// One byte, 0 or 1.
    pub fn bool(&mut self, value: bool) -> &mut Self {
        self.u8(u8::from(value))
    }

    /// One byte.
    pub fn u8(&mut self, value: u8) -> &mut Self {
        self.raw(&[value])
    }

    /// One byte, signed.
    pub fn i8(&mut self, value: i8) -> &mut Self {
        self.raw(&value.to_be_bytes())
    }

    /// Two bytes.
    pub fn u16(&mut self, value: u16) -> &mut Self {
        self.raw(&value.to_be_bytes())
    }

    /// Two bytes, signed.
    pub fn i16(&mut self, value: i16) -> &mut Self {
        self.raw(&value.to_be_bytes())
    }

    /// Four bytes, signed.
    pub fn i32(&mut self, value: i32) -> &mut Self {
        self.raw(&value.to_be_bytes())
    }

    /// Eight bytes, signed.
    pub fn i64(&mut self, value: i64) -> &mut Self {
        self.raw(&value.to_be_bytes())
    }

    /// Four bytes.
    pub fn f32(&mut self, value: f32) -> &mut Self {
        self.raw(&value.to_be_bytes())
    }

    /// Eight bytes.
    pub fn f64(&mut self, value: f64) -> &mut Self {
        self.raw(&value.to_be_bytes())
    }

    /// Sixteen bytes.
    pub fn uuid(&mut self, value: u128) -> &mut Self {
        self.raw(&value.to_be_bytes())
    }

    /// One to five bytes.
    pub fn varint(&mut self, value: i32) -> &mut Self {
        self.leb128(u64::from(value.cast_unsigned()))
    }

    /// One to ten bytes.
    pub fn varlong(&mut self, value: i64) -> &mut Self {
        self.leb128(value.cast_unsigned())
    }

    /// A varint that counts something. Lengths above `i32::MAX` cannot be had in memory here; they are written as that.
    pub fn length(&mut self, value: usize) -> &mut Self {
        self.varint(i32::try_from(value).unwrap_or(i32::MAX))
    }

    /// A length in bytes, then UTF-8.
    pub fn string(&mut self, value: &str) -> &mut Self {
        self.length(value.len());
        self.raw(value.as_bytes())
    }

    fn leb128(&mut self, mut value: u64) -> &mut Self {
        loop {
            let byte = (value & 0x7f) as u8;
            value >>= 7;
            if value == 0 {
                return self.u8(byte);
            }
            self.u8(byte | 0x80);
        }
    }
}
