//! Text components, as JSON and as NBT: whether a client can read them, and what the player reads.

use serde_json::{Map, Number, Value};
use thiserror::Error;

use crate::nbt::Tag;
use crate::wire;

/// Deepest nesting of components that is followed; JSON is refused past 128, NBT past 512.
const MAX_NESTING: usize = 512;

/// How a text component travelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextForm {
    /// A string of JSON: everywhere until 764, in login always.
    Json,
    /// A nameless NBT tag: play and configuration from 765 on.
    Nbt,
}

/// A text component that a client can read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// How it travelled.
    pub form: TextForm,
    /// What the player reads, without colours. Translations, which are the client's own, appear as their fallback or
    /// as `key(arguments)`.
    pub plain: String,
}

impl core::fmt::Display for Text {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.plain)
    }
}

/// A text component that a client cannot read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TextError {
    /// Not JSON.
    #[error("not JSON: {0}")]
    Json(String),
    /// JSON `null`, or an NBT End.
    #[error("there is no component, only null")]
    Null,
    /// An object without any content.
    #[error(
        "`{at}` has no content: it needs `text`, `translate`, `keybind`, `score`, `selector`, `nbt` or `object`"
    )]
    NoContent {
        /// Where in the component.
        at: String,
    },
    /// An empty list where a component must be.
    #[error("`{at}` is an empty list")]
    EmptyList {
        /// Where in the component.
        at: String,
    },
    /// Another kind of value where a component must be.
    #[error("`{at}` is {found}, not a component")]
    WrongType {
        /// Where in the component.
        at: String,
        /// What stands there.
        found: &'static str,
    },
    /// Nested too deep.
    #[error("nested deeper than {MAX_NESTING}")]
    TooDeep,
}

impl Text {
    /// A component from JSON.
    ///
    /// # Errors
    ///
    /// What a client cannot read.
    pub fn from_json(json: &str) -> Result<Text, TextError> {
        let value: Value =
            serde_json::from_str(json).map_err(|error| TextError::Json(error.to_string()))?;
        Self::from_value(&value, TextForm::Json)
    }

    /// A component from JSON that is read leniently; see `wire::json`. With `whole` nothing may follow it.
    pub(crate) fn from_lenient_json(json: &str, whole: bool) -> Result<Text, TextError> {
        let value = wire::parse_lenient(json, whole)
            .map_err(|problem| TextError::Json(problem.to_owned()))?;
        Self::from_value(&value, TextForm::Json)
    }

    /// A component from NBT.
    ///
    /// # Errors
    ///
    /// What a client cannot read.
    pub fn from_nbt(tag: &Tag) -> Result<Text, TextError> {
        Self::from_value(&json_of(tag), TextForm::Nbt)
    }

    fn from_value(value: &Value, form: TextForm) -> Result<Text, TextError> {
        let mut flat = Flat {
            form,
            plain: String::new(),
        };
        flat.component(value, "component", 0)?;
        Ok(Text {
            form,
            plain: flat.plain,
        })
    }
}

struct Flat {
    form: TextForm,
    plain: String,
}

impl Flat {
    fn component(&mut self, value: &Value, at: &str, depth: usize) -> Result<(), TextError> {
        if depth > MAX_NESTING {
            return Err(TextError::TooDeep);
        }
        match value {
            Value::Null => Err(TextError::Null),
            Value::String(text) => {
                self.plain.push_str(text);
                Ok(())
            }
            // JSON takes any primitive as text; NBT, read through a codec, does not.
            Value::Bool(_) | Value::Number(_) if self.form == TextForm::Json => {
                self.plain.push_str(&value.to_string());
                Ok(())
            }
            Value::Bool(_) | Value::Number(_) => Err(TextError::WrongType {
                at: at.to_owned(),
                found: "a number",
            }),
            Value::Array(items) => self.list(items, at, depth),
            Value::Object(object) => self.object(object, at, depth),
        }
    }

    fn list(&mut self, items: &[Value], at: &str, depth: usize) -> Result<(), TextError> {
        if items.is_empty() {
            return Err(TextError::EmptyList { at: at.to_owned() });
        }
        for (index, item) in items.iter().enumerate() {
            let item = self.unwrapped(item);
            self.component(item, &format!("{at}[{index}]"), depth + 1)?;
        }
        Ok(())
    }

