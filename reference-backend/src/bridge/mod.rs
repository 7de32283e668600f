//! WebAssembly guests.
//!
//! ```text
//! bytes --load--> GuestComponent --linker, InstancePre--> GuestPlugin --enable--> Instance
//!                                                              ^                     | trap
//!                                                              +---- backoff --------+
//! ```
//!
//! | Module | Holds |
//! |---|---|
//! | `bindings` | what `bindgen!` makes of `wit/`, nothing else |
//! | `engine` | the engine, its meter and its allocator |
//! | `load`, `fit` | what is checked before anything of a guest runs |
//! | `extent` | how much a component makes the host hold, before it is built |
//! | `linker` | only what is granted |
//! | `wasi` | what guests in other languages import besides |
//! | `sessions` | which instance has a player's session |
//! | `state` | what an instance's store holds |
//! | `imports` | one module an interface |
//! | `instance` | one instance: calls, limits, poison |
//! | `budget` | CPU time by the clock |
//! | `broken` | what a bridge that is broken on purpose does in place of the right thing; `whole` where none can be |
//! | `turnstile` | its lock |
//! | `handler` | [`VirtualBackendHandler`](crate::VirtualBackendHandler) on top of an instance |
//! | `plugin` | enabling, restarts, quarantine |
//!
//! Guest calls are synchronous and run on the task that makes them, which for a session's callbacks is the session's
//! own. An instance is locked while it is called.

mod bindings;
#[cfg(feature = "faults")]
mod broken;
#[cfg(not(feature = "faults"))]
#[path = "whole.rs"]
mod broken;
mod budget;
mod convert;
mod engine;
mod extent;
mod fit;
mod handler;
mod imports;
mod instance;
mod linker;
mod load;
mod metadata;
mod plugin;
mod sessions;
mod state;
mod tasks;
mod turnstile;
mod wasi;

pub use engine::{CpuMeter, EngineError, GuestEngine};
pub use load::{CONTRACT_PACKAGE, CONTRACT_VERSION, GuestComponent, LoadError, MissingCapability};
pub(crate) use plugin::GuestDriver;
pub use wasi::DataFolderError;
