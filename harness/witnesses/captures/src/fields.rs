//! What our dumps say beside the package's JSON, where both name a field alike.

use std::collections::BTreeMap;

use serde_json::Value;
use sim_proto::wire::Field;

/// What the comparison of a packet came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Compared {
    /// Fields that both name, in forms that can be compared.
    pub(crate) equal: usize,
    /// What differs: path, and both readings.
    pub(crate) different: Vec<String>,
}

/// Compares each field of a dump that the JSON has too. A path that stands twice in the dump names no one field.
pub(crate) fn compare(fields: &[Field], json: &Value) -> Compared {
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for field in fields {
        *times.entry(&field.path).or_default() += 1;
    }
    let mut compared = Compared::default();
    for field in fields {
        if times
            .get(field.path.as_str())
            .is_some_and(|times| *times > 1)
        {
            continue;
        }
        let Some(theirs) = find(json, &field.path) else {
            continue;
        };
        match same(theirs, &field.value) {
            Some(true) => compared.equal += 1,
            Some(false) => compared.different.push(format!(
                "{} is {} to us and {} to the package",
                field.path,
                short(&field.value),
                short(&theirs.to_string())
            )),
            None => {}
        }
    }
    compared
}

/// The value at a dump's path: `worldNames[2].x`.
fn find<'a>(json: &'a Value, path: &str) -> Option<&'a Value> {
    let mut at = json;
    for part in path.split(['.', '[']) {
        at = match part.strip_suffix(']') {
            Some(index) => at.get(index.parse::<usize>().ok()?)?,
            None => at.get(part)?,
        };
    }
    Some(at)
}

/// Whether a value of the package and a text of our dumps say the same; None where that cannot be told.
fn same(theirs: &Value, ours: &str) -> Option<bool> {
    match theirs {
        Value::Bool(theirs) => match ours {
            "true" | "1" => Some(*theirs),
            "false" | "0" => Some(!*theirs),
            _ => None,
        },
        Value::Number(theirs) => number(theirs.as_f64()?, ours),
        Value::String(theirs) => string(theirs, ours),
        // Longs, in two halves.
        Value::Array(halves) => match halves[..] {
            [ref high, ref low] => {
                let (high, low) = (high.as_i64()?, low.as_i64()?);
                let theirs = (high << 32) | (low & 0xffff_ffff);
                Some(ours.parse::<i64>().ok()? == theirs)
            }
            _ => None,
        },
        Value::Object(object) if object.get("type")?.as_str()? == "Buffer" => {
            let bytes = object.get("data")?.as_array()?.len();
            Some(ours.strip_suffix(" bytes")?.parse::<usize>().ok()? == bytes)
        }
        Value::Object(_) | Value::Null => None,
    }
}

fn number(theirs: f64, ours: &str) -> Option<bool> {
    if let "true" | "false" = ours {
        return Some((theirs != 0.0) == (ours == "true"));
    }
    let value: f64 = ours.parse().ok()?;
    // A number of four bytes is written here with the digits that it needs, there with those of its value in eight.
    #[allow(clippy::cast_possible_truncation, reason = "to the width of the field")]
    let narrow = ours.parse::<f32>().ok()?.to_bits() == (theirs as f32).to_bits();
    let whole = value.fract() == 0.0 && theirs.fract() == 0.0;
    Some(
        value.to_bits() == theirs.to_bits()
            || (narrow && !whole)
            || (value == 0.0 && theirs == 0.0),
    )
}

fn string(theirs: &str, ours: &str) -> Option<bool> {
    // A UUID, which dumps show without dashes.
    let bare = theirs.replace('-', "");
    if ours == bare && bare.len() == 32 {
        return Some(true);
    }
    let quoted = format!("{theirs:?}");
    match ours.strip_suffix('…') {
        Some(start) => Some(quoted.starts_with(start)),
        None if ours.starts_with('"') => Some(quoted == ours),
        // A long as digits, or a name for a number, which says nothing against ours.
        None => theirs.parse::<i64>().ok().map(|_| theirs == ours),
    }
}

fn short(text: &str) -> String {
    const SHOWN: usize = 60;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn field(path: &str, value: &str) -> Field {
        Field {
            offset: 0,
            len: 1,
            path: path.to_owned(),
            value: value.to_owned(),
        }
    }

    #[test]
    fn a_field_is_found_by_its_path() {
        let json = json!({ "list": [{ "x": 1 }, { "x": 2 }] });
        assert_eq!(find(&json, "list[1].x"), Some(&json!(2)));
        assert_eq!(find(&json, "list[2].x"), None);
        assert_eq!(find(&json, "other"), None);
    }

    #[test]
    fn equal_values_are_equal_in_each_form() {
        for (theirs, ours) in [
            (json!(5), "5"),
            (json!(0.10000000149011612), "0.1"),
            (json!(-224.5), "-224.5"),
            (json!(true), "true"),
            (json!(1), "true"),
            (json!("a\"b"), "\"a\\\"b\""),
            (
                json!("0ab8cd30-7904-4d7f-b37c-8cf2d644fae6"),
                "0ab8cd3079044d7fb37c8cf2d644fae6",
            ),
            (json!([-1, -2]), "-2"),
            (json!([1, 0]), "4294967296"),
            (json!({ "type": "Buffer", "data": [1, 2] }), "2 bytes"),
        ] {
            assert_eq!(same(&theirs, ours), Some(true), "{theirs} {ours}");
        }
    }

    #[test]
    fn another_value_is_told_with_its_path() {
        let json = json!({ "a": 16_777_217, "b": "x", "c": [0, 1], "d": 1.5 });
        for (path, value) in [("a", "16777216"), ("b", "\"y\""), ("c", "2"), ("d", "1.25")] {
            let compared = compare(&[field(path, value)], &json);
            assert_eq!(compared.equal, 0, "{path}");
            assert!(compared.different[0].starts_with(path), "{compared:?}");
        }
    }

    #[test]
    fn a_path_that_stands_twice_is_passed_over() {
        let fields = [field("a", "1"), field("a", "2")];
        assert_eq!(compare(&fields, &json!({ "a": 1 })), Compared::default());
    }

    #[test]
    fn forms_that_cannot_be_compared_are_passed_over() {
        let json = json!({ "a": { "x": 1 }, "b": null, "c": [1, 2, 3], "d": "survival" });
        for path in ["a", "b", "c", "d", "e"] {
            assert_eq!(compare(&[field(path, "7")], &json), Compared::default());
        }
    }
}
