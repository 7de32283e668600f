//! A chunk that does not decode whole ends the connection or leaves a hole.

use sim_proto::{Fault, FaultKind, RemarkKind};

use super::text::VISIT;
use crate::case::Case;
use crate::lab::guest::GuestLab;
use crate::verdict::{Outcome, Stop};

const CLAUSE: &str = "VB-JOIN-10";

const EXPECTED: &str = "chunks that decode whole: sections for the whole height or the bit mask, palettes, indices, biome \
    ids and light in range, no byte left over behind the packet's last field";

const CHUNKS: &[&str] = &["map_chunk", "map_chunk_bulk", "update_light"];

/// See the module.
pub const CASE: Case<GuestLab> = Case::new(
    "chunks-decode-whole",
    &["VB-JOIN-10"],
    "Joins and decodes every chunk to its last byte; bytes behind the last section are not held against the guest.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &GuestLab) -> Outcome {
    let player = lab.visit(lab.client(), VISIT).await?;
    let too_early = |fault: &Fault| fault.kind == FaultKind::NoWorld;
    if let Some((at, fault)) = player
        .fault_in(CHUNKS)
        .filter(|(_, fault)| !too_early(fault))
    {
        return Err(player.broken_at(CLAUSE, EXPECTED, fault.to_string(), at, &fault.site));
    }
    let wrong = player.remarks().find(|(_, remark)| {
        matches!(
            remark.kind,
            RemarkKind::ChunkShort { .. }
                | RemarkKind::SectionArray { .. }
                | RemarkKind::UnknownBiome { .. }
                | RemarkKind::LightArraysLeftOver { .. }
        )
    });
    if let Some((at, remark)) = wrong {
        return Err(player.broken_at(CLAUSE, EXPECTED, remark.to_string(), at, &remark.site));
    }
    if let Some((_, fault)) = player.fault() {
        return Err(player.untestable(fault.to_string()));
    }
    match player
        .play()
        .find(|(_, packet)| CHUNKS.contains(&packet.name))
    {
        Some(_) => Ok(()),
        None => Err(Stop::Skip("the guest sends no chunk".to_owned())),
    }
}
