//! Text components, dumps, and the encoders of what a client sends.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod common;

use common::{Duel, PROTOCOLS, empty_chunk, join_game, position};
use sim_proto::nbt::{self, Compound, Kind, List, Tag};
use sim_proto::serverbound::{self, Movement};
use sim_proto::wire::Writer;
use sim_proto::{Settings, Version, annotate, annotate_in, decode};
use vb_data::{Direction, State};

fn compound(entries: Vec<(&str, Tag)>) -> Tag {
    let mut compound = Compound::default();
    entries
        .into_iter()
        .for_each(|(name, tag)| compound.push(name, tag));
    Tag::Compound(compound)
}

fn string(text: &str) -> Tag {
    Tag::String(text.to_owned())
}

#[test]
fn components_as_deep_as_nbt_may_be_are_read() {
    // Each component is a compound in a list: two levels.
    let mut tag = compound(vec![("text", string("x"))]);
    for _ in 0..nbt::MAX_DEPTH / 2 - 1 {
        let extra = Tag::List(List {
            kind: Kind::Compound,
            items: vec![tag],
        });
        tag = compound(vec![("text", string("")), ("extra", extra)]);
    }
    let Tag::Compound(root) = &tag else {
        unreachable!()
    };
    let mut data = nbt::write_root(root, None).unwrap();
    data.push(0);
    let context = sim_proto::Context::new(Version::new(775));
    let packet = decode(&context, State::Play, "system_chat", &data.into()).unwrap();
    assert!(matches!(packet, sim_proto::Packet::SystemChat(chat) if chat.text.plain == "x"));
}

#[test]
fn a_dump_shows_offset_bytes_and_value() {
    let data = position(340, 0.5, 64.0, 0.5, 7);
    let dump = annotate(
        Version::new(340),
        State::Play,
        Direction::Clientbound,
        0x2f,
        &data,
    );
    assert_eq!(
        dump.render(),
        "\
position (id 0x2f), 34 bytes
     0 | 3f e0 00 00 00 00 00 00  | x = 0.5
     8 | 40 50 00 00 00 00 00 00  | y = 64
    16 | 3f e0 00 00 00 00 00 00  | z = 0.5
    24 | 42 b4 00 00              | yaw = 90
    28 | 41 20 00 00              | pitch = 10
    32 | 00                       | flags = 0
    33 | 07                       | teleportId = 7
"
    );
}

#[test]
fn a_dump_shows_where_reading_stopped() {
    let mut data = position(340, 0.5, 64.0, 0.5, 7);
    data.push(9);
    let dump = annotate(
        Version::new(340),
        State::Play,
        Direction::Clientbound,
        0x2f,
        &data,
    )
    .render();
    assert!(
        dump.ends_with(
            "    34 | 09                       ! : 1 bytes are left over after the last field\n"
        ),
        "{dump}"
    );
    data.truncate(20);
    let dump = annotate(
        Version::new(340),
        State::Play,
        Direction::Clientbound,
        0x2f,
        &data,
    )
    .render();
    assert!(
        dump.contains("! z: the packet ends too early: 8 bytes are wanted, 4 are left"),
        "{dump}"
    );
}

#[test]
fn a_dump_of_a_packet_that_nobody_knows_says_so() {
    let dump = annotate(
        Version::new(777),
        State::Play,
        Direction::Clientbound,
        0x53,
        &[1, 2],
    )
    .render();
    assert!(dump.contains("(value) = 2 bytes"), "{dump}");
    let dump = annotate(
        Version::new(340),
        State::Play,
        Direction::Clientbound,
        0x7777,
        &[1],
    )
    .render();
    assert!(
        dump.starts_with("(no such packet) (id 0x7777), 1 bytes"),
        "{dump}"
    );
}

#[test]
fn a_dump_of_join_game_names_each_registry_and_how_much_is_in_it() {
    let table = vb_data::packets(763, State::Play, Direction::Clientbound).unwrap();
    let id = table.id("login").unwrap();
    let dump = annotate(
        Version::new(763),
        State::Play,
        Direction::Clientbound,
        id,
        &join_game(763),
    );
    assert_eq!(dump.error, None);
    let value = |path: &str| {
        let field = dump.fields.iter().find(|field| field.path == path);
        field.unwrap_or_else(|| panic!("{path}")).value.clone()
    };
    assert_eq!(
        value("dimensionCodec.minecraft:worldgen/biome"),
        "registry, 64 entries"
    );
    assert_eq!(value("worldNames[0]"), "\"minecraft:overworld\"");
    assert_eq!(value("death.location"), "-1");
    assert!(dump.fields.len() < 40, "biomes are not listed one by one");
}

