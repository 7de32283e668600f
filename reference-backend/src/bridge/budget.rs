//! The CPU time of one callback where it is measured by the clock.
//!
//! What counts is the clock of the thread that runs the call, so that a guest does not pay for what others do to the
//! machine. Reading it costs more than most calls: it is read only once a tick of the epoch falls into the call.

use super::engine::EPOCH_TICK;
use crate::clock::thread_time;
use std::time::{Duration, Instant};
use wasmtime::{Trap, UpdateDeadline};

/// A call gets at least this share of a core, or is given up: players wait for it, whoever is to blame.
const STARVED: u32 = 10;

/// The budget of the call under way.
#[derive(Default)]
pub(crate) struct Budget {
    limit: Duration,
    /// When the first tick fell into the call.
    seen: Option<Seen>,
}

#[derive(Clone, Copy)]
struct Seen {
    cpu: Duration,
    real: Instant,
}

impl Budget {
    /// A call begins. Its first tick is to ask [`tick`](Self::tick).
    pub fn begin(&mut self, limit: Duration) {
        *self = Self { limit, seen: None };
    }

    /// After how many ticks to ask again. What the call has waited for files has a limit of its own.
    ///
    /// # Errors
    /// When the budget is used up.
    pub fn tick(&mut self, for_files: Duration) -> wasmtime::Result<UpdateDeadline> {
        let now = Seen {
            cpu: thread_time(),
            real: Instant::now(),
        };
        // What was used before is less than a tick, and the guest's to have.
        let seen = *self.seen.get_or_insert(now);
        let used = now.cpu.saturating_sub(seen.cpu);
        let waited = now.real.saturating_duration_since(seen.real);
        let waited = waited.saturating_sub(for_files);
        if used >= self.limit || waited >= self.limit.saturating_mul(STARVED) {
            return Err(Trap::Interrupt.into());
        }
        let left = (self.limit - used)
            .as_nanos()
            .div_ceil(EPOCH_TICK.as_nanos());
        Ok(UpdateDeadline::Continue(
            u64::try_from(left).unwrap_or(u64::MAX),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(budget: &mut Budget) -> bool {
        budget.tick(Duration::ZERO).is_err()
    }

    #[test]
    fn a_thread_that_waits_uses_nothing() {
        let mut budget = Budget::default();
        budget.begin(Duration::from_secs(3600));
        assert!(!used(&mut budget));
        // As long ago as a whole budget, in which the thread has been asleep.
        let seen = budget.seen.as_mut().unwrap();
        seen.real -= Duration::from_secs(3600);
        assert!(!used(&mut budget));
        budget.seen.as_mut().unwrap().real -= Duration::from_secs(9 * 3600);
        assert!(budget.tick(Duration::from_secs(1800)).is_ok());
        assert!(used(&mut budget));
    }

    #[test]
    fn a_budget_that_is_used_up_ends_the_call_and_the_next_has_its_own() {
        let mut budget = Budget::default();
        budget.begin(Duration::from_millis(1));
        assert!(!used(&mut budget));
        let began = thread_time();
        while thread_time() - began < Duration::from_millis(1) {}
        assert!(used(&mut budget));
        budget.begin(Duration::from_millis(1));
        assert!(!used(&mut budget));
    }

    #[test]
    fn nothing_is_too_long_for_a_budget() {
        let mut budget = Budget::default();
        budget.begin(Duration::MAX);
        assert!(matches!(
            budget.tick(Duration::ZERO),
            Ok(UpdateDeadline::Continue(u64::MAX))
        ));
    }
}
