//! What a send has accepted must reach the player, before whatever follows it.

use std::time::Duration;

use vb_data::{Direction, State};

use crate::case::Case;
use crate::cases::host::asking::{ask, carrier};
use crate::lab::host::HostLab;
use crate::lab::player::JOIN_LIMIT;
use crate::verdict::Outcome;

const CLAUSE: &str = "VB-DSP-05";

const EXPECTED: &str =
    "every packet that a send accepted, byte for byte and in order, and then the disconnect";

/// The edges of a varint's bytes, of the compression threshold and of usual buffers.
const SIZES: [usize; 12] = [
    0, 1, 126, 127, 128, 254, 255, 256, 257, 16_384, 65_536, 300_000,
];

const BATCH: usize = 50;

const FLOOD: usize = 500;

/// Near the frame limit; zeros shrink.
const LARGE: usize = 2_097_000;

const WATCH: Duration = Duration::from_secs(5);

fn hex(data: &[u8]) -> String {
    data.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// See the module.
pub const CASE: Case<HostLab> = Case::new(
    "clientbound-packets-arrive-as-sent",
    &["VB-DSP-05"],
    "Has the probe send packets of many sizes, alone and in batches, and a disconnect right behind them.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &HostLab) -> Outcome {
    let host = lab
        .host_of_probe(&[("join", "true"), ("packets", "quiet")])
        .await?;
    let mut player = lab.join(&host).await?;
    if !player.until_in_world(lab.within(JOIN_LIMIT)).await {
        return Err(player.untestable(player.stands()));
    }
    let id = carrier(lab.protocol)?;
    let mut sent: Vec<Vec<u8>> = Vec::new();
    for size in SIZES {
        let data = lab.draw(|rng| rng.bytes(size));
        let answer = ask(lab, &mut player, &format!("send {id} {}", hex(&data))).await?;
        if answer != "ok" {
            return Err(player.broken(
                CLAUSE,
                EXPECTED,
                format!("a packet of {size} bytes was answered {answer}"),
            ));
        }
        sent.push(data);
    }
    let batch: Vec<Vec<u8>> = (0..BATCH).map(|_| lab.draw(|rng| rng.bytes(40))).collect();
    let words: Vec<String> = batch
        .iter()
        .map(|data| format!("{id}:{}", hex(data)))
        .collect();
    ask(lab, &mut player, &format!("batch {}", words.join(" "))).await?;
    sent.extend(batch);
    ask(lab, &mut player, &format!("fill {id} {LARGE}")).await?;
    sent.push(vec![0; LARGE]);
    // Right behind each other, so that the disconnect could overtake.
    ask(lab, &mut player, &format!("flood {FLOOD} {id} 16")).await?;
    sent.extend((0..FLOOD).map(|_| vec![0; 16]));
    player.send_raw(0x7777, format!("flood {FLOOD} {id} 17").as_bytes());
    player.send_raw(0x7777, b"disconnect plain the end");
    sent.extend((0..FLOOD).map(|_| vec![0; 17]));
    player.until_closed(lab.within(WATCH)).await;

    let table = vb_data::packets(lab.protocol, State::Play, Direction::Clientbound);
    let name = table.and_then(|table| table.name(id)).unwrap_or_default();
    let arrived: Vec<Vec<u8>> = player
        .named(name)
        .map(|(_, packet)| packet.data.to_vec())
        .collect();
    if arrived != sent {
        let at = arrived
            .iter()
            .zip(&sent)
            .take_while(|(arrived, sent)| arrived == sent)
            .count();
        let got = format!(
            "{} packets arrived of {}; number {at} is the first that differs",
            arrived.len(),
            sent.len()
        );
        return Err(player.broken(CLAUSE, EXPECTED, got));
    }
    match player.kicked() {
        Some((_, _, reason)) if reason == "the end" => Ok(()),
        _ => Err(player.broken(
            CLAUSE,
            EXPECTED,
            format!("after all packets {}", player.stands()),
        )),
    }
}
