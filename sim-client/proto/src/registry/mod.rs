//! The registries that a client was given, and whether it can live with them.

mod check;
mod fault;

pub use fault::{ElementProblem, RegistryFault};

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
    /// None if it is the client's own, from a known pack.
    element: Option<Compound>,
}

impl Registries {
    /// From the codec of JoinGame (735-763) or the one compound of the configuration phase (764, 765).
    pub(crate) fn from_codec(
        version: Version,
        codec: &Compound,
    ) -> Result<Registries, RegistryFault> {
        let mut all = Vec::new();
        if version.has_dimension_list() {
            let list = codec.get("dimension").and_then(Tag::as_list);
            let list = list.ok_or_else(|| RegistryFault::Missing {
                registry: DIMENSION_TYPE.to_owned(),
            })?;
            all.push(Registry {
                name: DIMENSION_TYPE.to_owned(),
                entries: old_dimensions(&list.items)?,
            });
            return Ok(Registries { all });
        }
        for entry in &codec.entries {
            let malformed = |problem| RegistryFault::Malformed {
                registry: entry.name.clone(),
                problem,
            };
            let registry = entry
                .tag
                .as_compound()
                .ok_or_else(|| malformed("it is no compound"))?;
            let kind = registry
                .get("type")
                .and_then(Tag::as_str)
                .ok_or_else(|| malformed("it has no `type`"))?;
            if kind != entry.name {
                return Err(malformed("its `type` is not its name"));
            }
            let value = registry
                .get("value")
                .and_then(Tag::as_list)
                .ok_or_else(|| malformed("it has no `value`"))?;
            let mut entries = Vec::with_capacity(value.items.len());
            for item in &value.items {
                entries.push(codec_entry(&entry.name, item)?);
            }
            entries.sort_by_key(|entry| entry.id);
            if entries.windows(2).any(|pair| pair[0].id == pair[1].id) {
                return Err(malformed("two entries have the same `id`"));
            }
            all.push(Registry {
                name: entry.name.clone(),
                entries,
            });
        }
        Ok(Registries { all })
    }

    /// One registry of the configuration phase (766+). Sent twice, its entries add up, as in vanilla.
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
            let element = entry.element.as_ref().and_then(Tag::as_compound).cloned();
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
        Ok(entry.map(|entry| match &entry.element {
            Some(element) => shape_of(version, element),
            None => own_element(version, DIMENSION_TYPE, &entry.name)
                .map_or(WorldShape::CLASSIC, |element| shape_of(version, &element)),
        }))
    }

    fn get(&self, name: &str) -> Option<&Registry> {
        self.all.iter().find(|registry| registry.name == name)
    }
}

fn old_dimensions(items: &[Tag]) -> Result<Vec<Entry>, RegistryFault> {
    let malformed = |problem| RegistryFault::Malformed {
        registry: DIMENSION_TYPE.to_owned(),
        problem,
    };
    let mut entries = Vec::with_capacity(items.len());
    for (item, id) in items.iter().zip(0..) {
        let element = item
            .as_compound()
            .ok_or_else(|| malformed("an entry is no compound"))?;
        let name = element
            .get("name")
            .and_then(Tag::as_str)
            .ok_or_else(|| malformed("an entry has no `name`"))?;
        entries.push(Entry {
            name: with_namespace(name),
            id,
            element: Some(element.clone()),
        });
    }
    Ok(entries)
}

fn codec_entry(registry: &str, item: &Tag) -> Result<Entry, RegistryFault> {
    let malformed = |problem| RegistryFault::Malformed {
        registry: registry.to_owned(),
        problem,
    };
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
    let element = item
        .get("element")
        .and_then(Tag::as_compound)
        .ok_or_else(|| malformed("an entry has no `element`"))?;
    Ok(Entry {
        name: with_namespace(name),
        id,
        element: Some(element.clone()),
    })
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

fn with_namespace(name: &str) -> String {
    if name.contains(':') {
        name.to_owned()
    } else {
        format!("minecraft:{name}")
    }
}
