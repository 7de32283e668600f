//! The host's log: written by a thread of its own, so that nobody who plays waits for whoever reads it.
//!
//! | Module | Holds |
//! |---|---|
//! | `queue` | what waits to be written, its bounds, and what was lost |
//! | `writer` | the thread that writes |
//! | `fields` | every value of a line, cut and escaped |
//!
//! ```text
//! tracing event -> fields (cut, escaped) -> queue (bounded, rated) -> writer -> standard error
//! ```
//!
//! Nothing here fails or waits: a line for which there is no room, or which the system does not take, is lost and
//! counted, and the first line that can be written says how many were.

mod fields;
mod queue;
mod writer;

pub use fields::{FIELD_BYTES, MESSAGE_BYTES};
pub use queue::{
    ENTRY_BYTES, ORDINARY_BYTES_PER_SECOND, PLUGIN_BYTES_PER_SECOND, QUEUE_BYTES, QUEUE_LINES,
    TOTAL_BYTES_PER_SECOND,
};

use queue::{Queue, Weight};
use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// How long what waits to be written is waited for at the end: a reader that is alive takes a full queue in far less.
pub const FLUSH: Duration = Duration::from_secs(1);

/// A log that never makes anybody wait. Clones are the same log.
#[derive(Clone)]
pub struct Log {
    queue: Arc<Queue>,
}

impl Log {
    /// A log that a thread of its own writes there. Where the system has no thread for it, it counts what it loses.
    #[must_use]
    pub fn to(sink: impl Write + Send + 'static) -> Self {
        let queue = Arc::new(Queue::default());
        writer::start(Arc::clone(&queue), sink);
        Self { queue }
    }

    /// A log on standard error. It has that to itself: what others write there through the standard library waits for
    /// them only.
    #[must_use]
    pub fn to_stderr() -> Self {
        #[cfg(unix)]
        {
            use std::os::fd::AsFd as _;
            let own = io::stderr().as_fd().try_clone_to_owned();
            match own {
                Ok(own) => Self::to(std::fs::File::from(own)),
                // Closed, for one: then nobody reads what is lost.
                Err(_) => Self::to(io::sink()),
            }
        }
        #[cfg(not(unix))]
        Self::to(io::stderr())
    }

    /// Has all events of the process that pass the filter go here, and panics too, whose words would else be written by
    /// whoever panics.
    pub fn take_events(&self, filter: EnvFilter, colours: bool) {
        let subscriber = self.subscriber(filter, colours);
        // Another one is there already only in a program that has set it itself.
        let _ = tracing::subscriber::set_global_default(subscriber);
        std::panic::set_hook(Box::new(|panic| {
            let trace = std::backtrace::Backtrace::capture();
            if trace.status() == std::backtrace::BacktraceStatus::Captured {
                tracing::error!("a panic: {panic}\n{trace}");
            } else {
                tracing::error!("a panic: {panic}");
            }
        }));
    }

    fn subscriber(&self, filter: EnvFilter, colours: bool) -> impl Subscriber + Send + Sync {
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_ansi(colours)
            .fmt_fields(fields::format())
            .with_writer(self.clone())
            .log_internal_errors(false)
            .finish()
    }

    /// Words of the program's own, as they are, and a newline after them.
    pub fn say(&self, words: impl std::fmt::Display) {
        let text = format!("{words}\n");
        self.queue.push(Weight::Needed, &text, Instant::now());
    }

    /// A line that the program can do without.
    pub fn note(&self, line: impl std::fmt::Display) {
        let text = format!("{line}\n");
        self.queue.push(Weight::Ordinary, &text, Instant::now());
    }

    /// Waits until all has been written or lost, and no longer than so. True when nothing waits any more.
    pub fn flush(&self, longest: Duration) -> bool {
        self.queue.wait_until_empty(longest)
    }
}

/// Where one event is written.
pub struct Line<'a> {
    queue: &'a Queue,
    weight: Weight,
}

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        self.queue.push(self.weight, &text, Instant::now());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line {
            queue: &self.queue,
            weight: Weight::Ordinary,
        }
    }

    fn make_writer_for(&'a self, meta: &Metadata<'_>) -> Line<'a> {
        let queue = &self.queue;
        let weight = weight(meta);
        Line { queue, weight }
    }
}

/// The target of lines that a guest itself writes.
pub(crate) const GUEST: &str = "guest";

fn weight(meta: &Metadata<'_>) -> Weight {
    let of_plugin = meta.fields().field("plugin").is_some();
    if *meta.level() == Level::ERROR && meta.target() != GUEST {
        Weight::Needed
    } else if of_plugin {
        Weight::OfPlugin
    } else {
        Weight::Ordinary
    }
}

#[cfg(test)]
mod tests;
