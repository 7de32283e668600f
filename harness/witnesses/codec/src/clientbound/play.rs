//! The play state.

use infrarust_protocol::ProtocolVersion;
use infrarust_protocol::packets::play::dimension::{
    DimensionInfo, extract_dimension_from_join_game,
};
use infrarust_protocol::packets::{
    CChatMessageLegacy, CChunkBatchFinished, CChunkBatchStart, CChunkData, CCookieRequest,
    CDisconnect, CGameEvent, CJoinGame, CKeepAlive, CPluginMessage, CRespawn, CSetCenterChunk,
    CSetDefaultSpawnPosition, CStartConfiguration, CSynchronizePlayerPosition, CSystemChatMessage,
};
use sim_proto::{Dimension, Packet};

use super::{JSON, KEY, cookie, json_text, plugin_message};
use crate::judge::{Differences, Run};

/// What [`JSON`] reads.
const TEXT: &str = "Said \"so\"";
const WORLD: &str = "witness:world";
/// A packed position.
const DEATH: i64 = 0x0000_0100_0000_2040;

pub(super) fn all(run: &mut Run<'_>) {
    joining(run);
    world(run);
    rest_of_play(run);
}

fn joining(run: &mut Run<'_>) {
    let version = run.version;
    // Before 764 it reads the player's entity and the dimension, and passes the rest on.
    let whole = run.since(764);
    let samples = if whole { join_games() } else { Vec::new() };
    run.clientbound("login", samples, |theirs, ours, out| {
        let join = expect!(ours, Packet::JoinGame(join) => join, out);
        out.field("entityId", theirs.entity_id, join.entity_id);
        if whole {
            return join_game(theirs, join, out);
        }
        if let Err(difference) = dimension_before_764(theirs, join, version) {
            out.note(difference);
        }
    });
    let samples = if whole { vec![respawn()] } else { Vec::new() };
    run.clientbound("respawn", samples, |theirs, ours, out| {
        let respawn = expect!(ours, Packet::Respawn(respawn) => respawn, out);
        // Before 764 it passes the packet on unread.
        if theirs.raw_payload.is_some() {
            return;
        }
        out.optional(
            "worldName",
            theirs.level_name.clone(),
            respawn.world_name.clone(),
        );
        out.field("gameMode", i32::from(theirs.gamemode), respawn.game_mode);
        out.field(
            "previousGameMode",
            i32::from(theirs.previous_gamemode),
            respawn.previous_game_mode.unwrap_or(-1),
        );
        out.optional("dataKept", theirs.data_to_keep, respawn.kept);
        dimension(
            theirs.dimension,
            &theirs.dimension_type,
            &respawn.dimension,
            out,
        );
    });
}

/// Whether the part of the packet that it reads before 764 says the same.
fn dimension_before_764(
    theirs: &CJoinGame,
    ours: &sim_proto::JoinGame,
    version: ProtocolVersion,
) -> Result<(), String> {
    let rest = theirs.raw_payload.as_deref().unwrap_or_default();
    let read = extract_dimension_from_join_game(rest, version);
    match (read, &ours.dimension, &ours.world_name) {
        (Ok(DimensionInfo::Legacy(theirs)), Dimension::Number(ours), _) if theirs == *ours => {
            Ok(())
        }
        (Ok(DimensionInfo::Named(theirs)), _, Some(ours)) if theirs == *ours => Ok(()),
        (Ok(theirs), Dimension::Number(ours), _) => {
            Err(format!("dimension: is {theirs:?} to it and {ours} to us"))
        }
        (Ok(theirs), _, ours) => Err(format!("dimension: is {theirs:?} to it and {ours:?} to us")),
        (Err(error), _, _) => Err(format!("dimension: does not decode: {error}")),
    }
}

fn join_games() -> Vec<CJoinGame> {
    let plain = CJoinGame {
        entity_id: 0x0102_0304,
        is_hardcore: true,
        gamemode: 2,
        max_players: 300,
        view_distance: 11,
        simulation_distance: 7,
        reduced_debug_info: true,
        enable_respawn_screen: false,
        do_limited_crafting: true,
        level_names: vec![WORLD.to_owned(), "witness:other".to_owned()],
        level_name: WORLD.to_owned(),
        hashed_seed: -3,
        is_flat: true,
        dimension: 2,
        dimension_type: "witness:kind".to_owned(),
        portal_cooldown: 200,
        sea_level: -63,
        enforces_secure_chat: true,
        ..CJoinGame::default()
    };
    let died = CJoinGame {
        previous_gamemode: 3,
        is_debug: true,
        death_dimension: Some(WORLD.to_owned()),
        death_position: Some(DEATH),
        ..plain.clone()
    };
    vec![plain, died]
}

