//! Many seeds on threads, told in order.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::shrink::{Shrunk, shrink};
use super::world::World;
use super::{Played, Stage};

/// Failures that are shrunk and told; the run ends with the last of them.
pub const FAILURES: usize = 5;

/// How far a thread may be ahead of the seed that is told next, which bounds what waits.
const AHEAD: u64 = 1024;

/// How one seed came out.
#[derive(Debug, Clone)]
pub struct Finished {
    /// The seed.
    pub seed: u64,
    /// What became of its world.
    pub played: Played,
    /// The smallest world that breaks the same promise, where one was broken.
    pub shrunk: Option<Shrunk>,
}

/// The sum of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sum {
    /// Worlds that were played.
    pub worlds: u64,
    /// Worlds in which a promise was broken.
    pub broken: u64,
    /// Sessions in them.
    pub sessions: u64,
    /// Connections in them.
    pub connections: u64,
    /// Packets that handlers were handed or sent.
    pub packets: u64,
    /// Virtual time in them.
    pub virtual_time: Duration,
    /// Time on the wall.
    pub wall: Duration,
}

/// Plays the world of every seed, or what `keep` leaves of it, on `threads` threads, and hands `tell` each in the order
/// of the seeds. Ends early after [`FAILURES`] failures.
pub fn run(
    stage: &Stage,
    seeds: Range<u64>,
    keep: Option<&BTreeSet<usize>>,
    threads: NonZeroUsize,
    mut tell: impl FnMut(&Finished),
) -> Sum {
    let began = Instant::now();
    let mut sum = Sum::default();
    let next = AtomicU64::new(seeds.start);
    let told = AtomicU64::new(seeds.start);
    let enough = AtomicBool::new(false);
    let (sender, receiver) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..threads.get() {
            let (sender, next, told, enough, end) =
                (sender.clone(), &next, &told, &enough, seeds.end);
            scope.spawn(move || {
                while !enough.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        return;
                    }
                    while seed > told.load(Ordering::Relaxed).saturating_add(AHEAD)
                        && !enough.load(Ordering::Relaxed)
                    {
                        std::thread::yield_now();
                    }
                    if sender.send(one(stage, seed, keep)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let mut waiting = BTreeMap::new();
        let mut due = seeds.start;
        for finished in receiver {
            waiting.insert(finished.seed, finished);
            while let Some(finished) = waiting
                .remove(&due)
                .filter(|_| !enough.load(Ordering::Relaxed))
            {
                due += 1;
                told.store(due, Ordering::Relaxed);
                sum.add(&finished);
                tell(&finished);
                if sum.broken >= FAILURES as u64 {
                    enough.store(true, Ordering::Relaxed);
                }
            }
        }
    });
    sum.wall = began.elapsed();
    sum
}

/// Plays one seed's world and makes it small when it fails.
#[must_use]
pub fn one(stage: &Stage, seed: u64, keep: Option<&BTreeSet<usize>>) -> Finished {
    let world = World::of(seed);
    let parts: BTreeSet<usize> = match keep {
        Some(keep) => keep.clone(),
        None => (0..world.parts()).collect(),
    };
    let played = stage.play(&world.keeping(&parts));
    let first = played.violations.first().cloned();
    let shrunk = first.map(|violation| shrink(stage, &world, parts, violation));
    Finished {
        seed,
        played,
        shrunk,
    }
}

impl Sum {
    fn add(&mut self, finished: &Finished) {
        let Played {
            violations,
            sessions,
            connections,
            packets,
            virtual_time,
            ..
        } = &finished.played;
        self.worlds += 1;
        self.broken += u64::from(!violations.is_empty());
        self.sessions += sessions;
        self.connections += connections;
        self.packets += packets;
        self.virtual_time += *virtual_time;
    }

    /// Sessions in a second of the clock on the wall.
    #[must_use]
    pub fn rate(&self) -> f64 {
        // Far below 2^52.
        #[allow(clippy::cast_precision_loss)]
        let sessions = self.sessions as f64;
        sessions / self.wall.as_secs_f64().max(0.001)
    }
}