#[test]
fn dumps_cover_every_byte_of_what_is_read() {
    for protocol in PROTOCOLS {
        let mut duel = Duel::new(*protocol);
        duel.join();
        let version = Version::new(*protocol);
        let table = vb_data::packets(*protocol, State::Play, Direction::Clientbound).unwrap();
        for (name, data) in [
            ("login", join_game(*protocol)),
            ("position", position(*protocol, 0.0, 1.0, 2.0, 3)),
            ("map_chunk", empty_chunk(*protocol, 0, 0)),
        ] {
            let id = table.id(name).unwrap();
            let dump = annotate_in(
                duel.client.context(),
                State::Play,
                Direction::Clientbound,
                id,
                &data,
            );
            assert_eq!(dump.error, None, "{protocol} {name}");
            let mut covered = vec![false; data.len()];
            for field in &dump.fields {
                covered[field.offset..field.offset + field.len]
                    .iter_mut()
                    .for_each(|byte| *byte = true);
            }
            let gap = covered.iter().position(|byte| !byte);
            assert_eq!(gap, None, "{protocol} {name}\n{}", dump.render());
            assert_eq!(dump.name, Some(name));
        }
        let dump = annotate(
            version,
            State::Play,
            Direction::Clientbound,
            table.id("map_chunk").unwrap(),
            &empty_chunk(*protocol, 0, 0),
        );
        assert_eq!(dump.error, None, "{protocol}");
    }
}

#[test]
fn dumps_are_bounded() {
    let mut w = Writer::new();
    w.varint(100_000);
    for _ in 0..100_000 {
        w.string("a:b");
    }
    let table = vb_data::packets(763, State::Play, Direction::Clientbound).unwrap();
    let id = table.id("feature_flags").unwrap();
    let dump = annotate(
        Version::new(763),
        State::Play,
        Direction::Clientbound,
        id,
        &w.into_bytes(),
    );
    assert!(dump.fields.len() <= 4096);
}

/// Everything that a client sent is read whole by the layouts that dumps use.
#[test]
fn what_a_client_sends_can_be_dumped() {
    for protocol in PROTOCOLS {
        let mut duel = Duel::new(*protocol);
        duel.join();
        duel.client.chat("hello").unwrap();
        duel.client.chat("/leave").unwrap();
        duel.drain();
        duel.pass(std::time::Duration::from_secs(2));
        for sent in duel.sent() {
            let dump = annotate(
                Version::new(*protocol),
                sent.state,
                Direction::Serverbound,
                sent.id,
                &sent.data,
            );
            assert_eq!(dump.name, sent.name);
            assert_eq!(dump.error, None, "{protocol} {:?}", sent.name);
            assert!(
                !dump.fields.iter().any(|field| field.path == "(not read)"),
                "{protocol} {:?}",
                sent.name
            );
        }
    }
}

#[test]
fn settings_of_each_range() {
    let settings = Settings::default();
    let bytes = |protocol| serverbound::settings(Version::new(protocol), &settings);
    let locale = b"\x05en_us";
    let with = |rest: &[u8]| [&locale[..], rest].concat();
    assert_eq!(bytes(4), with(&[8, 0, 1, 2, 1]));
    assert_eq!(bytes(47), with(&[8, 0, 1, 0x7f]));
    assert_eq!(bytes(340), with(&[8, 0, 1, 0x7f, 1]));
    assert_eq!(bytes(755), with(&[8, 0, 1, 0x7f, 1, 1]));
    assert_eq!(bytes(757), with(&[8, 0, 1, 0x7f, 1, 0, 1]));
    assert_eq!(bytes(767), with(&[8, 0, 1, 0x7f, 1, 0, 1]));
    assert_eq!(bytes(768), with(&[8, 0, 1, 0x7f, 1, 0, 1, 0]));
}

