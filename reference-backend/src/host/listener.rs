//! Connections from a listener, no faster than the host takes them.

use super::Host;
use std::io;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep, sleep_until};

/// After a failure to accept, mostly for want of file descriptors, some have been closed by then.
const PAUSE: Duration = Duration::from_millis(100);

/// So many failures in a row are no passing shortage.
const FAILURES: u32 = 50;

/// The step of the runtime's timers: within it connections are taken at once.
const STEPS_PER_SECOND: u64 = 1000;

/// Until the host stops, or for [`FAILURES`] in a row.
pub(super) async fn serve(host: &Host, listener: &TcpListener) -> io::Result<()> {
    let mut stopping = host.inner.stopping.subscribe();
    let limits = &host.inner.services.config.limits;
    let mut rate = Rate::new(limits.connections_per_second);
    let mut failures = 0;
    loop {
        let next = async {
            rate.wait().await;
            listener.accept().await
        };
        let accepted = tokio::select! {
            biased;
            _ = stopping.wait_for(|stopping| *stopping) => return Ok(()),
            accepted = next => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                failures = 0;
                rate.took();
                // Game packets are small and should not wait for each other. Failing at it costs only that.
                let _ = stream.set_nodelay(true);
                host.accept(stream, peer);
            }
            Err(error) if failures < FAILURES => {
                failures += 1;
                tracing::warn!("cannot accept a connection: {error}");
                sleep(PAUSE).await;
            }
            Err(error) => return Err(error),
        }
    }
}

/// So many at once, and the next when their time is over: at most what was asked for, and less as timers are late.
struct Rate {
    at_once: u64,
    time: Duration,
    /// Since then.
    taken: u64,
    since: Instant,
}

impl Rate {
    /// One a second at least.
    fn new(per_second: u64) -> Self {
        let at_once = (per_second / STEPS_PER_SECOND).max(1);
        Self {
            at_once,
            time: Duration::from_nanos(at_once * 1_000_000_000 / per_second.max(1)),
            taken: 0,
            since: Instant::now(),
        }
    }

    /// Until one more may be taken. Loses nothing when it is dropped.
    async fn wait(&mut self) {
        if self.taken >= self.at_once {
            sleep_until(self.since + self.time).await;
            self.taken = 0;
        }
    }

    fn took(&mut self) {
        if self.taken == 0 {
            self.since = Instant::now();
        }
        self.taken += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When each of so many was taken, in microseconds, where all of them wait from the start.
    async fn taken(per_second: u64, count: usize) -> Vec<u128> {
        let began = Instant::now();
        let mut rate = Rate::new(per_second);
        let mut times = Vec::new();
        for _ in 0..count {
            rate.wait().await;
            rate.took();
            times.push(began.elapsed().as_micros());
        }
        times
    }

    #[tokio::test(start_paused = true)]
    async fn so_many_are_taken_in_a_second_and_no_more() {
        assert_eq!(
            taken(4000, 9).await,
            [0, 0, 0, 0, 1000, 1000, 1000, 1000, 2000]
        );
        assert_eq!(taken(1, 3).await, [0, 1_000_000, 2_000_000]);
        assert_eq!(taken(999, 2).await, [0, 2000]);
        for per_second in [1, 7, 1000, 1999, 4000, 1_000_000] {
            let count = usize::try_from(per_second).expect("small");
            let last = taken(per_second, count + 1).await[count];
            assert!(last >= 1_000_000, "{per_second}: {last}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_after_a_pause_is_taken_at_once() {
        let mut rate = Rate::new(2000);
        rate.took();
        rate.took();
        sleep(Duration::from_secs(9)).await;
        let began = Instant::now();
        for _ in 0..2 {
            rate.wait().await;
            rate.took();
        }
        assert_eq!(began.elapsed(), Duration::ZERO);
        rate.wait().await;
        assert_eq!(began.elapsed(), Duration::from_millis(1));
    }
}
