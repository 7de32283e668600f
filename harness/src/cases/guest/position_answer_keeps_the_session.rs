//! What every client answers to its first position must not be held against it.

use super::text::VISIT;
use crate::case::Case;
use crate::subject::guest::GuestLab;
use crate::subject::player::close_text;
use crate::verdict::Outcome;

/// See the module.
pub const CASE: Case = Case::guest(
    "position-answer-keeps-the-session",
    &["VB-JOIN-12"],
    "Joins, answers the position-and-look, moves, and looks whether the session lasts.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &GuestLab) -> Outcome {
    let player = lab.visit(lab.client(), VISIT).await?;
    if player.named("position").next().is_none() || player.fault().is_some() {
        return Err(player.untestable(player.stands()));
    }
    lab.no_trap(&player, "VB-JOIN-12", "when the client answers the position-and-look")?;
    match player.closed() {
        None => Ok(()),
        Some((at, reason)) => {
            let expected = "a session that goes on after the client has answered the position-and-look";
            let finding = player.finding("VB-JOIN-12", expected, format!("it ended: {}", close_text(reason)));
            Err(finding.at(at).into())
        }
    }
}
