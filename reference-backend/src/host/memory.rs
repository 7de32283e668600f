//! What waits for all clients and handlers together, shared fairly.
//!
//! Each connection may hold as much as is free for all of them at that moment. The more they hold, the less that is, so
//! that those who hold most are refused first, and there is always room for those who hold little. As in switches whose
//! ports share their memory: Choudhury and Hahne, "Dynamic Queue Length Thresholds for Shared-Memory Packet Switches",
//! IEEE/ACM Transactions on Networking 6(2), 1998.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The budget of a host.
pub(super) struct Memory {
    limit: u64,
    used: AtomicU64,
}

impl Memory {
    pub fn new(limit: u64) -> Arc<Self> {
        Arc::new(Self {
            limit,
            used: AtomicU64::new(0),
        })
    }

    /// Bytes that all hold together.
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    fn free(&self, used: u64) -> u64 {
        self.limit.saturating_sub(used)
    }
}

/// What one connection holds of it; given back when it is dropped.
pub(super) struct Share {
    memory: Arc<Memory>,
    held: u64,
}

impl Share {
    pub fn of(memory: &Arc<Memory>) -> Self {
        Self {
            memory: Arc::clone(memory),
            held: 0,
        }
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        self.held
    }

    /// Bytes that nobody holds.
    pub fn free(&self) -> u64 {
        self.memory.free(self.memory.used())
    }

    /// Whether it may hold so much more.
    pub fn has_room(&self, more: u64) -> bool {
        self.held + more <= self.free()
    }

    /// Takes so much more, if it may hold it: together they never hold more than the budget by it.
    ///
    /// # Errors
    /// What all of them hold where it may not.
    pub fn take(&mut self, more: u64) -> Result<(), u64> {
        let allowed = |used| (self.held + more <= self.memory.free(used)).then_some(used + more);
        self.memory
            .used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, allowed)?;
        self.held += more;
        Ok(())
    }

    /// Holds so much from now on, whatever it may.
    pub fn set(&mut self, held: u64) {
        let used = &self.memory.used;
        if held >= self.held {
            used.fetch_add(held - self.held, Ordering::Relaxed);
        } else {
            used.fetch_sub(self.held - held, Ordering::Relaxed);
        }
        self.held = held;
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.set(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_alone_holds_half_and_no_more() {
        let memory = Memory::new(100);
        let mut share = Share::of(&memory);
        assert_eq!(share.take(30), Ok(()));
        assert!(share.has_room(40) && !share.has_room(41));
        assert_eq!(share.take(41), Err(30));
        assert_eq!(share.take(20), Ok(()));
        assert_eq!(share.take(1), Err(50));
        assert_eq!(memory.used(), 50);
    }

    #[test]
    fn the_largest_is_refused_first_and_the_smallest_still_finds_room() {
        let memory = Memory::new(100);
        let mut shares: Vec<_> = (0..4).map(|_| Share::of(&memory)).collect();
        // All but the last take as much as they get.
        let mut took = true;
        while std::mem::take(&mut took) {
            for share in &mut shares[..3] {
                took |= share.take(1).is_ok();
            }
        }
        assert!(shares[..3].iter().all(|share| share.held == 25));
        assert_eq!(shares[0].take(1), Err(75));
        assert_eq!(shares[3].take(25), Ok(()));
        assert_eq!(shares[3].take(1), Err(100));
        assert_eq!(memory.used(), 100);
    }

    #[test]
    fn what_is_let_go_is_free_for_the_others() {
        let memory = Memory::new(100);
        let (mut one, mut other) = (Share::of(&memory), Share::of(&memory));
        one.set(90);
        assert_eq!(other.take(11), Err(90));
        assert_eq!(other.take(10), Ok(()));
        one.set(20);
        assert_eq!(other.take(60), Ok(()));
        drop(other);
        assert_eq!(memory.used(), 20);
        // What nobody could refuse may be over the budget, and everybody waits then.
        one.set(130);
        assert!(!one.has_room(0) && !Share::of(&memory).has_room(1));
        drop(one);
        assert_eq!(memory.used(), 0);
    }
}
