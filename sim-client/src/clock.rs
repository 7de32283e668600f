use std::time::Duration;

use tokio::time::Instant;

/// Tokio's timers reach about two years; a deadline beyond this is set anew when it is reached.
const FAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Time as the protocol machine wants it: how long ago the driver was made. It follows tokio's clock, so it is virtual
/// where that is paused, and can stand still besides.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    origin: Instant,
    /// How long it has stood still, the current pause not included.
    lost: Duration,
    paused_at: Option<Instant>,
}

impl Clock {
    /// Starts at zero.
    pub(crate) fn start() -> Self {
        Clock {
            origin: Instant::now(),
            lost: Duration::ZERO,
            paused_at: None,
        }
    }

    /// The machine's time, which pauses are not part of.
    pub(crate) fn now(&self) -> Duration {
        let until = self.paused_at.unwrap_or_else(Instant::now);
        until.duration_since(self.origin).saturating_sub(self.lost)
    }

    /// Time since the start, pauses included.
    pub(crate) fn real(&self) -> Duration {
        self.origin.elapsed()
    }

    /// Where a point of the machine's time lies on tokio's clock, unless there is another pause before.
    pub(crate) fn instant(&self, at: Duration) -> Instant {
        self.origin
            .checked_add(self.lost)
            .and_then(|origin| origin.checked_add(at))
            .map_or_else(far, |instant| instant.min(far()))
    }

    pub(crate) fn paused(&self) -> bool {
        self.paused_at.is_some()
    }

    /// Whether this changed anything.
    pub(crate) fn pause(&mut self) -> bool {
        let changed = !self.paused();
        self.paused_at.get_or_insert_with(Instant::now);
        changed
    }

    /// Whether this changed anything.
    pub(crate) fn resume(&mut self) -> bool {
        let Some(at) = self.paused_at.take() else {
            return false;
        };
        self.lost += at.elapsed();
        true
    }
}

/// `limit` from now, or as far away as a timer goes.
pub(crate) fn after(limit: Duration) -> Instant {
    Instant::now() + limit.min(FAR)
}

fn far() -> Instant {
    after(FAR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_pause_is_no_time_for_the_machine() {
        let mut clock = Clock::start();
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(clock.pause());
        assert!(!clock.pause());
        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!(clock.now(), Duration::from_secs(1));
        assert!(clock.resume());
        assert!(!clock.resume());
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(clock.now(), Duration::from_secs(3));
        assert_eq!(clock.real(), Duration::from_secs(13));
        assert_eq!(clock.instant(Duration::from_secs(3)), Instant::now());
    }

    #[tokio::test(start_paused = true)]
    async fn no_deadline_is_too_far_away() {
        let clock = Clock::start();
        assert_eq!(clock.instant(Duration::MAX), far());
        assert_eq!(after(Duration::MAX), far());
    }
}
