//! `log`: always there, cut and within its rate.

use crate::bridge::bindings::infrarust::plugin::log::{Host, Level};
use crate::bridge::state::GuestState;
use crate::config::limits::LOG_LINE_BYTES;
use crate::host::{HostEvent, LogLevel};
use tokio::time::Instant;

impl Host for GuestState {
    fn log(&mut self, level: Level, message: String) -> wasmtime::Result<()> {
        self.write_line(level.into(), message);
        Ok(())
    }
}

impl GuestState {
    /// Writes a line to the host's log, unless there are too many.
    pub fn write_line(&mut self, level: LogLevel, mut message: String) {
        let verdict = self.log.line(Instant::now());
        if verdict.dropped_before > 0 {
            self.plugin.services.tell(HostEvent::GuestLogDropped {
                plugin: self.plugin.name.clone(),
                lines: verdict.dropped_before,
            });
        }
        if verdict.write {
            cut(&mut message);
            self.plugin.services.tell(HostEvent::GuestLog {
                plugin: self.plugin.name.clone(),
                level,
                message,
            });
        }
    }
}

fn cut(message: &mut String) {
    if message.len() > LOG_LINE_BYTES {
        let mut end = LOG_LINE_BYTES;
        while !message.is_char_boundary(end) {
            end -= 1;
        }
        message.truncate(end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_at_8_kib_and_between_characters() {
        let mut at = "a".repeat(LOG_LINE_BYTES);
        cut(&mut at);
        assert_eq!(at.len(), LOG_LINE_BYTES);
        let mut past = "a".repeat(LOG_LINE_BYTES + 1);
        cut(&mut past);
        assert_eq!(past.len(), LOG_LINE_BYTES);
        let mut split = format!("{}ß", "a".repeat(LOG_LINE_BYTES - 1));
        cut(&mut split);
        assert_eq!(split.len(), LOG_LINE_BYTES - 1);
    }
}
