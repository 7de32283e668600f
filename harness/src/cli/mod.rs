//! The command line.

mod diff;
mod explain;
mod guest;
mod host;
mod layouts;
mod list;
mod run;
#[cfg(feature = "selftest")]
mod selftest;
mod serve;
mod soak;

use std::io::{self, ErrorKind, Write};

use anstyle::AnsiColor;
use clap::{Parser, Subcommand};
use sim_client::Piped;

use crate::exit::Exit;
use crate::judge::SelectError;
use crate::protocols::SelectionError;
use crate::select::NameError;
use crate::subject::OptionsError;

/// Judges virtual backends: WebAssembly guests that play Minecraft server behind a proxy, and the proxies that
/// run them.
#[derive(Debug, Parser)]
#[command(name = "vbspec", version, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  as expected (warnings included)
  1  nonconformance, a case passed that was expected to fail, or two builds differ (diff)
  2  usage, configuration or an unknown name
  3  the subject does not start
  4  nothing is selected
  5  the harness itself failed
A closed standard output changes none of these; where nothing was judged, it gives 141.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Judge a guest: a component that plays server.
    Guest(guest::GuestArgs),
    /// Tell on which protocols another build of a guest behaves otherwise.
    Diff(diff::DiffArgs),
    /// Judge a host: the reference in process, or any through its adapter.
    Host(host::HostArgs),
    /// List clauses, cases or protocols.
    List(list::ListArgs),
    /// Explain a clause or a case.
    Explain(explain::ExplainArgs),
    /// Play worlds drawn from seeds on the reference host, and look at what must hold in each.
    Soak(soak::SoakArgs),
    /// Try the cases on guests and hosts that are broken on purpose
    #[cfg(feature = "selftest")]
    Selftest(selftest::SelftestArgs),
    /// Put a guest on a port for a real game client.
    Serve(serve::ServeArgs),
}

/// Why a command could not be carried out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    #[error(transparent)]
    Protocol(#[from] SelectionError),
    #[error(transparent)]
    Name(#[from] NameError),
    #[error(transparent)]
    Options(#[from] OptionsError),
    #[error(transparent)]
    Keep(#[from] soak::KeepError),
    #[error(transparent)]
    Diff(#[from] diff::DiffError),
    #[error("`{given}` is neither a clause nor a case.{hint}")]
    Unexplained { given: String, hint: String },
    #[error(transparent)]
    Selection(#[from] SelectError),
    #[error(transparent)]
    Refused(#[from] crate::subject::Refusal),
    #[error("cannot listen on {address}: {error}")]
    Listen { address: String, error: io::Error },
    #[error("cannot write: {0}")]
    Write(#[from] io::Error),
}

impl CommandError {
    const fn exit(&self) -> Exit {
        match self {
            Self::Selection(SelectError::Nothing) => Exit::NothingSelected,
            Self::Protocol(_)
            | Self::Name(_)
            | Self::Selection(_)
            | Self::Options(_)
            | Self::Keep(_)
            | Self::Unexplained { .. }
            | Self::Listen { .. } => Exit::Usage,
            Self::Diff(error) => error.exit(),
            Self::Refused(_) => Exit::SubjectDoesNotStart,
            Self::Write(_) => Exit::HarnessFault,
        }
    }
}

/// Reads the command line, does what it says, and answers with how the process should end.
#[must_use]
pub fn main() -> Exit {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors; clap knows which stream is right for which.
            let printed = error.print();
            return match printed {
                _ if error.use_stderr() => Exit::Usage,
                Err(error) if error.kind() == ErrorKind::BrokenPipe => Exit::OutputClosed,
                _ => Exit::AsExpected,
            };
        }
    };
    let done = match cli.command {
        Command::Guest(args) => guest::run(&args),
        Command::Diff(args) => compared(&args),
        Command::Host(args) => host::run(&args),
        Command::List(args) => printed(|out| list::run(&args, out)),
        Command::Explain(args) => printed(|out| explain::run(&args, out)),
        Command::Soak(args) => soak::run(&args),
        #[cfg(feature = "selftest")]
        Command::Selftest(args) => selftest::run(&args),
        Command::Serve(args) => serve::run(&args),
    };
    done.unwrap_or_else(|error| {
        let red = AnsiColor::Red.on_default().bold();
        let _ = writeln!(anstream::stderr(), "{red}error{red:#}: {error}");
        error.exit()
    })
}

/// Standard output, with colours where they are wanted. A reader that leaves, such as `head`, changes nothing.
fn stdout() -> Piped<anstream::AutoStream<io::StdoutLock<'static>>> {
    Piped::new(anstream::stdout().lock())
}

/// Who stops reading changes nothing about what differs.
fn compared(args: &diff::DiffArgs) -> Result<Exit, CommandError> {
    let (exit, comparison) = diff::run(args)?;
    let mut out = stdout();
    writeln!(out, "{comparison}")?;
    out.flush()?;
    Ok(exit)
}

/// A command that does nothing but print.
fn printed(
    print: impl FnOnce(&mut dyn Write) -> Result<Exit, CommandError>,
) -> Result<Exit, CommandError> {
    let mut out = stdout();
    let exit = print(&mut out)?;
    out.flush()?;
    Ok(if out.is_gone() {
        Exit::OutputClosed
    } else {
        exit
    })
}
