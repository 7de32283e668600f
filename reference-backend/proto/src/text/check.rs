//! Whether JSON is a text component that every client reads once it is made [`fit`](super::fit) for it. Whether items,
//! entity types, dialogs and selectors exist, what is in an item's components, and fields of other names are the client's
//! to judge.

use core::fmt::Write;

use serde_json::{Map, Value};

use super::event::{CLICK_NAMES, Click, HOVER_NAMES, Hover};
use super::fit::{KINDS, content};
use super::values::{colour, identifier};
use super::{MAX_TEXT_DEPTH, TextError, TextFault};
use crate::nbt::{MAX_STRING, modified_utf8_len};

const STRINGS: [&str; 10] = [
    "text",
    "translate",
    "fallback",
    "keybind",
    "selector",
    "nbt",
    "insertion",
    "block",
    "entity",
    "type",
];

const BOOLEANS: [&str; 7] = [
    "bold",
    "italic",
    "underlined",
    "strikethrough",
    "obfuscated",
    "interpret",
    "hat",
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
pub(super) struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy)]
pub(super) enum Step<'a> {
    Root,
    Key(&'a str),
    Index(usize),
}

impl Path<'_> {
    pub(super) const fn root() -> Self {
        Self {
            parent: None,
            step: Step::Root,
        }
    }

    pub(super) const fn then<'b>(&'b self, step: Step<'b>) -> Path<'b> {
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

    pub(super) fn fault(&self, fault: TextFault) -> TextError {
        let mut path = String::new();
        self.write(&mut path);
        TextError::Structure { path, fault }
    }

    pub(super) fn expect(
        &self,
        right: bool,
        expected: &'static str,
        found: &Value,
    ) -> Result<(), TextError> {
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

    pub(super) fn component(&self, found: &Value) -> Result<(), TextError> {
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
        if let Some(kind) = fields.get("type") {
            let path = self.then(Step::Key("type"));
            path.expect(kind.is_string(), "a string", kind)?;
            if !KINDS.iter().any(|(_, name)| Some(*name) == kind.as_str()) {
                return Err(path.fault(TextFault::Type));
            }
            if content(fields).is_none() {
                return Err(path.fault(TextFault::Type));
            }
        }
        let Some(content) = content(fields) else {
            return Err(self.fault(TextFault::NoContent));
        };
        self.needs(content, fields)?;
        fields
            .iter()
            .try_for_each(|(key, found)| self.field(key, found))
    }

    fn field(&self, key: &str, found: &Value) -> Result<(), TextError> {
        let path = self.then(Step::Key(key));
        match key {
            key if STRINGS.contains(&key) => path.expect(found.is_string(), "a string", found),
            "color" => path.named(found, colour),
            "font" | "sprite" | "atlas" | "storage" => path.named(found, identifier),
            "shadow_color" => path.shadow(found),
            key if BOOLEANS.contains(&key) => path.expect(found.is_boolean(), "a boolean", found),
            "score" => path.score(found),
            "player" => path.expect(
                found.is_string() || found.is_object(),
                "a name or an object",
                found,
            ),
            "separator" => path.component(found),
            "extra" => match found {
                Value::Array(elements) => path.components(elements),
                other => path.expect(false, "a list", other),
            },
            "with" => path.arguments(found),
            key if CLICK_NAMES.contains(&key) => Click::read(found, &path).map(drop),
            key if HOVER_NAMES.contains(&key) => Hover::read(found, &path).map(drop),
            _ => Ok(()),
        }
    }

    /// What a content needs beside the field that tells it.
    fn needs(&self, content: &str, fields: &Map<String, Value>) -> Result<(), TextError> {
        let has = |key: &str| fields.contains_key(key);
        let lacks = |field| Err(self.fault(TextFault::Missing { field }));
        match content {
            "nbt" if !has("block") && !has("entity") && !has("storage") => {
                lacks("block, entity or storage")
            }
            "nbt" => match fields.get("source").and_then(Value::as_str) {
                Some("block") if !has("block") => lacks("block"),
                Some("entity") if !has("entity") => lacks("entity"),
                Some("storage") if !has("storage") => lacks("storage"),
                Some("block" | "entity" | "storage") => Ok(()),
                _ => fields.get("source").map_or(Ok(()), |source| {
                    let path = self.then(Step::Key("source"));
                    path.expect(false, "block, entity or storage", source)
                }),
            },
            "sprite" | "player" => match fields.get("object") {
                None => Ok(()),
                Some(kind) => {
                    let path = self.then(Step::Key("object"));
                    let wanted = if content == "sprite" {
                        "atlas"
                    } else {
                        "player"
                    };
                    path.expect(kind == wanted, "atlas or player, as the picture is", kind)
                }
            },
            // What kind of picture it is, and no picture.
            "object" => lacks("sprite or player"),
            _ => Ok(()),
        }
    }

    fn named(
        &self,
        found: &Value,
        check: impl Fn(&str) -> Result<(), TextFault>,
    ) -> Result<(), TextError> {
        self.expect(found.is_string(), "a string", found)?;
        check(found.as_str().unwrap_or_default()).map_err(|fault| self.fault(fault))
    }

    /// A number, or red, green, blue and opacity.
    fn shadow(&self, found: &Value) -> Result<(), TextError> {
        let four = |parts: &Vec<Value>| parts.len() == 4 && parts.iter().all(Value::is_number);
        let right = found.is_number() || found.as_array().is_some_and(four);
        self.expect(right, "a number or a list of four", found)
    }

    fn score(&self, found: &Value) -> Result<(), TextError> {
        let Value::Object(score) = found else {
            return self.expect(false, "an object", found);
        };
        for field in ["name", "objective"] {
            match score.get(field) {
                None => return Err(self.fault(TextFault::Missing { field })),
                Some(found) => {
                    let path = self.then(Step::Key(field));
                    path.expect(found.is_string(), "a string", found)?;
                }
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
    fn what_no_client_reads_names_its_path_too() {
        let lacks = |field| TextFault::Missing { field };
        for (json, path, expected) in [
            (
                r#"{"text":"","color":"nonsense"}"#,
                "$.color",
                TextFault::Colour,
            ),
            (
                r##"{"text":"","color":"#FFF12A34"}"##,
                "$.color",
                TextFault::Colour,
            ),
            (
                r#"{"text":"","font":"No Font"}"#,
                "$.font",
                TextFault::Identifier,
            ),
            (
                r#"{"text":"","type":"nonsense"}"#,
                "$.type",
                TextFault::Type,
            ),
            (r#"{"text":"","type":"keybind"}"#, "$.type", TextFault::Type),
            (r#"{"score":{"name":"a"}}"#, "$.score", lacks("objective")),
            (r#"{"nbt":"a"}"#, "$", lacks("block, entity or storage")),
            (r#"{"object":"atlas"}"#, "$", lacks("sprite or player")),
            (
                r#"{"nbt":"a","block":"b","source":"nonsense"}"#,
                "$.source",
                TextFault::WrongType {
                    expected: "block, entity or storage",
                    found: "a string",
                },
            ),
            (
                r#"{"text":"","click_event":{"action":"open_url","url":"example.net/"}}"#,
                "$.click_event.url",
                TextFault::UrlScheme,
            ),
            (
                r#"{"text":"","extra":[{"text":"","clickEvent":{"action":"open_file","value":"a"}}]}"#,
                "$.extra[0].clickEvent.action",
                TextFault::ClickAction,
            ),
            (
                r#"{"text":"","clickEvent":{"action":"run_command","value":"§"}}"#,
                "$.clickEvent.value",
                TextFault::Character { found: '§' },
            ),
            (
                r#"{"text":"","clickEvent":{"action":"change_page","value":"0"}}"#,
                "$.clickEvent.value",
                TextFault::Range {
                    low: 1,
                    high: i64::from(i32::MAX),
                },
            ),
            (
                r#"{"text":"","hoverEvent":{"action":"show_achievement","value":"a"}}"#,
                "$.hoverEvent.action",
                TextFault::HoverAction,
            ),
            (
                r#"{"text":"","hover_event":{"action":"show_text"}}"#,
                "$.hover_event",
                lacks("value"),
            ),
            (
                r#"{"text":"","hover_event":{"action":"show_entity","id":"pig","uuid":"a"}}"#,
                "$.hover_event.uuid",
                TextFault::Uuid,
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
