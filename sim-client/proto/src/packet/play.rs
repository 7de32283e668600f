use bytes::Bytes;

use super::configuration::{read_tags, read_text};
use super::context::Context;
use super::{Packet, chat, chunk, join, light};
use crate::Text;
use crate::layout::{
    self, KeepAliveId, MessageLayout, PackLayout, PositionLayout, SpawnLayout, TimeLayout,
};
use crate::wire::{DecodeError, DecodeErrorKind, Reader};

/// Most bytes of a plugin message to the client (vanilla's custom payload).
const MAX_PAYLOAD: usize = 1 << 20;
/// Longest address of a resource pack.
const MAX_URL: usize = 32_767;
/// Longest hash of a resource pack: SHA-1 in hexadecimal digits.
const MAX_HASH: usize = 40;
/// Longest name of a plugin channel before it was an identifier.
const MAX_CHANNEL: usize = 20;
/// Most feature flags; vanilla has a handful.
const MAX_FLAGS: usize = 4096;
/// Most clocks of a time update; vanilla has a handful.
const MAX_CLOCKS: usize = 4096;
/// Most bytes of a cookie (vanilla's store-cookie).
pub(crate) const MAX_COOKIE: usize = 5_120;
/// Longest host of a transfer in UTF-16 units (vanilla's `readUtf` default).
const MAX_HOST: usize = 32_767;
/// Longest brand in UTF-16 units.
const MAX_BRAND: usize = 32_767;

/// A plugin message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginMessage {
    /// The channel.
    pub channel: String,
    /// What it says.
    pub data: Bytes,
    /// The server's brand, on the brand channel; None also if it cannot be read, which clients until 763 tolerate.
    pub brand: Option<String>,
}

/// Where the player is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Position {
    /// In blocks. On 4 and 5, `y` is that of the eyes.
    pub x: f64,
    /// In blocks.
    pub y: f64,
    /// In blocks.
    pub z: f64,
    /// Velocity in blocks a tick (768+).
    pub velocity: Option<[f64; 3]>,
    /// In degrees.
    pub yaw: f32,
    /// In degrees.
    pub pitch: f32,
    /// What is relative to where the player is: bits 0 x, 1 y, 2 z, 3 yaw, 4 pitch, 5 to 8 velocity.
    pub flags: i32,
    /// To be repeated in the confirmation (107+).
    pub teleport_id: Option<i32>,
}

/// The default spawn position.
#[derive(Clone, Debug, PartialEq)]
pub struct SpawnPosition {
    /// The world (773+).
    pub dimension: Option<String>,
    /// Block coordinates.
    pub x: i32,
    /// Block coordinates.
    pub y: i32,
    /// Block coordinates.
    pub z: i32,
    /// In degrees (755+).
    pub yaw: Option<f32>,
    /// In degrees (773+).
    pub pitch: Option<f32>,
}

/// Text from the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemChat {
    /// What the player reads.
    pub text: Text,
    /// Until 758: 0 chat, 1 system, 2 above the hot bar. 759: a chat type's id. 760+: 1 if it goes above the hot bar.
    pub kind: i32,
}

/// What the player may do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Abilities {
    /// 1 invulnerable, 2 flying, 4 may fly, 8 creative.
    pub flags: i8,
    /// Vanilla has 0.05.
    pub flying_speed: f32,
    /// Vanilla has 0.1.
    pub walking_speed: f32,
}

/// A resource pack is offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourcePack {
    /// To be repeated in the answer (765+).
    pub uuid: Option<u128>,
    /// Where it is.
    pub url: String,
    /// SHA-1 in hexadecimal digits, or empty.
    pub hash: String,
    /// Whether the player must take it (755+).
    pub forced: bool,
}

