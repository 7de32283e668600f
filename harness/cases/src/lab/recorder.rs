//! Everything that the host tells of itself, with the time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use vb_contract::{
    Callback, DenyReason, EndCause, HostEvent, LogLevel, Observer, PlayerId, PluginState, TrapKind,
};

use super::clock::Origin;
use crate::verdict::LogLine;
use crate::verdict::micros;

/// How many lines of log a failure shows.
const LOG_LINES: usize = 40;

/// An event of the host and its time.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Since the case began.
    pub at: Duration,
    /// What happened.
    pub event: HostEvent,
}

/// A trap that the host told of.
#[derive(Debug, Clone)]
pub struct TrapSeen {
    /// Since the case began.
    pub at: Duration,
    /// Whose.
    pub plugin: String,
    /// What it was doing.
    pub callback: Callback,
    /// What happened.
    pub kind: TrapKind,
}

impl std::fmt::Display for TrapSeen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} in {}", self.kind, self.callback)
    }
}

/// Sees what happens in a host and keeps it for the length of a case.
#[derive(Debug)]
pub struct Recorder {
    origin: Origin,
    events: Mutex<Vec<Recorded>>,
}

impl Recorder {
    /// Counts time from `origin`.
    #[must_use]
    pub fn new(origin: Origin) -> Arc<Self> {
        Arc::new(Self {
            origin,
            events: Mutex::new(Vec::new()),
        })
    }

    /// How many events there are so far: a mark from which to look on later.
    #[must_use]
    pub fn mark(&self) -> usize {
        self.lock().len()
    }

    /// What `pick` makes of each event, in order, from a mark on.
    pub fn since<T>(&self, mark: usize, mut pick: impl FnMut(&Recorded) -> Option<T>) -> Vec<T> {
        self.lock()
            .iter()
            .skip(mark)
            .filter_map(&mut pick)
            .collect()
    }

    /// What `pick` makes of each event, in order.
    pub fn all<T>(&self, pick: impl FnMut(&Recorded) -> Option<T>) -> Vec<T> {
        self.since(0, pick)
    }

    /// Forgets what came since a mark: for cases so long that it would not fit in memory.
    pub fn forget_since(&self, mark: usize) {
        self.lock().truncate(mark);
    }

    /// Every trap.
    #[must_use]
    pub fn traps(&self) -> Vec<TrapSeen> {
        self.all(|seen| match &seen.event {
            HostEvent::Trap {
                plugin,
                callback,
                kind,
                ..
            } => Some(TrapSeen {
                at: seen.at,
                plugin: plugin.clone(),
                callback: *callback,
                kind: kind.clone(),
            }),
            _ => None,
        })
    }

    /// Every gate that stayed shut: for whom, and why.
    #[must_use]
    pub fn denials(&self) -> Vec<(PlayerId, DenyReason)> {
        self.all(|seen| match &seen.event {
            HostEvent::Denied { player, reason, .. } => Some((*player, reason.clone())),
            _ => None,
        })
    }

    /// Every start of a session: when, and whose.
    #[must_use]
    pub fn session_starts(&self) -> Vec<(Duration, PlayerId)> {
        self.all(|seen| match &seen.event {
            HostEvent::SessionStarted { player, .. } => Some((seen.at, *player)),
            _ => None,
        })
    }

    /// Every end of a session: when, whose, and why.
    #[must_use]
    pub fn session_ends(&self) -> Vec<(Duration, PlayerId, EndCause)> {
        self.all(|seen| match &seen.event {
            HostEvent::SessionEnded { player, cause, .. } => {
                Some((seen.at, *player, cause.clone()))
            }
            _ => None,
        })
    }

    /// The messages that a guest logged, oldest first.
    #[must_use]
    pub fn guest_log(&self, of: &str) -> Vec<(Duration, String)> {
        self.all(|seen| match &seen.event {
            HostEvent::GuestLog {
                plugin, message, ..
            } if plugin == of => Some((seen.at, message.clone())),
            _ => None,
        })
    }

    /// What a failure shows of the guest: its log and what the host says of it. The last lines, and how many
    /// before them are left out.
    #[must_use]
    pub fn log_lines(&self) -> (Vec<LogLine>, u64) {
        let mut lines = self.all(log_line);
        let left_out = lines.len().saturating_sub(LOG_LINES);
        lines.drain(..left_out);
        (lines, left_out as u64)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Recorded>> {
        // What a panic interrupted is a push, after which the list is whole.
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Recorder {
    fn on_event(&self, event: HostEvent) {
        self.lock().push(Recorded {
            at: self.origin.elapsed(),
            event,
        });
    }
}

fn log_line(seen: &Recorded) -> Option<LogLine> {
    let line = |level: &str, plugin: &str, text: String| LogLine {
        at_us: micros(seen.at),
        level: level.to_owned(),
        plugin: plugin.to_owned(),
        text,
    };
    let player = |id: &PlayerId| format!("player {id}");
    Some(match &seen.event {
        HostEvent::GuestLog {
            plugin,
            level,
            message,
        } => line(level_name(*level), plugin, message.clone()),
        HostEvent::Note {
            plugin,
            level,
            text,
            ..
        } => line(level_name(*level), plugin, text.clone()),
        HostEvent::GuestLogDropped { plugin, lines } => {
            line("log", plugin, format!("{lines} lines dropped"))
        }
        HostEvent::Trap {
            plugin,
            callback,
            kind,
            ..
        } => line("trap", plugin, format!("{kind} in {callback}")),
        HostEvent::RegistrationRefused { plugin, error } => {
            line("refuse", plugin, error.to_string())
        }
        HostEvent::Plugin { plugin, state, .. } => line("state", plugin, state_text(state)),
        HostEvent::Denied {
            player: id,
            plugin,
            reason,
            ..
        } => line(
            "denied",
            plugin.as_deref().unwrap_or("host"),
            format!("{}: {reason}", player(id)),
        ),
        HostEvent::SessionStarted {
            player: id,
            plugin,
            handler,
            protocol_version,
        } => line(
            "start",
            plugin,
            format!(
                "{} on handler {handler}, protocol {protocol_version}",
                player(id)
            ),
        ),
        HostEvent::SessionEnded {
            player: id, cause, ..
        } => line("end", "host", format!("{}: {cause:?}", player(id))),
        HostEvent::CallRefused { player: id, error } => {
            line("refuse", "host", format!("{}: {error}", player(id)))
        }
        HostEvent::BatchRefused { player: id, error } => {
            line("refuse", "host", format!("{}: {error}", player(id)))
        }
        _ => return None,
    })
}

fn level_name(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Trace => "trace",
        LogLevel::Debug => "debug",
        LogLevel::Info => "info",
        LogLevel::Warn => "warn",
        LogLevel::Error => "error",
    }
}

fn state_text(state: &PluginState) -> String {
    match state {
        PluginState::Enabling => "enabling".to_owned(),
        PluginState::Enabled { .. } => "enabled".to_owned(),
        PluginState::Off { reason } => format!("off: {reason}"),
        PluginState::Restarting { after } => format!("restarts in {} ms", after.as_millis()),
        PluginState::Quarantined => "quarantined".to_owned(),
        PluginState::Disabled => "disabled".to_owned(),
    }
}
