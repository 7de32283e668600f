//! How the simulated client behaves. Every variation that a case needs is a field here.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use crate::fnv::Fnv;

/// What the connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// The server list: status request and ping, then close.
    Status,
    /// The game.
    Login,
}

/// What the client does with a keep-alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeepAlivePolicy {
    /// Answers at once with the same id, as vanilla does.
    Answer,
    /// Never answers.
    Never,
    /// Answers after this long (a window that is frozen).
    Delay(Duration),
    /// Answers with the id plus one.
    WrongId,
    /// Answers twice.
    Twice,
}

/// The client's options, as its settings packet carries them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Such as `en_us`; at most 16 UTF-16 units.
    pub locale: String,
    /// In chunks.
    pub view_distance: i8,
    /// 0 everything, 1 commands only, 2 hidden.
    pub chat_mode: i32,
    /// Whether chat may have colours.
    pub chat_colours: bool,
    /// Bits of the skin's parts that show; 0x7f is all (47+).
    pub skin_parts: u8,
    /// 0 left, 1 right (107+).
    pub main_hand: i32,
    /// Whether the server should filter text (755+).
    pub text_filtering: bool,
    /// Whether the server's list may show the player (757+).
    pub server_listing: bool,
    /// 0 all particles, 1 fewer, 2 least (768+).
    pub particles: i32,
    /// 0 peaceful to 3 hard (4, 5).
    pub difficulty: u8,
    /// Whether the cape shows (4, 5).
    pub show_cape: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            locale: "en_us".to_owned(),
            view_distance: 8,
            chat_mode: 0,
            chat_colours: true,
            skin_parts: 0x7f,
            main_hand: 1,
            text_filtering: false,
            server_listing: true,
            particles: 0,
            difficulty: 2,
            show_cape: true,
        }
    }
}

/// What a client is and does. [`ClientConfig::new`] gives a vanilla one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientConfig {
    /// The protocol to speak, 4 to 777.
    pub protocol: i32,
    /// What the connection is for.
    pub intent: Intent,
    /// Name in login start; vanilla allows 1 to 16 UTF-16 units, here it is sent as it is.
    pub name: String,
    /// The UUID that login start claims (759+, where the protocol has it).
    pub uuid: u128,
    /// Host name in the handshake.
    pub address: String,
    /// Port in the handshake.
    pub port: u16,
    /// Which of the protocol's game versions it is, by the version of its known pack (766+); None for the newest.
    pub game_version: Option<String>,
    /// The client's options.
    pub settings: Settings,
    /// What it calls itself.
    pub brand: String,
    /// What it does with a keep-alive.
    pub keep_alive: KeepAlivePolicy,
    /// Whether it sends keep-alive 0 unasked on the terrain screen, where the protocol's clients do (4-338).
    pub unasked_keep_alive: bool,
    /// Cookies that a server had it keep before it was transferred here (766+), by their keys with a namespace.
    pub cookies: BTreeMap<String, Vec<u8>>,
    /// Whether it accepts a server's code of conduct (773+); else it leaves, as a player does who declines.
    pub accept_code_of_conduct: bool,
    /// Packets of the play state, by id, whose contents it takes as they are: for whoever sends any bytes under them.
    pub unread: BTreeSet<i32>,
    /// Whether it sends movement and the end of each tick. Position-and-look is answered either way.
    pub send_movement: bool,
}

impl ClientConfig {
    /// A vanilla client of this protocol. Its UUID is derived from the name, so equal names are equal clients.
    pub fn new(protocol: i32, name: impl Into<String>) -> Self {
        let name = name.into();
        ClientConfig {
            protocol,
            intent: Intent::Login,
            uuid: name_uuid(&name),
            name,
            address: "localhost".to_owned(),
            port: 25565,
            game_version: None,
            settings: Settings::default(),
            brand: "vanilla".to_owned(),
            keep_alive: KeepAlivePolicy::Answer,
            unasked_keep_alive: true,
            cookies: BTreeMap::new(),
            accept_code_of_conduct: true,
            unread: BTreeSet::new(),
            send_movement: true,
        }
    }
}

/// A version 3 UUID from a name: the layout of an offline player's, with FNV-1a (two halves) in place of MD5, which
/// nothing else here needs.
fn name_uuid(name: &str) -> u128 {
    let half = |seed: u64| {
        let mut hash = Fnv::seeded(seed);
        hash.write(name.as_bytes());
        hash.value()
    };
    let raw = (u128::from(half(0)) << 64) | u128::from(half(0x9e37_79b9_7f4a_7c15));
    (raw & !(0xf << 76) & !(0x3 << 62)) | (0x3 << 76) | (0x2 << 62)
}