/// What configuration and play have in common.
pub(super) fn read_common(r: &mut Reader<'_>, name: &str) -> Result<Packet, DecodeError> {
    Ok(match name {
        "custom_payload" => Packet::PluginMessage(plugin_message(r)?),
        "keep_alive" => Packet::KeepAlive(keep_alive(r)?),
        "ping" => Packet::Ping(r.i32("id")?),
        "tags" => Packet::Tags(read_tags(r)?),
        "feature_flags" => Packet::FeatureFlags(r.array("features", MAX_FLAGS, |r| {
            r.identifier("").map(str::to_owned)
        })?),
        "resource_pack_send" | "add_resource_pack" => Packet::ResourcePack(resource_pack(r)?),
        "cookie_request" => Packet::CookieRequest {
            key: r.identifier("cookie")?.to_owned(),
        },
        "store_cookie" => Packet::StoreCookie {
            key: r.identifier("key")?.to_owned(),
            payload: Bytes::copy_from_slice(r.prefixed_bytes("value", MAX_COOKIE)?),
        },
        "transfer" => Packet::Transfer {
            host: r.string("host", MAX_HOST)?.to_owned(),
            port: r.varint("port")?,
        },
        _ => Packet::Opaque,
    })
}

pub(super) fn read(
    r: &mut Reader<'_>,
    context: &Context,
    name: &str,
) -> Result<Packet, DecodeError> {
    Ok(match name {
        "kick_disconnect" => Packet::Disconnect(read_text(r, "reason")?),
        "set_compression" => Packet::SetCompression(r.varint("threshold")?),
        "login" => join::read_join_game(r)?,
        "respawn" => join::read_respawn(r)?,
        "position" => Packet::Position(position(r)?),
        "map_chunk" => Packet::Chunk(Box::new(chunk::read(r, context)?)),
        "map_chunk_bulk" => Packet::ChunkBulk(chunk::read_bulk(r, context)?),
        "tile_entity_data" if layout::block_entity_types(r.version()).is_some() => {
            Packet::BlockEntity(chunk::read_block_entity(r)?)
        }
        "unload_chunk" => unload_chunk(r)?,
        "update_light" => light::read_update(r, context)?,
        "game_state_change" => Packet::GameEvent {
            event: r.u8("reason")?,
            value: r.f32("gameMode")?,
        },
        "spawn_position" => Packet::SpawnPosition(spawn_position(r)?),
        "update_view_position" => Packet::ViewCentre {
            x: r.varint("chunkX")?,
            z: r.varint("chunkZ")?,
        },
        "update_view_distance" => Packet::ViewDistance(r.varint("viewDistance")?),
        "simulation_distance" => Packet::SimulationDistance(r.varint("distance")?),
        "chat" | "system_chat" => Packet::SystemChat(system_chat(r)?),
        "player_chat" => Packet::PlayerChat(chat::read_player_chat(r)?),
        "profileless_chat" => Packet::PlayerChat(chat::read_profileless(r)?),
        "abilities" => Packet::Abilities(Abilities {
            flags: r.i8("flags")?,
            flying_speed: r.f32("flyingSpeed")?,
            walking_speed: r.f32("walkingSpeed")?,
        }),
        "difficulty" => difficulty(r)?,
        "update_time" => time(r)?,
        "chunk_batch_start" => Packet::ChunkBatchStart,
        "chunk_batch_finished" => Packet::ChunkBatchFinished(r.varint("batchSize")?),
        "start_configuration" => Packet::StartConfiguration,
        "bundle_delimiter" => Packet::BundleDelimiter,
        _ => return read_common(r, name),
    })
}

fn plugin_message(r: &mut Reader<'_>) -> Result<PluginMessage, DecodeError> {
    let channel = if r.version().checks_identifiers() {
        r.identifier("channel")?
    } else {
        r.string("channel", MAX_CHANNEL)?
    };
    let start = r.offset();
    let data = if layout::has_short_lengths(r.version()) {
        let length = r.within("data", |r| r.i16("length"))?;
        let length = usize::try_from(length).map_err(|_| {
            r.error_at(
                start,
                "data",
                DecodeErrorKind::NegativeLength(i32::from(length)),
            )
        })?;
        r.bytes("data", length)?
    } else {
        r.rest("data", MAX_PAYLOAD)?
    };
    let brand = if channel == r.version().brand_channel() {
        match brand(r, start, data) {
            Err(error) if r.version().checks_brand() => return Err(error),
            brand => brand.ok(),
        }
    } else {
        None
    };
    Ok(PluginMessage {
        channel: channel.to_owned(),
        data: Bytes::copy_from_slice(data),
        brand,
    })
}

