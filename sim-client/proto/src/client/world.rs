//! The world that the player is in, as far as it decides whether the terrain screen goes away.

use std::collections::BTreeSet;

use crate::event::Missing;
use crate::packet::{Dimension, Position, WorldShape};
use crate::serverbound::EYE_HEIGHT;
use crate::version::TerrainRule;
use crate::{EnteredBy, Now, Version};

/// A game tick.
pub(super) const TICK: Now = Now::from_millis(50);
/// Ticks until the terrain screen opens whatever is missing (761+), and until a client that waits for nothing more is
/// called stuck: 30 s.
pub(super) const LONG_WAIT: u64 = 600;
/// Ticks after which the default spawn position is no longer waited for (758-760): 2 s.
const SPAWN_WAIT: u64 = 40;
/// Ticks between two full positions of an idle player, and between two unasked keep-alives.
pub(super) const SECOND: u64 = 20;
/// Most chunks that are remembered: 128 by 128. A real client's memory would be full before.
const MAX_CHUNKS: usize = 1 << 14;
/// Chunks that a client keeps beyond the view distance (vanilla's chunk cache).
const VIEW_MARGIN: i32 = 3;
/// Smallest view distance that the chunk cache takes.
const MIN_VIEW: i32 = 2;
/// View distance until the server says another (vanilla's chunk cache until JoinGame).
const DEFAULT_VIEW: i32 = 3;
/// Game mode of a player who passes through everything.
const SPECTATOR: i32 = 3;

/// A world, from JoinGame or a respawn on.
#[derive(Debug)]
pub(super) struct World {
    version: Version,
    pub(super) shape: WorldShape,
    pub(super) dimension: Dimension,
    pub(super) world_name: Option<String>,
    pub(super) game_mode: i32,
    /// Ticks since the terrain screen appeared.
    pub(super) age: u64,
    pub(super) next_tick: Now,
    /// None while the terrain screen shows.
    pub(super) entered: Option<EnteredBy>,
    pub(super) player: Option<Player>,
    spawn_seen: bool,
    /// Whether a tick has passed since the default spawn position.
    tick_passed: bool,
    waiting_for_chunks: bool,
    chunks: BTreeSet<(i32, i32)>,
    centre: (i32, i32),
    radius: i32,
}

/// Where the player is: the feet, in blocks, and degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Player {
    pub(super) position: [f64; 3],
    pub(super) rotation: [f32; 2],
    /// Ticks since the last full position.
    pub(super) idle: u64,
    /// Whether the server moved the player since the last tick.
    pub(super) moved: bool,
}

impl World {
    pub(super) fn new(
        version: Version,
        shape: WorldShape,
        dimension: Dimension,
        world_name: Option<String>,
        game_mode: i32,
        now: Now,
    ) -> World {
        World {
            version,
            shape,
            dimension,
            world_name,
            game_mode,
            age: 0,
            next_tick: now + TICK,
            entered: None,
            player: None,
            spawn_seen: false,
            tick_passed: false,
            waiting_for_chunks: false,
            chunks: BTreeSet::new(),
            centre: (0, 0),
            radius: DEFAULT_VIEW + VIEW_MARGIN,
        }
    }

    /// Back to the terrain screen.
    pub(super) fn load_again(&mut self) {
        self.age = 0;
        self.entered = None;
        self.spawn_seen = false;
        self.tick_passed = false;
        self.waiting_for_chunks = false;
    }

    /// Takes what is the same in the next world: where the client looks for chunks.
    pub(super) fn inherit_view(&mut self, other: &World) {
        self.radius = other.radius;
        self.next_tick = other.next_tick;
    }

    pub(super) fn see_spawn_position(&mut self) {
        self.spawn_seen = true;
    }

    pub(super) fn wait_for_chunks(&mut self) {
        self.waiting_for_chunks = true;
    }

    pub(super) fn set_view_distance(&mut self, chunks: i32) {
        self.radius = chunks.clamp(MIN_VIEW, i32::MAX / 2) + VIEW_MARGIN;
        self.forget_out_of_range();
    }

    pub(super) fn set_centre(&mut self, x: i32, z: i32) {
        self.centre = (x, z);
        self.forget_out_of_range();
    }

    /// A chunk came. False if the client ignores it, being out of range.
    pub(super) fn add_chunk(&mut self, x: i32, z: i32, full: bool) -> bool {
        if !self.in_range((x, z)) {
            return false;
        }
        if full && self.chunks.len() < MAX_CHUNKS {
            self.chunks.insert((x, z));
        }
        true
    }

    pub(super) fn remove_chunk(&mut self, x: i32, z: i32) {
        self.chunks.remove(&(x, z));
    }

