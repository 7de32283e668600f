//! What every part of the host has at hand.

#[cfg(feature = "faults")]
use super::broken::OfHost;
use super::memory::Memory;
use super::rate::Rates;
use super::turns::Turns;
use crate::api::{GameProfile, HostEvent, LogLevel, Observer, PlayerId, PluginState};
use crate::config::HostConfig;
use crate::config::limits::LOG_LINE_BYTES;
use crate::fault::Faults;
use crate::log::GUEST;
use crate::shown::shown_within;
use std::collections::BTreeMap;
use std::fmt;
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

/// Names and components by id.
pub(super) type Ids = BTreeMap<String, Vec<(String, u64)>>;

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
    /// What may wait in all queues together.
    pub(super) memory: Arc<Memory>,
    /// How much of the log each plugin may still fill.
    pub(super) rates: Rates,
    /// What is broken on purpose.
    pub faults: Faults,
    /// The ids that plugins say they have, whose each is, and of which component. None where one component may be there
    /// several times.
    pub(super) ids: Option<Mutex<Ids>>,
    /// What one that is broken keeps.
    #[cfg(feature = "faults")]
    pub(super) broken: OfHost,
}

impl Services {
    /// For what happens often: built only when somebody looks.
    pub fn observe(&self, event: impl FnOnce() -> HostEvent) {
        if let Some(observer) = &self.observer {
            observer.on_event(event());
        }
    }

    /// For what an operator should know of too. Every line that has to do with a plugin comes through here, so that it
    /// counts against the plugin's rate where it is the plugin's doing. An observer sees what it is about all the same,
    /// except for lines of a guest's own that are over the rate.
    pub fn tell(&self, event: HostEvent) {
        let mut write = true;
        if let Some((plugin, verdict)) = self.rates.of(&event, Instant::now()) {
            write = verdict.write;
            self.tell_dropped(plugin, verdict.dropped_before);
        }
        if write {
            write_log(&event);
        }
        if let Some(observer) = &self.observer
            && (write || !matches!(event, HostEvent::GuestLog { .. }))
        {
            observer.on_event(event);
        }
    }

    /// Tells what of a plugin was dropped and not told of yet.
    pub fn settle_log(&self, plugin: &str) {
        self.tell_dropped(plugin, self.rates.take_dropped(plugin));
    }

    /// What an operator should know of a plugin, in words of the host's with texts of anybody's in them.
    pub fn note(
        &self,
        plugin: &str,
        player: Option<PlayerId>,
        level: LogLevel,
        text: impl fmt::Display,
    ) {
        self.tell(HostEvent::Note {
            plugin: plugin.to_owned(),
            player,
            level,
            text: shown_within(LOG_LINE_BYTES, text),
        });
    }

    fn tell_dropped(&self, plugin: &str, lines: u64) {
        if lines > 0 {
            self.tell(HostEvent::GuestLogDropped {
                plugin: plugin.to_owned(),
                lines,
            });
        }
    }

    /// Notes that a plugin says it has this id. The error is for the log: the same component is up already under another
    /// name. Of another component with the same id the operator is told, and both run: what counts on this host is the
    /// name of the table, and one that stayed off might be the one that guards the others.
    pub fn claim_id(&self, id: &str, plugin: &str, digest: u64) -> Result<(), String> {
        let Some(ids) = &self.ids else {
            return Ok(());
        };
        let mut ids = lock(ids);
        let holders = ids.entry(id.to_owned()).or_default();
        if holders.iter().any(|(holder, _)| holder == plugin) {
            return Ok(());
        }
        if let Some((holder, _)) = holders.iter().find(|(_, known)| *known == digest) {
            return Err(format!(
                "it is the component of the plugin {holder}, with the id \"{id}\": remove one of them, or build it with another id"
            ));
        }
        let other = holders.first().map(|(holder, _)| holder.clone());
        holders.push((plugin.to_owned(), digest));
        drop(ids);
        if let Some(holder) = other {
            let text = format!(
                "its metadata's id is \"{id}\", which the plugin {holder} has too: build one of them with another id"
            );
            self.note(plugin, None, LogLevel::Warn, text);
        }
        Ok(())
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
            LogLevel::Trace => tracing::trace!(target: GUEST, %plugin, "{message}"),
            LogLevel::Debug => tracing::debug!(target: GUEST, %plugin, "{message}"),
            LogLevel::Info => tracing::info!(target: GUEST, %plugin, "{message}"),
            LogLevel::Warn => tracing::warn!(target: GUEST, %plugin, "{message}"),
            LogLevel::Error => tracing::error!(target: GUEST, %plugin, "{message}"),
        },
        HostEvent::Note {
            plugin,
            player,
            level,
            text,
        } => {
            let player = player.map(tracing::field::display);
            match level {
                LogLevel::Trace => tracing::trace!(%plugin, player, "{text}"),
                LogLevel::Debug => tracing::debug!(%plugin, player, "{text}"),
                LogLevel::Info => tracing::info!(%plugin, player, "{text}"),
                LogLevel::Warn => tracing::warn!(%plugin, player, "{text}"),
                LogLevel::Error => tracing::error!(%plugin, player, "{text}"),
            }
        }
        HostEvent::StopWaits {
            plugin,
            callback,
            connections,
        } => {
            tracing::warn!(%plugin, "stopping: {connections} connections wait for its {callback}");
        }
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
