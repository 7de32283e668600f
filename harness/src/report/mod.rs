//! Reporters: each turns the event stream into one format. None of them knows more than the stream tells.

mod failure;
mod groups;
mod jsonl;
mod junit;
mod terminal;

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::rc::Rc;
use std::str::FromStr;

pub use failure::{failure_text, trace_text};
pub(crate) use groups::without_numbers;
use sim_client::Piped;

use crate::event::Event;

/// A format of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
#[non_exhaustive]
pub enum Format {
    /// For people.
    Terminal,
    /// The event stream itself, one JSON object a line.
    Jsonl,
    /// JUnit's XML, as CI services read it.
    Junit,
}

/// Consumes the events of one run, in order.
pub trait Reporter {
    /// Takes one event.
    ///
    /// # Errors
    /// When the report cannot be written.
    fn event(&mut self, event: &Event) -> io::Result<()>;
}

/// A report that goes to a file: `FORMAT=PATH`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportFile {
    /// In which format.
    pub format: Format,
    /// Where to.
    pub path: String,
}

/// A text that is not `FORMAT=PATH`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a report is written FORMAT=PATH, where FORMAT is terminal, jsonl or junit")]
pub struct ReportFileError;

impl FromStr for ReportFile {
    type Err = ReportFileError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (format, path) = text.split_once('=').ok_or(ReportFileError)?;
        let format =
            <Format as clap::ValueEnum>::from_str(format, false).map_err(|_| ReportFileError)?;
        if path.is_empty() {
            return Err(ReportFileError);
        }
        Ok(Self {
            format,
            path: path.to_owned(),
        })
    }
}

/// The terminal's report of these events as plain text, without a line for what passes everywhere.
pub(crate) fn brief_text(events: &[Event]) -> String {
    written(events, |out| Box::new(terminal::Terminal::brief(out)))
}

/// A whole report of these events as text.
pub(crate) fn whole_text(format: Format, events: &[Event]) -> String {
    written(events, |out| reporter(format, out))
}

fn written(events: &[Event], reporter: impl FnOnce(Box<dyn Write>) -> Box<dyn Reporter>) -> String {
    let out = Rc::new(RefCell::new(Vec::new()));
    let mut reporter = reporter(Box::new(Collected(Rc::clone(&out))));
    for event in events {
        // Writing to memory cannot fail.
        let _ = reporter.event(event);
    }
    drop(reporter);
    let text = String::from_utf8_lossy(&out.take()).into_owned();
    anstream::adapter::strip_str(&text).to_string()
}

/// What was written.
struct Collected(Rc<RefCell<Vec<u8>>>);

impl Write for Collected {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// All reports of a run.
#[derive(Default)]
pub struct Reports {
    reporters: Vec<Box<dyn Reporter>>,
}

impl Reports {
    /// One report to standard output and any number to files. Who reads one of them through a pipe may leave: the
    /// others are written all the same, and it is no error.
    ///
    /// # Errors
    /// When a file cannot be created; the message names it.
    pub fn open(stdout: Format, files: &[ReportFile]) -> io::Result<Self> {
        let mut reports = Self::default();
        // anstream drops the colours where standard output is no terminal or NO_COLOR is set.
        reports.add(stdout, Box::new(Piped::new(anstream::stdout())));
        for ReportFile { format, path } in files {
            let file = File::create(path).map_err(|error| {
                io::Error::new(
                    error.kind(),
                    format!("cannot write the report {path}: {error}"),
                )
            })?;
            reports.add(
                *format,
                Box::new(Piped::new(anstream::StripStream::new(buffered(file)))),
            );
        }
        Ok(reports)
    }

    fn add(&mut self, format: Format, out: Box<dyn Write>) {
        self.reporters.push(reporter(format, out));
    }

    /// Hands the event to every report.
    ///
    /// # Errors
    /// When one of them cannot be written; the rest has been given the event all the same.
    pub fn event(&mut self, event: &Event) -> io::Result<()> {
        let mut first = Ok(());
        for reporter in &mut self.reporters {
            let written = reporter.event(event);
            if first.is_ok() {
                first = written;
            }
        }
        first
    }
}

fn reporter(format: Format, out: Box<dyn Write>) -> Box<dyn Reporter> {
    match format {
        Format::Terminal => Box::new(terminal::Terminal::new(out)),
        Format::Jsonl => Box::new(jsonl::Jsonl::new(out)),
        Format::Junit => Box::new(junit::Junit::new(out)),
    }
}

/// Boxed, because that is the shape in which anstream takes a writer of another's making.
fn buffered(file: File) -> Box<dyn Write> {
    Box::new(BufWriter::new(file))
}
