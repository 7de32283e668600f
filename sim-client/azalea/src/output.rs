use std::io::{self, Write as _};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::session::millis;

/// Standard output, where every line is a JSON object, and the clock that the lines' times come from.
#[derive(Debug)]
pub(crate) struct Output {
    start: Instant,
    verbose: bool,
    stdout: Mutex<io::Stdout>,
    closed: AtomicBool,
    complaints: AtomicU64,
}

impl Output {
    /// `verbose`: whether everything becomes a line, and not only what became of each client.
    pub(crate) fn new(verbose: bool) -> Self {
        Output {
            start: Instant::now(),
            verbose,
            stdout: Mutex::new(io::stdout()),
            closed: AtomicBool::new(false),
            complaints: AtomicU64::new(0),
        }
    }

    /// Whether everything becomes a line.
    pub(crate) fn verbose(&self) -> bool {
        self.verbose
    }

    /// The time since this was made, near enough the start of the program.
    pub(crate) fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// Prints a line, which whoever reads a pipe sees at once.
    pub(crate) fn line(&self, line: &Value) {
        let mut stdout = self.stdout.lock().unwrap_or_else(PoisonError::into_inner);
        if writeln!(stdout, "{line}")
            .and_then(|()| stdout.flush())
            .is_err()
        {
            self.closed.store(true, Ordering::Relaxed);
        }
    }

    /// Prints what happened now, if everything is printed. `event` is an object with a key `event`.
    pub(crate) fn event(&self, event: Value) {
        if self.verbose {
            let mut line = json!({ "t_ms": millis(self.now()) });
            if let (Value::Object(line), Value::Object(event)) = (&mut line, event) {
                line.extend(event);
            }
            self.line(&line);
        }
    }

    /// Counts an error that azalea logged, and prints it if everything is printed.
    pub(crate) fn complaint(&self, text: &str) {
        self.complaints.fetch_add(1, Ordering::Relaxed);
        self.event(json!({ "event": "complaint", "text": text }));
    }

    /// How many errors azalea logged.
    pub(crate) fn complaints(&self) -> u64 {
        self.complaints.load(Ordering::Relaxed)
    }

    /// Whether nobody reads the lines any more.
    pub(crate) fn closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }
}
