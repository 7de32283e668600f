//! Ids are held against the registries that the game brings with it, on the versions whose clients do so: the last one is
//! taken, the next is a fault, and before those versions any is taken.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod common;

use common::Duel;
use sim_proto::wire::{DecodeErrorKind, Writer};
use sim_proto::{FaultKind, RemarkKind, Version, decode_by_layout};
use vb_data::State;

type Write = fn(i32, &mut Writer, i32);

fn read(protocol: i32, packet: &str, write: Write, id: i32) -> Result<(), DecodeErrorKind> {
    decode_by_layout(
        Version::new(protocol),
        State::Play,
        packet,
        &bytes(protocol, write, id),
    )
    .map_err(|error| error.kind)
}

fn bytes(protocol: i32, write: Write, id: i32) -> Vec<u8> {
    let mut w = Writer::new();
    write(protocol, &mut w, id);
    w.into_bytes()
}

fn slot(protocol: i32, w: &mut Writer, item: i32) {
    w.u8(0).varint(0).u16(36);
    if protocol >= 766 {
        w.varint(1).varint(item).varint(0).varint(0);
    } else {
        w.u8(1).varint(item).u8(1).u8(0);
    }
}

fn effect(protocol: i32, w: &mut Writer, effect: i32) {
    w.varint(1).varint(effect).u8(0).varint(0).u8(0);
    if protocol < 766 {
        w.u8(0); // no factors
    }
}

fn no_effect(_: i32, w: &mut Writer, effect: i32) {
    w.varint(1).varint(effect);
}

fn window(protocol: i32, w: &mut Writer, menu: i32) {
    w.varint(1).varint(menu);
    if protocol >= 765 {
        w.raw(&[8, 0, 0]);
    } else {
        w.string("\"\"");
    }
}

fn sound(_: i32, w: &mut Writer, sound: i32) {
    w.varint(sound + 1).varint(0).raw(&[0; 12 + 8 + 8]);
}

fn block(_: i32, w: &mut Writer, state: i32) {
    w.raw(&[0; 8]).varint(state);
}

fn particle(_: i32, w: &mut Writer, state: i32) {
    const BLOCK: i32 = 1;
    w.u8(0).raw(&[0; 3 * 8 + 4 * 4 + 4]);
    w.varint(BLOCK).varint(state);
}

fn metadata(_: i32, w: &mut Writer, state: i32) {
    const BLOCK_STATE: i32 = 14;
    w.varint(1)
        .u8(16)
        .varint(BLOCK_STATE)
        .varint(state)
        .u8(0xff);
}

/// Packet, what is written, and how many there are: on a protocol that refuses more and, for some, on one that takes all.
const KINDS: [(&str, Write, i32, i32, Option<i32>); 10] = [
    ("set_slot", slot, 767, 1333, Some(765)),
    ("set_slot", slot, 775, 1506, Some(758)),
    ("entity_effect", effect, 767, 39, Some(765)),
    ("remove_entity_effect", no_effect, 774, 40, Some(765)),
    ("open_window", window, 767, 25, Some(764)),
    ("sound_effect", sound, 763, 1474, None),
    ("sound_effect", sound, 775, 1902, None),
    ("block_change", block, 767, 26_684, Some(765)),
    ("world_particles", particle, 767, 26_684, None),
    ("entity_metadata", metadata, 767, 26_684, None),
];

#[test]
fn the_last_id_is_taken_and_the_next_is_not() {
    for (packet, write, protocol, count, takes_all) in KINDS {
        let found = [0, count - 1].map(|id| read(protocol, packet, write, id));
        assert_eq!(found, [Ok(()), Ok(())], "{packet} on {protocol}");
        for id in [count, i32::MAX - 1] {
            let found = read(protocol, packet, write, id);
            assert!(
                matches!(found, Err(DecodeErrorKind::NoSuchId { id: of, count: all, .. })
                    if of == id && usize::try_from(count) == Ok(all)),
                "{packet} on {protocol}: {found:?}"
            );
        }
        if let Some(protocol) = takes_all {
            assert_eq!(
                read(protocol, packet, write, 1_000_000),
                Ok(()),
                "{packet} on {protocol}"
            );
        }
    }
}

/// Where one source alone says how many there are, more is no fault.
#[test]
fn a_size_that_two_sources_agree_on_is_sure() {
    for (protocol, sure) in [(766, false), (767, true), (768, false), (769, true)] {
        let mut duel = Duel::new(protocol);
        duel.join();
        duel.forget();
        let effects = i32::try_from(
            vb_data::registry_size(protocol, "minecraft:mob_effect")
                .unwrap()
                .count,
        )
        .unwrap();
        duel.send("entity_effect", &bytes(protocol, effect, effects));
        let fault = duel.fault().map(|fault| &fault.kind);
        if sure {
            let refused = matches!(
                fault,
                Some(FaultKind::Decode(DecodeErrorKind::NoSuchId { .. }))
            );
            assert!(refused, "{protocol}: {fault:?}");
        } else {
            assert_eq!(fault, None, "{protocol}");
            let stated = duel
                .remarks()
                .iter()
                .any(|remark| matches!(remark.kind, RemarkKind::Stated(_)));
            assert!(stated, "{protocol}: {:?}", duel.remarks());
        }
    }
}
