//! Witness F: what vanilla servers sent, protocols 47 to 763, as the npm package `minecraft-packets` holds it.
//!
//! ```text
//! package: raw bytes ──┬─> sim_proto::decode, to the last byte ──> fields ── the package's JSON
//!                      ├─> session: a whole client, logged in ───> no fault
//!                      └─> JoinGame ─> registries: vb-data's to the value; join: our kit's own JoinGame
//! ```
//!
//! - `package`: what is in the package. `session`: the client that plays it. `judge`: what is asked of one server.
//! - `fields`, `registries`, `join`: the comparisons. `report`: what is printed.
//!
//! The layouts that these captures prove are rows of the generator's `proofs.txt`, which this holds, and writes with
//! `--write`.

mod fields;
mod join;
mod judge;
mod package;
mod registries;
mod report;
mod session;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;

use thiserror::Error;
use vb_data::State;
use witness_packets::{Exceptions, Proof, Proofs, ProofsError};

use package::PackageError;
use report::Total;

/// A wrong call, or files that cannot be read.
const USAGE: u8 = 2;
/// Where npm puts the package.
const MODULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../node_modules");
/// The name of this witness in the list of proofs.
const SOURCE: &str = "capture";

/// Why nothing could be judged.
#[derive(Debug, Error)]
enum Trouble {
    #[error("{0}\nusage: witness-captures [--write] [PROTOCOL...]")]
    Call(String),
    #[error("exceptions.json: {0}")]
    Exceptions(String),
    #[error(transparent)]
    Proofs(#[from] ProofsError),
    #[error("{0}\nIs the package there? `npm ci` in harness/witnesses fetches it")]
    Package(#[from] PackageError),
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(trouble) => {
            eprintln!("{trouble}");
            USAGE.into()
        }
    }
}

fn run() -> Result<bool, Trouble> {
    let mut write = false;
    let mut wanted: Vec<i32> = Vec::new();
    let mut servers = package::read(Path::new(MODULES))?;
    for argument in std::env::args().skip(1) {
        match argument.parse() {
            Ok(protocol) if servers.iter().any(|server| server.protocol == protocol) => {
                wanted.push(protocol)
            }
            Err(_) if argument == "--write" => write = true,
            _ => {
                return Err(Trouble::Call(format!(
                    "{argument} is no protocol of the package"
                )));
            }
        }
    }
    servers.retain(|server| wanted.is_empty() || wanted.contains(&server.protocol));
    let mut exceptions = Exceptions::read("captures").map_err(Trouble::Exceptions)?;
    let mut found = BTreeSet::new();
    let mut total = Total::default();
    for server in &servers {
        let judged = judge::judge(server)?;
        found.extend(judged.whole.iter().map(|name| Proof {
            state: State::Play,
            packet: (*name).to_owned(),
            protocol: server.protocol,
        }));
        let problems = exceptions.sift(server.protocol, &judged.problems);
        report::print(
            server,
            &judged,
            &problems,
            exceptions.count(server.protocol),
        );
        total.add(server, &judged, problems.is_empty());
    }
    total.print(found.len());
    let protocols: Vec<_> = servers.iter().map(|server| server.protocol).collect();
    let problems = Proofs::hold(SOURCE, &protocols, &found, write)?;
    for problem in &problems {
        println!("{problem}");
    }
    Ok(total.is_good(wanted.is_empty()) && problems.is_empty())
}
