//! Each thing that a real client does not survive is a fault, and each thing that it tolerates is none.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod common;

use common::{
    Duel, Join, PROTOCOLS, codec, join_game, join_game_with, named, position, registry_packet,
};
use sim_proto::wire::{DecodeErrorKind, Writer};
use sim_proto::{
    ClientConfig, Context, ElementProblem, Event, FaultKind, RegistryFault, RemarkKind, Version,
    decode,
};
use vb_data::State;

fn join_fault(protocol: i32, data: &[u8]) -> Option<FaultKind> {
    let mut duel = Duel::new(protocol);
    duel.log_in().send("login", data);
    duel.fault().map(|fault| fault.kind.clone())
}

#[test]
fn join_game_is_read_to_the_last_byte_on_each_protocol() {
    for protocol in PROTOCOLS {
        let data = join_game(*protocol);
        assert_eq!(join_fault(*protocol, &data), None, "{protocol}");
        let mut more = data.clone();
        more.push(0);
        assert_eq!(
            join_fault(*protocol, &more),
            Some(FaultKind::Decode(DecodeErrorKind::TrailingBytes {
                count: 1
            })),
            "{protocol}"
        );
        assert!(
            matches!(
                join_fault(*protocol, &data[..data.len() - 1]),
                Some(FaultKind::Decode(_))
            ),
            "{protocol}"
        );
    }
}

#[test]
fn join_game_of_a_neighbour_is_refused() {
    for pair in PROTOCOLS.windows(2).filter(|pair| **pair != [770, 775]) {
        for (protocol, neighbour) in [(pair[0], pair[1]), (pair[1], pair[0])] {
            assert!(
                join_fault(protocol, &join_game(neighbour)).is_some(),
                "{neighbour}'s on {protocol}"
            );
        }
    }
}

#[test]
fn no_truncation_of_join_game_is_taken_for_whole() {
    for protocol in PROTOCOLS {
        let join = Join {
            codec: (735..764).contains(protocol).then(|| vec![10, 0, 0, 0]),
            ..Join::default()
        };
        let data = join_game_with(*protocol, &join);
        let context = Context::new(Version::new(*protocol));
        assert!(
            decode(&context, State::Play, "login", &data.clone().into()).is_ok(),
            "{protocol}"
        );
        for cut in 0..data.len() {
            let data = data[..cut].to_vec().into();
            assert!(
                decode(&context, State::Play, "login", &data).is_err(),
                "{protocol} {cut}"
            );
        }
    }
}

#[test]
fn join_game_of_all_52_protocols_has_the_layout_of_the_facts() {
    for release in vb_data::releases() {
        let protocol = release.protocol;
        if (751..759).contains(&protocol) && vb_data::registries(protocol).is_empty() {
            // The inline dimension comes from the data.
            continue;
        }
        let join = Join {
            codec: (735..764).contains(&protocol).then(|| vec![10, 0, 0, 0]),
            ..Join::default()
        };
        let data = join_game_with(protocol, &join);
        let context = Context::new(Version::new(protocol));
        decode(&context, State::Play, "login", &data.into())
            .unwrap_or_else(|error| panic!("{protocol}: {error}"));
    }
}

fn join_remarks(protocol: i32, join: &Join) -> Vec<RemarkKind> {
    let mut duel = Duel::new(protocol);
    duel.log_in().send("login", &join_game_with(protocol, join));
    assert_eq!(duel.fault(), None, "{protocol}");
    duel.remarks()
        .into_iter()
        .map(|remark| remark.kind.clone())
        .collect()
}

