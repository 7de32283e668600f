//! A guest can only speak the protocol when it is handed the client's own bytes.

use std::time::Duration;

use vb_data::{Direction, State};

use super::lines::{self, Line, quiet};
use crate::case::Case;
use crate::cases::host::bridge::probing::id_of;
use crate::lab::door::Need;
use crate::lab::host::HostLab;
use crate::lab::player::Player;
use crate::verdict::Outcome;

const CLAUSE: &str = "VB-DSP-04";

const EXPECTED: &str = "every serverbound packet byte for byte, in order and once";

type Packet = (i32, Vec<u8>);

/// An id that no protocol has, so that no host can have a reason to look inside.
const UNKNOWN: i32 = 0x7000;

/// The edges of a varint's bytes, of the compression threshold and of usual buffers.
const SIZES: [usize; 14] = [
    0,
    1,
    127,
    128,
    253,
    254,
    255,
    256,
    257,
    4095,
    16_384,
    65_535,
    65_536,
    1 << 20,
];

/// 2,097,151 bytes with an id of three bytes: the largest packet that the protocol can express.
const LARGEST: usize = 2_097_151 - 3;

const PAUSE: Duration = Duration::from_millis(20);

/// How long the last of them may take.
const PATIENCE: Duration = Duration::from_secs(5);

fn packets(lab: &HostLab) -> Vec<Packet> {
    let table = vb_data::packets(lab.protocol, State::Play, Direction::Serverbound);
    // Out of place on purpose is another claim: this packet ends the session where nothing has asked for it.
    let ids = table
        .iter()
        .flat_map(|table| table.iter())
        .filter(|(_, name)| *name != "configuration_acknowledged");
    let every_id = ids.map(|(id, _)| (id, lab.draw(|rng| rng.bytes(21))));
    let every_size = SIZES
        .iter()
        .map(|size| (UNKNOWN, lab.draw(|rng| rng.bytes(*size))));
    // What does not shrink would not fit its frame at this size.
    every_id
        .chain(every_size)
        .chain([(0x7fff_ffff & UNKNOWN, vec![7; LARGEST])])
        .collect()
}

/// Some alone, most together.
async fn send_all(player: &mut Player, packets: &[Packet]) -> Outcome {
    for (index, (id, data)) in packets.iter().enumerate() {
        if !player.send_raw(*id, data) {
            return Err(player.broken(
                CLAUSE,
                EXPECTED,
                format!("after {index} packets {}", player.stands()),
            ));
        }
        if index % 16 == 0 || data.len() > 1 << 16 {
            player.live(PAUSE).await;
        }
    }
    player.live(PAUSE * 10).await;
    match player.closed() {
        None => Ok(()),
        Some(_) => Err(player.broken(CLAUSE, EXPECTED, player.stands())),
    }
}

/// See the module.
pub const CASE: Case<HostLab> = Case::new(
    "serverbound-packets-arrive-as-sent",
    &["VB-DSP-04"],
    "Sends packets of every id and of sizes from 0 to the frame limit, alone and together, to a native handler and a guest.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &HostLab) -> Outcome {
    let packets = packets(lab);
    let sent: Vec<String> = packets
        .iter()
        .map(|(id, data)| lines::packet(*id, data))
        .collect();
    if lab.offers(Need::NativePlugins) {
        natively(lab, &packets, &sent).await?;
    }
    let host = lab.host_of_probe(&[]).await?;
    let mut player = lab.join_as(&host, quiet(lab)).await?;
    player.live(PAUSE).await;
    lab.settle().await;
    let (mark, id) = (lab.recorder.mark(), id_of(&player)?);
    send_all(&mut player, &packets).await?;
    let all =
        |lines: &[Line]| lines.iter().filter(|line| line.packet().is_some()).count() >= sent.len();
    lines::until(lab, &mut [&mut player], mark, PATIENCE, all).await;
    // What comes twice comes late.
    lab.settle().await;
    let calls = lines::calls_of(lab, mark, id);
    let arrived: Vec<String> = calls.iter().filter_map(Line::packet).collect();
    lines::must_be_as_sent(
        &player,
        CLAUSE,
        format!("{EXPECTED}, in a guest"),
        &arrived,
        &sent,
    )
}

async fn natively(lab: &HostLab, packets: &[Packet], sent: &[String]) -> Outcome {
    let host = lab.host_of("gate", lab.native("gate")).await?;
    let mut player = lab.join_as(&host, quiet(lab)).await?;
    player.live(PAUSE).await;
    let skip = lab.notebook.packets("gate").len();
    send_all(&mut player, packets).await?;
    let handed = lab.notebook.packets("gate").into_iter().skip(skip);
    let arrived: Vec<String> = handed
        .map(|packet| lines::packet(packet.packet_id, &packet.data))
        .collect();
    lines::must_be_as_sent(&player, CLAUSE, EXPECTED, &arrived, sent)
}
