//! Judging as a library does it: builders whose results are values.

use std::num::NonZeroUsize;
use std::ops::{RangeFrom, RangeInclusive};
use std::path::Path;

use crate::adapter::AdapterHost;
use crate::error::Error;
use crate::event::Event;
use crate::exit::Exit;
use crate::judge::subjects::Guest;
use crate::judge::{Judge, Run, Selection};
use crate::judgement::Judgement;
use crate::lab::guest::GuestLab;
use crate::outside::{HostUnderTest, Outside, OutsideSubject};
use crate::subject::Refusal;
use crate::subject::guest::GuestSubject;
use crate::subject::options::GuestOptions;

/// Judges a guest: a component that plays server, on the reference host, in this process and in virtual time.
///
/// ```
/// let lobby = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/artifacts/lobby.wasm");
/// let judgement = vbspec::judge_guest(lobby)
///     .config("greeting", "hello")
///     .protocols([47, 767])
///     .cases(["KA", "JOIN-04"])
///     .run()?;
/// judgement.assert_conforming();
/// # Ok::<(), vbspec::Error>(())
/// ```
pub fn judge_guest(path: impl AsRef<Path>) -> Judging<GuestFile> {
    Judging::new(GuestFile {
        path: path.as_ref().to_string_lossy().into_owned(),
        config: Vec::new(),
        grant: Vec::new(),
        deny: Vec::new(),
    })
}

/// Judges a host of your own: a proxy that runs virtual backends, over TCP and in real time. See [`HostUnderTest`].
///
/// Sixty-four cases run at once, since they mostly wait. A case that does not pass is tried once more, alone, after all
/// others: what passes then is flaky, for which the machine may be to blame.
pub fn judge_host<H: HostUnderTest>(host: H) -> Judging<Hosts<H>> {
    Judging::new(Hosts {
        host,
        allow_flaky: false,
    })
}

/// Judges the hosts that a program answers for, by the adapter protocol (`harness/adapter/PROTOCOL.md`), as [`judge_host`]
/// does.
///
/// ```no_run
/// // Not run: it wants the adapter's program.
/// vbspec::judge_adapter("my-proxy --vbspec-adapter").protocols(767).run()?.assert_conforming();
/// # Ok::<(), vbspec::Error>(())
/// ```
pub fn judge_adapter(command: impl Into<String>) -> Judging<AdapterCommand> {
    Judging::new(AdapterCommand {
        command: command.into(),
        allow_flaky: false,
    })
}

/// A judgement that is being put together; [`run`](Judging::run) has it made.
///
/// Words mean what they mean on the command line, and what is called twice adds up. The same seed gives the same judgement
/// where time is virtual.
#[derive(Debug, Clone)]
#[must_use = "nothing is judged before `run`"]
pub struct Judging<S> {
    of: S,
    selection: Selection,
}

/// One word or several: texts, numbers, ranges of numbers, and arrays and vectors of such.
pub trait Words {
    /// The words.
    fn words(self) -> Vec<String>;
}

impl<S> Judging<S> {
    fn new(of: S) -> Self {
        Self {
            of,
            selection: Selection::default(),
        }
    }

    /// Judges on these protocols: numbers (`767`, `[47, 767]`), ranges (`340..=578`, `"764+"`) or versions of the game
    /// (`"1.21.1"`). Without this on all that are supported, of a host on those that it takes.
    pub fn protocols(mut self, protocols: impl Words) -> Self {
        self.selection.protocols.extend(protocols.words());
        self
    }

    /// Runs these cases only: by name, by clause (`"VB-KA-03"`, `"KA-03"`) or by group (`"KA"`).
    pub fn cases(mut self, cases: impl Words) -> Self {
        self.selection.cases.extend(cases.words());
        self
    }

    /// Leaves these cases, clauses or groups out.
    pub fn exclude(mut self, cases: impl Words) -> Self {
        self.selection.exclude.extend(cases.words());
        self
    }

    /// Expects these to fail, on all protocols or on those behind an `@`: `"KA-03@47"`. What passes then is no conformance.
    pub fn xfail(mut self, cases: impl Words) -> Self {
        self.selection.xfail.extend(cases.words());
        self
    }

    /// Draws everything random from this seed; 1 without this.
    pub fn seed(mut self, seed: u64) -> Self {
        self.selection.seed = seed;
        self
    }

    /// Runs so many cases at once; 0, as without this: one a core in virtual time, sixty-four in real time.
    pub fn jobs(mut self, jobs: usize) -> Self {
        self.selection.jobs = NonZeroUsize::new(jobs);
        self
    }
}

impl Judging<GuestFile> {
    /// Gives the guest a line of configuration of its own.
    pub fn config(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.of.config.push((key.into(), value.into()));
        self
    }

    /// Grants capabilities besides the baseline and `virtual-backend`, by name.
    pub fn grant(mut self, capabilities: impl Words) -> Self {
        self.of.grant.extend(capabilities.words());
        self
    }

    /// Withdraws capabilities, by name; beats a grant.
    pub fn deny(mut self, capabilities: impl Words) -> Self {
        self.of.deny.extend(capabilities.words());
        self
    }

    /// Judges the guest.
    ///
    /// # Errors
    /// When a word means nothing, or the guest cannot be read, loaded or started.
    pub fn run(self) -> Result<Judgement, Error> {
        judge(self)
    }

    /// What is to be judged of the guest, for who judges case by case.
    pub(crate) fn prepare(&self) -> Result<Run<GuestLab>, Error> {
        self.of.options()?;
        Ok(Run::of(&self.selection)?)
    }

    /// The guest, read, compiled and started.
    pub(crate) fn start(self) -> Result<Guest, Error> {
        self.of.start(self.selection.seed)
    }
}

