//! What clicking and pointing do, from 765 on: until 769 `clickEvent` with `value`, `hoverEvent` with `contents` (or
//! `value`, as before 735); from 770 on `click_event` and `hover_event`, in which each action has its own fields.

use serde_json::Value;

use super::TextError;
use super::checks::{chat, identifier, string, url, uuid, whole};
use super::codec::{Check, Codec, Object};
use super::path::Path;

/// What a server may have a client do on a click; `open_file` is for the client itself.
const CLICKS: [&str; 7] = [
    "open_url",
    "run_command",
    "suggest_command",
    "change_page",
    "copy_to_clipboard",
    "show_dialog",
    "custom",
];
/// How many of them there are before dialogs (771).
const CLICKS_BEFORE_DIALOGS: usize = 5;
const HOVERS: [&str; 3] = ["show_text", "show_item", "show_entity"];
/// Most items of a stack (766+).
const MAX_STACK: i32 = 99;

impl Codec {
    pub(super) fn click(&mut self, value: &Value, at: &Path<'_>) -> Check {
        let event = object(value, at)?;
        let known = if self.version.has_dialogs() {
            &CLICKS[..]
        } else {
            &CLICKS[..CLICKS_BEFORE_DIALOGS]
        };
        let action = action(event, known, at)?;
        if !self.version.has_inline_events() {
            return string(Self::required(event, "value", at)?, &at.key("value")).map(drop);
        }
        let (key, check): (&str, fn(&Value, &Path<'_>) -> Check) = match action {
            "open_url" => ("url", url),
            "run_command" | "suggest_command" => ("command", chat),
            "change_page" => ("page", page),
            "show_dialog" => ("dialog", dialog),
            "custom" => ("id", identifier),
            _ => ("value", |value, at| string(value, at).map(drop)),
        };
        check(Self::required(event, key, at)?, &at.key(key))
    }

    pub(super) fn hover(&mut self, value: &Value, at: &Path<'_>) -> Check {
        let event = object(value, at)?;
        let action = action(event, &HOVERS, at)?;
        if self.version.has_inline_events() {
            return match action {
                "show_text" => self.silently(Self::required(event, "value", at)?, &at.key("value")),
                "show_item" => self.item(event, at),
                _ => self.entity(event, "id", "uuid", at),
            };
        }
        let contents = match Self::field(event, "contents") {
            Some(contents) => self.contents(action, contents, &at.key("contents")),
            None => Err(TextError::missing(at, "contents")),
        };
        match (contents, Self::field(event, "value")) {
            (Ok(()), _) => Ok(()),
            // The form from before 735: a component, or one whose text is an item or an entity as SNBT.
            (Err(_), Some(value)) => self.silently(value, &at.key("value")),
            (error, None) => error,
        }
    }

    fn contents(&mut self, action: &str, contents: &Value, at: &Path<'_>) -> Check {
        match (action, contents) {
            ("show_text", text) => self.silently(text, at),
            ("show_item", Value::String(_)) => identifier(contents, at),
            ("show_item", item) => self.item(object(item, at)?, at),
            (_, entity) => self.entity(object(entity, at)?, "type", "id", at),
        }
    }

    fn item(&self, item: &Object, at: &Path<'_>) -> Check {
        identifier(Self::required(item, "id", at)?, &at.key("id"))?;
        if let Some(count) = Self::field(item, "count") {
            let low = if self.version.has_item_components() {
                1
            } else {
                i32::MIN
            };
            let high = if self.version.has_item_components() {
                MAX_STACK
            } else {
                i32::MAX
            };
            whole(count, low, high, &at.key("count"))?;
        }
        if self.version.has_item_components() {
            if let Some(components) = Self::field(item, "components") {
                object(components, &at.key("components"))?;
            }
        } else if let Some(tag) = Self::field(item, "tag") {
            string(tag, &at.key("tag"))?;
        }
        Ok(())
    }

    fn entity(
        &mut self,
        entity: &Object,
        kind: &'static str,
        id: &'static str,
        at: &Path<'_>,
    ) -> Check {
        identifier(Self::required(entity, kind, at)?, &at.key(kind))?;
        uuid(Self::required(entity, id, at)?, &at.key(id))?;
        match Self::field(entity, "name") {
            Some(name) => self.silently(name, &at.key("name")),
            None => Ok(()),
        }
    }
}

fn object<'a>(value: &'a Value, at: &Path<'_>) -> Check<&'a Object> {
    value
        .as_object()
        .ok_or_else(|| TextError::wrong(at, value, "an object"))
}

fn action<'a>(event: &'a Object, known: &[&str], at: &Path<'_>) -> Check<&'a str> {
    let at_action = at.key("action");
    let action = string(Codec::required(event, "action", at)?, &at_action)?;
    if known.contains(&action) {
        return Ok(action);
    }
    Err(TextError::unknown(&at_action, action, known))
}

fn page(value: &Value, at: &Path<'_>) -> Check {
    whole(value, 1, i32::MAX, at)
}

/// A dialog's name, or one that is written out.
fn dialog(value: &Value, at: &Path<'_>) -> Check {
    match value {
        Value::Object(_) => Ok(()),
        name => identifier(name, at),
    }
}
