//! A player must not look at a login screen for long.

use std::time::Duration;

use super::text::no_join_game;
use crate::case::Case;
use crate::lab::guest::{GuestLab, sent_by_guest};
use crate::lab::player::secs;
use crate::verdict::Outcome;

const CLAUSE: &str = "VB-JOIN-02";

/// From the clause.
const LIMIT: Duration = Duration::from_secs(5);

/// How long to look, so that a late one can be told from none.
const LATEST: Duration = Duration::from_secs(25);

fn expected() -> String {
    format!(
        "JoinGame within {} of the session's start, or a refusal that can be read",
        secs(LIMIT)
    )
}

/// See the module.
pub const CASE: Case<GuestLab> = Case::new(
    "join-game-within-five-seconds",
    &["VB-JOIN-02"],
    "Joins and takes the time from the session's start to JoinGame.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &GuestLab) -> Outcome {
    let player = lab.visit(lab.client(), LATEST).await?;
    let started = player.session_start();
    match player.came("login") {
        Some(at) if at.saturating_sub(started) <= lab.within(LIMIT) => Ok(()),
        Some(at) => {
            let got = format!("JoinGame came after {}", secs(at.saturating_sub(started)));
            Err(player.finding(CLAUSE, expected(), got).at(at).into())
        }
        // What the client choked on before is another claim's.
        None if sent_by_guest(lab, &player, "login") => Err(player.untestable(player.stands())),
        None => Err(player.broken(CLAUSE, expected(), no_join_game(&player))),
    }
}
