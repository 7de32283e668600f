use std::collections::BTreeSet;

use super::{
    DIMENSION_TYPE, ElementProblem, Entry, FieldKind, Registries, Registry, RegistryFault,
    own_element,
};
use crate::Version;
use crate::layout;
use crate::nbt::{Compound, Tag};
use crate::packet::TagGroup;
use crate::remark::RemarkKind;
use crate::wire::is_identifier;

/// Edge of a section: heights are multiples of it.
const SECTION: i64 = 16;
/// Lowest `min_y`, and highest `min_y + height`, of a dimension type (vanilla).
const Y_LIMIT: i64 = 2032;

/// The namespace of everything in the packs that clients know.
const VANILLA: &str = "minecraft:";

pub(super) fn check(
    registries: &Registries,
    version: Version,
    tags: &[TagGroup],
    packs_agreed: bool,
) -> Result<Vec<RemarkKind>, RegistryFault> {
    for name in layout::required_registries(version) {
        match registries.get(name) {
            None => {
                return Err(RegistryFault::Missing {
                    registry: name.to_owned(),
                });
            }
            Some(registry) if registry.entries.is_empty() => {
                return Err(RegistryFault::Empty {
                    registry: name.to_owned(),
                });
            }
            Some(_) => {}
        }
    }
    for (registry, entry) in layout::required_entries(version) {
        let known = registries.get(registry);
        if !known.is_some_and(|registry| registry.entries.iter().any(|known| known.name == entry)) {
            return Err(RegistryFault::EntryMissing {
                registry: registry.to_owned(),
                entry: entry.to_owned(),
            });
        }
    }
    let mut remarks = Vec::new();
    for registry in &registries.all {
        if !layout::knows_registry(version, &registry.name) {
            let registry = registry.name.clone();
            if !version.ignores_unknown_registries() {
                return Err(RegistryFault::Unknown { registry });
            }
            remarks.push(RemarkKind::UnknownRegistry { registry });
            continue;
        }
        if version.refuses_duplicate_entries() {
            check_duplicates(registry)?;
        }
        for entry in &registry.entries {
            check_entry(version, registry, entry, tags, packs_agreed)?;
            if entry.given().is_none() && is_unknown(version, &registry.name, &entry.name) {
                let (registry, entry) = (registry.name.clone(), entry.name.clone());
                remarks.push(RemarkKind::UnknownRegistryEntry { registry, entry });
            }
        }
    }
    Ok(remarks)
}

/// No entry may come twice, in one packet or in several.
fn check_duplicates(registry: &Registry) -> Result<(), RegistryFault> {
    let mut seen = BTreeSet::new();
    match registry
        .entries
        .iter()
        .find(|entry| !seen.insert(entry.name.as_str()))
    {
        None => Ok(()),
        Some(entry) => Err(RegistryFault::Duplicate {
            registry: registry.name.clone(),
            entry: entry.name.clone(),
        }),
    }
}

fn check_entry(
    version: Version,
    registry: &Registry,
    entry: &Entry,
    tags: &[TagGroup],
    packs_agreed: bool,
) -> Result<(), RegistryFault> {
    if !is_identifier(&entry.name) {
        return Err(RegistryFault::Element {
            registry: registry.name.clone(),
            entry: entry.name.clone(),
            field: "name".to_owned(),
            problem: ElementProblem::NotIdentifier(entry.name.clone()),
        });
    }
    let no_data = || RegistryFault::NoData {
        registry: registry.name.clone(),
        entry: entry.name.clone(),
        packs_agreed,
    };
    let Some(given) = entry.given() else {
        if !packs_agreed || !entry.name.starts_with(VANILLA) {
            return Err(no_data());
        }
        return match own_element(version, &registry.name, &entry.name) {
            Some(own) => check_tags(version, registry, entry, &own, tags),
            None => Ok(()),
        };
    };
    match given {
        Tag::Compound(given) => {
            element(version, &registry.name, &entry.name, given)?;
            check_tags(version, registry, entry, given, tags)
        }
        Tag::List(_) if layout::has_list_elements(version, &registry.name) => Ok(()),
        other => Err(RegistryFault::Element {
            registry: registry.name.clone(),
            entry: entry.name.clone(),
            field: "(whole)".to_owned(),
            problem: ElementProblem::WrongType {
                found: other.kind().to_string(),
                expected: "a compound",
            },
        }),
    }
}

