//! What clicking and pointing do, in one form for both that clients know: `clickEvent` and `hoverEvent` until 769,
//! `click_event` and `hover_event` from 770 on. Either may be given under either name.

use serde_json::{Map, Value, json};

use super::check::{Path, Step};
use super::values::{chat, identifier, url, uuid, uuid_of};
use super::{TextError, TextFault};
use crate::version::{HoverForm, Version};

/// The events' names, the newer first: it counts where both are given.
pub(super) const CLICK_NAMES: [&str; 2] = ["click_event", "clickEvent"];
pub(super) const HOVER_NAMES: [&str; 2] = ["hover_event", "hoverEvent"];

/// Most items of a stack.
const MAX_STACK: i64 = 99;
/// Largest page of a book: what 32 bits hold.
const MAX_PAGE: i64 = i32::MAX as i64;

type Fields = Map<String, Value>;

/// What a click does.
#[derive(Debug)]
pub(super) enum Click<'a> {
    OpenUrl(&'a str),
    RunCommand(&'a str),
    SuggestCommand(&'a str),
    ChangePage(i64),
    CopyToClipboard(&'a str),
    ShowDialog(&'a Value),
    Custom {
        id: &'a str,
        payload: Option<&'a Value>,
    },
}

/// What is shown when it is pointed at.
#[derive(Debug)]
pub(super) enum Hover<'a> {
    Text(&'a Value),
    Item {
        id: &'a str,
        count: Option<i64>,
        /// From 766 on.
        components: Option<&'a Value>,
        /// SNBT, until 764.
        tag: Option<&'a str>,
    },
    Entity {
        kind: &'a str,
        uuid: String,
        name: Option<&'a Value>,
    },
    /// An item or entity as SNBT in a component, the form from before 735.
    Legacy {
        action: &'a str,
        value: &'a Value,
    },
}

impl<'a> Click<'a> {
    pub fn read(found: &'a Value, at: &Path<'_>) -> Result<Self, TextError> {
        let fields = object(found, at)?;
        Ok(match action(fields, at)? {
            "open_url" => Self::OpenUrl(checked(fields, &["url", "value"], at, url)?),
            "run_command" => Self::RunCommand(checked(fields, &["command", "value"], at, chat)?),
            "suggest_command" => {
                Self::SuggestCommand(checked(fields, &["command", "value"], at, chat)?)
            }
            "change_page" => Self::ChangePage(page(fields, at)?),
            "copy_to_clipboard" => Self::CopyToClipboard(text(fields, &["value"], at)?),
            "show_dialog" => Self::ShowDialog(dialog(fields, at)?),
            "custom" => Self::Custom {
                id: checked(fields, &["id"], at, identifier)?,
                payload: fields.get("payload"),
            },
            _ => return Err(at.then(Step::Key("action")).fault(TextFault::ClickAction)),
        })
    }

    /// As this version's clients read it, with its name; none when they have no such action.
    pub fn written(&self, version: Version) -> Option<(&'static str, Value)> {
        if version.has_inline_events() {
            return self.inline(version).map(|event| (CLICK_NAMES[0], event));
        }
        let (action, value) = match self {
            Self::OpenUrl(url) => ("open_url", (*url).to_owned()),
            Self::RunCommand(command) => ("run_command", (*command).to_owned()),
            Self::SuggestCommand(command) => ("suggest_command", (*command).to_owned()),
            Self::ChangePage(page) => ("change_page", page.to_string()),
            Self::CopyToClipboard(text) if version.has_clipboard_clicks() => {
                ("copy_to_clipboard", (*text).to_owned())
            }
            Self::CopyToClipboard(_) | Self::ShowDialog(_) | Self::Custom { .. } => return None,
        };
        Some((CLICK_NAMES[1], json!({ "action": action, "value": value })))
    }

    fn inline(&self, version: Version) -> Option<Value> {
        Some(match self {
            Self::OpenUrl(url) => json!({ "action": "open_url", "url": url }),
            Self::RunCommand(command) => json!({ "action": "run_command", "command": command }),
            Self::SuggestCommand(command) => {
                json!({ "action": "suggest_command", "command": command })
            }
            Self::ChangePage(page) => json!({ "action": "change_page", "page": page }),
            Self::CopyToClipboard(text) => json!({ "action": "copy_to_clipboard", "value": text }),
            Self::ShowDialog(_) | Self::Custom { .. } if !version.has_dialogs() => return None,
            Self::ShowDialog(dialog) => json!({ "action": "show_dialog", "dialog": dialog }),
            Self::Custom { id, payload } => {
                let mut event = json!({ "action": "custom", "id": id });
                if let Some(payload) = payload {
                    event["payload"] = (*payload).clone();
                }
                event
            }
        })
    }
}

impl<'a> Hover<'a> {
    pub fn read(found: &'a Value, at: &Path<'_>) -> Result<Self, TextError> {
        let fields = object(found, at)?;
        let action = action(fields, at)?;
        let contents_at = at.then(Step::Key("contents"));
        match action {
            "show_text" => {
                let (key, shown) = either(fields, &["value", "contents"], at)?;
                at.then(Step::Key(key)).component(shown)?;
                Ok(Self::Text(shown))
            }
            "show_item" => match fields.get("contents") {
                Some(Value::String(id)) => {
                    identifier(id).map_err(|fault| contents_at.fault(fault))?;
                    Ok(Self::Item {
                        id,
                        count: None,
                        components: None,
                        tag: None,
                    })
                }
                Some(contents) => item(object(contents, &contents_at)?, &contents_at),
                None if fields.contains_key("id") => item(fields, at),
                None => legacy(action, fields, at),
            },
            "show_entity" => match fields.get("contents") {
                Some(contents) => {
                    entity(object(contents, &contents_at)?, "type", "id", &contents_at)
                }
                None if fields.contains_key("id") => entity(fields, "id", "uuid", at),
                None => legacy(action, fields, at),
            },
            _ => Err(at.then(Step::Key("action")).fault(TextFault::HoverAction)),
        }
    }

    /// As this version's clients read it, with its name; none when they have no form for it. `fit` makes a component
    /// within it fit.
    pub fn written(
        &self,
        version: Version,
        fit: impl Fn(&Value) -> Value,
    ) -> Option<(&'static str, Value)> {
        let form = version.hover_form();
        let event = match (self, form) {
            (Self::Text(text), HoverForm::Value | HoverForm::Inline) => {
                json!({ "action": "show_text", "value": fit(text) })
            }
            (Self::Text(text), HoverForm::Contents { .. }) => {
                json!({ "action": "show_text", "contents": fit(text) })
            }
            (Self::Item { id, count, .. }, HoverForm::Value) => {
                if !version.names_items() {
                    return None;
                }
                // Identifiers need no escaping.
                let snbt = format!("{{id:\"{id}\",Count:{}b}}", count.unwrap_or(1));
                json!({ "action": "show_item", "value": snbt })
            }
            (Self::Item { .. }, _) => self.item(form),
            (Self::Entity { name, .. }, HoverForm::Value) => {
                let name = name.as_ref()?;
                json!({ "action": "show_text", "value": fit(name) })
            }
            (Self::Entity { kind, uuid, name }, _) => {
                let (kind_key, uuid_key) = match form {
                    HoverForm::Inline => ("id", "uuid"),
                    _ => ("type", "id"),
                };
                let mut entity = Fields::new();
                entity.insert(kind_key.to_owned(), json!(kind));
                entity.insert(uuid_key.to_owned(), json!(uuid));
                if let Some(name) = name {
                    entity.insert("name".to_owned(), fit(name));
                }
                placed("show_entity", entity, form)
            }
            // What is in it is for the client to parse, which fails silently until 764 and aloud after.
            (
                Self::Legacy { action, value },
                HoverForm::Value | HoverForm::Contents { strict: false, .. },
            ) => json!({ "action": action, "value": fit(value) }),
            (Self::Legacy { .. }, _) => return None,
        };
        let name = match form {
            HoverForm::Inline => HOVER_NAMES[0],
            _ => HOVER_NAMES[1],
        };
        Some((name, event))
    }

    fn item(&self, form: HoverForm) -> Value {
        let Self::Item {
            id,
            count,
            components,
            tag,
        } = self
        else {
            return Value::Null;
        };
        let mut item = Fields::new();
        item.insert("id".to_owned(), json!(id));
        if let Some(count) = count {
            item.insert("count".to_owned(), json!(count));
        }
        match form {
            HoverForm::Inline
            | HoverForm::Contents {
                components: true, ..
            } => {
                if let Some(components) = components {
                    item.insert("components".to_owned(), (*components).clone());
                }
            }
            // A tag that is no SNBT is passed over until 764; from 765 on it ends the connection.
            HoverForm::Contents { strict: false, .. } => {
                if let Some(tag) = tag {
                    item.insert("tag".to_owned(), json!(tag));
                }
            }
            _ => {}
        }
        placed("show_item", item, form)
    }
}

/// Fields beside the action, or within `contents`.
fn placed(action: &str, mut fields: Fields, form: HoverForm) -> Value {
    if form == HoverForm::Inline {
        fields.insert("action".to_owned(), json!(action));
        return Value::Object(fields);
    }
    json!({ "action": action, "contents": fields })
}

fn object<'a>(found: &'a Value, at: &Path<'_>) -> Result<&'a Fields, TextError> {
    at.expect(found.is_object(), "an object", found)?;
    found
        .as_object()
        .ok_or_else(|| at.fault(TextFault::NoContent))
}

/// The first of these fields that is there, by preference.
fn either<'a>(
    fields: &'a Fields,
    keys: &[&'static str],
    at: &Path<'_>,
) -> Result<(&'static str, &'a Value), TextError> {
    keys.iter()
        .find_map(|key| fields.get(*key).map(|found| (*key, found)))
        .ok_or_else(|| {
            let field = keys.first().copied().unwrap_or_default();
            at.fault(TextFault::Missing { field })
        })
}

fn text<'a>(
    fields: &'a Fields,
    keys: &[&'static str],
    at: &Path<'_>,
) -> Result<&'a str, TextError> {
    checked(fields, keys, at, |_| Ok(()))
}

fn checked<'a>(
    fields: &'a Fields,
    keys: &[&'static str],
    at: &Path<'_>,
    check: impl Fn(&str) -> Result<(), TextFault>,
) -> Result<&'a str, TextError> {
    let (key, found) = either(fields, keys, at)?;
    let at = at.then(Step::Key(key));
    at.expect(found.is_string(), "a string", found)?;
    let found = found.as_str().unwrap_or_default();
    check(found).map_err(|fault| at.fault(fault))?;
    Ok(found)
}

fn action<'a>(fields: &'a Fields, at: &Path<'_>) -> Result<&'a str, TextError> {
    text(fields, &["action"], at)
}

fn page(fields: &Fields, at: &Path<'_>) -> Result<i64, TextError> {
    let (key, found) = either(fields, &["page", "value"], at)?;
    let at = at.then(Step::Key(key));
    let page = match found {
        Value::String(text) => text.parse().ok(),
        other => {
            at.expect(other.is_number(), "a number", other)?;
            other.as_i64()
        }
    };
    let (low, high) = (1, MAX_PAGE);
    page.filter(|page| (low..=high).contains(page))
        .ok_or_else(|| at.fault(TextFault::Range { low, high }))
}

fn dialog<'a>(fields: &'a Fields, at: &Path<'_>) -> Result<&'a Value, TextError> {
    let (_, found) = either(fields, &["dialog"], at)?;
    let at = at.then(Step::Key("dialog"));
    if let Some(name) = found.as_str() {
        identifier(name).map_err(|fault| at.fault(fault))?;
    } else {
        at.expect(found.is_object(), "an identifier or an object", found)?;
    }
    Ok(found)
}

fn item<'a>(fields: &'a Fields, at: &Path<'_>) -> Result<Hover<'a>, TextError> {
    let id = checked(fields, &["id"], at, identifier)?;
    let count = fields
        .get("count")
        .map(|found| {
            let at = at.then(Step::Key("count"));
            at.expect(found.is_number(), "a number", found)?;
            let (low, high) = (1, MAX_STACK);
            found
                .as_i64()
                .filter(|count| (low..=high).contains(count))
                .ok_or_else(|| at.fault(TextFault::Range { low, high }))
        })
        .transpose()?;
    let components = fields.get("components");
    if let Some(found) = components {
        let at = at.then(Step::Key("components"));
        at.expect(found.is_object(), "an object", found)?;
    }
    let tag = match fields.get("tag") {
        Some(_) => Some(text(fields, &["tag"], at)?),
        None => None,
    };
    Ok(Hover::Item {
        id,
        count,
        components,
        tag,
    })
}

fn entity<'a>(
    fields: &'a Fields,
    kind_key: &'static str,
    uuid_key: &'static str,
    at: &Path<'_>,
) -> Result<Hover<'a>, TextError> {
    let kind = checked(fields, &[kind_key], at, identifier)?;
    let (_, found) = either(fields, &[uuid_key], at)?;
    let uuid_at = at.then(Step::Key(uuid_key));
    let uuid = match found {
        Value::Array(parts) => {
            let parts: Vec<i32> = parts
                .iter()
                .filter_map(Value::as_i64)
                .filter_map(|part| i32::try_from(part).ok())
                .collect();
            let parts: [i32; 4] = parts
                .try_into()
                .map_err(|_| uuid_at.fault(TextFault::Uuid))?;
            uuid_of(parts)
        }
        other => {
            uuid_at.expect(other.is_string(), "a UUID", other)?;
            let text = other.as_str().unwrap_or_default();
            uuid(text).map_err(|fault| uuid_at.fault(fault))?;
            text.to_owned()
        }
    };
    let name = fields.get("name");
    if let Some(name) = name {
        at.then(Step::Key("name")).component(name)?;
    }
    Ok(Hover::Entity { kind, uuid, name })
}

fn legacy<'a>(action: &'a str, fields: &'a Fields, at: &Path<'_>) -> Result<Hover<'a>, TextError> {
    let (key, value) = either(fields, &["value"], at)?;
    at.then(Step::Key(key)).component(value)?;
    Ok(Hover::Legacy { action, value })
}
