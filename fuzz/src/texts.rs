//! Which text components both sides must read alike.

use serde_json::Value;

/// Whether the player reads the same from JSON and from NBT. A translation's arguments may be booleans, which NBT has
/// not, and numbers, which it writes in other widths: with either, only that both are read.
pub fn shows_alike(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().all(shows_alike),
        Value::Object(fields) => !fields.contains_key("with") && fields.values().all(shows_alike),
        _ => true,
    }
}
