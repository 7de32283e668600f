//! JoinGame must be written as the session's protocol reads it.

use sim_proto::FaultKind;

use super::text::{VISIT, no_join_game};
use crate::case::Case;
use crate::lab::guest::GuestLab;
use crate::verdict::Outcome;

const CLAUSE: &str = "VB-JOIN-03";

/// See the module.
pub const CASE: Case<GuestLab> = Case::new(
    "join-game-has-the-layout-of-its-protocol",
    &["VB-JOIN-03"],
    "Joins and decodes JoinGame to its last byte.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &GuestLab) -> Outcome {
    let player = lab.visit(lab.client(), VISIT).await?;
    if let Some((at, fault)) = player.fault_in(&["login"])
        && matches!(fault.kind, FaultKind::Decode(_))
    {
        let expected = format!(
            "JoinGame in the layout of protocol {}, to the last byte",
            lab.protocol
        );
        return Err(player.broken_at(CLAUSE, expected, format!("{fault}"), at, &fault.site));
    }
    match player.came("login") {
        Some(_) => Ok(()),
        None => Err(player.untestable(no_join_game(&player))),
    }
}
