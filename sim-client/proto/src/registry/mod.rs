//! The registries that a client was given, and whether it can live with them.

mod check;
mod fault;
pub(crate) mod required_tags;

pub use fault::{ElementProblem, RegistryFault};

use std::sync::Arc;

use crate::Version;
use crate::layout::FieldKind;
use crate::nbt::{self, Compound, Tag};
use crate::packet::{Dimension, RegistryEntry, TagGroup, WorldShape};
use crate::remark::RemarkKind;
use crate::wire::Reader;

/// The registry of dimension types.
pub(crate) const DIMENSION_TYPE: &str = "minecraft:dimension_type";
/// The registry of biomes.
pub(crate) const BIOME: &str = "minecraft:worldgen/biome";

/// The registry of chat types (759+).
const CHAT_TYPE: &str = "minecraft:chat_type";

/// Most entries of a registry that are kept; no game has a hundredth of it.
const MAX_ENTRIES: usize = 1 << 16;

/// What the client was given.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Registries {
    all: Vec<Registry>,
}

#[derive(Clone, Debug, PartialEq)]
struct Registry {
    name: String,
    /// Ascending by id.
    entries: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq)]
struct Entry {
    name: String,
    id: i32,
    element: Element,
}

/// Where an entry's element is. What came in one compound is left there.
#[derive(Clone, Debug, PartialEq)]
enum Element {
    /// The client has it, from a known pack.
    Own,
    Given(Arc<Tag>),
    /// An item of a list in the codec.
    InCodec {
        codec: Arc<Compound>,
        registry: usize,
        item: usize,
    },
}

impl Entry {
    /// What the server sent of it.
    fn given(&self) -> Option<&Tag> {
        match &self.element {
            Element::Own => None,
            Element::Given(element) => Some(element),
            Element::InCodec {
                codec,
                registry,
                item,
            } => match &codec.entries.get(*registry)?.tag {
                Tag::List(list) => list.items.get(*item),
                Tag::Compound(registry) => {
                    let list = registry.get("value")?.as_list()?;
                    list.items.get(*item)?.as_compound()?.get("element")
                }
                _ => None,
            },
        }
    }
}

impl Registries {
    /// From the codec of JoinGame (735-763) or the one compound of the configuration phase (764, 765).
    pub(crate) fn from_codec(
        version: Version,
        codec: &Arc<Compound>,
    ) -> Result<Registries, RegistryFault> {
        if version.has_dimension_list() {
            return old_dimensions(codec).map(|registry| Registries {
                all: vec![registry],
            });
        }
        let all = (0..codec.entries.len())
            .map(|index| codec_registry(codec, index))
            .collect::<Result<_, _>>()?;
        Ok(Registries { all })
    }

    /// One registry of the configuration phase (766+). Sent twice, its entries add up, as in vanilla; from 768 on
    /// [`Registries::check`] finds what came twice.
    pub(crate) fn add(&mut self, registry: &str, entries: &[RegistryEntry]) {
        let name = with_namespace(registry);
        let index = self
            .all
            .iter()
            .position(|known| known.name == name)
            .unwrap_or_else(|| {
                self.all.push(Registry {
                    name,
                    entries: Vec::new(),
                });
                self.all.len() - 1
            });
        let known = &mut self.all[index].entries;
        for entry in entries.iter().take(MAX_ENTRIES.saturating_sub(known.len())) {
            let id = i32::try_from(known.len()).unwrap_or(i32::MAX);
            let element = entry.element.clone().map_or(Element::Own, Element::Given);
            known.push(Entry {
                name: with_namespace(&entry.name),
                id,
                element,
            });
        }
    }

    /// Whether nothing was given.
    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether the client can live with these. `packs_agreed` says whether a known pack is common (766+).
    pub(crate) fn check(
        &self,
        version: Version,
        tags: &[TagGroup],
        packs_agreed: bool,
    ) -> Result<Vec<RemarkKind>, RegistryFault> {
        check::check(self, version, tags, packs_agreed)
    }

    /// Whether a chat type has this id.
    pub(crate) fn has_chat_type(&self, id: i32) -> bool {
        self.get(CHAT_TYPE)
            .is_some_and(|registry| registry.entries.iter().any(|entry| entry.id == id))
    }

    /// How many chat types there are.
    pub(crate) fn chat_types(&self) -> usize {
        self.get(CHAT_TYPE)
            .map_or(0, |registry| registry.entries.len())
    }

    /// How many biomes there are, highest id plus one; None where clients have them built in.
    pub(crate) fn biomes(&self) -> Option<usize> {
        let last = self.get(BIOME)?.entries.last()?;
        usize::try_from(last.id).ok().map(|id| id + 1)
    }

    /// How many dimension types there are.
    pub(crate) fn dimensions(&self) -> usize {
        self.get(DIMENSION_TYPE)
            .map_or(0, |registry| registry.entries.len())
    }

