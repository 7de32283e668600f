//! When a client leaves the terrain screen, and what brings it back there.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod common;

use std::time::Duration;

use common::*;
use sim_proto::wire::Writer;
use sim_proto::{EnteredBy, Event, FaultKind, Missing, Packet, RemarkKind, StuckReason, Verdict};

#[test]
fn player_loaded_comes_once_when_the_terrain_is_ready() {
    for (protocol, expected) in [(767, 0), (770, 1), (775, 1)] {
        let mut duel = Duel::new(protocol);
        duel.join().pass(Duration::from_secs(2));
        let count = duel
            .sent_names()
            .iter()
            .filter(|name| **name == "player_loaded")
            .count();
        assert_eq!(count, expected, "{protocol}");
    }
}

#[test]
fn the_terrain_screen_waits_for_each_thing_that_its_rule_names() {
    for protocol in PROTOCOLS.iter().filter(|protocol| **protocol >= 758) {
        let mut duel = Duel::new(*protocol);
        duel.log_in().send("login", &join_game(*protocol));
        let first = if *protocol >= 765 {
            Missing::WaitForChunks
        } else {
            Missing::SpawnPosition
        };
        let expect = |duel: &Duel, missing: &[Missing]| {
            assert_eq!(
                duel.client.verdict(),
                Verdict::Joining {
                    missing: missing.to_vec()
                },
                "{protocol}"
            );
        };
        expect(
            &duel,
            &[first, Missing::Position, Missing::ChunkUnderPlayer],
        );
        duel.send("position", &position(*protocol, 0.5, 64.0, 0.5, 1));
        expect(&duel, &[first, Missing::ChunkUnderPlayer]);
        duel.send("map_chunk", &empty_chunk(*protocol, 0, 0));
        expect(&duel, &[first]);
        if *protocol >= 765 {
            duel.send("game_state_change", &game_event(13, 0.0));
        } else {
            duel.send("spawn_position", &spawn_position(*protocol));
            expect(&duel, &[Missing::Tick]);
        }
        duel.pass(Duration::from_millis(100));
        assert!(duel.in_world(), "{protocol}");
    }
}

#[test]
fn no_spawn_position_is_forgiven_after_two_seconds_on_758_to_760() {
    for protocol in [758, 760, 763] {
        let mut duel = Duel::new(protocol);
        duel.log_in().send("login", &join_game(protocol));
        duel.send("position", &position(protocol, 0.5, 64.0, 0.5, 1));
        duel.send("map_chunk", &empty_chunk(protocol, 0, 0))
            .pass(Duration::from_millis(1950));
        assert!(!duel.in_world(), "{protocol}");
        duel.pass(Duration::from_millis(150));
        assert_eq!(duel.in_world(), protocol < 761, "{protocol}");
    }
}

#[test]
fn without_a_chunk_758_to_760_wait_for_ever_and_later_ones_thirty_seconds() {
    for protocol in [758, 760, 763, 765, 767, 770, 775] {
        let mut duel = Duel::new(protocol);
        duel.log_in().send("login", &join_game(protocol));
        duel.send("spawn_position", &spawn_position(protocol));
        duel.send("position", &position(protocol, 0.5, 64.0, 0.5, 1));
        if protocol >= 765 {
            duel.send("game_state_change", &game_event(13, 0.0));
        }
        keep_alive(&mut duel, 29);
        assert_eq!(
            duel.client.verdict(),
            Verdict::Joining {
                missing: vec![Missing::ChunkUnderPlayer]
            },
            "{protocol}"
        );
        keep_alive(&mut duel, 2);
        if protocol < 761 {
            let missing = vec![Missing::ChunkUnderPlayer];
            assert_eq!(
                duel.client.verdict(),
                Verdict::Stuck(StuckReason::LoadingTerrain { missing })
            );
        } else {
            assert!(duel.in_world(), "{protocol}");
            assert!(
                duel.events.contains(&Event::InWorld(EnteredBy::Timeout)),
                "{protocol}"
            );
        }
    }
}

