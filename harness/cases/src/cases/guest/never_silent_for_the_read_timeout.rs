//! A client that hears nothing for its read timeout believes the server gone.

use sim_proto::FaultKind;

use super::text::TEN_MINUTES;
use crate::case::Case;
use crate::lab::guest::GuestLab;
use crate::lab::player::{close_text, secs};
use crate::verdict::Outcome;

/// See the module.
pub const CASE: Case<GuestLab> = Case::new(
    "never-silent-for-the-read-timeout",
    &["VB-KA-01"],
    "Plays for ten minutes and measures the longest silence of the guest.",
    |lab| Box::pin(run(lab)),
)
.taking_minutes();

async fn run(lab: &GuestLab) -> Outcome {
    let mut player = lab.join().await?;
    let started = player.session_start();
    player.live(TEN_MINUTES).await;
    let expected = "a packet of the guest before the client's read timeout, for ten minutes";
    if let Some((at, fault)) = player.fault() {
        if matches!(fault.kind, FaultKind::ReadTimeout { .. }) {
            let keep_alives = player.named("keep_alive").count();
            let last = player.last_heard().unwrap_or(started);
            let got = format!(
                "nothing came after {}, and the client gave up; there had been {keep_alives} keep-alives",
                secs(last.saturating_sub(started))
            );
            return Err(player.finding("VB-KA-01", expected, got).at(at).into());
        }
        return Err(player.untestable(fault.to_string()));
    }
    match player.closed() {
        None => Ok(()),
        Some((_, reason)) => {
            Err(player.untestable(format!("the session ended: {}", close_text(reason))))
        }
    }
}
