//! The fewest parts of a world that still break the same promise.

use std::collections::BTreeSet;

use super::world::World;
use super::{Stage, Violation};

/// Worlds that are tried, at most: a world has about forty parts, each of which is tried a few times.
const TRIES: usize = 400;

/// A world that fails, made small.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shrunk {
    /// The parts that are left, by their numbers.
    pub parts: BTreeSet<usize>,
    /// What is broken in what is left of the world.
    pub violation: Violation,
    /// How many worlds were tried.
    pub tries: usize,
}

/// Leaves out whatever can be left out of `parts` so that `violation`'s promise is still broken: in halves first, then in
/// ever smaller pieces, until no single part can go.
#[must_use]
pub fn shrink(
    stage: &Stage,
    world: &World,
    parts: BTreeSet<usize>,
    violation: Violation,
) -> Shrunk {
    let broken = |parts: &BTreeSet<usize>| {
        let played = stage.play(&world.keeping(parts));
        let same = |found: &Violation| found.promise == violation.promise;
        played.violations.into_iter().find(same)
    };
    let mut shrunk = Shrunk {
        violation: violation.clone(),
        parts,
        tries: 0,
    };
    let mut piece = shrunk.parts.len().div_ceil(2).max(1);
    loop {
        let before = shrunk.parts.len();
        let list: Vec<usize> = shrunk.parts.iter().copied().collect();
        // The last first: what comes late in a world hangs on what came before.
        for out in list.rchunks(piece) {
            if shrunk.tries >= TRIES {
                return shrunk;
            }
            let left: BTreeSet<usize> = shrunk
                .parts
                .iter()
                .copied()
                .filter(|part| !out.contains(part))
                .collect();
            if left.len() == shrunk.parts.len() {
                continue;
            }
            shrunk.tries += 1;
            if let Some(found) = broken(&left) {
                shrunk.parts = left;
                shrunk.violation = found;
            }
        }
        if piece > 1 {
            piece = piece.div_ceil(2);
        } else if shrunk.parts.len() == before {
            return shrunk;
        }
    }
}
