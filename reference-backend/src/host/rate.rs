//! How much of the log one plugin may fill: with what it writes itself, and with what the host has to write on its
//! account.

use super::services::lock;
use crate::api::{HostEvent, LogLevel, PluginState};
use crate::config::limits::LOG_LINE_BYTES;
use crate::config::{Limits, PluginConfig};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;
use tokio::time::Instant;

/// Lines of the host's in a second about what is wrong with one plugin, traps among them, that are written though the
/// plugin has used up what it may: a plugin must not hide its failure behind its words.
pub const ERRORS_PER_SECOND: u32 = 16;

const WINDOW: Duration = Duration::from_secs(1);

/// Whose account a line goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Account {
    /// What the plugin says, and what it could make the host say without end.
    Own,
    /// What an operator must hear of it.
    Errors,
}

/// What becomes of a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub write: bool,
    /// Lines dropped in the window that has just closed.
    pub dropped_before: u64,
}

/// One for each plugin, over all its instances.
pub(super) struct Rates(BTreeMap<String, Mutex<Meter>>);

impl Rates {
    pub fn new<'a>(plugins: impl Iterator<Item = (&'a String, &'a PluginConfig)>) -> Self {
        let meters = plugins.map(|(name, config)| {
            let meter = Meter::new(&config.limits);
            (name.clone(), Mutex::new(meter))
        });
        Self(meters.collect())
    }

    /// Whether the line of this event is written. None for an event that no plugin can cause without end.
    pub fn of<'e>(&self, event: &'e HostEvent, now: Instant) -> Option<(&'e str, Verdict)> {
        let (plugin, account, bytes) = account(event)?;
        let meter = self.0.get(plugin)?;
        Some((plugin, lock(meter).line(account, bytes, now)))
    }

    /// Lines of a plugin that were dropped and not told of yet.
    pub fn take_dropped(&self, plugin: &str) -> u64 {
        let meter = self.0.get(plugin);
        meter.map_or(0, |meter| std::mem::take(&mut lock(meter).dropped))
    }
}

/// Which plugin's doing it is that a line is written, and how many bytes of text it brings.
fn account(event: &HostEvent) -> Option<(&str, Account, usize)> {
    let (plugin, account, bytes) = match event {
        HostEvent::GuestLog {
            plugin, message, ..
        } => (plugin, Account::Own, message.len()),
        HostEvent::RegistrationRefused { plugin, error } => {
            (plugin, Account::Own, error.message.len())
        }
        HostEvent::Denied {
            plugin: Some(plugin),
            text,
            ..
        } => (plugin, Account::Own, text.as_str().len()),
        HostEvent::Note {
            plugin,
            level: LogLevel::Error,
            text,
            ..
        } => (plugin, Account::Errors, text.len()),
        HostEvent::Note { plugin, text, .. } => (plugin, Account::Own, text.len()),
        HostEvent::Trap { plugin, .. } => (plugin, Account::Errors, 0),
        HostEvent::Plugin {
            plugin,
            state: PluginState::Off { reason },
            ..
        } => (plugin, Account::Errors, reason.len()),
        _ => return None,
    };
    Some((plugin, account, bytes.min(LOG_LINE_BYTES)))
}

/// Counts the lines of one plugin.
struct Meter {
    lines: u32,
    bytes: u64,
    second: Option<Instant>,
    used_lines: u32,
    used_bytes: u64,
    used_errors: u32,
    dropped: u64,
}

impl Meter {
    fn new(limits: &Limits) -> Self {
        Self {
            lines: limits.log_lines,
            bytes: limits.log_bytes,
            second: None,
            used_lines: 0,
            used_bytes: 0,
            used_errors: 0,
            dropped: 0,
        }
    }

    fn line(&mut self, account: Account, bytes: usize, now: Instant) -> Verdict {
        let mut dropped_before = 0;
        if self
            .second
            .is_none_or(|second| now.saturating_duration_since(second) >= WINDOW)
        {
            dropped_before = std::mem::take(&mut self.dropped);
            self.second = Some(now);
            (self.used_lines, self.used_bytes, self.used_errors) = (0, 0, 0);
        }
        let bytes = self.used_bytes.saturating_add(bytes as u64);
        let write = if self.used_lines < self.lines && bytes <= self.bytes {
            self.used_lines += 1;
            self.used_bytes = bytes;
            true
        } else if account == Account::Errors && self.used_errors < ERRORS_PER_SECOND {
            self.used_errors += 1;
            true
        } else {
            self.dropped += 1;
            false
        };
        Verdict {
            write,
            dropped_before,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meter(lines: u32, bytes: u64) -> Meter {
        Meter::new(&Limits {
            log_lines: lines,
            log_bytes: bytes,
            ..Limits::default()
        })
    }

    #[test]
    fn so_many_lines_have_an_edge_and_the_next_second_tells_of_it() {
        let mut meter = meter(2, 1000);
        let start = Instant::now();
        let mut own = |at| meter.line(Account::Own, 1, start + Duration::from_millis(at));
        assert!(own(0).write);
        assert!(own(0).write);
        assert!(!own(0).write);
        assert!(!own(999).write);
        let next = own(1000);
        assert!(next.write);
        assert_eq!(next.dropped_before, 2);
        assert_eq!(own(2000).dropped_before, 0);
    }

    #[test]
    fn so_many_bytes_have_an_edge_and_a_shorter_line_still_fits() {
        let mut meter = meter(1000, 10);
        let now = Instant::now();
        let mut own = |bytes| meter.line(Account::Own, bytes, now).write;
        assert!(own(8));
        assert!(!own(3));
        assert!(own(2));
        assert!(!own(1));
        assert!(own(0));
        assert!(!own(usize::MAX));
    }

    #[test]
    fn what_is_wrong_with_a_plugin_is_written_though_it_floods() {
        let mut meter = meter(1, 10);
        let now = Instant::now();
        assert!(meter.line(Account::Own, 1, now).write);
        assert!(!meter.line(Account::Own, 1, now).write);
        for _ in 0..ERRORS_PER_SECOND {
            assert!(meter.line(Account::Errors, 99, now).write);
        }
        assert!(!meter.line(Account::Errors, 0, now).write);
        let next = meter.line(Account::Own, 1, now + WINDOW);
        assert_eq!((next.write, next.dropped_before), (true, 2));
    }
}
