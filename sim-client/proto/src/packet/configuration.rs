use std::sync::Arc;

use super::join::read_codec;
use super::login::read_json_text;
use super::{Packet, play};
use crate::Text;
use crate::layout::{self, TagsLayout};
use crate::nbt::{self, Compound, Tag};
use crate::version::RegistrySource;
use crate::wire::{DecodeError, Reader};

/// Most entries of a registry or tags of a group; beyond it the frame's size is the limit in vanilla.
const MAX_ENTRIES: usize = 1 << 20;
/// Most known packs (vanilla's select-known-packs).
const MAX_PACKS: usize = 64;
/// Longest code of conduct in UTF-16 units (vanilla's `readUtf` default).
const MAX_CODE_OF_CONDUCT: usize = 32_767;
/// Longest string of a known pack.
const MAX_PACK_TEXT: usize = 32_767;

/// Registries in the configuration phase.
#[derive(Clone, Debug, PartialEq)]
pub enum RegistryData {
    /// All of them (764, 765).
    Compound(Arc<Compound>),
    /// One of them (766+).
    One {
        /// The registry's identifier.
        registry: String,
        /// Its entries in the order of their ids.
        entries: Vec<RegistryEntry>,
    },
}

/// An entry of a registry.
#[derive(Clone, Debug, PartialEq)]
pub struct RegistryEntry {
    /// Its identifier.
    pub name: String,
    /// What it is; None when both sides have it from a known pack (766+).
    pub element: Option<Arc<Tag>>,
}

/// The tags of one registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagGroup {
    /// The registry's identifier.
    pub registry: String,
    /// Names without "#", and the ids of their entries.
    pub tags: Vec<(String, Vec<i32>)>,
}

/// A data pack that the server has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownPack {
    /// `minecraft`.
    pub namespace: String,
    /// `core`.
    pub id: String,
    /// Compared exactly.
    pub version: String,
}

pub(super) fn read(r: &mut Reader<'_>, name: &str) -> Result<Packet, DecodeError> {
    Ok(match name {
        "disconnect" => Packet::Disconnect(read_text(r, "reason")?),
        "finish_configuration" => Packet::FinishConfiguration,
        "registry_data" => Packet::RegistryData(registry_data(r)?),
        "code_of_conduct" => {
            Packet::CodeOfConduct(r.string("contents", MAX_CODE_OF_CONDUCT)?.to_owned())
        }
        "select_known_packs" => Packet::KnownPacks(known_packs(r)?),
        _ => return play::read_common(r, name),
    })
}

/// A text component in configuration or play.
pub(crate) fn read_text(r: &mut Reader<'_>, name: &'static str) -> Result<Text, DecodeError> {
    if !r.version().has_nbt_text() {
        return read_json_text(r, name);
    }
    let start = r.offset();
    let text = match nbt::read_text_root(r, name)? {
        Some(tag) => Text::from_nbt(r.version(), &tag),
        None => Err(crate::text::TextError::Null),
    };
    let text = text.map_err(|error| r.error_at(start, name, error))?;
    r.record(name, start, format_args!("{:?}", text.plain));
    Ok(text)
}

fn registry_data(r: &mut Reader<'_>) -> Result<RegistryData, DecodeError> {
    if r.version().registry_source() == RegistrySource::Compound {
        return read_codec(r, "codec")
            .map(Arc::new)
            .map(RegistryData::Compound);
    }
    let registry = r.identifier("id")?.to_owned();
    let entries = r.array("entries", MAX_ENTRIES, |r| {
        let name = r.identifier("key")?.to_owned();
        let element = r.option("value", |r| {
            let start = r.offset();
            // Mostly compounds; the block transformers of 777 are lists.
            let tag = nbt::read_element_root(r, "value")?;
            if r.is_recording() {
                match &tag {
                    Tag::Compound(compound) => {
                        let entries = compound.entries.len();
                        r.record("value", start, format_args!("compound, {entries} entries"));
                    }
                    other => r.record("value", start, other.kind()),
                }
            }
            Ok(Arc::new(tag))
        })?;
        Ok(RegistryEntry { name, element })
    })?;
    Ok(RegistryData::One { registry, entries })
}

fn known_packs(r: &mut Reader<'_>) -> Result<Vec<KnownPack>, DecodeError> {
    r.array("packs", MAX_PACKS, |r| {
        Ok(KnownPack {
            namespace: r.string("namespace", MAX_PACK_TEXT)?.to_owned(),
            id: r.string("id", MAX_PACK_TEXT)?.to_owned(),
            version: r.string("version", MAX_PACK_TEXT)?.to_owned(),
        })
    })
}

pub(super) fn read_tags(r: &mut Reader<'_>) -> Result<Vec<TagGroup>, DecodeError> {
    match layout::tags(r.version()) {
        TagsLayout::Named => r.array("tags", MAX_ENTRIES, |r| {
            let registry = r.identifier("tagType")?.to_owned();
            tag_group(r, registry)
        }),
        TagsLayout::Fixed(registries) => {
            let mut groups = Vec::with_capacity(registries.len());
            for registry in registries {
                groups.push(r.within(registry, |r| tag_group(r, (*registry).to_owned()))?);
            }
            Ok(groups)
        }
    }
}

fn tag_group(r: &mut Reader<'_>, registry: String) -> Result<TagGroup, DecodeError> {
    let tags = r.array("tags", MAX_ENTRIES, |r| {
        let name = r.identifier("tagName")?.to_owned();
        let entries = r.summarised(
            "entries",
            |r| r.array("", MAX_ENTRIES, |r| r.varint("")),
            |entries| format!("{} ids", entries.len()),
        )?;
        Ok((name, entries))
    })?;
    Ok(TagGroup { registry, tags })
}
