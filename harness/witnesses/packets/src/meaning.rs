//! What the packets of a session are meant to say: the configuration of both ends, said once.

use backend_proto::{GameProfile, TextComponent};
use sim_proto::{ClientConfig, Settings};
use vb_data::{Direction, State};

use crate::record::{Meant, Recorded, Value, Writer};

/// The player.
pub(crate) const NAME: &str = "Witness_16_chars";
/// What the player types: a message and a command, whatever the protocol makes of it.
pub(crate) const SAID: [&str; 2] = ["hello é€", "/leave now"];
/// Why the host ends sessions.
pub(crate) const FAREWELL: &str = "That was all: \"é€\\\".";
const MESSAGE: &str = "From the host.";

/// A client with settings that differ from each other and from their defaults.
pub(crate) fn client(protocol: i32) -> ClientConfig {
    let settings = Settings {
        locale: "sv_se".to_owned(),
        view_distance: 11,
        chat_mode: 1,
        chat_colours: false,
        skin_parts: 0x55,
        main_hand: 0,
        text_filtering: true,
        server_listing: false,
        particles: 2,
        difficulty: 3,
        show_cape: true,
    };
    ClientConfig {
        settings,
        ..ClientConfig::new(protocol, NAME)
    }
}

pub(crate) fn message() -> TextComponent {
    TextComponent::cut(MESSAGE)
}

/// What a packet of a session is meant to say.
pub(crate) fn of(protocol: i32, config: &ClientConfig, packet: &Recorded) -> Vec<Meant> {
    match (packet.writer, packet.direction) {
        (Writer::Client, Direction::Serverbound) => of_client(protocol, config, packet),
        (Writer::Backend, Direction::Clientbound) => of_backend(packet),
        _ => Vec::new(),
    }
}

fn of_client(protocol: i32, config: &ClientConfig, packet: &Recorded) -> Vec<Meant> {
    match (packet.state, packet.name.as_str()) {
        (State::Handshaking, "set_protocol") => vec![
            meant("protocolVersion", Value::Int(i64::from(protocol))),
            meant("serverHost", Value::Str(config.address.clone())),
            meant("serverPort", Value::Int(i64::from(config.port))),
        ],
        (State::Login, "login_start") => vec![
            meant("username", Value::Str(NAME.to_owned())),
            meant("?playerUUID", Value::Uuid(config.uuid)),
        ],
        (_, "settings") => settings(&config.settings),
        _ => Vec::new(),
    }
}

fn settings(settings: &Settings) -> Vec<Meant> {
    const PARTICLES: [&str; 3] = ["all", "decreased", "minimal"];
    let flag = |field, value| meant(field, Value::Bool(value));
    let int = |field, value: i32| meant(field, Value::Int(i64::from(value)));
    let particles = PARTICLES[usize::try_from(settings.particles)
        .unwrap_or_default()
        .min(2)];
    vec![
        meant("locale", Value::Str(settings.locale.clone())),
        int("viewDistance", i32::from(settings.view_distance)),
        int("chatFlags", settings.chat_mode),
        flag("chatColors", settings.chat_colours),
        int("?difficulty", i32::from(settings.difficulty)),
        flag("?showCape", settings.show_cape),
        int("?skinParts", i32::from(settings.skin_parts)),
        int("?mainHand", settings.main_hand),
        // 755 and 756 say the contrary, of filtering that is off.
        flag("?disableTextFiltering", !settings.text_filtering),
        flag("?enableTextFiltering", settings.text_filtering),
        flag("?enableServerListing", settings.server_listing),
        meant(
            "?particleStatus",
            Value::Choice(i64::from(settings.particles), particles),
        ),
    ]
}

fn of_backend(packet: &Recorded) -> Vec<Meant> {
    match (packet.state, packet.name.as_str()) {
        (State::Login, "success") => vec![
            meant("uuid", Value::Uuid(GameProfile::offline(NAME).uuid.0)),
            meant("username", Value::Str(NAME.to_owned())),
        ],
        (State::Login, "compress") => vec![meant("threshold", Value::Int(256))],
        (_, "disconnect" | "kick_disconnect") => {
            vec![meant("reason", Value::Text(FAREWELL.to_owned()))]
        }
        (State::Play, "chat" | "system_chat") => {
            vec![meant("message|content", Value::Text(MESSAGE.to_owned()))]
        }
        _ => Vec::new(),
    }
}

pub(crate) fn meant(field: &'static str, value: Value) -> Meant {
    Meant { field, value }
}
