//! Mods announce themselves on channels of their own as soon as they have joined.

use std::time::Duration;

use sim_proto::serverbound;

use crate::case::Case;
use crate::lab::guest::GuestLab;
use crate::lab::player::close_text;
use crate::verdict::Outcome;

const CLAUSE: &str = "VB-RAW-06";

/// Time for the guest to disconnect whom it does not like.
const WATCH: Duration = Duration::from_secs(1);

/// Of the payloads, in bytes; the last is the most that a client may send.
const LENGTHS: [usize; 4] = [0, 1, 64, 32_767];

/// See the module.
pub const CASE: Case<GuestLab> = Case::new(
    "unknown-channels-are-ignored",
    &["VB-RAW-06"],
    "Sends plugin messages on channels that no guest knows, with payloads of any size.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &GuestLab) -> Outcome {
    let mut player = lab.join().await?;
    player.live(WATCH).await;
    if player.closed().is_some() {
        return Err(player.untestable(player.stands()));
    }
    // The longest that fits where a channel has 20 characters at most.
    for channel in ["vbspec:unknown", "vbspec:channel/of_20"] {
        for length in LENGTHS {
            let payload = lab.draw(|rng| rng.bytes(length));
            let data = serverbound::plugin_message(player.version(), channel, &payload);
            player.send_named("custom_payload", &data);
            player.live(WATCH).await;
            lab.settle_if_over(&player).await;
            let what = format!("{length} bytes on the channel {channel}");
            lab.no_trap(&player, CLAUSE, &format!("on {what}"))?;
            if let Some((at, reason)) = player.closed() {
                let expected = format!("a session that goes on after {what}");
                let got = format!("it ended: {}", close_text(reason));
                return Err(player.finding(CLAUSE, expected, got).at(at).into());
            }
        }
    }
    Ok(())
}
