//! A player who cannot join must be told so in words, not by a broken join.

use super::text::VISIT;
use crate::case::Case;
use crate::lab::guest::GuestLab;
use crate::lab::player::close_text;
use crate::verdict::Outcome;

const EXPECTED: &str = "JoinGame, or a refusal with at least one readable character";

/// See the module.
pub const CASE: Case<GuestLab> = Case::new(
    "refusal-is-readable",
    &["VB-JOIN-15"],
    "Joins; a guest that ends the session before JoinGame must say why.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &GuestLab) -> Outcome {
    let mut player = lab.connect(lab.client());
    player.live(VISIT).await;
    if player.came("login").is_some() {
        return Ok(());
    }
    match (player.kicked(), player.closed()) {
        (Some((_, _, reason)), _) if reason.chars().any(char::is_alphanumeric) => Ok(()),
        (Some((at, _, reason)), _) => {
            let got = format!("the reason is {reason:?}");
            Err(player.finding("VB-JOIN-15", EXPECTED, got).at(at).into())
        }
        (None, Some((at, reason)))
            if lab.recorder.traps().is_empty() && player.fault().is_none() =>
        {
            let got = format!(
                "the connection ended before JoinGame: {}",
                close_text(reason)
            );
            Err(player.finding("VB-JOIN-15", EXPECTED, got).at(at).into())
        }
        _ => Err(player.untestable(format!(
            "the guest neither refuses nor joins: {}",
            player.stands()
        ))),
    }
}
