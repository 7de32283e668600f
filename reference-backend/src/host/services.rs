//! What every part of the host has at hand.

use super::observer::{HostEvent, LogLevel, Observer, PluginState};
use super::turns::Turns;
use crate::api::GameProfile;
use crate::config::HostConfig;
use crate::fault::Faults;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

/// A lock whose holder panicked is taken all the same: what it guards is changed in one go.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes a profile of a name; see [`HostBuilder::profiles`](super::HostBuilder::profiles).
pub(super) type Profiles = Arc<dyn Fn(&str) -> GameProfile + Send + Sync>;

/// The time, as guests are told it.
pub(crate) struct HostClock {
    /// Virtual where the runtime's clock is.
    origin: Instant,
    /// What a calendar said then, since 1970.
    wall: Duration,
}

impl HostClock {
    /// That of the machine or, where runs must repeat exactly, one that always begins in the same second.
    pub(super) fn start(seed: Option<u64>) -> Self {
        const SEEDED: Duration = Duration::from_secs(1_700_000_000);
        let now = || SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            origin: Instant::now(),
            wall: seed.map_or_else(|| now().unwrap_or_default(), |_| SEEDED),
        }
    }

    pub fn monotonic(&self) -> Duration {
        self.origin.elapsed()
    }

    pub fn wall(&self) -> Duration {
        self.wall + self.monotonic()
    }
}

pub(crate) struct Services {
    pub(super) config: HostConfig,
    pub(super) observer: Option<Arc<dyn Observer>>,
    pub(super) profiles: Profiles,
    /// What plugins are told that clients speak; none for the truth.
    pub(super) told_protocol: Option<i32>,
    pub clock: HostClock,
    /// Of random numbers for guests, where runs must repeat exactly.
    pub seed: Option<u64>,
    /// Who needs much waits for those who need little.
    pub turns: Arc<Turns>,
    /// What is broken on purpose.
    pub faults: Faults,
    /// For a fault that has all guests take turns.
    pub(super) all_guests: tokio::sync::Mutex<()>,
}

impl Services {
    /// For what happens often: built only when somebody looks.
    pub fn observe(&self, event: impl FnOnce() -> HostEvent) {
        if let Some(observer) = &self.observer {
            observer.on_event(event());
        }
    }

    /// For what an operator should know of too.
    pub fn tell(&self, event: HostEvent) {
        write_log(&event);
        if let Some(observer) = &self.observer {
            observer.on_event(event);
        }
    }

    pub fn is_server(&self, name: &str) -> bool {
        self.config.servers.contains_key(name)
    }
}

fn write_log(event: &HostEvent) {
    match event {
        HostEvent::Plugin {
            plugin,
            incarnation,
            state,
        } => match state {
            PluginState::Enabling => tracing::debug!(%plugin, incarnation, "enabling"),
            PluginState::Enabled { .. } => tracing::info!(%plugin, incarnation, "enabled"),
            PluginState::Off { reason } => tracing::error!(%plugin, "stays off: {reason}"),
            PluginState::Restarting { after } => {
                tracing::warn!(%plugin, "starts again in {} ms", after.as_millis());
            }
            PluginState::Quarantined => {
                tracing::error!(%plugin, "in quarantine: too many restarts in too short a time");
            }
            PluginState::Disabled => tracing::info!(%plugin, "disabled"),
        },
        HostEvent::GuestLog {
            plugin,
            level,
            message,
        } => match level {
            LogLevel::Trace => tracing::trace!(target: "guest", %plugin, "{message}"),
            LogLevel::Debug => tracing::debug!(target: "guest", %plugin, "{message}"),
            LogLevel::Info => tracing::info!(target: "guest", %plugin, "{message}"),
            LogLevel::Warn => tracing::warn!(target: "guest", %plugin, "{message}"),
            LogLevel::Error => tracing::error!(target: "guest", %plugin, "{message}"),
        },
        HostEvent::GuestLogDropped { plugin, lines } => {
            tracing::warn!(%plugin, "{lines} log lines dropped: over the rate");
        }
        HostEvent::RegistrationRefused { plugin, error } => {
            tracing::warn!(%plugin, "registration refused: {error}");
        }
        HostEvent::Trap {
            plugin,
            incarnation,
            callback,
            player,
            kind,
        } => {
            let player = player.map(tracing::field::display);
            tracing::error!(%plugin, incarnation, player, "{kind} (in {callback})");
        }
        HostEvent::Connected { player, peer } => tracing::debug!(%player, %peer, "connected"),
        HostEvent::Denied {
            player,
            plugin,
            reason,
            text,
        } => {
            let plugin = plugin.as_deref().unwrap_or("-");
            tracing::warn!(%player, plugin, "denied: {reason}; told: {text}");
        }
        HostEvent::SessionStarted {
            player,
            plugin,
            handler,
            protocol_version,
        } => {
            tracing::info!(%player, %plugin, %handler, protocol_version, "session started");
        }
        HostEvent::SessionEnded { player, cause, .. } => {
            tracing::info!(%player, "session ended: {cause}");
        }
        HostEvent::Closed { player, cause } => tracing::debug!(%player, "closed: {cause}"),
        _ => {}
    }
}
