//! Every clientbound decoder on every protocol, and the dumps of both directions. Held, whatever the bytes:
//!
//! - no panic, and memory by the bytes that are there (a column of 1.7 inflates to its stated bound);
//! - the dump reads what the decoder reads: the same error or none, fields in order, inside of the data, and all of the
//!   data when there was no error;
//! - what the client's encoders write, the dump of a serverbound packet reads to the last byte.
//!
//! The input: protocol, state and direction, the packet's place in its table, what is known of the world, then the data.
#![no_main]

use arbitrary::{Arbitrary, Unstructured};
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use sim_proto::serverbound::{self, Movement};
use sim_proto::{
    Annotated, Context, Intent, KnownPack, Settings, Version, WorldShape, annotate_in, decode,
};
use vb_data::{Direction, State, packets};
use vbspec_fuzz::memory;
use vbspec_fuzz::wire::protocol;

/// Several columns of 1.7 in one packet: 256 of the largest, which is the decoder's bound.
const BULK: usize = 256 * (16 * (4096 + 4 * 2048) + 256);
/// Heap for a byte: a tag of NBT, a field of a dump.
const PER_BYTE: usize = 1 << 10;
const ALLOWANCE: usize = 2 << 20;

fuzz_target!(init: run(&[0; 8]), |data: &[u8]| {
    memory::bounded(ALLOWANCE + 2 * BULK + PER_BYTE * data.len(), || run(data));
});

fn run(data: &[u8]) {
    let [protocol_byte, kind, packet, world, rest @ ..] = data else {
        return;
    };
    let version = Version::new(protocol(*protocol_byte));
    let state = State::ALL[usize::from(*kind) % State::ALL.len()];
    // Bits that the number of states leaves over.
    match kind / 64 {
        0..2 => clientbound(version, state, *packet, *world, rest),
        2 => serverbound(version, state, *packet, rest),
        // Too few bytes make values of zeros.
        _ => drop(encoded(version, *packet, &mut Unstructured::new(rest))),
    }
}

fn clientbound(version: Version, state: State, packet: u8, world: u8, data: &[u8]) {
    let context = context(version, world);
    let Some(table) = packets(version.protocol(), state, Direction::Clientbound) else {
        return;
    };
    let id = i32::from(packet) % i32::try_from(table.len()).unwrap_or(1).max(1);
    let bytes = Bytes::copy_from_slice(data);
    let dump = annotate_in(&context, state, Direction::Clientbound, id, data);
    check(&dump, data);
    assert_eq!(dump.name, table.name(id));
    let decoded = decode(&context, state, dump.name.unwrap_or_default(), &bytes);
    assert_eq!(decoded.err(), dump.error, "decoder against dump");
}

fn serverbound(version: Version, state: State, packet: u8, data: &[u8]) {
    let dump = annotate_in(
        &Context::new(version),
        state,
        Direction::Serverbound,
        i32::from(packet),
        data,
    );
    check(&dump, data);
}

/// What is known of the world: nothing, or a shape and perhaps biomes.
fn context(version: Version, world: u8) -> Context {
    const HEIGHTS: [(i32, i32); 4] = [(0, 256), (-64, 384), (0, 16), (-2032, 4064)];
    let mut context = Context::new(version);
    if world & 1 == 1 {
        let (min_y, height) = HEIGHTS[usize::from(world >> 1 & 3)];
        context.world = Some(WorldShape {
            sky_light: world & 8 == 0,
            min_y,
            height,
        });
    }
    context.biomes = [None, Some(0), Some(1), Some(64)][usize::from(world >> 4 & 3)];
    context
}

fn check(dump: &Annotated, data: &[u8]) {
    let mut last = (0, usize::MAX);
    let mut reached = 0;
    for field in &dump.fields {
        let end = field.offset + field.len;
        assert!(
            end <= data.len(),
            "{field:?} ends outside of {} bytes",
            data.len()
        );
        let place = (field.offset, field.len);
        assert!(
            last.0 < place.0 || (last.0 == place.0 && last.1 >= place.1),
            "{field:?} comes after {last:?}"
        );
        last = place;
        reached = reached.max(end);
    }
    match &dump.error {
        Some(error) => assert!(error.offset <= data.len(), "{error}"),
        None if dump.fields.len() < MAX_FIELDS => {
            assert_eq!(reached, data.len(), "bytes that no field has");
        }
        None => {}
    }
    assert!(!dump.render().is_empty());
}