/// Whether the data here have the registry, but not the entry. They may lack an entry that the game has, so this alone is
/// no fault.
fn is_unknown(version: Version, registry: &str, entry: &str) -> bool {
    vb_data::registries(version.protocol())
        .iter()
        .find(|known| known.name == registry)
        .is_some_and(|known| known.entry(entry).is_none())
}

/// Whether an element has the fields that the client's version wants.
pub(super) fn element(
    version: Version,
    registry: &str,
    entry: &str,
    element: &Compound,
) -> Result<(), RegistryFault> {
    let fault = |field: &str, problem| RegistryFault::Element {
        registry: registry.to_owned(),
        entry: entry.to_owned(),
        field: field.to_owned(),
        problem,
    };
    for (field, kind) in layout::registry_fields(version, registry) {
        let Some(tag) = element.get(field) else {
            return Err(fault(field, ElementProblem::Absent));
        };
        let (fits, expected) = match kind {
            FieldKind::Number => (tag.is_number(), "a number"),
            FieldKind::String => (tag.as_str().is_some(), "a string"),
            FieldKind::Compound => (tag.as_compound().is_some(), "a compound"),
            FieldKind::Any => (true, "anything"),
        };
        if !fits {
            let found = tag.kind().to_string();
            return Err(fault(field, ElementProblem::WrongType { found, expected }));
        }
    }
    if registry == DIMENSION_TYPE {
        infiniburn(version, element).map_err(|problem| fault("infiniburn", problem))?;
        if version.has_world_height() {
            height(element).map_err(|(field, problem)| fault(field, problem))?;
        }
    }
    Ok(())
}

fn infiniburn(version: Version, element: &Compound) -> Result<(), ElementProblem> {
    let Some(text) = element.get("infiniburn").and_then(Tag::as_str) else {
        return Ok(());
    };
    let name = match (text.strip_prefix('#'), version.has_hash_infiniburn()) {
        (Some(name), true) => name,
        (None, false) => text,
        (None, true) => return Err(ElementProblem::NoHash),
        (Some(_), false) => return Err(ElementProblem::Hash),
    };
    if is_identifier(name) {
        Ok(())
    } else {
        Err(ElementProblem::NotIdentifier(name.to_owned()))
    }
}

/// The rules of the game's dimension types.
fn height(element: &Compound) -> Result<(), (&'static str, ElementProblem)> {
    let number = |name: &str| element.get(name).and_then(Tag::as_i64).unwrap_or(0);
    let (min_y, height, logical) = (number("min_y"), number("height"), number("logical_height"));
    let rule = |holds: bool, field, rule, value| {
        if holds {
            Ok(())
        } else {
            Err((field, ElementProblem::Height { rule, value }))
        }
    };
    rule(
        height >= SECTION,
        "height",
        "it must be at least 16",
        height,
    )?;
    rule(
        height % SECTION == 0,
        "height",
        "it must be a multiple of 16",
        height,
    )?;
    rule(
        min_y % SECTION == 0,
        "min_y",
        "it must be a multiple of 16",
        min_y,
    )?;
    rule(
        min_y >= -Y_LIMIT,
        "min_y",
        "it must be at least -2032",
        min_y,
    )?;
    rule(
        min_y.saturating_add(height) <= Y_LIMIT,
        "height",
        "`min_y` and it together must be at most 2032",
        height,
    )?;
    rule(
        logical <= height,
        "logical_height",
        "it must not be above `height`",
        logical,
    )
}

fn check_tags(
    version: Version,
    registry: &Registry,
    entry: &Entry,
    element: &Compound,
    tags: &[TagGroup],
) -> Result<(), RegistryFault> {
    if !version.checks_tag_references() {
        return Ok(());
    }
    let sent = |name: &str| {
        tags.iter().any(|group| {
            group
                .tags
                .iter()
                .any(|(tag, _)| tag == name || super::with_namespace(tag) == name)
        })
    };
    let mut missing = None;
    for inner in &element.entries {
        each_reference(&inner.tag, &mut |name| {
            if missing.is_none() && !sent(name) {
                missing = Some(name.to_owned());
            }
        });
    }
    match missing {
        None => Ok(()),
        Some(tag) => Err(RegistryFault::MissingTag {
            registry: registry.name.clone(),
            entry: entry.name.clone(),
            tag,
        }),
    }
}

