//! Prints every packet of every protocol, or of those named on the command line, as JSON lines.

use std::io::{self, BufWriter, Write as _};
use std::process::ExitCode;

/// A wrong call.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let mut protocols = Vec::new();
    for argument in std::env::args().skip(1) {
        match argument.parse() {
            Ok(protocol) if vb_data::supported().contains(&protocol) => protocols.push(protocol),
            _ => {
                eprintln!(
                    "{argument} is no protocol with packet tables\nusage: witness-packets [PROTOCOL...]"
                );
                return USAGE.into();
            }
        }
    }
    if protocols.is_empty() {
        protocols = vb_data::supported().to_vec();
    }
    match print(&protocols) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cannot print: {error}");
            ExitCode::FAILURE
        }
    }
}

fn print(protocols: &[i32]) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    for &protocol in protocols {
        for line in witness_packets::record(protocol).lines() {
            writeln!(out, "{line}")?;
        }
    }
    out.flush()
}
