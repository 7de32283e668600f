//! What the simulated client's builders are asked for, besides what its sessions sent: answers that no session of ours
//! provokes, and each form that a packet has.

use sim_proto::serverbound::{self, Movement};
use sim_proto::{KnownPack, Version};
use vb_data::{Direction, State};

use crate::meaning::meant;
use crate::record::{Meant, Recorded, Recording, Value, Writer};

const KEY: &str = "witness:cookie";
const UUID: u128 = 0x0123_4567_89ab_4cde_8f01_2345_6789_abcd;
const HASH: &str = "0123456789abcdef0123456789abcdef01234567";

pub(crate) fn record(recording: &mut Recording) {
    let version = Version::new(recording.protocol);
    for (state, name, data, meant) in all(version) {
        let table = vb_data::packets(recording.protocol, state, Direction::Serverbound);
        // A builder is there for every protocol; what the protocol does not have is never sent.
        let Some(id) = table.and_then(|table| table.id(name)) else {
            continue;
        };
        recording.packets.push(Recorded {
            state,
            direction: Direction::Serverbound,
            id,
            name: name.to_owned(),
            data,
            writer: Writer::Client,
            meant,
        });
    }
}

type Built = (State, &'static str, Vec<u8>, Vec<Meant>);

fn all(version: Version) -> Vec<Built> {
    let mut all = vec![
        (
            State::Login,
            "login_plugin_response",
            serverbound::login_plugin_response(7, None),
            ids("messageId", 7),
        ),
        (
            State::Login,
            "login_plugin_response",
            serverbound::login_plugin_response(300, Some(b"yes")),
            ids("messageId", 300),
        ),
    ];
    for state in [State::Login, State::Configuration, State::Play] {
        for payload in [None, Some(&b"crumbs"[..])] {
            let key = vec![meant("key", Value::Str(KEY.to_owned()))];
            all.push((
                state,
                "cookie_response",
                serverbound::cookie_response(KEY, payload),
                key,
            ));
        }
    }
    for state in [State::Configuration, State::Play] {
        all.push((state, "pong", serverbound::pong(-5), ids("id", -5)));
        for id in [0, i64::from(i32::MAX), 1_000_000_007] {
            let meant = vec![meant("keepAliveId", Value::Int(id))];
            all.push((
                state,
                "keep_alive",
                serverbound::keep_alive(version, id),
                meant,
            ));
        }
        let declined = serverbound::resource_pack_declined(version, Some(UUID), HASH);
        all.push((state, "resource_pack_receive", declined, ids("result", 1)));
        let channel = version.brand_channel();
        let message = serverbound::plugin_message(version, channel, b"\x03abc");
        let meant = vec![meant("channel", Value::Str(channel.to_owned()))];
        all.push((state, "custom_payload", message, meant));
    }
    let packs = ["core", "more"].map(|id| KnownPack {
        namespace: "minecraft".to_owned(),
        id: id.to_owned(),
        version: "1".to_owned(),
    });
    all.push((
        State::Configuration,
        "select_known_packs",
        serverbound::known_packs(&packs),
        Vec::new(),
    ));
    all.push((
        State::Configuration,
        "accept_code_of_conduct",
        Vec::new(),
        Vec::new(),
    ));
    in_play(version, &mut all);
    all
}

fn in_play(version: Version, all: &mut Vec<Built>) {
    const AT: [f64; 3] = [-8.5, 65.25, 40.75];
    const LOOK: [f32; 2] = [90.0, -30.5];
    let doubles = || {
        ["x", "y", "z"]
            .into_iter()
            .zip(AT)
            .map(|(field, value)| meant(field, Value::Double(value)))
    };
    let floats = || {
        ["yaw", "pitch"]
            .into_iter()
            .zip(LOOK)
            .map(|(field, value)| meant(field, Value::Float(value)))
    };
    for position in [None, Some(AT)] {
        for rotation in [None, Some(LOOK)] {
            let (name, data) = serverbound::movement(
                version,
                &Movement {
                    position,
                    rotation,
                    on_ground: true,
                },
            );
            let mut said: Vec<_> = position.iter().flat_map(|_| doubles()).collect();
            said.extend(rotation.iter().flat_map(|_| floats()));
            all.push((State::Play, name, data, said));
        }
    }
    all.push((
        State::Play,
        "chunk_batch_received",
        serverbound::chunk_batch_received(7.5),
        vec![meant("chunksPerTick", Value::Float(7.5))],
    ));
    for text in ["", "a\"b\\ é€😀", &"m".repeat(100)] {
        let (name, data) = serverbound::chat(version, text);
        all.push((
            State::Play,
            name,
            data,
            vec![meant("message", Value::Str(text.to_owned()))],
        ));
    }
    let (name, data) = serverbound::chat(version, "/say hello there");
    all.push((State::Play, name, data, Vec::new()));
    all.push((
        State::Play,
        "configuration_acknowledged",
        Vec::new(),
        Vec::new(),
    ));
}

fn ids(field: &'static str, id: i64) -> Vec<Meant> {
    vec![meant(field, Value::Int(id))]
}