    /// The shape of a world of this dimension. `Ok(None)` if there is no such dimension.
    pub(crate) fn shape(
        &self,
        version: Version,
        dimension: &Dimension,
    ) -> Result<Option<WorldShape>, RegistryFault> {
        let registry = self.get(DIMENSION_TYPE);
        let entry = match dimension {
            Dimension::Number(number) => {
                return Ok(Some(WorldShape {
                    sky_light: *number == 0,
                    ..WorldShape::CLASSIC
                }));
            }
            Dimension::Inline(element) => {
                check::element(version, DIMENSION_TYPE, "(inline)", element)?;
                return Ok(Some(shape_of(version, element)));
            }
            Dimension::Name(name) => {
                let name = with_namespace(name);
                registry
                    .and_then(|registry| registry.entries.iter().find(|entry| entry.name == name))
            }
            Dimension::Index(index) => registry
                .and_then(|registry| registry.entries.iter().find(|entry| entry.id == *index)),
        };
        Ok(
            entry.map(|entry| match entry.given().and_then(Tag::as_compound) {
                Some(element) => shape_of(version, element),
                None => own_element(version, DIMENSION_TYPE, &entry.name)
                    .map_or(WorldShape::CLASSIC, |element| shape_of(version, &element)),
            }),
        )
    }

    fn get(&self, name: &str) -> Option<&Registry> {
        self.all.iter().find(|registry| registry.name == name)
    }
}

/// 735 and 736: a list of dimension types that hold their names.
fn old_dimensions(codec: &Arc<Compound>) -> Result<Registry, RegistryFault> {
    let missing = || RegistryFault::Missing {
        registry: DIMENSION_TYPE.to_owned(),
    };
    let malformed = |problem| RegistryFault::Malformed {
        registry: DIMENSION_TYPE.to_owned(),
        problem,
    };
    let index = codec
        .entries
        .iter()
        .position(|entry| entry.name == "dimension")
        .ok_or_else(missing)?;
    let list = codec.entries[index].tag.as_list().ok_or_else(missing)?;
    let mut entries = Vec::with_capacity(list.items.len());
    for (item, id) in list.items.iter().zip(0..) {
        let item = item
            .as_compound()
            .ok_or_else(|| malformed("an entry is no compound"))?;
        let name = item
            .get("name")
            .and_then(Tag::as_str)
            .ok_or_else(|| malformed("an entry has no `name`"))?;
        entries.push(Entry {
            name: with_namespace(name),
            id,
            element: in_codec(codec, index, entries.len()),
        });
    }
    Ok(Registry {
        name: DIMENSION_TYPE.to_owned(),
        entries,
    })
}

/// A registry of the codec from 751 on: `type`, and `value`, a list of `name`, `id` and `element`.
fn codec_registry(codec: &Arc<Compound>, index: usize) -> Result<Registry, RegistryFault> {
    let nbt::Entry {
        name: registry,
        tag,
        ..
    } = &codec.entries[index];
    let malformed = |problem| RegistryFault::Malformed {
        registry: registry.clone(),
        problem,
    };
    let compound = tag
        .as_compound()
        .ok_or_else(|| malformed("it is no compound"))?;
    let kind = compound
        .get("type")
        .and_then(Tag::as_str)
        .ok_or_else(|| malformed("it has no `type`"))?;
    if kind != registry {
        return Err(malformed("its `type` is not its name"));
    }
    let list = compound
        .get("value")
        .and_then(Tag::as_list)
        .ok_or_else(|| malformed("it has no `value`"))?;
    let mut entries = Vec::with_capacity(list.items.len());
    for item in &list.items {
        let item = item
            .as_compound()
            .ok_or_else(|| malformed("an entry is no compound"))?;
        let name = item
            .get("name")
            .and_then(Tag::as_str)
            .ok_or_else(|| malformed("an entry has no `name`"))?;
        let id = item
            .get("id")
            .and_then(Tag::as_i64)
            .ok_or_else(|| malformed("an entry has no `id`"))?;
        let id = i32::try_from(id)
            .ok()
            .filter(|id| *id >= 0)
            .ok_or_else(|| malformed("an `id` is out of range"))?;
        if item.get("element").and_then(Tag::as_compound).is_none() {
            return Err(malformed("an entry has no `element`"));
        }
        entries.push(Entry {
            name: with_namespace(name),
            id,
            element: in_codec(codec, index, entries.len()),
        });
    }
    entries.sort_by_key(|entry| entry.id);
    if entries.windows(2).any(|pair| pair[0].id == pair[1].id) {
        return Err(malformed("two entries have the same `id`"));
    }
    Ok(Registry {
        name: registry.clone(),
        entries,
    })
}

fn in_codec(codec: &Arc<Compound>, registry: usize, item: usize) -> Element {
    Element::InCodec {
        codec: Arc::clone(codec),
        registry,
        item,
    }
}

fn shape_of(version: Version, element: &Compound) -> WorldShape {
    let number = |name: &str| {
        element
            .get(name)
            .and_then(Tag::as_i64)
            .and_then(|value| i32::try_from(value).ok())
    };
    let sky_light = number("has_skylight").is_none_or(|value| value != 0);
    match (number("min_y"), number("height")) {
        (Some(min_y), Some(height)) if version.has_world_height() => WorldShape {
            sky_light,
            min_y,
            height,
        },
        _ => WorldShape {
            sky_light,
            ..WorldShape::CLASSIC
        },
    }
}

/// What the client itself has of an entry, from its own data pack.
fn own_element(version: Version, registry: &str, entry: &str) -> Option<Compound> {
    let registry = vb_data::registries(version.protocol())
        .iter()
        .find(|known| known.name == registry)?;
    let mut reader = Reader::new(registry.entry(entry)?.element, version);
    nbt::read_compound_payload(&mut reader, "element").ok()
}

pub(crate) fn with_namespace(name: &str) -> String {
    if name.contains(':') {
        name.to_owned()
    } else {
        format!("minecraft:{name}")
    }
}
