//! Bytes for a layout: a value for every field, drawn from a seed. Numbers are small, so that they count and choose.

use vb_data::{Count, Key, Layout, NbtForm, Number, Path};

/// What a field holds, as far as choices and counts go by it.
#[derive(Clone, Copy, Debug)]
enum Value {
    Number(i64),
    Name(&'static str),
    Text(&'static str),
    Bits(&'static [vb_data::Bits], u64),
    Flags(&'static [&'static str], u64),
    None,
}

/// Writes values of a protocol's layouts.
pub struct Values {
    protocol: i32,
    seed: u64,
    fields: Vec<(&'static str, Value)>,
    opened: Vec<usize>,
    depth: usize,
    pub out: Vec<u8>,
    /// Whether something in it takes whatever bytes are left.
    pub open_ended: bool,
}

/// Deeper than this, lists are empty and options are absent.
const SHALLOW: usize = 24;

impl Values {
    pub fn of(protocol: i32, layout: &'static Layout, seed: u64) -> Values {
        let mut values = Values {
            protocol,
            seed: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            fields: Vec::new(),
            opened: Vec::new(),
            depth: 0,
            out: Vec::new(),
            open_ended: false,
        };
        values.write(layout);
        values
    }

    fn draw(&mut self, below: u64) -> u64 {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        self.seed % below
    }

    fn few(&mut self) -> u64 {
        if self.depth > SHALLOW {
            0
        } else {
            self.draw(3)
        }
    }

    fn write(&mut self, layout: &'static Layout) -> Value {
        self.depth += 1;
        let value = self.one(layout);
        self.depth -= 1;
        value
    }

    fn one(&mut self, layout: &'static Layout) -> Value {
        match layout {
            Layout::Void => {}
            Layout::Bool => {
                let value = self.few() & 1;
                self.out.push(u8::try_from(value).expect("small"));
                return Value::Number(value.cast_signed());
            }
            Layout::U8 | Layout::I8 => return self.big_endian(1),
            Layout::U16 | Layout::I16 => return self.big_endian(2),
            Layout::U32 | Layout::I32 => return self.big_endian(4),
            Layout::U64 | Layout::I64 => return self.big_endian(8),
            Layout::VarInt | Layout::VarLong => return self.big_endian(1),
            Layout::F32 => self.out.extend([0; 4]),
            Layout::F64 => self.out.extend([0; 8]),
            Layout::Uuid => self.out.extend([7; 16]),
            Layout::String => self.out.extend(b"\x02ab"),
            Layout::Identifier => self.out.extend(b"\x03a:b"),
            Layout::TextJson => self.out.extend(b"\x0c{\"text\":\"a\"}"),
            Layout::TextNbt => self.out.extend([8, 0, 1, b'a']),
            Layout::Nbt(form) => self.nbt(*form),
            Layout::Rest | Layout::Unknown => self.open_ended = true,
            Layout::LowPrecisionVector => match self.draw(3) {
                0 => self.out.push(0),
                1 => self.out.extend([1, 2, 3, 4, 5, 6]),
                _ => self.out.extend([5, 2, 3, 4, 5, 6, 7]),
            },
            Layout::Buffer(count) => {
                let count = self.count(*count);
                self.out.extend(vec![9; count]);
            }
            Layout::List(count, of) => {
                for _ in 0..self.count(*count) {
                    self.write(of);
                }
            }
            Layout::Option(of) => {
                let there = self.few() & 1;
                self.out.push(u8::try_from(there).expect("small"));
                if there == 1 {
                    return self.write(of);
                }
            }
            Layout::Map { number, names, .. } => {
                let index = usize::try_from(self.draw(names.len() as u64)).expect("small");
                let (value, name) = names[index];
                self.number(*number, value.cast_unsigned().into());
                return Value::Name(name);
            }
            Layout::Switch { on, cases, other } => {
                let value = self.find(*on);
                let case = cases.iter().find(|(key, _)| is(value, *key));
                let of = case.map(|(_, of)| of).or(*other);
                return self.write(of.expect("a case"));
            }
            Layout::Bits(bits) => {
                let size: u32 = bits.iter().map(|bit| bit.size).sum();
                let (mut raw, mut left) = (0, size);
                for bit in *bits {
                    left -= bit.size;
                    let value = self.few() & ((1 << bit.size) - 1);
                    // Values of one bit less than a byte may be the sign, or a loop's end.
                    raw |= value << left;
                }
                let bytes = raw.to_be_bytes();
                self.out.extend(&bytes[8 - size.div_ceil(8) as usize..]);
                return Value::Bits(bits, raw);
            }
            Layout::Flags(number, names) => {
                let raw = self.draw(1 << names.len().min(7));
                self.number(*number, raw);
                return Value::Flags(names, raw);
            }
            Layout::Loop(end, of) => {
                for _ in 0..self.few() {
                    self.write(of);
                }
                self.out.push(*end);
            }
            Layout::TopBit(of) => {
                for more in [true, false] {
                    let start = self.out.len();
                    self.write(of);
                    self.out[start] |= u8::from(more) << 7;
                }
            }
            Layout::Holder(_, of) => {
                let id = 1 + self.few();
                if self.depth < SHALLOW && id == 1 {
                    self.out.push(0);
                    return self.write(of);
                }
                self.out.push(u8::try_from(id).expect("small"));
            }
            Layout::Holders(..) => match self.draw(3) {
                0 => self.out.extend(b"\x00\x03a:b"),
                count => {
                    self.out.push(u8::try_from(count).expect("small"));
                    self.out
                        .extend(vec![1; usize::try_from(count).expect("small") - 1]);
                }
            },
            Layout::Container(fields) => {
                self.opened.push(self.fields.len());
                for field in *fields {
                    self.field(field);
                }
                let start = self.opened.pop().expect("small");
                self.fields.truncate(start);
            }
            Layout::Type(index) => {
                let (_, of) = vb_data::layout_type(self.protocol, *index).expect("a type");
                return self.write(of);
            }
        }
        Value::None
    }

    fn field(&mut self, field: &'static vb_data::Field) {
        if field.name.is_empty()
            && let Layout::Container(lent) = &field.layout
        {
            for field in *lent {
                self.field(field);
            }
            return;
        }
        let value = match field {
            // A choice goes by it that takes no other names.
            vb_data::Field {
                name: "parser",
                layout: Layout::Identifier,
            } => {
                self.out.extend(b"\x0ebrigadier:bool");
                Value::Text("brigadier:bool")
            }
            // Indices of a command tree are at most 2.
            vb_data::Field {
                name: "nodes",
                layout: Layout::List(Count::Prefix(number), of),
            } => {
                self.number(*number, 3);
                for _ in 0..3 {
                    self.write(of);
                }
                Value::None
            }
            field => self.write(&field.layout),
        };
        self.fields.push((field.name, value));
    }

    fn big_endian(&mut self, bytes: usize) -> Value {
        let value = self.few();
        self.out.extend(&value.to_be_bytes()[8 - bytes..]);
        Value::Number(value.cast_signed())
    }

    fn number(&mut self, number: Number, value: u64) {
        let bytes = match number {
            // Small enough for one byte of a varint.
            Number::VarInt if value < 128 => 1,
            Number::VarInt => {
                self.out
                    .push(u8::try_from(value & 0x7f).expect("small") | 0x80);
                return self.number(number, value >> 7);
            }
            Number::U8 | Number::I8 => 1,
            Number::U16 | Number::I16 => 2,
            Number::U32 | Number::I32 => 4,
        };
        self.out.extend(&value.to_be_bytes()[8 - bytes..]);
    }

    fn count(&mut self, count: Count) -> usize {
        match count {
            Count::Fixed(count) => count,
            Count::Prefix(number) => {
                let count = self.few();
                self.number(number, count);
                usize::try_from(count).expect("small")
            }
            Count::Field(field) => match self.find(Path {
                up: 0,
                field,
                bit: "",
            }) {
                Value::Number(count) => usize::try_from(count).expect("small"),
                other => panic!("{field} is {other:?}"),
            },
        }
    }

    fn nbt(&mut self, form: NbtForm) {
        let nameless = self.protocol >= 764;
        match form {
            NbtForm::Compressed => self.out.extend([0xff, 0xff]),
            NbtForm::NamedOrNone | NbtForm::NamelessOrNone if self.draw(2) == 0 => self.out.push(0),
            _ if nameless => self.out.extend([10, 0]),
            _ => self.out.extend([10, 0, 0, 0]),
        }
    }

    fn find(&self, path: Path) -> Value {
        let up = usize::from(path.up);
        let end = self.opened.get(self.opened.len() - up).copied();
        let fields = &self.fields[..end.unwrap_or(self.fields.len())];
        let found = fields.iter().rev().find_map(|(name, value)| {
            let lent = || name.is_empty().then(|| part(*value, path.field)).flatten();
            (*name == path.field).then_some(*value).or_else(lent)
        });
        match (found, path.bit) {
            (Some(value), "") => value,
            (Some(value), bit) => part(value, bit).unwrap_or(Value::None),
            (None, _) => Value::None,
        }
    }
}

fn part(value: Value, name: &str) -> Option<Value> {
    match value {
        Value::Bits(bits, raw) => {
            let index = bits.iter().position(|bit| bit.name == name)?;
            let shift: u32 = bits[index + 1..].iter().map(|bit| bit.size).sum();
            let value = raw >> shift & ((1 << bits[index].size) - 1);
            Some(Value::Number(value.cast_signed()))
        }
        Value::Flags(names, raw) => {
            let index = names.iter().position(|known| *known == name)?;
            Some(Value::Number((raw >> index & 1).cast_signed()))
        }
        _ => None,
    }
}

fn is(value: Value, key: Key) -> bool {
    match (value, key) {
        (Value::Number(value), Key::Number(number)) => value == number,
        (Value::Name(value) | Value::Text(value), Key::Name(name)) => value == name,
        _ => false,
    }
}
