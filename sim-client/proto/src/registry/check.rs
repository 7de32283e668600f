use super::{
    DIMENSION_TYPE, ElementProblem, Entry, FieldKind, Registries, Registry, RegistryFault,
    own_element,
};
use crate::Version;
use crate::layout;
use crate::nbt::{Compound, Tag};
use crate::packet::TagGroup;
use crate::wire::is_identifier;

/// Edge of a section: heights are multiples of it.
const SECTION: i64 = 16;
/// Lowest `min_y`, and highest `min_y + height`, of a dimension type (vanilla).
const Y_LIMIT: i64 = 2032;

pub(super) fn check(
    registries: &Registries,
    version: Version,
    tags: &[TagGroup],
    packs_agreed: bool,
) -> Result<(), RegistryFault> {
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
    for registry in &registries.all {
        for entry in &registry.entries {
            check_entry(version, registry, entry, tags, packs_agreed)?;
        }
    }
    Ok(())
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
    let Some(given) = &entry.element else {
        if !packs_agreed || is_foreign(version, &registry.name, &entry.name) {
            return Err(no_data());
        }
        return match own_element(version, &registry.name, &entry.name) {
            Some(own) => check_tags(version, registry, entry, &own, tags),
            None => Ok(()),
        };
    };
    element(version, &registry.name, &entry.name, given)?;
    check_tags(version, registry, entry, given, tags)
}

/// Whether the client's own data certainly lack this entry: they have the registry, but not the entry.
fn is_foreign(version: Version, registry: &str, entry: &str) -> bool {
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
