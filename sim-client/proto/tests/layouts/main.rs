//! Every clientbound packet of every protocol is taken apart by its layout: whole, never beyond, never less.

mod values;

use bytes::Bytes;
use proptest::prelude::*;
use sim_proto::wire::{DecodeError, DecodeErrorKind};
use sim_proto::{Context, Packet, Version, decode, decode_by_layout};
use vb_data::{PacketLayout, State, Sureness};

use values::Values;

/// Every packet with its state and protocol.
fn packets() -> impl Iterator<Item = (i32, State, PacketLayout)> {
    let protocols = vb_data::supported().iter();
    let states = protocols.flat_map(|protocol| State::ALL.map(|state| (*protocol, state)));
    states.flat_map(|(protocol, state)| {
        vb_data::layouts(protocol, state).map(move |packet| (protocol, state, packet))
    })
}

fn read(protocol: i32, state: State, name: &str, data: &[u8]) -> Result<(), DecodeError> {
    decode_by_layout(Version::new(protocol), state, name, data)
}

fn fault(protocol: i32, name: &str, data: &[u8]) -> DecodeErrorKind {
    let context = Context::new(Version::new(protocol));
    let data = Bytes::copy_from_slice(data);
    decode(&context, State::Play, name, &data)
        .expect_err(name)
        .kind
}

#[test]
fn every_packet_is_read_to_its_last_byte_and_not_one_byte_less_or_more() {
    for (protocol, state, packet) in packets() {
        for seed in 0..4 {
            let Values {
                out, open_ended, ..
            } = Values::of(protocol, packet.layout, seed);
            let at = format!("{protocol} {state} {} {out:02x?}", packet.name);
            read(protocol, state, packet.name, &out)
                .unwrap_or_else(|error| panic!("{at}: {error}"));
            if open_ended {
                continue;
            }
            for cut in (0..out.len()).step_by(1 + out.len() / 64) {
                assert!(
                    read(protocol, state, packet.name, &out[..cut]).is_err(),
                    "{at}: {cut}"
                );
            }
            let more = [&out[..], &[0]].concat();
            let kind = read(protocol, state, packet.name, &more).map_err(|error| error.kind);
            assert_eq!(
                kind,
                Err(DecodeErrorKind::TrailingBytes { count: 1 }),
                "{at}"
            );
        }
    }
}

/// Packets whose readers by hand look into what the table has as mere bytes: the layout fits, made-up values do not.
const LOOKED_INTO: &[(&str, &str)] = &[
    ("success", "a UUID is a text until 578"),
    (
        "map_chunk",
        "sections, and light arrays of 2,048 bytes as the masks say",
    ),
    ("map_chunk_bulk", "the same"),
    ("update_light", "the same"),
];

#[test]
fn what_is_read_by_hand_fits_its_layout() {
    let mut differ = Vec::new();
    let mut compared = 0;
    for (protocol, state, packet) in packets() {
        let context = Context::new(Version::new(protocol));
        for seed in 0..4 {
            let out = Bytes::from(Values::of(protocol, packet.layout, seed).out);
            match decode(&context, state, packet.name, &out) {
                Ok(Packet::Other | Packet::Opaque) => break,
                Ok(_) => compared += 1,
                Err(_) if LOOKED_INTO.iter().any(|(name, _)| *name == packet.name) => break,
                Err(error) => {
                    differ.push(format!("{protocol} {state} {}: {error}", packet.name));
                    break;
                }
            }
        }
    }
    assert_eq!(differ, Vec::<String>::new());
    assert!(compared > 52 * 4 * 20, "{compared}");
}

#[test]
fn packets_that_public_servers_got_wrong_are_noticed() {
    fault(774, "set_title_text", b"\x0d{\"text\":\"hi\"}");
    let experience = [0; 35];
    assert!(matches!(
        fault(774, "experience", &experience),
        DecodeErrorKind::TrailingBytes { count: 29 }
    ));
    assert!(matches!(
        fault(340, "held_item_slot", &[]),
        DecodeErrorKind::UnexpectedEnd { .. }
    ));
    fault(
        765,
        "playerlist_header",
        b"\x0c{\"text\":\"a\"}\x0c{\"text\":\"b\"}",
    );
    let empty = fault(754, "declare_commands", &[0, 0]);
    assert_eq!(empty, DecodeErrorKind::NoSuchNode { index: 0, nodes: 0 });
    // A root with a child that is not there.
    let lone = fault(774, "declare_commands", &[1, 0, 1, 1, 0]);
    assert_eq!(lone, DecodeErrorKind::NoSuchNode { index: 1, nodes: 1 });
    fault(774, "player_info", &[0xff, 0xff, 0xff, 0x07]);
}

#[test]
fn a_list_of_nothing_takes_no_time_however_long_it_says_it_is() {
    let mut found = 0;
    for (protocol, state, packet) in packets() {
        let claim = [0xff, 0xff, 0xff, 0xff, 0x07];
        found += usize::from(read(protocol, state, packet.name, &claim).is_ok());
    }
    assert!(found > 0);
}

#[test]
fn items_in_items_are_followed_only_so_far() {
    // A bundle that holds a bundle, and so on: item 1 of which there is one, with one component.
    let contents = vb_data::layouts(774, State::Play)
        .find(|packet| packet.name == "set_cursor_item" || packet.name == "set_player_inventory")
        .expect("a packet with an item");
    let bundle = 48;
    let nested = |depth: usize| {
        let mut item = vec![0];
        for _ in 0..depth {
            let mut outer = vec![1, 1, 1, 0, bundle, 1];
            outer.append(&mut item);
            item = outer;
        }
        item
    };
    let prefix: &[u8] = if contents.name == "set_cursor_item" {
        &[]
    } else {
        &[0]
    };
    let kind = |depth| {
        read(
            774,
            State::Play,
            contents.name,
            &[prefix, &nested(depth)].concat(),
        )
        .map_err(|error| error.kind)
    };
    assert_eq!(kind(20), Ok(()));
    assert!(matches!(
        kind(1000),
        Err(DecodeErrorKind::NestedTooDeep { .. })
    ));
}

#[test]
fn after_what_nobody_knows_nothing_is_a_fault() {
    // An item with a component of 26.3, in a slot; on 26.1 it is refused.
    let item = [0, 0, 0, 1, 1, 1, 1, 0xff, 1, 2, 3];
    assert_eq!(
        read(
            777,
            State::Play,
            "set_slot",
            &[&[0, 0], &item[2..]].concat()
        ),
        Ok(())
    );
    assert!(read(775, State::Play, "set_slot", &item).is_err());
    assert!(read(777, State::Play, "set_slot", &[0, 0, 0]).is_err());
}

#[test]
fn what_vanilla_was_seen_to_send_is_proved() {
    for (protocol, name) in [
        (47, "title"),
        (340, "held_item_slot"),
        (763, "declare_commands"),
    ] {
        let layout = vb_data::layout(protocol, State::Play, name).expect("a packet");
        assert_eq!(layout.sureness(), Sureness::Proved, "{protocol} {name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_bytes_on_any_layout_are_read_or_refused(data in prop::collection::vec(any::<u8>(), 0..64), from in 0..8_usize) {
        for (protocol, state, packet) in packets().skip(from).step_by(8) {
            let _ = read(protocol, state, packet.name, &data);
        }
    }
}
