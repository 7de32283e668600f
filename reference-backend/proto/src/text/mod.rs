//! Text components: taken as plain text or as JSON, checked once, and written as JSON or NBT.

mod check;
mod event;
mod fit;
mod nbt;
mod values;

use core::fmt;

use bytes::BytesMut;
use serde_json::Value;

use crate::version::Version;
use crate::wire::utf16_len;

/// The longest text component as JSON, in UTF-16 units: the bound of the string that carries it, for every protocol
/// (some fields allow 262,144 from 1.13 on).
pub const MAX_TEXT: usize = 32_767;

/// How deep components and what is in them may be nested. Vanilla's NBT reader stops at 512; nobody writes text this
/// deep, and every level costs the client a call.
pub const MAX_TEXT_DEPTH: usize = 64;

/// The length to which [`TextComponent::cut`] cuts, in characters: escaped as JSON it stays under [`MAX_TEXT`].
pub const CUT: usize = 5_000;

/// Text for the player, known to be within every protocol's bounds.
///
/// JSON is sent as it was given up to protocol 764, and converted to NBT from 765 on. Call [`fit`](Self::fit) first, or
/// a client may choke on what its version does not have, or has in another form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextComponent {
    json: String,
    value: Value,
}

impl TextComponent {
    /// Shown as it is. An error when it is over [`MAX_TEXT`] once it is escaped, or over what NBT can hold.
    pub fn plain(text: impl Into<String>) -> Result<Self, TextError> {
        let value = Value::String(text.into());
        let json = format!("{{\"text\":{value}}}");
        check::length(&json)?;
        check::value(&value)?;
        Ok(Self { json, value })
    }

    /// Shown as it is, up to its first [`CUT`] characters. For texts made by the host.
    pub fn cut(text: impl fmt::Display) -> Self {
        let text = text.to_string();
        let end = text
            .char_indices()
            .nth(CUT)
            .map_or(text.len(), |(end, _)| end);
        let value = Value::String(text[..end].to_owned());
        let json = format!("{{\"text\":{value}}}");
        Self { json, value }
    }

    /// A JSON text component, as in vanilla's `/tellraw`: a string, an object or a list of them.
    pub fn json(text: &str) -> Result<Self, TextError> {
        check::length(text)?;
        check::depth(text)?;
        let value = serde_json::from_str(text).map_err(|error| TextError::syntax(text, &error))?;
        check::component(&value)?;
        Ok(Self {
            json: text.to_owned(),
            value,
        })
    }

    /// The same for clients of this version: what they have in another form is put into theirs (`click_event` and
    /// `clickEvent`, for one), colours come as near as they have them, and what they do without is left out. A component
    /// that they read as it is stays as it was given.
    ///
    /// # Errors
    ///
    /// [`TextFault::Lacks`] when they have no such content or colour in any form, [`TextError::TooLong`] when it is over
    /// [`MAX_TEXT`] in their form.
    pub fn fit(self, version: Version) -> Result<Self, TextError> {
        fit::lacks(&self.value, version, &check::Path::root())?;
        self.nearest(version)
    }

    /// As [`fit`](Self::fit), for when nobody can be told: contents that they lack appear as their names.
    ///
    /// # Errors
    ///
    /// [`TextError::TooLong`] when it is over [`MAX_TEXT`] in their form.
    pub fn nearest(self, version: Version) -> Result<Self, TextError> {
        let value = fit::component(&self.value, version);
        if value == self.value {
            return Ok(self);
        }
        let json = value.to_string();
        check::length(&json)?;
        Ok(Self { json, value })
    }

    /// Whatever the text is: for a host that is broken in this way.
    #[cfg(feature = "faults")]
    #[must_use]
    pub fn unchecked(json: &str) -> Self {
        let value = serde_json::from_str(json).unwrap_or_else(|_| Value::String(json.to_owned()));
        Self {
            json: json.to_owned(),
            value,
        }
    }

    /// For the fields that carry JSON.
    pub fn as_json(&self) -> &str {
        &self.json
    }

