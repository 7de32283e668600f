//! NBT in JSON's terms.

use serde_json::{Number, Value};

use crate::nbt::Tag;

/// A tag as JSON. A number that is not finite, which JSON does not have, is 0: no field of a component tells them apart.
pub(super) fn json_of(tag: &Tag) -> Value {
    let numbers = |values: Vec<i64>| Value::Array(values.into_iter().map(Value::from).collect());
    match tag {
        Tag::Byte(value) => Value::from(*value),
        Tag::Short(value) => Value::from(*value),
        Tag::Int(value) => Value::from(*value),
        Tag::Long(value) => Value::from(*value),
        Tag::Float(value) => real(f64::from(*value)),
        Tag::Double(value) => real(*value),
        Tag::String(text) => Value::String(text.clone()),
        Tag::ByteArray(values) => numbers(values.iter().map(|value| i64::from(*value)).collect()),
        Tag::IntArray(values) => numbers(values.iter().map(|value| i64::from(*value)).collect()),
        Tag::LongArray(values) => numbers(values.clone()),
        Tag::List(list) => Value::Array(list.items.iter().map(json_of).collect()),
        Tag::Compound(compound) => Value::Object(
            compound
                .entries
                .iter()
                .map(|entry| (entry.name.clone(), json_of(&entry.tag)))
                .collect(),
        ),
    }
}

fn real(value: f64) -> Value {
    Value::Number(Number::from_f64(value).unwrap_or_else(|| Number::from(0)))
}
