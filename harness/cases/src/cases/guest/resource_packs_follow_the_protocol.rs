//! A client reads what it is offered before it asks its player, and leaves on what it cannot read.

use super::visit::{survives, visit};
use crate::case::Case;
use crate::lab::guest::GuestLab;
use crate::verdict::Outcome;

const CLAUSE: &str = "VB-RAW-11";

const OFFERS: [&str; 3] = [
    "resource_pack_send",
    "add_resource_pack",
    "remove_resource_pack",
];

/// See the module.
pub const CASE: Case<GuestLab> = Case::new(
    "resource-packs-follow-the-protocol",
    &["VB-RAW-11"],
    "Joins, talks, asks to leave, and declines each resource pack that the guest offers.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &GuestLab) -> Outcome {
    let player = visit(lab).await?;
    let expected =
        "resource packs in the layout of the protocol, with a hash of at most 40 characters";
    survives(&player, CLAUSE, expected, &OFFERS)?;
    let offered = player
        .play()
        .any(|(_, packet)| OFFERS.contains(&packet.name));
    if offered {
        lab.no_trap(&player, CLAUSE, "when the client declines a resource pack")?;
    }
    Ok(())
}
