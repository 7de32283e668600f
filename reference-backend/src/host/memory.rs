//! What waits for all clients and handlers together, shared fairly.
//!
//! Each connection may hold as much as is free for all of them at that moment. The more they hold, the less that is, so
//! that those who hold most are refused first. As in switches whose ports share their memory: Choudhury and Hahne,
//! "Dynamic Queue Length Thresholds for Shared-Memory Packet Switches", IEEE/ACM Transactions on Networking 6(2), 1998.
//! Ports send what they hold. Clients that never read do not, and each of them would halve what is free for those who come
//! after; so besides, each connection has a floor that nobody takes from it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What each connection may hold whatever the others do: this part of an equal share. All floors together are so a quarter
/// of the budget, on top of it.
const FLOOR: u64 = 4;

/// The budget of a host.
pub(super) struct Memory {
    limit: u64,
    /// Bytes that each connection may hold besides.
    floor: u64,
    /// Bytes that all hold together.
    used: AtomicU64,
    /// Those over the floors, which count.
    over: AtomicU64,
}

impl Memory {
    /// For so many connections.
    pub fn new(limit: u64, connections: u32) -> Arc<Self> {
        Arc::new(Self {
            limit,
            floor: limit / FLOOR / u64::from(connections.max(1)),
            used: AtomicU64::new(0),
            over: AtomicU64::new(0),
        })
    }

    /// Bytes that all hold together.
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// What is free where so many bytes count.
    fn free(&self, over: u64) -> u64 {
        self.limit.saturating_sub(over)
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

    /// What is free for all.
    pub fn free(&self) -> u64 {
        self.memory.free(self.memory.over.load(Ordering::Relaxed))
    }

    /// Whether it may hold so much more.
    pub fn has_room(&self, more: u64) -> bool {
        let over = self.memory.over(self.held + more);
        over == 0 || over <= self.free()
    }

    /// Takes so much more, if it may hold it: together they never hold more than the budget and all floors by it.
    ///
    /// # Errors
    /// What all of them hold where it may not.
    pub fn take(&mut self, more: u64) -> Result<(), u64> {
        let (before, over) = (
            self.memory.over(self.held),
            self.memory.over(self.held + more),
        );
        let memory = &self.memory;
        let allowed = |all| (over == 0 || over <= memory.free(all)).then(|| all + (over - before));
        memory
            .over
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, allowed)
            .map_err(|_| memory.used())?;
        memory.used.fetch_add(more, Ordering::Relaxed);
        self.held += more;
        Ok(())
    }

    /// Holds so much from now on, whatever it may.
    pub fn set(&mut self, held: u64) {
        let memory = &self.memory;
        change(&memory.used, self.held, held);
        change(&memory.over, memory.over(self.held), memory.over(held));
        self.held = held;
    }
}

/// One part of what is counted was `before` and is `now`.
fn change(count: &AtomicU64, before: u64, now: u64) {
    if now >= before {
        count.fetch_add(now - before, Ordering::Relaxed);
    } else {
        count.fetch_sub(before - now, Ordering::Relaxed);
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
        assert_eq!((memory.used(), greedy.free()), (410, 0));
        assert_eq!(late.take(10), Ok(()));
        assert_eq!((late.take(1), memory.used()), (Err(420), 420));
        assert!(!late.has_room(1) && late.has_room(0));
        greedy.set(10);
        assert_eq!((memory.used(), greedy.free()), (20, 400));
        assert_eq!(late.take(200), Ok(()));
        assert_eq!((memory.used(), greedy.free()), (220, 200));
        drop(late);
        assert_eq!((memory.used(), greedy.free()), (10, 400));
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
