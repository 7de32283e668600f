//! Old clients send a keep-alive 0 on their terrain screen that nobody asked for.

use std::time::Duration;

use crate::case::Case;
use crate::lab::guest::GuestLab;
use crate::lab::player::close_text;
use crate::verdict::Outcome;

/// As those clients do.
const TWENTY_TICKS: Duration = Duration::from_secs(1);

/// For a minute.
const TIMES: usize = 60;

/// See the module.
pub const CASE: Case<GuestLab> = Case::new(
    "unasked-zero-keeps-the-session",
    &["VB-KA-08"],
    "Sends a keep-alive 0 every 20 ticks for a minute.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &GuestLab) -> Outcome {
    let mut player = lab.join().await?;
    let zero = sim_proto::serverbound::keep_alive(player.version(), 0);
    for _ in 0..TIMES {
        // A refusal means that the connection is over, which is looked at below.
        if !player.send_named("keep_alive", &zero) {
            break;
        }
        player.live(TWENTY_TICKS).await;
    }
    if player.fault().is_some() {
        return Err(player.untestable(player.stands()));
    }
    lab.no_trap(&player, "VB-KA-08", "when a keep-alive 0 comes unasked")?;
    match player.closed() {
        None => Ok(()),
        Some((at, reason)) => {
            let expected = "a session that goes on while the client sends keep-alive 0 unasked";
            let finding = player.finding(
                "VB-KA-08",
                expected,
                format!("it ended: {}", close_text(reason)),
            );
            Err(finding.at(at).into())
        }
    }
}