fn join_game(theirs: &CJoinGame, ours: &sim_proto::JoinGame, out: &mut Differences) {
    out.field("isHardcore", theirs.is_hardcore, ours.hardcore);
    out.field("worldNames", &theirs.level_names, &ours.world_names);
    out.field("maxPlayers", theirs.max_players, ours.max_players);
    out.optional("viewDistance", theirs.view_distance, ours.view_distance);
    out.optional(
        "simulationDistance",
        theirs.simulation_distance,
        ours.simulation_distance,
    );
    out.optional(
        "reducedDebugInfo",
        theirs.reduced_debug_info,
        ours.reduced_debug_info,
    );
    out.optional(
        "enableRespawnScreen",
        theirs.enable_respawn_screen,
        ours.respawn_screen,
    );
    out.optional(
        "doLimitedCrafting",
        theirs.do_limited_crafting,
        ours.limited_crafting,
    );
    dimension(
        theirs.dimension,
        &theirs.dimension_type,
        &ours.dimension,
        out,
    );
    out.optional(
        "worldName",
        theirs.level_name.clone(),
        ours.world_name.clone(),
    );
    out.optional("hashedSeed", theirs.hashed_seed, ours.hashed_seed);
    out.field("gameMode", i32::from(theirs.gamemode), ours.game_mode);
    out.field(
        "previousGameMode",
        i32::from(theirs.previous_gamemode),
        ours.previous_game_mode.unwrap_or(-1),
    );
    out.field("isDebug", theirs.is_debug, ours.is_debug);
    out.field("isFlat", theirs.is_flat, ours.is_flat);
    out.field(
        "death",
        theirs.death_dimension.clone().zip(theirs.death_position),
        ours.death.clone(),
    );
    out.optional(
        "portalCooldown",
        theirs.portal_cooldown,
        ours.portal_cooldown,
    );
    out.optional("seaLevel", theirs.sea_level, ours.sea_level);
    out.optional(
        "enforcesSecureChat",
        theirs.enforces_secure_chat,
        ours.enforces_secure_chat,
    );
}

fn respawn() -> CRespawn {
    CRespawn {
        dimension: 2,
        dimension_type: "witness:kind".to_owned(),
        level_name: WORLD.to_owned(),
        hashed_seed: -3,
        gamemode: 1,
        previous_gamemode: 3,
        is_flat: true,
        data_to_keep: 3,
        portal_cooldown: 200,
        ..CRespawn::default()
    }
}

fn dimension(index: i32, name: &str, ours: &Dimension, out: &mut Differences) {
    match ours {
        Dimension::Index(ours) => out.field("dimension", index, *ours),
        Dimension::Name(ours) => out.field("dimension", name, ours.as_str()),
        Dimension::Number(_) | Dimension::Inline(_) => {
            out.note(format!("dimension is to us {ours:?}"))
        }
    }
}

fn world(run: &mut Run<'_>) {
    let samples = vec![
        CGameEvent {
            event: 13,
            value: 0.0,
        },
        CGameEvent {
            event: 3,
            value: 1.0,
        },
    ];
    run.clientbound("game_state_change", samples, |theirs, ours, out| {
        let (event, value) =
            expect!(ours, Packet::GameEvent { event, value } => (event, value), out);
        out.field("reason", theirs.event, *event);
        out.field("gameMode", theirs.value, *value);
    });
    let samples = vec![CSetCenterChunk {
        chunk_x: -1,
        chunk_z: 1_875_000,
    }];
    run.clientbound("update_view_position", samples, |theirs, ours, out| {
        let (x, z) = expect!(ours, Packet::ViewCentre { x, z } => (x, z), out);
        out.field("chunkX", theirs.chunk_x, *x);
        out.field("chunkZ", theirs.chunk_z, *z);
    });
    run.clientbound(
        "chunk_batch_start",
        vec![CChunkBatchStart],
        |_, ours, out| {
            expect!(ours, Packet::ChunkBatchStart => (), out);
        },
    );
    let samples = vec![CChunkBatchFinished { batch_size: 300 }];
    run.clientbound("chunk_batch_finished", samples, |theirs, ours, out| {
        let size = expect!(ours, Packet::ChunkBatchFinished(size) => size, out);
        out.field("batchSize", theirs.batch_size, *size);
    });
    let samples = vec![CSetDefaultSpawnPosition::at_in(
        WORLD, -1, 65, 29_999_999, 90.0,
    )];
    run.clientbound("spawn_position", samples, |theirs, ours, out| {
        let spawn = expect!(ours, Packet::SpawnPosition(spawn) => spawn, out);
        out.field(
            "location",
            unpacked(theirs.location),
            [spawn.x, spawn.y, spawn.z],
        );
        out.optional(
            "dimension",
            theirs.dimension_name.clone(),
            spawn.dimension.clone(),
        );
        out.optional("yaw", theirs.yaw, spawn.yaw);
        out.optional("pitch", theirs.pitch, spawn.pitch);
    });
    position(run);
    let sections = run.sections();
    let samples = vec![CChunkData {
        chunk_x: -1,
        chunk_z: 2,
        num_sections: sections,
    }];
    run.written_only("map_chunk", samples, |theirs, ours, out| {
        let chunk = expect!(ours, Packet::Chunk(chunk) => chunk, out);
        out.field("x", theirs.chunk_x, chunk.x);
        out.field("z", theirs.chunk_z, chunk.z);
    });
}

