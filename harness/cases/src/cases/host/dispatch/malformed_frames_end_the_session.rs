//! Behind a malformed frame nothing can be trusted, and nothing is worth waiting for.

use std::io::Write;
use std::time::Duration;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use vb_contract::{EndCause, HostEvent};

use super::lines::{self, Line, named};
use crate::case::Case;
use crate::cases::host::bridge::probing::id_of;
use crate::cases::host::bytes::Packet;
use crate::lab::door::{Host, Need};
use crate::lab::host::HostLab;
use crate::lab::player::{Player, secs};
use crate::verdict::{Finding, Outcome, Stop};

const CLAUSE: &str = "VB-DSP-13";

/// From the clause.
const LIMIT: Duration = Duration::from_secs(1);

/// For what happens at the limit itself.
const MOMENT: Duration = Duration::from_millis(50);

/// The largest size that a host has to take for a stated one; past it is one more.
const LARGEST: usize = 2_097_152;

/// What a bomb holds beyond what it states.
const BOMB: usize = 16 << 20;

/// An id that no protocol has.
const MARK: i32 = 0x7001;

/// A frame that is wrong, and what is wrong with it.
struct Wrong {
    what: &'static str,
    bytes: Vec<u8>,
}

/// See the module.
pub const CASE: Case<HostLab> = Case::new(
    "malformed-frames-end-the-session",
    &["VB-DSP-13"],
    "Slips frames into a session, and into a login, whose lengths or whose compressed data are wrong, and nothing \
     behind them.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &HostLab) -> Outcome {
    let mark = lab.recorder.mark();
    let host = lab.host_of_probe(&[]).await?;
    for wrong in lengths() {
        in_a_login(lab, &host, &wrong).await?;
        in_a_session(lab, &host, &wrong).await?;
    }
    let threshold = threshold(lab, &host).await?;
    if let Some(threshold) = threshold {
        for wrong in contents(threshold)? {
            in_a_session(lab, &host, &wrong).await?;
        }
    }
    nothing_is_handed_over(lab, mark).await?;
    if let Some(threshold) = threshold {
        bad_frames_have_good_neighbours(lab, &host, threshold).await?;
    }
    Ok(())
}

/// What is wrong is no packet.
async fn nothing_is_handed_over(lab: &HostLab, mark: usize) -> Outcome {
    lab.settle().await;
    let marked = format!("{MARK:#x}");
    let lines = lines::since(lab, mark);
    let made = |line: &&Line| line.word() == "packet" && line.value("id") == Some(&marked);
    let Some(line) = lines.iter().find(made) else {
        return Ok(());
    };
    let start =
        |start: &&Line| start.word() == "start" && start.value("player") == line.value("player");
    let whose = lines
        .iter()
        .find(start)
        .and_then(|start| start.value("name"));
    let expected = "no packet made of a malformed frame and handed over";
    let got = format!("one was, to {}: {}", whose.unwrap_or_default(), line.text);
    Err(Finding::new(CLAUSE, expected, got).into())
}

/// Wrong on every protocol, and seen before anything of the frame has come.
fn lengths() -> Vec<Wrong> {
    let wrong = |what, bytes: &[u8]| Wrong {
        what,
        bytes: bytes.to_vec(),
    };
    vec![
        wrong("a length of -1", &[0xff, 0xff, 0xff, 0xff, 0x0f]),
        wrong("a length of 2,097,152", &[0x80, 0x80, 0x80, 0x01]),
        wrong("a length of 1 in 4 bytes", &[0x81, 0x80, 0x80, 0x00]),
        wrong("a length that does not end", &[0x80; 10]),
    ]
}

/// Packets of this size and over the host wants compressed, as a client is told; none where it wants none.
async fn threshold(lab: &HostLab, host: &Host) -> Result<Option<usize>, Stop> {
    let (mut player, _) = join(lab, host).await?;
    player.leave().await;
    let told = lines::compression_of(&player);
    let threshold = told.and_then(|threshold| usize::try_from(threshold).ok());
    // What is below has to be a packet too.
    Ok(threshold.filter(|threshold| *threshold > 8))
}

/// Wrong where frames are compressed.
fn contents(threshold: usize) -> Result<Vec<Wrong>, Stop> {
    let frame = |stated: usize, data: &[u8]| {
        let stated = i32::try_from(stated).unwrap_or(i32::MAX);
        Packet::new(stated).bytes(data).framed()
    };
    let packed = |size: usize| zlib(&packet_of(size));
    let mut cut = packed(2 * threshold)?;
    cut.truncate(cut.len() / 2);
    let wrong = |what, bytes| Wrong { what, bytes };
    Ok(vec![
        wrong(
            "a stated length of -1",
            Packet::new(-1).bytes(&packed(threshold)?).framed(),
        ),
        wrong(
            "a stated length of one below the threshold",
            frame(threshold - 1, &packed(threshold - 1)?),
        ),
        wrong(
            "a stated length of one over the limit",
            frame(LARGEST + 1, &packed(LARGEST + 1)?),
        ),
        wrong("data that is no zlib", frame(2 * threshold, &[0x5a; 100])),
        wrong("data that is cut off", frame(2 * threshold, &cut)),
        wrong(
            "data that inflates to one byte less than stated",
            frame(2 * threshold + 1, &packed(2 * threshold)?),
        ),
        wrong(
            "data that inflates to one byte more than stated",
            frame(2 * threshold - 1, &packed(2 * threshold)?),
        ),
        wrong(
            "data that inflates to 16 MiB",
            frame(threshold, &packed(BOMB)?),
        ),
    ])
}

