//! Where packet layouts declare their ranges of protocols: per packet one table, each row "from this protocol on".
//!
//! Source: `protocol.json` of minecraft-data 3.117.0 for 5 to 775; what it lacks or has wrong is said at the row.

mod chunk;
mod join;
mod names;
mod play;
mod registry;
mod serverbound;

pub(crate) use chunk::{
    BiomeData, BlockEntities, ChunkLayout, Heightmaps, LightMasks, SectionLayout, SectionMask,
    block_entity_types, block_states, chunk, light, section,
};
pub(crate) use join::{JoinField, join_game, respawn};
pub use names::required_packets;
pub(crate) use play::{
    KeepAliveId, MessageLayout, PackLayout, PlayerChatLayout, PositionLayout, SpawnLayout,
    TagsLayout, TimeLayout, UuidForm, difficulty_is_varint, difficulty_locks,
    encryption_says_authenticate, has_chat_type_holder, has_short_lengths, keep_alive_id,
    last_game_event, message, packed_y_in_middle, player_chat, position, profile, resource_pack,
    spawn_position, system_chat_names_type, tags, time, unload_is_z_first,
};
pub(crate) use registry::{
    FieldKind, has_list_elements, knows_registry, registry_fields, required_entries,
    required_registries,
};
pub(crate) use serverbound::{
    ChatLayout, CommandLayout, LoginStartLayout, MovementFlags, SettingsField, chat, command,
    login_start, movement, settings,
};

/// The last row that a protocol reaches.
fn row<T: Copy>(table: &[(i32, T)], version: crate::Version) -> T {
    let mut chosen = table[0].1;
    for (from, layout) in table {
        if version.from(*from) {
            chosen = *layout;
        }
    }
    chosen
}