fn position(run: &mut Run<'_>) {
    let samples = vec![CSynchronizePlayerPosition {
        x: -8.5,
        y: 65.25,
        z: 40.75,
        delta_x: 0.5,
        delta_y: -0.5,
        delta_z: 1.5,
        yaw: 90.0,
        pitch: -30.5,
        // On 4 and 5 the byte says whether the player stands on something.
        flags: if run.since(47) { 0x1f } else { 0 },
        teleport_id: 300,
    }];
    run.clientbound("position", samples, |theirs, ours, out| {
        let position = expect!(ours, Packet::Position(position) => position, out);
        out.field("x", theirs.x, position.x);
        out.field("y", theirs.y, position.y);
        out.field("z", theirs.z, position.z);
        out.field("yaw", theirs.yaw, position.yaw);
        out.field("pitch", theirs.pitch, position.pitch);
        out.field("flags", theirs.flags, position.flags);
        out.optional(
            "velocity",
            [theirs.delta_x, theirs.delta_y, theirs.delta_z],
            position.velocity,
        );
        out.optional("teleportId", theirs.teleport_id, position.teleport_id);
    });
}

fn rest_of_play(run: &mut Run<'_>) {
    let nbt_text = run.since(765);
    let mut ids = vec![1, i64::from(i32::MAX)];
    if run.since(340) {
        ids.push(i64::MIN + 1);
    }
    let samples = ids.into_iter().map(|id| CKeepAlive { id }).collect();
    run.clientbound("keep_alive", samples, |theirs, ours, out| {
        let id = expect!(ours, Packet::KeepAlive(id) => id, out);
        out.field("keepAliveId", theirs.id, *id);
    });
    let samples = vec![CDisconnect {
        reason: sample_text(nbt_text),
    }];
    run.clientbound("kick_disconnect", samples, |theirs, ours, out| {
        let text = expect!(ours, Packet::Disconnect(text) => text, out);
        same_text(nbt_text, &theirs.reason, &text.plain, out);
    });
    let samples = vec![
        CSystemChatMessage {
            content: sample_text(nbt_text),
            overlay: false,
        },
        CSystemChatMessage {
            content: sample_text(nbt_text),
            overlay: true,
        },
    ];
    run.clientbound("system_chat", samples, |theirs, ours, out| {
        let chat = expect!(ours, Packet::SystemChat(chat) => chat, out);
        same_text(nbt_text, &theirs.content, &chat.text.plain, out);
        out.field("isActionBar", i32::from(theirs.overlay), chat.kind);
    });
    let samples = vec![CChatMessageLegacy {
        content: JSON.to_owned(),
        position: u8::from(run.since(47)),
    }];
    run.clientbound("chat", samples, |theirs, ours, out| {
        let chat = expect!(ours, Packet::SystemChat(chat) => chat, out);
        out.field(
            "message",
            json_text(&theirs.content),
            Some(chat.text.plain.clone()),
        );
        out.field("position", i32::from(theirs.position), chat.kind);
    });
    let samples = vec![CPluginMessage {
        channel: KEY.to_owned(),
        data: vec![1, 2, 3],
    }];
    run.clientbound("custom_payload", samples, |theirs, ours, out| {
        plugin_message(&theirs.channel, &theirs.data, ours, out);
    });
    let samples = vec![CCookieRequest {
        key: KEY.to_owned(),
    }];
    run.clientbound("cookie_request", samples, |theirs, ours, out| {
        cookie(&theirs.key, ours, out)
    });
    run.clientbound(
        "start_configuration",
        vec![CStartConfiguration],
        |_, ours, out| {
            expect!(ours, Packet::StartConfiguration => (), out);
        },
    );
}

/// As it packs block coordinates, in every protocol.
fn unpacked(packed: i64) -> [i32; 3] {
    let part =
        |shift: u32, bits: u32| i32::try_from(packed << shift >> (64 - bits)).unwrap_or_default();
    [part(0, 26), part(52, 12), part(26, 26)]
}

fn sample_text(nbt: bool) -> Vec<u8> {
    /// NBT's tag of a string.
    const STRING: u8 = 8;
    match (nbt, u8::try_from(TEXT.len())) {
        (true, Ok(length)) => [&[STRING, 0, length][..], TEXT.as_bytes()].concat(),
        _ => JSON.as_bytes().to_vec(),
    }
}

/// Its text is a string of JSON, or NBT that it only measures: then the tag must be whole, and a string's ASCII ours.
fn same_text(nbt: bool, theirs: &[u8], ours: &str, out: &mut Differences) {
    if !nbt {
        let json = std::str::from_utf8(theirs).ok().and_then(json_text);
        return out.field("text", json.as_deref(), Some(ours));
    }
    let mut rest = theirs;
    if let Err(error) = infrarust_protocol::nbt::skip_network_nbt(&mut rest) {
        return out.note(format!("text does not decode: {error}"));
    }
    out.field("bytes after the text", rest.len(), 0);
    if let ([8, _, _, text @ ..], true) = (theirs, ours.is_ascii()) {
        out.field("text", text, ours.as_bytes());
    }
}
