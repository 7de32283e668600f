//! How much a run may allocate.

use std::alloc::System;
use std::panic;
use std::sync::Once;

use cap::Cap;

/// Every allocation of the process on Rust's side goes through it.
#[global_allocator]
static HEAP: Cap<System> = Cap::new(System, usize::MAX);

/// Runs `work`, which may have at most `bytes` more on the heap at any moment than there was before. An allocation past
/// that fails, which aborts the process: a finding like a panic.
///
/// What is made once a thread or once a process (zlib's states, tables) must have been made before: run `work` once
/// without a bound.
pub fn bounded<T>(bytes: usize, work: impl FnOnce() -> T) -> T {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let hook = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            // To say what is wrong takes memory too.
            lift();
            hook(info);
        }));
    });
    // Fails only where more is allocated already, which what is here cannot be.
    let _ = HEAP.set_limit(HEAP.allocated().saturating_add(bytes));
    let done = work();
    lift();
    done
}

fn lift() {
    // Nothing is over the highest of all limits.
    let _ = HEAP.set_limit(usize::MAX);
}
