//! What an older or newer client has no form for, put into one that it has. What is wrong for every client has been
//! refused before ([`check`](super::check)).
//!
//! | What | For clients that lack it |
//! |---|---|
//! | a key, a sprite, a head, a selector | its name as text |
//! | a score, a value of NBT | nothing, as for a client that cannot look it up |
//! | several contents in one object | the one that counts stays |
//! | `#RRGGBB` | the nearest of the sixteen colours |
//! | `reset` | `white` |
//! | fonts, shadows, dialogs and other actions | left out |
//! | events in the other form | the client's own form |
//! | an item's tag or components, an item or entity as SNBT | left out |
//! | a hover over an entity | one over its name |

use serde_json::{Map, Value, json};

use super::check::Path;
use super::event::{CLICK_NAMES, Click, HOVER_NAMES, Hover};
use super::values::{RESET, RESET_AS, nearest_name};
use crate::version::Version;

/// What says what an object shows, and the name of that kind in `type`, in the order in which clients look.
pub(super) const KINDS: [(&str, &str); 9] = [
    ("text", "text"),
    ("translate", "translatable"),
    ("keybind", "keybind"),
    ("score", "score"),
    ("selector", "selector"),
    ("nbt", "nbt"),
    ("sprite", "object"),
    ("player", "object"),
    ("object", "object"),
];

/// The field that tells what an object shows; none when it shows nothing.
pub(super) fn content(fields: &Map<String, Value>) -> Option<&'static str> {
    let named = fields.get("type").and_then(Value::as_str);
    let head = fields.get("object").and_then(Value::as_str) == Some("player");
    KINDS
        .iter()
        .filter(|(_, kind)| named.is_none_or(|named| named == *kind))
        .map(|(key, _)| *key)
        .find(|key| fields.contains_key(*key) && !(head && *key == "sprite"))
}

/// A component that has been checked, as this version's clients read it.
pub(super) fn component(found: &Value, version: Version) -> Value {
    match found {
        Value::Array(elements) => elements
            .iter()
            .map(|element| component(element, version))
            .collect(),
        Value::Object(fields) => Value::Object(object(fields, version)),
        other => other.clone(),
    }
}

fn object(fields: &Map<String, Value>, version: Version) -> Map<String, Value> {
    let mut out = fields.clone();
    only_content(&mut out, version);
    for key in ["extra", "with", "separator"] {
        if let Some(inner) = out.get_mut(key) {
            *inner = component(inner, version);
        }
    }
    if let Some(Value::String(colour)) = out.get_mut("color") {
        let named = match colour.as_str() {
            RESET if version.has_nbt_text() => Some(RESET_AS),
            other if !version.has_fonts() => nearest_name(other),
            _ => None,
        };
        if let Some(named) = named {
            named.clone_into(colour);
        }
    }
    if !version.has_fonts() {
        out.remove("font");
    }
    if !version.has_text_shadows() {
        out.remove("shadow_color");
    }
    events(&mut out, version);
    out
}

/// Leaves one content, or the text that stands for it.
fn only_content(out: &mut Map<String, Value>, version: Version) {
    let Some(kept) = content(out) else { return };
    let picture = ["sprite", "player", "object"];
    let instead = match kept {
        "keybind" if !version.has_keybind_text() => Some(named(out, kept)),
        "selector" if !version.has_score_and_selector_text() => Some(named(out, kept)),
        "score" if !version.has_score_and_selector_text() => Some(String::new()),
        "nbt" if !version.has_nbt_contents() => Some(String::new()),
        "nbt" if !version.has_storage_text() && from_storage(out) => Some(String::new()),
        key if picture.contains(&key) && !version.has_object_text() => {
            Some(format!("[{}]", named(out, key)))
        }
        _ => None,
    };
    let of_a_picture = picture.contains(&kept);
    for (key, _) in KINDS {
        let belongs = key == kept || (of_a_picture && key == "object");
        if instead.is_some() || !belongs {
            out.remove(key);
        }
    }
    if let Some(text) = instead {
        for key in ["type", "separator", "interpret"] {
            out.remove(key);
        }
        out.insert("text".to_owned(), json!(text));
    }
}

/// The name that a content gives: its string, or the name of a player.
fn named(fields: &Map<String, Value>, key: &str) -> String {
    match fields.get(key) {
        Some(Value::String(name)) => name.clone(),
        Some(Value::Object(player)) => player
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or(key)
            .to_owned(),
        _ => key.to_owned(),
    }
}

fn from_storage(fields: &Map<String, Value>) -> bool {
    !fields.contains_key("block") && !fields.contains_key("entity")
}

fn events(out: &mut Map<String, Value>, version: Version) {
    let take = |out: &mut Map<String, Value>, names: [&str; 2]| {
        let [first, second] = names.map(|name| out.remove(name));
        first.or(second)
    };
    let at = Path::root();
    if let Some(found) = take(out, CLICK_NAMES)
        && let Ok(click) = Click::read(&found, &at)
        && let Some((name, event)) = click.written(version)
    {
        out.insert(name.to_owned(), event);
    }
    if let Some(found) = take(out, HOVER_NAMES)
        && let Ok(hover) = Hover::read(&found, &at)
        && let Some((name, event)) = hover.written(version, |inner| component(inner, version))
    {
        out.insert(name.to_owned(), event);
    }
}
