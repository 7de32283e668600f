//! The host checks frames, not fields: a payload may end anywhere, or go on.

use super::garbage::{Sender, packets, well_formed, zeros};
use crate::case::Case;
use crate::lab::door::Need;
use crate::lab::guest::GuestLab;
use crate::verdict::Outcome;

const CLAUSE: &str = "VB-RAW-03";

/// How many bytes too many are tried; the clause's edges and some between.
const TOO_MANY: [usize; 5] = [1, 2, 7, 33, 64];

/// Lengths of payloads of random bytes.
const RANDOM: [usize; 4] = [1, 9, 40, 300];

/// See the module.
pub const CASE: Case<GuestLab> = Case::new(
    "cut-packets-cause-no-trap",
    &["VB-RAW-03"],
    "Sends serverbound packets cut off after each of their bytes, with bytes too many, and of random bytes.",
    |lab| Box::pin(run(lab)),
)
.needing(&[Need::Failures]);

async fn run(lab: &GuestLab) -> Outcome {
    let mut sender = Sender::join(lab).await?;
    let version = sender.player.version();
    for (id, name) in packets(lab.protocol) {
        let known = well_formed(version, name);
        // Whole packets first: a guest that traps on those breaks another clause.
        for data in known.clone().unwrap_or_else(|| zeros().collect()) {
            let what = format!("{name} as it should be");
            sender.control((id, &data), &what).await?;
        }
        for data in known.unwrap_or_default() {
            for length in 0..data.len() {
                let cut = data.get(..length).unwrap_or_default();
                let what = format!("{name} cut off after {length} of {} bytes", data.len());
                sender.must_pass(CLAUSE, (id, cut), &what).await?;
            }
            for more in TOO_MANY {
                let long = [data.clone(), vec![0; more]].concat();
                let what = format!("{name} with {more} bytes too many");
                sender.must_pass(CLAUSE, (id, &long), &what).await?;
            }
        }
        for length in RANDOM {
            let random = lab.draw(|rng| rng.bytes(length));
            let what = format!("{name} of {length} random bytes");
            sender.must_pass(CLAUSE, (id, &random), &what).await?;
        }
    }
    sender.end(CLAUSE).await
}
