//! The thread that writes.

use super::queue::{Lost, Queue};
use std::io::{ErrorKind, Write};
use std::sync::Arc;
use std::time::Duration;
use tracing_subscriber::fmt::format::Writer as TimeWriter;
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};

/// Under which the log speaks of itself.
const TARGET: &str = "reference_backend::log";

/// How long a sink that would have to wait, and may not, is left alone.
const RETRY: Duration = Duration::from_millis(10);

/// Writes what comes until the process ends.
pub(super) fn start(queue: Arc<Queue>, sink: impl Write + Send + 'static) {
    let own = Arc::clone(&queue);
    let thread = std::thread::Builder::new().name("log".to_owned());
    let started = thread.spawn(move || {
        // Were it to panic, nobody should wait for it.
        let closes = Closes(own);
        let mut sink = Sink::new(sink);
        loop {
            let entry = closes.0.next();
            sink.put(entry.lost_before, &entry.text);
        }
    });
    if started.is_err() {
        queue.close();
    }
}

struct Closes(Arc<Queue>);

impl Drop for Closes {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Something that can be written to, now and then.
pub(super) struct Sink<W> {
    sink: W,
    lost: Lost,
    /// The last line was written in part.
    torn: bool,
}

impl<W: Write> Sink<W> {
    pub fn new(sink: W) -> Self {
        Self {
            sink,
            lost: Lost::default(),
            torn: false,
        }
    }

    #[cfg(test)]
    pub fn of(&mut self) -> &mut W {
        &mut self.sink
    }

    /// Writes what was lost before, if anything, and the text, if there is one.
    pub fn put(&mut self, lost_before: Lost, text: &str) {
        self.lost = self.lost.and(lost_before);
        if !self.lost.is_none() {
            let notice = notice(self.lost);
            if self.write(&notice) {
                self.lost = Lost::default();
            }
        }
        let written = self.lost.is_none() && self.write(text);
        if !written && !text.is_empty() {
            self.lost.not_taken += 1;
        }
    }

    /// Whether all of it was taken.
    fn write(&mut self, text: &str) -> bool {
        if self.torn && !self.write_all(b"\n") {
            return false;
        }
        self.torn = false;
        self.write_all(text.as_bytes())
    }

    fn write_all(&mut self, mut bytes: &[u8]) -> bool {
        let whole = bytes.len();
        while !bytes.is_empty() {
            match self.sink.write(bytes) {
                Ok(taken) if taken > 0 => bytes = bytes.get(taken..).unwrap_or_default(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::sleep(RETRY),
                _ => {
                    self.torn |= bytes.len() < whole;
                    return false;
                }
            }
        }
        self.sink.flush().is_ok()
    }
}

/// A line in the form of the others.
fn notice(lost: Lost) -> String {
    let mut line = String::new();
    // Where the time cannot be told, the line goes without.
    let _ = SystemTime.format_time(&mut TimeWriter::new(&mut line));
    let words = lost.words();
    format!("{line}  WARN {TARGET}: {words}\n")
}
