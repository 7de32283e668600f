//! The fields that later ones go by.

use vb_data::{Bits, Key, Path};

/// A field's value, as far as another field may go by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// Nothing that anything goes by.
    None,
    /// A number, or 1 for true.
    Number(i64),
    /// A name of a map.
    Name(&'static str),
    /// A string.
    Text(&'a str),
    /// Fields of bits.
    Bits(&'static [Bits], u64),
    /// Flags, the lowest first.
    Flags(&'static [&'static str], u64),
}

/// The fields of all containers that are open.
#[derive(Debug, Default)]
pub(super) struct Scope<'a> {
    fields: Vec<(&'static str, Value<'a>)>,
    /// Where each open container's fields begin.
    opened: Vec<usize>,
}

impl<'a> Scope<'a> {
    pub(super) fn open(&mut self) {
        self.opened.push(self.fields.len());
    }

    pub(super) fn close(&mut self) {
        if let Some(start) = self.opened.pop() {
            self.fields.truncate(start);
        }
    }

    pub(super) fn note(&mut self, name: &'static str, value: Value<'a>) {
        if value != Value::None {
            self.fields.push((name, value));
        }
    }

    /// What a choice goes by; None for what is not there.
    pub(super) fn find(&self, path: Path) -> Value<'a> {
        let value = self.field(usize::from(path.up), path.field);
        if path.bit.is_empty() {
            value
        } else {
            value.part(path.bit).unwrap_or(Value::None)
        }
    }

    pub(super) fn field(&self, up: usize, name: &str) -> Value<'a> {
        let end = match self.opened.len().checked_sub(up) {
            None | Some(0) => return Value::None,
            Some(inner) => self.opened.get(inner).copied(),
        };
        // The innermost that has it: what stands in a choice may go by what the choice went by.
        let fields = &self.fields[..end.unwrap_or(self.fields.len())];
        let found = fields.iter().rev().find_map(|(known, value)| {
            if *known == name {
                return Some(*value);
            }
            // Bits without a name of their own are fields of the container.
            known.is_empty().then(|| value.part(name)).flatten()
        });
        found.unwrap_or(Value::None)
    }
}

impl Value<'_> {
    fn part<'a>(self, name: &str) -> Option<Value<'a>> {
        match self {
            Value::Bits(bits, raw) => {
                let mut left: u32 = bits.iter().map(|bit| bit.size).sum();
                for bit in bits {
                    left = left.saturating_sub(bit.size);
                    if bit.name == name {
                        return Some(Value::Number(extract(raw, left, bit)));
                    }
                }
                None
            }
            Value::Flags(names, raw) => names
                .iter()
                .position(|known| *known == name)
                .map(|index| Value::Number(i64::from(raw >> index & 1 != 0))),
            _ => None,
        }
    }

    /// Whether a choice's case is meant.
    pub(super) fn is(self, key: Key) -> bool {
        match (self, key) {
            (Value::Number(value), Key::Number(number)) => value == number,
            (Value::Name(value), Key::Name(name)) => value == name,
            (Value::Text(value), Key::Name(name)) => value == name,
            _ => false,
        }
    }
}

/// One field of bits, `shift` from the lowest.
pub(super) fn extract(raw: u64, shift: u32, bit: &Bits) -> i64 {
    let unused = 64_u32.saturating_sub(bit.size);
    let high = raw.checked_shl(unused.saturating_sub(shift)).unwrap_or(0);
    if bit.signed {
        high.cast_signed().checked_shr(unused).unwrap_or(0)
    } else {
        high.checked_shr(unused).unwrap_or(0).cast_signed()
    }
}

#[cfg(test)]
mod tests {
    use vb_data::{Bits, Key, Path};

    use super::{Scope, Value, extract};

    const BITS: &[Bits] = &[
        Bits {
            name: "x",
            size: 26,
            signed: true,
        },
        Bits {
            name: "z",
            size: 26,
            signed: true,
        },
        Bits {
            name: "y",
            size: 12,
            signed: true,
        },
    ];

    #[test]
    fn bits_are_counted_from_the_highest_and_keep_their_signs() {
        let packed = 0x4607_632c_15b4_833f_u64;
        let parts: Vec<i64> = [(38, 0), (12, 1), (0, 2)]
            .map(|(shift, index)| extract(packed, shift, &BITS[index]))
            .into();
        assert_eq!(parts, [18_357_644, -20_882_616, 831]);
    }

    #[test]
    fn a_choice_looks_into_outer_containers_and_into_bits() {
        let mut scope = Scope::default();
        scope.open();
        scope.note("action", Value::Flags(&["add", "remove"], 2));
        scope.open();
        scope.note("", Value::Bits(BITS, 5));
        let find = |up, field, bit| scope.find(Path { up, field, bit });
        assert!(find(1, "action", "remove").is(Key::Number(1)));
        assert!(find(1, "action", "add").is(Key::Number(0)));
        assert!(find(0, "y", "").is(Key::Number(5)));
        assert!(find(0, "action", "remove").is(Key::Number(1)));
        assert_eq!(find(0, "nothing", ""), Value::None);
        assert_eq!(find(1, "y", ""), Value::None);
        assert_eq!(find(7, "action", ""), Value::None);
    }
}
