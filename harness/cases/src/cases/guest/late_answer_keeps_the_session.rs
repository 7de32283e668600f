//! A slow line or a frozen window is no reason to drop a player.

use std::time::Duration;

use sim_proto::{ClientConfig, KeepAlivePolicy};

use super::text::TEN_MINUTES;
use crate::case::Case;
use crate::lab::guest::GuestLab;
use crate::lab::player::close_text;
use crate::verdict::Outcome;

/// From the clause.
const LATE: Duration = Duration::from_secs(10);

/// See the module.
pub const CASE: Case<GuestLab> = Case::new(
    "late-answer-keeps-the-session",
    &["VB-KA-05"],
    "Plays for ten minutes and answers every keep-alive after 10 s.",
    |lab| Box::pin(run(lab)),
)
.taking_minutes();

async fn run(lab: &GuestLab) -> Outcome {
    let config = ClientConfig {
        keep_alive: KeepAlivePolicy::Delay(LATE),
        ..lab.client()
    };
    let mut player = lab.join_as(config).await?;
    player.live(TEN_MINUTES).await;
    if player.named("keep_alive").next().is_none() || player.fault().is_some() {
        return Err(player.untestable(format!(
            "no keep-alive can be answered: {}",
            player.stands()
        )));
    }
    lab.no_trap(&player, "VB-KA-05", "when a keep-alive is answered")?;
    match player.closed() {
        None => Ok(()),
        Some((at, reason)) => {
            let expected =
                "a session of ten minutes for a client that answers every keep-alive after 10 s";
            let finding = player.finding(
                "VB-KA-05",
                expected,
                format!("it ended: {}", close_text(reason)),
            );
            Err(finding.at(at).into())
        }
    }
}
