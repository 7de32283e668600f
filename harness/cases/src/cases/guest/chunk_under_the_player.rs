//! Below protocol 769 a client with no chunk under it does not tick its movement.

use sim_proto::{Packet, Verdict};

use super::text::VISIT;
use crate::case::Case;
use crate::lab::guest::GuestLab;
use crate::verdict::Outcome;

/// The chunk column of a block coordinate.
#[allow(
    clippy::cast_possible_truncation,
    reason = "a coordinate within the world's border fits"
)]
fn column(block: f64) -> i32 {
    (block / 16.0).floor() as i32
}

/// See the module.
pub const CASE: Case<GuestLab> = Case::new(
    "chunk-under-the-player",
    &["VB-JOIN-11"],
    "Joins and looks for the chunk of the column in which the player is put.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &GuestLab) -> Outcome {
    let player = lab.visit(lab.client(), VISIT).await?;
    if player.verdict() != Verdict::InWorld {
        return Err(player.untestable(player.stands()));
    }
    let position = player
        .named("position")
        .find_map(|(_, packet)| match &packet.packet {
            Packet::Position(position) => Some((column(position.x), column(position.z))),
            _ => None,
        });
    let Some((x, z)) = position else {
        return Err(player.untestable("no position-and-look came"));
    };
    let columns: Vec<(i32, i32)> = player
        .play()
        .flat_map(|(_, packet)| match &packet.packet {
            Packet::Chunk(chunk) => vec![(chunk.x, chunk.z)],
            Packet::ChunkBulk(chunks) => chunks.iter().map(|chunk| (chunk.x, chunk.z)).collect(),
            _ => Vec::new(),
        })
        .collect();
    if columns.contains(&(x, z)) {
        return Ok(());
    }
    let expected = format!("the chunk {x}, {z}, in which the player was put, within 10 s");
    Err(player.broken(
        "VB-JOIN-11",
        expected,
        format!("it did not come; these did: {columns:?}"),
    ))
}
