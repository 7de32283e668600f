//! Whether JSON is a text component: by the fields that every protocol agrees on. What is in click events, hover events
//! other than text, and fields of other names is the client's to judge.

use core::fmt::Write;

use serde_json::{Map, Value};

use super::{MAX_TEXT_DEPTH, TextError, TextFault};
use crate::nbt::{MAX_STRING, modified_utf8_len};

/// One of them makes an object a component.
const CONTENT: [&str; 9] = [
    "text",
    "translate",
    "keybind",
    "score",
    "selector",
    "nbt",
    "object",
    "sprite",
    "player",
];

const STRINGS: [&str; 7] = [
    "text",
    "translate",
    "fallback",
    "keybind",
    "selector",
    "nbt",
    "insertion",
];

const BOOLEANS: [&str; 6] = [
    "bold",
    "italic",
    "underlined",
    "strikethrough",
    "obfuscated",
    "interpret",
];

const COMPONENT: &str = "a string, an object or a list";

pub(super) fn length(json: &str) -> Result<(), TextError> {
    TextError::too_long(json).map_or(Ok(()), Err)
}

/// Before the text is parsed, so that no depth costs more than reading it. Brackets in what is no JSON may be counted
/// wrongly; the parser refuses that anyway.
pub(super) fn depth(json: &str) -> Result<(), TextError> {
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut bytes = json.bytes().enumerate();
    while let Some((offset, byte)) = bytes.next() {
        match byte {
            b'"' => in_string = !in_string,
            b'\\' if in_string => {
                bytes.next();
            }
            b'{' | b'[' if !in_string => {
                depth += 1;
                if depth > MAX_TEXT_DEPTH {
                    return Err(TextError::TooDeep { offset });
                }
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

/// A value of any shape that NBT can hold.
pub(super) fn value(found: &Value) -> Result<(), TextError> {
    Path::root().value(found)
}

/// A whole component.
pub(super) fn component(found: &Value) -> Result<(), TextError> {
    let path = Path::root();
    path.value(found)?;
    path.component(found)
}

/// Where in the document, as a list that grows with the recursion and is only written out for an error.
#[derive(Clone, Copy)]
struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Root,
    Key(&'a str),
    Index(usize),
}

impl Path<'_> {
    const fn root() -> Self {
        Self {
            parent: None,
            step: Step::Root,
        }
    }

    const fn then<'b>(&'b self, step: Step<'b>) -> Path<'b> {
        Path {
            parent: Some(self),
            step,
        }
    }

    fn write(&self, out: &mut String) {
        if let Some(parent) = self.parent {
            parent.write(out);
        }
        // Writing to a string cannot fail.
        let _ = match self.step {
            Step::Root => write!(out, "$"),
            Step::Key(key) => write!(out, ".{key:.64}"),
            Step::Index(index) => write!(out, "[{index}]"),
        };
    }

    fn fault(&self, fault: TextFault) -> TextError {
        let mut path = String::new();
        self.write(&mut path);
        TextError::Structure { path, fault }
    }

    fn expect(&self, right: bool, expected: &'static str, found: &Value) -> Result<(), TextError> {
        if right {
            return Ok(());
        }
        Err(self.fault(TextFault::WrongType {
            expected,
            found: type_of(found),
        }))
    }

    fn string(&self, text: &str) -> Result<(), TextError> {
        // Three bytes a byte at most.
        if text.len() <= MAX_STRING / 3 {
            return Ok(());
        }
        let found = modified_utf8_len(text);
        if found > MAX_STRING {
            return Err(self.fault(TextFault::StringTooLong {
                found,
                limit: MAX_STRING,
            }));
        }
        Ok(())
    }

    fn value(&self, found: &Value) -> Result<(), TextError> {
        match found {
            Value::Null => Err(self.fault(TextFault::Null)),
            Value::Bool(_) | Value::Number(_) => Ok(()),
            Value::String(text) => self.string(text),
            Value::Array(elements) => elements
                .iter()
                .enumerate()
                .try_for_each(|(index, element)| self.then(Step::Index(index)).value(element)),
            Value::Object(fields) => fields.iter().try_for_each(|(key, field)| {
                let path = self.then(Step::Key(key));
                path.string(key)?;
                path.value(field)
            }),
        }
    }

    fn component(&self, found: &Value) -> Result<(), TextError> {
        match found {
            Value::String(_) => Ok(()),
            Value::Array(elements) => self.components(elements),
            Value::Object(fields) => self.object(fields),
            other => self.expect(false, COMPONENT, other),
        }
    }

    fn components(&self, elements: &[Value]) -> Result<(), TextError> {
        if elements.is_empty() {
            return Err(self.fault(TextFault::EmptyList));
        }
        elements
            .iter()
            .enumerate()
            .try_for_each(|(index, element)| self.then(Step::Index(index)).component(element))
    }

    fn object(&self, fields: &Map<String, Value>) -> Result<(), TextError> {
        if !CONTENT.iter().any(|key| fields.contains_key(*key)) {
            return Err(self.fault(TextFault::NoContent));
        }
        for (key, found) in fields {
            let path = self.then(Step::Key(key));
            match key.as_str() {
                key if STRINGS.contains(&key) => {
                    path.expect(found.is_string(), "a string", found)?
                }
                "color" => path.expect(found.is_string(), "a string", found)?,
                key if BOOLEANS.contains(&key) => {
                    path.expect(found.is_boolean(), "a boolean", found)?
                }
                "score" => path.expect(found.is_object(), "an object", found)?,
                "separator" => path.component(found)?,
                "extra" => match found {
                    Value::Array(elements) => path.components(elements)?,
                    other => path.expect(false, "a list", other)?,
                },
                "with" => path.arguments(found)?,
                "hoverEvent" | "hover_event" => path.hover(found)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// The arguments of a translation: components, and whatever a number or a boolean shows as.
    fn arguments(&self, found: &Value) -> Result<(), TextError> {
        let Value::Array(elements) = found else {
            return self.expect(false, "a list", found);
        };
        for (index, element) in elements.iter().enumerate() {
            if !element.is_number() && !element.is_boolean() {
                self.then(Step::Index(index)).component(element)?;
            }
        }
        Ok(())
    }

    fn hover(&self, found: &Value) -> Result<(), TextError> {
        let Value::Object(fields) = found else {
            return self.expect(false, "an object", found);
        };
        if fields.get("action").and_then(Value::as_str) != Some("show_text") {
            return Ok(());
        }
        for key in ["value", "contents", "text"] {
            if let Some(text) = fields.get(key) {
                self.then(Step::Key(key)).component(text)?;
            }
        }
        Ok(())
    }
}

const fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::TextComponent;

    fn fault(json: &str) -> (String, TextFault) {
        match TextComponent::json(json).unwrap_err() {
            TextError::Structure { path, fault } => (path, fault),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn components_of_every_kind_are_taken() {
        for json in [
            r#""text""#,
            r#"["a",{"text":"b"}]"#,
            r#"{"text":"a","bold":true,"color":"red","extra":["b",{"translate":"c","with":["d",1,true,{"text":"e"}]}]}"#,
            r#"{"keybind":"key.jump"}"#,
            r##"{"score":{"name":"*","objective":"o"},"color":"#00ff00"}"##,
            r#"{"selector":"@a","separator":{"text":", "}}"#,
            r#"{"text":"","clickEvent":{"action":"open_url","value":"https://example.org"}}"#,
            r#"{"text":"","hoverEvent":{"action":"show_text","contents":["a"]}}"#,
            r#"{"text":"","hover_event":{"action":"show_item","id":"minecraft:stone","count":2}}"#,
        ] {
            assert!(TextComponent::json(json).is_ok(), "{json}");
        }
    }

    #[test]
    fn a_fault_names_its_path() {
        let wrong = |expected, found| TextFault::WrongType { expected, found };
        for (json, path, expected) in [
            ("1", "$", wrong(COMPONENT, "a number")),
            ("null", "$", TextFault::Null),
            ("[]", "$", TextFault::EmptyList),
            ("{}", "$", TextFault::NoContent),
            (r#"{"color":"red"}"#, "$", TextFault::NoContent),
            (r#"{"text":1}"#, "$.text", wrong("a string", "a number")),
            (
                r#"{"text":"","bold":"yes"}"#,
                "$.bold",
                wrong("a boolean", "a string"),
            ),
            (r#"{"text":"","extra":[]}"#, "$.extra", TextFault::EmptyList),
            (
                r#"{"text":"","extra":"a"}"#,
                "$.extra",
                wrong("a list", "a string"),
            ),
            (
                r#"{"text":"","extra":["a",{"text":[]}]}"#,
                "$.extra[1].text",
                wrong("a string", "a list"),
            ),
            (
                r#"{"translate":"a","with":[[]]}"#,
                "$.with[0]",
                TextFault::EmptyList,
            ),
            (
                r#"{"text":"","clickEvent":{"value":null}}"#,
                "$.clickEvent.value",
                TextFault::Null,
            ),
            (
                r#"{"text":"","hoverEvent":{"action":"show_text","value":5}}"#,
                "$.hoverEvent.value",
                wrong(COMPONENT, "a number"),
            ),
        ] {
            assert_eq!(fault(json), (path.to_owned(), expected), "{json}");
        }
    }

    #[test]
    fn depth_at_the_limit_and_past_it() {
        let nested = |depth: usize| format!("{}\"a\"{}", "[".repeat(depth), "]".repeat(depth));
        assert!(TextComponent::json(&nested(MAX_TEXT_DEPTH)).is_ok());
        let error = TextError::TooDeep {
            offset: MAX_TEXT_DEPTH,
        };
        assert_eq!(
            TextComponent::json(&nested(MAX_TEXT_DEPTH + 1)),
            Err(error.clone())
        );
        assert_eq!(TextComponent::json(&"[".repeat(30_000)), Err(error));
    }

    #[test]
    fn brackets_in_strings_are_no_depth() {
        let json = format!("\"{}\\\"{}\"", "[".repeat(100), "{".repeat(100));
        assert!(TextComponent::json(&json).is_ok());
    }

    #[test]
    fn a_string_past_what_nbt_holds_is_refused() {
        let at = "€".repeat(MAX_STRING / 3);
        assert!(TextComponent::plain(at.clone()).is_ok());
        let error = TextComponent::plain(format!("{at}€")).unwrap_err();
        let limit = MAX_STRING;
        let fault = TextFault::StringTooLong {
            found: limit + 3,
            limit,
        };
        assert_eq!(
            error,
            TextError::Structure {
                path: "$".to_owned(),
                fault
            }
        );
    }
}
