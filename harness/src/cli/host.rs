//! `vbspec host`.

use super::CommandError;
use super::run::{self, RunArgs};
use crate::clause::Subject;
use crate::exit::Exit;
use crate::subject::host::HostSubject;

#[derive(Debug, clap::Args)]
pub struct HostArgs {
    #[command(flatten)]
    pub run: RunArgs,
}

pub fn run(args: &HostArgs) -> Result<Exit, CommandError> {
    let seed = args.run.seed;
    run::run(
        &args.run,
        Subject::Host,
        HostSubject::NAME,
        HostSubject::start,
        |subject, job| subject.judge(job, seed),
    )
}
