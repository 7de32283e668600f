//! Numbers that stand for entries of the game's own registries, where a client leaves on one that it does not find.

use crate::Version;
use crate::layout;
use crate::wire::{DecodeError, DecodeErrorKind, Reader};

/// What the block states are called in messages.
const BLOCK_STATES: &str = "the block states";

/// Packet, field and registry; a field without a packet is one in all of them.
const FIELDS: [(&str, &str, &str); 5] = [
    ("", "itemId", "minecraft:item"),
    ("block_change", "type", BLOCK_STATES),
    ("entity_effect", "effectId", "minecraft:mob_effect"),
    ("remove_entity_effect", "effectId", "minecraft:mob_effect"),
    ("open_window", "inventoryType", "minecraft:menu"),
];

/// Names of cases of a choice that are such a number: of what a particle and an entity's data are, and of a recipe's item.
const CASES: [(&str, &str); 7] = [
    ("block", BLOCK_STATES),
    ("block_marker", BLOCK_STATES),
    ("falling_dust", BLOCK_STATES),
    ("dust_pillar", BLOCK_STATES),
    ("block_crumble", BLOCK_STATES),
    ("block_state", BLOCK_STATES),
    ("item", "minecraft:item"),
];

/// Names of the ids in holders, and their registries. The number of a holder is one more than the id.
const HOLDERS: [(&str, &str); 1] = [("soundId", "minecraft:sound_event")];

/// Holds a field's number, read at `start`, against the registry that it is looked up in.
pub(super) fn check(
    reader: &Reader<'_>,
    packet: &str,
    field: &str,
    id: i64,
    start: usize,
) -> Result<(), DecodeError> {
    let known = FIELDS
        .iter()
        .find(|(of, name, _)| *name == field && (of.is_empty() || *of == packet));
    known.map_or(Ok(()), |(_, _, registry)| {
        look_up(reader, registry, field, id, start)
    })
}

/// The same for a number that is all there is to a case of a choice.
pub(super) fn check_case(
    reader: &Reader<'_>,
    case: &str,
    id: i64,
    start: usize,
) -> Result<(), DecodeError> {
    let known = CASES.iter().find(|(of, _)| *of == case);
    known.map_or(Ok(()), |(_, registry)| {
        look_up(reader, registry, case, id, start)
    })
}

/// The same for the id in a holder.
pub(super) fn check_holder(
    reader: &Reader<'_>,
    name: &str,
    id: i64,
    start: usize,
) -> Result<(), DecodeError> {
    let known = HOLDERS.iter().find(|(of, _)| *of == name);
    known.map_or(Ok(()), |(_, registry)| {
        look_up(reader, registry, name, id, start)
    })
}

fn look_up(
    reader: &Reader<'_>,
    registry: &'static str,
    field: &str,
    id: i64,
    start: usize,
) -> Result<(), DecodeError> {
    let Some(count) = size(reader.version(), registry) else {
        return Ok(());
    };
    if usize::try_from(id).is_ok_and(|id| id < count) {
        return Ok(());
    }
    let id = i32::try_from(id).unwrap_or(i32::MAX);
    let kind = DecodeErrorKind::NoSuchId {
        id,
        registry,
        count,
    };
    Err(reader.error_at(start, field, kind))
}

/// Whether more than one source says how many entries a registry has.
pub(super) fn is_sure(version: Version, kind: &DecodeErrorKind) -> bool {
    match kind {
        DecodeErrorKind::NoSuchId { registry, .. } => {
            vb_data::registry_size(version.protocol(), registry).is_none_or(|size| size.agreed)
        }
        _ => true,
    }
}

fn size(version: Version, registry: &str) -> Option<usize> {
    if registry != BLOCK_STATES {
        return Some(vb_data::registry_size(version.protocol(), registry)?.count);
    }
    let count = layout::block_states(version).count?;
    version.refuses_unknown_blocks().then_some(count)
}
