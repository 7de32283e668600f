//! The client stands nowhere until a position-and-look has come.

use std::time::Duration;

use sim_proto::RemarkKind;

use super::text::VISIT;
use crate::case::Case;
use crate::lab::guest::GuestLab;
use crate::lab::player::secs;
use crate::verdict::Outcome;

const CLAUSE: &str = "VB-JOIN-08";

const EXPECTED: &str = "a position-and-look within 10 s of the session's start, finite, x and z within 30,000,000 and y \
    within 20,000,000 blocks of 0, the pitch within 90 degrees";

/// From the clause.
const LIMIT: Duration = Duration::from_secs(10);

/// See the module.
pub const CASE: Case<GuestLab> = Case::new(
    "position-follows",
    &["VB-JOIN-08"],
    "Joins, waits ten seconds for a position-and-look and checks its numbers.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &GuestLab) -> Outcome {
    let player = lab.visit(lab.client(), VISIT).await?;
    let wrong = player.remarks().find(|(_, remark)| {
        matches!(
            remark.kind,
            RemarkKind::PositionNotFinite | RemarkKind::PositionOutsideWorld | RemarkKind::Pitch(_)
        )
    });
    if let Some((at, remark)) = wrong {
        return Err(player.broken_at(CLAUSE, EXPECTED, remark.to_string(), at, &remark.site));
    }
    if let Some((at, fault)) = player.fault_in(&["position"]) {
        return Err(player.broken_at(CLAUSE, EXPECTED, fault.to_string(), at, &fault.site));
    }
    if player.named("login").next().is_none() || player.fault().is_some() {
        return Err(player.untestable(player.stands()));
    }
    let started = player.session_start();
    match player.named("position").next() {
        Some((at, _)) if at.saturating_sub(started) <= lab.within(LIMIT) => Ok(()),
        Some((at, _)) => {
            let got = format!("the first came after {}", secs(at.saturating_sub(started)));
            Err(player.finding(CLAUSE, EXPECTED, got).at(at).into())
        }
        None => Err(player.broken(
            CLAUSE,
            EXPECTED,
            format!("none came within {}: {}", secs(LIMIT), player.stands()),
        )),
    }
}
