//! Events as JSON values, one a line, so that another client's account of the same session can be laid beside ours.
//! Names and nesting are minecraft-data's for 26.1; `sim-client/azalea/README.md` lists them.
//!
//! Numbers of 64 bits are decimal strings, since JSON readers round them.

use std::time::Duration;

use serde_json::{Value, json};
use sim_proto::{
    Dimension, Event, Fnv, JoinGame, Packet, Position, Received, RegistryData, SpawnPosition, Text,
    nbt,
};
use vb_data::Direction;

use crate::describe;

/// The line of an event, `at` after the driver was made. A change of state has none, and neither has the end: see
/// [`end`].
pub fn event(at: Duration, event: &Event) -> Option<Value> {
    let other = |name: &str, key: &str, value: Value| {
        Some(json!({ "t_ms": millis(at), "event": name, key: value }))
    };
    match event {
        Event::Received(received) => {
            let Received {
                state, id, data, ..
            } = received;
            let mut line = header(at, Direction::Clientbound, (state.name(), *id), data);
            line["name"] = received.name.into();
            line["fields"] = fields(&received.packet);
            Some(line)
        }
        Event::Sent(sent) => {
            let place = (sent.state.name(), sent.id);
            let mut line = header(at, Direction::Serverbound, place, &sent.data);
            line["name"] = sent.name.into();
            // Nothing here reads what the client itself has written.
            line["fields"] = json!({});
            Some(line)
        }
        Event::InWorld(by) => other("in-world", "by", describe::in_world(*by).into()),
        Event::Remark(remark) => other("remark", "text", remark.to_string().into()),
        Event::Fault(fault) => other("fault", "text", fault.to_string().into()),
        Event::Disconnected { reason, .. } => other("disconnected", "reason", text(reason)),
        Event::StateChanged { .. } | Event::Closed(_) => None,
    }
}

/// The last line: how it went.
pub fn end(at: Duration, failure: Option<&str>, received: u64, sent: u64) -> Value {
    json!({
        "t_ms": millis(at),
        "event": "summary",
        "ok": failure.is_none(),
        "reason": failure,
        "received": received,
        "sent": sent,
    })
}

fn header(at: Duration, direction: Direction, (state, id): (&str, i32), data: &[u8]) -> Value {
    let mut hash = Fnv::default();
    hash.write(&id.to_le_bytes());
    hash.write(data);
    json!({
        "t_ms": millis(at),
        "dir": direction.name(),
        "state": state,
        "id": id,
        "len": data.len(),
        "hash": hash.hex(),
    })
}

fn millis(at: Duration) -> u64 {
    u64::try_from(at.as_millis()).unwrap_or(u64::MAX)
}

/// What a packet says; an empty object for the kinds that nobody compares.
fn fields(packet: &Packet) -> Value {
    match packet {
        Packet::SetCompression(threshold) => json!({ "threshold": threshold }),
        Packet::LoginSuccess(success) => json!({
            "uuid": uuid(success.uuid),
            "username": success.name,
            "properties": success.properties.iter().map(|(name, value, signature)| json!({
                "name": name,
                "value": value,
                "signature": signature,
            })).collect::<Vec<_>>(),
        }),
        Packet::Disconnect(reason) => json!({ "reason": text(reason) }),
        Packet::RegistryData(RegistryData::One { registry, entries }) => json!({
            "id": registry,
            "entries": entries.iter().map(|entry| {
                let content = entry.element.as_deref().map(nbt::write_payload);
                let content = content.and_then(Result::ok);
                json!({
                    "key": entry.name,
                    "len": content.as_ref().map(Vec::len),
                    "hash": content.as_deref().map(|bytes| Fnv::of(bytes).hex()),
                })
            }).collect::<Vec<_>>(),
        }),
        Packet::KnownPacks(packs) => json!({
            "packs": packs.iter().map(|pack| json!({
                "namespace": pack.namespace,
                "id": pack.id,
                "version": pack.version,
            })).collect::<Vec<_>>(),
        }),
        Packet::FeatureFlags(features) => json!({ "features": features }),
        Packet::Tags(groups) => json!({
            "tags": groups.iter().map(|group| json!({
                "tagType": group.registry,
                "tags": group.tags.iter().map(|(name, entries)| json!({
                    "tagName": name,
                    "entries": entries,
                })).collect::<Vec<_>>(),
            })).collect::<Vec<_>>(),
        }),
        Packet::PluginMessage(message) => {
            json!({ "channel": message.channel, "data": hex(&message.data) })
        }
        Packet::KeepAlive(id) => json!({ "keepAliveId": id.to_string() }),
        Packet::Ping(id) => json!({ "id": id }),
        Packet::JoinGame(join) => join_game(join),
        Packet::Position(at) => position(at),
        Packet::GameEvent { event, value } => {
            json!({ "reason": event, "gameMode": number((*value).into()) })
        }
        Packet::SpawnPosition(at) => spawn_position(at),
        Packet::ViewCentre { x, z } => json!({ "chunkX": x, "chunkZ": z }),
        Packet::ViewDistance(distance) => json!({ "viewDistance": distance }),
        Packet::Chunk(chunk) => json!({ "x": chunk.x, "z": chunk.z }),
        Packet::ChunkBatchFinished(size) => json!({ "batchSize": size }),
        Packet::Abilities(abilities) => json!({
            "flags": abilities.flags,
            "flyingSpeed": number(abilities.flying_speed.into()),
            "walkingSpeed": number(abilities.walking_speed.into()),
        }),
        Packet::SystemChat(chat) => {
            json!({ "content": text(&chat.text), "isActionBar": chat.kind != 0 })
        }
        _ => json!({}),
    }
}

