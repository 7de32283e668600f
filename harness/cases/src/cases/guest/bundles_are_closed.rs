//! A client keeps back what is in a bundle until it ends.

use std::time::Duration;

use sim_proto::FaultKind;
use vb_contract::HostEvent;
use vb_data::{Direction, State};

use super::visit::visit;
use crate::case::Case;
use crate::lab::door::Need;
use crate::lab::guest::GuestLab;
use crate::lab::player::secs;
use crate::verdict::Outcome;

const CLAUSE: &str = "VB-RAW-12";

/// From the clause.
const LIMIT: Duration = Duration::from_secs(5);

const EXPECTED: &str =
    "bundles that are closed within 5 s, of at most 4,096 packets, without a change of state";

/// See the module.
pub const CASE: Case<GuestLab> = Case::new(
    "bundles-are-closed",
    &["VB-RAW-12"],
    "Joins, talks, asks to leave, and looks at each bundle that the guest sends.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &GuestLab) -> Outcome {
    let player = visit(lab).await?;
    if let Some((at, fault)) = player.fault()
        && matches!(
            fault.kind,
            FaultKind::BundleTooLong { .. } | FaultKind::StateChangeInBundle
        )
    {
        return Err(player.broken_at(CLAUSE, EXPECTED, fault.to_string(), at, &fault.site));
    }
    let table = vb_data::packets(lab.protocol, State::Play, Direction::Clientbound);
    let Some(delimiter) = table.and_then(|table| table.id("bundle_delimiter")) else {
        return Ok(());
    };
    let delimiters = match lab.offers(Need::HostEvents) {
        true => lab.recorder.all(|seen| match &seen.event {
            HostEvent::PacketOut { packet, .. } if packet.packet_id == delimiter => Some(seen.at),
            _ => None,
        }),
        // The client has seen them too, if a little later.
        false => player.named("bundle_delimiter").map(|(at, _)| at).collect(),
    };
    // In pairs: what opens a bundle, and what closes it.
    let over = player.closed().map_or_else(|| player.now(), |(at, _)| at);
    for bundle in delimiters.chunks(2) {
        let (Some(opened), closed) = (bundle.first(), bundle.get(1)) else {
            continue;
        };
        let open = closed.unwrap_or(&over).saturating_sub(*opened);
        if open > lab.within(LIMIT) {
            let got = match closed {
                Some(_) => format!("one was open for {}", secs(open)),
                None => format!("one was never closed in the {} that followed", secs(open)),
            };
            return Err(player.finding(CLAUSE, EXPECTED, got).at(*opened).into());
        }
    }
    Ok(())
}
