//! `vbspec diff`.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use super::CommandError;
use super::guest::SubjectArgs;
use crate::case::Job;
use crate::diff::{Comparison, Ran};
use crate::event::{Event, SCHEMA};
use crate::exit::Exit;
use crate::judge::{DEFAULT_SEED, SelectError};
use crate::lab::guest::GuestLab;
use crate::protocols;
use crate::runner::{self, Conduct};
use crate::select::{self, Expectations};
use crate::subject::Refusal;
use crate::subject::guest::GuestSubject;

/// What every component begins with.
const WASM: &[u8] = b"\0asm";

#[derive(Debug, clap::Args)]
pub struct DiffArgs {
    /// The old build: a .wasm file, or a run of it that `--format jsonl` or `--report jsonl=FILE` wrote
    old: String,
    /// The new build, likewise
    new: String,
    #[command(flatten)]
    subject: SubjectArgs,
    /// Protocols: a number (767), a range (340-578, 764+), a Minecraft version (1.21.1); repeat or separate by
    /// commas [default: all that are supported]
    #[arg(short, long, value_name = "PROTOCOL")]
    protocol: Vec<String>,
    /// Compare this case, the cases of this clause (VB-KA-03) or of this group (KA); repeatable
    #[arg(short, long, value_name = "NAME-OR-CLAUSE")]
    case: Vec<String>,
    /// Leave this case, clause or group out; repeatable
    #[arg(short = 'x', long, value_name = "NAME-OR-CLAUSE")]
    exclude: Vec<String>,
    /// The seed of every random draw [default: that of the run that is read, or 1]
    #[arg(long)]
    seed: Option<u64>,
    /// How many cases run at once [default: one a core]
    #[arg(short, long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
}

/// A file that holds no run.
#[derive(Debug, thiserror::Error)]
pub enum DiffError {
    /// Not what `vbspec` writes.
    #[error(
        "{path}, line {line}: neither a component nor a run: {error}\n  = help: give a .wasm file, or what `--format jsonl` wrote"
    )]
    Line {
        /// As it was given.
        path: String,
        /// From 1.
        line: usize,
        /// What is wrong with it.
        error: String,
    },
    /// Its end is missing.
    #[error("{0}: the run is not whole: it has no `run-finished`")]
    Unfinished(String),
    /// The run judged nothing.
    #[error("{path}: the run judged nothing: {message}")]
    Refused {
        /// As it was given.
        path: String,
        /// What the run says.
        message: String,
    },
}

impl DiffError {
    pub const fn exit(&self) -> Exit {
        match self {
            Self::Line { .. } | Self::Unfinished(_) => Exit::Usage,
            Self::Refused { .. } => Exit::SubjectDoesNotStart,
        }
    }
}

enum Side {
    Guest(Box<GuestSubject>),
    Ran(Ran),
}

pub fn run(args: &DiffArgs) -> Result<(Exit, Comparison), CommandError> {
    let protocols = protocols::select(&args.protocol)?;
    let cases = select::chosen(&args.case, &args.exclude)?;
    let (old, new) = (side(args, &args.old)?, side(args, &args.new)?);
    let known = [&old, &new].into_iter().find_map(|side| match side {
        Side::Ran(ran) => Some(ran),
        Side::Guest(_) => None,
    });
    let seed = args
        .seed
        .or(known.map(|ran| ran.seed))
        .unwrap_or(DEFAULT_SEED);
    let jobs: Vec<Job<GuestLab>> = match known {
        // What the other run judged, so that nothing runs in vain.
        Some(ran) => {
            let judged: BTreeSet<(&str, i32)> = ran
                .finished
                .iter()
                .map(|finished| (finished.case.as_str(), finished.protocol))
                .collect();
            let all = cases.iter().flat_map(|case| {
                let job = |&protocol| Job { case, protocol };
                protocols.iter().map(job)
            });
            all.filter(|job| judged.contains(&(job.case.name, job.protocol)))
                .collect()
        }
        None => select::plan(&cases, &protocols, |protocol| {
            let refuses = |side: &Side| match side {
                Side::Guest(guest) => guest.refuses(protocol, seed),
                Side::Ran(_) => false,
            };
            !refuses(&old) && !refuses(&new)
        }),
    };
    let chosen = |case: &str| cases.iter().any(|chosen| chosen.name == case);
    let all_cases = args.case.is_empty() && args.exclude.is_empty();
    let ran = |side| match side {
        Side::Guest(guest) => judged(args, &guest, &jobs, seed),
        Side::Ran(mut ran) => {
            ran.finished.retain(|finished| {
                protocols.contains(&finished.protocol) && (all_cases || chosen(&finished.case))
            });
            ran
        }
    };
    let comparison = Comparison::of(&ran(old), &ran(new));
    if comparison.runs == 0 {
        return Err(CommandError::Selection(SelectError::Nothing));
    }
    let exit = if comparison.differences.is_empty() {
        Exit::AsExpected
    } else {
        Exit::Nonconforming
    };
    Ok((exit, comparison))
}

/// What a run wrote: a whole one of a broken guest is some ten megabytes.
const RUN_BYTES: u64 = 1 << 30;

fn side(args: &DiffArgs, path: &str) -> Result<Side, CommandError> {
    let bytes = reference_backend::read_file(path.as_ref(), RUN_BYTES).map_err(|error| {
        Refusal::Unreadable {
            path: path.to_owned(),
            error: error.into(),
        }
    })?;
    if bytes.starts_with(WASM) {
        let options = args.subject.options(path)?;
        let guest = GuestSubject::from_bytes(options, &bytes)?;
        return Ok(Side::Guest(Box::new(guest)));
    }
    Ok(Side::Ran(read(path, &bytes)?))
}

/// Reads a run.
fn read(path: &str, bytes: &[u8]) -> Result<Ran, DiffError> {
    let mut ran = Ran::default();
    let mut whole = false;
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let wrong = |error: String| DiffError::Line {
            path: path.to_owned(),
            line: index + 1,
            error,
        };
        match serde_json::from_slice(line).map_err(|error| wrong(error.to_string()))? {
            Event::RunStarted(started) if started.schema != SCHEMA => {
                let schema = started.schema;
                return Err(wrong(format!("its schema is {schema}, not {SCHEMA}")));
            }
            Event::RunStarted(started) => ran.seed = started.seed,
            Event::SubjectRefused(refused) => {
                return Err(DiffError::Refused {
                    path: path.to_owned(),
                    message: refused.message,
                });
            }
            Event::CaseFinished(finished) => ran.finished.push(*finished),
            Event::RunFinished(_) => whole = true,
        }
    }
    match whole {
        true => Ok(ran),
        false => Err(DiffError::Unfinished(path.to_owned())),
    }
}

fn judged(args: &DiffArgs, guest: &GuestSubject, jobs: &[Job<GuestLab>], seed: u64) -> Ran {
    let mut finished = Vec::new();
    let threads = args.jobs.unwrap_or_else(runner::default_threads);
    let judge = |job| guest.judge(job, seed);
    let expected = Expectations::default();
    runner::run(jobs, Conduct::once(threads, &expected), judge, |event| {
        if let Event::CaseFinished(case) = event {
            finished.push(*case);
        }
    });
    Ran { seed, finished }
}
