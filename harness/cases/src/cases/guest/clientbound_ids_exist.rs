//! A client drops the connection on an id that it does not know.

use std::time::Duration;

use sim_proto::FaultKind;
use vb_contract::HostEvent;
use vb_data::{Direction, PacketTable, State};

use crate::case::Case;
use crate::lab::door::Need;
use crate::lab::guest::GuestLab;
use crate::verdict::Outcome;

/// Long enough for a keep-alive of a guest that sends them as it should.
const WATCH: Duration = Duration::from_secs(16);

/// See the module.
pub const CASE: Case<GuestLab> = Case::new(
    "clientbound-ids-exist",
    &["VB-RAW-07"],
    "Joins, talks, asks to leave, and looks each id up that the guest sends.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &GuestLab) -> Outcome {
    let mut player = lab.connect(lab.client());
    let mark = lab.recorder.mark();
    player.live(WATCH).await;
    player.chat("hello");
    player.live(WATCH).await;
    player.chat("/leave");
    player.live(WATCH).await;
    let table = vb_data::packets(lab.protocol, State::Play, Direction::Clientbound);
    let unknown = lab.recorder.since(mark, |seen| match &seen.event {
        HostEvent::PacketOut { packet, .. }
            if table
                .and_then(|table| table.name(packet.packet_id))
                .is_none() =>
        {
            Some((seen.at, packet.clone()))
        }
        _ => None,
    });
    // A host that does not tell may have let it through to the client.
    let met = player.fault().and_then(|(at, fault)| match fault.kind {
        FaultKind::UnknownPacket { id } if fault.site.state == State::Play => Some((at, id)),
        _ => None,
    });
    if let Some((at, id)) = met.filter(|_| !lab.offers(Need::HostEvents)) {
        let finding = player.finding("VB-RAW-07", known_ids(table), format!("id {id:#04x}"));
        return Err(finding.at(at).into());
    }
    if let Some((at, packet)) = unknown.first() {
        let got = format!(
            "id {:#04x} with {} bytes",
            packet.packet_id,
            packet.data.len()
        );
        let finding = player.finding("VB-RAW-07", known_ids(table), got).at(*at);
        return Err(finding.into());
    }
    if player.came("login").is_none() {
        return Err(lab.not_joined(&player, mark));
    }
    Ok(())
}

fn known_ids(table: Option<PacketTable>) -> String {
    format!(
        "ids from 0 to {:#04x}, which are the protocol's",
        table.map_or(0, |table| table.len()).saturating_sub(1)
    )
}