/// Every "#namespace:path" in a tag. Colours, which also start with "#", have no ":".
fn each_reference(tag: &Tag, visit: &mut impl FnMut(&str)) {
    match tag {
        Tag::String(text) => {
            if let Some(name) = text
                .strip_prefix('#')
                .filter(|name| name.contains(':') && is_identifier(name))
            {
                visit(name);
            }
        }
        Tag::List(list) => list
            .items
            .iter()
            .for_each(|item| each_reference(item, visit)),
        Tag::Compound(compound) => compound
            .entries
            .iter()
            .for_each(|entry| each_reference(&entry.tag, visit)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::check_tags;
    use crate::nbt::{Compound, Kind, List, Tag};
    use crate::packet::TagGroup;
    use crate::registry::{Entry, Registry, RegistryFault};
    use crate::{RegistryEntry, Version, registry::Registries};

    fn element(text: &str) -> Compound {
        let mut inner = Compound::default();
        inner.push("supported", Tag::String(text.to_owned()));
        let mut outer = Compound::default();
        let items = vec![Tag::Compound(inner)];
        outer.push(
            "list",
            Tag::List(List {
                kind: Kind::Compound,
                items,
            }),
        );
        outer
    }

    fn missing_tag(protocol: i32, text: &str, sent: &[&str]) -> Option<RegistryFault> {
        let registry = Registry {
            name: "minecraft:dialog".to_owned(),
            entries: Vec::new(),
        };
        let entry = Entry {
            name: "minecraft:x".to_owned(),
            id: 0,
            element: crate::registry::Element::Own,
        };
        let tags = sent
            .iter()
            .map(|name| ((*name).to_owned(), vec![0]))
            .collect();
        let groups = [TagGroup {
            registry: "minecraft:item".to_owned(),
            tags,
        }];
        check_tags(
            Version::new(protocol),
            &registry,
            &entry,
            &element(text),
            &groups,
        )
        .err()
    }

    #[test]
    fn from_776_on_a_tag_that_is_named_must_have_been_sent() {
        let fault = RegistryFault::MissingTag {
            registry: "minecraft:dialog".to_owned(),
            entry: "minecraft:x".to_owned(),
            tag: "minecraft:axes".to_owned(),
        };
        assert_eq!(missing_tag(776, "#minecraft:axes", &[]), Some(fault));
        assert_eq!(
            missing_tag(776, "#minecraft:axes", &["minecraft:axes"]),
            None
        );
        assert_eq!(missing_tag(776, "#minecraft:axes", &["axes"]), None);
        assert_eq!(missing_tag(775, "#minecraft:axes", &[]), None);
        // A colour, and something that is no reference.
        assert_eq!(missing_tag(776, "#ffaa00", &[]), None);
        assert_eq!(missing_tag(776, "minecraft:axes", &[]), None);
    }

    #[test]
    fn a_pack_that_was_agreed_on_has_vanilla_entries_only() {
        let fault = |entry: &str, packs_agreed| {
            let mut registries = Registries::default();
            for registry in vb_data::registries(767) {
                let entries: Vec<_> = registry
                    .entries
                    .iter()
                    .map(|entry| RegistryEntry {
                        name: entry.name.to_owned(),
                        element: None,
                    })
                    .collect();
                registries.add(registry.name, &entries);
            }
            registries.add(
                "minecraft:wolf_variant",
                &[RegistryEntry {
                    name: entry.to_owned(),
                    element: None,
                }],
            );
            registries.check(Version::new(767), &[], packs_agreed)
        };
        assert_eq!(fault("minecraft:woods", true), Ok(Vec::new()));
        assert!(matches!(
            fault("minecraft:woods", false),
            Err(RegistryFault::NoData {
                packs_agreed: false,
                ..
            })
        ));
        assert!(matches!(
            fault("lobby:woods", true),
            Err(RegistryFault::NoData {
                packs_agreed: true,
                ..
            })
        ));
        assert_eq!(
            fault("minecraft:green", true).map(|remarks| remarks.len()),
            Ok(1)
        );
    }
}
