//! A guest can only speak the protocol when it is handed the client's own bytes.

use std::time::Duration;

use sim_proto::ClientConfig;
use vb_data::{Direction, State};

use crate::case::Case;
use crate::lab::door::Need;
use crate::lab::host::{HostLab, PROBE_NAME};
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

/// A client that says nothing by itself.
fn quiet(lab: &HostLab) -> ClientConfig {
    ClientConfig {
        send_movement: false,
        unasked_keep_alive: false,
        ..lab.client()
    }
}

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

/// A packet in the probe's words: id, length, and FNV-1a over both id and data.
fn line((id, data): &Packet) -> String {
    let hash = id
        .to_le_bytes()
        .iter()
        .chain(data)
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
    format!("id=0x{id:x} len={} hash={hash:016x}", data.len())
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

fn compare(player: &Player, whom: &str, arrived: &[String], sent: &[String]) -> Outcome {
    if arrived == sent {
        return Ok(());
    }
    let nothing = "nothing".to_owned();
    let at = arrived
        .iter()
        .zip(sent)
        .take_while(|(arrived, sent)| arrived == sent)
        .count();
    let got = format!(
        "{whom} was handed {} packets of {}; number {at} is {} instead of {}",
        arrived.len(),
        sent.len(),
        arrived.get(at).unwrap_or(&nothing),
        sent.get(at).unwrap_or(&nothing)
    );
    Err(player.broken(CLAUSE, EXPECTED, got))
}

/// See the module.
pub const CASE: Case = Case::host(
    "serverbound-packets-arrive-as-sent",
    &["VB-DSP-04"],
    "Sends packets of every id and of sizes from 0 to the frame limit, alone and together, to a native handler and a guest.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &HostLab) -> Outcome {
    let packets = packets(lab);
    if lab.offers(Need::NativePlugins) {
        natively(lab, &packets).await?;
    }
    by_a_guest(lab, &packets).await
}

async fn natively(lab: &HostLab, packets: &[Packet]) -> Outcome {
    let host = lab.host_of("gate", lab.native("gate")).await?;
    let mut player = lab.join_as(&host, quiet(lab)).await?;
    player.live(PAUSE).await;
    let skip = lab.notebook.packets("gate").len();
    send_all(&mut player, packets).await?;
    let arrived: Vec<Packet> = lab
        .notebook
        .packets("gate")
        .into_iter()
        .skip(skip)
        .map(|packet| (packet.packet_id, packet.data.to_vec()))
        .collect();
    let (arrived, sent): (Vec<String>, Vec<String>) = (
        arrived.iter().map(line).collect(),
        packets.iter().map(line).collect(),
    );
    compare(&player, "a native handler", &arrived, &sent)
}

async fn by_a_guest(lab: &HostLab, packets: &[Packet]) -> Outcome {
    let sent: Vec<String> = packets.iter().map(line).collect();
    let host = lab.host_of_probe(&[]).await?;
    let mut player = lab.join_as(&host, quiet(lab)).await?;
    player.live(PAUSE).await;
    // What the client says by itself has come by then.
    lab.settle().await;
    let skip = lab.recorder.guest_log(PROBE_NAME).len();
    send_all(&mut player, packets).await?;
    let deadline = lab.now() + lab.within(PAUSE);
    let mut arrived = handed(lab, skip);
    while arrived.len() < sent.len() && lab.now() < deadline {
        player.live(PAUSE).await;
        arrived = handed(lab, skip);
    }
    lab.settle().await;
    arrived = handed(lab, skip);
    compare(&player, "a guest", &arrived, &sent)
}

/// What the probe was handed, as it says, but for the first lines of its log.
fn handed(lab: &HostLab, skip: usize) -> Vec<String> {
    let log = lab.recorder.guest_log(PROBE_NAME).into_iter().skip(skip);
    let packets = log.filter(|(_, text)| text.starts_with("packet "));
    let words = packets.map(|(_, text)| match text.split_once("id=") {
        Some((_, rest)) => format!("id={rest}"),
        None => String::new(),
    });
    words.collect()
}
