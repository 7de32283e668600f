//! From 765 on: a codec that knows each field's one shape. Content is guessed by trying its kinds in their order, or
//! named by `type`; what no kind takes is refused, as is a style with one wrong field. Fields that the version does not
//! have are ignored.

use serde_json::{Map, Value};

use super::checks::{boolean, identifier, string};
use super::path::Path;
use super::plain::Plain;
use super::{MAX_NESTING, TextError, TextForm};
use crate::Version;

pub(super) type Check<T = ()> = Result<T, TextError>;
pub(super) type Object = Map<String, Value>;

/// What the player reads of it.
pub(super) fn read(version: Version, form: TextForm, value: &Value) -> Check<String> {
    let mut reader = Codec {
        version,
        form,
        plain: Plain::default(),
    };
    if value.is_null() {
        return Err(TextError::Null);
    }
    reader.component(value, &Path::root())?;
    Ok(reader.plain.into_text())
}

pub(super) struct Codec {
    pub(super) version: Version,
    pub(super) form: TextForm,
    plain: Plain,
}

/// A kind of content: its name in `type`, and the field that tells it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Content {
    Text,
    Translatable,
    Keybind,
    Score,
    Selector,
    Nbt,
    Object,
}

impl Content {
    /// In the order in which they are tried.
    const ALL: [Content; 7] = [
        Content::Text,
        Content::Translatable,
        Content::Keybind,
        Content::Score,
        Content::Selector,
        Content::Nbt,
        Content::Object,
    ];

    const fn name(self) -> &'static str {
        match self {
            Content::Text => "text",
            Content::Translatable => "translatable",
            Content::Keybind => "keybind",
            Content::Score => "score",
            Content::Selector => "selector",
            Content::Nbt => "nbt",
            Content::Object => "object",
        }
    }

    fn stands_in(self, object: &Object) -> bool {
        match self {
            Content::Translatable => object.contains_key("translate"),
            Content::Object => ["sprite", "player", "object"]
                .iter()
                .any(|key| object.contains_key(*key)),
            other => object.contains_key(other.name()),
        }
    }
}