#[test]
fn odd_values_in_join_game_are_remarked() {
    for protocol in PROTOCOLS {
        // Bit 3 of the game mode is "hardcore" until 750.
        let join = Join {
            game_mode: 5,
            ..Join::default()
        };
        assert_eq!(
            join_remarks(*protocol, &join),
            [RemarkKind::GameMode(5)],
            "{protocol}"
        );
        if *protocol >= 477 {
            for (chunks, odd) in [(1, true), (2, false), (32, false), (33, true)] {
                let join = Join {
                    view_distance: chunks,
                    ..Join::default()
                };
                let expected = if odd {
                    vec![RemarkKind::ViewDistance(chunks)]
                } else {
                    Vec::new()
                };
                assert_eq!(join_remarks(*protocol, &join), expected, "{protocol}");
            }
        }
        if *protocol >= 735 {
            let join = Join {
                previous: 4,
                ..Join::default()
            };
            assert_eq!(
                join_remarks(*protocol, &join),
                [RemarkKind::PreviousGameMode(4)],
                "{protocol}"
            );
            let join = Join {
                worlds: vec![],
                ..Join::default()
            };
            assert_eq!(
                join_remarks(*protocol, &join),
                [RemarkKind::NoWorldNames],
                "{protocol}"
            );
            let join = Join {
                worlds: vec!["minecraft:lobby"],
                ..Join::default()
            };
            let world = "minecraft:overworld".to_owned();
            assert_eq!(
                join_remarks(*protocol, &join),
                [RemarkKind::WorldNotListed(world)],
                "{protocol}"
            );
        }
    }
}

#[test]
fn hardcore_is_a_bit_of_the_game_mode_until_750() {
    let join = Join {
        game_mode: 9,
        ..Join::default()
    };
    for protocol in [47, 340, 736] {
        assert_eq!(join_remarks(protocol, &join), []);
    }
    assert_eq!(join_remarks(754, &join), [RemarkKind::GameMode(9)]);
}

#[test]
fn a_world_name_must_be_an_identifier() {
    for protocol in PROTOCOLS.iter().filter(|protocol| **protocol >= 735) {
        let join = Join {
            worlds: vec!["The Lobby"],
            ..Join::default()
        };
        let mut duel = Duel::new(*protocol);
        duel.log_in()
            .send("login", &join_game_with(*protocol, &join));
        let fault = duel.fault().unwrap();
        assert_eq!(
            fault.kind,
            FaultKind::Decode(DecodeErrorKind::InvalidIdentifier("The Lobby".to_owned()))
        );
        assert_eq!(
            fault.site.field.as_deref(),
            Some("worldNames[0]"),
            "{protocol}"
        );
    }
}

#[test]
fn a_second_join_game_is_remarked() {
    let mut duel = Duel::new(340);
    duel.join().send("login", &join_game(340));
    assert_eq!(duel.remarks()[0].kind, RemarkKind::SecondJoinGame);
}

#[test]
fn a_dimension_that_the_client_does_not_have_is_a_fault() {
    for protocol in PROTOCOLS {
        for (number, index, name, exists) in [
            (1, 0, "minecraft:the_nether", true),
            (2, 99, "minecraft:mining_world", false),
            (-2, -1, "minecraft:lobby", false),
        ] {
            if (751..759).contains(protocol) && !exists {
                continue;
            }
            let join = Join {
                number,
                index,
                dimension: name,
                ..Join::default()
            };
            let fault = join_fault(*protocol, &join_game_with(*protocol, &join));
            assert_eq!(
                matches!(fault, Some(FaultKind::UnknownDimension { .. })),
                !exists,
                "{protocol} {name}: {fault:?}"
            );
        }
    }
}

fn codec_fault(protocol: i32, codec: Vec<u8>) -> Option<RegistryFault> {
    let kind = if protocol < 764 {
        join_fault(
            protocol,
            &join_game_with(
                protocol,
                &Join {
                    codec: Some(codec),
                    ..Join::default()
                },
            ),
        )
    } else {
        let mut duel = Duel::new(protocol);
        duel.send("success", &common::login_success(protocol));
        duel.send("registry_data", &codec);
        if duel.fault().is_none() {
            duel.send("finish_configuration", &[]);
        }
        duel.fault().map(|fault| fault.kind.clone())
    };
    match kind {
        None => None,
        Some(FaultKind::Registry(fault)) => Some(fault),
        Some(other) => panic!("{protocol}: {other:?}"),
    }
}

