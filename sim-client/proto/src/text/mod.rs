//! Text components, as JSON and as NBT: whether a version's client can read them, and what the player reads.
//!
//! Until 764 a hand-written deserializer walks JSON ([`gson`]): it is free with what it does not know, and refuses what
//! it cannot turn into a component. From 765 on a codec reads NBT, and JSON in login ([`codec`], [`style`],
//! [`events`]): what it knows it takes in one shape alone. What both do is known from the clients' own messages in
//! public reports (ViaBackwards #474, EssentialsX #5604, Velocity #1630, ViaVersion #4803), from the format's
//! description and its history in the public wiki, and from what others report of the decompiled clients. Where these
//! leave a doubt, the component is taken: a false alarm is worse than a miss.
//!
//! Not judged, since it would need the game's own lists: whether items, entity types, dialogs and selectors exist, and
//! what is in an item's components.

mod checks;
mod codec;
mod error;
mod events;
mod gson;
mod path;
mod plain;
mod style;
mod tree;

use serde_json::Value;

use crate::nbt::Tag;
use crate::wire::JsonReading;
use crate::{Version, wire};

pub use error::TextError;

/// Deepest nesting in a component that is followed; JSON is refused past 128, NBT past 512.
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

impl Text {
    /// A component from strict JSON, as a client of this version reads it.
    ///
    /// # Errors
    ///
    /// What such a client cannot read.
    pub fn from_json(version: Version, json: &str) -> Result<Text, TextError> {
        let value: Value =
            serde_json::from_str(json).map_err(|error| TextError::Json(error.to_string()))?;
        Self::from_value(version, &value)
    }

    /// A component from JSON that the game reads so.
    pub(crate) fn from_read_json(
        version: Version,
        json: &str,
        reading: JsonReading,
    ) -> Result<Text, TextError> {
        let value = wire::parse_json(json, reading)
            .map_err(|problem| TextError::Json(problem.to_owned()))?;
        Self::from_value(version, &value)
    }

    /// A component from JSON that has been parsed, strictly or not.
    ///
    /// # Errors
    ///
    /// What a client of this version cannot read.
    pub fn from_value(version: Version, value: &Value) -> Result<Text, TextError> {
        let plain = if version.reads_text_by_codec() {
            codec::read(version, TextForm::Json, value)?
        } else {
            gson::read(version, value)?
        };
        Ok(Text {
            form: TextForm::Json,
            plain,
        })
    }

    /// A component from NBT, as a client of this version reads it.
    ///
    /// # Errors
    ///
    /// What such a client cannot read.
    pub fn from_nbt(version: Version, tag: &Tag) -> Result<Text, TextError> {
        Ok(Text {
            form: TextForm::Nbt,
            plain: codec::read(version, TextForm::Nbt, &tree::json_of(tag))?,
        })
    }
}
