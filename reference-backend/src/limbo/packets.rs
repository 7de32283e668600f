//! What a client needs to be in an empty world.
//!
//! The player is put far above the build height. There a client waits for no chunk on any protocol, so that none has to
//! be sent; a spectator does not fall either.

use super::layout::{Dimension, KeepAliveId, Layout};
use crate::api::RawPacket;
use backend_proto::{NbtExt, Tag, WriteExt, put_registries};
use bytes::{BufMut, BytesMut};
use vb_data::{Direction, PacketTable, State, codec_registries, packets, registries};

const WORLD: &str = "minecraft:overworld";
const DIMENSION_TYPE: &str = "minecraft:dimension_type";
const ENTITY_ID: i32 = 1;
const MAX_PLAYERS: u8 = 20;
/// In chunks; the least that vanilla knows.
const VIEW_DISTANCE: i32 = 2;
/// Above every version's build height (at most 320 in the overworld), within the bounds of movement.
const HEIGHT: f64 = 1000.0;
const SEA_LEVEL: i32 = 63;
const CREATIVE: u8 = 1;
const SPECTATOR: u8 = 3;
/// Invulnerable, flying, may fly.
const ABILITIES: u8 = 0x01 | 0x02 | 0x04;
const FLYING_SPEED: f32 = 0.05;
const WALKING_SPEED: f32 = 0.1;
/// "Start waiting for level chunks".
const START_WAITING: u8 = 13;

/// The packets of one protocol.
pub(crate) struct Packets {
    layout: Layout,
    clientbound: PacketTable,
    keep_alive_answer: Option<i32>,
}

impl Packets {
    /// None for a protocol without packet tables.
    pub fn new(protocol: i32) -> Option<Self> {
        let clientbound = packets(protocol, State::Play, Direction::Clientbound)?;
        let serverbound = packets(protocol, State::Play, Direction::Serverbound)?;
        Some(Self {
            layout: Layout(protocol),
            clientbound,
            keep_alive_answer: serverbound.id("keep_alive"),
        })
    }

    /// All that is sent at the start, in order. None when the tables lack one of them.
    pub fn join(&self) -> Option<Vec<RawPacket>> {
        let mut all = vec![
            self.packet("login", self.join_game()?)?,
            self.packet("abilities", abilities())?,
            self.packet("spawn_position", self.spawn())?,
            self.packet("position", self.position())?,
        ];
        if self.layout.waits_for_chunks_event() {
            let mut event = BytesMut::new();
            event.put_u8(START_WAITING);
            event.put_f32(0.0);
            all.push(self.packet("game_state_change", event)?);
        }
        Some(all)
    }

    pub fn keep_alive(&self, id: i32) -> Option<RawPacket> {
        self.packet("keep_alive", self.keep_alive_id(id))
    }

    /// Whether the client answers a keep-alive with this, whichever.
    pub fn is_keep_alive(&self, packet: &RawPacket) -> bool {
        self.keep_alive_answer == Some(packet.packet_id)
    }

    /// For a host that is broken on purpose.
    #[cfg(feature = "faults")]
    pub fn keep_alive_layout(&self) -> KeepAliveId {
        self.layout.keep_alive_id()
    }

    /// Whether the client has answered this keep-alive.
    pub fn is_answer(&self, packet: &RawPacket, id: i32) -> bool {
        self.is_keep_alive(packet) && packet.data[..] == self.keep_alive_id(id)[..]
    }

    fn keep_alive_id(&self, id: i32) -> BytesMut {
        let mut out = BytesMut::new();
        match self.layout.keep_alive_id() {
            KeepAliveId::Int => out.put_i32(id),
            KeepAliveId::VarInt => out.put_varint(id),
            KeepAliveId::Long => out.put_i64(i64::from(id)),
        }
        out
    }