#[test]
fn the_codec_must_hold_what_the_protocol_needs() {
    for (protocol, registry, needed) in [
        (754, "minecraft:worldgen/biome", true),
        (758, "minecraft:dimension_type", true),
        (759, "minecraft:chat_type", false),
        (763, "minecraft:chat_type", false),
        (765, "minecraft:chat_type", false),
        (761, "minecraft:damage_type", false),
        (762, "minecraft:damage_type", true),
        (763, "minecraft:damage_type", true),
        (763, "minecraft:trim_pattern", false),
        (765, "minecraft:damage_type", true),
    ] {
        let fault = codec_fault(protocol, codec(protocol, &|name, _| name != registry));
        let expected = needed.then(|| RegistryFault::Missing {
            registry: registry.to_owned(),
        });
        assert_eq!(fault, expected, "{protocol} {registry}");
        let fault = codec_fault(
            protocol,
            codec(protocol, &|name, entry| {
                name != registry || entry.is_empty()
            }),
        );
        let expected = needed.then(|| RegistryFault::Empty {
            registry: registry.to_owned(),
        });
        assert_eq!(fault, expected, "{protocol} {registry}");
    }
}

#[test]
fn without_a_dimension_list_735_has_nothing() {
    let missing = RegistryFault::Missing {
        registry: "minecraft:dimension_type".to_owned(),
    };
    assert_eq!(codec_fault(736, vec![10, 0, 0, 0]), Some(missing));
}

#[test]
fn entries_that_the_client_looks_up_must_be_there() {
    for (protocol, registry, entry, needed) in [
        (754, "minecraft:worldgen/biome", "minecraft:plains", false),
        (758, "minecraft:worldgen/biome", "minecraft:plains", true),
        (763, "minecraft:damage_type", "minecraft:in_fire", true),
        (763, "minecraft:damage_type", "minecraft:generic_kill", true),
        (763, "minecraft:damage_type", "minecraft:sonic_boom", false),
    ] {
        let fault = codec_fault(
            protocol,
            codec(protocol, &|name, known| name != registry || known != entry),
        );
        let expected = needed.then(|| RegistryFault::EntryMissing {
            registry: registry.to_owned(),
            entry: entry.to_owned(),
        });
        assert_eq!(fault, expected, "{protocol} {entry}");
    }
}

/// A codec of one biome, one damage type and so on, whose dimension type is as given.
fn codec_with_dimension(protocol: i32, element: &[u8]) -> Vec<u8> {
    let whole = codec(protocol, &|name, entry| {
        name != "minecraft:dimension_type" || entry.is_empty() || entry == "minecraft:overworld"
    });
    let vanilla = vb_data::registries(protocol)
        .iter()
        .find(|registry| registry.name == "minecraft:dimension_type")
        .and_then(|registry| registry.entry("minecraft:overworld"))
        .unwrap()
        .element;
    let at = whole
        .windows(vanilla.len())
        .position(|window| window == vanilla)
        .unwrap();
    [&whole[..at], element, &whole[at + vanilla.len()..]].concat()
}

fn overworld(protocol: i32) -> Vec<u8> {
    vb_data::registries(protocol)
        .iter()
        .find(|registry| registry.name == "minecraft:dimension_type")
        .and_then(|registry| registry.entry("minecraft:overworld"))
        .unwrap()
        .element
        .to_vec()
}

fn replace(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = bytes
        .windows(from.len())
        .position(|window| window == from)
        .expect("it is there");
    [&bytes[..at], to, &bytes[at + from.len()..]].concat()
}

fn string(text: &str) -> Vec<u8> {
    let mut w = Writer::new();
    w.u16(u16::try_from(text.len()).unwrap())
        .raw(text.as_bytes());
    w.into_bytes()
}

fn int(name: &str, value: i32) -> Vec<u8> {
    let mut w = Writer::new();
    named(&mut w, 3, name);
    w.i32(value);
    w.into_bytes()
}

