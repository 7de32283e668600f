//! What minecraft-data calls the packets that azalea calls otherwise, for protocol 775. A packet that is missing here has the
//! same name in both.
//!
//! azalea uses the names of the game itself; everything else in this repository uses those of minecraft-data (3.117.0,
//! `pc/26.1/protocol.json`). The pairs come from laying both lists side by side by packet id; both list the same ids.

use crate::session::{Direction, State};

/// minecraft-data's name for a packet that azalea calls `name`.
pub(crate) fn minecraft_data(
    state: State,
    direction: Direction,
    name: &'static str,
) -> &'static str {
    let table = match (state, direction) {
        (State::Handshaking, _) => HANDSHAKING,
        (State::Login, Direction::Clientbound) => LOGIN_CLIENTBOUND,
        (State::Login, Direction::Serverbound) => LOGIN_SERVERBOUND,
        (State::Configuration, Direction::Clientbound) => CONFIGURATION_CLIENTBOUND,
        (State::Configuration, Direction::Serverbound) => CONFIGURATION_SERVERBOUND,
        (State::Play, Direction::Clientbound) => PLAY_CLIENTBOUND,
        (State::Play, Direction::Serverbound) => PLAY_SERVERBOUND,
    };
    table
        .binary_search_by_key(&name, |(azalea, _)| azalea)
        .ok()
        .and_then(|index| table.get(index))
        .map_or(name, |(_, ours)| ours)
}

/// azalea's name and minecraft-data's, sorted by azalea's.
type Table = &'static [(&'static str, &'static str)];

const HANDSHAKING: Table = &[("intention", "set_protocol")];

const LOGIN_CLIENTBOUND: Table = &[
    ("custom_query", "login_plugin_request"),
    ("hello", "encryption_begin"),
    ("login_compression", "compress"),
    ("login_disconnect", "disconnect"),
    ("login_finished", "success"),
];

const LOGIN_SERVERBOUND: Table = &[
    ("custom_query_answer", "login_plugin_response"),
    ("hello", "login_start"),
    ("key", "encryption_begin"),
];

const CONFIGURATION_CLIENTBOUND: Table = &[
    ("resource_pack_pop", "remove_resource_pack"),
    ("resource_pack_push", "add_resource_pack"),
    ("update_enabled_features", "feature_flags"),
    ("update_tags", "tags"),
];

const CONFIGURATION_SERVERBOUND: Table = &[
    ("client_information", "settings"),
    ("resource_pack", "resource_pack_receive"),
];

const PLAY_CLIENTBOUND: Table = &[
    ("add_entity", "spawn_entity"),
    ("animate", "animation"),
    ("award_stats", "statistics"),
    ("block_changed_ack", "acknowledge_player_digging"),
    ("block_destruction", "block_break_animation"),
    ("block_entity_data", "tile_entity_data"),
    ("block_event", "block_action"),
    ("block_update", "block_change"),
    ("boss_event", "boss_bar"),
    ("change_difficulty", "difficulty"),
    ("chunks_biomes", "chunk_biomes"),
    ("command_suggestions", "tab_complete"),
    ("commands", "declare_commands"),
    ("container_close", "close_window"),
    ("container_set_content", "window_items"),
    ("container_set_data", "craft_progress_bar"),
    ("container_set_slot", "set_slot"),
    ("cooldown", "set_cooldown"),
    ("custom_chat_completions", "chat_suggestions"),
    ("delete_chat", "hide_message"),
    ("disconnect", "kick_disconnect"),
    ("disguised_chat", "profileless_chat"),
    ("entity_event", "entity_status"),
    ("entity_position_sync", "sync_entity_position"),
    ("explode", "explosion"),
    ("forget_level_chunk", "unload_chunk"),
    ("game_event", "game_state_change"),
    ("initialize_border", "initialize_world_border"),
    ("level_chunk_with_light", "map_chunk"),
    ("level_event", "world_event"),
    ("level_particles", "world_particles"),
    ("light_update", "update_light"),
    ("map_item_data", "map"),
    ("merchant_offers", "trade_list"),
    ("mount_screen_open", "open_horse_window"),
    ("move_entity_pos", "rel_entity_move"),
    ("move_entity_pos_rot", "entity_move_look"),
    ("move_entity_rot", "entity_look"),
    ("move_minecart_along_track", "move_minecart"),
    ("move_vehicle", "vehicle_move"),
    ("open_screen", "open_window"),
    ("open_sign_editor", "open_sign_entity"),
    ("place_ghost_recipe", "craft_recipe_response"),
    ("player_abilities", "abilities"),
    ("player_combat_end", "end_combat_event"),
    ("player_combat_enter", "enter_combat_event"),
    ("player_combat_kill", "death_combat_event"),
    ("player_info_remove", "player_remove"),
    ("player_info_update", "player_info"),
    ("player_look_at", "face_player"),
    ("player_position", "position"),
    ("pong_response", "ping_response"),
    ("projectile_power", "set_projectile_power"),
    ("remove_entities", "entity_destroy"),
    ("remove_mob_effect", "remove_entity_effect"),
    ("resource_pack_pop", "remove_resource_pack"),
    ("resource_pack_push", "add_resource_pack"),
    ("rotate_head", "entity_head_rotation"),
    ("section_blocks_update", "multi_block_change"),
    ("select_advancements_tab", "select_advancement_tab"),
    ("set_action_bar_text", "action_bar"),
    ("set_border_center", "world_border_center"),
    ("set_border_lerp_size", "world_border_lerp_size"),
    ("set_border_size", "world_border_size"),
    ("set_border_warning_delay", "world_border_warning_delay"),
    ("set_border_warning_distance", "world_border_warning_reach"),
    ("set_camera", "camera"),
    ("set_chunk_cache_center", "update_view_position"),
    ("set_chunk_cache_radius", "update_view_distance"),
    ("set_default_spawn_position", "spawn_position"),
    ("set_display_objective", "scoreboard_display_objective"),
    ("set_entity_data", "entity_metadata"),
    ("set_entity_link", "attach_entity"),
    ("set_entity_motion", "entity_velocity"),
    ("set_equipment", "entity_equipment"),
    ("set_experience", "experience"),
    ("set_health", "update_health"),
    ("set_held_slot", "held_item_slot"),
    ("set_objective", "scoreboard_objective"),
    ("set_player_team", "teams"),
    ("set_score", "scoreboard_score"),
    ("set_simulation_distance", "simulation_distance"),
    ("set_subtitle_text", "set_title_subtitle"),
    ("set_time", "update_time"),
    ("set_titles_animation", "set_title_time"),
    ("sound", "sound_effect"),
    ("sound_entity", "entity_sound_effect"),
    ("tab_list", "playerlist_header"),
    ("tag_query", "nbt_query_response"),
    ("take_item_entity", "collect"),
    ("teleport_entity", "entity_teleport"),
    ("ticking_state", "set_ticking_state"),
    ("ticking_step", "step_tick"),
    ("update_advancements", "advancements"),
    ("update_attributes", "entity_update_attributes"),
    ("update_mob_effect", "entity_effect"),
    ("update_recipes", "declare_recipes"),
    ("update_tags", "tags"),
    ("waypoint", "tracked_waypoint"),
];