    fn packet(&self, name: &str, data: BytesMut) -> Option<RawPacket> {
        Some(RawPacket {
            packet_id: self.clientbound.id(name)?,
            data: data.freeze(),
        })
    }

    fn game_mode(&self) -> u8 {
        if self.layout.has_spectators() {
            SPECTATOR
        } else {
            CREATIVE
        }
    }

    fn join_game(&self) -> Option<BytesMut> {
        let mut out = BytesMut::new();
        out.put_i32(ENTITY_ID);
        if self.layout.has_configuration_phase() {
            self.join_after_configuration(&mut out)?;
        } else if self.layout.has_named_worlds() {
            self.join_with_codec(&mut out)?;
        } else {
            self.join_with_level_type(&mut out);
        }
        Some(out)
    }

    fn join_with_level_type(&self, out: &mut BytesMut) {
        let layout = self.layout;
        out.put_u8(self.game_mode());
        match layout.dimension() {
            Dimension::Byte => out.put_i8(0),
            _ => out.put_i32(0),
        }
        if layout.join_has_hashed_seed() {
            out.put_i64(0);
        }
        if layout.join_has_difficulty() {
            out.put_u8(0);
        }
        out.put_u8(MAX_PLAYERS);
        out.put_string("flat");
        if layout.join_has_view_distance() {
            out.put_varint(VIEW_DISTANCE);
        }
        if layout.has_reduced_debug_info() {
            out.put_bool(false);
        }
        if layout.join_has_hashed_seed() {
            // The respawn screen came with it.
            out.put_bool(true);
        }
    }

    fn join_with_codec(&self, out: &mut BytesMut) -> Option<()> {
        let layout = self.layout;
        if layout.join_has_hardcore() {
            out.put_bool(false);
        }
        out.put_u8(self.game_mode());
        out.put_i8(-1);
        out.put_varint(1);
        out.put_string(WORLD);
        self.codec(out);
        match layout.dimension() {
            Dimension::Inline => {
                let element = codec_registries(layout.0)
                    .iter()
                    .find(|registry| registry.name == DIMENSION_TYPE)?
                    .entry(WORLD)?
                    .element;
                out.put_named(Tag::Compound, "");
                out.put_slice(element);
            }
            _ => out.put_string(WORLD),
        }
        out.put_string(WORLD);
        out.put_i64(0);
        if layout.join_has_hardcore() {
            // The number of players became a varint with it.
            out.put_varint(i32::from(MAX_PLAYERS));
        } else {
            out.put_u8(MAX_PLAYERS);
        }
        out.put_varint(VIEW_DISTANCE);
        if layout.join_has_simulation_distance() {
            out.put_varint(VIEW_DISTANCE);
        }
        // Reduced debug info, respawn screen, debug world, flat world.
        out.put_slice(&[0, 1, 0, 1]);
        self.death_and_portal(out);
        Some(())
    }

    fn join_after_configuration(&self, out: &mut BytesMut) -> Option<()> {
        let layout = self.layout;
        out.put_bool(false);
        out.put_varint(1);
        out.put_string(WORLD);
        out.put_varint(i32::from(MAX_PLAYERS));
        out.put_varint(VIEW_DISTANCE);
        out.put_varint(VIEW_DISTANCE);
        // Reduced debug info, respawn screen, limited crafting.
        out.put_slice(&[0, 1, 0]);
        match layout.dimension() {
            Dimension::Index => {
                let types = registries(layout.0)
                    .iter()
                    .find(|it| it.name == DIMENSION_TYPE)?;
                out.put_varint(types.id(WORLD)?);
            }
            _ => out.put_string(WORLD),
        }
        out.put_string(WORLD);
        out.put_i64(0);
        if layout.game_modes_are_varints() {
            out.put_varint(i32::from(self.game_mode()));
            out.put_varint(0);
        } else {
            out.put_u8(self.game_mode());
            out.put_i8(-1);
        }
        // Debug world, flat world.
        out.put_slice(&[0, 1]);
        self.death_and_portal(out);
        if layout.join_has_sea_level() {
            out.put_varint(SEA_LEVEL);
        }
        if layout.join_has_online_mode() {
            out.put_bool(false);
        }
        if layout.join_has_secure_chat() {
            out.put_bool(false);
        }
        Some(())
    }

