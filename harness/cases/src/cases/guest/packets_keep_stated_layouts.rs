//! A layout that one source only states is right as a rule.

use sim_proto::RemarkKind;
use vb_data::State;

use super::visit::visit;
use crate::case::Case;
use crate::lab::guest::GuestLab;
use crate::verdict::Outcome;

/// See the module.
pub const CASE: Case<GuestLab> = Case::new(
    "packets-keep-stated-layouts",
    &["VB-RAW-13"],
    "Joins, talks, asks to leave, and reads the packets of whose layouts one source only knows.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &GuestLab) -> Outcome {
    let player = visit(lab).await?;
    let stated = player.remarks().find(|(_, remark)| {
        remark.site.state == State::Play && matches!(remark.kind, RemarkKind::Stated(_))
    });
    let Some((at, remark)) = stated else {
        return Ok(());
    };
    let expected = "packets in the layouts that minecraft-data states";
    Err(player.broken_at("VB-RAW-13", expected, remark.to_string(), at, &remark.site))
}