fn join_game(join: &JoinGame) -> Value {
    json!({
        "entityId": join.entity_id,
        "isHardcore": join.hardcore,
        "worldNames": join.world_names,
        "maxPlayers": join.max_players,
        "viewDistance": join.view_distance,
        "simulationDistance": join.simulation_distance,
        "reducedDebugInfo": join.reduced_debug_info,
        "enableRespawnScreen": join.respawn_screen,
        "doLimitedCrafting": join.limited_crafting,
        "worldState": {
            "dimension": match &join.dimension {
                Dimension::Number(number) | Dimension::Index(number) => Value::from(*number),
                Dimension::Name(name) => Value::from(name.as_str()),
                Dimension::Inline(_) => Value::Null,
            },
            "name": join.world_name,
            "hashedSeed": join.hashed_seed.map(|seed| seed.to_string()),
            "gamemode": join.game_mode,
            "previousGamemode": join.previous_game_mode.unwrap_or(-1),
            "isDebug": join.is_debug,
            "isFlat": join.is_flat,
            "death": join.death.as_ref().map(|(world, packed)| json!({
                "dimensionName": world,
                "location": block(unpacked(*packed)),
            })),
            "portalCooldown": join.portal_cooldown,
            "seaLevel": join.sea_level,
        },
        "enforcesSecureChat": join.enforces_secure_chat,
    })
}

fn position(at: &Position) -> Value {
    let [dx, dy, dz] = at.velocity.unwrap_or_default();
    json!({
        "teleportId": at.teleport_id,
        "x": number(at.x),
        "y": number(at.y),
        "z": number(at.z),
        "dx": number(dx),
        "dy": number(dy),
        "dz": number(dz),
        "yaw": number(at.yaw.into()),
        "pitch": number(at.pitch.into()),
        "flags": at.flags,
    })
}

fn spawn_position(at: &SpawnPosition) -> Value {
    json!({
        "globalPos": {
            "dimensionName": at.dimension,
            "location": block([at.x, at.y, at.z]),
        },
        "yaw": at.yaw.map(|yaw| number(yaw.into())),
        "pitch": at.pitch.map(|pitch| number(pitch.into())),
    })
}

/// As the player reads it.
fn text(text: &Text) -> Value {
    json!({ "text": text.plain })
}

fn block([x, y, z]: [i32; 3]) -> Value {
    json!({ "x": x, "y": y, "z": z })
}

/// x in the upper 26 bits, then 26 of z, then 12 of y (477+).
#[allow(clippy::cast_possible_truncation, reason = "26 bits at most are left")]
fn unpacked(packed: i64) -> [i32; 3] {
    let x = (packed >> 38) as i32;
    let y = (packed << 52 >> 52) as i32;
    let z = (packed << 26 >> 38) as i32;
    [x, y, z]
}

/// JSON has no word for NaN and the infinities, which matter here; they become strings.
fn number(value: f64) -> Value {
    if value.is_finite() {
        value.into()
    } else {
        value.to_string().into()
    }
}

fn uuid(value: u128) -> String {
    let digits = format!("{value:032x}");
    let parts = [
        &digits[..8],
        &digits[8..12],
        &digits[12..16],
        &digits[16..20],
        &digits[20..],
    ];
    parts.join("-")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use sim_proto::Sent;
    use vb_data::State;

    use super::*;

    #[test]
    fn a_packet_is_a_line_with_its_hash() {
        let sent = Event::Sent(Sent {
            state: State::Play,
            id: 0x61,
            name: None,
            data: Bytes::from_static(b"a"),
        });
        let line = event(Duration::from_millis(12), &sent).unwrap();
        assert_eq!(line["t_ms"], 12);
        assert_eq!(line["dir"], "serverbound");
        assert_eq!(line["state"], "play");
        assert_eq!((&line["id"], &line["len"]), (&json!(0x61), &json!(1)));
        assert_eq!(line["name"], Value::Null);
        // FNV-1a of 61 00 00 00 61.
        assert_eq!(line["hash"], Fnv::of(&[0x61, 0, 0, 0, 0x61]).hex());
    }

    #[test]
    fn values_are_written_as_others_write_them() {
        assert_eq!(uuid(0x1234), "00000000-0000-0000-0000-000000001234");
        assert_eq!(number(f64::NAN), json!("NaN"));
        assert_eq!(number(0.1_f32.into()), json!(f64::from(0.1_f32)));
        assert_eq!(hex(&[0, 0xff]), "00ff");
    }

    #[test]
    fn positions_have_signs() {
        for [x, y, z] in [[0, 0, 0], [-1, -1, -1], [33_554_431, 2047, -33_554_432]] {
            let bits = |value: i32, size: u32| i64::from(value) & ((1_i64 << size) - 1);
            let packed = bits(x, 26) << 38 | bits(z, 26) << 12 | bits(y, 12);
            assert_eq!(unpacked(packed), [x, y, z]);
        }
    }
}
