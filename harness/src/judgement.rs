//! How a guest or a host came out, as a value.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::event::{CaseFinished, Event, RunFinished, RunStarted};
use crate::report::{self, Format};
use crate::verdict::VerdictKind;

/// How a guest or a host came out: a verdict for each case on each protocol, and what they come to.
///
/// Its [`Display`](fmt::Display) is the report that a terminal gets, without the cases that pass everywhere: for each that
/// does not, the clause, what was expected, what came instead with its bytes, and the command that repeats it.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    events: Vec<Event>,
    conforming: bool,
}

impl Judgement {
    pub(crate) const fn new(events: Vec<Event>, conforming: bool) -> Self {
        Self { events, conforming }
    }

    /// Whether everything came out as expected: no MUST is broken, nothing untestable, flaky or passing against
    /// expectation. A SHOULD that is not followed warns and changes nothing about it.
    #[must_use]
    pub const fn is_conforming(&self) -> bool {
        self.conforming
    }

    /// The subject: a guest's file, or a host's name and version.
    #[must_use]
    pub fn name(&self) -> &str {
        self.run().map_or("", |run| &run.name)
    }

    /// The protocols that were selected, ascending.
    #[must_use]
    pub fn protocols(&self) -> &[i32] {
        self.run().map_or(&[], |run| &run.protocols)
    }

    /// Every verdict, case by case and protocol by protocol.
    pub fn verdicts(&self) -> impl Iterator<Item = &CaseFinished> {
        self.events.iter().filter_map(|event| match event {
            Event::CaseFinished(finished) => Some(&**finished),
            _ => None,
        })
    }

    /// Those for which this is no conforming subject.
    pub fn failures(&self) -> impl Iterator<Item = &CaseFinished> {
        self.verdicts()
            .filter(|finished| finished.verdict.kind.is_red())
    }

    /// How many verdicts there are of a kind.
    #[must_use]
    pub fn count(&self, kind: VerdictKind) -> usize {
        let counts = self.sum().map(|sum| &sum.counts);
        counts
            .and_then(|counts| counts.get(&kind))
            .copied()
            .unwrap_or(0)
    }

    /// How many verdicts there are of each kind; kinds that did not occur are absent.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<VerdictKind, usize> {
        self.sum().map(|sum| sum.counts.clone()).unwrap_or_default()
    }

    /// The cases that were skipped on each protocol, by name: of these nothing has been judged at all.
    #[must_use]
    pub fn nowhere(&self) -> &[String] {
        self.sum().map_or(&[], |sum| &sum.nowhere)
    }

    /// How long it took by the clock on the wall.
    #[must_use]
    pub fn took(&self) -> Duration {
        Duration::from_micros(self.sum().map_or(0, |sum| sum.wall_us))
    }

    /// The whole report in one of the command line's formats, without colours: `Format::Junit` for a CI service.
    #[must_use]
    pub fn report(&self, format: Format) -> String {
        report::whole_text(format, &self.events)
    }

    /// Does nothing when it is conforming.
    ///
    /// # Panics
    /// When it is not; the message is what its `Display` says.
    #[track_caller]
    pub fn assert_conforming(&self) {
        assert!(self.is_conforming(), "{self}");
    }

    fn run(&self) -> Option<&RunStarted> {
        self.events.iter().find_map(|event| match event {
            Event::RunStarted(run) => Some(run),
            _ => None,
        })
    }

    fn sum(&self) -> Option<&RunFinished> {
        self.events.iter().find_map(|event| match event {
            Event::RunFinished(sum) => Some(sum),
            _ => None,
        })
    }
}

impl fmt::Display for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(report::brief_text(&self.events).trim_end())
    }
}
