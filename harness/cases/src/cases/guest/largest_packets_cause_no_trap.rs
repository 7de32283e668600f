//! One client may send packets of the largest size at will.

use super::garbage::{Sender, first_unknown_id, packets};
use crate::case::Case;
use crate::lab::door::Need;
use crate::lab::guest::GuestLab;
use crate::verdict::Outcome;

const CLAUSE: &str = "VB-RAW-04";

/// The largest packet, its id included.
const LARGEST: usize = 2_097_151;

/// What the control has: enough for a text of the same beginning.
const SMALL: usize = 300;

/// See the module.
pub const CASE: Case<GuestLab> = Case::new(
    "largest-packets-cause-no-trap",
    &["VB-RAW-04"],
    "Sends packets of 2,097,151 bytes: as chat, as plugin message, and with an id that the protocol does not have.",
    |lab| Box::pin(run(lab)),
)
.needing(&[Need::Failures]);

async fn run(lab: &GuestLab) -> Outcome {
    let mut sender = Sender::join(lab).await?;
    let known = ["chat", "chat_message", "chat_command", "custom_payload"];
    let mut kinds: Vec<(i32, &str)> = packets(lab.protocol)
        .filter(|(_, name)| known.contains(name))
        .collect();
    kinds.push((first_unknown_id(lab.protocol), "an unknown packet"));
    for (id, name) in kinds {
        let id_bytes = if id < 0x80 { 1 } else { 2 };
        // As the beginning of a text: the longest length that two bytes can say.
        for first in [0x00, 0xff] {
            let fill = |length: usize| {
                let mut data = vec![b'x'; length];
                data.splice(0..2, [first, 0x7f]);
                data
            };
            sender
                .control((id, &fill(SMALL)), &format!("{name} of {SMALL} bytes"))
                .await?;
            let largest = fill(LARGEST - id_bytes);
            let what = format!("{name} of {LARGEST} bytes with its id");
            sender.must_pass(CLAUSE, (id, &largest), &what).await?;
        }
    }
    sender.end(CLAUSE).await
}
