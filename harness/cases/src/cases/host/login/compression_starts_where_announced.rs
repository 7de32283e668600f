//! The format of a frame cannot be seen from the frame: both sides must change it at the same packet.

use std::time::Duration;

use sim_proto::Packet;
use vb_contract::HostConfig;
use vb_data::State;

use super::line::{Heard, Line};
use crate::case::Case;
use crate::cases::host::asking::{COMMAND, carrier};
use crate::lab::door::{Need, Plan};
use crate::lab::host::{HostLab, PROBE_NAME, STEP, may_play};
use crate::verdict::{Outcome, Stop};

const CLAUSE: &str = "VB-LOG-05";

/// Everything compressed; a threshold that login success is over; about vanilla's; one that nothing reaches but the
/// largest; and no compression.
const THRESHOLDS: [i32; 5] = [0, 16, 255, 5000, -1];

const PATIENCE: Duration = Duration::from_secs(10);

const SOON: Duration = Duration::from_secs(1);

/// See the module.
pub const CASE: Case<HostLab> = Case::new(
    "compression-starts-where-announced",
    &[CLAUSE],
    "Logs in under the host's own threshold and several others, and sends packets of each threshold's size, one byte less \
     and one more.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &HostLab) -> Outcome {
    let carrier = carrier(lab.protocol)?;
    at_threshold(lab, None, carrier).await?;
    if lab.offers(Need::Compression) {
        for threshold in THRESHOLDS {
            at_threshold(lab, Some(threshold), carrier).await?;
        }
    }
    Ok(())
}

/// A host with this threshold, or with its own.
async fn at_threshold(lab: &HostLab, wanted: Option<i32>, carrier: i32) -> Outcome {
    let mut config = HostConfig::default();
    if let Some(threshold) = wanted {
        config.compression_threshold = threshold;
    }
    let plan = Plan::new(config).guest(PROBE_NAME, lab.probe(), may_play());
    let host = lab.start(plan).await?;
    let mut line = Line::with_login(lab, &host, "packer").await;
    let threshold = announced(lab, &mut line, wanted).await?;
    if line.awaits() != State::Play {
        let heard = line
            .hear_until(|said| said.name == "finish_configuration", PATIENCE)
            .await;
        expect_packet(&line, &heard, "the configuration phase in the new format")?;
        line.say("finish_configuration", &[]).await;
    }
    echoing(lab, &mut line).await?;
    let edge = usize::try_from(threshold).unwrap_or(256);
    for size in [edge.saturating_sub(1), edge, edge + 1, edge + 4000] {
        echoed(lab, &mut line, carrier, size.max(1)).await?;
    }
    Ok(())
}

/// The announcement, if there has to be one, and the login success behind it. The threshold then, negative for none.
async fn announced(lab: &HostLab, line: &mut Line<'_>, wanted: Option<i32>) -> Result<i32, Stop> {
    let soon = lab.within(SOON);
    let mut heard = line.hear(soon).await;
    let threshold = match heard.packet().map(|said| &said.packet) {
        Some(Packet::SetCompression(threshold)) => {
            let threshold = *threshold;
            if wanted.is_some_and(|wanted| wanted.max(-1) != threshold) {
                let expected = format!("the threshold {}", wanted.unwrap_or(threshold));
                return Err(line.broken(CLAUSE, expected, format!("the threshold {threshold}")));
            }
            heard = line.hear(soon).await;
            threshold
        }
        _ if wanted.is_none_or(|wanted| wanted < 0) => -1,
        _ => {
            let expected = "an announcement of the threshold";
            return Err(line.broken(CLAUSE, expected, heard.text()));
        }
    };
    expect_packet(line, &heard, "a login success in the format announced")?;
    if heard.packet().is_some_and(|said| said.name != "success") {
        let expected = "login success next, with no other announcement";
        return Err(line.broken(CLAUSE, expected, heard.text()));
    }
    if line.awaits() == State::Configuration {
        line.say("login_acknowledged", &[]).await;
        heard = line.hear(soon).await;
        expect_packet(
            line,
            &heard,
            "a configuration phase in the format announced",
        )?;
        if let Heard::Packet(said) = &heard {
            line.answer(said).await;
        }
    }
    Ok(threshold)
}

/// Has the probe send back what comes.
async fn echoing(lab: &HostLab, line: &mut Line<'_>) -> Outcome {
    let before = lab.recorder.guest_log(PROBE_NAME).len();
    line.send(COMMAND, b"echo on").await;
    let deadline = lab.now() + PATIENCE;
    loop {
        let lines = lab.recorder.guest_log(PROBE_NAME);
        let mut new = lines.iter().skip(before);
        if new.any(|(_, line)| line.starts_with("result echo ok")) {
            return Ok(());
        }
        if lab.now() > deadline {
            let expected = "a command that the probe can read";
            return Err(line.broken(CLAUSE, expected, "the handler was not handed it"));
        }
        lab.wait(STEP).await;
    }
}

/// One packet of `size` bytes, its id included, there and back.
async fn echoed(lab: &HostLab, line: &mut Line<'_>, id: i32, size: usize) -> Outcome {
    // Ids under 128, and these all are, take one byte.
    let data = lab.draw(|rng| rng.bytes(size.saturating_sub(1)));
    line.send(id, &data).await;
    let heard = line
        .hear_until(|said| said.state == State::Play, lab.within(SOON))
        .await;
    let expected = format!("a packet of {size} bytes there and back as it was");
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
