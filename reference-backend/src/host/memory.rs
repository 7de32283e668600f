//! What waits for all clients and handlers together, shared fairly.
//!
//! Each connection may hold as much as is free for all of them at that moment. The more they hold, the less that is, so
//! that those who hold most are refused first, and there is always room for those who hold little. As in switches whose
//! ports share their memory: Choudhury and Hahne, "Dynamic Queue Length Thresholds for Shared-Memory Packet Switches",
//! IEEE/ACM Transactions on Networking 6(2), 1998.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What each connection may hold whatever the others do: this part of an equal share. Those who come first and never read
/// give nothing back, and would leave ever less to those who come after them.
const FLOOR: u64 = 4;

/// The budget of a host.
pub(super) struct Memory {
    limit: u64,
    /// Bytes that each connection may hold besides.
    floor: u64,
    /// Bytes over their floors.
    used: AtomicU64,
}

impl Memory {
    /// For so many connections.
    pub fn new(limit: u64, connections: u32) -> Arc<Self> {
        Arc::new(Self {
            limit,
            floor: limit / FLOOR / u64::from(connections.max(1)),
            used: AtomicU64::new(0),
        })
    }

    /// Bytes that all hold together over their floors.
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    fn free(&self, used: u64) -> u64 {
        self.limit.saturating_sub(used)
    }

    /// What counts of so many bytes of one connection.
    fn over(&self, held: u64) -> u64 {
        held.saturating_sub(self.floor)
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
        let over = self.memory.over(self.held + more);
        over == 0 || over <= self.free()
    }

    /// Takes so much more, if it may hold it: together they never hold more than the budget by it.
    ///
    /// # Errors
    /// What all of them hold where it may not.
    pub fn take(&mut self, more: u64) -> Result<(), u64> {
        let (before, over) = (
            self.memory.over(self.held),
            self.memory.over(self.held + more),
        );
        let fits = |used| over == 0 || over <= self.memory.free(used);
        let allowed = |used| fits(used).then_some(used + (over - before));
        self.memory
            .used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, allowed)?;
        self.held += more;
        Ok(())
    }

    /// Holds so much from now on, whatever it may.
    pub fn set(&mut self, held: u64) {
        let used = &self.memory.used;
        let (before, over) = (self.memory.over(self.held), self.memory.over(held));
        if over >= before {
            used.fetch_add(over - before, Ordering::Relaxed);
        } else {
            used.fetch_sub(before - over, Ordering::Relaxed);
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
    fn each_has_a_floor_whatever_the_others_hold() {
        // 400 / 4 / 10
        let memory = Memory::new(400, 10);
        let (mut greedy, mut late) = (Share::of(&memory), Share::of(&memory));
        greedy.set(410);
        assert_eq!(memory.used(), 400);
        assert_eq!(late.take(10), Ok(()));
        assert_eq!((late.take(1), memory.used()), (Err(400), 400));
        assert!(!late.has_room(1) && late.has_room(0));
        greedy.set(10);
        assert_eq!(memory.used(), 0);
        assert_eq!(late.take(200), Ok(()));
        drop(late);
        assert_eq!(memory.used(), 0);
    }

    #[test]
    fn one_alone_holds_half_and_no_more() {
        let memory = Memory::new(100, 1000);
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
        let memory = Memory::new(100, 1000);
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
        let memory = Memory::new(100, 1000);
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
