//! Whatever a client cannot read ends its stay, a title as well as a chunk.

use sim_proto::FaultKind;
use sim_proto::wire::DecodeErrorKind;

use super::visit::{fault_in_play, visit, was_in_world};
use crate::case::Case;
use crate::lab::guest::GuestLab;
use crate::verdict::Outcome;

const CLAUSE: &str = "VB-RAW-08";

const EXPECTED: &str = "packets that the client reads to their last byte and survives";

/// Packets that other clauses judge.
const ELSEWHERE: &[&str] = &[
    "login",
    "position",
    "map_chunk",
    "map_chunk_bulk",
    "update_light",
    "keep_alive",
    "chat",
    "system_chat",
    "player_chat",
    "profileless_chat",
    "kick_disconnect",
    "transfer",
    "cookie_request",
    "store_cookie",
    "resource_pack_send",
    "add_resource_pack",
    "bundle_delimiter",
];

/// See the module.
pub const CASE: Case<GuestLab> = Case::new(
    "every-packet-decodes-whole",
    &["VB-RAW-08"],
    "Joins, talks, asks to leave, and reads every packet as a client does.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &GuestLab) -> Outcome {
    let player = visit(lab).await?;
    let Some((at, fault, name)) = fault_in_play(&player) else {
        return match player.fault() {
            // What comes before play is the host's, and silence has a clause of its own.
            Some((_, fault)) => Err(player.untestable(fault.to_string())),
            None => Ok(()),
        };
    };
    if ELSEWHERE.contains(&name) || is_judged_elsewhere(&fault.kind) {
        // Of what comes after it nothing is known. At the end of a visit that is nothing.
        return if was_in_world(&player, at) {
            Ok(())
        } else {
            Err(player.untestable(fault.to_string()))
        };
    }
    Err(player.broken_at(CLAUSE, EXPECTED, fault.to_string(), at, &fault.site))
}

/// Whether it has a clause of its own, whatever the packet.
fn is_judged_elsewhere(kind: &FaultKind) -> bool {
    matches!(
        kind,
        FaultKind::UnknownPacket { .. }
            | FaultKind::NoWorld
            | FaultKind::BundleTooLong { .. }
            | FaultKind::StateChangeInBundle
            | FaultKind::ReadTimeout { .. }
            | FaultKind::Decode(DecodeErrorKind::Text(_))
    )
}