/// Fields that a dump has at most.
const MAX_FIELDS: usize = 4096;

/// Writes a packet with values from `u`, and reads it with the dump.
fn encoded(version: Version, which: u8, u: &mut Unstructured<'_>) -> arbitrary::Result<()> {
    let (state, name, data) = match which % 16 {
        0 => {
            let intent = if u.arbitrary()? {
                Intent::Login
            } else {
                Intent::Status
            };
            let host = text(u, 255)?;
            let data = serverbound::handshake(version.protocol(), &host, u.arbitrary()?, intent);
            (State::Handshaking, "set_protocol", data)
        }
        1 => {
            let data = serverbound::login_start(version, &text(u, 16)?, u.arbitrary()?);
            (State::Login, "login_start", data)
        }
        2 => {
            let settings = Settings {
                locale: text(u, 16)?,
                view_distance: u.arbitrary()?,
                chat_mode: u.arbitrary()?,
                chat_colours: u.arbitrary()?,
                skin_parts: u.arbitrary()?,
                main_hand: u.arbitrary()?,
                text_filtering: u.arbitrary()?,
                server_listing: u.arbitrary()?,
                particles: u.arbitrary()?,
                difficulty: u.arbitrary()?,
                show_cape: u.arbitrary()?,
            };
            (
                State::Play,
                "settings",
                serverbound::settings(version, &settings),
            )
        }
        3 => (
            State::Play,
            "keep_alive",
            serverbound::keep_alive(version, u.arbitrary()?),
        ),
        4 => (State::Play, "pong", serverbound::pong(u.arbitrary()?)),
        5 => {
            let payload = Option::<Vec<u8>>::arbitrary(u)?;
            let data = serverbound::login_plugin_response(u.arbitrary()?, payload.as_deref());
            (State::Login, "login_plugin_response", data)
        }
        6 => {
            let payload = Option::<Vec<u8>>::arbitrary(u)?;
            let data = serverbound::cookie_response("minecraft:key", payload.as_deref());
            (State::Login, "cookie_response", data)
        }
        7 => {
            let pack = KnownPack {
                namespace: text(u, 32)?,
                id: text(u, 32)?,
                version: text(u, 32)?,
            };
            let count = usize::from(u.arbitrary::<u8>()? % 65);
            let data = serverbound::known_packs(&vec![pack; count]);
            (State::Configuration, "select_known_packs", data)
        }
        8 => {
            let uuid = version.protocol() >= 765;
            let uuid = uuid.then(|| u.arbitrary()).transpose()?;
            let data = serverbound::resource_pack_declined(version, uuid, &text(u, 40)?);
            (State::Play, "resource_pack_receive", data)
        }
        9 => (
            State::Play,
            "chunk_batch_received",
            serverbound::chunk_batch_received(u.arbitrary()?),
        ),
        10 => (
            State::Play,
            "teleport_confirm",
            serverbound::teleport_confirm(u.arbitrary()?),
        ),
        11 => {
            let data =
                serverbound::teleport_confirm_at(u.arbitrary()?, u.arbitrary()?, u.arbitrary()?);
            (State::Play, "teleport_confirm", data)
        }
        12 => {
            let movement = Movement {
                position: u.arbitrary()?,
                rotation: u.arbitrary()?,
                on_ground: u.arbitrary()?,
            };
            let (name, data) = serverbound::movement(version, &movement);
            (State::Play, name, data)
        }
        13 => {
            let data = serverbound::plugin_message(version, "minecraft:fuzz", u.arbitrary()?);
            (State::Play, "custom_payload", data)
        }
        _ => {
            let (name, data) = serverbound::chat(version, &text(u, 256)?);
            (State::Play, name, data)
        }
    };
    let Some(id) =
        packets(version.protocol(), state, Direction::Serverbound).and_then(|table| table.id(name))
    else {
        return Ok(());
    };
    let dump = annotate_in(
        &Context::new(version),
        state,
        Direction::Serverbound,
        id,
        &data,
    );
    check(&dump, &data);
    assert_eq!(dump.error, None, "{}", dump.render());
    Ok(())
}

/// A text of at most so many UTF-16 units.
fn text(u: &mut Unstructured<'_>, limit: usize) -> arbitrary::Result<String> {
    let mut left = limit;
    let all: &str = u.arbitrary()?;
    Ok(all
        .chars()
        .take_while(|c| {
            let fits = c.len_utf16() <= left;
            left = left.saturating_sub(c.len_utf16());
            fits
        })
        .collect())
}
