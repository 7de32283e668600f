//! What JoinGame says must exist.

use sim_proto::{RemarkKind, Site};

use super::text::{VISIT, no_join_game};
use crate::case::Case;
use crate::lab::guest::GuestLab;
use crate::verdict::Outcome;

const CLAUSE: &str = "VB-JOIN-05";

const EXPECTED: &str = "game mode 0 to 3, previous game mode -1 to 3, view and simulation distance 2 to 32, at least one \
    world, and every name a valid identifier";

fn is_about_values(kind: &RemarkKind) -> bool {
    matches!(
        kind,
        RemarkKind::GameMode(_)
            | RemarkKind::PreviousGameMode(_)
            | RemarkKind::ViewDistance(_)
            | RemarkKind::SimulationDistance(_)
            | RemarkKind::NoWorldNames
            | RemarkKind::WorldNotListed(_)
            | RemarkKind::Difficulty(_)
    )
}

/// See the module.
pub const CASE: Case<GuestLab> = Case::new(
    "join-game-values-are-in-range",
    &["VB-JOIN-05"],
    "Joins and checks game modes, distances and names of JoinGame.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &GuestLab) -> Outcome {
    let player = lab.visit(lab.client(), VISIT).await?;
    let in_login = |site: &Site| site.packet.is_some_and(|(_, name)| name == "login");
    let wrong = player
        .remarks()
        .find(|(_, remark)| in_login(&remark.site) && is_about_values(&remark.kind));
    if let Some((at, remark)) = wrong {
        return Err(player.broken_at(CLAUSE, EXPECTED, remark.to_string(), at, &remark.site));
    }
    match player.named("login").next() {
        Some(_) if player.fault_in(&["login"]).is_none() => Ok(()),
        _ => Err(player.untestable(no_join_game(&player))),
    }
}
