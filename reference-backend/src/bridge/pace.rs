//! Long calls give way. A call runs on the task of its session, and with it on a worker of the runtime. A runtime has as
//! few of them as the machine has cores: plugins that compute for their whole budget in a few sessions would keep all of
//! them, and nobody else's packets would move. So once a plugin's call has taken long, its next calls are made where the
//! runtime puts another thread in the worker's place. That costs some microseconds a call, which a plugin whose calls
//! are short never pays.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tokio::runtime::{Handle, RuntimeFlavor};

use super::CpuMeter;

/// A call that takes this long is felt by others: a hundred times what giving way costs.
const LONG: Duration = Duration::from_millis(1);

/// So many calls after a long one give way.
const CALLS: u32 = 1000;

/// How the calls of one plugin are made.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// Calls that are still to give way.
    left: AtomicU32,
}

impl Pace {
    /// Makes a call. Only where CPU time is measured by the clock is this one looked at: where it is counted, nobody
    /// waits in real time.
    pub fn run<R>(&self, meter: CpuMeter, call: impl FnOnce() -> R) -> R {
        if meter == CpuMeter::Fuel {
            return call();
        }
        let began = Instant::now();
        let done = if self.gives_way() && has_other_workers() {
            tokio::task::block_in_place(call)
        } else {
            call()
        };
        if began.elapsed() >= LONG {
            self.left.store(CALLS, Ordering::Relaxed);
        }
        done
    }

    /// Whether this call does.
    fn gives_way(&self) -> bool {
        let less = |left: u32| left.checked_sub(1);
        self.left.load(Ordering::Relaxed) > 0
            && self
                .left
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
                .is_ok()
    }
}

/// Lets another thread take the worker's place for what is sure to wait.
pub(super) fn give_way<R>(wait: impl FnOnce() -> R) -> R {
    if has_other_workers() {
        tokio::task::block_in_place(wait)
    } else {
        wait()
    }
}

/// A runtime of one thread has nobody to put in its place.
fn has_other_workers() -> bool {
    Handle::try_current().is_ok_and(|handle| handle.runtime_flavor() == RuntimeFlavor::MultiThread)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_give_way_after_a_long_one_and_not_for_ever() {
        let pace = Pace::default();
        assert!(!pace.gives_way());
        pace.left.store(2, Ordering::Relaxed);
        assert!(pace.gives_way() && pace.gives_way() && !pace.gives_way());
    }

    #[test]
    fn a_long_call_is_noticed_where_the_clock_measures() {
        for (meter, left) in [(CpuMeter::Epoch, CALLS), (CpuMeter::Fuel, 0)] {
            let pace = Pace::default();
            pace.run(meter, || {
                let began = Instant::now();
                while began.elapsed() < LONG {}
            });
            assert_eq!(pace.left.load(Ordering::Relaxed), left, "{meter:?}");
        }
    }

    /// One worker and a call that waits for another task: without giving way neither would end.
    #[test]
    fn a_call_that_gives_way_lets_the_other_tasks_run() {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .build()
            .unwrap();
        runtime.block_on(async {
            let (send, receive) = std::sync::mpsc::channel();
            let call = tokio::spawn(async move {
                let pace = Pace::default();
                pace.left.store(1, Ordering::Relaxed);
                pace.run(CpuMeter::Epoch, || receive.recv())
            });
            let other = tokio::spawn(async move { send.send(7) });
            assert_eq!(call.await.unwrap(), Ok(7));
            assert!(other.await.unwrap().is_ok());
        });
    }
}
