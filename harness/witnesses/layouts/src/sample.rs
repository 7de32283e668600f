//! Bytes from a layout: small values, each variant with others, so that choices, options and lists take each form.

use std::collections::BTreeSet;

use vb_data::{Bits, Count, Field, Key, Layout, NbtForm, Number, Path};

/// Deepest nesting of layouts: slots hold slots.
const MAX_DEPTH: usize = 24;

/// A packet's data, and the forms that it takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sample {
    /// Its bytes, after the id.
    pub(crate) data: Vec<u8>,
    /// Which part of the layout took which form: one entry for each case of a choice, each presence of an option, each
    /// name of a number.
    pub(crate) forms: BTreeSet<(usize, i64)>,
}

/// Makes a sample; None when this variant comes to a value that the layout refuses, or to where nobody knows on.
pub(crate) fn sample(protocol: i32, layout: &Layout, variant: u64) -> Option<Sample> {
    let mut maker = Maker {
        protocol,
        variant,
        drawn: 0,
        scopes: vec![Vec::new()],
        depth: 0,
        sample: Sample::default(),
    };
    maker.layout(layout)?;
    Some(maker.sample)
}

/// A field's value, as far as choices and counts go by it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Number(i64),
    Name(&'static str, i64),
    Parts(Vec<(&'static str, i64)>),
    Other,
}

struct Maker {
    protocol: i32,
    variant: u64,
    /// How many values were drawn.
    drawn: u64,
    scopes: Vec<Vec<(&'static str, Value)>>,
    depth: usize,
    sample: Sample,
}

impl Maker {
    /// A number below `limit`: the first of a packet is the variant itself, others differ from it and each other.
    fn draw(&mut self, limit: u64) -> u64 {
        let index = self.drawn;
        self.drawn += 1;
        if limit == 0 {
            return 0;
        }
        if index == 0 {
            return self.variant % limit;
        }
        // Any mixture would do that is the same in every run.
        let mixed = (self.variant << 32 | index).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed >> 29) % limit
    }

    fn form(&mut self, layout: &Layout, form: i64) {
        let address = std::ptr::from_ref(layout).addr();
        self.sample.forms.insert((address, form));
    }

    fn put(&mut self, bytes: &[u8]) {
        self.sample.data.extend_from_slice(bytes);
    }

    fn varint(&mut self, value: u64) {
        let mut rest = value;
        loop {
            let low = (rest & 0x7f).to_le_bytes()[0];
            rest >>= 7;
            if rest == 0 {
                return self.put(&[low]);
            }
            self.put(&[low | 0x80]);
        }
    }

    fn string(&mut self, text: &str) {
        self.varint(text.len() as u64);
        self.put(text.as_bytes());
    }

    /// Small: most numbers that are written as such stand for one of a few things.
    fn small(&mut self) -> u64 {
        self.draw(4)
    }

    fn number(&mut self, number: Number, value: i64) {
        let bytes = value.to_be_bytes();
        match number {
            Number::VarInt => self.varint(u64::from((value as i32).cast_unsigned())),
            Number::U8 | Number::I8 => self.put(&bytes[7..]),
            Number::U16 | Number::I16 => self.put(&bytes[6..]),
            Number::U32 | Number::I32 => self.put(&bytes[4..]),
        }
    }

    fn fixed(&mut self, width: usize) -> Value {
        let value = self.small();
        let bytes = value.to_be_bytes();
        self.put(&bytes[8 - width..]);
        Value::Number(value.cast_signed())
    }

    fn layout(&mut self, layout: &Layout) -> Option<Value> {
        self.depth += 1;
        let value = if self.depth > MAX_DEPTH {
            None
        } else {
            self.any(layout)
        };
        self.depth -= 1;
        value
    }

    fn any(&mut self, layout: &Layout) -> Option<Value> {
        Some(match *layout {
            Layout::Void => Value::Other,
            Layout::Bool => {
                let value = self.draw(2);
                self.form(layout, value.cast_signed());
                self.put(&[u8::from(value == 1)]);
                Value::Number(value.cast_signed())
            }
            Layout::U8 | Layout::I8 => self.fixed(1),
            Layout::U16 | Layout::I16 => self.fixed(2),
            Layout::U32 | Layout::I32 => self.fixed(4),
            Layout::U64 | Layout::I64 => self.fixed(8),
            Layout::F32 => {
                self.put(&0.5_f32.to_be_bytes());
                Value::Other
            }
            Layout::F64 => {
                self.put(&0.5_f64.to_be_bytes());
                Value::Other
            }
            Layout::VarInt | Layout::VarLong => {
                let value = if self.drawn == 0 {
                    self.draw(16)
                } else {
                    self.small()
                };
                self.varint(value);
                Value::Number(value.cast_signed())
            }
            Layout::Uuid => {
                self.put(&[7; 16]);
                Value::Other
            }
            Layout::String => {
                self.string("a");
                Value::Other
            }
            Layout::Identifier => {
                self.string("minecraft:a");
                Value::Other
            }
            Layout::TextJson => {
                self.string("{\"text\":\"a\"}");
                Value::Other
            }
            Layout::TextNbt => {
                self.put(&[8, 0, 1, b'a']);
                Value::Other
            }
            Layout::Nbt(form) => {
                self.nbt(layout, form);
                Value::Other
            }
            Layout::Rest => {
                self.put(&[0]);
                Value::Other
            }
            Layout::LowPrecisionVector => {
                self.put(&[0]);
                Value::Other
            }
            Layout::Buffer(count) => {
                let count = self.count(layout, count)?;
                self.put(&vec![0; count]);
                Value::Other
            }
            Layout::List(count, element) => {
                let count = self.count(layout, count)?;
                for _ in 0..count {
                    self.layout(element)?;
                }
                Value::Other
            }
            Layout::Option(inner) => {
                // Nested deep, there is nothing more.
                let present = self.depth < MAX_DEPTH / 2 && self.draw(2) == 1;
                self.form(layout, i64::from(present));
                self.put(&[u8::from(present)]);
                if present {
                    self.layout(inner)?;
                }
                Value::Other
            }
            Layout::Map { number, names, .. } => {
                let index = usize::try_from(self.draw(names.len() as u64)).ok()?;
                let (value, name) = *names.get(index)?;
                self.form(layout, i64::from(value));
                self.number(number, i64::from(value));
                Value::Name(name, i64::from(value))
            }
            Layout::Switch { on, cases, other } => return self.switch(layout, on, cases, other),
            Layout::Bits(bits) => self.bits(bits),
            Layout::Flags(number, names) => {
                let value = self.draw(1 << names.len().min(62)).cast_signed();
                self.number(number, value);
                let parts = names
                    .iter()
                    .enumerate()
                    .map(|(bit, name)| (*name, value >> bit & 1));
                Value::Parts(parts.collect())
            }
            Layout::Loop(end, inner) => {
                let count = self.draw(3);
                for _ in 0..count {
                    let start = self.sample.data.len();
                    self.layout(inner)?;
                    if self.sample.data.get(start) == Some(&end) {
                        return None;
                    }
                }
                self.put(&[end]);
                Value::Other
            }
            Layout::TopBit(inner) => {
                let count = 1 + self.draw(2);
                for index in 0..count {
                    let start = self.sample.data.len();
                    self.layout(inner)?;
                    if index + 1 < count {
                        *self.sample.data.get_mut(start)? |= 0x80;
                    }
                }
                Value::Other
            }
            Layout::Holder(_, inner) => {
                let registered = self.depth > MAX_DEPTH / 2 || self.draw(2) == 1;
                self.form(layout, i64::from(registered));
                self.varint(u64::from(registered));
                if !registered {
                    self.layout(inner)?;
                }
                Value::Other
            }
            Layout::Holders(..) => {
                let count = self.draw(3);
                self.form(layout, count.cast_signed());
                self.varint(count);
                match count {
                    0 => self.string("minecraft:a"),
                    count => (1..count).for_each(|_| self.varint(1)),
                }
                Value::Other
            }
            Layout::Container(fields) => self.container(fields)?,
            Layout::Type(index) => {
                let (_, layout) = vb_data::layout_type(self.protocol, index)?;
                return self.layout(layout);
            }
            Layout::Unknown => return None,
        })
    }

    fn container(&mut self, fields: &[Field]) -> Option<Value> {
        self.scopes.push(Vec::new());
        for field in fields {
            let value = self.layout(&field.layout)?;
            let scope = self.scopes.last_mut()?;
            match value {
                // Fields without a name of their own lend theirs.
                Value::Parts(parts) if field.name.is_empty() => {
                    scope.extend(
                        parts
                            .into_iter()
                            .map(|(name, value)| (name, Value::Number(value))),
                    );
                }
                value => scope.push((field.name, value)),
            }
        }
        let scope = self.scopes.pop()?;
        let parts = scope.into_iter().filter_map(|(name, value)| match value {
            Value::Number(value) | Value::Name(_, value) => Some((name, value)),
            Value::Parts(_) | Value::Other => None,
        });
        Some(Value::Parts(parts.collect()))
    }

    fn switch(
        &mut self,
        layout: &Layout,
        on: Path,
        cases: &'static [(Key, Layout)],
        other: Option<&'static Layout>,
    ) -> Option<Value> {
        let value = self.found(on);
        let case = cases.iter().position(|(key, _)| match (key, &value) {
            (Key::Number(key), Some(Value::Number(value))) => key == value,
            (Key::Number(key), Some(Value::Name(_, value))) => key == value,
            (Key::Name(key), Some(Value::Name(name, _))) => key == name,
            _ => false,
        });
        match case {
            Some(index) => {
                self.form(layout, i64::try_from(index).ok()?);
                self.layout(&cases[index].1)
            }
            None => {
                self.form(layout, -1);
                self.layout(other?)
            }
        }
    }

    fn found(&self, on: Path) -> Option<Value> {
        let scope = self.scopes.iter().rev().nth(usize::from(on.up))?;
        let (_, value) = scope.iter().rev().find(|(name, _)| *name == on.field)?;
        if on.bit.is_empty() {
            return Some(value.clone());
        }
        let Value::Parts(parts) = value else {
            return None;
        };
        let (_, bit) = parts.iter().find(|(name, _)| *name == on.bit)?;
        Some(Value::Number(*bit))
    }

    fn bits(&mut self, bits: &[Bits]) -> Value {
        let total: u32 = bits.iter().map(|part| part.size).sum();
        let mut whole = 0_u128;
        let mut parts = Vec::new();
        for part in bits {
            let limit = 1_u64.checked_shl(part.size.min(2)).unwrap_or(4);
            let mut value = self.draw(limit);
            // The sign bit stays clear.
            if part.signed {
                value &= !(1 << (part.size - 1));
            }
            whole = whole << part.size | u128::from(value);
            parts.push((part.name, value.cast_signed()));
        }
        let width = usize::try_from(total / 8).unwrap_or_default();
        self.put(&whole.to_be_bytes()[16 - width..]);
        Value::Parts(parts)
    }

    fn count(&mut self, layout: &Layout, count: Count) -> Option<usize> {
        Some(match count {
            Count::Fixed(count) => count,
            Count::Prefix(number) => {
                // Nested deep, there is nothing more.
                let count = if self.depth > MAX_DEPTH / 2 {
                    0
                } else {
                    self.draw(3)
                };
                self.form(layout, i64::from(count > 0));
                self.number(number, count.cast_signed());
                usize::try_from(count).ok()?
            }
            Count::Field(name) => match self.counted(name)? {
                Value::Number(count) => usize::try_from(count).ok()?,
                _ => return None,
            },
        })
    }

    fn counted(&self, name: &str) -> Option<Value> {
        let scope = self.scopes.last()?;
        let (_, value) = scope.iter().rev().find(|(known, _)| *known == name)?;
        Some(value.clone())
    }

    fn nbt(&mut self, layout: &Layout, form: NbtForm) {
        let nothing = self.draw(2) == 0;
        match form {
            NbtForm::NamedOrNone | NbtForm::NamelessOrNone if nothing => {
                self.form(layout, 0);
                self.put(&[0]);
            }
            NbtForm::Named | NbtForm::NamedOrNone => {
                self.form(layout, 1);
                self.put(&[10, 0, 0, 0]);
            }
            NbtForm::Nameless | NbtForm::NamelessOrNone => {
                self.form(layout, 1);
                self.put(&[10, 0]);
            }
            // None: gzip is not for here.
            NbtForm::Compressed => self.put(&[0xff, 0xff]),
        }
    }
}

#[cfg(test)]
mod tests {
    use vb_data::{State, Sureness};
    use witness_packets::walk;

    use super::*;

    #[test]
    fn every_sample_is_read_whole_by_its_layout() {
        for &protocol in vb_data::supported() {
            for packet in vb_data::layouts(protocol, State::Play) {
                for sample in (0..8).filter_map(|variant| sample(protocol, packet.layout, variant))
                {
                    let read = walk(protocol, packet.layout, &sample.data);
                    assert!(
                        read.is_ok(),
                        "{protocol} {}: {read:?} {:02x?}",
                        packet.name,
                        sample.data
                    );
                }
            }
        }
    }

    #[test]
    fn what_is_known_has_samples() {
        for packet in vb_data::layouts(775, State::Play) {
            let any = (0..256).any(|variant| sample(775, packet.layout, variant).is_some());
            assert!(
                any || packet.sureness() == Sureness::Unknown,
                "{}",
                packet.name
            );
        }
    }
}
