//! What the kit is asked for, in the order of a join, with values that cannot be mistaken for one another.

use guest_kit::{
    Chunk, Clientbound, DimensionField, JoinGame, Packet, PositionLayout, Section, SpawnLayout,
    Version, play, update_light, world,
};
use vb_data::{Direction, State};

use crate::record::{Meant, Recorded, Value, Writer};

/// Where the player is put: in a chunk with negative and positive coordinates.
const FEET: [f64; 3] = [-8.5, 65.0, 40.25];
const LOOK: [f32; 2] = [90.0, -30.5];
/// Takes two bytes as a varint.
const TELEPORT: i32 = 300;
/// The chunk of the player.
const COLUMN: [i32; 2] = [-1, 2];
const FLOOR: i32 = 64;
const WORLDS: [&str; 2] = ["minecraft:overworld", "witness:second"];

/// Everything that the kit writes but the last word.
pub(crate) fn join(version: &Version) -> Vec<Recorded> {
    let mut out = Vec::new();
    join_games(version, &mut out);
    push(
        &mut out,
        Clientbound::Abilities,
        world::abilities(version),
        abilities(),
    );
    push(
        &mut out,
        Clientbound::Health,
        world::health(version),
        health(),
    );
    for block in [[-1, 65, 2], [29_999_999, 255, -30_000_000], [8, 0, 8]] {
        let packet = world::spawn_position(version, WORLDS[0], block);
        push(
            &mut out,
            Clientbound::SpawnPosition,
            packet,
            spawn(version, block),
        );
    }
    push(
        &mut out,
        Clientbound::GameEvent,
        world::wait_for_chunks(version),
        wait(),
    );
    for centre in [COLUMN, [1_875_000, -1_875_000]] {
        let meant = vec![int("chunkX", centre[0]), int("chunkZ", centre[1])];
        push(
            &mut out,
            Clientbound::ViewCentre,
            world::view_centre(version, centre),
            meant,
        );
    }
    let centre = world::view_centre(version, COLUMN);
    push(&mut out, Clientbound::ViewCentre, centre, Vec::new());
    push(
        &mut out,
        Clientbound::ChunkBatchStart,
        world::chunk_batch_start(version),
        Vec::new(),
    );
    for chunk in chunks(version) {
        let at = |x, z| vec![int(x, chunk.x), int(z, chunk.z)];
        push(
            &mut out,
            Clientbound::Chunk,
            chunk.packet(version),
            at("x", "z"),
        );
        let light = update_light(version, &chunk);
        push(&mut out, Clientbound::Light, light, at("chunkX", "chunkZ"));
    }
    let finished = world::chunk_batch_finished(version, TELEPORT);
    push(
        &mut out,
        Clientbound::ChunkBatchFinished,
        finished,
        vec![int("batchSize", TELEPORT)],
    );
    let position = world::position(version, FEET, LOOK, TELEPORT);
    push(
        &mut out,
        Clientbound::Position,
        position,
        position_meant(version),
    );
    for id in [1, 1_000_000_007, i64::from(i32::MAX)] {
        let meant = vec![Meant {
            field: "keepAliveId",
            value: Value::Int(id),
        }];
        push(
            &mut out,
            Clientbound::KeepAlive,
            play::keep_alive(version, id),
            meant,
        );
    }
    let chat = if version.has(Clientbound::Chat) {
        Clientbound::Chat
    } else {
        Clientbound::SystemChat
    };
    for text in ["", "a\"b\\ é€😀\n", "You said: /leave"] {
        let meant = vec![text_in("message|content", text)];
        push(&mut out, chat, play::message(version, text), meant);
    }
    out
}

/// What ends the session.
pub(crate) fn farewell(version: &Version) -> Vec<Recorded> {
    let mut out = Vec::new();
    let text = "You left the lobby.";
    let packet = play::disconnect(version, text);
    push(
        &mut out,
        Clientbound::Disconnect,
        packet,
        vec![text_in("reason", text)],
    );
    out
}

