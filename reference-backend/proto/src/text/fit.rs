//! What an older or newer client has no form for, put into one that it has. What is wrong for every client has been
//! refused before ([`check`](super::check)).
//!
//! Contents, and `reset`, are what a text says: whoever can be told that the client lacks them is ([`lacks`]). Where
//! nobody can, they are replaced like the rest.
//!
//! | What | For clients that lack it |
//! |---|---|
//! | a key, a sprite, a head, a selector | its name as text, when nobody can be told |
//! | a score, a value of NBT | nothing, when nobody can be told |
//! | `reset` | `white`, when nobody can be told |
//! | several contents in one object | the one that counts stays |
//! | `#RRGGBB` | the nearest of the sixteen colours |
//! | fonts, shadows, dialogs and other actions | left out |
//! | events in the other form | the client's own form |
//! | an item's tag or components, an item or entity as SNBT | left out |
//! | a hover over an entity | one over its name |

use serde_json::{Map, Value, json};

use super::check::{Path, Step};
use super::event::{CLICK_NAMES, Click, HOVER_NAMES, Hover};
use super::values::{RESET, RESET_AS, nearest_name};
use super::{TextError, TextFault};
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

/// The first thing in a component that has been checked which this version's clients choke on, and have in no other
/// form.
pub(super) fn lacks(found: &Value, version: Version, at: &Path<'_>) -> Result<(), TextError> {
    match found {
        Value::Array(elements) => elements
            .iter()
            .enumerate()
            .try_for_each(|(index, element)| lacks(element, version, &at.then(Step::Index(index)))),
        Value::Object(fields) => lacks_in(fields, version, at),
        _ => Ok(()),
    }
}

fn lacks_in(fields: &Map<String, Value>, version: Version, at: &Path<'_>) -> Result<(), TextError> {
    if let Some(what) = content(fields)
        && lacks_content(what, fields, version)
    {
        return Err(at.then(Step::Key(what)).fault(TextFault::Lacks { what }));
    }
    if version.has_nbt_text() && fields.get("color").and_then(Value::as_str) == Some(RESET) {
        let fault = TextFault::Lacks { what: RESET };
        return Err(at.then(Step::Key("color")).fault(fault));
    }
    for key in ["extra", "with", "separator"] {
        if let Some(inner) = fields.get(key) {
            lacks(inner, version, &at.then(Step::Key(key)))?;
        }
    }
    let hover = HOVER_NAMES
        .iter()
        .find_map(|name| fields.get(*name).map(|found| (*name, found)));
    let Some((name, found)) = hover else {
        return Ok(());
    };
    let at = at.then(Step::Key(name));
    match Hover::read(found, &at)? {
        Hover::Text(inner) => lacks(inner, version, &at),
        Hover::Entity {
            name: Some(inner), ..
        } => lacks(inner, version, &at.then(Step::Key("name"))),
        Hover::Legacy { value, .. } => lacks(value, version, &at),
        Hover::Item { .. } | Hover::Entity { .. } => Ok(()),
    }
}

/// What a picture is told by.
const PICTURE: [&str; 3] = ["sprite", "player", "object"];

fn lacks_content(content: &str, fields: &Map<String, Value>, version: Version) -> bool {
    match content {
        "keybind" => !version.has_keybind_text(),
        "score" | "selector" => !version.has_score_and_selector_text(),
        "nbt" if from_storage(fields) => !version.has_storage_text(),
        "nbt" => !version.has_nbt_contents(),
        key => PICTURE.contains(&key) && !version.has_object_text(),
    }
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
    let of_a_picture = PICTURE.contains(&kept);
    let instead = lacks_content(kept, out, version).then(|| match kept {
        "score" | "nbt" => String::new(),
        key if of_a_picture => format!("[{}]", named(out, key)),
        key => named(out, key),
    });
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