#[test]
fn login_start_of_each_range() {
    let bytes = |protocol| serverbound::login_start(Version::new(protocol), "ab", 1);
    let uuid = 1_u128.to_be_bytes();
    let with = |rest: &[u8]| [&b"\x02ab"[..], rest].concat();
    assert_eq!(bytes(758), with(&[]));
    assert_eq!(bytes(759), with(&[0]));
    assert_eq!(bytes(760), with(&[&[0, 1][..], &uuid].concat()));
    assert_eq!(bytes(761), with(&[&[1][..], &uuid].concat()));
    assert_eq!(bytes(763), with(&[&[1][..], &uuid].concat()));
    assert_eq!(bytes(764), with(&uuid));
}

#[test]
fn chat_of_each_range() {
    let text = b"\x02hi";
    let chat = |protocol| serverbound::chat(Version::new(protocol), "hi");
    let command = |protocol| serverbound::chat(Version::new(protocol), "/hi");
    let with = |rest: &[u8]| [&text[..], rest].concat();
    let stamp = [0; 16];
    assert_eq!(chat(758), ("chat", text.to_vec()));
    assert_eq!(
        chat(759),
        ("chat_message", with(&[&stamp[..], &[0, 0]].concat()))
    );
    assert_eq!(
        chat(760),
        ("chat_message", with(&[&stamp[..], &[0, 0, 0, 0]].concat()))
    );
    assert_eq!(
        chat(761),
        (
            "chat_message",
            with(&[&stamp[..], &[0, 0, 0, 0, 0]].concat())
        )
    );
    assert_eq!(
        chat(770),
        (
            "chat_message",
            with(&[&stamp[..], &[0, 0, 0, 0, 0, 0]].concat())
        )
    );
    assert_eq!(command(758), ("chat", b"\x03/hi".to_vec()));
    assert_eq!(
        command(759),
        ("chat_command", with(&[&stamp[..], &[0, 0]].concat()))
    );
    assert_eq!(
        command(760),
        ("chat_command", with(&[&stamp[..], &[0, 0, 0, 0]].concat()))
    );
    assert_eq!(
        command(761),
        (
            "chat_command",
            with(&[&stamp[..], &[0, 0, 0, 0, 0]].concat())
        )
    );
    assert_eq!(command(766), ("chat_command", text.to_vec()));
}

#[test]
fn movement_of_each_range() {
    let movement = Movement {
        position: Some([1.0, 2.0, 3.0]),
        rotation: Some([4.0, 5.0]),
        on_ground: true,
    };
    let bytes = |protocol| {
        let (name, data) = serverbound::movement(Version::new(protocol), &movement);
        assert_eq!(name, "position_look");
        data
    };
    let mut feet = Writer::new();
    feet.f64(1.0).f64(2.0).f64(3.0).f32(4.0).f32(5.0).bool(true);
    assert_eq!(bytes(47), feet.clone().into_bytes());
    assert_eq!(bytes(775), feet.into_bytes());
    let mut stance = Writer::new();
    stance
        .f64(1.0)
        .f64(2.0)
        .f64(2.0 + serverbound::EYE_HEIGHT)
        .f64(3.0)
        .f32(4.0)
        .f32(5.0)
        .bool(true);
    assert_eq!(bytes(5), stance.into_bytes());
    for (position, rotation, name, length) in [
        (true, false, "position", 25),
        (false, true, "look", 9),
        (false, false, "flying", 1),
    ] {
        let part = Movement {
            position: movement.position.filter(|_| position),
            rotation: movement.rotation.filter(|_| rotation),
            on_ground: false,
        };
        let (found, data) = serverbound::movement(Version::new(340), &part);
        assert_eq!((found, data.len()), (name, length));
    }
}

#[test]
fn brands_of_each_range() {
    let bytes = |protocol| serverbound::brand(Version::new(protocol), "ab");
    assert_eq!(bytes(5), b"\x08MC|Brand\x00\x02ab");
    assert_eq!(bytes(340), b"\x08MC|Brand\x02ab");
    assert_eq!(bytes(393), b"\x0fminecraft:brand\x02ab");
}

#[test]
fn teleport_confirmations_of_777_hold_the_position() {
    assert_eq!(serverbound::teleport_confirm(300), [0xac, 0x02]);
    let data = serverbound::teleport_confirm_at(1, [1.0, 2.0, 3.0], [4.0, 5.0]);
    assert_eq!(data.len(), 1 + 3 * 8 + 2 * 4);
}
