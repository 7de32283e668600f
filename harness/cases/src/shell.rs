//! Words as a POSIX shell reads them back.

use std::borrow::Cow;

/// The word, quoted when a shell would take it for anything else.
#[must_use]
pub fn quote(word: &str) -> Cow<'_, str> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_./=:,@%+".contains(&b);
    if !word.is_empty() && word.bytes().all(plain) {
        return Cow::Borrowed(word);
    }
    Cow::Owned(format!("'{}'", word.replace('\'', r"'\''")))
}

/// The words as one line.
pub fn join<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<Cow<'a, str>> = words.into_iter().map(quote).collect();
    quoted.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_what_a_shell_would_change() {
        assert_eq!(
            join(["vbspec", "guest", "my lobby.wasm", "a=b", "", "it's"]),
            r"vbspec guest 'my lobby.wasm' a=b '' 'it'\''s'"
        );
    }
}
