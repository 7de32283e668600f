//! The dimension must be one that the client was given in the configuration phase.

use sim_proto::{Fault, FaultKind};

use super::text::{VISIT, no_join_game};
use crate::case::Case;
use crate::lab::guest::GuestLab;
use crate::verdict::Outcome;

/// See the module.
pub const CASE: Case<GuestLab> = Case::new(
    "dimension-type-is-known",
    &["VB-JOIN-07"],
    "Joins and looks the dimension of JoinGame up among those of the configuration phase.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &GuestLab) -> Outcome {
    let player = lab.visit(lab.client(), VISIT).await?;
    let unknown = |fault: &Fault| matches!(fault.kind, FaultKind::UnknownDimension { .. });
    if let Some((at, fault)) = player
        .fault_in(&["login"])
        .filter(|(_, fault)| unknown(fault))
    {
        let expected = "a dimension type that the client was given in the configuration phase";
        return Err(player.broken_at("VB-JOIN-07", expected, fault.to_string(), at, &fault.site));
    }
    match player.came("login") {
        Some(_) => Ok(()),
        None => Err(player.untestable(no_join_game(&player))),
    }
}
