//! Faults that break more than the clause whose killer they are. Each excuse has its reason and expires: one that is
//! not needed any more fails the selftest.

use super::Trial;

/// This killer breaks that clause too.
#[derive(Debug)]
pub struct Excuse {
    /// The killer.
    pub killer: &'static str,
    /// The clause besides its own.
    pub clause: &'static str,
    /// Why no narrower fault would do.
    pub why: &'static str,
}

const EXCUSES: &[Excuse] = &[];

/// The excuse for a killer's breaking a clause: its place in the list.
pub fn find(killer: &str, clause: &str) -> Option<usize> {
    EXCUSES
        .iter()
        .position(|excuse| excuse.killer == killer && excuse.clause == clause)
}

/// The excuses that none of the trials of the whole matrix needed.
pub fn unneeded(trials: &[Trial]) -> Vec<String> {
    EXCUSES
        .iter()
        .enumerate()
        .filter(|(index, _)| !trials.iter().any(|trial| trial.excused.contains(index)))
        .map(|(_, excuse)| {
            format!(
                "{} no longer breaks {} ({})",
                excuse.killer, excuse.clause, excuse.why
            )
        })
        .collect()
}
