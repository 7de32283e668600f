//! What a client may send, a player will do: no packet of the protocol takes the guest down.

use super::garbage::{Sender, packets, well_formed, zeros};
use crate::case::Case;
use crate::lab::door::Need;
use crate::lab::guest::GuestLab;
use crate::verdict::Outcome;

/// See the module.
pub const CASE: Case<GuestLab> = Case::new(
    "serverbound-packets-cause-no-trap",
    &["VB-RAW-01"],
    "Sends every serverbound packet of the protocol, well-formed, in an odd order and then backwards.",
    |lab| Box::pin(run(lab)),
)
.needing(&[Need::Failures]);

async fn run(lab: &GuestLab) -> Outcome {
    let mut sender = Sender::join(lab).await?;
    let version = sender.player.version();
    let mut order: Vec<(i32, &str)> = packets(lab.protocol).collect();
    for last in (1..order.len()).rev() {
        order.swap(last, lab.draw(|rng| rng.below(last + 1)));
    }
    for backwards in [false, true] {
        if backwards {
            order.reverse();
        }
        for &(id, name) in &order {
            let payloads = well_formed(version, name).unwrap_or_else(|| zeros().collect());
            for data in payloads {
                let what = format!("{name} (id {id:#04x}) with {} bytes", data.len());
                sender.must_pass("VB-RAW-01", (id, &data), &what).await?;
            }
        }
    }
    sender.end("VB-RAW-01").await
}
