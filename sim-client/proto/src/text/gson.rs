//! Until 764: JSON through a deserializer that looks for the fields which it knows, content first, then style.
//!
//! Any primitive is a component and does for a string or a boolean. Unknown colours and actions are as good as none; an
//! object without known content ends the connection: "Don't know how to turn ... into a Component".

use serde_json::{Map, Value};

use super::checks::{is_identifier, is_uuid};
use super::error::shown;
use super::path::Path;
use super::plain::Plain;
use super::{MAX_NESTING, TextError};
use crate::Version;

type Check<T = ()> = Result<T, TextError>;
type Object = Map<String, Value>;

const PRIMITIVE: &str = "a string";
const FLAGS: [&str; 5] = [
    "bold",
    "italic",
    "underlined",
    "strikethrough",
    "obfuscated",
];

/// What the player reads of it.
pub(super) fn read(version: Version, value: &Value) -> Check<String> {
    let mut reader = Gson {
        version,
        plain: Plain::default(),
    };
    // Unlike one within a component, this null is no exception in the deserializer, but nothing to show.
    if value.is_null() {
        return Err(TextError::Null);
    }
    reader.component(value, &Path::root())?;
    Ok(reader.plain.into_text())
}

struct Gson {
    version: Version,
    plain: Plain,
}

impl Gson {
    fn component(&mut self, value: &Value, at: &Path<'_>) -> Check {
        if at.depth() > MAX_NESTING {
            return Err(TextError::TooDeep);
        }
        match value {
            Value::Null => Err(TextError::wrong(at, value, "a component")),
            Value::Array(items) => self.list(items, at),
            Value::Object(object) => self.object(object, at),
            primitive => {
                self.plain.push(&text_of(primitive));
                Ok(())
            }
        }
    }

    /// An empty list is no component at all: what shows it next fails.
    fn list(&mut self, items: &[Value], at: &Path<'_>) -> Check {
        if items.is_empty() {
            return Err(TextError::EmptyList { at: at.to_string() });
        }
        for (index, item) in items.iter().enumerate() {
            self.component(item, &at.index(index))?;
        }
        Ok(())
    }

    fn object(&mut self, object: &Object, at: &Path<'_>) -> Check {
        self.content(object, at)?;
        if let Some(extra) = object.get("extra") {
            let at = at.key("extra");
            match extra {
                Value::Array(items) => self.list(items, &at)?,
                other => return Err(TextError::wrong(&at, other, "a list")),
            }
        }
        self.style(object, at)
    }

    fn content(&mut self, object: &Object, at: &Path<'_>) -> Check {
        if let Some(text) = object.get("text") {
            let text = old_primitive(text, &at.key("text"))?;
            self.plain.push(&text);
            return Ok(());
        }
        if let Some(key) = object.get("translate") {
            return self.translation(object, key, at);
        }
        let version = self.version;
        if version.has_score_and_selector_text() {
            if let Some(score) = object.get("score") {
                return score_of(score, &at.key("score"));
            }
            if let Some(selector) = object.get("selector") {
                let selector = primitive(selector, &at.key("selector"))?;
                self.plain.push(&selector);
                return self.separator(object, at);
            }
        }
        if version.has_keybind_text()
            && let Some(key) = object.get("keybind")
        {
            let key = primitive(key, &at.key("keybind"))?;
            self.plain.push(&key);
            return Ok(());
        }
        if version.may_have_nbt_contents()
            && let Some(path) = object.get("nbt")
        {
            return self.nbt(object, path, at);
        }
        Err(TextError::no_content(at, self.known()))
    }

