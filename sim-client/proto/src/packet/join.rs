use std::sync::Arc;

use super::Packet;
use crate::layout::{self, JoinField};
use crate::nbt::{self, Compound};
use crate::wire::{DecodeError, Reader};

/// Most worlds that are listed; a real server has a handful, and the frame's size is the limit in vanilla.
const MAX_WORLDS: usize = 65_536;
/// Longest level type (vanilla).
const MAX_LEVEL_TYPE: usize = 16;
/// Bit of the game mode byte that says "hardcore" (until 750).
const HARDCORE_BIT: u8 = 8;

/// How a dimension is named.
#[derive(Clone, Debug, PartialEq)]
pub enum Dimension {
    /// -1 nether, 0 overworld, 1 end (4-734).
    Number(i32),
    /// A dimension type's name (735, 736, 759-765).
    Name(String),
    /// The dimension type itself (751-758).
    Inline(Compound),
    /// Its index in the registry (766+).
    Index(i32),
}

/// JoinGame. What a protocol does not have is None, or false.
#[derive(Clone, Debug, PartialEq)]
pub struct JoinGame {
    /// The player's entity.
    pub entity_id: i32,
    /// Whether death is final.
    pub hardcore: bool,
    /// 0 survival, 1 creative, 2 adventure, 3 spectator.
    pub game_mode: i32,
    /// None where there is none (735+).
    pub previous_game_mode: Option<i32>,
    /// All worlds of the server (735+).
    pub world_names: Vec<String>,
    /// The registries (735-763).
    pub codec: Option<Arc<Compound>>,
    /// The kind of world.
    pub dimension: Dimension,
    /// Which world (735+).
    pub world_name: Option<String>,
    /// For biome noise (573+).
    pub hashed_seed: Option<i64>,
    /// 0 to 3 (until 476).
    pub difficulty: Option<u8>,
    /// Ignored by clients.
    pub max_players: i32,
    /// Until 734.
    pub level_type: Option<String>,
    /// In chunks (477+).
    pub view_distance: Option<i32>,
    /// In chunks (757+).
    pub simulation_distance: Option<i32>,
    /// 47+.
    pub reduced_debug_info: Option<bool>,
    /// 573+.
    pub respawn_screen: Option<bool>,
    /// 764+.
    pub limited_crafting: Option<bool>,
    /// 735+.
    pub is_debug: bool,
    /// 735+.
    pub is_flat: bool,
    /// World and packed position of the last death (759+).
    pub death: Option<(String, i64)>,
    /// In ticks (763+).
    pub portal_cooldown: Option<i32>,
    /// 768+.
    pub sea_level: Option<i32>,
    /// 776+.
    pub online_mode: Option<bool>,
    /// 766+.
    pub enforces_secure_chat: Option<bool>,
}

/// A respawn. What a protocol does not have is None.
#[derive(Clone, Debug, PartialEq)]
pub struct Respawn {
    /// The kind of world.
    pub dimension: Dimension,
    /// Which world (735+).
    pub world_name: Option<String>,
    /// 0 survival, 1 creative, 2 adventure, 3 spectator.
    pub game_mode: i32,
    /// None where there is none (735+).
    pub previous_game_mode: Option<i32>,
    /// What of the player is kept: a flag until 763, flags from 764 on.
    pub kept: Option<u8>,
}

pub(super) fn read_join_game(r: &mut Reader<'_>) -> Result<Packet, DecodeError> {
    let all = read_fields(r, layout::join_game(r.version()))?;
    Ok(Packet::JoinGame(Box::new(all.join)))
}

pub(super) fn read_respawn(r: &mut Reader<'_>) -> Result<Packet, DecodeError> {
    let Fields { join, kept } = read_fields(r, layout::respawn(r.version()))?;
    Ok(Packet::Respawn(Box::new(Respawn {
        dimension: join.dimension,
        world_name: join.world_name,
        game_mode: join.game_mode,
        previous_game_mode: join.previous_game_mode,
        kept,
    })))
}

struct Fields {
    join: JoinGame,
    kept: Option<u8>,
}

fn read_fields(r: &mut Reader<'_>, fields: &[JoinField]) -> Result<Fields, DecodeError> {
    let mut all = Fields {
        join: empty(),
        kept: None,
    };
    let hardcore_is_bit = !fields.contains(&JoinField::Hardcore);
    for field in fields {
        read_field(r, *field, hardcore_is_bit, &mut all)?;
    }
    Ok(all)
}

