//! The codec in JoinGame is all that the client knows of the world's registries.

use sim_proto::FaultKind;

use super::text::{VISIT, no_join_game};
use crate::case::Case;
use crate::lab::guest::GuestLab;
use crate::verdict::Outcome;

/// Packets that name a chat type.
const CHAT: &[&str] = &["system_chat", "player_chat", "profileless_chat"];

/// See the module.
pub const CASE: Case<GuestLab> = Case::new(
    "codec-is-whole",
    &["VB-JOIN-06"],
    "Joins and checks the registries inside JoinGame.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &GuestLab) -> Outcome {
    let player = lab.visit(lab.client(), VISIT).await?;
    let about_registries = |kind: &FaultKind| {
        matches!(
            kind,
            FaultKind::Registry(_) | FaultKind::UnknownDimension { .. }
        )
    };
    let unknown_type = |kind: &FaultKind| matches!(kind, FaultKind::UnknownChatType { .. });
    if let Some((at, fault)) = player
        .fault_in(CHAT)
        .filter(|(_, fault)| unknown_type(&fault.kind))
    {
        let expected = "chat of a type that the codec holds";
        return Err(player.broken_at("VB-JOIN-06", expected, fault.to_string(), at, &fault.site));
    }
    if let Some((at, fault)) = player
        .fault_in(&["login"])
        .filter(|(_, fault)| about_registries(&fault.kind))
    {
        let expected = "a codec with every registry of the protocol, and in it the dimension that JoinGame names";
        return Err(player.broken_at("VB-JOIN-06", expected, fault.to_string(), at, &fault.site));
    }
    match player.came("login") {
        Some(_) => Ok(()),
        None => Err(player.untestable(no_join_game(&player))),
    }
}