const PLAY_SERVERBOUND: Table = &[
    ("accept_teleportation", "teleport_confirm"),
    ("block_entity_tag_query", "query_block_nbt"),
    ("bundle_item_selected", "select_bundle_item"),
    ("change_difficulty", "set_difficulty"),
    ("change_game_mode", "change_gamemode"),
    ("chat", "chat_message"),
    ("chat_ack", "message_acknowledgement"),
    ("client_information", "settings"),
    ("client_tick_end", "tick_end"),
    ("command_suggestion", "tab_complete"),
    ("container_button_click", "enchant_item"),
    ("container_click", "window_click"),
    ("container_close", "close_window"),
    ("container_slot_state_changed", "set_slot_state"),
    ("entity_tag_query", "query_entity_nbt"),
    ("interact", "use_entity"),
    ("jigsaw_generate", "generate_structure"),
    ("move_player_pos", "position"),
    ("move_player_pos_rot", "position_look"),
    ("move_player_rot", "look"),
    ("move_player_status_only", "flying"),
    ("move_vehicle", "vehicle_move"),
    ("paddle_boat", "steer_boat"),
    ("place_recipe", "craft_recipe_request"),
    ("player_abilities", "abilities"),
    ("player_action", "block_dig"),
    ("player_command", "entity_action"),
    ("recipe_book_change_settings", "recipe_book"),
    ("recipe_book_seen_recipe", "displayed_recipe"),
    ("rename_item", "name_item"),
    ("resource_pack", "resource_pack_receive"),
    ("seen_advancements", "advancement_tab"),
    ("set_beacon", "set_beacon_effect"),
    ("set_carried_item", "held_item_slot"),
    ("set_command_block", "update_command_block"),
    ("set_command_minecart", "update_command_block_minecart"),
    ("set_creative_mode_slot", "set_creative_slot"),
    ("set_jigsaw_block", "update_jigsaw_block"),
    ("set_structure_block", "update_structure_block"),
    ("sign_update", "update_sign"),
    ("swing", "arm_animation"),
    ("teleport_to_entity", "spectate"),
    ("use_item_on", "block_place"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sorted_and_name_nothing_twice() {
        for table in [
            HANDSHAKING,
            LOGIN_CLIENTBOUND,
            LOGIN_SERVERBOUND,
            CONFIGURATION_CLIENTBOUND,
            CONFIGURATION_SERVERBOUND,
            PLAY_CLIENTBOUND,
            PLAY_SERVERBOUND,
        ] {
            assert!(table.is_sorted_by(|a, b| a.0 < b.0));
            let mut ours: Vec<_> = table.iter().map(|(_, ours)| ours).collect();
            ours.sort_unstable();
            ours.dedup();
            assert_eq!(ours.len(), table.len());
        }
    }

    #[test]
    fn names_are_translated_where_they_differ() {
        let name = |name| minecraft_data(State::Play, Direction::Clientbound, name);
        assert_eq!(name("player_position"), "position");
        assert_eq!(name("login"), "login");
    }
}
