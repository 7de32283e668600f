//! The fields of packets, under the names that minecraft-data gives them for protocol 775. `README.md` lists them.

use azalea_chat::FormattedText;
use azalea_protocol::common::client_information::ClientInformation;
use azalea_protocol::common::movements::{MoveFlags, RelativeMovements};
use azalea_protocol::packets::common::CommonPlayerSpawnInfo;
use azalea_protocol::packets::config::{
    ClientboundConfigPacket, ClientboundRegistryData, ServerboundConfigPacket,
};
use azalea_protocol::packets::game::{
    ClientboundGamePacket, ClientboundLogin, ClientboundPlayerPosition, ServerboundGamePacket,
};
use azalea_protocol::packets::login::{ClientboundLoginPacket, ServerboundLoginPacket};
use azalea_registry::DataRegistry as _;
use serde_json::{Value, json};

use crate::hash::Fnv;
use crate::session::Packet;

/// What a packet says; an empty object for the kinds that nobody compares.
pub(crate) fn of(packet: &Packet) -> Value {
    match packet {
        Packet::Handshake(packet) => {
            let azalea_protocol::packets::handshake::ServerboundHandshakePacket::Intention(p) =
                packet;
            json!({
                "protocolVersion": p.protocol_version,
                "serverHost": p.hostname,
                "serverPort": p.port,
                "nextState": p.intention as i32,
            })
        }
        Packet::LoginIn(packet) => login_in(packet),
        Packet::LoginOut(packet) => login_out(packet),
        Packet::ConfigurationIn(packet) => configuration_in(packet),
        Packet::ConfigurationOut(packet) => configuration_out(packet),
        Packet::PlayIn(packet) => play_in(packet),
        Packet::PlayOut(packet) => play_out(packet),
    }
}

/// A text component: as the player reads it, and as it was sent.
pub(crate) fn text(text: &FormattedText) -> Value {
    json!({
        "text": text.to_string(),
        "json": serde_json::to_value(text).unwrap_or(Value::Null),
    })
}

fn login_in(packet: &ClientboundLoginPacket) -> Value {
    match packet {
        ClientboundLoginPacket::LoginDisconnect(p) => json!({ "reason": text(&p.reason) }),
        ClientboundLoginPacket::LoginCompression(p) => {
            json!({ "threshold": p.compression_threshold })
        }
        ClientboundLoginPacket::LoginFinished(p) => json!({
            "uuid": p.game_profile.uuid.to_string(),
            "username": p.game_profile.name,
            "properties": p.game_profile.properties.map.iter().map(|(name, property)| json!({
                "name": name,
                "value": property.value,
                "signature": property.signature,
            })).collect::<Vec<_>>(),
        }),
        _ => json!({}),
    }
}

fn login_out(packet: &ServerboundLoginPacket) -> Value {
    match packet {
        ServerboundLoginPacket::Hello(p) => json!({
            "username": p.name,
            "playerUUID": p.profile_id.to_string(),
        }),
        _ => json!({}),
    }
}

fn configuration_in(packet: &ClientboundConfigPacket) -> Value {
    match packet {
        ClientboundConfigPacket::RegistryData(p) => registry_data(p),
        ClientboundConfigPacket::KeepAlive(p) => keep_alive(p.id),
        ClientboundConfigPacket::Disconnect(p) => json!({ "reason": text(&p.reason) }),
        ClientboundConfigPacket::Ping(p) => json!({ "id": p.id.cast_signed() }),
        ClientboundConfigPacket::CustomPayload(p) => {
            json!({ "channel": p.identifier.to_string(), "data": hex(&p.data) })
        }
        ClientboundConfigPacket::SelectKnownPacks(p) => json!({
            "packs": p.known_packs.iter().map(|pack| json!({
                "namespace": pack.namespace,
                "id": pack.id,
                "version": pack.version,
            })).collect::<Vec<_>>(),
        }),
        ClientboundConfigPacket::UpdateEnabledFeatures(p) => json!({
            "features": p.features.iter().map(ToString::to_string).collect::<Vec<_>>(),
        }),
        ClientboundConfigPacket::UpdateTags(p) => json!({
            "tags": p.tags.iter().map(|(registry, tags)| json!({
                "tagType": registry.to_string(),
                "tags": tags.iter().map(|tag| json!({
                    "tagName": tag.name.to_string(),
                    "entries": tag.elements,
                })).collect::<Vec<_>>(),
            })).collect::<Vec<_>>(),
        }),
        _ => json!({}),
    }
}

