//! `vbspec guest`.

use super::CommandError;
use super::run::{self, RunArgs};
use crate::adapter::AdapterHost;
use crate::exit::Exit;
use crate::judge::subjects::Guest;
use crate::outside::{GuestOutside, OutsideGuest, OutsideSubject};
use crate::subject::Refusal;
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
    /// Judge the guest on the hosts that this command answers for, over TCP and in real time: see
    /// harness/adapter/PROTOCOL.md [default: the reference host, in process]
    #[arg(long, value_name = "COMMAND")]
    pub adapter: Option<String>,
    /// With --adapter: run the cases that take minutes too
    #[arg(long, requires = "adapter")]
    pub long: bool,
    /// With --adapter: a case that passes when it is tried once more is good enough
    #[arg(long, requires = "adapter")]
    pub allow_flaky: bool,
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
    if let Some(command) = &args.adapter {
        return run::run(&args.run, file, || {
            let host = AdapterHost::start(command).map_err(Refusal::Adapter)?;
            let mut words = vec!["--adapter".to_owned(), command.clone()];
            words.extend(args.long.then(|| "--long".to_owned()));
            Ok(GuestOutside {
                guest: OutsideGuest::start(options, OutsideSubject::new(host), args.long)?,
                words,
                seed,
                allow_flaky: args.allow_flaky,
            })
        });
    }
    run::run(&args.run, file, || {
        let subject = GuestSubject::start(options)?;
        Ok(Guest {
            subject,
            file: file.clone(),
            seed,
        })
    })
}