    fn death_and_portal(&self, out: &mut BytesMut) {
        if self.layout.join_has_death_location() {
            out.put_bool(false);
        }
        if self.layout.join_has_portal_cooldown() {
            out.put_varint(0);
        }
    }

    fn codec(&self, out: &mut BytesMut) {
        out.put_named(Tag::Compound, "");
        let registries = codec_registries(self.layout.0);
        if self.layout.has_typed_registries() {
            put_registries(registries, out);
        } else {
            for registry in registries {
                out.put_named(Tag::List, "dimension");
                out.put_list(Tag::Compound, registry.entries.len());
                for entry in registry.entries {
                    out.put_slice(entry.element);
                }
            }
        }
        out.put_tag(Tag::End);
    }

    fn spawn(&self) -> BytesMut {
        let layout = self.layout;
        let mut out = BytesMut::new();
        if layout.spawn_is_global() {
            out.put_string(WORLD);
        }
        // The origin is all zeros, however the coordinates are packed.
        out.put_i64(0);
        if !layout.block_positions_are_packed() {
            out.put_i32(0);
        }
        if layout.spawn_is_global() {
            out.put_f32(0.0);
            out.put_f32(0.0);
        } else if layout.spawn_has_angle() {
            out.put_f32(0.0);
        }
        out
    }

    fn position(&self) -> BytesMut {
        let layout = self.layout;
        let mut out = BytesMut::new();
        if layout.position_has_velocity() {
            out.put_varint(1);
        }
        for coordinate in [0.5, HEIGHT, 0.5] {
            out.put_f64(coordinate);
        }
        if layout.position_has_velocity() {
            for _ in 0..3 {
                out.put_f64(0.0);
            }
        }
        out.put_f32(0.0);
        out.put_f32(0.0);
        if layout.position_has_velocity() {
            out.put_i32(0);
            return out;
        }
        // No flag set, or not on the ground.
        out.put_u8(0);
        if layout.position_has_flags() && layout.position_has_teleport_id() {
            out.put_varint(1);
        }
        if layout.position_has_dismount() {
            out.put_bool(false);
        }
        out
    }
}

fn abilities() -> BytesMut {
    let mut out = BytesMut::new();
    out.put_u8(ABILITIES);
    out.put_f32(FLYING_SPEED);
    out.put_f32(WALKING_SPEED);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_protocol_with_tables_has_a_join() {
        for protocol in vb_data::supported() {
            let packets = Packets::new(*protocol).unwrap();
            let join = packets.join().unwrap_or_else(|| panic!("{protocol}"));
            assert_eq!(
                join.len(),
                if packets.layout.waits_for_chunks_event() {
                    5
                } else {
                    4
                }
            );
            assert!(packets.keep_alive(7).is_some(), "{protocol}");
        }
        assert!(Packets::new(-1).is_none());
    }

    #[test]
    fn join_game_on_the_oldest_layout_is_byte_for_byte_this() {
        let join = Packets::new(47).unwrap().join_game().unwrap();
        assert_eq!(&join[..], b"\0\0\0\x01\x03\0\0\x14\x04flat\0");
    }

    #[test]
    fn a_keep_alive_is_answered_by_its_own_id_only() {
        let packets = Packets::new(340).unwrap();
        let answer = |id: i32| RawPacket {
            packet_id: packets.keep_alive_answer.unwrap(),
            data: packets.keep_alive_id(id).freeze(),
        };
        assert!(packets.is_answer(&answer(7), 7));
        assert!(!packets.is_answer(&answer(8), 7));
    }
}
