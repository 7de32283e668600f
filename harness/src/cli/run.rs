//! What judging a guest and judging a host have in common on the command line.

use std::num::NonZeroUsize;

use super::CommandError;
use crate::exit::Exit;
use crate::judge::{DEFAULT_SEED, Judge, Run, Selection};
use crate::report::{Format, ReportFile, Reports};
use crate::subject::Refusal;

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

impl RunArgs {
    fn selection(&self) -> Selection {
        Selection {
            protocols: self.protocol.clone(),
            cases: self.case.clone(),
            exclude: self.exclude.clone(),
            xfail: self.xfail.clone(),
            seed: self.seed,
            jobs: self.jobs,
        }
    }
}

/// Runs what is selected; `start` makes the subject, which is called `name` when that fails.
pub fn run<J: Judge>(
    args: &RunArgs,
    name: &str,
    start: impl FnOnce() -> Result<J, Refusal>,
) -> Result<Exit, CommandError> {
    let run = Run::of(&args.selection())?;
    let mut reports = Reports::open(args.format, &args.report)?;
    let mut written = Ok(());
    let exit = run.start(name, start, |event| {
        let this = reports.event(&event);
        if written.is_ok() {
            written = this;
        }
    });
    written?;
    Ok(exit)
}
