//! What judging a guest and judging a host have in common on the command line.

use std::num::NonZeroUsize;

use super::CommandError;
use crate::case::{Job, Lab as _};
use crate::cases::Listed;
use crate::event::{Event, RunFinished, RunStarted, SCHEMA, SubjectRefused};
use crate::exit::Exit;
use crate::protocols;
use crate::report::{Format, ReportFile, Reports};
use crate::runner::{self, Conduct};
use crate::select::{self, Expectations};
use crate::subject::Refusal;
use crate::verdict::Judged;

/// The seed when none is given: any will do, but two runs must agree.
pub const DEFAULT_SEED: u64 = 1;

#[derive(Debug, clap::Args)]
pub struct RunArgs {
    /// Protocols: a number (767), a range (340-578, 764+), a Minecraft version (1.21.1); repeat or separate by
    /// commas [default: all that are supported]
    #[arg(short, long, value_name = "PROTOCOL")]
    pub protocol: Vec<String>,
    /// Run this case, the cases of this clause (VB-KA-03) or of this group (KA); repeatable
    #[arg(short, long, value_name = "NAME-OR-CLAUSE")]
    pub case: Vec<String>,
    /// Leave this case, clause or group out; repeatable
    #[arg(short = 'x', long, value_name = "NAME-OR-CLAUSE")]
    pub exclude: Vec<String>,
    /// The seed of every random draw
    #[arg(long, default_value_t = DEFAULT_SEED)]
    pub seed: u64,
    /// How many cases run at once [default: one a core]
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
    /// What standard output gets
    #[arg(long, value_enum, default_value = "terminal")]
    pub format: Format,
    /// A further report: FORMAT=PATH; repeatable
    #[arg(long, value_name = "FORMAT=PATH")]
    pub report: Vec<ReportFile>,
    /// This case or clause is expected to fail, on all protocols or on those behind an @ (KA-03@47); repeatable
    #[arg(long, value_name = "ID[@PROTOCOL]")]
    pub xfail: Vec<String>,
}

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

/// How many cases run at once where time is real and they mostly wait.
pub const AT_ONCE: NonZeroUsize = NonZeroUsize::MIN.saturating_add(63);

/// With more cases that did not pass than these it is not the machine: none is tried again.
const SECOND_TRIES: usize = 32;

/// Runs what is selected; `start` makes the subject, which is called `name` when that fails.
pub fn run<J: Judge>(
    args: &RunArgs,
    name: &str,
    start: impl FnOnce() -> Result<J, Refusal>,
) -> Result<Exit, CommandError> {
    let subject = J::Lab::SUBJECT;
    let mut protocols = protocols::select(&args.protocol)?;
    let cases = select::chosen::<J::Lab>(&args.case, &args.exclude)?;
    let expected = Expectations::parse(subject, &args.xfail)?;
    if select::plan(&cases, &protocols, |_| true).is_empty() {
        return Err(CommandError::NothingSelected);
    }
    let mut reports = Reports::open(args.format, &args.report)?;
    let started = start();
    let name = started
        .as_ref()
        .map_or_else(|_| name.to_owned(), Judge::name);
    let serves = |protocol| {
        let started = started.as_ref();
        started.map_or(true, |started| started.serves(protocol))
    };
    let real_time = started.as_ref().ok().and_then(Judge::real_time);
    if args.protocol.is_empty() && real_time.is_some() {
        // A host says which clients it takes; nobody has asked for others.
        protocols.retain(|protocol| serves(*protocol));
    }
    let jobs = select::plan(&cases, &protocols, serves);
    reports.event(&Event::RunStarted(RunStarted {
        schema: SCHEMA,
        vbspec: env!("CARGO_PKG_VERSION").to_owned(),
        subject,
        name: name.clone(),
        seed: args.seed,
        protocols,
        cases: case_names(&jobs),
        planned: jobs.len(),
    }))?;
    let started = match started {
        Ok(started) => started,
        Err(refusal) => return refuse(&mut reports, &name, &refusal),
    };
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
        ..Conduct::once(args.jobs.unwrap_or(usual), &expected)
    };
    let mut written = Ok(());
    let exit = runner::run(
        &jobs,
        conduct,
        |job| started.judge(job),
        |event| {
            let this = reports.event(&event);
            if written.is_ok() {
                written = this;
            }
        },
    );
    written?;
    Ok(exit)
}

fn case_names<L>(jobs: &[Job<L>]) -> Vec<String> {
    let mut names: Vec<String> = jobs.iter().map(|job| job.case.name.to_owned()).collect();
    names.dedup();
    names
}

fn refuse(reports: &mut Reports, name: &str, refusal: &Refusal) -> Result<Exit, CommandError> {
    let exit = Exit::SubjectDoesNotStart;
    reports.event(&Event::SubjectRefused(SubjectRefused {
        name: name.to_owned(),
        message: refusal.to_string(),
    }))?;
    reports.event(&Event::RunFinished(RunFinished {
        counts: std::collections::BTreeMap::new(),
        nowhere: Vec::new(),
        wall_us: 0,
        exit: exit.code(),
    }))?;
    Ok(exit)
}
