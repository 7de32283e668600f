//! Values of one kind: colours, identifiers, addresses, UUIDs.

use serde_json::Value;

use super::error::shown;
use super::path::Path;
use super::{TextError, TextForm};

type Check<T = ()> = Result<T, TextError>;

/// The names of the colours, on every version.
const COLOURS: [&str; 16] = [
    "black",
    "dark_blue",
    "dark_green",
    "dark_aqua",
    "dark_red",
    "dark_purple",
    "gold",
    "gray",
    "dark_gray",
    "blue",
    "green",
    "aqua",
    "red",
    "light_purple",
    "yellow",
    "white",
];

/// Largest colour: 24 bits.
const MAX_COLOUR: i32 = 0xFF_FFFF;
/// Longest text of a UUID in characters.
const MAX_UUID_TEXT: usize = 36;
/// Groups of a UUID's text, and numbers of one in numbers.
const UUID_GROUPS: usize = 5;
const UUID_INTS: usize = 4;

pub(super) fn string<'a>(value: &'a Value, at: &Path<'_>) -> Check<&'a str> {
    value
        .as_str()
        .ok_or_else(|| TextError::wrong(at, value, "a string"))
}

/// A boolean, which in NBT is any number.
pub(super) fn boolean(form: TextForm, value: &Value, at: &Path<'_>) -> Check {
    let right = match form {
        TextForm::Json => value.is_boolean(),
        TextForm::Nbt => value.is_number(),
    };
    if right {
        return Ok(());
    }
    Err(TextError::wrong(at, value, "a boolean"))
}

/// A whole number of this range; fractions are cut off, as the client does.
#[allow(
    clippy::cast_possible_truncation,
    reason = "out of range is out of the other range too"
)]
pub(super) fn whole(value: &Value, low: i32, high: i32, at: &Path<'_>) -> Check {
    let number = value
        .as_f64()
        .ok_or_else(|| TextError::wrong(at, value, "a number"))?;
    // As Java narrows: out of range saturates, which is still out of range for all ranges used here.
    let number = number as i32;
    if (low..=high).contains(&number) {
        return Ok(());
    }
    Err(TextError::Range {
        at: at.to_string(),
        low,
        high,
    })
}

/// One of the sixteen names, or `#` and a hexadecimal number up to [`MAX_COLOUR`] in as many digits as it likes:
/// clients parse it as a number.
pub(super) fn colour(value: &Value, at: &Path<'_>) -> Check {
    let text = string(value, at)?;
    let known = match text.strip_prefix('#') {
        Some(digits) => {
            i32::from_str_radix(digits, 16).is_ok_and(|colour| (0..=MAX_COLOUR).contains(&colour))
        }
        None => COLOURS.contains(&text),
    };
    if known {
        return Ok(());
    }
    Err(TextError::Colour {
        at: at.to_string(),
        found: shown(text),
    })
}

/// `namespace:path`, or a path alone. An empty path is one, as in the game.
pub(super) fn identifier(value: &Value, at: &Path<'_>) -> Check {
    let text = string(value, at)?;
    if is_identifier(text) {
        return Ok(());
    }
    Err(TextError::Identifier {
        at: at.to_string(),
        found: shown(text),
    })
}

pub(super) fn is_identifier(text: &str) -> bool {
    let (namespace, path) = text.split_once(':').unwrap_or(("", text));
    let plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-');
    namespace.bytes().all(plain) && path.bytes().all(|byte| plain(byte) || byte == b'/')
}

/// An address with the scheme http or https, of characters that a URI may have.
pub(super) fn url(value: &Value, at: &Path<'_>) -> Check {
    let text = string(value, at)?;
    match url_fault(text) {
        None => Ok(()),
        Some(why) => Err(TextError::Url {
            at: at.to_string(),
            found: shown(text),
            why,
        }),
    }
}

fn url_fault(text: &str) -> Option<&'static str> {
    const SCHEME: &str = "it needs the scheme `http:` or `https:`";
    let Some((scheme, rest)) = text.split_once(':') else {
        return Some(SCHEME);
    };
    if !["http", "https"]
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known))
    {
        return Some(SCHEME);
    }
    if rest.is_empty() || rest == "//" {
        return Some("it names no host");
    }
    let forbidden = |char: char| char <= ' ' || "\"<>\\^`{|}\u{7f}".contains(char);
    if rest.chars().any(forbidden) {
        return Some("it holds a character that no URI may have");
    }
    let bytes = rest.as_bytes();
    let escaped = |index: usize| {
        let digit = |place: usize| bytes.get(place).is_some_and(u8::is_ascii_hexdigit);
        digit(index + 1) && digit(index + 2)
    };
    if bytes
        .iter()
        .enumerate()
        .any(|(index, byte)| *byte == b'%' && !escaped(index))
    {
        return Some("it holds a `%` without two hexadecimal digits");
    }
    None
}

/// A string that may be typed into chat.
pub(super) fn chat(value: &Value, at: &Path<'_>) -> Check {
    match string(value, at)?
        .chars()
        .find(|char| *char < ' ' || matches!(char, '\u{7f}' | '§'))
    {
        None => Ok(()),
        Some(found) => Err(TextError::Character {
            at: at.to_string(),
            found,
        }),
    }
}

/// A UUID as text (in groups of any length, as Java reads them), or as four numbers.
pub(super) fn uuid(value: &Value, at: &Path<'_>) -> Check {
    let right = match value {
        Value::String(text) => is_uuid(text),
        Value::Array(numbers) => numbers.len() == UUID_INTS && numbers.iter().all(Value::is_number),
        _ => false,
    };
    if right {
        return Ok(());
    }
    Err(TextError::Uuid { at: at.to_string() })
}

pub(super) fn is_uuid(text: &str) -> bool {
    let mut groups = 0;
    text.len() <= MAX_UUID_TEXT
        && text.split('-').all(|group| {
            groups += 1;
            !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
        && groups == UUID_GROUPS
}
