//! All sessions of an instance take turns: what one callback uses, the other players wait for.

use vb_contract::{Callback, HostEvent};

use super::garbage::{Sender, first_unknown_id, packets, well_formed};
use crate::case::Case;
use crate::lab::door::Need;
use crate::lab::guest::GuestLab;
use crate::verdict::{Finding, Outcome};

const CLAUSE: &str = "VB-RES-01";

/// From the clause, in units of fuel.
const START: u64 = 20_000_000;
const PACKET: u64 = 1_000_000;

/// From the clause: the largest payload for which the budget of a packet holds.
const PAYLOAD: usize = 1024;

/// See the module.
pub const CASE: Case<GuestLab> = Case::new(
    "callbacks-stay-within-their-fuel",
    &["VB-RES-01"],
    "Joins, sends every kind of packet in small and as large as the budget holds for, and reads the meter.",
    |lab| Box::pin(run(lab)),
)
.needing(&[Need::HostEvents]);

async fn run(lab: &GuestLab) -> Outcome {
    let mut sender = Sender::join(lab).await?;
    within(lab, Callback::SessionStart, START, "the start callback")?;
    let version = sender.player.version();
    let unknown = (first_unknown_id(lab.protocol), "an unknown packet");
    for (id, name) in packets(lab.protocol).chain([unknown]) {
        let mut payloads = well_formed(version, name).unwrap_or_default();
        payloads.push(vec![0; PAYLOAD]);
        payloads.push(lab.draw(|rng| rng.bytes(PAYLOAD)));
        for data in payloads {
            let mark = lab.recorder.mark();
            let what = format!("{name} with {} bytes", data.len());
            sender.control((id, &data), &what).await?;
            let used = most(lab, mark, Callback::PacketReceived);
            if used > PACKET {
                let got = format!("{used}");
                return Err(sender.player.broken(CLAUSE, budget(PACKET, &what), got));
            }
        }
    }
    Ok(())
}

fn within(lab: &GuestLab, callback: Callback, limit: u64, what: &str) -> Outcome {
    let used = most(lab, 0, callback);
    if used > limit {
        return Err(Finding::new(CLAUSE, budget(limit, what), format!("{used}")).into());
    }
    Ok(())
}

fn budget(limit: u64, what: &str) -> String {
    format!("at most {limit} units of fuel for {what}")
}

/// The most that any such callback has used since a mark.
fn most(lab: &GuestLab, mark: usize, wanted: Callback) -> u64 {
    let used = lab.recorder.since(mark, |seen| match &seen.event {
        HostEvent::FuelUsed { callback, fuel, .. } if *callback == wanted => Some(*fuel),
        _ => None,
    });
    used.into_iter().max().unwrap_or_default()
}
