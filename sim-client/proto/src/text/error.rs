//! What of a text component a client cannot read.

use serde_json::Value;
use thiserror::Error;

use super::MAX_NESTING;
use super::path::Path;

/// A text component that a client cannot read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TextError {
    /// Not JSON.
    #[error("not JSON: {0}")]
    Json(String),
    /// JSON `null`, or an NBT End.
    #[error("there is no component, only null")]
    Null,
    /// An object without any content that this version knows.
    #[error("`{at}` has no content: this version knows {known}")]
    NoContent {
        /// Where in the component.
        at: String,
        /// The fields of which one must be there.
        known: String,
    },
    /// An empty list where a component must be.
    #[error("`{at}` is an empty list")]
    EmptyList {
        /// Where in the component.
        at: String,
    },
    /// Another kind of value than is wanted.
    #[error("`{at}` is {found}, not {wanted}")]
    WrongType {
        /// Where in the component.
        at: String,
        /// What stands there.
        found: &'static str,
        /// What should.
        wanted: &'static str,
    },
    /// A field that must be there is not.
    #[error("`{at}` lacks `{field}`")]
    Missing {
        /// Where in the component.
        at: String,
        /// The field.
        field: &'static str,
    },
    /// Neither one of the sixteen names nor `#` and hexadecimal digits up to `FFFFFF` (765+).
    #[error(
        "`{at}` is {found:?}: this version takes the sixteen colours' names and `#RRGGBB` alone"
    )]
    Colour {
        /// Where in the component.
        at: String,
        /// What stands there.
        found: String,
    },
    /// Not an identifier.
    #[error(
        "`{at}` is {found:?}, no valid identifier (a-z 0-9 _ . - and / in the path, at most one `:`)"
    )]
    Identifier {
        /// Where in the component.
        at: String,
        /// What stands there.
        found: String,
    },
    /// A name that this version does not know, or does not take from a server.
    #[error("`{at}` is {found:?}: this version knows {known}")]
    Unknown {
        /// Where in the component.
        at: String,
        /// What stands there.
        found: String,
        /// What may.
        known: String,
    },
    /// An address that the client does not open (770+).
    #[error("`{at}` is {found:?}: {why}")]
    Url {
        /// Where in the component.
        at: String,
        /// What stands there.
        found: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A number outside of its range.
    #[error("`{at}` is outside of {low} to {high}")]
    Range {
        /// Where in the component.
        at: String,
        /// The least.
        low: i32,
        /// The most.
        high: i32,
    },
    /// A character that chat does not allow: `§`, delete, or one below space (770+).
    #[error("`{at}` holds {found:?}, which chat does not allow")]
    Character {
        /// Where in the component.
        at: String,
        /// The first one.
        found: char,
    },
    /// Not a UUID.
    #[error("`{at}` is no UUID")]
    Uuid {
        /// Where in the component.
        at: String,
    },
    /// Nested too deep.
    #[error("nested deeper than {MAX_NESTING}")]
    TooDeep,
}

impl TextError {
    pub(super) fn wrong(at: &Path<'_>, value: &Value, wanted: &'static str) -> TextError {
        TextError::WrongType {
            at: at.to_string(),
            found: kind(value),
            wanted,
        }
    }

    pub(super) fn missing(at: &Path<'_>, field: &'static str) -> TextError {
        TextError::Missing {
            at: at.to_string(),
            field,
        }
    }

    pub(super) fn unknown(at: &Path<'_>, found: &str, known: &[&str]) -> TextError {
        TextError::Unknown {
            at: at.to_string(),
            found: shown(found),
            known: listed(known),
        }
    }

    pub(super) fn no_content(at: &Path<'_>, known: &[&str]) -> TextError {
        TextError::NoContent {
            at: at.to_string(),
            known: listed(known),
        }
    }
}

/// Longest part of a wrong value that an error shows, in characters.
const SHOWN: usize = 80;

/// The beginning of a value, for an error.
pub(super) fn shown(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}

fn listed(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

/// A value's type, for a person to read.
const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