    /// The contents that this version has.
    fn known(&self) -> &'static [&'static str] {
        const KNOWN: [&str; 6] = ["text", "translate", "score", "selector", "keybind", "nbt"];
        let count = if self.version.has_nbt_contents() {
            6
        } else if self.version.has_keybind_text() {
            5
        } else if self.version.has_score_and_selector_text() {
            4
        } else {
            2
        };
        &KNOWN[..count]
    }

    fn separator(&mut self, object: &Object, at: &Path<'_>) -> Check {
        match object.get("separator") {
            Some(separator) if self.version.has_text_separators() => {
                self.silently(separator, &at.key("separator"))
            }
            _ => Ok(()),
        }
    }

    fn nbt(&mut self, object: &Object, path: &Value, at: &Path<'_>) -> Check {
        // Its first form has been in snapshots and releases that nobody describes exactly.
        if !self.version.has_nbt_contents() {
            return Ok(());
        }
        let path = primitive(path, &at.key("nbt"))?;
        if let Some(interpret) = object.get("interpret") {
            primitive(interpret, &at.key("interpret"))?;
        }
        let sources: &[&str] = if self.version.has_storage_text() {
            &["block", "entity", "storage"]
        } else {
            &["block", "entity"]
        };
        let Some(source) = sources.iter().find(|source| object.contains_key(**source)) else {
            return Err(TextError::no_content(at, sources));
        };
        let source_at = at.key(source);
        let named = primitive(&object[*source], &source_at)?;
        if *source == "storage" && !is_identifier(&named) {
            return Err(TextError::Identifier {
                at: source_at.to_string(),
                found: shown(&named),
            });
        }
        self.plain.push(&path);
        self.separator(object, at)
    }

    fn translation(&mut self, object: &Object, key: &Value, at: &Path<'_>) -> Check {
        let key = old_primitive(key, &at.key("translate"))?;
        let fallback = match object.get("fallback") {
            Some(fallback) if self.version.has_fallbacks() => {
                Some(primitive(fallback, &at.key("fallback"))?)
            }
            _ => None,
        };
        self.plain.push(fallback.as_ref().unwrap_or(&key));
        let Some(arguments) = object.get("with") else {
            return Ok(());
        };
        let at = at.key("with");
        let Value::Array(arguments) = arguments else {
            return Err(TextError::wrong(&at, arguments, "a list"));
        };
        self.plain.push("(");
        for (index, argument) in arguments.iter().enumerate() {
            if index > 0 {
                self.plain.push(", ");
            }
            // An empty list is nothing, and shows as that.
            if argument.as_array().is_none_or(|items| !items.is_empty()) {
                self.component(argument, &at.index(index))?;
            }
        }
        self.plain.push(")");
        Ok(())
    }

    /// A component that is not shown; null is none.
    fn silently(&mut self, value: &Value, at: &Path<'_>) -> Check {
        if value.is_null() {
            return Ok(());
        }
        self.plain.mute();
        let read = self.component(value, at);
        self.plain.unmute();
        read
    }

    fn style(&mut self, object: &Object, at: &Path<'_>) -> Check {
        for flag in FLAGS {
            if let Some(value) = object.get(flag) {
                old_primitive(value, &at.key(flag))?;
            }
        }
        if let Some(colour) = object.get("color") {
            self.colour(colour, &at.key("color"))?;
        }
        if let Some(insertion) = object.get("insertion")
            && self.version.has_insertions()
        {
            old_primitive(insertion, &at.key("insertion"))?;
        }
        if let Some(font) = object.get("font")
            && self.version.has_fonts()
        {
            let at = at.key("font");
            let font = primitive(font, &at)?;
            if !is_identifier(&font) {
                return Err(TextError::Identifier {
                    at: at.to_string(),
                    found: shown(&font),
                });
            }
        }
        if let Some(click) = object.get("clickEvent") {
            self.click(click, &at.key("clickEvent"))?;
        }
        if let Some(hover) = object.get("hoverEvent") {
            self.hover(hover, &at.key("hoverEvent"))?;
        }
        Ok(())
    }

    /// Any string does: what is no colour is none.
    fn colour(&self, value: &Value, at: &Path<'_>) -> Check {
        let right = match value {
            Value::String(_) | Value::Number(_) => true,
            Value::Bool(_) => self.version.has_fonts(),
            Value::Null => !self.version.has_fonts(),
            Value::Array(_) | Value::Object(_) => false,
        };
        if right {
            return Ok(());
        }
        Err(TextError::wrong(at, value, "a colour"))
    }

    /// Action and value are strings; what they are is looked at when the player clicks.
    fn click(&self, value: &Value, at: &Path<'_>) -> Check {
        let Value::Object(event) = value else {
            return Err(TextError::wrong(at, value, "an object"));
        };
        for key in ["action", "value"] {
            if let Some(found) = event.get(key) {
                primitive(found, &at.key(key))?;
            }
        }
        Ok(())
    }

    fn hover(&mut self, value: &Value, at: &Path<'_>) -> Check {
        let Value::Object(event) = value else {
            return Err(TextError::wrong(at, value, "an object"));
        };
        let action = event
            .get("action")
            .map(|action| primitive(action, &at.key("action")))
            .transpose()?;
        let legacy = event.get("value");
        if !self.version.has_hover_contents() {
            return legacy.map_or(Ok(()), |value| self.silently(value, &at.key("value")));
        }
        let action = action.as_deref().unwrap_or_default();
        if !["show_text", "show_item", "show_entity"].contains(&action) {
            return Ok(());
        }
        match (event.get("contents"), legacy) {
            (Some(contents), _) => self.contents(action, contents, &at.key("contents")),
            (None, Some(value)) => self.silently(value, &at.key("value")),
            (None, None) => Ok(()),
        }
    }

    fn contents(&mut self, action: &str, value: &Value, at: &Path<'_>) -> Check {
        match (action, value) {
            ("show_text", text) => self.silently(text, at),
            ("show_item", Value::Object(item)) => item_of(item, at),
            ("show_item", Value::Null | Value::Array(_)) => {
                Err(TextError::wrong(at, value, "an object"))
            }
            ("show_item", name) => resource(name, at),
            ("show_entity", Value::Object(entity)) => {
                for key in ["type", "id"] {
                    let at = at.key(key);
                    let found = entity.get(key).unwrap_or(&Value::Null);
                    if key == "type" {
                        resource(found, &at)?;
                    } else if !is_uuid(&primitive(found, &at)?) {
                        return Err(TextError::Uuid { at: at.to_string() });
                    }
                }
                entity
                    .get("name")
                    .map_or(Ok(()), |name| self.silently(name, &at.key("name")))
            }
            // What is no object is no entity, and shows nothing.
            _ => Ok(()),
        }
    }
}

