//! Witness E: the codec of a real proxy, `infrarust_protocol`, against our three.
//!
//! ```text
//! witness-packets (kit, backend-proto, sim-proto) ──> theirs::decode ──┐
//!                                                                      ├─> equal fields, no byte left over
//! theirs::encode ──> sim_proto::decode, sim_proto::annotate ───────────┘
//! ```
//!
//! The layouts that its packets prove are rows of the generator's `proofs.txt`, which this holds, and writes with
//! `--write`.
//!
//! - `judge`: the four questions that are asked of each kind of packet.
//! - `clientbound`, `serverbound`: the kinds, with samples, and what equal means.

mod clientbound;
mod judge;
mod serverbound;

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

use infrarust_protocol::ProtocolVersion;
use judge::{Kind, Run};
use witness_packets::{Exceptions, Proof, Proofs};

/// A wrong call, or a list of exceptions that cannot be read.
const USAGE: u8 = 2;
/// The name of this witness in the list of proofs.
const SOURCE: &str = "codec";
/// Problems of one protocol that are printed.
const SHOWN: usize = 20;

fn main() -> ExitCode {
    if std::env::args().skip(1).eq(["--ids".to_owned()]) {
        print_ids();
        return ExitCode::SUCCESS;
    }
    let mut wanted = Vec::new();
    let mut write = false;
    for argument in std::env::args().skip(1) {
        match argument.parse() {
            Ok(protocol) if vb_data::supported().contains(&protocol) => wanted.push(protocol),
            Err(_) if argument == "--write" => write = true,
            _ => {
                eprintln!(
                    "{argument} is no protocol with packet tables
usage: witness-codec [--ids | [--write] PROTOCOL...]"
                );
                return USAGE.into();
            }
        }
    }
    let mut exceptions = match Exceptions::read("codec") {
        Ok(exceptions) => exceptions,
        Err(error) => {
            eprintln!("exceptions.json: {error}");
            return USAGE.into();
        }
    };
    let (mut good, mut judged) = (0, Vec::new());
    let mut found = BTreeSet::new();
    let mut unasked = Unasked::default();
    for &protocol in vb_data::supported() {
        if !wanted.is_empty() && !wanted.contains(&protocol) {
            continue;
        }
        let version = ProtocolVersion(protocol);
        if !version.is_known() {
            println!("{protocol:>3} -       it does not know this protocol");
            continue;
        }
        judged.push(protocol);
        good += usize::from(judge(version, &mut exceptions, &mut unasked, &mut found));
    }
    unasked.print();
    println!(
        "{good} of {} protocols, {} layouts proved",
        judged.len(),
        found.len()
    );
    let proved = match Proofs::hold(SOURCE, &judged, &found, write) {
        Ok(problems) => {
            problems.iter().for_each(|problem| println!("{problem}"));
            problems.is_empty()
        }
        Err(error) => {
            eprintln!("{error}");
            return USAGE.into();
        }
    };
    if proved && good > 0 && good == judged.len() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Prints its ids for all packets that it is asked about, by our names: what it has to say in the vote on the data.
fn print_ids() {
    for &protocol in vb_data::supported() {
        let version = ProtocolVersion(protocol);
        if !version.is_known() {
            continue;
        }
        let recording = witness_packets::record(protocol);
        let mut run = Run::new(version, &recording);
        clientbound::all(&mut run);
        serverbound::all(&mut run);
        for ((direction, state, name), id) in run.ids() {
            println!("{protocol} {state} {direction} {id} {name}");
        }
    }
}

/// Prints one protocol's line; whether it is good.
fn judge(
    version: ProtocolVersion,
    exceptions: &mut Exceptions,
    unasked: &mut Unasked,
    found: &mut BTreeSet<Proof>,
) -> bool {
    let protocol = version.0;
    let recording = witness_packets::record(protocol);
    let mut run = Run::new(version, &recording);
    clientbound::all(&mut run);
    serverbound::all(&mut run);
    unasked.add(&run, &recording);
    found.extend(run.proofs());
    let mut problems = recording.faults.clone();
    problems.extend(exceptions.sift(protocol, run.problems()));
    let name = match version.name() {
        // It has no name for it, and takes it for the one before.
        "unknown" => "(range)",
        name => name,
    };
    let verdict = if problems.is_empty() { "ok" } else { "FAILED" };
    println!(
        "{protocol:>3} {name:<8} {verdict:<6}  {} kinds, {} packets of ours read, {} of its packets read, {} exceptions",
        run.kinds().len(),
        run.ours_read(),
        run.theirs_read(),
        exceptions.count(protocol),
    );
    for problem in problems.iter().take(SHOWN) {
        println!("      {problem}");
    }
    if problems.len() > SHOWN {
        println!("      and {} more", problems.len() - SHOWN);
    }
    problems.is_empty()
}

/// The kinds of packets that our codecs write and it has no codec for.
#[derive(Default)]
struct Unasked(BTreeMap<Kind, BTreeSet<i32>>);

impl Unasked {
    fn add(&mut self, run: &Run<'_>, recording: &witness_packets::Recording) {
        for packet in &recording.packets {
            let kind = (packet.direction, packet.state, packet.name.clone());
            if !run.kinds().contains(&kind) {
                self.0.entry(kind).or_default().insert(recording.protocol);
            }
        }
    }

    fn print(&self) {
        println!("it has no codec for these, which ours write:");
        for ((direction, state, name), protocols) in &self.0 {
            let (first, last) = (
                protocols.first().unwrap_or(&0),
                protocols.last().unwrap_or(&0),
            );
            println!(
                "    {direction} {state} {name}: {} protocols from {first} to {last}",
                protocols.len()
            );
        }
    }
}
