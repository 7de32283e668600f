//! Java's modified UTF-8: NUL takes two bytes, and what lies beyond the basic plane takes two three-byte surrogates.

/// Text from modified UTF-8; None if it is none. A surrogate without its partner, which Java can hold and Rust cannot,
/// becomes U+FFFD.
pub fn decode(bytes: &[u8]) -> Option<String> {
    if bytes.is_ascii() {
        return std::str::from_utf8(bytes).ok().map(str::to_owned);
    }
    let mut units = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        let (unit, left) = match (first, tail) {
            (0x00..=0x7f, left) => (u16::from(*first), left),
            (0xc0..=0xdf, [second, left @ ..]) if is_continuation(*second) => (
                u16::from(first & 0x1f) << 6 | u16::from(second & 0x3f),
                left,
            ),
            (0xe0..=0xef, [second, third, left @ ..])
                if is_continuation(*second) && is_continuation(*third) =>
            {
                (
                    u16::from(first & 0x0f) << 12
                        | u16::from(second & 0x3f) << 6
                        | u16::from(third & 0x3f),
                    left,
                )
            }
            _ => return None,
        };
        units.push(unit);
        rest = left;
    }
    Some(String::from_utf16_lossy(&units))
}

/// Modified UTF-8 of a text.
pub fn encode(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    for unit in text.encode_utf16() {
        let [high, low] = unit.to_be_bytes();
        match unit {
            0x01..=0x7f => bytes.push(low),
            0x00 | 0x80..=0x7ff => bytes.extend([0xc0 | high << 2 | low >> 6, 0x80 | low & 0x3f]),
            0x800.. => bytes.extend([
                0xe0 | high >> 4,
                0x80 | (high & 0x0f) << 2 | low >> 6,
                0x80 | low & 0x3f,
            ]),
        }
    }
    bytes
}

fn is_continuation(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}
