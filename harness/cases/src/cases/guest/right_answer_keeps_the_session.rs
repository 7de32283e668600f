//! A client that does what is asked of it must not lose its session.

use sim_proto::{ClientConfig, KeepAlivePolicy};

use super::text::TEN_MINUTES;
use crate::case::Case;
use crate::lab::guest::GuestLab;
use crate::lab::player::close_text;
use crate::verdict::Outcome;

/// See the module.
pub const CASE: Case<GuestLab> = Case::new(
    "right-answer-keeps-the-session",
    &["VB-KA-04"],
    "Plays for ten minutes and answers every keep-alive at once.",
    |lab| Box::pin(run(lab)),
)
.taking_minutes();

async fn run(lab: &GuestLab) -> Outcome {
    let config = ClientConfig {
        keep_alive: KeepAlivePolicy::Answer,
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
    lab.no_trap(&player, "VB-KA-04", "when a keep-alive is answered")?;
    match player.closed() {
        None => Ok(()),
        Some((at, reason)) => {
            let expected =
                "a session of ten minutes for a client that answers every keep-alive at once";
            let finding = player.finding(
                "VB-KA-04",
                expected,
                format!("it ended: {}", close_text(reason)),
            );
            Err(finding.at(at).into())
        }
    }
}