    /// Moves the player as the server says; answers where to.
    pub(super) fn move_player(&mut self, to: &Position) -> Player {
        let old = self.player.unwrap_or(Player {
            position: [0.0; 3],
            rotation: [0.0; 2],
            idle: 0,
            moved: true,
        });
        let eyes = if self.version.has_stance() {
            EYE_HEIGHT
        } else {
            0.0
        };
        let [x, y, z] = old.position;
        let [yaw, pitch] = old.rotation;
        let relative = |bit: i32| to.flags >> bit & 1 == 1;
        let add = |bit: i32, old: f64, new: f64| if relative(bit) { old + new } else { new };
        let turn = |bit: i32, old: f32, new: f32| if relative(bit) { old + new } else { new };
        let player = Player {
            position: [add(0, x, to.x), add(1, y, to.y - eyes), add(2, z, to.z)],
            rotation: [turn(3, yaw, to.yaw), turn(4, pitch, to.pitch)],
            idle: old.idle,
            moved: true,
        };
        self.player = Some(player);
        player
    }

    /// Whether the chunk that the player stands in is there.
    pub(super) fn has_chunk_under_player(&self) -> bool {
        self.player.is_some_and(|player| {
            let [x, _, z] = player.position;
            self.chunks.contains(&(chunk_of(x), chunk_of(z)))
        })
    }

    /// One tick of the terrain screen: whether and how it goes away now.
    pub(super) fn tick_terrain(&mut self) -> Option<EnteredBy> {
        if self.entered.is_some() {
            return None;
        }
        let forced = self.opens_by_itself() && self.age >= LONG_WAIT;
        let ready = self.missing().is_empty();
        if self.spawn_seen {
            self.tick_passed = true;
        }
        match (ready, forced) {
            (true, _) => Some(EnteredBy::Rule),
            (false, true) => Some(EnteredBy::Timeout),
            (false, false) => None,
        }
    }

    /// Whether the terrain screen opens after 30 s in any case.
    fn opens_by_itself(&self) -> bool {
        matches!(
            self.version.terrain_rule(),
            TerrainRule::SpawnPosition | TerrainRule::GameEvent
        )
    }

    /// Whether 30 s have passed and nothing but the server can change anything.
    pub(super) fn is_stuck(&self) -> bool {
        self.entered.is_none() && !self.opens_by_itself() && self.age >= LONG_WAIT
    }

    /// What the terrain screen waits for.
    pub(super) fn missing(&self) -> Vec<Missing> {
        let rule = self.version.terrain_rule();
        let mut missing = Vec::new();
        match rule {
            TerrainRule::FirstPosition => {}
            TerrainRule::SpawnPositionOrDelay if self.age > SPAWN_WAIT => {}
            TerrainRule::SpawnPositionOrDelay | TerrainRule::SpawnPosition => {
                if !self.spawn_seen {
                    missing.push(Missing::SpawnPosition);
                } else if !self.tick_passed {
                    missing.push(Missing::Tick);
                }
            }
            TerrainRule::GameEvent => {
                if !self.waiting_for_chunks {
                    missing.push(Missing::WaitForChunks);
                }
            }
        }
        if self.player.is_none() {
            missing.push(Missing::Position);
        }
        if rule != TerrainRule::FirstPosition
            && !self.needs_no_chunk(rule)
            && !self.has_chunk_under_player()
        {
            missing.push(Missing::ChunkUnderPlayer);
        }
        missing
    }

    fn needs_no_chunk(&self, rule: TerrainRule) -> bool {
        let outside = self
            .player
            .is_some_and(|player| self.shape.is_outside(player.position[1]));
        outside || (rule == TerrainRule::GameEvent && self.game_mode == SPECTATOR)
    }

    fn in_range(&self, (x, z): (i32, i32)) -> bool {
        let (centre_x, centre_z) = self.centre;
        let near = |at: i32, centre: i32| at.abs_diff(centre) <= self.radius.unsigned_abs();
        !self.version.has_view_centre() || (near(x, centre_x) && near(z, centre_z))
    }

    fn forget_out_of_range(&mut self) {
        if !self.version.has_view_centre() {
            return;
        }
        let mut chunks = std::mem::take(&mut self.chunks);
        chunks.retain(|chunk| self.in_range(*chunk));
        self.chunks = chunks;
    }
}

/// The chunk of a block coordinate. What is not finite lies in chunk 0, as Java's casts have it; what is out of bounds
/// lies in the last.
#[allow(
    clippy::cast_possible_truncation,
    reason = "the cast saturates as Java's does"
)]
fn chunk_of(block: f64) -> i32 {
    (block.floor() as i32) >> 4
}
