//! Judging a guest or a host, whoever asks: the command line or a program that has vbspec as a library.

pub(crate) mod subjects;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use crate::case::{Case, Job};
use crate::cases::Listed;
use crate::event::{Event, RunFinished, RunStarted, SCHEMA, SubjectRefused};
use crate::exit::Exit;
use crate::protocols::{self, SelectionError};
use crate::runner::{self, Conduct};
use crate::select::{self, Expectations, NameError};
use crate::subject::Refusal;
use crate::verdict::Judged;

/// The seed when none is given: any will do, but two runs must agree.
pub const DEFAULT_SEED: u64 = 1;

/// How many cases run at once where time is real and they mostly wait.
pub const AT_ONCE: NonZeroUsize = NonZeroUsize::MIN.saturating_add(63);

/// With more cases that did not pass than these it is not the machine: none is tried again.
const SECOND_TRIES: usize = 32;

/// A subject that has started.
pub trait Judge: Sync {
    /// What its cases work with.
    type Lab: Listed;

    /// What reports call it.
    fn name(&self) -> String;

    /// Whether it serves a protocol.
    fn serves(&self, protocol: i32) -> bool;

    /// Judges one job.
    fn judge(&self, job: Job<Self::Lab>) -> Judged;

    /// How it is judged where time is real; none where it is virtual.
    fn real_time(&self) -> Option<RealTime> {
        None
    }

    /// Why nothing of it can be judged any more.
    fn stopped(&self) -> Option<String> {
        None
    }
}

/// How a subject is judged in real time.
#[derive(Debug, Clone, Copy)]
pub struct RealTime {
    /// Whether what passes at the second try is good enough.
    pub allow_flaky: bool,
}

/// What a user wants judged, in the words that were written.
#[derive(Debug, Clone)]
pub struct Selection {
    /// Protocols: numbers, ranges, versions of the game; all that are supported where there is none.
    pub protocols: Vec<String>,
    /// Names of cases, clauses and groups; all cases where there is none.
    pub cases: Vec<String>,
    /// The same, left out.
    pub exclude: Vec<String>,
    /// The same, expected to fail, perhaps with `@PROTOCOLS`.
    pub xfail: Vec<String>,
    /// Of every random draw.
    pub seed: u64,
    /// How many cases run at once; what is usual for the subject where there is none.
    pub jobs: Option<NonZeroUsize>,
}

impl Default for Selection {
    fn default() -> Self {
        Self {
            protocols: Vec::new(),
            cases: Vec::new(),
            exclude: Vec::new(),
            xfail: Vec::new(),
            seed: DEFAULT_SEED,
            jobs: None,
        }
    }
}

/// Why a selection cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    /// A word that is no protocol.
    #[error(transparent)]
    Protocol(#[from] SelectionError),
    /// A word that is no case.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Nothing is left.
    #[error("nothing is selected: no case is left on the protocols chosen")]
    Nothing,
}

/// A run whose words all mean something.
#[derive(Debug)]
pub struct Run<L: Listed> {
    protocols: Vec<i32>,
    /// Whether somebody has asked for these protocols.
    protocols_asked: bool,
    cases: Vec<&'static Case<L>>,
    expected: Expectations,
    seed: u64,
    jobs: Option<NonZeroUsize>,
}

impl<L: Listed> Run<L> {
    /// What a selection means for this subject.
    ///
    /// # Errors
    /// When a word of it means nothing, or nothing is left.
    pub fn of(selection: &Selection) -> Result<Self, SelectError> {
        let protocols = protocols::select(&selection.protocols)?;
        let cases = select::chosen(&selection.cases, &selection.exclude)?;
        let expected = Expectations::parse(L::SUBJECT, &selection.xfail)?;
        if select::plan(&cases, &protocols, |_| true).is_empty() {
            return Err(SelectError::Nothing);
        }
        Ok(Self {
            protocols,
            protocols_asked: !selection.protocols.is_empty(),
            cases,
            expected,
            seed: selection.seed,
            jobs: selection.jobs,
        })
    }

    /// The cases that are chosen.
    pub fn cases(&self) -> &[&'static Case<L>] {
        &self.cases
    }

    /// The same with one of its cases only, one protocol after the other.
    #[must_use]
    pub fn only(&self, case: &'static Case<L>) -> Self {
        Self {
            protocols: self.protocols.clone(),
            protocols_asked: self.protocols_asked,
            cases: vec![case],
            expected: self.expected.clone(),
            seed: self.seed,
            jobs: Some(NonZeroUsize::MIN),
        }
    }

    /// Starts the subject, which is called `name` when that fails, judges it and tells of it.
    pub fn start<J: Judge<Lab = L>>(
        &self,
        name: &str,
        start: impl FnOnce() -> Result<J, Refusal>,
        mut tell: impl FnMut(Event),
    ) -> Exit {
        match start() {
            Ok(started) => self.judge(&started, tell),
            Err(refusal) => {
                let jobs = select::plan(&self.cases, &self.protocols, |_| true);
                tell(self.started(name.to_owned(), self.protocols.clone(), &jobs));
                refuse(name, &refusal, tell)
            }
        }
    }

    /// Judges a subject that has started, and tells of it.
    pub fn judge<J: Judge<Lab = L>>(&self, started: &J, mut tell: impl FnMut(Event)) -> Exit {
        let name = started.name();
        let real_time = started.real_time();
        let mut protocols = self.protocols.clone();
        if !self.protocols_asked && real_time.is_some() {
            // A host says which clients it takes; nobody has asked for others.
            protocols.retain(|protocol| started.serves(*protocol));
        }
        let jobs = select::plan(&self.cases, &protocols, |protocol| started.serves(protocol));
        tell(self.started(name.clone(), protocols, &jobs));
        let stopped = || {
            let message = started.stopped()?;
            let name = name.clone();
            Some(SubjectRefused { name, message })
        };
        let usual = real_time.map_or_else(runner::default_threads, |_| AT_ONCE);
        let conduct = Conduct {
            second_tries: real_time.map_or(0, |_| SECOND_TRIES),
            allow_flaky: real_time.is_some_and(|how| how.allow_flaky),
            stopped: &stopped,
            ..Conduct::once(self.jobs.unwrap_or(usual), &self.expected)
        };
        runner::run(&jobs, conduct, |job| started.judge(job), tell)
    }

    fn started(&self, name: String, protocols: Vec<i32>, jobs: &[Job<L>]) -> Event {
        Event::RunStarted(RunStarted {
            schema: SCHEMA,
            vbspec: env!("CARGO_PKG_VERSION").to_owned(),
            subject: L::SUBJECT,
            name,
            seed: self.seed,
            protocols,
            cases: case_names(jobs),
            planned: jobs.len(),
        })
    }
}

fn case_names<L>(jobs: &[Job<L>]) -> Vec<String> {
    let mut names: Vec<String> = jobs.iter().map(|job| job.case.name.to_owned()).collect();
    names.dedup();
    names
}

fn refuse(name: &str, refusal: &Refusal, mut tell: impl FnMut(Event)) -> Exit {
    let exit = Exit::SubjectDoesNotStart;
    tell(Event::SubjectRefused(SubjectRefused {
        name: name.to_owned(),
        message: refusal.to_string(),
    }));
    tell(Event::RunFinished(RunFinished {
        counts: BTreeMap::new(),
        nowhere: Vec::new(),
        wall_us: 0,
        exit: exit.code(),
    }));
    exit
}
