//! JSON as a `JsonReader` of Gson's takes it, which the game has read text with: leniently with comments, single quotes,
//! bare words, `;` and `=`, and entries left out; else without these, but still with control characters in strings.
//!
//! Source: Gson's documentation of `JsonReader.setLenient`, and its behaviour.

use serde_json::{Map, Number, Value};

/// Deepest nesting; the strict reader has the same bound.
const MAX_DEPTH: usize = 128;

/// What a text that no JSON reader minds may start with.
const NO_EXECUTE: &str = ")]}'\n";

/// How a text is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JsonReading {
    /// Leniently, and nothing may follow the value: `Gson.fromJson`.
    LenientWhole,
    /// Leniently; what follows the value is not looked at: a type adapter on a lenient reader.
    Lenient,
    /// Not leniently; what follows the value is not looked at: a type adapter on a reader as it is made.
    Strict,
}

/// The first value of a text; an empty text is null.
pub(crate) fn parse_json(text: &str, reading: JsonReading) -> Result<Value, &'static str> {
    let mut reader = JsonReader {
        rest: text,
        lenient: reading != JsonReading::Strict,
    };
    reader.skip_space()?;
    if let Some(rest) = reader
        .rest
        .strip_prefix(NO_EXECUTE)
        .filter(|_| reader.lenient)
    {
        reader.rest = rest;
        reader.skip_space()?;
    }
    if reader.rest.is_empty() {
        return Ok(Value::Null);
    }
    let value = reader.value(0)?;
    if reading == JsonReading::LenientWhole {
        reader.skip_space()?;
        if !reader.rest.is_empty() {
            return Err("something follows the end of the document");
        }
    }
    Ok(value)
}

struct JsonReader<'a> {
    rest: &'a str,
    lenient: bool,
}

impl<'a> JsonReader<'a> {
    fn value(&mut self, depth: usize) -> Result<Value, &'static str> {
        if depth > MAX_DEPTH {
            return Err("nested too deep");
        }
        match self.peek() {
            Some('{') => self.object(depth),
            Some('[') => self.array(depth),
            Some(quote) if self.is_quote(quote) => self.quoted(quote).map(Value::String),
            _ => match self.bare() {
                "" => Err("a value is expected"),
                word => match meaning(word) {
                    Some(value) => Ok(value),
                    None if self.lenient => Ok(Value::String(word.to_owned())),
                    None => Err("a bare word is no value"),
                },
            },
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, &'static str> {
        self.next();
        let mut object = Map::new();
        self.skip_space()?;
        if self.take('}') {
            return Ok(Value::Object(object));
        }
        loop {
            let name = match self.peek() {
                Some(quote) if self.is_quote(quote) => self.quoted(quote)?,
                _ => match self.bare() {
                    name if self.lenient && !name.is_empty() => name.to_owned(),
                    _ => return Err("a name is expected"),
                },
            };
            self.skip_space()?;
            if self.lenient && self.take('=') {
                self.take('>');
            } else if !self.take(':') {
                return Err("\":\" is expected");
            }
            self.skip_space()?;
            let value = self.value(depth + 1)?;
            object.insert(name, value);
            self.skip_space()?;
            if self.take('}') {
                return Ok(Value::Object(object));
            }
            if !self.take_separator() {
                return Err("an object does not end");
            }
            self.skip_space()?;
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, &'static str> {
        self.next();
        let mut array = Vec::new();
        self.skip_space()?;
        if self.take(']') {
            return Ok(Value::Array(array));
        }
        loop {
            array.push(match self.peek() {
                // An entry left out.
                Some(',' | ';' | ']') if self.lenient => Value::Null,
                _ => self.value(depth + 1)?,
            });
            self.skip_space()?;
            if self.take(']') {
                return Ok(Value::Array(array));
            }
            if !self.take_separator() {
                return Err("an array does not end");
            }
            self.skip_space()?;
        }
    }

    fn quoted(&mut self, quote: char) -> Result<String, &'static str> {
        const ENDLESS: &str = "a string does not end";
        self.next();
        let mut text = String::new();
        loop {
            match self.next().ok_or(ENDLESS)? {
                c if c == quote => return Ok(text),
                '\\' => match self.next().ok_or(ENDLESS)? {
                    't' => text.push('\t'),
                    'b' => text.push('\u{8}'),
                    'n' => text.push('\n'),
                    'r' => text.push('\r'),
                    'f' => text.push('\u{c}'),
                    'u' => text.push(self.escaped()?),
                    c => text.push(c),
                },
                c => text.push(c),
            }
        }
    }

