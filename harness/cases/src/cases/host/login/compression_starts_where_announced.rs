//! The format of a frame cannot be seen from the frame: both sides must change it at the same packet.

use std::time::Duration;

use sim_proto::Packet;
use vb_contract::HostConfig;
use vb_data::State;

use super::line::{Heard, Line};
use crate::case::Case;
use crate::cases::host::asking::{COMMAND, carrier};
use crate::cases::host::bridge::probing::fnv;
use crate::lab::door::{Need, Plan};
use crate::lab::host::{HostLab, PROBE_NAME, with_config};
use crate::verdict::Outcome;

const CLAUSE: &str = "VB-LOG-05";

/// Everything compressed; a threshold that login success is over; vanilla's; one that nothing reaches but the largest;
/// and no compression.
const THRESHOLDS: [i32; 5] = [0, 16, 256, 5000, -1];

const PATIENCE: Duration = Duration::from_secs(10);

const SOON: Duration = Duration::from_secs(1);

/// See the module.
pub const CASE: Case = Case::host(
    "compression-starts-where-announced",
    &[CLAUSE],
    "Logs in under several thresholds and sends packets of each threshold's size, one byte less and one more.",
    |lab| Box::pin(run(lab)),
)
.needing(&[Need::Compression]);

async fn run(lab: &HostLab) -> Outcome {
    let carrier = carrier(lab.protocol)?;
    for threshold in THRESHOLDS {
        at_threshold(lab, threshold, carrier).await?;
    }
    Ok(())
}

async fn at_threshold(lab: &HostLab, threshold: i32, carrier: i32) -> Outcome {
    let config = HostConfig {
        compression_threshold: threshold,
        ..HostConfig::default()
    };
    let plan = Plan::new(config).guest(PROBE_NAME, lab.probe(), with_config(&[]));
    let host = lab.start(plan).await?;
    let mut line = Line::with_login(lab, &host, "packer").await;
    announced(&mut line, threshold).await?;
    if line.awaits() != State::Play {
        let heard = line
            .hear_until(|said| said.name == "finish_configuration", PATIENCE)
            .await;
        expect_packet(&line, &heard, "the configuration phase in the new format")?;
        line.say("finish_configuration", &[]).await;
    }
    // Smaller than any threshold but 0, and then it has to be compressed like everything else.
    line.send(COMMAND, b"echo on").await;
    let edge = usize::try_from(threshold).unwrap_or(256);
    for size in [edge.saturating_sub(1), edge, edge + 1, edge + 4000] {
        echoed(lab, &mut line, carrier, size.max(1)).await?;
    }
    Ok(())
}

/// The announcement, if there has to be one, and the login success behind it.
async fn announced(line: &mut Line<'_>, threshold: i32) -> Outcome {
    if threshold >= 0 {
        let heard = line.hear(SOON).await;
        let right = |packet: &Packet| *packet == Packet::SetCompression(threshold);
        if !heard.packet().is_some_and(|said| right(&said.packet)) {
            let expected = format!("an announcement of the threshold {threshold}");
            return Err(line.broken(CLAUSE, expected, heard.text()));
        }
    }
    let mut heard = line.hear(SOON).await;
    expect_packet(line, &heard, "a login success in the format announced")?;
    if heard.packet().is_some_and(|said| said.name != "success") {
        let expected = "login success next, with no other announcement";
        return Err(line.broken(CLAUSE, expected, heard.text()));
    }
    if line.awaits() == State::Configuration {
        line.say("login_acknowledged", &[]).await;
        heard = line.hear(SOON).await;
        expect_packet(
            line,
            &heard,
            "a configuration phase in the format announced",
        )?;
    }
    Ok(())
}

/// One packet of `size` bytes, its id included, there and back.
async fn echoed(lab: &HostLab, line: &mut Line<'_>, id: i32, size: usize) -> Outcome {
    // Ids under 128, and these all are, take one byte.
    let data = lab.draw(|rng| rng.bytes(size.saturating_sub(1)));
    line.send(id, &data).await;
    let heard = line
        .hear_until(|said| said.state == State::Play, lab.within(SOON))
        .await;
    lab.settle().await;
    let expected = format!("a packet of {size} bytes there and back as it was");
    let handed = handed(id, &data);
    let log = lab.recorder.guest_log(PROBE_NAME);
    if !log.iter().any(|(_, line)| line.ends_with(&handed)) {
        let got = format!(
            "the handler was not handed it; the client heard {}",
            heard.text()
        );
        return Err(line.broken(CLAUSE, expected, got));
    }
    expect_packet(line, &heard, &expected)?;
    match heard.packet() {
        Some(said) if said.data == data => Ok(()),
        _ => Err(line.broken(
            CLAUSE,
            expected,
            format!("{} with other bytes", heard.text()),
        )),
    }
}

/// The end of the probe's line for a packet.
fn handed(id: i32, data: &[u8]) -> String {
    let bytes = [&id.to_le_bytes(), data].concat();
    format!("id={id:#x} len={} hash={:016x}", data.len(), fnv(&bytes))
}

/// A packet whose frame is compressed exactly when it has to be.
fn expect_packet(line: &Line<'_>, heard: &Heard, expected: &str) -> Outcome {
    match heard.packet() {
        Some(said) => match said.note {
            None => Ok(()),
            Some(note) => Err(line.broken(CLAUSE, expected, format!("an odd frame: {note:?}"))),
        },
        None => Err(line.broken(CLAUSE, expected, heard.text())),
    }
}
