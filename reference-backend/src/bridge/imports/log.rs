//! `log`: always there, cut and within its rate.

use crate::api::{HostEvent, LogLevel};
use crate::bridge::bindings::infrarust::plugin::log::{Host, Level};
use crate::bridge::state::GuestState;
use crate::config::limits::LOG_LINE_BYTES;
use crate::shown::CUT;

impl Host for GuestState {
    fn log(&mut self, level: Level, message: String) -> wasmtime::Result<()> {
        self.write_line(level.into(), message);
        Ok(())
    }
}

impl GuestState {
    /// Writes a line to the host's log, unless there are too many.
    pub fn write_line(&mut self, level: LogLevel, message: String) {
        self.plugin.services.tell(HostEvent::GuestLog {
            plugin: self.plugin.name.clone(),
            level,
            message: cut(message),
        });
    }
}

/// To what a line may be, with a mark that says so; nothing of a longer one is kept.
fn cut(message: String) -> String {
    if message.len() <= LOG_LINE_BYTES {
        return message;
    }
    let end = message.floor_char_boundary(LOG_LINE_BYTES - CUT.len());
    format!("{}{CUT}", &message[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_at_8_kib_and_between_characters() {
        let at = "a".repeat(LOG_LINE_BYTES);
        assert_eq!(cut(at.clone()), at);
        let past = cut("a".repeat(LOG_LINE_BYTES + 1));
        assert_eq!(past.len(), LOG_LINE_BYTES);
        assert!(past.ends_with(CUT));
        let split = cut("ß".repeat(LOG_LINE_BYTES));
        assert_eq!(split.len(), LOG_LINE_BYTES - 1);
    }
}