fn configuration_out(packet: &ServerboundConfigPacket) -> Value {
    match packet {
        ServerboundConfigPacket::KeepAlive(p) => keep_alive(p.id),
        ServerboundConfigPacket::Pong(p) => json!({ "id": p.id.cast_signed() }),
        ServerboundConfigPacket::ClientInformation(p) => settings(&p.information),
        ServerboundConfigPacket::CustomPayload(p) => {
            json!({ "channel": p.identifier.to_string(), "data": hex(&p.data) })
        }
        ServerboundConfigPacket::SelectKnownPacks(p) => json!({
            "packs": p.known_packs.iter().map(|pack| json!({
                "namespace": pack.namespace,
                "id": pack.id,
                "version": pack.version,
            })).collect::<Vec<_>>(),
        }),
        _ => json!({}),
    }
}

fn play_in(packet: &ClientboundGamePacket) -> Value {
    match packet {
        ClientboundGamePacket::Login(p) => join(p),
        ClientboundGamePacket::PlayerPosition(p) => position(p),
        ClientboundGamePacket::KeepAlive(p) => keep_alive(p.id),
        ClientboundGamePacket::Disconnect(p) => json!({ "reason": text(&p.reason) }),
        ClientboundGamePacket::GameEvent(p) => json!({
            "reason": p.event as i32,
            "gameMode": number(p.param.into()),
        }),
        ClientboundGamePacket::SystemChat(p) => json!({
            "content": text(&p.content),
            "isActionBar": p.overlay,
        }),
        ClientboundGamePacket::SetChunkCacheCenter(p) => {
            json!({ "chunkX": p.x, "chunkZ": p.z })
        }
        ClientboundGamePacket::SetChunkCacheRadius(p) => json!({ "viewDistance": p.radius }),
        ClientboundGamePacket::SetDefaultSpawnPosition(p) => json!({
            "globalPos": {
                "dimensionName": p.global_pos.dimension.to_string(),
                "location": block(p.global_pos.pos.x, p.global_pos.pos.y, p.global_pos.pos.z),
            },
            "yaw": number(p.yaw.into()),
            "pitch": number(p.pitch.into()),
        }),
        ClientboundGamePacket::LevelChunkWithLight(p) => json!({
            "x": p.x,
            "z": p.z,
            "chunkData": { "len": p.chunk_data.data.len(), "hash": hash(&**p.chunk_data.data) },
        }),
        ClientboundGamePacket::ChunkBatchFinished(p) => json!({ "batchSize": p.batch_size }),
        ClientboundGamePacket::PlayerAbilities(p) => json!({
            "flags": bits(&[p.flags.invulnerable, p.flags.flying, p.flags.can_fly, p.flags.instant_break]),
            "flyingSpeed": number(p.flying_speed.into()),
            "walkingSpeed": number(p.walking_speed.into()),
        }),
        ClientboundGamePacket::Respawn(p) => json!({
            "worldState": spawn(&p.common),
            "copyMetadata": p.data_to_keep,
        }),
        ClientboundGamePacket::Ping(p) => json!({ "id": p.id.cast_signed() }),
        ClientboundGamePacket::CustomPayload(p) => {
            json!({ "channel": p.identifier.to_string(), "data": hex(&p.data) })
        }
        ClientboundGamePacket::Transfer(p) => json!({ "host": p.host, "port": p.port }),
        _ => json!({}),
    }
}

fn play_out(packet: &ServerboundGamePacket) -> Value {
    match packet {
        ServerboundGamePacket::KeepAlive(p) => keep_alive(p.id),
        ServerboundGamePacket::Pong(p) => json!({ "id": p.id.cast_signed() }),
        ServerboundGamePacket::AcceptTeleportation(p) => json!({ "teleportId": p.id }),
        ServerboundGamePacket::MovePlayerPos(p) => json!({
            "x": number(p.pos.x),
            "y": number(p.pos.y),
            "z": number(p.pos.z),
            "flags": movement(p.flags),
        }),
        ServerboundGamePacket::MovePlayerPosRot(p) => json!({
            "x": number(p.pos.x),
            "y": number(p.pos.y),
            "z": number(p.pos.z),
            "yaw": number(p.look_direction.y_rot().into()),
            "pitch": number(p.look_direction.x_rot().into()),
            "flags": movement(p.flags),
        }),
        ServerboundGamePacket::MovePlayerRot(p) => json!({
            "yaw": number(p.look_direction.y_rot().into()),
            "pitch": number(p.look_direction.x_rot().into()),
            "flags": movement(p.flags),
        }),
        ServerboundGamePacket::MovePlayerStatusOnly(p) => json!({ "flags": movement(p.flags) }),
        ServerboundGamePacket::ChunkBatchReceived(p) => {
            json!({ "chunksPerTick": number(p.desired_chunks_per_tick.into()) })
        }
        ServerboundGamePacket::ClientInformation(p) => settings(&p.client_information),
        ServerboundGamePacket::CustomPayload(p) => {
            json!({ "channel": p.identifier.to_string(), "data": hex(&p.data) })
        }
        _ => json!({}),
    }
}

