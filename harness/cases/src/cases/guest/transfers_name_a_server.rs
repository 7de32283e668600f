//! A client that is transferred is gone; where to, the packet must say.

use sim_proto::CloseReason;

use super::visit::{survives, visit};
use crate::case::Case;
use crate::lab::guest::GuestLab;
use crate::verdict::Outcome;

const CLAUSE: &str = "VB-RAW-09";

const EXPECTED: &str = "transfers to a host, at a port from 1 to 65,535";

/// See the module.
pub const CASE: Case<GuestLab> = Case::new(
    "transfers-name-a-server",
    &["VB-RAW-09"],
    "Joins, talks, asks to leave, and looks at where the guest sends its player.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &GuestLab) -> Outcome {
    let player = visit(lab).await?;
    survives(&player, CLAUSE, EXPECTED, &["transfer"])?;
    let Some((at, CloseReason::Transferred { host, port })) = player.closed() else {
        return Ok(());
    };
    if !host.trim().is_empty() && u16::try_from(*port).is_ok_and(|port| port > 0) {
        return Ok(());
    }
    let got = format!("a transfer to the host {host:?}, port {port}");
    Err(player.finding(CLAUSE, EXPECTED, got).at(at).into())
}
