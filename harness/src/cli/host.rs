//! `vbspec host`.

use super::CommandError;
use super::run::{self, RunArgs};
use crate::exit::Exit;
use crate::judge::subjects::Reference;
use crate::outside::Outside;
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
    /// Judge the hosts that this command answers for, over TCP and in real time: see harness/adapter/PROTOCOL.md
    /// [default: the reference host, in process]
    #[arg(long, value_name = "COMMAND")]
    pub adapter: Option<String>,
    /// With --adapter: a case that passes when it is tried once more is good enough
    #[arg(long, requires = "adapter")]
    pub allow_flaky: bool,
    /// Judge a host that is broken in this way, as a killer of `wit/SPEC.md` says
    #[cfg(feature = "selftest")]
    #[arg(long, value_name = "KILLER", value_parser = fault, conflicts_with = "adapter")]
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
    let (seed, allow_flaky) = (args.run.seed, args.allow_flaky);
    if let Some(command) = &args.adapter {
        return run::run(&args.run, command, || {
            Outside::adapter(command, seed, allow_flaky).map_err(Refusal::Adapter)
        });
    }
    run::run(&args.run, HostSubject::NAME, || {
        start(args).map(|subject| Reference { subject, seed })
    })
}
