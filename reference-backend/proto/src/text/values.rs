//! Values of one kind within a component: colours, identifiers, addresses, UUIDs.

use super::TextFault;

/// The sixteen colours that every version has, and what they look like.
const COLOURS: [(&str, u32); 16] = [
    ("black", 0x00_0000),
    ("dark_blue", 0x00_00AA),
    ("dark_green", 0x00_AA00),
    ("dark_aqua", 0x00_AAAA),
    ("dark_red", 0xAA_0000),
    ("dark_purple", 0xAA_00AA),
    ("gold", 0xFF_AA00),
    ("gray", 0xAA_AAAA),
    ("dark_gray", 0x55_5555),
    ("blue", 0x55_55FF),
    ("green", 0x55_FF55),
    ("aqua", 0x55_FFFF),
    ("red", 0xFF_5555),
    ("light_purple", 0xFF_55FF),
    ("yellow", 0xFF_FF55),
    ("white", 0xFF_FFFF),
];

/// The colour of versions until 1.20.2 that takes back the parent's; it looks like [`RESET_AS`].
pub(super) const RESET: &str = "reset";
/// What text without any colour looks like.
pub(super) const RESET_AS: &str = "white";

const MAX_RGB: u32 = 0xFF_FFFF;
/// Digits of a UUID's groups.
const UUID_GROUPS: [usize; 5] = [8, 4, 4, 4, 12];

/// A colour's name, [`RESET`], or `#` and six hexadecimal digits.
pub(super) fn colour(text: &str) -> Result<(), TextFault> {
    let known = match text.strip_prefix('#') {
        Some(_) => rgb(text).is_some(),
        None => text == RESET || COLOURS.iter().any(|(name, _)| *name == text),
    };
    if known {
        Ok(())
    } else {
        Err(TextFault::Colour)
    }
}

fn rgb(text: &str) -> Option<u32> {
    let digits = text.strip_prefix('#')?;
    if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    u32::from_str_radix(digits, 16)
        .ok()
        .filter(|rgb| *rgb <= MAX_RGB)
}

/// The name that comes nearest to `#RRGGBB`; none when it is a name already.
pub(super) fn nearest_name(text: &str) -> Option<&'static str> {
    let wanted = rgb(text)?;
    let distance = |other: u32| -> u32 {
        [16, 8, 0]
            .iter()
            .map(|shift| {
                let part = |rgb: u32| rgb >> shift & 0xFF;
                part(wanted).abs_diff(part(other)).pow(2)
            })
            .sum()
    };
    COLOURS
        .iter()
        .min_by_key(|(_, other)| distance(*other))
        .map(|(name, _)| *name)
}

/// `namespace:path` or a path.
pub(super) fn identifier(text: &str) -> Result<(), TextFault> {
    let (namespace, path) = text.split_once(':').unwrap_or(("minecraft", text));
    let plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-');
    let right = !path.is_empty()
        && namespace.bytes().all(plain)
        && path.bytes().all(|byte| plain(byte) || byte == b'/');
    if right {
        Ok(())
    } else {
        Err(TextFault::Identifier)
    }
}

/// An address that every client opens: http or https, a host, and no character that a URI may not have.
pub(super) fn url(text: &str) -> Result<(), TextFault> {
    let Some((scheme, rest)) = text.split_once(':') else {
        return Err(TextFault::UrlScheme);
    };
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return Err(TextFault::UrlScheme);
    }
    let host = rest.strip_prefix("//").unwrap_or_default();
    let ends = |char: char| matches!(char, '/' | '?' | '#');
    if host.split(ends).next().is_none_or(str::is_empty) {
        return Err(TextFault::UrlHost);
    }
    let odd = |char: char| char <= ' ' || "\"<>\\^`{|}\u{7f}".contains(char);
    // An escape is two hexadecimal digits; a fragment comes once.
    let escapes = rest.split('%').skip(1).all(|after| {
        let digits = after.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    });
    if rest.chars().any(odd) || !escapes || rest.matches('#').count() > 1 {
        return Err(TextFault::UrlCharacter);
    }
    Ok(())
}

/// What may be typed into chat, and so be a command.
pub(super) fn chat(text: &str) -> Result<(), TextFault> {
    match text
        .chars()
        .find(|char| *char < ' ' || matches!(char, '\u{7f}' | '§'))
    {
        None => Ok(()),
        Some(found) => Err(TextFault::Character { found }),
    }
}

/// A UUID with its dashes.
pub(super) fn uuid(text: &str) -> Result<(), TextFault> {
    let groups: Vec<&str> = text.split('-').collect();
    let hexadecimal = |group: &str| group.bytes().all(|byte| byte.is_ascii_hexdigit());
    let right = groups.len() == UUID_GROUPS.len()
        && groups
            .iter()
            .zip(UUID_GROUPS)
            .all(|(group, length)| group.len() == length && hexadecimal(group));
    if right { Ok(()) } else { Err(TextFault::Uuid) }
}

/// Four numbers of 32 bits as a UUID with dashes.
pub(super) fn uuid_of(parts: [i32; 4]) -> String {
    let digits: String = parts.iter().map(|part| format!("{part:08x}")).collect();
    let mut out = String::new();
    let mut rest = digits.as_str();
    for length in UUID_GROUPS {
        if !out.is_empty() {
            out.push('-');
        }
        let (group, left) = rest.split_at(length);
        out.push_str(group);
        rest = left;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_of_a_colour() {
        assert_eq!(nearest_name("#fe5454"), Some("red"));
        assert_eq!(nearest_name("#000001"), Some("black"));
        assert_eq!(nearest_name("red"), None);
    }

    #[test]
    fn numbers_and_text_of_a_uuid() {
        let text = uuid_of([0x1234_5678, -1, 0, 1]);
        assert_eq!(text, "12345678-ffff-ffff-0000-000000000001");
        assert_eq!(uuid(&text), Ok(()));
        assert_eq!(uuid("1-2-3-4-5"), Err(TextFault::Uuid));
    }

    #[test]
    fn addresses_have_a_scheme_and_a_host() {
        for right in [
            "https://example.net",
            "http://a/b?c=%20#d",
            "HTTPS://ä.example",
        ] {
            assert_eq!(url(right), Ok(()), "{right}");
        }
        for (wrong, fault) in [
            ("example.net/", TextFault::UrlScheme),
            ("ftp://example.net", TextFault::UrlScheme),
            ("https:", TextFault::UrlHost),
            ("https:///a", TextFault::UrlHost),
            ("https://a/b c", TextFault::UrlCharacter),
            ("https://a/%2", TextFault::UrlCharacter),
            ("https://a/#b#c", TextFault::UrlCharacter),
        ] {
            assert_eq!(url(wrong), Err(fault), "{wrong}");
        }
    }
}
