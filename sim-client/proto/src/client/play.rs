//! Play: joining, the world, moving.

use vb_data::State;

use super::values;
use super::world::World;
use super::{Client, DELIMITER};
use crate::Event;
use crate::event::EnteredBy;
use crate::fault::{Fault, FaultKind};
use crate::layout;
use crate::packet::{Chunk, Dimension, JoinGame, Packet, Position, Respawn, WorldShape};
use crate::registry::Registries;
use crate::remark::RemarkKind;
use crate::serverbound::{self, Movement};
use crate::version::{RegistrySource, TeleportAnswer, TerrainRule};

/// Chunks a tick that the client asks for: what vanilla starts with, 7 ms of 2 ms each.
const CHUNKS_PER_TICK: f32 = 3.5;
/// Game event: the game mode changes to the event's value.
const CHANGE_GAME_MODE: u8 = 3;
/// Game event: chunks follow, wait for them (765+).
const WAIT_FOR_CHUNKS: u8 = 13;
/// Dimension numbers that clients know: nether, overworld, end.
const DIMENSION_NUMBERS: core::ops::RangeInclusive<i32> = -1..=1;

impl Client {
    pub(super) fn play_packet(&mut self, at: (i32, &'static str), packet: Packet) {
        if self.world.is_none() && values::needs_world(at.1) {
            return self.fault(Fault::of(self.state, at, FaultKind::NoWorld));
        }
        match packet {
            Packet::JoinGame(join) => self.join(at, *join),
            Packet::Respawn(respawn) => self.respawn(at, &respawn),
            Packet::Position(position) => self.teleport(at, &position),
            Packet::SetCompression(threshold) => self.set_compression(at, threshold),
            Packet::ChunkBatchFinished(_) => {
                self.send(
                    "chunk_batch_received",
                    &serverbound::chunk_batch_received(CHUNKS_PER_TICK),
                );
            }
            Packet::StartConfiguration => {
                self.send("configuration_acknowledged", &[]);
                self.leave_world();
                self.enter(State::Configuration);
            }
            Packet::BundleDelimiter if at.1 == DELIMITER => self.delimit_bundle(),
            Packet::PlayerChat(chat) => self.check_chat_type(at, chat.chat_type),
            Packet::SystemChat(chat) if layout::system_chat_names_type(self.version) => {
                self.check_chat_type(at, Some(chat.kind));
            }
            Packet::Difficulty { difficulty, .. } => {
                self.remark_all(at, values::difficulty(difficulty))
            }
            packet => {
                if let Some(packet) = self.world_packet(at, packet) {
                    self.common_packet(at, packet);
                }
            }
        }
    }

    /// What changes the world around the player; answers the packet if it is another.
    fn world_packet(&mut self, at: (i32, &'static str), packet: Packet) -> Option<Packet> {
        let Some(world) = &mut self.world else {
            return Some(packet);
        };
        let mut remark = None;
        match packet {
            Packet::Chunk(chunk) => self.chunk(at, *chunk),
            Packet::ChunkBulk(chunks) => chunks.into_iter().for_each(|chunk| self.chunk(at, chunk)),
            Packet::UnloadChunk { x, z } => world.remove_chunk(x, z),
            Packet::UpdateLight { light, .. } => remark = light.remark(),
            Packet::SpawnPosition(_) => world.see_spawn_position(),
            Packet::ViewCentre { x, z } => world.set_centre(x, z),
            Packet::ViewDistance(chunks) => {
                world.set_view_distance(chunks);
                remark = values::view_distance(chunks);
            }
            Packet::SimulationDistance(chunks) => remark = values::simulation_distance(chunks),
            Packet::GameEvent { event, value } => {
                if event == WAIT_FOR_CHUNKS && self.version.terrain_rule() == TerrainRule::GameEvent
                {
                    world.wait_for_chunks();
                } else if event == CHANGE_GAME_MODE {
                    world.game_mode = game_mode_of(value);
                    remark = values::game_mode(world.game_mode);
                } else {
                    remark = values::game_event(self.version, event);
                }
            }
            other => return Some(other),
        }
        self.remark_all(at, remark);
        None
    }

    /// Whether the client has the chat type that a packet names; None if the packet holds it.
    fn check_chat_type(&mut self, at: (i32, &'static str), id: Option<i32>) {
        if let Some(id) = id.filter(|id| !self.registries.has_chat_type(*id)) {
            let known = self.registries.chat_types();
            self.fault(Fault::of(
                self.state,
                at,
                FaultKind::UnknownChatType { id, known },
            ));
        }
    }

    fn join(&mut self, at: (i32, &'static str), join: JoinGame) {
        if self.world.is_some() {
            self.remark(Some(at), RemarkKind::SecondJoinGame);
        }
        self.leave_world();
        self.remark_all(at, values::join_game(&join));
        if let (RegistrySource::JoinGame, Some(codec)) =
            (self.version.registry_source(), &join.codec)
        {
            let checked = Registries::from_codec(self.version, codec).and_then(|registries| {
                registries
                    .check(self.version, &self.tags, false)
                    .map(|_| registries)
            });
            match checked {
                Ok(registries) => self.registries = registries,
                Err(fault) => return self.registry_fault(at, fault),
            }
            self.context.biomes = self.registries.biomes();
        }
        let Some(shape) = self.shape(at, &join.dimension) else {
            return;
        };
        self.context.world = Some(shape);
        let mut world = World::new(
            self.version,
            shape,
            join.dimension,
            join.world_name,
            join.game_mode,
            self.now,
        );
        if let Some(chunks) = join.view_distance {
            world.set_view_distance(chunks);
        }
        self.world = Some(world);
        if !self.version.has_configuration_phase() {
            self.send(
                "settings",
                &serverbound::settings(self.version, &self.config.settings),
            );
            self.send(
                "custom_payload",
                &serverbound::brand(self.version, &self.config.brand),
            );
        }
    }

    fn respawn(&mut self, at: (i32, &'static str), respawn: &Respawn) {
        self.remark_all(at, values::game_mode(respawn.game_mode));
        self.remark_all(
            at,
            respawn
                .previous_game_mode
                .and_then(values::previous_game_mode),
        );
        let Some(shape) = self.shape(at, &respawn.dimension) else {
            return;
        };
        self.context.world = Some(shape);
        let (version, now) = (self.version, self.now);
        let Some(world) = &mut self.world else {
            return;
        };
        let same = match (&world.world_name, &respawn.world_name) {
            (Some(old), Some(new)) => old == new,
            _ => world.dimension == respawn.dimension,
        };
        if same {
            world.game_mode = respawn.game_mode;
            if version.respawn_always_loads() {
                world.load_again();
            }
            return;
        }
        let (dimension, name) = (respawn.dimension.clone(), respawn.world_name.clone());
        let mut next = World::new(version, shape, dimension, name, respawn.game_mode, now);
        next.inherit_view(world);
        *world = next;
    }

    /// The shape of a dimension; None after a fault.
    fn shape(&mut self, at: (i32, &'static str), dimension: &Dimension) -> Option<WorldShape> {
        let number_exists = match dimension {
            Dimension::Number(number) => DIMENSION_NUMBERS.contains(number),
            Dimension::Name(_) | Dimension::Inline(_) | Dimension::Index(_) => true,
        };
        match self.registries.shape(self.version, dimension) {
            Ok(Some(shape)) if number_exists => return Some(shape),
            Ok(_) => {
                let (dimension, known) = match dimension {
                    Dimension::Number(number) => (number.to_string(), DIMENSION_NUMBERS.count()),
                    Dimension::Name(name) => (format!("`{name}`"), self.registries.dimensions()),
                    Dimension::Index(index) => {
                        (format!("number {index}"), self.registries.dimensions())
                    }
                    Dimension::Inline(_) => ("(inline)".to_owned(), self.registries.dimensions()),
                };
                self.fault(Fault::of(
                    self.state,
                    at,
                    FaultKind::UnknownDimension { dimension, known },
                ));
            }
            Err(fault) => self.registry_fault(at, fault),
        }
        None
    }

    fn chunk(&mut self, at: (i32, &'static str), mut chunk: Chunk) {
        self.remark_all(at, std::mem::take(&mut chunk.remarks));
        let Some(world) = &mut self.world else {
            return;
        };
        let Chunk { x, z, full, .. } = chunk;
        if chunk.is_unload(self.version) {
            world.remove_chunk(x, z);
        } else if !world.add_chunk(x, z, full) {
            self.remark(Some(at), RemarkKind::ChunkOutOfRange { x, z });
        }
    }

    fn teleport(&mut self, at: (i32, &'static str), position: &Position) {
        self.remark_all(at, values::position(position));
        let Some(world) = &mut self.world else {
            return;
        };
        let player = world.move_player(position);
        let first_position =
            self.version.terrain_rule() == TerrainRule::FirstPosition && world.entered.is_none();
        let answer = Movement {
            position: Some(player.position),
            rotation: Some(player.rotation),
            on_ground: false,
        };
        let id = position.teleport_id.unwrap_or(0);
        match self.version.teleport_answer() {
            TeleportAnswer::Position => self.move_to(&answer),
            TeleportAnswer::ConfirmThenPosition => {
                self.send("teleport_confirm", &serverbound::teleport_confirm(id));
                self.move_to(&answer);
            }
            TeleportAnswer::ConfirmWithPosition => {
                let data = serverbound::teleport_confirm_at(id, player.position, player.rotation);
                self.send("teleport_confirm", &data);
            }
        }
        if first_position {
            self.enter_world(EnteredBy::Rule);
        }
    }

    pub(super) fn move_to(&mut self, movement: &Movement) {
        let (name, data) = serverbound::movement(self.version, movement);
        self.send(name, &data);
    }

    /// The terrain screen goes away.
    pub(super) fn enter_world(&mut self, by: EnteredBy) {
        if let Some(world) = &mut self.world {
            world.entered = Some(by);
            self.events.push_back(Event::InWorld(by));
            if self.version.has_player_loaded() {
                self.send("player_loaded", &[]);
            }
        }
    }

    fn leave_world(&mut self) {
        self.world = None;
        self.context.world = None;
    }

    pub(super) fn remark_all(
        &mut self,
        at: (i32, &'static str),
        kinds: impl IntoIterator<Item = RemarkKind>,
    ) {
        for kind in kinds {
            self.remark(Some(at), kind);
        }
    }
}

/// The game mode in a game event's value, cut off as the game does.
#[allow(clippy::cast_possible_truncation, reason = "a cast as Java's")]
fn game_mode_of(value: f32) -> i32 {
    (value + 0.5).floor() as i32
}
