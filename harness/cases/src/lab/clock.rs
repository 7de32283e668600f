//! Virtual time: a runtime whose clock moves only when everybody waits.

use std::future::Future;
use std::io;
use std::time::Duration;

use tokio::time::Instant;

/// The longest that a case may take in virtual time. The longest claim is about ten minutes; past an hour it hangs.
pub const LONGEST_CASE: Duration = Duration::from_secs(3600);

/// The longest that a case may take in real time.
pub const LONGEST_REAL_CASE: Duration = Duration::from_secs(300);

/// The same for one that takes minutes.
pub const LONGEST_REAL_PLAY: Duration = Duration::from_secs(900);

/// By which clock a case runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// It moves only when everybody waits.
    Virtual,
    /// The machine's.
    Real,
}

impl Clock {
    /// Runs a future on this thread in a runtime of its own. What the future spawned is dropped with it.
    ///
    /// # Errors
    /// When the runtime cannot be made.
    pub fn run<T>(self, future: impl Future<Output = T>) -> io::Result<T> {
        match self {
            Self::Virtual => in_virtual_time(future),
            Self::Real => {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()?;
                Ok(runtime.block_on(future))
            }
        }
    }

    /// The longest that a case may take by it.
    #[must_use]
    pub const fn longest_case(self, takes_minutes: bool) -> Duration {
        match self {
            Self::Virtual => LONGEST_CASE,
            Self::Real if takes_minutes => LONGEST_REAL_PLAY,
            Self::Real => LONGEST_REAL_CASE,
        }
    }
}

/// Runs a future on this thread in a runtime of its own whose clock starts at zero and is paused. What the future
/// spawned is dropped with it.
///
/// # Errors
/// When the runtime cannot be made.
pub fn in_virtual_time<T>(future: impl Future<Output = T>) -> io::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()?;
    Ok(runtime.block_on(future))
}

/// The point from which a case counts its time.
#[derive(Debug, Clone, Copy)]
pub struct Origin(Instant);

impl Origin {
    /// Now. Must be called within a runtime.
    #[must_use]
    pub fn now() -> Self {
        Self(Instant::now())
    }

    /// Time since then.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}
