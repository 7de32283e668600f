//! Numbers of the configuration: whole ones within bounds, and sizes that may have a unit.

use serde::Deserializer;
use serde::de::{self, Visitor};
use std::fmt;

/// A whole number within bounds.
pub(super) fn bounded<'de, D: Deserializer<'de>, const MIN: u64, const MAX: u64>(
    deserializer: D,
) -> Result<u64, D::Error> {
    let value = deserializer.deserialize_any(Number { unit: false })?;
    within(value, MIN, MAX)
}

/// A number of bytes within bounds: a whole number, or a text of a number and a unit.
pub(super) fn bytes<'de, D: Deserializer<'de>, const MIN: u64, const MAX: u64>(
    deserializer: D,
) -> Result<u64, D::Error> {
    let value = deserializer.deserialize_any(Number { unit: true })?;
    within(value, MIN, MAX)
}

/// As [`bounded`], for what is kept in fewer bits than the bounds need.
pub(super) fn small<'de, D: Deserializer<'de>, const MIN: u64, const MAX: u64>(
    deserializer: D,
) -> Result<u32, D::Error> {
    u32::try_from(bounded::<D, MIN, MAX>(deserializer)?).map_err(de::Error::custom)
}

fn within<E: de::Error>(value: i128, least: u64, most: u64) -> Result<u64, E> {
    u64::try_from(value)
        .ok()
        .filter(|value| (least..=most).contains(value))
        .ok_or_else(|| E::custom(format!("{value} is out of bounds, use {least} to {most}")))
}

struct Number {
    unit: bool,
}

impl Visitor<'_> for Number {
    type Value = i128;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.unit {
            "a whole number of bytes, or a text such as \"64 MiB\""
        } else {
            "a whole number without a unit"
        })
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<i128, E> {
        Ok(value.into())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<i128, E> {
        Ok(value.into())
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<i128, E> {
        if !self.unit {
            return Err(E::invalid_type(de::Unexpected::Str(value), &self));
        }
        size(value).ok_or_else(|| {
            E::custom(format!(
                "\"{value}\" is no size: write a whole number with B, KiB, MiB or GiB, such as \"64 MiB\""
            ))
        })
    }
}

/// A whole number and one of the units of 1024, with or without a space between.
fn size(text: &str) -> Option<i128> {
    let text = text.trim();
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor: u64 = match unit.trim_start() {
        "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    let number: u64 = number.parse().ok()?;
    Some(i128::from(number) * i128::from(factor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units_of_1024() {
        for (text, bytes) in [
            ("0 B", 0),
            ("1024 B", 1024),
            ("64 MiB", 64 << 20),
            ("64MiB", 64 << 20),
            (" 1 KiB ", 1 << 10),
            ("2 GiB", 2 << 30),
        ] {
            assert_eq!(size(text), Some(bytes), "{text}");
        }
        for text in [
            "",
            "64",
            "MiB",
            "64 MB",
            "64 mib",
            "64 M",
            "-1 B",
            "1.5 MiB",
            "1_000 B",
            "1 KiB KiB",
            "99999999999999999999 B",
        ] {
            assert_eq!(size(text), None, "{text}");
        }
        assert_eq!(
            size("18446744073709551615 GiB").map(|size| size > 1 << 90),
            Some(true)
        );
    }
}
