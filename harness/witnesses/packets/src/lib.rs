//! Every packet that the guests' kit, the reference backend and the simulated client write, so that decoders that
//! nobody here wrote can be asked what they make of it.
//!
//! ```text
//! kit ──────────┐   (its builders, with the values that are meant)
//! backend-proto ┼─> session: both ends in memory, in virtual time ──> Recording ──> lines, or another crate
//! sim-proto ────┘   (and its builders, for what no session provokes)
//! ```
//!
//! - [`record`]: all of one protocol.
//! - [`Recorded`]: one packet: where it belongs, who wrote it, its bytes, and what it is meant to say.
//! - [`Exceptions`]: where a witness is known to be wrong; the list expires.
//! - [`walk()`]: the table of layouts as a reader of its own, for proofs.
//! - [`Proofs`]: which layouts of packets outside bytes and codecs prove.
//! - `kit`, `show`, `client`: what the builders are asked for. `session`: the joins. `meaning`: what the packets of a session
//!   are meant to say.

mod client;
mod exceptions;
mod kit;
mod meaning;
mod proofs;
mod record;
mod session;
mod show;
mod walk;

pub use exceptions::{Exceptions, Problem};
pub use proofs::{Proof, Proofs, ProofsError};
pub use record::{Meant, Recorded, Recording, Value, Writer};
pub use walk::{WalkError, walk};

use sim_proto::Context;
use vb_data::{Direction, State};

/// All packets of one protocol. What went wrong on the way is in [`Recording::faults`], and what was written before is
/// kept: another decoder may tell who is wrong.
pub fn record(protocol: i32) -> Recording {
    let mut recording = Recording {
        protocol,
        packets: Vec::new(),
        faults: Vec::new(),
        context: Context::new(sim_proto::Version::new(protocol)),
    };
    for (name, session) in session::ALL {
        if let Err(error) = session(&mut recording) {
            recording.faults.push(format!("{name}: {error}"));
        }
    }
    if let Ok(version) = guest_kit::Version::new(protocol) {
        recording.packets.extend(show::record(&version));
    }
    client::record(&mut recording);
    let missing: Vec<_> = required(protocol)
        .into_iter()
        .filter(|(state, direction, name)| !recording.has(*state, *direction, name))
        .map(|(state, direction, name)| format!("nobody wrote the {direction} {name} of {state}"))
        .collect();
    recording.faults.extend(missing);
    recording.drop_repetitions();
    recording
}

/// What at least must be written, by the writers' own lists.
fn required(protocol: i32) -> Vec<(State, Direction, &'static str)> {
    let of_client = sim_proto::required_packets(protocol)
        .into_iter()
        .filter(|(_, direction, _)| *direction == Direction::Serverbound);
    // In play the backend's list also holds what it merely forbids.
    let of_backend = backend_proto::required_packets(protocol)
        .into_iter()
        .filter(|(state, direction, _)| {
            *direction == Direction::Clientbound && *state != State::Play
        });
    let of_kit = kit::names(protocol)
        .into_iter()
        .map(|name| (State::Play, Direction::Clientbound, name));
    of_client.chain(of_backend).chain(of_kit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_protocol_is_recorded_whole() {
        for &protocol in vb_data::supported() {
            let recording = record(protocol);
            assert!(
                recording.faults.is_empty(),
                "{protocol}: {:?}",
                recording.faults
            );
            assert_eq!(recording.lines().count(), recording.packets.len());
        }
    }

    #[test]
    fn a_protocol_without_tables_is_a_fault() {
        let recording = record(3);
        assert!(!recording.faults.is_empty());
        assert!(recording.lines().any(|line| line.contains("\"fault\"")));
    }
}
