//! The stream of a soak: what `--format jsonl` prints, a line each.

use serde::Serialize;

use super::run::{Finished, Sum};
use crate::event::SCHEMA;
use crate::verdict::micros;

/// One line of the stream.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum SoakEvent {
    /// First, once.
    SoakStarted {
        /// The version of the stream.
        schema: u32,
        /// The harness's version.
        vbspec: String,
        /// The first seed.
        from: u64,
        /// The seed after the last.
        to: u64,
    },
    /// Once for each seed, in their order.
    SeedFinished {
        /// The seed.
        seed: u64,
        /// Sessions in its world.
        sessions: u64,
        /// Connections in its world.
        connections: u64,
        /// Packets that handlers were handed or sent.
        packets: u64,
        /// How long it took in virtual time, in microseconds.
        virtual_us: u64,
        /// A hash over every piece that the network carried, in hexadecimal: equal for equal seeds.
        digest: String,
        /// What was broken; empty when nothing was.
        violations: Vec<Broken>,
        /// The smallest world that breaks the same promise.
        #[serde(skip_serializing_if = "Option::is_none")]
        shrunk: Option<Small>,
    },
    /// Last, once.
    SoakFinished {
        /// Worlds that were played.
        worlds: u64,
        /// Worlds in which something was broken.
        broken: u64,
        /// Sessions in them.
        sessions: u64,
        /// By the clock on the wall, in microseconds.
        wall_us: u64,
        /// The exit code.
        exit: u8,
    },
}

/// A promise that was broken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Broken {
    /// Its name.
    pub promise: String,
    /// The clause that states it.
    pub clause: String,
    /// What was seen.
    pub what: String,
}

/// A world that fails, made small.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Small {
    /// The parts that are left.
    pub parts: Vec<usize>,
    /// The world in words.
    pub world: String,
    /// What is broken in it.
    pub what: String,
    /// The command that repeats it.
    pub repeat: String,
}

impl SoakEvent {
    /// What is about to be played.
    #[must_use]
    pub fn started(from: u64, to: u64) -> Self {
        Self::SoakStarted {
            schema: SCHEMA,
            vbspec: env!("CARGO_PKG_VERSION").to_owned(),
            from,
            to,
        }
    }

    /// One seed, and its failure made small.
    #[must_use]
    pub fn finished(finished: &Finished, shrunk: Option<Small>) -> Self {
        let Finished { seed, played, .. } = finished;
        let violations = played.violations.iter().map(|found| Broken {
            promise: found.promise.to_owned(),
            clause: found.clause.to_owned(),
            what: found.what.clone(),
        });
        Self::SeedFinished {
            seed: *seed,
            sessions: played.sessions,
            connections: played.connections,
            packets: played.packets,
            virtual_us: micros(played.virtual_time),
            digest: format!("{:016x}", played.digest),
            violations: violations.collect(),
            shrunk,
        }
    }

    /// The sum.
    #[must_use]
    pub fn sum(sum: &Sum, exit: u8) -> Self {
        Self::SoakFinished {
            worlds: sum.worlds,
            broken: sum.broken,
            sessions: sum.sessions,
            wall_us: micros(sum.wall),
            exit,
        }
    }
}
