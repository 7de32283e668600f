//! A modified client sends ids that no table has.

use super::garbage::{Sender, first_unknown_id};
use crate::case::Case;
use crate::lab::door::Need;
use crate::lab::guest::GuestLab;
use crate::verdict::Outcome;

/// See the module.
pub const CASE: Case<GuestLab> = Case::new(
    "unknown-ids-cause-no-trap",
    &["VB-RAW-02"],
    "Sends packets with ids that the protocol does not have, from the first of them to the largest there is.",
    |lab| Box::pin(run(lab)),
)
.needing(&[Need::Failures]);

/// The edges of an id's length as a varint, of the types that a guest may put it into, and the largest. A negative id
/// never reaches a guest: the host takes it for a malformed frame.
const EDGES: [i32; 12] = [
    0x7f,
    0x80,
    0xff,
    0x100,
    0x3fff,
    0x4000,
    0x7fff,
    0x8000,
    0xffff,
    0x0001_0000,
    0x7777_7777,
    i32::MAX,
];

async fn run(lab: &GuestLab) -> Outcome {
    let mut sender = Sender::join(lab).await?;
    let first = first_unknown_id(lab.protocol);
    let near = first..first + 3;
    for id in near.chain(EDGES).filter(|id| *id >= first) {
        let random = lab.draw(|rng| rng.bytes(64));
        for data in [Vec::new(), random] {
            let what = format!("id {id:#x}, which the protocol does not have");
            sender.must_pass("VB-RAW-02", (id, &data), &what).await?;
        }
    }
    sender.end("VB-RAW-02").await
}
