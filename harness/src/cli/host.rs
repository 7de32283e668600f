//! `vbspec host`.

use super::CommandError;
use super::run::{self, RunArgs};
use crate::clause::Subject;
use crate::exit::Exit;
use crate::subject::Refusal;
use crate::subject::host::HostSubject;
#[cfg(feature = "selftest")]
use crate::suggest;
#[cfg(feature = "selftest")]
use reference_backend::Fault;

#[derive(Debug, clap::Args)]
pub struct HostArgs {
    #[command(flatten)]
    pub run: RunArgs,
    /// Judge a host that is broken in this way, as a killer of `wit/SPEC.md` says
    #[cfg(feature = "selftest")]
    #[arg(long, value_name = "KILLER", value_parser = fault)]
    pub fault: Option<Fault>,
}

#[cfg(feature = "selftest")]
pub fn fault(name: &str) -> Result<Fault, String> {
    Fault::named(name).ok_or_else(|| {
        let hint = suggest::did_you_mean(name, Fault::all().map(|(name, _)| name));
        format!("no host is broken in this way.{hint}")
    })
}

fn start(args: &HostArgs) -> Result<HostSubject, Refusal> {
    #[cfg(feature = "selftest")]
    if let Some(fault) = args.fault {
        return HostSubject::broken(fault);
    }
    let _ = args;
    HostSubject::start()
}

pub fn run(args: &HostArgs) -> Result<Exit, CommandError> {
    let seed = args.run.seed;
    run::run(
        &args.run,
        Subject::Host,
        HostSubject::NAME,
        || start(args),
        // What the reference host supports is what can be selected.
        |_, _| true,
        |subject, job| subject.judge(job, seed),
    )
}