fn read_field(
    r: &mut Reader<'_>,
    field: JoinField,
    hardcore_is_bit: bool,
    all: &mut Fields,
) -> Result<(), DecodeError> {
    let join = &mut all.join;
    match field {
        JoinField::EntityId => join.entity_id = r.i32("entityId")?,
        JoinField::Hardcore => join.hardcore = r.bool("isHardcore")?,
        JoinField::GameMode => {
            let raw = r.u8("gameMode")?;
            join.hardcore |= hardcore_is_bit && raw & HARDCORE_BIT != 0;
            let mask = if hardcore_is_bit {
                !HARDCORE_BIT
            } else {
                u8::MAX
            };
            join.game_mode = i32::from(raw & mask);
        }
        JoinField::GameModeVarInt => join.game_mode = r.varint("gameMode")?,
        JoinField::PreviousGameMode => {
            let raw = r.i8("previousGameMode")?;
            join.previous_game_mode = (raw != -1).then_some(i32::from(raw));
        }
        JoinField::PreviousGameModeOptional => {
            let raw = r.varint("previousGameMode")?;
            join.previous_game_mode = (raw != 0).then(|| raw.wrapping_sub(1));
        }
        JoinField::WorldNames => {
            join.world_names = r.array("worldNames", MAX_WORLDS, |r| {
                r.identifier("").map(str::to_owned)
            })?;
        }
        JoinField::Codec => join.codec = Some(Arc::new(read_codec(r, "dimensionCodec")?)),
        JoinField::DimensionByte => {
            join.dimension = Dimension::Number(i32::from(r.i8("dimension")?))
        }
        JoinField::DimensionInt => join.dimension = Dimension::Number(r.i32("dimension")?),
        JoinField::DimensionName => {
            join.dimension = Dimension::Name(r.identifier("dimension")?.to_owned())
        }
        JoinField::DimensionIndex => join.dimension = Dimension::Index(r.varint("dimension")?),
        JoinField::DimensionNbt => join.dimension = Dimension::Inline(read_codec(r, "dimension")?),
        JoinField::WorldName => join.world_name = Some(r.identifier("worldName")?.to_owned()),
        JoinField::HashedSeed => join.hashed_seed = Some(r.i64("hashedSeed")?),
        JoinField::Difficulty => join.difficulty = Some(r.u8("difficulty")?),
        JoinField::MaxPlayersByte => join.max_players = i32::from(r.u8("maxPlayers")?),
        JoinField::MaxPlayers => join.max_players = r.varint("maxPlayers")?,
        JoinField::LevelType => {
            join.level_type = Some(r.string("levelType", MAX_LEVEL_TYPE)?.to_owned())
        }
        JoinField::ViewDistance => join.view_distance = Some(r.varint("viewDistance")?),
        JoinField::SimulationDistance => {
            join.simulation_distance = Some(r.varint("simulationDistance")?)
        }
        JoinField::ReducedDebugInfo => join.reduced_debug_info = Some(r.bool("reducedDebugInfo")?),
        JoinField::RespawnScreen => join.respawn_screen = Some(r.bool("enableRespawnScreen")?),
        JoinField::LimitedCrafting => join.limited_crafting = Some(r.bool("doLimitedCrafting")?),
        JoinField::IsDebug => join.is_debug = r.bool("isDebug")?,
        JoinField::IsFlat => join.is_flat = r.bool("isFlat")?,
        JoinField::Death => {
            join.death = r.option("death", |r| {
                Ok((
                    r.identifier("death.dimensionName")?.to_owned(),
                    r.i64("death.location")?,
                ))
            })?;
        }
        JoinField::PortalCooldown => join.portal_cooldown = Some(r.varint("portalCooldown")?),
        JoinField::SeaLevel => join.sea_level = Some(r.varint("seaLevel")?),
        JoinField::OnlineMode => join.online_mode = Some(r.bool("onlineMode")?),
        JoinField::SecureChat => join.enforces_secure_chat = Some(r.bool("enforcesSecureChat")?),
        JoinField::Kept => all.kept = Some(r.u8("copyMetadata")?),
    }
    Ok(())
}

/// A compound of registries or of one dimension type, recorded entry by entry: name, and how much is in it.
pub(super) fn read_codec(r: &mut Reader<'_>, name: &'static str) -> Result<Compound, DecodeError> {
    let start = r.offset();
    let compound = nbt::read_root(r, name)?;
    if r.is_recording() {
        let end = r.offset();
        r.record_span(
            name,
            start,
            end - start,
            format_args!("compound, {} entries", compound.entries.len()),
        );
        for entry in &compound.entries {
            r.within(name, |r| {
                r.record_span(&entry.name, entry.offset, entry.len, summary(&entry.tag));
                Ok::<(), DecodeError>(())
            })?;
        }
    }
    Ok(compound)
}

/// A tag in a few words.
fn summary(tag: &nbt::Tag) -> String {
    match tag {
        nbt::Tag::Compound(compound) => match compound.get("value").and_then(nbt::Tag::as_list) {
            Some(list) => format!("registry, {} entries", list.items.len()),
            None => format!("compound, {} entries", compound.entries.len()),
        },
        nbt::Tag::List(list) => format!("list of {}, {} entries", list.kind, list.items.len()),
        nbt::Tag::ByteArray(values) => format!("byte array, {}", values.len()),
        nbt::Tag::IntArray(values) => format!("int array, {}", values.len()),
        nbt::Tag::LongArray(values) => format!("long array, {}", values.len()),
        nbt::Tag::String(text) => format!("{text:?}"),
        nbt::Tag::Byte(value) => value.to_string(),
        nbt::Tag::Short(value) => value.to_string(),
        nbt::Tag::Int(value) => value.to_string(),
        nbt::Tag::Long(value) => value.to_string(),
        nbt::Tag::Float(value) => value.to_string(),
        nbt::Tag::Double(value) => value.to_string(),
    }
}

fn empty() -> JoinGame {
    JoinGame {
        entity_id: 0,
        hardcore: false,
        game_mode: 0,
        previous_game_mode: None,
        world_names: Vec::new(),
        codec: None,
        dimension: Dimension::Number(0),
        world_name: None,
        hashed_seed: None,
        difficulty: None,
        max_players: 0,
        level_type: None,
        view_distance: None,
        simulation_distance: None,
        reduced_debug_info: None,
        respawn_screen: None,
        limited_crafting: None,
        is_debug: false,
        is_flat: false,
        death: None,
        portal_cooldown: None,
        sea_level: None,
        online_mode: None,
        enforces_secure_chat: None,
    }
}
