//! The command line.

mod args;
mod files;
mod join;
mod output;
mod status;
mod swarm;

use std::pin::Pin;
use std::process::ExitCode;

use clap::Parser as _;
use clap::error::ErrorKind;
use sim_client::{Behaviour, ConnectError, Step, exit, supported_releases};
use sim_proto::Version;
use thiserror::Error;

use args::{Args, Command, JoinArgs};
use output::Output;

/// Why a command could not be carried out.
#[derive(Debug, Error)]
enum CliError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Name(#[from] sim_client::NameTooLong),
    #[error("protocol {protocol} has no place for `{behaviour}`")]
    Behaviour { behaviour: Behaviour, protocol: i32 },
    #[error(
        "{clients} clients need more than the {limit} files that this process may open; raise the limit (`ulimit -Hn`), or take a smaller --count"
    )]
    Files { clients: u16, limit: u64 },
    #[error("cannot start the runtime: {0}")]
    Runtime(std::io::Error),
    #[error("cannot write: {0}")]
    Output(#[from] std::io::Error),
    #[error("interrupted")]
    Interrupted,
}

impl CliError {
    fn code(&self) -> u8 {
        match self {
            CliError::Connect(ConnectError::Address { .. } | ConnectError::Unresolvable { .. })
            | CliError::Name(_)
            | CliError::Files { .. }
            | CliError::Behaviour { .. } => exit::USAGE,
            CliError::Connect(ConnectError::Refused { .. } | ConnectError::TimedOut { .. }) => {
                exit::NOT_CONNECTED
            }
            CliError::Runtime(_) | CliError::Output(_) => exit::FAILED,
            CliError::Interrupted => exit::INTERRUPTED,
        }
    }
}

/// Reads the command line, does what it says, and answers with one of the codes in [`exit`].
pub fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // Help and version come this way too. Where they cannot be printed there is nobody to tell.
            let _ = error.print();
            let asked_for = matches!(
                error.kind(),
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
            );
            return ExitCode::from(if asked_for { exit::OK } else { exit::USAGE });
        }
    };
    match run(args) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            output::complain(&error);
            ExitCode::from(error.code())
        }
    }
}

fn run(args: Args) -> Result<u8, CliError> {
    let mut output = Output::stdout();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(CliError::Runtime)?;
    let result = match args.command {
        Command::Join(args) if args.count > 1 => runtime.block_on(swarm::run(args, &mut output)),
        Command::Join(args) => runtime.block_on(join::run(args, &mut output)),
        Command::Status(args) => runtime.block_on(status::run(args, &mut output)),
        Command::Behaviours => behaviours(&mut output),
        Command::Protocols => protocols(&mut output),
    };
    // A name server that does not answer must not keep the process.
    runtime.shutdown_background();
    result
}

fn protocols(output: &mut Output) -> Result<u8, CliError> {
    for release in supported_releases() {
        output.line(format_args!(
            "{:>5}  {}",
            release.protocol,
            release.versions.join(", ")
        ))?;
    }
    Ok(output.printed())
}

fn behaviours(output: &mut Output) -> Result<u8, CliError> {
    for behaviour in Behaviour::usual() {
        output.line(format_args!(
            "{:<32}  {}",
            behaviour.to_string(),
            behaviour.about()
        ))?;
    }
    let steps: Vec<_> = Step::ALL.iter().map(|step| step.name()).collect();
    output.line(format_args!("\nsteps: {}", steps.join(", ")))?;
    Ok(output.printed())
}

/// Refuses what would not happen.
fn check_behaviours(args: &JoinArgs) -> Result<(), CliError> {
    let protocol = args.protocol.protocol;
    let version = Version::new(protocol);
    match args.behave.iter().find(|one| !one.fits(version)) {
        Some(behaviour) => Err(CliError::Behaviour {
            behaviour: *behaviour,
            protocol,
        }),
        None => Ok(()),
    }
}

/// The user's wish to stop. One for each command, since a signal between two listeners would be lost.
struct Interrupt(Pin<Box<dyn Future<Output = ()>>>);

impl Interrupt {
    fn new() -> Self {
        Interrupt(Box::pin(async {
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        }))
    }

    /// Resolves when the user wants to stop; where that cannot be learnt of, never. Not to be called after it has.
    async fn wait(&mut self) {
        self.0.as_mut().await;
    }
}
