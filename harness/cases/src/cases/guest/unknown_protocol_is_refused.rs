//! A guest that does not know a protocol must say so, not write packets in the layout of another.

use super::text::VISIT;
use crate::case::Case;
use crate::lab::door::Need;
use crate::lab::guest::GuestLab;
use crate::verdict::Outcome;

/// No release has it, and none will for long: releases are counted one by one, and snapshots have bit 30 set.
const UNKNOWN: i32 = 1_000_000;

/// See the module.
pub const CASE: Case<GuestLab> = Case::new(
    "unknown-protocol-is-refused",
    &["VB-JOIN-15"],
    "Has the host tell the guest of a client whose protocol no release has; the client itself speaks the one judged.",
    |lab| Box::pin(run(lab)),
)
.on_the_newest()
.needing(&[Need::Profiles]);

async fn run(lab: &GuestLab) -> Outcome {
    let mut usual = lab.join().await?;
    usual.leave().await;
    let host = lab.host_that(|plan| plan.told_protocol(UNKNOWN)).await?;
    let mut player = lab.connect_to(&host, lab.client());
    player.live(VISIT).await;
    let expected = format!(
        "a refusal with at least one readable character of protocol {UNKNOWN}, which nobody supports"
    );
    if let Some(at) = player.came("login") {
        let got = format!("JoinGame; {}", player.stands());
        return Err(player.finding("VB-JOIN-15", expected, got).at(at).into());
    }
    match player.kicked() {
        Some((_, _, reason)) if reason.chars().any(char::is_alphanumeric) => Ok(()),
        _ => Err(player.broken("VB-JOIN-15", expected, player.stands())),
    }
}
