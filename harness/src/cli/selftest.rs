//! `vbspec selftest`.

use std::io::{IsTerminal, Write};
use std::num::NonZeroUsize;

use super::CommandError;
use crate::cases;
use crate::exit::Exit;
use crate::judge::DEFAULT_SEED;
use crate::runner;

use crate::selftest::{self, Selection};
use crate::spec;
use crate::suggest;

/// What standard output gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Output {
    /// For people.
    Terminal,
    /// One JSON object a line.
    Jsonl,
}

#[derive(Debug, clap::Args)]
pub struct SelftestArgs {
    /// Try the killers of this clause (VB-KA-03) or of this group (KA); repeatable
    #[arg(long, value_name = "CLAUSE")]
    clause: Vec<String>,
    /// Try the killers of the clauses of this case; repeatable
    #[arg(short, long, value_name = "NAME")]
    case: Vec<String>,
    /// The seed of every random draw
    #[arg(long, default_value_t = DEFAULT_SEED)]
    seed: u64,
    /// How many killers are tried at once [default: one a core]
    #[arg(short, long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Try the broken hosts that COMMAND with ` --fault KILLER` behind it answers for, instead of those in process
    #[arg(long, value_name = "COMMAND")]
    adapter: Option<String>,
    /// What standard output gets
    #[arg(long, value_enum, default_value = "terminal")]
    format: Output,
}

pub fn run(args: &SelftestArgs) -> Result<Exit, CommandError> {
    check(args)?;
    let selection = Selection {
        clauses: args.clause.clone(),
        cases: args.case.clone(),
    };
    if let Some(command) = &args.adapter {
        return outside(args, command, &selection);
    }
    let threads = args.jobs.unwrap_or_else(runner::default_threads);
    let mut out = super::stdout();
    let text = args.format == Output::Terminal;
    let progress = std::io::stderr().is_terminal() && !std::io::stdout().is_terminal();
    let mut written = Ok(());
    let report = selftest::run(&selection, args.seed, threads, |trial, number, of| {
        if progress {
            // For whoever watches while the output goes elsewhere. Nothing depends on it.
            let _ = write!(std::io::stderr(), "\r{number} of {of} killers");
        }
        if text && written.is_ok() {
            written = selftest::write_trial(&mut out, trial).and_then(|()| out.flush());
        }
    })?;
    written?;
    if progress {
        let _ = writeln!(std::io::stderr());
    }
    if text {
        selftest::write_text(&mut out, &report)?;
    } else {
        selftest::write_json(&mut out, &report)?;
    }
    Ok(report.exit())
}

fn outside(
    args: &SelftestArgs,
    command: &str,
    selection: &Selection,
) -> Result<Exit, CommandError> {
    let threads = args.jobs.unwrap_or(selftest::AT_ONCE_OUTSIDE);
    let mut out = super::stdout();
    let mut written = Ok(());
    let outside = selftest::run_outside(selection, command, args.seed, threads, |trial| {
        if written.is_ok() {
            written = selftest::write_trial(&mut out, trial).and_then(|()| out.flush());
        }
    });
    written?;
    selftest::write_outside(&mut out, &outside)?;
    Ok(outside.exit())
}

/// Refuses names that mean nothing.
fn check(args: &SelftestArgs) -> Result<(), CommandError> {
    for given in &args.clause {
        let only = Selection {
            clauses: vec![given.clone()],
            cases: Vec::new(),
        };
        if !spec::registry().iter().any(|clause| only.takes(clause)) {
            let ids = spec::registry().iter().map(|clause| clause.id.as_str());
            return Err(unknown(given, ids));
        }
    }
    for given in &args.case {
        if !cases::all().iter().any(|case| case.name == given) {
            return Err(unknown(given, cases::all().iter().map(|case| case.name)));
        }
    }
    Ok(())
}

fn unknown<'a>(given: &str, known: impl Iterator<Item = &'a str>) -> CommandError {
    CommandError::Unexplained {
        given: given.to_owned(),
        hint: suggest::did_you_mean(given, known),
    }
}
