//! The door to hosts of another program: an adapter speaks for them, and clients reach them over TCP, in real time.
//!
//! ```text
//! case -> AdapterDoor -> Pool -> Adapter (child process) <- lines of JSON -> host
//!              └─ Stream::Tcp ──────────────────────────────────────────────> host
//! ```
//!
//! | Module | Holds |
//! |---|---|
//! | [`protocol`] | the messages of `harness/adapter/PROTOCOL.md` |
//! | [`process`] | one adapter: its process, its lines, what is asked and not answered yet |
//! | [`pool`] | as many adapters as hosts are wanted at once, and what goes wrong with them |
//! | [`door`] | what cases see |

pub mod door;
pub mod pool;
pub mod process;
pub mod protocol;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use door::AdapterHost;

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing under a lock of this module is left half-done by a panic.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
