//! `vbspec guest`.

use super::CommandError;
use super::run::{self, RunArgs};
use crate::clause::Subject;
use crate::exit::Exit;
use crate::judge::subjects::Guest;
use crate::subject::guest::GuestSubject;
use crate::subject::options::GuestOptions;

#[derive(Debug, clap::Args)]
pub struct GuestArgs {
    /// The component: a .wasm file
    pub file: String,
    #[command(flatten)]
    pub subject: SubjectArgs,
    #[command(flatten)]
    pub run: RunArgs,
}

#[derive(Debug, clap::Args)]
pub struct SubjectArgs {
    /// A line of the guest's own configuration: KEY=VALUE; repeatable
    #[arg(long, value_name = "KEY=VALUE")]
    pub config: Vec<String>,
    /// Grant a capability besides the baseline and virtual-backend; repeatable
    #[arg(long, value_name = "CAPABILITY")]
    pub grant: Vec<String>,
    /// Withdraw a capability; beats a grant; repeatable
    #[arg(long, value_name = "CAPABILITY")]
    pub deny: Vec<String>,
}

impl SubjectArgs {
    pub fn options(&self, file: &str) -> Result<GuestOptions, CommandError> {
        Ok(GuestOptions::new(
            file,
            &self.config,
            &self.grant,
            &self.deny,
        )?)
    }
}

pub fn run(args: &GuestArgs) -> Result<Exit, CommandError> {
    let options = args.subject.options(&args.file)?;
    let (file, seed) = (&args.file, args.run.seed);
    run::run(&args.run, Subject::Guest, file, || {
        let subject = GuestSubject::start(options)?;
        Ok(Guest {
            subject,
            file: file.clone(),
            seed,
        })
    })
}
