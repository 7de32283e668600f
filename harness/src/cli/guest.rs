//! `vbspec guest`.

use super::CommandError;
use super::run::{self, Judge, RealTime, RunArgs};
use crate::adapter::AdapterGuest;
use crate::case::Job;
use crate::exit::Exit;
use crate::lab::guest::GuestLab;
use crate::subject::guest::GuestSubject;
use crate::subject::options::GuestOptions;
use crate::verdict::Judged;

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

/// A guest on the reference host, in process.
struct InProcess<'a> {
    subject: GuestSubject,
    file: &'a str,
    seed: u64,
}

impl Judge for InProcess<'_> {
    type Lab = GuestLab;

    fn name(&self) -> String {
        self.file.to_owned()
    }

    fn serves(&self, protocol: i32) -> bool {
        !self.subject.refuses(protocol, self.seed)
    }

    fn judge(&self, job: Job<GuestLab>) -> Judged {
        self.subject.judge(job, self.seed)
    }
}

/// A guest on hosts of another program.
struct Outside {
    guest: AdapterGuest,
    seed: u64,
    allow_flaky: bool,
}

impl Judge for Outside {
    type Lab = GuestLab;

    fn name(&self) -> String {
        self.guest.name()
    }

    fn serves(&self, protocol: i32) -> bool {
        self.guest.serves(protocol)
    }

    fn judge(&self, job: Job<GuestLab>) -> Judged {
        self.guest.judge(job, self.seed)
    }

    fn real_time(&self) -> Option<RealTime> {
        Some(RealTime {
            allow_flaky: self.allow_flaky,
        })
    }

    fn stopped(&self) -> Option<String> {
        self.guest.failure()
    }
}

pub fn run(args: &GuestArgs) -> Result<Exit, CommandError> {
    let options = args.subject.options(&args.file)?;
    let (file, seed) = (&args.file, args.run.seed);
    if let Some(command) = &args.adapter {
        return run::run(&args.run, file, || {
            let guest = AdapterGuest::start(options, command, args.long)?;
            Ok(Outside {
                guest,
                seed,
                allow_flaky: args.allow_flaky,
            })
        });
    }
    run::run(&args.run, file, || {
        let subject = GuestSubject::start(options)?;
        Ok(InProcess {
            subject,
            file,
            seed,
        })
    })
}