impl Codec {
    /// A field, which JSON's null is not.
    pub(super) fn field<'a>(object: &'a Object, key: &str) -> Option<&'a Value> {
        object.get(key).filter(|value| !value.is_null())
    }

    /// A field that must be there.
    pub(super) fn required<'a>(
        object: &'a Object,
        key: &'static str,
        at: &Path<'_>,
    ) -> Check<&'a Value> {
        Self::field(object, key).ok_or_else(|| TextError::missing(at, key))
    }

    /// A component that is not shown.
    pub(super) fn silently(&mut self, value: &Value, at: &Path<'_>) -> Check {
        self.plain.mute();
        let read = self.component(value, at);
        self.plain.unmute();
        read
    }

    fn component(&mut self, value: &Value, at: &Path<'_>) -> Check {
        if at.depth() > MAX_NESTING {
            return Err(TextError::TooDeep);
        }
        match value {
            Value::String(text) => {
                self.plain.push(text);
                Ok(())
            }
            Value::Array(items) => self.list(items, at),
            Value::Object(object) => self.object(object, at),
            other => Err(TextError::wrong(at, other, "a component")),
        }
    }

    fn list(&mut self, items: &[Value], at: &Path<'_>) -> Check {
        if items.is_empty() {
            return Err(TextError::EmptyList { at: at.to_string() });
        }
        for (index, item) in items.iter().enumerate() {
            self.component(self.unwrapped(item), &at.index(index))?;
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

    fn object(&mut self, object: &Object, at: &Path<'_>) -> Check {
        self.content(object, at)?;
        if let Some(extra) = Self::field(object, "extra") {
            let at = at.key("extra");
            match extra {
                Value::Array(items) => self.list(items, &at)?,
                other => return Err(TextError::wrong(&at, other, "a list")),
            }
        }
        self.style(object, at)
    }

    /// The kinds that this version has.
    fn kinds(&self) -> &'static [Content] {
        let count = Content::ALL.len();
        if self.version.has_object_text() {
            &Content::ALL
        } else {
            &Content::ALL[..count - 1]
        }
    }

    fn content(&mut self, object: &Object, at: &Path<'_>) -> Check {
        // Two kinds may have one. It is read once, or it would be for each of them, again at every depth.
        let separator = match Self::field(object, "separator") {
            Some(separator) => self.silently(separator, &at.key("separator")),
            None => Ok(()),
        };
        if let Some(kind) = Self::field(object, "type") {
            let at_type = at.key("type");
            let name = string(kind, &at_type)?;
            let Some(kind) = self.kinds().iter().find(|kind| kind.name() == name) else {
                let known: Vec<&str> = self.kinds().iter().map(|kind| kind.name()).collect();
                return Err(TextError::unknown(&at_type, name, &known));
            };
            return self.of_kind(*kind, object, separator, at);
        }
        let mut first = None;
        for kind in self.kinds() {
            if !kind.stands_in(object) {
                continue;
            }
            let mark = self.plain.mark();
            match self.of_kind(*kind, object, separator.clone(), at) {
                Ok(()) => return Ok(()),
                Err(error) => {
                    self.plain.cut(mark);
                    first.get_or_insert(error);
                }
            }
        }
        Err(first.unwrap_or_else(|| TextError::no_content(at, self.known())))
    }

    /// The fields that tell a kind of this version.
    fn known(&self) -> &'static [&'static str] {
        const KNOWN: [&str; 8] = [
            "text",
            "translate",
            "keybind",
            "score",
            "selector",
            "nbt",
            "sprite",
            "player",
        ];
        if self.version.has_object_text() {
            &KNOWN
        } else {
            &KNOWN[..6]
        }
    }

    fn of_kind(
        &mut self,
        kind: Content,
        object: &Object,
        separator: Check,
        at: &Path<'_>,
    ) -> Check {
        match kind {
            Content::Text => self.shown(object, "text", at),
            Content::Keybind => self.shown(object, "keybind", at),
            Content::Translatable => self.translation(object, at),
            Content::Score => {
                let score = Self::required(object, "score", at)?;
                let at = at.key("score");
                let Value::Object(score) = score else {
                    return Err(TextError::wrong(&at, score, "an object"));
                };
                for key in ["name", "objective"] {
                    string(Self::required(score, key, &at)?, &at.key(key))?;
                }
                Ok(())
            }
            Content::Selector => {
                separator?;
                self.shown(object, "selector", at)
            }
            Content::Nbt => {
                separator?;
                nbt_source(object, at)?;
                self.shown(object, "nbt", at)
            }
            Content::Object => self.sprite(object, at),
        }
    }

    fn shown(&mut self, object: &Object, key: &'static str, at: &Path<'_>) -> Check {
        let text = string(Self::required(object, key, at)?, &at.key(key))?;
        self.plain.push(text);
        Ok(())
    }

    fn translation(&mut self, object: &Object, at: &Path<'_>) -> Check {
        let key = string(
            Self::required(object, "translate", at)?,
            &at.key("translate"),
        )?;
        let fallback = Self::field(object, "fallback")
            .map(|fallback| string(fallback, &at.key("fallback")))
            .transpose()?;
        self.plain.push(fallback.unwrap_or(key));
        let Some(arguments) = Self::field(object, "with") else {
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
            match self.unwrapped(argument) {
                primitive @ (Value::Bool(_) | Value::Number(_)) => {
                    self.plain.push(&primitive.to_string());
                }
                component => self.component(component, &at.index(index))?,
            }
        }
        self.plain.push(")");
        Ok(())
    }

    /// A picture in the text: a sprite of an atlas, or a player's head.
    fn sprite(&self, object: &Object, at: &Path<'_>) -> Check {
        let named = Self::field(object, "object")
            .map(|name| string(name, &at.key("object")))
            .transpose()?;
        let head = match named {
            Some("player") => true,
            Some("atlas") => false,
            Some(other) => {
                let at = at.key("object");
                return Err(TextError::unknown(&at, other, &["atlas", "player"]));
            }
            None => Self::field(object, "sprite").is_none(),
        };
        if head {
            let player = Self::required(object, "player", at)?;
            if !player.is_string() && !player.is_object() {
                let wanted = "a name or an object";
                return Err(TextError::wrong(&at.key("player"), player, wanted));
            }
            return match Self::field(object, "hat") {
                Some(hat) => boolean(self.form, hat, &at.key("hat")),
                None => Ok(()),
            };
        }
        identifier(Self::required(object, "sprite", at)?, &at.key("sprite"))?;
        match Self::field(object, "atlas") {
            Some(atlas) => identifier(atlas, &at.key("atlas")),
            None => Ok(()),
        }
    }
}

/// Where the value comes from: an entity, a block or a storage.
fn nbt_source(object: &Object, at: &Path<'_>) -> Check {
    const SOURCES: [&str; 3] = ["entity", "block", "storage"];
    let named = Codec::field(object, "source").and_then(Value::as_str);
    let source = SOURCES
        .iter()
        .copied()
        .find(|source| match named {
            Some(named) => named == *source,
            None => Codec::field(object, source).is_some(),
        })
        .ok_or_else(|| TextError::no_content(at, &SOURCES))?;
    let value = Codec::required(object, source, at)?;
    let at = at.key(source);
    if source == "storage" {
        identifier(value, &at)
    } else {
        string(value, &at).map(drop)
    }
}