    /// For the fields that carry NBT: appends a nameless root, type byte first.
    pub(crate) fn put_nbt(&self, out: &mut BytesMut) {
        nbt::put_root(&self.value, out);
    }

    /// What it says without colours, as far as that is known here: of a translation its fallback, or else its key; of
    /// what only a client can look up nothing.
    pub(crate) fn to_plain(&self) -> String {
        let mut out = String::new();
        plain(&self.value, &mut out);
        out
    }

    /// For a document of JSON that holds it.
    pub(crate) fn to_value(&self) -> Value {
        match &self.value {
            text @ Value::String(_) => serde_json::json!({ "text": text }),
            other => other.clone(),
        }
    }
}

/// No deeper than [`MAX_TEXT_DEPTH`], as has been checked.
fn plain(value: &Value, out: &mut String) {
    match value {
        Value::String(text) => out.push_str(text),
        Value::Array(parts) => parts.iter().for_each(|part| plain(part, out)),
        Value::Object(fields) => {
            let said = ["text", "fallback", "translate"];
            if let Some(own) = said.iter().find_map(|name| fields.get(*name)) {
                plain(own, out);
            }
            if let Some(extra) = fields.get("extra") {
                plain(extra, out);
            }
        }
        Value::Null => {}
        Value::Bool(_) | Value::Number(_) => out.push_str(&value.to_string()),
    }
}

/// Why something is not a text component.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Over [`MAX_TEXT`] as JSON.
    #[error("the text is {found} UTF-16 units long as JSON, over the limit of {MAX_TEXT}")]
    TooLong {
        /// UTF-16 units.
        found: usize,
    },
    /// Over [`MAX_TEXT_DEPTH`].
    #[error("the text is nested over {MAX_TEXT_DEPTH} levels deep at offset {offset}")]
    TooDeep {
        /// Of the bracket that goes too far, in bytes from 0.
        offset: usize,
    },
    /// Not JSON.
    #[error("bad JSON at line {line}, column {column} (offset {offset}): {message}")]
    Syntax {
        /// From 1.
        line: usize,
        /// From 1, in bytes.
        column: usize,
        /// In bytes from 0.
        offset: usize,
        /// What the parser says.
        message: String,
    },
    /// JSON, but not a text component.
    #[error("not a text component: {path}: {fault}")]
    Structure {
        /// From the root `$`: `$.extra[1].text`.
        path: String,
        /// What is wrong there.
        fault: TextFault,
    },
}

/// What is wrong at one place of a text component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextFault {
    /// Another JSON type is wanted here.
    #[error("expected {expected}, found {found}")]
    WrongType {
        /// For a person to read.
        expected: &'static str,
        /// The name of the type that is there.
        found: &'static str,
    },
    /// A list of components must hold one.
    #[error("a list of components is empty")]
    EmptyList,
    /// An object without a field that says what to show.
    #[error(
        "it has no content: one of text, translate, keybind, score, selector, nbt, object is needed"
    )]
    NoContent,
    /// The client's version has no such content or colour.
    #[error("the client's version has no {what}")]
    Lacks {
        /// The content's field, or the colour.
        what: &'static str,
    },
    /// A field that must be there is not.
    #[error("it lacks {field}")]
    Missing {
        /// The field.
        field: &'static str,
    },
    /// No client knows such a colour.
    #[error("a colour is one of the sixteen names, reset, or #RRGGBB")]
    Colour,
    /// Not an identifier.
    #[error("an identifier is namespace:path of a-z 0-9 _ . - (and / in the path)")]
    Identifier,
    /// `type` names no kind of content, or another than is there.
    #[error(
        "the type is none of text, translatable, keybind, score, selector, nbt, object, or its content is missing"
    )]
    Type,
    /// No client takes this action from a server.
    #[error(
        "the action is none of open_url, run_command, suggest_command, change_page, copy_to_clipboard, show_dialog, custom"
    )]
    ClickAction,
    /// No client knows this action.
    #[error("the action is none of show_text, show_item, show_entity")]
    HoverAction,
    /// Clients open only these.
    #[error("a URL needs the scheme http: or https:")]
    UrlScheme,
    /// A URL without a host.
    #[error("the URL names no host")]
    UrlHost,
    /// Not a URI.
    #[error("the URL holds a character that must be escaped")]
    UrlCharacter,
    /// A number outside of its range.
    #[error("it must be {low} to {high}")]
    Range {
        /// The least.
        low: i64,
        /// The most.
        high: i64,
    },
    /// A character that chat does not allow.
    #[error("{found:?} is not allowed in chat")]
    Character {
        /// The first one.
        found: char,
    },
    /// Not a UUID.
    #[error("a UUID is 32 hexadecimal digits with dashes, or four numbers of 32 bits")]
    Uuid,
    /// NBT has no null.
    #[error("null is not allowed")]
    Null,
    /// A string or a name is over what NBT can hold.
    #[error("a string takes {found} bytes, over the limit of {limit}")]
    StringTooLong {
        /// Bytes of modified UTF-8.
        found: usize,
        /// Bytes.
        limit: usize,
    },
}