#[test]
fn a_chunk_elsewhere_does_not_count() {
    for protocol in [758, 765, 775] {
        let mut duel = Duel::new(protocol);
        duel.log_in().send("login", &join_game(protocol));
        duel.send("spawn_position", &spawn_position(protocol));
        duel.send("position", &position(protocol, 0.5, 64.0, -0.5, 1));
        if protocol >= 765 {
            duel.send("game_state_change", &game_event(13, 0.0));
        }
        duel.send("map_chunk", &empty_chunk(protocol, 0, 0))
            .pass(Duration::from_secs(1));
        assert!(!duel.in_world(), "{protocol}");
        duel.send("map_chunk", &empty_chunk(protocol, 0, -1))
            .pass(Duration::from_millis(100));
        assert!(duel.in_world(), "{protocol}");
    }
}

#[test]
fn above_the_world_no_chunk_is_needed() {
    for (y, enters) in [(-64.5, true), (-64.0, false), (319.9, false), (320.0, true)] {
        let mut duel = Duel::new(765);
        duel.log_in().send("login", &join_game(765));
        duel.send("game_state_change", &game_event(13, 0.0));
        duel.send("position", &position(765, 0.5, y, 0.5, 1))
            .pass(Duration::from_millis(100));
        assert_eq!(duel.in_world(), enters, "{y}");
    }
}

#[test]
fn a_spectator_needs_no_chunk_from_765_on() {
    for (protocol, enters) in [(763, false), (765, true), (775, true)] {
        let mut duel = Duel::new(protocol);
        let join = Join {
            game_mode: 3,
            ..Join::default()
        };
        duel.log_in()
            .send("login", &join_game_with(protocol, &join));
        duel.send("spawn_position", &spawn_position(protocol));
        if protocol >= 765 {
            duel.send("game_state_change", &game_event(13, 0.0));
        }
        duel.send("position", &position(protocol, 0.5, 64.0, 0.5, 1))
            .pass(Duration::from_millis(150));
        assert_eq!(duel.in_world(), enters, "{protocol}");
    }
}

#[test]
fn chunks_out_of_range_are_ignored_from_477_on() {
    // View distance 8: chunks up to 11 away from the centre.
    for (protocol, x, ignored) in [
        (340, 100, false),
        (498, 11, false),
        (498, 12, true),
        (775, 11, false),
        (775, -12, true),
    ] {
        let mut duel = Duel::new(protocol);
        duel.join()
            .forget()
            .send("map_chunk", &empty_chunk(protocol, x, 0));
        let remark = duel.remarks().first().map(|remark| remark.kind.clone());
        assert_eq!(
            remark,
            ignored.then_some(RemarkKind::ChunkOutOfRange { x, z: 0 }),
            "{protocol} {x}"
        );
    }
}

#[test]
fn moving_the_centre_forgets_what_is_out_of_range() {
    let mut duel = Duel::new(775);
    duel.join();
    assert!(duel.client.chunk_under_player());
    let mut w = Writer::new();
    w.varint(12).varint(0);
    duel.send("update_view_position", &w.into_bytes());
    assert!(!duel.client.chunk_under_player());
}

#[test]
fn unloading_a_chunk_forgets_it() {
    for protocol in PROTOCOLS {
        let mut duel = Duel::new(*protocol);
        duel.join();
        let mut w = Writer::new();
        w.i32(0).i32(0);
        if *protocol == 47 {
            // A whole column without a section, but with biomes.
            w.bool(true).u16(0).length(256).raw(&[1; 256]);
            duel.send("map_chunk", &w.into_bytes());
        } else {
            duel.send("unload_chunk", &w.into_bytes());
        }
        assert!(!duel.client.chunk_under_player(), "{protocol}");
        assert_eq!(duel.fault(), None);
    }
}