/// A packet of so many bytes with its id.
fn packet_of(size: usize) -> Vec<u8> {
    let mut packet = Packet::new(MARK).into_bytes();
    packet.resize(size, 0);
    packet
}

fn zlib(data: &[u8]) -> Result<Vec<u8>, Stop> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder
        .write_all(data)
        .and_then(|()| encoder.finish())
        .map_err(|error| Stop::Untestable(format!("nothing compresses: {error}"), Vec::new()))
}

/// Where the client is not known yet.
async fn in_a_login(lab: &HostLab, host: &Host, wrong: &Wrong) -> Outcome {
    let mark = lab.recorder.mark();
    // The client has not lived yet, and so has written nothing.
    let (mut player, tap) = lab.connect_tapped(host, lab.client());
    tap.slip_in(wrong.bytes.clone());
    let expected = format!(
        "the connection closed within {}, with the fault named in the host's log, when a login begins with {}",
        secs(LIMIT),
        wrong.what
    );
    if !lab.offers(Need::HostEvents) {
        // So that the bytes come first; whatever the client says then comes behind them.
        tokio::time::sleep(MOMENT).await;
        return must_close(lab, &mut player, expected).await;
    }
    tokio::time::sleep(LIMIT + MOMENT).await;
    let causes = lab.recorder.since(mark, |seen| match &seen.event {
        HostEvent::Closed { cause, .. } => Some(cause.clone()),
        _ => None,
    });
    match causes.last() {
        Some(EndCause::ClientFault(_)) if host.connection_count() == Some(0) => Ok(()),
        other => {
            let got = match other {
                _ if host.connection_count() > Some(0) => "it is still open".to_owned(),
                Some(cause) => format!("it ended because {cause}"),
                None => "no end was logged".to_owned(),
            };
            Err(player.broken(CLAUSE, expected, got))
        }
    }
}

async fn must_close(lab: &HostLab, player: &mut Player, expected: String) -> Outcome {
    if player.until_closed(lab.within(LIMIT)).await {
        return Ok(());
    }
    Err(player.broken(CLAUSE, expected, player.stands()))
}

async fn join(lab: &HostLab, host: &Host) -> Result<(Player, crate::lab::tap::Tap), Stop> {
    let (mut player, tap) = lab.connect_tapped(host, named(lab, "frames"));
    lab.until_started(&mut player).await?;
    Ok((player, tap))
}

async fn in_a_session(lab: &HostLab, host: &Host, wrong: &Wrong) -> Outcome {
    let (mut player, tap) = join(lab, host).await?;
    let mark = lab.recorder.mark();
    tap.slip_in(wrong.bytes.clone());
    let expected = format!(
        "the session ended within {}, with the fault named in the host's log, on {}",
        secs(LIMIT),
        wrong.what
    );
    must_close(lab, &mut player, expected.clone()).await?;
    if !lab.offers(Need::HostEvents) {
        return Ok(());
    }
    let ended = lab.recorder.since(mark, |seen| match &seen.event {
        HostEvent::SessionEnded { cause, .. } => Some(cause.clone()),
        _ => None,
    });
    match ended.as_slice() {
        [EndCause::ClientFault(how)] if !how.is_empty() => Ok(()),
        [other] => {
            let got = format!("it ended because {other}");
            Err(player.broken(CLAUSE, expected, got))
        }
        _ => Err(player.broken(CLAUSE, expected, player.stands())),
    }
}

/// At the threshold and at the limit a stated length is right.
async fn bad_frames_have_good_neighbours(lab: &HostLab, host: &Host, threshold: usize) -> Outcome {
    let (mut player, tap) = join(lab, host).await?;
    let (mark, id) = (lab.recorder.mark(), id_of(&player)?);
    for size in [threshold, LARGEST - 1] {
        let data = zlib(&packet_of(size))?;
        let stated = i32::try_from(size).unwrap_or(i32::MAX);
        tap.slip_in(Packet::new(stated).bytes(&data).framed());
        let length = (size - 3).to_string();
        let whole = |line: &Line| {
            line.word() == "packet" && line.is_of(id) && line.value("len") == Some(&length)
        };
        let came = |lines: &[Line]| lines.iter().any(whole);
        if !lines::until(lab, &mut [&mut player], mark, lab.within(LIMIT), came).await {
            let expected = format!("a packet that states its {size} bytes to be handed over");
            return Err(player.broken(CLAUSE, expected, player.stands()));
        }
    }
    Ok(())
}
