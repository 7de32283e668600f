use vb_data::{Direction, State};

use crate::Version;

use Direction::{Clientbound, Serverbound};
use State::{Configuration, Handshaking, Login, Play, Status};

type Row = (i32, i32, State, Direction, &'static [&'static str]);

/// After the last protocol.
const END: i32 = i32::MAX;

/// Names that the machine reads or writes, from a protocol on and until (exclusive) another.
const NAMES: &[Row] = &[
    (4, END, Handshaking, Serverbound, &["set_protocol"]),
    (4, END, Status, Serverbound, &["ping_start", "ping"]),
    (4, END, Status, Clientbound, &["server_info", "ping"]),
    (4, END, Login, Serverbound, &["login_start"]),
    (
        4,
        END,
        Login,
        Clientbound,
        &["disconnect", "encryption_begin", "success"],
    ),
    (47, END, Login, Clientbound, &["compress"]),
    (393, END, Login, Clientbound, &["login_plugin_request"]),
    (393, END, Login, Serverbound, &["login_plugin_response"]),
    (764, END, Login, Serverbound, &["login_acknowledged"]),
    (766, END, Login, Clientbound, &["cookie_request"]),
    (773, END, Configuration, Clientbound, &["code_of_conduct"]),
    (
        773,
        END,
        Configuration,
        Serverbound,
        &["accept_code_of_conduct"],
    ),
    (766, END, Login, Serverbound, &["cookie_response"]),
    (
        764,
        END,
        Configuration,
        Clientbound,
        &[
            "custom_payload",
            "disconnect",
            "finish_configuration",
            "keep_alive",
            "ping",
            "registry_data",
            "feature_flags",
            "tags",
        ],
    ),
    (
        764,
        END,
        Configuration,
        Serverbound,
        &[
            "settings",
            "custom_payload",
            "finish_configuration",
            "keep_alive",
            "pong",
            "resource_pack_receive",
        ],
    ),
    (
        764,
        765,
        Configuration,
        Clientbound,
        &["resource_pack_send"],
    ),
    (765, END, Configuration, Clientbound, &["add_resource_pack"]),
    (
        766,
        END,
        Configuration,
        Clientbound,
        &[
            "cookie_request",
            "select_known_packs",
            "store_cookie",
            "transfer",
        ],
    ),
    (
        766,
        END,
        Configuration,
        Serverbound,
        &["cookie_response", "select_known_packs"],
    ),
    (
        4,
        END,
        Play,
        Clientbound,
        &[
            "keep_alive",
            "login",
            "position",
            "map_chunk",
            "game_state_change",
            "spawn_position",
            "update_time",
            "kick_disconnect",
            "custom_payload",
            "abilities",
            "respawn",
        ],
    ),
    (4, 759, Play, Clientbound, &["chat"]),
    (759, END, Play, Clientbound, &["system_chat", "player_chat"]),
    (761, END, Play, Clientbound, &["profileless_chat"]),
    (4, 107, Play, Clientbound, &["map_chunk_bulk"]),
    (47, 107, Play, Clientbound, &["set_compression"]),
    (47, END, Play, Clientbound, &["difficulty"]),
    (47, 765, Play, Clientbound, &["resource_pack_send"]),
    (765, END, Play, Clientbound, &["add_resource_pack"]),
    (107, END, Play, Clientbound, &["unload_chunk"]),
    (393, END, Play, Clientbound, &["tags"]),
    (
        477,
        END,
        Play,
        Clientbound,
        &[
            "update_view_position",
            "update_view_distance",
            "update_light",
        ],
    ),
    (755, END, Play, Clientbound, &["ping"]),
    (757, END, Play, Clientbound, &["simulation_distance"]),
    (761, 764, Play, Clientbound, &["feature_flags"]),
    (762, END, Play, Clientbound, &["bundle_delimiter"]),
    (
        764,
        END,
        Play,
        Clientbound,
        &[
            "chunk_batch_start",
            "chunk_batch_finished",
            "start_configuration",
        ],
    ),
    (
        766,
        END,
        Play,
        Clientbound,
        &["cookie_request", "store_cookie", "transfer"],
    ),
    (
        4,
        END,
        Play,
        Serverbound,
        &[
            "keep_alive",
            "custom_payload",
            "position",
            "position_look",
            "look",
            "flying",
        ],
    ),
    (4, 764, Play, Serverbound, &["settings"]),
    (4, 759, Play, Serverbound, &["chat"]),
    (
        759,
        END,
        Play,
        Serverbound,
        &["chat_message", "chat_command"],
    ),
    (47, END, Play, Serverbound, &["resource_pack_receive"]),
    (107, END, Play, Serverbound, &["teleport_confirm"]),
    (755, END, Play, Serverbound, &["pong"]),
    (
        764,
        END,
        Play,
        Serverbound,
        &["chunk_batch_received", "configuration_acknowledged"],
    ),
    (766, END, Play, Serverbound, &["cookie_response"]),
    (768, END, Play, Serverbound, &["tick_end"]),
    (769, END, Play, Serverbound, &["player_loaded"]),
];

/// Every packet that this crate reads or writes on a protocol, by state, direction and name: the packet tables must
/// have each of them.
pub fn required_packets(protocol: i32) -> Vec<(State, Direction, &'static str)> {
    let version = Version::new(protocol);
    NAMES
        .iter()
        .filter(|(from, until, ..)| version.from(*from) && !version.from(*until))
        .flat_map(|(_, _, state, direction, names)| {
            names.iter().map(|name| (*state, *direction, *name))
        })
        .collect()
}