fn dimension_problem(protocol: i32, element: &[u8]) -> Option<(String, ElementProblem)> {
    match codec_fault(protocol, codec_with_dimension(protocol, element)) {
        None => None,
        Some(RegistryFault::Element { field, problem, .. }) => Some((field, problem)),
        Some(other) => panic!("{protocol}: {other:?}"),
    }
}

#[test]
fn infiniburn_has_a_hash_from_758_on_and_none_before() {
    let (plain, hash) = (
        string("minecraft:infiniburn_overworld"),
        string("#minecraft:infiniburn_overworld"),
    );
    for (protocol, from, to, problem) in [
        (754, &plain, &hash, ElementProblem::Hash),
        (758, &hash, &plain, ElementProblem::NoHash),
        (763, &hash, &plain, ElementProblem::NoHash),
        (765, &hash, &plain, ElementProblem::NoHash),
    ] {
        let element = replace(&overworld(protocol), from, to);
        assert_eq!(
            dimension_problem(protocol, &element),
            Some(("infiniburn".to_owned(), problem)),
            "{protocol}"
        );
    }
}

#[test]
fn heights_follow_the_rules_of_the_game() {
    let height = |rule, value| ElementProblem::Height { rule, value };
    for (field, old, new, problem) in [
        (
            "height",
            384,
            383,
            Some(height("it must be a multiple of 16", 383)),
        ),
        ("height", 384, 0, Some(height("it must be at least 16", 0))),
        ("height", 384, 2096, None),
        (
            "height",
            384,
            2112,
            Some(height("`min_y` and it together must be at most 2032", 2112)),
        ),
        (
            "min_y",
            -64,
            -60,
            Some(height("it must be a multiple of 16", -60)),
        ),
        ("min_y", -64, -2032, None),
        (
            "min_y",
            -64,
            -2048,
            Some(height("it must be at least -2032", -2048)),
        ),
        (
            "logical_height",
            384,
            385,
            Some(height("it must not be above `height`", 385)),
        ),
    ] {
        let element = replace(&overworld(763), &int(field, old), &int(field, new));
        let expected = problem.map(|problem| (field.to_owned(), problem));
        assert_eq!(dimension_problem(763, &element), expected, "{field} {new}");
    }
}

#[test]
fn a_field_of_another_type_or_none_at_all_is_a_fault() {
    let element = replace(&overworld(763), &int("height", 384), &[]);
    assert_eq!(
        dimension_problem(763, &element),
        Some(("height".to_owned(), ElementProblem::Absent))
    );
    let mut text = Writer::new();
    named(&mut text, 8, "height");
    text.raw(&string("384"));
    let element = replace(&overworld(763), &int("height", 384), &text.into_bytes());
    let problem = ElementProblem::WrongType {
        found: "string".to_owned(),
        expected: "a number",
    };
    assert_eq!(
        dimension_problem(763, &element),
        Some(("height".to_owned(), problem))
    );
}

/// A configuration phase whose registries are those of the data, changed.
fn configuration_fault(
    protocol: i32,
    packs: bool,
    mut packet: impl FnMut(&vb_data::Registry) -> Option<Vec<u8>>,
) -> Option<RegistryFault> {
    let mut duel = Duel::new(protocol);
    duel.send("success", &common::login_success(protocol));
    let packets = if packs {
        common::known_packs(protocol)
    } else {
        vec![0]
    };
    duel.send("select_known_packs", &packets);
    for registry in vb_data::registries(protocol) {
        if let Some(data) = packet(registry) {
            duel.send("registry_data", &data);
        }
    }
    duel.send("tags", &common::tags(protocol))
        .send("finish_configuration", &[]);
    duel.fault().map(|fault| match &fault.kind {
        FaultKind::Registry(fault) => fault.clone(),
        other => panic!("{other:?}"),
    })
}