fn brand(r: &Reader<'_>, start: usize, data: &[u8]) -> Result<String, DecodeError> {
    let mut inner = Reader::new(data, r.version());
    let brand = if r.version().has_prefixed_brand() {
        // Until 763 bytes after the brand are none of the packet's: clients read the payload with a reader of its own.
        inner.string("brand", MAX_BRAND).and_then(|brand| {
            if r.version().checks_brand() {
                inner.finish()?;
            }
            Ok(brand)
        })
    } else {
        std::str::from_utf8(data)
            .map_err(|_| inner.error_at(0, "brand", DecodeErrorKind::InvalidUtf8))
    };
    brand
        .map(str::to_owned)
        .map_err(|error| r.error_at(start + error.offset, "data.brand", error.kind))
}

fn keep_alive(r: &mut Reader<'_>) -> Result<i64, DecodeError> {
    Ok(match layout::keep_alive_id(r.version()) {
        KeepAliveId::Int => i64::from(r.i32("keepAliveId")?),
        KeepAliveId::VarInt => i64::from(r.varint("keepAliveId")?),
        KeepAliveId::Long => r.i64("keepAliveId")?,
    })
}

fn resource_pack(r: &mut Reader<'_>) -> Result<ResourcePack, DecodeError> {
    let layout = layout::resource_pack(r.version());
    let uuid = if layout == PackLayout::Uuid {
        Some(r.uuid("uuid")?)
    } else {
        None
    };
    let url = r.string("url", MAX_URL)?.to_owned();
    let hash = r.string("hash", MAX_HASH)?.to_owned();
    let mut forced = false;
    if matches!(layout, PackLayout::Prompt | PackLayout::Uuid) {
        forced = r.bool("forced")?;
        r.option("promptMessage", |r| read_text(r, "promptMessage"))?;
    }
    Ok(ResourcePack {
        uuid,
        url,
        hash,
        forced,
    })
}

fn position(r: &mut Reader<'_>) -> Result<Position, DecodeError> {
    let layout = layout::position(r.version());
    let first = if layout == PositionLayout::Velocity {
        Some(r.varint("teleportId")?)
    } else {
        None
    };
    let (x, y, z) = (r.f64("x")?, r.f64("y")?, r.f64("z")?);
    let velocity = if layout == PositionLayout::Velocity {
        Some([r.f64("dx")?, r.f64("dy")?, r.f64("dz")?])
    } else {
        None
    };
    let (yaw, pitch) = (r.f32("yaw")?, r.f32("pitch")?);
    let flags = match layout {
        PositionLayout::OnGround => {
            r.bool("onGround")?;
            0
        }
        PositionLayout::Velocity => r.i32("flags")?,
        PositionLayout::Flags | PositionLayout::TeleportId | PositionLayout::Dismount => {
            i32::from(r.i8("flags")?)
        }
    };
    let teleport_id = match layout {
        PositionLayout::TeleportId | PositionLayout::Dismount => Some(r.varint("teleportId")?),
        PositionLayout::OnGround | PositionLayout::Flags | PositionLayout::Velocity => first,
    };
    if layout == PositionLayout::Dismount {
        r.bool("dismountVehicle")?;
    }
    Ok(Position {
        x,
        y,
        z,
        velocity,
        yaw,
        pitch,
        flags,
        teleport_id,
    })
}

fn unload_chunk(r: &mut Reader<'_>) -> Result<Packet, DecodeError> {
    if layout::unload_is_z_first(r.version()) {
        let z = r.i32("chunkZ")?;
        return Ok(Packet::UnloadChunk {
            x: r.i32("chunkX")?,
            z,
        });
    }
    Ok(Packet::UnloadChunk {
        x: r.i32("chunkX")?,
        z: r.i32("chunkZ")?,
    })
}

