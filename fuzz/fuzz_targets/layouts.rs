//! Any bytes on the layout of any clientbound packet. Held, whatever the bytes:
//!
//! - no panic, memory by the bytes that are there, whatever counts and nesting they claim;
//! - an error lies within the bytes;
//! - the reader that records what it reads for a dump comes to the same end, and its fields lie within the bytes.
//!
//! The input: protocol, state, packet (by its id), then the bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sim_proto::{Context, Version, annotate_in, decode_by_layout};
use vb_data::{Direction, State, packets};
use vbspec_fuzz::memory;
use vbspec_fuzz::wire::protocol;

/// Heap for a byte: NBT and texts in a packet become trees, as in the target `nbt`.
const PER_BYTE: usize = 512;
const ALLOWANCE: usize = 256 << 10;

fuzz_target!(|data: &[u8]| {
    let [version, state, packet, bytes @ ..] = data else {
        return;
    };
    let protocol = protocol(*version);
    let state = State::ALL[usize::from(*state) % State::ALL.len()];
    let Some(table) = packets(protocol, state, Direction::Clientbound) else {
        return;
    };
    let index = usize::from(*packet) % table.len().max(1);
    let Some((id, name)) = table.iter().nth(index) else {
        return;
    };
    let version = Version::new(protocol);
    let result = memory::bounded(ALLOWANCE + PER_BYTE * bytes.len(), || {
        decode_by_layout(version, state, name, bytes)
    });
    if let Err(error) = &result {
        assert!(error.offset <= bytes.len(), "{name}: {error}");
    }
    let dump = annotate_in(
        &Context::new(version),
        state,
        Direction::Clientbound,
        id,
        bytes,
    );
    for field in &dump.fields {
        assert!(field.offset + field.len <= bytes.len(), "{name}: {field:?}");
    }
});