#[test]
fn registries_that_must_not_be_empty() {
    for (protocol, registry, needed) in [
        (766, "minecraft:wolf_variant", false),
        (767, "minecraft:wolf_variant", true),
        (766, "minecraft:worldgen/biome", true),
        (773, "minecraft:dialog", false),
        (774, "minecraft:timeline", false),
        (774, "minecraft:zombie_nautilus_variant", true),
        (767, "minecraft:painting_variant", true),
        (767, "minecraft:worldgen/biome", true),
        (767, "minecraft:damage_type", true),
        (767, "minecraft:chat_type", false),
        (770, "minecraft:cat_variant", true),
        (770, "minecraft:wolf_sound_variant", true),
        (775, "minecraft:zombie_nautilus_variant", true),
        (775, "minecraft:cow_sound_variant", true),
        (775, "minecraft:jukebox_song", true),
    ] {
        let missing = configuration_fault(protocol, true, |known| {
            (known.name != registry).then(|| registry_packet(known, true))
        });
        assert_eq!(
            missing,
            needed.then(|| RegistryFault::Missing {
                registry: registry.to_owned()
            }),
            "{protocol}"
        );
        let empty = configuration_fault(protocol, true, |known| {
            if known.name != registry {
                return Some(registry_packet(known, true));
            }
            let mut w = Writer::new();
            w.string(registry).varint(0);
            Some(w.into_bytes())
        });
        assert_eq!(
            empty,
            needed.then(|| RegistryFault::Empty {
                registry: registry.to_owned()
            }),
            "{protocol}"
        );
    }
}

#[test]
fn entries_may_come_without_data_if_a_pack_was_agreed_on() {
    for protocol in [767, 770, 775] {
        let without = |known: &vb_data::Registry| Some(registry_packet(known, false));
        assert_eq!(
            configuration_fault(protocol, true, without),
            None,
            "{protocol}"
        );
        assert!(
            matches!(
                configuration_fault(protocol, false, without),
                Some(RegistryFault::NoData {
                    packs_agreed: false,
                    ..
                })
            ),
            "{protocol}"
        );
    }
}

#[test]
fn an_entry_without_data_must_be_one_of_the_pack() {
    let fault = configuration_fault(767, true, |known| {
        if known.name != "minecraft:wolf_variant" {
            return Some(registry_packet(known, true));
        }
        let mut w = Writer::new();
        w.string(known.name)
            .varint(1)
            .string("lobby:green")
            .bool(false);
        Some(w.into_bytes())
    });
    let (registry, entry) = (
        "minecraft:wolf_variant".to_owned(),
        "lobby:green".to_owned(),
    );
    assert_eq!(
        fault,
        Some(RegistryFault::NoData {
            registry,
            entry,
            packs_agreed: true
        })
    );
}

#[test]
fn the_reply_to_known_packs_is_what_both_have() {
    for (version, expected) in [(None, "26.1.2"), (Some("26.1"), "26.1")] {
        let mut config = ClientConfig::new(775, "Steve");
        config.game_version = version.map(str::to_owned);
        let mut duel = Duel::with(config);
        duel.send("success", &common::login_success(775)).forget();
        let mut w = Writer::new();
        w.varint(4);
        for version in ["26.1", "26.1.1", "26.1.2", "27.0"] {
            w.string("minecraft").string("core").string(version);
        }
        duel.send("select_known_packs", &w.into_bytes());
        let mut w = Writer::new();
        w.varint(1)
            .string("minecraft")
            .string("core")
            .string(expected);
        assert_eq!(&duel.sent()[0].data[..], w.into_bytes());
    }
}

#[test]
fn finishing_without_any_registry_is_a_fault() {
    for protocol in [765, 767, 775] {
        let mut duel = Duel::new(protocol);
        duel.send("success", &common::login_success(protocol))
            .send("finish_configuration", &[]);
        assert!(
            matches!(
                duel.fault().map(|fault| &fault.kind),
                Some(FaultKind::Registry(RegistryFault::Missing { .. }))
            ),
            "{protocol}"
        );
    }
}