    /// The character of `\uXXXX`, or of two for one beyond 16 bits. Half of one becomes the replacement character.
    fn escaped(&mut self) -> Result<char, &'static str> {
        let first = self.unit()?;
        if (0xd800..0xdc00).contains(&first) {
            let before = self.rest;
            if let Some(rest) = before.strip_prefix("\\u") {
                self.rest = rest;
                let second = self.unit()?;
                if let [Ok(c)] = char::decode_utf16([first, second])
                    .collect::<Vec<_>>()
                    .as_slice()
                {
                    return Ok(*c);
                }
                self.rest = before;
            }
        }
        Ok(char::from_u32(u32::from(first)).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn unit(&mut self) -> Result<u16, &'static str> {
        const BAD: &str = "an escape is no character";
        let digits = self.rest.get(..4).ok_or(BAD)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(BAD);
        }
        self.rest = &self.rest[4..];
        u16::from_str_radix(digits, 16).map_err(|_| BAD)
    }

    /// A bare word, empty if there is none.
    fn bare(&mut self) -> &'a str {
        let end = self.rest.find(ends_word).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    /// Skips white space and comments.
    fn skip_space(&mut self) -> Result<(), &'static str> {
        loop {
            self.rest = self.rest.trim_start_matches([' ', '\n', '\r', '\t']);
            if !self.lenient {
                return Ok(());
            }
            if let Some(comment) = self.rest.strip_prefix("/*") {
                let end = comment.find("*/").ok_or("a comment does not end")?;
                self.rest = &comment[end + 2..];
            } else if self.rest.starts_with("//") || self.rest.starts_with('#') {
                self.rest = self
                    .rest
                    .find(['\n', '\r'])
                    .map_or("", |end| &self.rest[end..]);
            } else {
                return Ok(());
            }
        }
    }

    fn is_quote(&self, c: char) -> bool {
        c == '"' || (self.lenient && c == '\'')
    }

    fn take_separator(&mut self) -> bool {
        self.take(',') || (self.lenient && self.take(';'))
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let next = chars.next();
        self.rest = chars.as_str();
        next
    }

    fn take(&mut self, wanted: char) -> bool {
        match self.rest.strip_prefix(wanted) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }
}

/// Whether a bare word ends before this.
fn ends_word(c: char) -> bool {
    matches!(
        c,
        '/' | '\\'
            | ';'
            | '#'
            | '='
            | '{'
            | '}'
            | '['
            | ']'
            | ':'
            | ','
            | ' '
            | '\t'
            | '\u{c}'
            | '\r'
            | '\n'
    )
}

/// What a bare word stands for: a keyword in any case, or a number.
fn meaning(word: &str) -> Option<Value> {
    match word.to_ascii_lowercase().as_str() {
        "true" => Some(Value::Bool(true)),
        "false" => Some(Value::Bool(false)),
        "null" => Some(Value::Null),
        _ => serde_json::from_str::<Number>(word).ok().map(Value::Number),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_lenient_reader_takes() {
        for (text, value) in [
            ("{'text':'closed'}", json!({ "text": "closed" })),
            ("{text:closed}", json!({ "text": "closed" })),
            ("Kicked", json!("Kicked")),
            ("'it\\'s \\u00e4'", json!("it's ä")),
            (
                "{a=1;b=>TRUE,c:nUlL}",
                json!({ "a": 1, "b": true, "c": null }),
            ),
            ("[a,,'b';]", json!(["a", null, "b", null])),
            ("[]", json!([])),
            ("{}", json!({})),
            ("// why\n# not\n{/* here */a: -1.5}", json!({ "a": -1.5 })),
            (")]}'\n[1]", json!([1])),
            ("01", json!("01")),
            ("", json!(null)),
            (" ", json!(null)),
            ("\"raw\nline\"", json!("raw\nline")),
            ("'\\ud83d\\ude00 \\ud83d!'", json!("😀 \u{fffd}!")),
        ] {
            assert_eq!(
                parse_json(text, JsonReading::LenientWhole),
                Ok(value),
                "{text}"
            );
        }
    }

    #[test]
    fn what_even_a_lenient_reader_refuses() {
        for text in [
            "{a:1,}",
            "{",
            "{a}",
            "[1",
            "'",
            "'\\u12'",
            "/*",
            "}",
            "{,}",
            "a\\b",
            "You are kicked",
        ] {
            assert!(
                parse_json(text, JsonReading::LenientWhole).is_err(),
                "{text}"
            );
        }
        assert_eq!(
            parse_json("You are kicked", JsonReading::Lenient),
            Ok(json!("You"))
        );
    }

    #[test]
    fn what_a_reader_takes_that_is_not_lenient() {
        for (text, value) in [
            ("\"raw\nline\" and more", json!("raw\nline")),
            ("{\"a\":TRUE}", json!({ "a": true })),
            ("\"it\\'s\"", json!("it's")),
            ("", json!(null)),
        ] {
            assert_eq!(parse_json(text, JsonReading::Strict), Ok(value), "{text}");
        }
        for text in [
            "'a'",
            "a",
            "{a:1}",
            "{'a':1}",
            "{\"a\"=1}",
            "[1;2]",
            "[1,,2]",
            "[1,]",
            "01",
            "/**/1",
            "#\n1",
            ")]}'\n1",
            "[1/**/]",
        ] {
            assert!(parse_json(text, JsonReading::Strict).is_err(), "{text}");
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse_json(&nested(MAX_DEPTH), JsonReading::Strict).is_ok());
        assert!(parse_json(&nested(MAX_DEPTH + 1), JsonReading::Strict).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,40}|[\\[\\]{}:;,='\"\\\\/#*a1 \n]{0,40}") {
            let _ = parse_json(&text, JsonReading::Lenient);
            let _ = parse_json(&text, JsonReading::Strict);
        }

        #[test]
        fn what_is_strictly_json_means_the_same(text in "[a-z\"\\\\ \u{e4}]{0,20}", number in any::<i64>()) {
            let value = json!({ "a": [text, number, null, true], "b": {} });
            for reading in [JsonReading::LenientWhole, JsonReading::Strict] {
                prop_assert_eq!(parse_json(&value.to_string(), reading), Ok(value.clone()));
            }
        }
    }
}