    /// An element of a list. One of unlike elements travels in NBT as compounds, of one nameless entry each where the
    /// element is no compound itself; clients unwrap these, once, and nowhere else.
    fn unwrapped<'a>(&self, item: &'a Value) -> &'a Value {
        match (self.form, item) {
            (TextForm::Nbt, Value::Object(object)) if object.len() == 1 => {
                object.get("").unwrap_or(item)
            }
            _ => item,
        }
    }

    fn object(
        &mut self,
        object: &Map<String, Value>,
        at: &str,
        depth: usize,
    ) -> Result<(), TextError> {
        self.content(object, at, depth)?;
        if let Some(extra) = object.get("extra") {
            let at = format!("{at}.extra");
            match extra {
                Value::Array(items) => self.list(items, &at, depth)?,
                _ => {
                    return Err(TextError::WrongType {
                        at,
                        found: "no list",
                    });
                }
            }
        }
        Ok(())
    }

    fn content(
        &mut self,
        object: &Map<String, Value>,
        at: &str,
        depth: usize,
    ) -> Result<(), TextError> {
        if let Some(text) = object.get("text") {
            match text {
                Value::String(text) => self.plain.push_str(text),
                Value::Number(_) | Value::Bool(_) if self.form == TextForm::Json => {
                    self.plain.push_str(&text.to_string());
                }
                _ => {
                    return Err(TextError::WrongType {
                        at: format!("{at}.text"),
                        found: "no string",
                    });
                }
            }
            return Ok(());
        }
        if let Some(key) = object.get("translate") {
            return self.translation(object, key, at, depth);
        }
        for name in ["keybind", "selector", "nbt"] {
            if let Some(Value::String(text)) = object.get(name) {
                self.plain.push_str(text);
                return Ok(());
            }
        }
        if object.get("score").is_some_and(Value::is_object) {
            return Ok(());
        }
        if ["object", "sprite", "player"]
            .iter()
            .any(|name| object.contains_key(*name))
        {
            return Ok(());
        }
        Err(TextError::NoContent { at: at.to_owned() })
    }

    fn translation(
        &mut self,
        object: &Map<String, Value>,
        key: &Value,
        at: &str,
        depth: usize,
    ) -> Result<(), TextError> {
        let Value::String(key) = key else {
            return Err(TextError::WrongType {
                at: format!("{at}.translate"),
                found: "no string",
            });
        };
        let shown = object
            .get("fallback")
            .and_then(Value::as_str)
            .unwrap_or(key);
        self.plain.push_str(shown);
        let Some(arguments) = object.get("with") else {
            return Ok(());
        };
        let at = format!("{at}.with");
        let Value::Array(arguments) = arguments else {
            return Err(TextError::WrongType {
                at,
                found: "no list",
            });
        };
        self.plain.push('(');
        for (index, argument) in arguments.iter().enumerate() {
            if index > 0 {
                self.plain.push_str(", ");
            }
            match self.unwrapped(argument) {
                argument @ (Value::Bool(_) | Value::Number(_)) => {
                    self.plain.push_str(&argument.to_string())
                }
                argument => self.component(argument, &format!("{at}[{index}]"), depth + 1)?,
            }
        }
        self.plain.push(')');
        Ok(())
    }
}

/// NBT in JSON's terms; what JSON cannot say exactly (numbers that are not finite) is null.
fn json_of(tag: &Tag) -> Value {
    let numbers = |values: Vec<i64>| Value::Array(values.into_iter().map(Value::from).collect());
    match tag {
        Tag::Byte(value) => Value::from(*value),
        Tag::Short(value) => Value::from(*value),
        Tag::Int(value) => Value::from(*value),
        Tag::Long(value) => Value::from(*value),
        Tag::Float(value) => Number::from_f64(f64::from(*value)).map_or(Value::Null, Value::Number),
        Tag::Double(value) => Number::from_f64(*value).map_or(Value::Null, Value::Number),
        Tag::String(text) => Value::String(text.clone()),
        Tag::ByteArray(values) => numbers(values.iter().map(|value| i64::from(*value)).collect()),
        Tag::IntArray(values) => numbers(values.iter().map(|value| i64::from(*value)).collect()),
        Tag::LongArray(values) => numbers(values.clone()),
        Tag::List(list) => Value::Array(list.items.iter().map(json_of).collect()),
        Tag::Compound(compound) => Value::Object(
            compound
                .entries
                .iter()
                .map(|entry| (entry.name.clone(), json_of(&entry.tag)))
                .collect(),
        ),
    }
}