#[test]
fn odd_positions_are_remarked() {
    for (x, y, pitch_bits, kind) in [
        (f64::NAN, 64.0, 0.0_f32, Some(RemarkKind::PositionNotFinite)),
        (3e9, 64.0, 0.0, Some(RemarkKind::PositionOutsideWorld)),
        (30_000_000.0, 64.0, 0.0, None),
        (
            30_000_000.5,
            64.0,
            0.0,
            Some(RemarkKind::PositionOutsideWorld),
        ),
        (0.0, 2.1e7, 0.0, Some(RemarkKind::PositionOutsideWorld)),
        (0.0, 64.0, 90.0, None),
        (0.0, 64.0, 90.5, Some(RemarkKind::Pitch(90.5))),
        (
            0.0,
            64.0,
            f32::INFINITY,
            Some(RemarkKind::PositionNotFinite),
        ),
    ] {
        let mut duel = Duel::new(340);
        let mut w = Writer::new();
        w.f64(x)
            .f64(y)
            .f64(0.0)
            .f32(0.0)
            .f32(pitch_bits)
            .u8(0)
            .varint(1);
        duel.log_in()
            .send("login", &join_game(340))
            .send("position", &w.into_bytes());
        assert_eq!(
            duel.remarks().first().map(|remark| remark.kind.clone()),
            kind,
            "{x} {y} {pitch_bits}"
        );
        assert_eq!(duel.fault(), None);
    }
}

#[test]
fn a_keep_alive_of_another_type_is_a_fault() {
    for (protocol, data) in [(47, vec![0; 8]), (340, vec![5]), (775, vec![5])] {
        let mut duel = Duel::new(protocol);
        duel.join().send("keep_alive", &data);
        assert!(
            matches!(
                duel.fault().map(|fault| &fault.kind),
                Some(FaultKind::Decode(_))
            ),
            "{protocol}"
        );
    }
}

#[test]
fn a_teleport_of_another_protocol_is_a_fault() {
    for (protocol, other) in [
        (47, 340),
        (340, 47),
        (758, 763),
        (763, 758),
        (767, 770),
        (770, 767),
    ] {
        let mut duel = Duel::new(protocol);
        duel.log_in().send("login", &join_game(protocol));
        duel.send("position", &position(other, 0.0, 0.0, 0.0, 1));
        assert!(duel.fault().is_some(), "{other}'s on {protocol}");
    }
}

#[test]
fn text_in_another_form_is_a_fault() {
    let mut json = Writer::new();
    json.string("{\"text\":\"x\"}").bool(false);
    let nbt = [8, 0, 1, b'x', 0];
    for (protocol, data, fits) in [
        (763, &json.clone().into_bytes()[..], true),
        (763, &nbt[..], false),
        (765, &nbt[..], true),
        (767, &json.into_bytes()[..], false),
    ] {
        let mut duel = Duel::new(protocol);
        duel.join().send("system_chat", data);
        assert_eq!(
            duel.fault().is_none(),
            fits,
            "{protocol}: {:?}",
            duel.fault()
        );
    }
}

#[test]
fn an_odd_name_in_login_success_and_an_empty_frame_are_remarked() {
    let mut duel = Duel::with(ClientConfig::new(340, "Alex"));
    duel.send("success", &common::login_success(340))
        .bytes(&[0]);
    let kinds: Vec<_> = duel
        .remarks()
        .into_iter()
        .map(|remark| remark.kind.clone())
        .collect();
    assert_eq!(
        kinds,
        [
            RemarkKind::OtherName("Steve".to_owned()),
            RemarkKind::EmptyFrame
        ]
    );
}

#[test]
fn a_broken_frame_ends_the_connection() {
    let mut duel = Duel::new(340);
    duel.join().bytes(&[0xff, 0xff, 0xff, 0xff]);
    assert!(matches!(
        duel.fault().map(|fault| &fault.kind),
        Some(FaultKind::Frame(_))
    ));
    assert!(matches!(duel.events.last(), Some(Event::Closed(_))));
}
