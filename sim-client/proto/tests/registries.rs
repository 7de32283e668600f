//! Which registries, tags and ids a client takes, on each side of the version at which that changed.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod common;

use common::Duel;
use sim_proto::wire::Writer;
use sim_proto::{FaultKind, RegistryFault, RemarkKind};
use vb_data::State;

/// A client in the world.
fn joined(protocol: i32) -> Duel {
    let mut duel = Duel::new(protocol);
    duel.join();
    assert!(duel.in_world(), "{protocol}: {:?}", duel.fault());
    duel.forget();
    duel
}

/// A client in the configuration phase.
fn configuring(protocol: i32) -> Duel {
    let mut duel = Duel::new(protocol);
    duel.send("success", &common::login_success(protocol))
        .forget();
    assert_eq!(duel.client.state(), State::Configuration);
    duel
}

fn kind(duel: &Duel) -> Option<&FaultKind> {
    duel.fault().map(|fault| &fault.kind)
}

/// Registries and the end of the configuration phase, with these packets before its end.
fn configured_with(protocol: i32, packets: &[Vec<u8>]) -> Duel {
    let mut duel = configuring(protocol);
    duel.send("select_known_packs", &common::known_packs(protocol));
    for packet in common::registry_packets(protocol).iter().chain(packets) {
        duel.send("registry_data", packet);
    }
    duel.send("tags", &common::tags(protocol))
        .send("finish_configuration", &[]);
    duel
}

#[test]
fn a_registry_that_the_game_does_not_have_is_ignored() {
    for protocol in [766, 767, 774, 777] {
        for element in [&[0][..], &[1, 10, 0]] {
            let mut w = Writer::new();
            w.string("mymod:thing")
                .varint(1)
                .string("mymod:a")
                .raw(element);
            let duel = configured_with(protocol, &[w.into_bytes()]);
            assert_eq!(duel.fault(), None, "{protocol}");
            let registry = "mymod:thing".to_owned();
            let remark = RemarkKind::UnknownRegistry { registry };
            assert!(
                duel.remarks().iter().any(|known| known.kind == remark),
                "{protocol}"
            );
        }
    }
}

#[test]
fn until_765_the_codec_must_not_hold_a_registry_that_the_game_does_not_have() {
    for protocol in [751, 758, 763, 764, 765] {
        let mut whole = common::codec(protocol, &|_, _| true);
        whole.pop();
        let mut w = Writer::new();
        w.raw(&whole);
        common::named(&mut w, 10, "mymod:thing");
        common::named(&mut w, 8, "type");
        w.u16(11).raw(b"mymod:thing");
        common::named(&mut w, 9, "value");
        w.u8(0).i32(0).u8(0).u8(0);
        let codec = w.into_bytes();
        let mut duel = Duel::new(protocol);
        duel.send("success", &common::login_success(protocol));
        if protocol >= 764 {
            duel.send("registry_data", &codec)
                .send("tags", &common::tags(protocol))
                .send("finish_configuration", &[]);
        } else {
            let join = common::Join {
                codec: Some(codec),
                ..common::Join::default()
            };
            duel.send("login", &common::join_game_with(protocol, &join));
        }
        let registry = "mymod:thing".to_owned();
        let fault = FaultKind::Registry(RegistryFault::Unknown { registry });
        assert_eq!(kind(&duel), Some(&fault), "{protocol}");
    }
}

#[test]
fn a_registry_that_the_game_has_and_the_data_here_lack_is_looked_at() {
    for (protocol, registry, known) in [
        (766, "minecraft:enchantment", false),
        (767, "minecraft:enchantment", true),
        (769, "minecraft:test_instance", false),
        (770, "minecraft:test_environment", true),
    ] {
        let mut w = Writer::new();
        w.string(registry).varint(1).string("lobby:a").bool(false);
        let duel = configured_with(protocol, &[w.into_bytes()]);
        assert_eq!(duel.fault().is_some(), known, "{protocol} {registry}");
    }
}

