//! Values that can be read but make no sense, and that a real client tolerates.

use crate::Version;
use crate::layout;
use crate::packet::{JoinGame, Position};
use crate::remark::RemarkKind;

/// Furthest block of a world from the middle.
const WORLD_EDGE: f64 = 30_000_000.0;
/// Furthest height that the game lets a player have.
const WORLD_HEIGHT: f64 = 20_000_000.0;
/// Looking straight up or down.
const STRAIGHT: f32 = 90.0;
/// What servers send as view and simulation distance.
const DISTANCES: core::ops::RangeInclusive<i32> = 2..=32;
/// Survival, creative, adventure, spectator.
const GAME_MODES: core::ops::Range<i32> = 0..4;
/// Peaceful to hard.
const DIFFICULTIES: core::ops::Range<i32> = 0..4;

pub(super) fn join_game(join: &JoinGame) -> Vec<RemarkKind> {
    let mut remarks = Vec::new();
    remarks.extend(game_mode(join.game_mode));
    remarks.extend(join.previous_game_mode.and_then(previous_game_mode));
    remarks.extend(join.view_distance.and_then(view_distance));
    remarks.extend(join.simulation_distance.and_then(simulation_distance));
    remarks.extend(
        join.difficulty
            .and_then(|value| difficulty(i32::from(value))),
    );
    if let Some(world) = &join.world_name {
        if join.world_names.is_empty() {
            remarks.push(RemarkKind::NoWorldNames);
        } else if !join.world_names.contains(world) {
            remarks.push(RemarkKind::WorldNotListed(world.clone()));
        }
    }
    remarks
}

pub(super) fn game_mode(mode: i32) -> Option<RemarkKind> {
    (!GAME_MODES.contains(&mode)).then_some(RemarkKind::GameMode(mode))
}

pub(super) fn previous_game_mode(mode: i32) -> Option<RemarkKind> {
    (!GAME_MODES.contains(&mode)).then_some(RemarkKind::PreviousGameMode(mode))
}

pub(super) fn view_distance(chunks: i32) -> Option<RemarkKind> {
    (!DISTANCES.contains(&chunks)).then_some(RemarkKind::ViewDistance(chunks))
}

pub(super) fn simulation_distance(chunks: i32) -> Option<RemarkKind> {
    (!DISTANCES.contains(&chunks)).then_some(RemarkKind::SimulationDistance(chunks))
}

pub(super) fn difficulty(difficulty: i32) -> Option<RemarkKind> {
    (!DIFFICULTIES.contains(&difficulty)).then_some(RemarkKind::Difficulty(difficulty))
}

pub(super) fn game_event(version: Version, event: u8) -> Option<RemarkKind> {
    (event > layout::last_game_event(version)).then_some(RemarkKind::GameEvent(event))
}

/// What is wrong with where the server puts the player. Relative values are looked at too: none is larger than the
/// world.
pub(super) fn position(position: &Position) -> Option<RemarkKind> {
    let Position {
        x,
        y,
        z,
        yaw,
        pitch,
        ..
    } = *position;
    let finite =
        [x, y, z].iter().all(|value| value.is_finite()) && yaw.is_finite() && pitch.is_finite();
    if !finite {
        return Some(RemarkKind::PositionNotFinite);
    }
    if x.abs() > WORLD_EDGE || z.abs() > WORLD_EDGE || y.abs() > WORLD_HEIGHT {
        return Some(RemarkKind::PositionOutsideWorld);
    }
    (pitch.abs() > STRAIGHT).then_some(RemarkKind::Pitch(pitch))
}

/// Whether a clientbound packet acts on the world or the player, which the client does not have before JoinGame.
pub(super) fn needs_world(name: &str) -> bool {
    NEEDS_WORLD.contains(&name)
        || NEEDS_WORLD_PREFIXES
            .iter()
            .any(|prefix| name.starts_with(prefix))
}

const NEEDS_WORLD_PREFIXES: &[&str] = &[
    "entity_",
    "spawn_entity",
    "world_border",
    "initialize_world_border",
];

const NEEDS_WORLD: &[&str] = &[
    "abilities",
    "block_action",
    "block_break_animation",
    "block_change",
    "camera",
    "chunk_biomes",
    "explosion",
    "experience",
    "game_state_change",
    "held_item_slot",
    "map_chunk",
    "map_chunk_bulk",
    "multi_block_change",
    "named_entity_spawn",
    "open_window",
    "position",
    "rel_entity_move",
    "respawn",
    "set_passengers",
    "set_slot",
    "simulation_distance",
    "spawn_position",
    "tile_entity_data",
    "unload_chunk",
    "update_health",
    "update_light",
    "update_time",
    "update_view_distance",
    "update_view_position",
    "window_items",
    "world_event",
    "world_particles",
];

#[cfg(test)]
mod tests {
    use vb_data::{Direction, State};

    use super::{NEEDS_WORLD, NEEDS_WORLD_PREFIXES};

    #[test]
    fn every_name_is_one_of_the_tables() {
        let names: Vec<_> = vb_data::supported()
            .iter()
            .filter_map(|protocol| vb_data::packets(*protocol, State::Play, Direction::Clientbound))
            .flat_map(|table| table.iter().map(|(_, name)| name).collect::<Vec<_>>())
            .collect();
        for name in NEEDS_WORLD {
            assert!(names.contains(name), "{name}");
        }
        for prefix in NEEDS_WORLD_PREFIXES {
            assert!(
                names.iter().any(|name| name.starts_with(prefix)),
                "{prefix}"
            );
        }
    }
}