/// `login`, which the game's own client calls JoinGame.
fn join(p: &ClientboundLogin) -> Value {
    json!({
        "entityId": p.player_id.0,
        "isHardcore": p.hardcore,
        "worldNames": p.levels.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "maxPlayers": p.max_players,
        "viewDistance": p.chunk_radius,
        "simulationDistance": p.simulation_distance,
        "reducedDebugInfo": p.reduced_debug_info,
        "enableRespawnScreen": p.show_death_screen,
        "doLimitedCrafting": p.do_limited_crafting,
        "worldState": spawn(&p.common),
        "enforcesSecureChat": p.enforces_secure_chat,
    })
}

fn spawn(p: &CommonPlayerSpawnInfo) -> Value {
    json!({
        "dimension": p.dimension_type.protocol_id(),
        "name": p.dimension.to_string(),
        "hashedSeed": p.seed.to_string(),
        "gamemode": p.game_type.to_id(),
        "previousGamemode": p.previous_game_type.0.map_or(-1, |mode| i32::from(mode.to_id())),
        "isDebug": p.is_debug,
        "isFlat": p.is_flat,
        "death": p.last_death_location.as_ref().map(|death| json!({
            "dimensionName": death.dimension.to_string(),
            "location": block(death.pos.x, death.pos.y, death.pos.z),
        })),
        "portalCooldown": p.portal_cooldown,
        "seaLevel": p.sea_level,
    })
}

fn position(p: &ClientboundPlayerPosition) -> Value {
    json!({
        "teleportId": p.id,
        "x": number(p.change.pos.x),
        "y": number(p.change.pos.y),
        "z": number(p.change.pos.z),
        "dx": number(p.change.delta.x),
        "dy": number(p.change.delta.y),
        "dz": number(p.change.delta.z),
        "yaw": number(p.change.look_direction.y_rot().into()),
        "pitch": number(p.change.look_direction.x_rot().into()),
        "flags": relative(&p.relative),
    })
}

/// The entries keep their order, which decides their numeric ids. An entry that stands for the one of a known pack has no
/// content, and thus neither length nor hash.
fn registry_data(p: &ClientboundRegistryData) -> Value {
    json!({
        "id": p.registry_id.to_string(),
        "entries": p.entries.iter().map(|(key, content)| {
            let content = content.as_ref().map(|compound| {
                let mut bytes = Vec::new();
                compound.write(&mut bytes);
                bytes
            });
            json!({
                "key": key.to_string(),
                "len": content.as_ref().map(Vec::len),
                "hash": content.as_deref().map(hash),
            })
        }).collect::<Vec<_>>(),
    })
}

fn settings(p: &ClientInformation) -> Value {
    let skin = &p.model_customization;
    json!({
        "locale": p.language,
        "viewDistance": p.view_distance,
        "chatFlags": p.chat_visibility as i32,
        "chatColors": p.chat_colors,
        "skinParts": bits(&[
            skin.cape,
            skin.jacket,
            skin.left_sleeve,
            skin.right_sleeve,
            skin.left_pants,
            skin.right_pants,
            skin.hat,
        ]),
        "mainHand": p.main_hand as i32,
        "enableTextFiltering": p.text_filtering_enabled,
        "enableServerListing": p.allows_listing,
        "particleStatus": p.particle_status as i32,
    })
}

/// An i64 on the wire, which azalea reads as if it had no sign.
fn keep_alive(id: u64) -> Value {
    json!({ "keepAliveId": id.cast_signed().to_string() })
}

fn movement(flags: MoveFlags) -> u32 {
    bits(&[flags.on_ground, flags.horizontal_collision])
}

fn relative(flags: &RelativeMovements) -> u32 {
    bits(&[
        flags.x,
        flags.y,
        flags.z,
        flags.y_rot,
        flags.x_rot,
        flags.delta_x,
        flags.delta_y,
        flags.delta_z,
        flags.rotate_delta,
    ])
}

/// The number whose lowest bits these are, in order.
fn bits(flags: &[bool]) -> u32 {
    flags
        .iter()
        .rev()
        .fold(0, |bits, flag| bits << 1 | u32::from(*flag))
}

fn block(x: i32, y: i32, z: i32) -> Value {
    json!({ "x": x, "y": y, "z": z })
}

/// JSON has no word for NaN and the infinities, which matter here; they become strings.
fn number(value: f64) -> Value {
    if value.is_finite() {
        value.into()
    } else {
        value.to_string().into()
    }
}

fn hash(bytes: impl AsRef<[u8]>) -> String {
    let mut hash = Fnv::default();
    hash.write(bytes.as_ref());
    hash.hex()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}
