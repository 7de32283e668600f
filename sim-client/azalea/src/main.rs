//! Joins a server of Minecraft 26.1 (protocol 775) with [azalea](https://azalea.matdoes.dev), a client nobody here wrote, and
//! prints what passes as JSON lines, for comparison with what our own client sees. `README.md` describes the lines.
//!
//! ```text
//! main ── args                                  the command line
//!   ├── bots ── azalea ══ tap ══ server         azalea's clients; the taps that their connections go through
//!   │                      └── session          bytes -> packets, as azalea's codec reads them
//!   │                            ├── names      what minecraft-data calls them
//!   │                            └── fields     and their fields
//!   ├── complaints                              the errors that azalea logs
//!   └── outcome, output                         what became of each client; standard output
//! ```
//!
//! bevy runs on a thread and pools of its own; the taps share the main thread. Nothing of this repository's own protocol
//! crates is used: a witness that shares their mistakes is none.

#![forbid(unsafe_code)]

mod args;
mod bots;
mod complaints;
mod fields;
mod hash;
mod names;
mod outcome;
mod output;
mod session;
mod tap;

use std::fs::File;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::process::ExitCode;
use std::sync::{Arc, mpsc};
use std::{panic, thread};

use clap::Parser as _;
use tokio::sync::watch;

use crate::args::{Args, Target};
use crate::bots::Health;
use crate::outcome::{Outcome, total};
use crate::output::Output;
use crate::tap::Plan;

/// Every client came into the world and stayed.
const OK: u8 = 0;

/// A client did not, or the system failed us.
const FAILED: u8 = 1;

/// The command line is wrong, or the address cannot be found. clap uses the same.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let args = Args::parse();
    let start = resolve(&args.target).and_then(|server| Ok((server, args.names()?)));
    let (server, names) = match start {
        Ok(start) => start,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(USAGE);
        }
    };
    match join(&args, server, names) {
        Ok(outcomes) if outcomes.iter().all(Outcome::succeeded) => ExitCode::from(OK),
        Ok(_) => ExitCode::from(FAILED),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(FAILED)
        }
    }
}

/// Runs azalea on one thread and the taps on this one, until all clients are done. azalea's thread is left behind: it has no
/// end of its own, and may hang.
fn join(args: &Args, server: SocketAddr, names: Vec<String>) -> Result<Vec<Outcome>, String> {
    let record = match &args.record {
        Some(path) => Some(
            File::create(path)
                .map_err(|error| format!("cannot record to {}: {error}", path.display()))?,
        ),
        None => None,
    };
    let output = Arc::new(Output::new(args.count == 1));
    complaints::listen(Arc::clone(&output));
    hear_panics(Arc::clone(&output));

    let (join, joins) = mpsc::channel();
    let (health, healthy) = watch::channel(Health::Alive);
    let target = args.target.clone();
    thread::spawn(move || bots::run(&target, &joins, &health));
    let plan = Plan {
        server,
        limit: args.timeout,
        stay: args.stay,
        record: record.map(Arc::new),
    };
    let outcomes = tap::run(&plan, names, &join, &healthy, &output)
        .map_err(|error| format!("cannot start the taps: {error}"))?;
    for outcome in &outcomes {
        output.line(&outcome.line());
        if let Some(reason) = outcome.reason() {
            eprintln!("{}: {reason}", outcome.name);
        }
    }
    output.line(&total(&outcomes, output.complaints(), output.now()));
    Ok(outcomes)
}

fn resolve(target: &Target) -> Result<SocketAddr, String> {
    let mut addresses = (target.host.as_str(), target.port)
        .to_socket_addrs()
        .map_err(|error| format!("cannot find {target}: {error}"))?;
    addresses
        .next()
        .ok_or_else(|| format!("cannot find {target}: it has no address"))
}

/// Makes panics complaints, which they are when azalea panics: it does so on some packets that a server should not send.
fn hear_panics(output: Arc<Output>) {
    panic::set_hook(Box::new(move |panic| output.complaint(&panic.to_string())));
}