fn item_of(item: &Object, at: &Path<'_>) -> Check {
    resource(item.get("id").unwrap_or(&Value::Null), &at.key("id"))?;
    if let Some(count) = item.get("count")
        && !count.is_number()
    {
        return Err(TextError::wrong(&at.key("count"), count, "a number"));
    }
    if let Some(tag) = item.get("tag") {
        primitive(tag, &at.key("tag"))?;
    }
    Ok(())
}

fn score_of(score: &Value, at: &Path<'_>) -> Check {
    let Value::Object(score) = score else {
        return Err(TextError::wrong(at, score, "an object"));
    };
    for key in ["name", "objective"] {
        match score.get(key) {
            None => return Err(TextError::missing(at, key)),
            Some(found) => drop(primitive(found, &at.key(key))?),
        }
    }
    Ok(())
}

fn resource(value: &Value, at: &Path<'_>) -> Check {
    let name = primitive(value, at)?;
    if is_identifier(&name) {
        return Ok(());
    }
    Err(TextError::Identifier {
        at: at.to_string(),
        found: shown(&name),
    })
}

/// A string, or what does for one: a number or a boolean.
fn primitive(value: &Value, at: &Path<'_>) -> Check<String> {
    match value {
        Value::String(_) | Value::Number(_) | Value::Bool(_) => Ok(text_of(value)),
        other => Err(TextError::wrong(at, other, PRIMITIVE)),
    }
}

/// Where the library's own conversion is used, and not the game's: a list of one element counts as that element.
fn old_primitive(value: &Value, at: &Path<'_>) -> Check<String> {
    let mut inner = value;
    while let Value::Array(items) = inner
        && let [only] = items.as_slice()
    {
        inner = only;
    }
    primitive(inner, at)
}

fn text_of(primitive: &Value) -> String {
    match primitive {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
