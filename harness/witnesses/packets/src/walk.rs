use sim_proto::Version;
use sim_proto::nbt::read_text_root;
use sim_proto::wire::Reader;
use thiserror::Error;
use vb_data::{Bits, Count, Field, Key, Layout, NbtForm, Number, Path};

/// Deepest nesting of layouts.
const MAX_DEPTH: usize = 64;
/// A protocol whose NBT has names, and one whose NBT has none.
const NAMED: i32 = 763;
const NAMELESS: i32 = 764;

/// Bytes that are not as a layout says.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{path}, byte {offset}: {what}")]
pub struct WalkError {
    /// The field.
    pub path: String,
    /// Where, in the packet's data.
    pub offset: usize,
    /// What is wrong.
    pub what: String,
}

/// The values of a packet's fields as text, in order, with their paths: its data read to the last byte by its layout in
/// `vb-data`.
///
/// That is a reader of its own, so that a proof is one of the table alone: the simulated client's has other sources too,
/// and checks more.
///
/// # Errors
///
/// [`WalkError`]: the data ends early, goes on, or has a value that the layout refuses.
pub fn walk(
    protocol: i32,
    layout: &Layout,
    data: &[u8],
) -> Result<Vec<(String, String)>, WalkError> {
    let mut walker = Walker {
        protocol,
        data,
        at: 0,
        path: Vec::new(),
        scopes: vec![Vec::new()],
        values: Vec::new(),
    };
    walker.layout(layout)?;
    match data.len() - walker.at {
        0 => Ok(walker.values),
        left => Err(walker.error(format!("{left} bytes left over"))),
    }
}

