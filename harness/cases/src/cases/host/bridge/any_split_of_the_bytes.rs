//! A stream has no packet borders, and the bug is always in the buffer that was just large enough.

use std::time::Duration;

use sim_proto::{ClientConfig, KeepAlivePolicy};
use vb_contract::HostConfig;
use vb_data::{Direction, State};

use super::probing::{carried, pass};
use crate::case::Case;
use crate::cases::host::asking::{ask, carrier};
use crate::lab::door::{Need, Plan};
use crate::lab::host::{HostLab, PROBE_NAME, STEP, with_config};
use crate::lab::player::{JOIN_LIMIT, Player};
use crate::verdict::Outcome;

const CLAUSE: &str = "VB-BRG-12";

/// The largest packet with its id that the protocol can express.
const LARGEST: usize = 2_097_151;

/// Compressed with what most hosts have; always, so that every packet is; and never.
const THRESHOLDS: [i32; 3] = [256, 0, -1];

/// The edges of a length's bytes, of the threshold and of buffers of 16 and of 64 KiB; with an id of one byte.
const SIZES: [usize; 15] = [
    0, 1, 125, 126, 127, 254, 255, 256, 16_382, 16_383, 16_384, 65_534, 65_535, 65_536, 65_537,
];

/// How long the largest packets may take where time is real.
const PATIENCE: Duration = Duration::from_secs(10);

/// Sizes that a network would not take a byte at a time.
const FEW: usize = 8;

/// See the module.
pub const CASE: Case<HostLab> = Case::new(
    "any-split-of-the-bytes",
    &["VB-BRG-12"],
    "Echoes packets of every critical size through the probe, with and without compression, in pieces of one byte and of many.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &HostLab) -> Outcome {
    let thresholds: &[i32] = match lab.offers(Need::Compression) {
        true => &THRESHOLDS,
        false => &[HostConfig::default().compression_threshold],
    };
    for &threshold in thresholds {
        if threshold >= 0 && !has_compression(lab) {
            continue;
        }
        echoed(lab, threshold, 1, &SIZES[..FEW]).await?;
        echoed(lab, threshold, 1500, &SIZES).await?;
    }
    // In the largest there is everything: the limit of a frame, and many pieces of it.
    let most = LARGEST - 1;
    let without = lab.uncompressed().compression_threshold;
    echoed(lab, without, 1 << 20, &[most]).await
}

fn has_compression(lab: &HostLab) -> bool {
    let table = vb_data::packets(lab.protocol, State::Login, Direction::Clientbound);
    table.is_some_and(|table| table.id("compress").is_some())
}

/// Bytes that compress, though not to nothing.
fn data(lab: &HostLab, size: usize) -> Vec<u8> {
    let noise = lab.draw(|rng| rng.bytes(97));
    noise.into_iter().cycle().take(size).collect()
}

async fn echoed(lab: &HostLab, threshold: i32, longest: usize, sizes: &[usize]) -> Outcome {
    let config = HostConfig {
        compression_threshold: threshold,
        ..HostConfig::default()
    };
    let probe = with_config(&[("join", "true"), ("packets", "quiet")]);
    let plan = Plan::new(config).guest(PROBE_NAME, lab.probe(), probe);
    let host = lab.start(plan).await?;
    let client = ClientConfig {
        send_movement: false,
        // What it says by itself would come back among the rest.
        unasked_keep_alive: false,
        keep_alive: KeepAlivePolicy::Never,
        ..lab.client()
    };
    let mut player = lab
        .joined(lab.connect_in_pieces(&host, client, longest))
        .await?;
    let way = format!(
        "pieces of at most {longest} bytes and {}",
        match threshold {
            ..0 => "no compression".to_owned(),
            _ => format!("compression from {threshold} bytes on"),
        }
    );
    if !player.until_in_world(lab.within(JOIN_LIMIT)).await {
        let expected = format!("a client in world, with {way}");
        return Err(player.broken(CLAUSE, expected, player.stands()));
    }
    ask(lab, &mut player, "echo on").await?;
    let id = carrier(lab.protocol)?;
    let sent: Vec<Vec<u8>> = sizes.iter().map(|size| data(lab, *size)).collect();
    for data in &sent {
        if !player.send_raw(id, data) {
            return Err(player.broken(CLAUSE, "a client that can send", player.stands()));
        }
    }
    match lab.is_virtual() {
        true => pass(&mut [&mut player], STEP).await,
        false => drop(carried(lab, &mut player, sent.len(), PATIENCE, |_| true).await?),
    }
    let expected = format!("packets of {sizes:?} bytes to come back as they went, with {way}");
    compare(lab, &player, &sent, &expected)
}

fn compare(lab: &HostLab, player: &Player, sent: &[Vec<u8>], expected: &str) -> Outcome {
    let table = vb_data::packets(lab.protocol, State::Play, Direction::Clientbound);
    let name = table
        .and_then(|table| table.name(carrier(lab.protocol).ok()?))
        .unwrap_or_default();
    let came: Vec<&[u8]> = player
        .named(name)
        .map(|(_, packet)| &*packet.data)
        .collect();
    if came.iter().copied().eq(sent.iter().map(Vec::as_slice)) {
        return Ok(());
    }
    let same = came
        .iter()
        .zip(sent)
        .take_while(|(came, sent)| *came == sent)
        .count();
    let size =
        |data: Option<usize>| data.map_or("nothing".to_owned(), |size| format!("{size} bytes"));
    let got = format!(
        "{} of {} came; number {same} has {} instead of {}; {}",
        came.len(),
        sent.len(),
        size(came.get(same).map(|data| data.len())),
        size(sent.get(same).map(Vec::len)),
        player.stands()
    );
    Err(player.broken(CLAUSE, expected, got))
}
