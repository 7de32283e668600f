//! What a few bytes may make the decoders allocate. Found by fuzzing.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::alloc::System;

use cap::Cap;
use sim_proto::Version;
use sim_proto::nbt::{self, MAX_DEPTH};
use sim_proto::wire::{DecodeErrorKind, Reader};

/// A test binary of one test: nothing else allocates meanwhile.
#[global_allocator]
static HEAP: Cap<System> = Cap::new(System, usize::MAX);

/// Heap for a byte, as the fuzz target holds it.
const PER_BYTE: usize = 512;

#[test]
fn lists_within_lists_reserve_nothing_for_what_they_claim() {
    const CLAIMED: i32 = 1024;
    // One compound, one entry without a name, and lists of lists to the last depth.
    let mut bytes = vec![10, 9, 0, 0];
    for _ in 0..MAX_DEPTH - 2 {
        bytes.push(9);
        bytes.extend(CLAIMED.to_be_bytes());
    }
    bytes.extend([1, 0, 0, 0x7f, 0xff]);
    bytes.resize(bytes.len() + 1024, 0);

    let before = HEAP.allocated();
    let mut reader = Reader::new(&bytes, Version::new(764));
    let error = nbt::read_root(&mut reader, "nbt").unwrap_err();
    let most = HEAP.max_allocated() - before;

    // All of it was read: nothing was refused on the way.
    assert!(
        matches!(error.kind, DecodeErrorKind::UnexpectedEnd { .. }),
        "{error}"
    );
    assert!(
        most <= PER_BYTE * bytes.len(),
        "{most} bytes of heap for {} bytes",
        bytes.len()
    );
}