fn spawn_position(r: &mut Reader<'_>) -> Result<SpawnPosition, DecodeError> {
    let layout = layout::spawn_position(r.version());
    let dimension = if layout == SpawnLayout::Global {
        Some(r.identifier("dimensionName")?.to_owned())
    } else {
        None
    };
    let (x, y, z) = if layout == SpawnLayout::Ints {
        (r.i32("x")?, r.i32("y")?, r.i32("z")?)
    } else {
        unpack(r.i64("location")?, layout::packed_y_in_middle(r.version()))
    };
    let yaw = match layout {
        SpawnLayout::Angle => Some(r.f32("angle")?),
        SpawnLayout::Global => Some(r.f32("yaw")?),
        SpawnLayout::Ints | SpawnLayout::Packed => None,
    };
    let pitch = if layout == SpawnLayout::Global {
        Some(r.f32("pitch")?)
    } else {
        None
    };
    Ok(SpawnPosition {
        dimension,
        x,
        y,
        z,
        yaw,
        pitch,
    })
}

/// Block coordinates from 26 bits of x, 12 of y and 26 of z.
#[allow(
    clippy::cast_possible_truncation,
    reason = "the shifts leave 26 and 12 bits"
)]
pub(crate) fn unpack(packed: i64, y_in_middle: bool) -> (i32, i32, i32) {
    let x = (packed >> 38) as i32;
    if y_in_middle {
        (x, (packed << 26 >> 52) as i32, (packed << 38 >> 38) as i32)
    } else {
        (x, (packed << 52 >> 52) as i32, (packed << 26 >> 38) as i32)
    }
}

fn system_chat(r: &mut Reader<'_>) -> Result<SystemChat, DecodeError> {
    let layout = layout::message(r.version());
    let text = read_text(
        r,
        if matches!(layout, MessageLayout::Type | MessageLayout::Overlay) {
            "content"
        } else {
            "message"
        },
    )?;
    let kind = match layout {
        MessageLayout::Text => 0,
        MessageLayout::Position | MessageLayout::Sender => i32::from(r.i8("position")?),
        MessageLayout::Type => r.varint("type")?,
        MessageLayout::Overlay => i32::from(r.bool("isActionBar")?),
    };
    if layout == MessageLayout::Sender {
        r.uuid("sender")?;
    }
    Ok(SystemChat { text, kind })
}

fn difficulty(r: &mut Reader<'_>) -> Result<Packet, DecodeError> {
    let difficulty = if layout::difficulty_is_varint(r.version()) {
        r.varint("difficulty")?
    } else {
        i32::from(r.u8("difficulty")?)
    };
    let locked = layout::difficulty_locks(r.version()) && r.bool("difficultyLocked")?;
    Ok(Packet::Difficulty { difficulty, locked })
}

fn time(r: &mut Reader<'_>) -> Result<Packet, DecodeError> {
    let age = r.i64("age")?;
    let time = match layout::time(r.version()) {
        TimeLayout::Ages => Some(r.i64("time")?),
        TimeLayout::Ticking => {
            let time = r.i64("time")?;
            r.bool("tickDayTime")?;
            Some(time)
        }
        TimeLayout::Clocks => {
            r.array("clockUpdates", MAX_CLOCKS, |r| {
                r.varint("id")?;
                r.varlong("totalTicks")?;
                r.f32("partialTick")?;
                r.f32("rate")?;
                Ok(())
            })?;
            None
        }
    };
    Ok(Packet::Time { age, time })
}

#[cfg(test)]
mod tests {
    use super::unpack;

    #[test]
    fn packed_positions_keep_their_signs() {
        // The example of the protocol's public description, in the order from 477 on.
        let packed = 0x4607_632c_15b4_833f_u64.cast_signed();
        assert_eq!(unpack(packed, false), (18_357_644, 831, -20_882_616));
        let old = (1_i64 << 38) | (0xfff_i64 << 26) | 0x3ff_fffe;
        assert_eq!(unpack(old, true), (1, -1, -2));
    }
}