/// The packets that the kit has for a protocol, by name.
pub(crate) fn names(protocol: i32) -> Vec<&'static str> {
    let Ok(version) = Version::new(protocol) else {
        return Vec::new();
    };
    Clientbound::ALL
        .into_iter()
        .filter(|packet| version.has(*packet))
        .map(Clientbound::name)
        .collect()
}

fn join_games(version: &Version, out: &mut Vec<Recorded>) {
    let mut joins = vec![JoinGame::overworld(version)];
    for (game_mode, entity_id) in [(0, 0x0102_0304), (1, -2), (3, i32::MAX)] {
        joins.push(JoinGame {
            entity_id,
            game_mode,
            worlds: WORLDS.map(str::to_owned).into(),
            max_players: 100,
            view_distance: 11,
            is_flat: game_mode == 0,
            ..JoinGame::overworld(version)
        });
    }
    // The client joins with the last one: the floor has to be in its world.
    joins.rotate_left(1);
    for join in joins {
        let meant = join_meant(version, &join);
        push(out, Clientbound::JoinGame, join.packet(version), meant);
    }
}

fn join_meant(version: &Version, join: &JoinGame) -> Vec<Meant> {
    const GAME_MODES: [&str; 4] = ["survival", "creative", "adventure", "spectator"];
    let layout = version.join();
    let name = GAME_MODES
        .get(usize::from(join.game_mode))
        .copied()
        .unwrap_or_default();
    let mut meant = vec![
        int("entityId", join.entity_id),
        Meant {
            field: "gameMode|gamemode",
            value: Value::Choice(i64::from(join.game_mode), name),
        },
        int("maxPlayers", i32::from(join.max_players)),
    ];
    let mut add = |present: bool, field, value| {
        if present {
            meant.push(Meant { field, value });
        }
    };
    let view_distance = Value::Int(i64::from(join.view_distance));
    let string = |text: &str| Value::Str(text.to_owned());
    let numbered = matches!(layout.dimension, DimensionField::Byte | DimensionField::Int);
    add(numbered, "dimension", Value::Int(0));
    add(layout.difficulty, "difficulty", Value::Int(0));
    add(
        !layout.worlds,
        "levelType",
        string(if join.is_flat { "flat" } else { "default" }),
    );
    add(
        layout.reduced_debug_info,
        "reducedDebugInfo",
        Value::Bool(false),
    );
    add(layout.view_distance, "viewDistance", view_distance.clone());
    add(
        layout.simulation_distance,
        "simulationDistance",
        view_distance,
    );
    add(layout.hashed_seed, "hashedSeed", Value::Int(0));
    add(layout.hashed_seed, "enableRespawnScreen", Value::Bool(true));
    add(
        layout.worlds,
        "worldNames",
        Value::Strs(join.worlds.clone()),
    );
    add(layout.worlds, "worldName|name", string(&join.world));
    add(layout.worlds, "isDebug", Value::Bool(false));
    add(layout.worlds, "isFlat", Value::Bool(join.is_flat));
    // None: a byte of all ones, or from the layout with varints on an absent option.
    let previous = if layout.varint_game_mode {
        Value::Absent
    } else {
        Value::Int(-1)
    };
    add(layout.worlds, "previousGameMode|previousGamemode", previous);
    add(layout.hardcore, "isHardcore", Value::Bool(false));
    let named = layout.dimension == DimensionField::Name;
    add(named, "dimension|worldType", string(&join.dimension));
    let indexed = layout.dimension == DimensionField::Index;
    add(
        indexed,
        "dimension|worldType",
        Value::Int(i64::from(join.dimension_index)),
    );
    add(layout.death_location, "death", Value::Absent);
    add(layout.portal_cooldown, "portalCooldown", Value::Int(0));
    add(layout.configured, "doLimitedCrafting", Value::Bool(false));
    add(layout.secure_chat, "enforcesSecureChat", Value::Bool(false));
    add(layout.sea_level, "seaLevel", Value::Int(63));
    add(layout.online_mode, "onlineMode", Value::Bool(false));
    meant
}