impl TextError {
    fn syntax(text: &str, error: &serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        let before: usize = text
            .split_inclusive('\n')
            .take(line.saturating_sub(1))
            .map(str::len)
            .sum();
        let message = error.to_string();
        let place = format!(" at line {line} column {column}");
        Self::Syntax {
            line,
            column,
            offset: (before + column.saturating_sub(1)).min(text.len()),
            message: message.strip_suffix(&place).unwrap_or(&message).to_owned(),
        }
    }

    fn too_long(text: &str) -> Option<Self> {
        // A unit takes at least one byte, so that most texts need not be counted.
        let found = if text.len() > MAX_TEXT {
            utf16_len(text)
        } else {
            0
        };
        (found > MAX_TEXT).then_some(Self::TooLong { found })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_needs_no_escaping_by_the_caller() {
        let text = TextComponent::plain("a \"b\" {c} §d\n").unwrap();
        assert_eq!(text.as_json(), r#"{"text":"a \"b\" {c} §d\n"}"#);
        assert_eq!(
            TextComponent::json(text.as_json()).unwrap().as_json(),
            text.as_json()
        );
    }

    #[test]
    fn json_is_kept_as_it_was_given() {
        let text = r#" {"translate": "chat.type.text", "with": ["a", 1, true]} "#;
        assert_eq!(TextComponent::json(text).unwrap().as_json(), text);
    }

    #[test]
    fn a_text_at_the_limit_and_past_it() {
        let overhead = r#"{"text":""}"#.len();
        let at = "a".repeat(MAX_TEXT - overhead);
        assert!(TextComponent::plain(at.clone()).is_ok());
        let error = TextError::TooLong {
            found: MAX_TEXT + 1,
        };
        assert_eq!(TextComponent::plain(format!("{at}a")), Err(error.clone()));
        let json = format!("\"{}\"", "a".repeat(MAX_TEXT - 2));
        assert!(TextComponent::json(&json).is_ok());
        assert_eq!(TextComponent::json(&format!("{json} ")), Err(error));
    }

    #[test]
    fn whatever_the_host_writes_is_cut_to_fit() {
        let text = TextComponent::cut("\u{1}".repeat(1_000_000));
        assert!(utf16_len(text.as_json()) <= MAX_TEXT);
        assert_eq!(
            TextComponent::cut("short"),
            TextComponent::plain("short").unwrap()
        );
    }

    #[test]
    fn a_syntax_error_says_where() {
        let error = TextComponent::json("{\n \"text\": oops }").unwrap_err();
        assert_eq!(
            error,
            TextError::Syntax {
                line: 2,
                column: 10,
                offset: 11,
                message: "expected value".to_owned()
            }
        );
    }

    #[test]
    fn an_unfinished_text_points_at_its_end() {
        let text = "{\"text\": \"a";
        let TextError::Syntax { offset, .. } = TextComponent::json(text).unwrap_err() else {
            panic!("not a syntax error");
        };
        assert!(offset + 1 >= text.len());
    }
}
