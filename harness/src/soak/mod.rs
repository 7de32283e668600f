//! Deterministic simulation: one seed makes one small world of clients, guests and a network that splits, delays and
//! cuts; after it the promises of `wit/SPEC.md` that hold whatever happens are looked at.
//!
//! ```text
//! seed -> world -> play (network, clients, native handler, host) -> history -> check -> violations
//!           ^                                                                              |
//!           └──────────────────────────── shrink <─────────────────────────────────────────┘
//! ```
//!
//! | Module | Holds |
//! |---|---|
//! | [`world`] | what a seed draws, as parts that can be left out |
//! | `native` | the plugin that answers for the worlds' native sessions, and looks on while it does |
//! | `client` | a client that follows its script and remembers what passed |
//! | `play` | a world from first to last |
//! | `check` | the promises |
//! | [`shrink`] | the fewest parts that still break the same promise |
//! | [`run`] | many seeds on threads, in order |
//! | [`event`] | what is told of them as JSON lines |

mod check;
mod client;
pub mod event;
mod native;
mod play;
pub mod run;
pub mod shrink;
pub mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use reference_backend::{CpuMeter, Fault, GuestComponent, GuestEngine};

use crate::runner::panic_message;
use crate::subject::Refusal;
use world::World;

/// The guests, compiled in so that the binary needs no file beside it.
const LOBBY: &[u8] = include_bytes!("../../../fixtures/artifacts/lobby.wasm");
const PROBE: &[u8] = include_bytes!("../../../fixtures/artifacts/probe.wasm");

/// The host that worlds are played on, and the guests in it.
pub struct Stage {
    lobby: GuestComponent,
    probe: GuestComponent,
    #[cfg_attr(
        not(feature = "selftest"),
        expect(dead_code, reason = "no host can be broken then")
    )]
    fault: Option<Fault>,
}

/// A promise that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which, by a name that stays the same while a world shrinks.
    pub promise: &'static str,
    /// The clause that states it.
    pub clause: &'static str,
    /// What was seen.
    pub what: String,
}

/// What became of a world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Played {
    /// What was broken, in the order in which it was found.
    pub violations: Vec<Violation>,
    /// Sessions that started.
    pub sessions: u64,
    /// Connections that were opened.
    pub connections: u64,
    /// Packets that handlers were handed or sent.
    pub packets: u64,
    /// How long it took in virtual time.
    pub virtual_time: Duration,
    /// A hash over every piece that the network carried, with its time.
    pub digest: u64,
}

impl Stage {
    /// Compiles the guests.
    ///
    /// # Errors
    /// When the machine cannot run guests.
    pub fn set(fault: Option<Fault>) -> Result<Self, Refusal> {
        let engine = GuestEngine::new(CpuMeter::Fuel)?;
        #[cfg(feature = "selftest")]
        let engine = match fault {
            Some(fault) => engine.with_fault(fault),
            None => engine,
        };
        Ok(Self {
            lobby: engine.load("lobby", LOBBY)?,
            probe: engine.load("probe", PROBE)?,
            fault,
        })
    }

    /// Plays a world in virtual time, on this thread.
    #[must_use]
    pub fn play(&self, world: &World) -> Played {
        let played = catch_unwind(AssertUnwindSafe(|| play::play(self, world)));
        match played {
            Ok(Ok(played)) => played,
            Ok(Err(error)) => failed("runtime", format!("there is no runtime: {error}")),
            Err(panic) => failed("panic", panic_message(panic.as_ref()).to_owned()),
        }
    }
}

fn failed(promise: &'static str, what: String) -> Played {
    Played {
        violations: vec![Violation {
            promise,
            clause: "none",
            what,
        }],
        sessions: 0,
        connections: 0,
        packets: 0,
        virtual_time: Duration::ZERO,
        digest: 0,
    }
}