fn abilities() -> Vec<Meant> {
    let float = |field, value| Meant {
        field,
        value: Value::Float(value),
    };
    vec![
        int("flags", 0),
        float("flyingSpeed", 0.05),
        float("walkingSpeed", 0.1),
    ]
}

fn health() -> Vec<Meant> {
    let float = |field, value| Meant {
        field,
        value: Value::Float(value),
    };
    vec![
        float("health", 20.0),
        int("food", 20),
        float("foodSaturation", 5.0),
    ]
}

fn spawn(version: &Version, block: [i32; 3]) -> Vec<Meant> {
    let float = |field, value| Meant {
        field,
        value: Value::Float(value),
    };
    match version.spawn_position() {
        SpawnLayout::Ints => ["x", "y", "z"]
            .into_iter()
            .zip(block)
            .map(|(field, value)| int(field, value))
            .collect(),
        SpawnLayout::PackedHeightMiddle | SpawnLayout::PackedHeightLow => {
            vec![Meant {
                field: "location",
                value: Value::Block(block),
            }]
        }
        SpawnLayout::Angle => vec![
            Meant {
                field: "location",
                value: Value::Block(block),
            },
            float("angle", 0.0),
        ],
        SpawnLayout::Global => vec![
            Meant {
                field: "dimensionName|dimension",
                value: Value::Str(WORLDS[0].to_owned()),
            },
            Meant {
                field: "location|pos",
                value: Value::Block(block),
            },
            float("yaw", 0.0),
            float("pitch", 0.0),
        ],
    }
}

fn wait() -> Vec<Meant> {
    vec![Meant {
        field: "reason",
        value: Value::Choice(13, "level_chunks_load_start"),
    }]
}

fn position_meant(version: &Version) -> Vec<Meant> {
    const EYES: f64 = 1.62;
    let layout = version.position();
    let double = |field, value| Meant {
        field,
        value: Value::Double(value),
    };
    let float = |field, value| Meant {
        field,
        value: Value::Float(value),
    };
    let [x, y, z] = FEET;
    let y = if layout == PositionLayout::Eyes {
        y + EYES
    } else {
        y
    };
    let mut meant = vec![double("x", x), double("y", y), double("z", z)];
    meant.extend([float("yaw", LOOK[0]), float("pitch", LOOK[1])]);
    if !matches!(layout, PositionLayout::Eyes | PositionLayout::Flags) {
        meant.push(int("teleportId", TELEPORT));
    }
    if layout == PositionLayout::Velocity {
        meant.extend(["dx", "dy", "dz"].map(|field| double(field, 0.0)));
    }
    meant
}

/// Floors at several heights, none, and one in each section; the player's own column last, as the client keeps it.
fn chunks(version: &Version) -> Vec<Chunk> {
    let mut full = Chunk::floor(version, [3, -4], FLOOR);
    full.sections.fill(Section::Floor);
    let mut chunks = vec![
        Chunk::floor(version, [0, 0], i32::from(i16::MAX)),
        Chunk::floor(version, [1_875_000, -1], version.min_y()),
        full,
    ];
    chunks.push(Chunk::floor(version, COLUMN, FLOOR));
    chunks
}

fn int(field: &'static str, value: i32) -> Meant {
    Meant {
        field,
        value: Value::Int(i64::from(value)),
    }
}

fn text_in(field: &'static str, text: &str) -> Meant {
    Meant {
        field,
        value: Value::Text(text.to_owned()),
    }
}

fn push(out: &mut Vec<Recorded>, name: Clientbound, packet: Option<Packet>, meant: Vec<Meant>) {
    let Some(packet) = packet else { return };
    out.push(Recorded {
        state: State::Play,
        direction: Direction::Clientbound,
        id: packet.id,
        name: name.name().to_owned(),
        data: packet.data,
        writer: Writer::Kit,
        meant,
    });
}