#[test]
fn from_768_on_a_registry_must_not_come_twice() {
    for (protocol, refused) in [
        (766, false),
        (767, false),
        (768, true),
        (775, true),
        (777, true),
    ] {
        for name in ["minecraft:damage_type", "minecraft:wolf_variant"] {
            let registry = vb_data::registries(protocol)
                .iter()
                .find(|registry| registry.name == name)
                .unwrap();
            let again = common::registry_packet(registry, true);
            let duel = configured_with(protocol, &[again]);
            let expected = refused.then(|| {
                FaultKind::Registry(RegistryFault::Duplicate {
                    registry: name.to_owned(),
                    entry: registry.entries[0].name.to_owned(),
                })
            });
            assert_eq!(kind(&duel), expected.as_ref(), "{protocol} {name}");
        }
    }
}

#[test]
fn a_registry_may_come_in_parts() {
    for protocol in [766, 777] {
        let mut duel = configuring(protocol);
        duel.send("select_known_packs", &common::known_packs(protocol));
        for registry in vb_data::registries(protocol) {
            for entry in registry.entries {
                let mut w = Writer::new();
                w.string(registry.name)
                    .varint(1)
                    .string(entry.name)
                    .bool(true);
                w.u8(common::root_kind(registry)).raw(entry.element);
                duel.send("registry_data", &w.into_bytes());
            }
        }
        duel.send("tags", &common::tags(protocol))
            .send("finish_configuration", &[]);
        assert_eq!(duel.fault(), None, "{protocol}");
    }
}

#[test]
fn from_751_until_757_tags_must_not_lack_what_the_game_names() {
    for (protocol, taken) in [
        (736, true),
        (751, false),
        (754, false),
        (755, false),
        (757, false),
        (758, true),
        (763, true),
    ] {
        let mut duel = joined(protocol);
        let empty = if protocol < 755 { vec![0; 4] } else { vec![0] };
        duel.send("tags", &empty);
        let missed = matches!(kind(&duel), Some(FaultKind::MissingTags { .. }));
        assert_eq!(missed, !taken, "{protocol}");
        assert_eq!(duel.fault().is_none(), taken, "{protocol}");
    }
}

/// A column of air with one block entity of this type.
fn chunk_with_block_entity(protocol: i32, id: i32) -> Vec<u8> {
    let mut chunk = common::empty_chunk(protocol, 0, 0);
    // Behind the sections: a count of none, then six empty masks and lists of light.
    let light = if protocol < 763 { 7 } else { 6 };
    let tail = chunk.split_off(chunk.len() - light - 1);
    let mut w = Writer::new();
    w.raw(&chunk)
        .varint(1)
        .u8(0)
        .i16(64)
        .varint(id)
        .u8(0)
        .raw(&tail[1..]);
    w.into_bytes()
}

fn block_entity(id: i32) -> Vec<u8> {
    let mut w = Writer::new();
    w.i64(0).varint(id).u8(0);
    w.into_bytes()
}

#[test]
fn from_766_on_a_block_entity_must_be_of_a_type_that_the_game_has() {
    for (protocol, count) in [
        (757, None),
        (765, None),
        (766, Some(44)),
        (767, Some(44)),
        (768, Some(45)),
        (769, Some(45)),
        (770, Some(47)),
        (772, Some(47)),
        (773, Some(49)),
        (775, Some(49)),
        (777, Some(49)),
    ] {
        for (id, taken) in [
            (0, true),
            (count.unwrap_or(99) - 1, true),
            (count.unwrap_or(99), count.is_none()),
            (-1, count.is_none()),
        ] {
            let mut duel = joined(protocol);
            duel.send("map_chunk", &chunk_with_block_entity(protocol, id));
            assert_eq!(duel.fault().is_none(), taken, "{protocol} {id}");
            if count.is_some() {
                let mut duel = joined(protocol);
                duel.send("tile_entity_data", &block_entity(id));
                assert_eq!(duel.fault().is_none(), taken, "{protocol} {id}");
            }
        }
    }
}