#[test]
fn without_join_game_the_client_is_stuck_after_thirty_seconds() {
    let mut duel = Duel::new(340);
    duel.log_in();
    keep_alive(&mut duel, 29);
    assert!(matches!(duel.client.verdict(), Verdict::Joining { .. }));
    keep_alive(&mut duel, 1);
    assert_eq!(
        duel.client.verdict(),
        Verdict::Stuck(StuckReason::NoJoinGame)
    );
}

#[test]
fn a_world_packet_before_join_game_is_a_fault() {
    for protocol in PROTOCOLS {
        for (name, data) in [
            ("map_chunk", empty_chunk(*protocol, 0, 0)),
            ("position", position(*protocol, 0.0, 0.0, 0.0, 1)),
        ] {
            let mut duel = Duel::new(*protocol);
            duel.log_in().send(name, &data);
            assert_eq!(
                duel.fault().map(|fault| &fault.kind),
                Some(&FaultKind::NoWorld),
                "{protocol} {name}"
            );
        }
        let mut duel = Duel::new(*protocol);
        let mut brand = Writer::new();
        brand
            .string(if *protocol < 393 {
                "MC|Brand"
            } else {
                "minecraft:brand"
            })
            .string("vbspec");
        duel.log_in().send("custom_payload", &brand.into_bytes());
        duel.send("keep_alive", &keep_alive_bytes(*protocol, 1));
        assert_eq!(duel.fault(), None, "{protocol}");
        let is_brand = |packet: &&Packet| matches!(packet, Packet::PluginMessage(message) if message.brand.as_deref() == Some("vbspec"));
        assert!(duel.packets().iter().any(is_brand), "{protocol}");
    }
}

#[test]
fn a_respawn_into_another_world_shows_the_terrain_screen_again() {
    for protocol in PROTOCOLS {
        let mut duel = Duel::new(*protocol);
        duel.join().forget();
        duel.send("respawn", &respawn(*protocol));
        assert!(!duel.in_world(), "{protocol}: {:?}", duel.fault());
        assert!(!duel.client.chunk_under_player(), "{protocol}");
        if *protocol < 477 {
            duel.send("position", &position(*protocol, 0.5, 64.0, 0.5, 8));
        } else {
            bring_into_nether(&mut duel);
        }
        assert!(duel.in_world(), "{protocol}: {:?}", duel.fault());
    }
}

/// The nether has 16 sections from 0.
fn bring_into_nether(duel: &mut Duel) {
    let protocol = duel.protocol;
    if protocol >= 758 {
        duel.send("spawn_position", &spawn_position(protocol));
    }
    duel.send("position", &position(protocol, 0.5, 64.0, 0.5, 8));
    if protocol >= 765 {
        duel.send("game_state_change", &game_event(13, 0.0));
    }
    duel.send("map_chunk", &chunk_with(protocol, 0, 0, 16, 0))
        .pass(Duration::from_millis(150));
}

fn respawn(p: i32) -> Vec<u8> {
    let mut w = Writer::new();
    let nether = "minecraft:the_nether";
    if p < 735 {
        w.i32(-1);
        if p >= 573 {
            w.i64(1);
        }
        if p < 477 {
            w.u8(1);
        }
        w.u8(0).string("default");
        return w.into_bytes();
    }
    let registry = |p: i32| {
        vb_data::registries(p)
            .iter()
            .find(|r| r.name.ends_with("dimension_type"))
            .unwrap()
    };
    if p >= 766 {
        w.varint(registry(p).id(nether).unwrap());
    } else if (751..759).contains(&p) {
        w.u8(10)
            .u16(0)
            .raw(registry(p).entry(nether).unwrap().element);
    } else {
        w.string(nether);
    }
    w.string(nether).i64(1).u8(0).i8(-1).bool(false).bool(false);
    if p < 764 {
        w.bool(true);
    }
    if p >= 759 {
        w.bool(false);
    }
    if p >= 763 {
        w.varint(0);
    }
    if p >= 768 {
        w.varint(63);
    }
    if p >= 764 {
        w.u8(3);
    }
    w.into_bytes()
}