impl<H: HostUnderTest> Judging<Hosts<H>> {
    /// Takes a case that passes when it is tried once more for one that passes.
    pub fn allow_flaky(mut self) -> Self {
        self.of.allow_flaky = true;
        self
    }

    /// Judges the host.
    ///
    /// Blocks, with runtimes of its own: call it from where no runtime is, such as an ordinary `#[test]`.
    ///
    /// # Errors
    /// When a word means nothing, or nobody listens where the host says that it does.
    pub fn run(self) -> Result<Judgement, Error> {
        judge(self)
    }
}

impl Judging<AdapterCommand> {
    /// Takes a case that passes when it is tried once more for one that passes.
    pub fn allow_flaky(mut self) -> Self {
        self.of.allow_flaky = true;
        self
    }

    /// Judges the hosts behind the adapter.
    ///
    /// # Errors
    /// When a word means nothing, or the adapter does not start or ends half-way.
    pub fn run(self) -> Result<Judgement, Error> {
        judge(self)
    }
}

fn judge<S: Startable>(judging: Judging<S>) -> Result<Judgement, Error> {
    // Words are looked at before a file or a host is.
    judging.of.check()?;
    let run = Run::of(&judging.selection)?;
    let started = judging.of.start(judging.selection.seed)?;
    judged(&run, &started)
}

/// The judgement of a run.
pub(crate) fn judged<J: Judge>(run: &Run<J::Lab>, started: &J) -> Result<Judgement, Error> {
    let mut events = Vec::new();
    let mut stopped = None;
    let exit = run.judge(started, |event| match event {
        Event::SubjectRefused(refused) => {
            let (name, why) = (refused.name, refused.message);
            stopped = Some(Error::Stopped { name, why });
        }
        event => events.push(event),
    });
    match stopped {
        Some(error) => Err(error),
        None => Ok(Judgement::new(events, exit == Exit::AsExpected)),
    }
}

impl<S: Into<String>> From<S> for Judging<GuestFile> {
    fn from(path: S) -> Self {
        judge_guest(path.into())
    }
}

/// Something that can be started, and judged then.
trait Startable {
    type Started: Judge;

    /// Whether all words of its own mean something.
    fn check(&self) -> Result<(), Error> {
        Ok(())
    }

    fn start(self, seed: u64) -> Result<Self::Started, Error>;
}

/// A guest that [`judge_guest`] was given.
#[derive(Debug, Clone)]
pub struct GuestFile {
    path: String,
    config: Vec<(String, String)>,
    grant: Vec<String>,
    deny: Vec<String>,
}

impl GuestFile {
    fn options(&self) -> Result<GuestOptions, Error> {
        let mut lines = Vec::new();
        for (key, value) in &self.config {
            if key.is_empty() || key.contains('=') {
                return Err(Error::Config { key: key.clone() });
            }
            lines.push(format!("{key}={value}"));
        }
        Ok(GuestOptions::new(
            &self.path,
            &lines,
            &self.grant,
            &self.deny,
        )?)
    }
}

impl Startable for GuestFile {
    type Started = Guest;

    fn check(&self) -> Result<(), Error> {
        self.options().map(drop)
    }

    fn start(self, seed: u64) -> Result<Guest, Error> {
        let options = self.options()?;
        let file = self.path;
        match GuestSubject::start(options) {
            Ok(subject) => Ok(Guest {
                subject,
                file,
                seed,
            }),
            Err(why) => Err(does_not_start(file, why)),
        }
    }
}

/// Hosts that [`judge_host`] was given.
#[derive(Debug, Clone)]
pub struct Hosts<H> {
    host: H,
    allow_flaky: bool,
}

impl<H: HostUnderTest> Startable for Hosts<H> {
    type Started = Outside<H>;

    fn start(self, seed: u64) -> Result<Outside<H>, Error> {
        Ok(Outside {
            subject: OutsideSubject::new(self.host),
            words: None,
            seed,
            allow_flaky: self.allow_flaky,
        })
    }
}

/// Hosts that [`judge_adapter`] was given.
#[derive(Debug, Clone)]
pub struct AdapterCommand {
    command: String,
    allow_flaky: bool,
}

impl Startable for AdapterCommand {
    type Started = Outside<AdapterHost>;

    fn start(self, seed: u64) -> Result<Outside<AdapterHost>, Error> {
        let started = Outside::adapter(&self.command, seed, self.allow_flaky);
        started.map_err(|why| does_not_start(self.command, Refusal::Adapter(why)))
    }
}

fn does_not_start(name: String, why: Refusal) -> Error {
    let why = Box::new(why);
    Error::DoesNotStart { name, why }
}

impl Words for &str {
    fn words(self) -> Vec<String> {
        vec![self.to_owned()]
    }
}

impl Words for String {
    fn words(self) -> Vec<String> {
        vec![self]
    }
}

impl Words for i32 {
    fn words(self) -> Vec<String> {
        vec![self.to_string()]
    }
}

impl Words for RangeInclusive<i32> {
    fn words(self) -> Vec<String> {
        vec![format!("{}-{}", self.start(), self.end())]
    }
}

impl Words for RangeFrom<i32> {
    fn words(self) -> Vec<String> {
        vec![format!("{}+", self.start)]
    }
}

impl<W: Words, const N: usize> Words for [W; N] {
    fn words(self) -> Vec<String> {
        self.into_iter().flat_map(Words::words).collect()
    }
}

impl<W: Words> Words for Vec<W> {
    fn words(self) -> Vec<String> {
        self.into_iter().flat_map(Words::words).collect()
    }
}

impl<W: Words + Clone> Words for &[W] {
    fn words(self) -> Vec<String> {
        self.iter().cloned().flat_map(Words::words).collect()
    }
}
