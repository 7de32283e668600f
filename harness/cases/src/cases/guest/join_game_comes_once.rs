//! A second JoinGame throws away the world that the client has just built.

use super::text::{VISIT, no_join_game};
use crate::case::Case;
use crate::lab::guest::GuestLab;
use crate::verdict::Outcome;

/// See the module.
pub const CASE: Case<GuestLab> = Case::new(
    "join-game-comes-once",
    &["VB-JOIN-04"],
    "Joins and counts JoinGame for eleven seconds.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &GuestLab) -> Outcome {
    let player = lab.visit(lab.client(), VISIT).await?;
    if player.came("login").is_none() {
        return Err(player.untestable(no_join_game(&player)));
    }
    match player.named("login").nth(1) {
        None => Ok(()),
        Some(second) => Err(player.broken_by(
            "VB-JOIN-04",
            "JoinGame once in a session",
            "a second JoinGame came",
            second,
        )),
    }
}