/// A field's value, as far as choices and counts go by it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Number(i64),
    Name(&'static str, i64),
    Text(String),
    Parts(Vec<(&'static str, Value)>),
    Other,
}

struct Walker<'a> {
    protocol: i32,
    data: &'a [u8],
    at: usize,
    path: Vec<String>,
    scopes: Vec<Vec<(&'static str, Value)>>,
    values: Vec<(String, String)>,
}

impl Walker<'_> {
    fn error(&self, what: impl Into<String>) -> WalkError {
        WalkError {
            path: self.path.join("."),
            offset: self.at,
            what: what.into(),
        }
    }

    fn take(&mut self, count: usize) -> Result<&[u8], WalkError> {
        match self.data.get(self.at..self.at.saturating_add(count)) {
            Some(bytes) => {
                self.at += count;
                Ok(bytes)
            }
            None => Err(self.error(format!("{count} bytes wanted, the packet ends"))),
        }
    }

    fn fixed(&mut self, width: usize, signed: bool) -> Result<i64, WalkError> {
        let mut bytes = [0; 8];
        bytes[8 - width..].copy_from_slice(self.take(width)?);
        let unused = 64 - 8 * width;
        let whole = i64::from_be_bytes(bytes) << unused;
        Ok(if signed {
            whole >> unused
        } else {
            (whole.cast_unsigned() >> unused).cast_signed()
        })
    }

    fn varint(&mut self, most: usize) -> Result<i64, WalkError> {
        let mut value = 0_u64;
        for index in 0..most {
            let byte = self.take(1)?[0];
            value |= u64::from(byte & 0x7f) << (7 * index);
            if byte & 0x80 == 0 {
                return Ok(value.cast_signed());
            }
        }
        Err(self.error("a varint without an end"))
    }

    fn varint32(&mut self) -> Result<i64, WalkError> {
        // What is beyond 32 bits is dropped.
        let value = self.varint(5)?;
        Ok((value << 32) >> 32)
    }

    fn number(&mut self, number: Number) -> Result<i64, WalkError> {
        match number {
            Number::VarInt => self.varint32(),
            Number::U8 => self.fixed(1, false),
            Number::U16 => self.fixed(2, false),
            Number::U32 => self.fixed(4, false),
            Number::I8 => self.fixed(1, true),
            Number::I16 => self.fixed(2, true),
            Number::I32 => self.fixed(4, true),
        }
    }

    fn string(&mut self) -> Result<String, WalkError> {
        let length = self.varint32()?;
        let length = usize::try_from(length).map_err(|_| self.error("a negative length"))?;
        match std::str::from_utf8(self.take(length)?) {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => Err(self.error("no UTF-8")),
        }
    }

    fn say(&mut self, value: impl ToString) {
        self.values.push((self.path.join("."), value.to_string()));
    }

    fn layout(&mut self, layout: &Layout) -> Result<Value, WalkError> {
        if self.path.len() > MAX_DEPTH {
            return Err(self.error("nested too deep"));
        }
        let whole = |walker: &mut Self, number: i64| {
            walker.say(number);
            Ok(Value::Number(number))
        };
        match *layout {
            Layout::Void => Ok(Value::Other),
            Layout::Bool => {
                let value = self.fixed(1, false)?;
                self.say(value != 0);
                Ok(Value::Number(i64::from(value != 0)))
            }
            Layout::U8 => self.fixed(1, false).and_then(|value| whole(self, value)),
            Layout::U16 => self.fixed(2, false).and_then(|value| whole(self, value)),
            Layout::U32 => self.fixed(4, false).and_then(|value| whole(self, value)),
            Layout::U64 => self.fixed(8, false).and_then(|value| whole(self, value)),
            Layout::I8 => self.fixed(1, true).and_then(|value| whole(self, value)),
            Layout::I16 => self.fixed(2, true).and_then(|value| whole(self, value)),
            Layout::I32 => self.fixed(4, true).and_then(|value| whole(self, value)),
            Layout::I64 => self.fixed(8, true).and_then(|value| whole(self, value)),
            Layout::VarInt => self.varint32().and_then(|value| whole(self, value)),
            Layout::VarLong => self.varint(10).and_then(|value| whole(self, value)),
            Layout::F32 => {
                let mut bytes = [0; 4];
                bytes.copy_from_slice(self.take(4)?);
                self.say(f32::from_be_bytes(bytes));
                Ok(Value::Other)
            }
            Layout::F64 => {
                let mut bytes = [0; 8];
                bytes.copy_from_slice(self.take(8)?);
                self.say(f64::from_be_bytes(bytes));
                Ok(Value::Other)
            }
            Layout::Uuid => {
                let mut bytes = [0; 16];
                bytes.copy_from_slice(self.take(16)?);
                self.say(format!("{:032x}", u128::from_be_bytes(bytes)));
                Ok(Value::Other)
            }
            Layout::String | Layout::Identifier | Layout::TextJson => {
                let text = self.string()?;
                self.say(&text);
                Ok(Value::Text(text))
            }
            Layout::TextNbt => self.nbt(NAMELESS, false),
            Layout::Nbt(form) => match form {
                NbtForm::Named => self.nbt(NAMED, false),
                NbtForm::NamedOrNone => self.nbt(NAMED, true),
                NbtForm::Nameless => self.nbt(NAMELESS, false),
                NbtForm::NamelessOrNone => self.nbt(NAMELESS, true),
                NbtForm::Compressed => {
                    let length = self.fixed(2, true)?;
                    if let Ok(length) = usize::try_from(length) {
                        self.take(length)?;
                    }
                    Ok(Value::Other)
                }
            },
            Layout::Rest => {
                self.at = self.data.len();
                Ok(Value::Other)
            }
            Layout::LowPrecisionVector => {
                /// Says that the scale goes on as a varint.
                const MORE: u8 = 4;
                let first = self.take(1)?[0];
                if first != 0 {
                    self.take(5)?;
                    if first & MORE != 0 {
                        self.varint32()?;
                    }
                }
                Ok(Value::Other)
            }
            Layout::Buffer(count) => {
                let count = self.count(count)?;
                self.take(count)?;
                self.say(format!("{count} bytes"));
                Ok(Value::Other)
            }
            Layout::List(count, element) => {
                let count = self.count(count)?;
                for index in 0..count {
                    self.at_index(index, element)?;
                }
                Ok(Value::Other)
            }
            Layout::Option(inner) => {
                let present = self.fixed(1, false)? != 0;
                if present {
                    return self.layout(inner);
                }
                self.say(false);
                Ok(Value::Other)
            }
            Layout::Map {
                number,
                names,
                open,
            } => {
                let value = self.number(number)?;
                let name = names.iter().find(|(number, _)| i64::from(*number) == value);
                match name {
                    Some((_, name)) => {
                        self.say(format!("{value} ({name})"));
                        Ok(Value::Name(name, value))
                    }
                    None if open => whole(self, value),
                    None => Err(self.error(format!("{value} stands for nothing"))),
                }
            }
            Layout::Switch { on, cases, other } => self.switch(on, cases, other),
            Layout::Bits(bits) => self.bits(bits),
            Layout::Flags(number, names) => {
                let value = self.number(number)?;
                self.say(value);
                let parts = names
                    .iter()
                    .enumerate()
                    .map(|(bit, name)| (*name, Value::Number(value >> bit & 1)));
                Ok(Value::Parts(parts.collect()))
            }
            Layout::Loop(end, inner) => {
                let mut index = 0;
                while self.data.get(self.at) != Some(&end) {
                    self.at_index(index, inner)?;
                    index += 1;
                }
                self.take(1)?;
                Ok(Value::Other)
            }
            Layout::TopBit(inner) => self.top_bit(inner),
            Layout::Holder(_, inner) => match self.varint32()? {
                0 => self.layout(inner),
                id => whole(self, id - 1),
            },
            Layout::Holders(..) => {
                match self.varint32()? {
                    0 => drop(self.string()?),
                    count => {
                        for _ in 1..count {
                            self.varint32()?;
                        }
                    }
                }
                Ok(Value::Other)
            }
            Layout::Container(fields) => self.container(fields),
            Layout::Type(index) => match vb_data::layout_type(self.protocol, index) {
                Some((_, layout)) => self.layout(layout),
                None => Err(self.error("a type that the protocol does not have")),
            },
            Layout::Unknown => Err(self.error("nobody says how it goes on")),
        }
    }

    fn at_index(&mut self, index: usize, layout: &Layout) -> Result<(), WalkError> {
        self.path.push(index.to_string());
        self.layout(layout)?;
        self.path.pop();
        Ok(())
    }

    /// The first byte of each is read with its highest bit clear.
    fn top_bit(&mut self, inner: &Layout) -> Result<Value, WalkError> {
        let mut copy = self.data.to_vec();
        for index in 0.. {
            let Some(first) = copy.get_mut(self.at) else {
                return Err(self.error("the packet ends"));
            };
            let more = *first & 0x80 != 0;
            *first &= 0x7f;
            let mut walker = Walker {
                protocol: self.protocol,
                data: &copy,
                at: self.at,
                path: self.path.clone(),
                scopes: self.scopes.clone(),
                values: std::mem::take(&mut self.values),
            };
            walker.at_index(index, inner)?;
            self.at = walker.at;
            self.values = walker.values;
            if !more {
                break;
            }
        }
        Ok(Value::Other)
    }

    fn nbt(&mut self, protocol: i32, or_none: bool) -> Result<Value, WalkError> {
        let mut reader = Reader::new(&self.data[self.at..], Version::new(protocol));
        let tag = read_text_root(&mut reader, "").map_err(|error| self.error(error.to_string()))?;
        self.at += reader.offset();
        match tag {
            None if !or_none => Err(self.error("no NBT")),
            tag => {
                self.say(format!("{tag:?}"));
                Ok(Value::Other)
            }
        }
    }

    fn container(&mut self, fields: &[Field]) -> Result<Value, WalkError> {
        self.scopes.push(Vec::new());
        for field in fields {
            self.path.push(field.name.to_owned());
            let value = self.layout(&field.layout)?;
            self.path.pop();
            if let Some(scope) = self.scopes.last_mut() {
                match value {
                    // A field without a name lends its own.
                    Value::Parts(parts) if field.name.is_empty() => scope.extend(parts),
                    value => scope.push((field.name, value)),
                }
            }
        }
        Ok(Value::Parts(self.scopes.pop().unwrap_or_default()))
    }

    fn switch(
        &mut self,
        on: Path,
        cases: &'static [(Key, Layout)],
        other: Option<&'static Layout>,
    ) -> Result<Value, WalkError> {
        let value = self.found(on);
        let case = cases.iter().find(|(key, _)| match (key, &value) {
            (Key::Number(key), Some(Value::Number(value) | Value::Name(_, value))) => key == value,
            (Key::Name(key), Some(Value::Name(name, _))) => key == name,
            (Key::Name(key), Some(Value::Text(text))) => key == text,
            _ => false,
        });
        match (case, other) {
            (Some((_, layout)), _) => self.layout(layout),
            (None, Some(layout)) => self.layout(layout),
            (None, None) => Err(self.error(format!("no case for {} {value:?}", on.field))),
        }
    }

    fn found(&self, on: Path) -> Option<Value> {
        let scope = self.scopes.iter().rev().nth(usize::from(on.up))?;
        let (_, value) = scope.iter().rev().find(|(name, _)| *name == on.field)?;
        match (on.bit, value) {
            ("", value) => Some(value.clone()),
            (bit, Value::Parts(parts)) => {
                let (_, value) = parts.iter().find(|(name, _)| *name == bit)?;
                Some(value.clone())
            }
            _ => None,
        }
    }

    fn bits(&mut self, bits: &[Bits]) -> Result<Value, WalkError> {
        let total: u32 = bits.iter().map(|part| part.size).sum();
        let width = usize::try_from(total / 8).unwrap_or(usize::MAX);
        let bytes = self.take(width)?;
        let whole = bytes
            .iter()
            .fold(0_u128, |whole, byte| whole << 8 | u128::from(*byte));
        let mut left = total;
        let mut parts = Vec::new();
        for part in bits {
            left -= part.size;
            let unused = 128 - part.size;
            let value = whole >> left << unused;
            let value = if part.signed {
                value.cast_signed() >> unused
            } else {
                (value >> unused).cast_signed()
            };
            let value = i64::try_from(value).unwrap_or(i64::MAX);
            self.say(value);
            parts.push((part.name, Value::Number(value)));
        }
        Ok(Value::Parts(parts))
    }

    fn count(&mut self, count: Count) -> Result<usize, WalkError> {
        let number = match count {
            Count::Fixed(count) => return Ok(count),
            Count::Prefix(number) => {
                let count = self.number(number)?;
                self.say(count);
                count
            }
            Count::Field(name) => {
                let scope = self.scopes.last();
                let found =
                    scope.and_then(|scope| scope.iter().rev().find(|(known, _)| *known == name));
                match found {
                    Some((_, Value::Number(count))) => *count,
                    _ => return Err(self.error(format!("no field {name} to count by"))),
                }
            }
        };
        usize::try_from(number).map_err(|_| self.error("a negative count"))
    }
}
