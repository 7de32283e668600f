//! Packets made from our layouts, for codecs that nobody here wrote to read, and what their verdicts prove.
//!
//! ```text
//! vb_data::layouts ─> sample ─> lines of `STATE NAME HEX` ─> another codec ─> `STATE NAME VERDICT` ─> proofs.txt
//! ```
//!
//! A layout is proved when the other codec reads samples of it whole, in each form that it has in any sample. A sample
//! that it refuses for a value (a number that stands for nothing) is no sample; one that ends early or leaves bytes over
//! is a difference in the layout.

mod sample;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufWriter, Write as _};
use std::process::ExitCode;

use thiserror::Error;
use vb_data::{Direction, State};
use witness_packets::{Proof, Proofs, ProofsError};

use sample::{Sample, sample};

/// A wrong call.
const USAGE: u8 = 2;
/// Variants of each packet.
const VARIANTS: u64 = 256;
/// What another codec says of a packet that it has read to its last byte.
const WHOLE: &str = "whole";
/// The states in which servers send packets.
const STATES: [State; 4] = [
    State::Status,
    State::Login,
    State::Configuration,
    State::Play,
];

/// Why nothing could be done.
#[derive(Debug, Error)]
enum Trouble {
    #[error(
        "{0}\nusage: witness-layouts samples PROTOCOL\n       witness-layouts hold SOURCE [--write] PROTOCOL < VERDICTS"
    )]
    Call(String),
    #[error("line {0}: no verdict on the packet that was printed there")]
    Verdict(usize),
    #[error(transparent)]
    Proofs(#[from] ProofsError),
    #[error(transparent)]
    Io(#[from] io::Error),
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
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let words: Vec<_> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["samples", protocol] => print(known(protocol)?).map(|()| true),
        ["hold", source, "--write", protocol] => hold(source, known(protocol)?, true),
        ["hold", source, protocol] => hold(source, known(protocol)?, false),
        _ => Err(Trouble::Call("no such command".to_owned())),
    }
}

fn known(protocol: &str) -> Result<i32, Trouble> {
    protocol
        .parse()
        .ok()
        .filter(|protocol| vb_data::supported().contains(protocol))
        .ok_or_else(|| Trouble::Call(format!("{protocol} is no protocol with packet tables")))
}

/// State, name, id and a sample of each packet, several of each.
fn samples(protocol: i32) -> impl Iterator<Item = (State, &'static str, i32, Sample)> {
    STATES.into_iter().flat_map(move |state| {
        vb_data::layouts(protocol, state).flat_map(move |packet| {
            let table = vb_data::packets(protocol, state, Direction::Clientbound);
            let id = table.and_then(|table| table.id(packet.name)).unwrap_or(-1);
            let mut seen = BTreeSet::new();
            (0..VARIANTS)
                .filter_map(move |variant| sample(protocol, packet.layout, variant))
                .filter(move |sample| seen.insert(sample.data.clone()))
                .map(move |sample| (state, packet.name, id, sample))
        })
    })
}

fn print(protocol: i32) -> Result<(), Trouble> {
    let mut out = BufWriter::new(io::stdout().lock());
    for (state, name, id, sample) in samples(protocol) {
        let mut bytes = Vec::new();
        let mut rest = id.cast_unsigned();
        while rest > 0x7f {
            bytes.push((rest & 0x7f).to_le_bytes()[0] | 0x80);
            rest >>= 7;
        }
        bytes.push(rest.to_le_bytes()[0]);
        bytes.extend(sample.data);
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(out, "{state} {name} {hex}")?;
    }
    Ok(out.flush()?)
}

/// What the verdicts on one packet's samples came to.
#[derive(Debug, Default)]
struct Packet {
    forms: BTreeSet<(usize, i64)>,
    read: BTreeSet<(usize, i64)>,
    whole: usize,
    /// Refusals, and how many.
    refused: BTreeMap<String, usize>,
}

fn hold(source: &str, protocol: i32, write: bool) -> Result<bool, Trouble> {
    let mut packets: BTreeMap<(State, &str), Packet> = BTreeMap::new();
    let mut lines = io::stdin().lines();
    for (index, (state, name, _, sample)) in samples(protocol).enumerate() {
        let line = lines.next().transpose()?.unwrap_or_default();
        let verdict = line
            .strip_prefix(&format!("{state} {name} "))
            .ok_or(Trouble::Verdict(index + 1))?;
        let packet = packets.entry((state, name)).or_default();
        packet.forms.extend(&sample.forms);
        if verdict == WHOLE {
            packet.whole += 1;
            packet.read.extend(&sample.forms);
        } else {
            *packet.refused.entry(verdict.to_owned()).or_default() += 1;
        }
    }
    let mut found = BTreeSet::new();
    for ((state, name), packet) in &packets {
        let proved = packet.whole > 0 && packet.forms == packet.read;
        if proved {
            found.insert(Proof {
                state: *state,
                packet: (*name).to_owned(),
                protocol,
            });
        }
        if proved {
            continue;
        }
        let refused: usize = packet.refused.values().sum();
        println!(
            "{state:<13} {name:<28} not proved: {} whole, {refused} refused, {} of {} forms",
            packet.whole,
            packet.read.len(),
            packet.forms.len()
        );
        if let Some((refusal, count)) = packet.refused.iter().max_by_key(|(_, count)| **count) {
            println!("      {count} times: {refusal}");
        }
    }
    println!(
        "{} of {} packets of {protocol} proved",
        found.len(),
        packets.len()
    );
    let problems = Proofs::hold(source, &[protocol], &found, write)?;
    for problem in &problems {
        println!("{problem}");
    }
    Ok(problems.is_empty())
}
