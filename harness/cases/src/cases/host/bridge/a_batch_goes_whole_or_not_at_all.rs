//! A guest that does not know how much of a batch has left cannot repair it.

use std::time::Duration;

use vb_data::{Direction, State};

use super::probing::{carried, in_world, pass};
use crate::case::Case;
use crate::cases::host::asking::{ask, carrier};
use crate::lab::door::{Need, Plan};
use crate::lab::host::{HostLab, PROBE_NAME, STEP, with_config};
use crate::lab::player::Player;
use crate::verdict::{Outcome, Stop};

const CLAUSE: &str = "VB-BRG-11";

/// Packets of each batch.
const BATCH: usize = 6;

/// Of the queue that has too little room. The first packet in it is longer than all buffers on the way hold, so that
/// none of them leaves it while the client does not read.
const ROOM: usize = 8;
const LONG: usize = 300_000;

const WATCH: Duration = Duration::from_secs(1);

/// See the module.
pub const CASE: Case<HostLab> = Case::new(
    "a-batch-goes-whole-or-not-at-all",
    &["VB-BRG-11"],
    "Sends batches with an invalid packet at each place, and into a queue with too little room.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &HostLab) -> Outcome {
    let config = lab.uncompressed();
    let mut probe = with_config(&[("join", "true")]);
    let plan = Plan::new(config.clone()).guest(PROBE_NAME, lab.probe(), probe.clone());
    let host = lab.start(plan).await?;
    let mut player = in_world(lab, &host).await?;
    invalid(lab, &mut player).await?;
    player.leave().await;
    if !lab.offers(Need::HostEvents) {
        // How much of a queue is free shows from inside only: sockets hold some of it themselves.
        return Ok(());
    }
    probe.config.clear();
    probe.limits.queue_packets = ROOM as u64;
    let plan = Plan::new(config).guest(PROBE_NAME, lab.probe(), probe);
    let host = lab.start(plan).await?;
    let mut player = lab.join(&host).await?;
    no_room(lab, &mut player).await
}

/// A batch in the probe's words: each packet holds its place, and those of `wrong` are invalid.
fn batch(id: i32, wrong: &[usize], invalid: i32) -> String {
    let packet = |place: usize| {
        let id = if wrong.contains(&place) { invalid } else { id };
        format!("{id}:{place:02x}")
    };
    let packets: Vec<String> = (0..BATCH).map(packet).collect();
    format!("batch {}", packets.join(" "))
}

/// The places that arrived, in order.
fn arrived(lab: &HostLab, player: &Player) -> Result<Vec<u8>, Stop> {
    let table = vb_data::packets(lab.protocol, State::Play, Direction::Clientbound);
    let id = carrier(lab.protocol)?;
    let name = table.and_then(|table| table.name(id)).unwrap_or_default();
    let one = |data: &[u8]| match data {
        [place] => Some(*place),
        _ => None,
    };
    Ok(player
        .named(name)
        .filter_map(|(_, packet)| one(&packet.data))
        .collect())
}

fn whole() -> Vec<u8> {
    (0_u8..).take(BATCH).collect()
}

async fn invalid(lab: &HostLab, player: &mut Player) -> Outcome {
    let id = carrier(lab.protocol)?;
    let table = vb_data::packets(lab.protocol, State::Play, Direction::Clientbound);
    let reserved = ["set_compression", "start_configuration"]
        .iter()
        .filter_map(|name| table?.id(name));
    let mut cases: Vec<(i32, Vec<usize>)> = (0..BATCH).map(|place| (-1, vec![place])).collect();
    cases.push((-1, vec![2, 4]));
    cases.extend(reserved.map(|id| (id, vec![3])));
    for (invalid, wrong) in cases {
        let first = wrong.first().copied().unwrap_or_default();
        let answer = ask(lab, player, &batch(id, &wrong, invalid)).await?;
        let came = arrived(lab, player)?;
        if !answer.starts_with(&format!("err invalid-packet index={first} ")) || !came.is_empty() {
            let expected = format!(
                "`invalid-packet` with the index {first} and nothing sent, when the id at {wrong:?} of {BATCH} is {invalid}"
            );
            let got = format!("{answer}; {} packets of it arrived", came.len());
            return Err(player.broken(CLAUSE, expected, got));
        }
    }
    let answer = ask(lab, player, &batch(id, &[], 0)).await?;
    carried(lab, player, BATCH, lab.within(STEP), |data| data.len() == 1).await?;
    let came = arrived(lab, player)?;
    if answer != "ok" || came != whole() {
        return Err(player.broken(
            CLAUSE,
            format!("a valid batch to arrive in order: {:?}", whole()),
            format!("{answer}; {came:?} arrived"),
        ));
    }
    let answer = ask(lab, player, "batch").await?;
    if answer == "ok" && player.closed().is_none() {
        return Ok(());
    }
    Err(player.broken(CLAUSE, "an empty batch to change nothing", answer))
}

async fn no_room(lab: &HostLab, player: &mut Player) -> Outcome {
    // Nothing looks at what such a client is sent, whatever it is.
    let id = carrier(lab.protocol)?;
    player.stop_reading();
    for command in [
        format!("fill {id} {LONG}"),
        format!("flood {} {id} 2", ROOM - BATCH + 1),
    ] {
        let answer = ask(lab, player, &command).await?;
        if !answer.starts_with("ok") {
            return Err(player.untestable(format!("`{command}` answered {answer}")));
        }
    }
    let first = BATCH - 2;
    let answer = ask(lab, player, &batch(id, &[], 0)).await?;
    if !answer.starts_with(&format!("err send-failed index={first} ")) {
        return Err(player.broken(
            CLAUSE,
            format!("`send-failed` with the index {first}, where the queue has room for so many"),
            answer,
        ));
    }
    // With what is invalid told before what finds no room: it stays wrong.
    let answer = ask(lab, player, &batch(id, &[BATCH - 1], -1)).await?;
    if !answer.starts_with("err ") {
        return Err(player.broken(CLAUSE, "an error for an invalid batch", answer));
    }
    player.resume();
    pass(&mut [player], WATCH).await;
    let queued = lab.recorder.all(|seen| match &seen.event {
        vb_contract::HostEvent::PacketOut { packet, .. }
            if packet.packet_id == id && packet.data.len() == 1 =>
        {
            Some(packet.data.to_vec())
        }
        _ => None,
    });
    // Those of the host before this one.
    if queued.len() == BATCH {
        return Ok(());
    }
    Err(player.broken(
        CLAUSE,
        "nothing queued of a batch that finds no room",
        format!("{} packets of it were", queued.len() - BATCH),
    ))
}
