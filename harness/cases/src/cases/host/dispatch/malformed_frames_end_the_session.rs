//! Behind a malformed frame nothing can be trusted, and nothing is worth waiting for.

use std::io::Write;
use std::time::Duration;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use vb_contract::{EndCause, HostEvent};

use crate::case::Case;
use crate::cases::host::bytes::Packet;
use crate::lab::door::{Host, Need};
use crate::lab::host::{HostLab, PROBE_NAME};
use crate::lab::player::{Player, secs};
use crate::verdict::{Outcome, Stop};

const CLAUSE: &str = "VB-DSP-13";

/// From the clause.
const LIMIT: Duration = Duration::from_secs(1);

/// For what happens at the limit itself.
const MOMENT: Duration = Duration::from_millis(50);

/// The packets of this size and over are compressed, where the protocol can.
const THRESHOLD: usize = 256;

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
pub const CASE: Case = Case::host(
    "malformed-frames-end-the-session",
    &["VB-DSP-13"],
    "Slips frames into a session, and into a login, whose lengths or whose compressed data are wrong, and nothing \
     behind them.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &HostLab) -> Outcome {
    let host = lab.host_of_probe(&[]).await?;
    for wrong in lengths() {
        in_a_login(lab, &host, &wrong).await?;
        in_a_session(lab, &host, &wrong).await?;
    }
    if sim_proto::Version::new(lab.protocol).has_compression() && lab.offers(Need::Compression) {
        for wrong in contents()? {
            in_a_session(lab, &host, &wrong).await?;
        }
        bad_frames_have_good_neighbours(lab, &host).await?;
    }
    Ok(())
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

/// Wrong where frames are compressed.
fn contents() -> Result<Vec<Wrong>, Stop> {
    let frame = |stated: usize, data: &[u8]| {
        let stated = i32::try_from(stated).unwrap_or(i32::MAX);
        Packet::new(stated).bytes(data).framed()
    };
    let packed = |size: usize| zlib(&packet_of(size));
    let mut cut = packed(2 * THRESHOLD)?;
    cut.truncate(cut.len() / 2);
    let wrong = |what, bytes| Wrong { what, bytes };
    Ok(vec![
        wrong(
            "a stated length of -1",
            Packet::new(-1).bytes(&packed(THRESHOLD)?).framed(),
        ),
        wrong(
            "a stated length of one below the threshold",
            frame(THRESHOLD - 1, &packed(THRESHOLD - 1)?),
        ),
        wrong(
            "a stated length of one over the limit",
            frame(LARGEST + 1, &packed(LARGEST + 1)?),
        ),
        wrong("data that is no zlib", frame(2 * THRESHOLD, &[0x5a; 100])),
        wrong("data that is cut off", frame(2 * THRESHOLD, &cut)),
        wrong(
            "data that inflates to one byte less than stated",
            frame(2 * THRESHOLD + 1, &packed(2 * THRESHOLD)?),
        ),
        wrong(
            "data that inflates to one byte more than stated",
            frame(2 * THRESHOLD - 1, &packed(2 * THRESHOLD)?),
        ),
        wrong(
            "data that inflates to 16 MiB",
            frame(THRESHOLD, &packed(BOMB)?),
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
    if !lab.offers(Need::HostEvents) {
        // What the client says behind it comes too late.
        lab.wait(MOMENT).await;
        if player.until_closed(lab.within(LIMIT)).await {
            return Ok(());
        }
        let expected = format!(
            "the connection closed within {} when a login begins with {}",
            secs(lab.within(LIMIT)),
            wrong.what
        );
        return Err(player.broken(CLAUSE, expected, "it is still open"));
    }
    tokio::time::sleep(LIMIT + MOMENT).await;
    let causes = closes(lab, mark);
    match causes.last() {
        Some(EndCause::ClientFault(_)) if host.connection_count() == Some(0) => Ok(()),
        other => {
            let expected = format!(
                "the connection closed within {}, with the fault named in the log, when a login begins with {}",
                secs(LIMIT),
                wrong.what
            );
            let got = match other {
                _ if host.connection_count() > Some(0) => "it is still open".to_owned(),
                Some(cause) => format!("it ended because {cause}"),
                None => "no end was logged".to_owned(),
            };
            Err(player.broken(CLAUSE, expected, got))
        }
    }
}

fn closes(lab: &HostLab, mark: usize) -> Vec<EndCause> {
    lab.recorder.since(mark, |seen| match &seen.event {
        HostEvent::Closed { cause, .. } => Some(cause.clone()),
        _ => None,
    })
}

async fn join(lab: &HostLab, host: &Host) -> Result<(Player, crate::lab::tap::Tap), Stop> {
    let (mut player, tap) = lab.connect_tapped(host, lab.client());
    lab.until_started(&mut player).await?;
    Ok((player, tap))
}

async fn in_a_session(lab: &HostLab, host: &Host, wrong: &Wrong) -> Outcome {
    let (mut player, tap) = join(lab, host).await?;
    let mark = lab.recorder.mark();
    tap.slip_in(wrong.bytes.clone());
    player.live(lab.within(LIMIT)).await;
    lab.settle().await;
    let ended = lab.recorder.since(mark, |seen| match &seen.event {
        HostEvent::SessionEnded { cause, .. } => Some(cause.clone()),
        _ => None,
    });
    let expected = format!(
        "the session ended within {}, with the fault named in the log, on {}",
        secs(LIMIT),
        wrong.what
    );
    match ended.as_slice() {
        [EndCause::ClientFault(how)] if !how.is_empty() => {}
        [] if !lab.offers(Need::HostEvents) && ends_of_guest(lab, mark) == 1 => {}
        [other] => {
            let got = format!("it ended because {other}");
            return Err(player.broken(CLAUSE, expected, got));
        }
        _ => return Err(player.broken(CLAUSE, expected, player.stands())),
    }
    if player.closed().is_none() {
        let got = "the handler is told the end, and the connection is still open";
        return Err(player.broken(CLAUSE, expected, got));
    }
    if !marked(lab, mark).is_empty() {
        let got = "a packet was made of it and handed over";
        return Err(player.broken(CLAUSE, expected, got));
    }
    Ok(())
}

/// Lines of the probe since a mark.
fn lines(lab: &HostLab, mark: usize) -> Vec<String> {
    lab.recorder.since(mark, |seen| match &seen.event {
        HostEvent::GuestLog {
            plugin, message, ..
        } if plugin == PROBE_NAME => Some(message.clone()),
        _ => None,
    })
}

fn ends_of_guest(lab: &HostLab, mark: usize) -> usize {
    let lines = lines(lab, mark).into_iter();
    lines.filter(|line| line.starts_with("end ")).count()
}

/// What the probe says of packets with [`MARK`].
fn marked(lab: &HostLab, mark: usize) -> Vec<String> {
    let id = format!(" id={MARK:#x} ");
    let mut lines = lines(lab, mark);
    lines.retain(|line| line.starts_with("packet ") && line.contains(&id));
    lines
}

/// At the threshold and at the limit a stated length is right.
async fn bad_frames_have_good_neighbours(lab: &HostLab, host: &Host) -> Outcome {
    let (mut player, tap) = join(lab, host).await?;
    for size in [THRESHOLD, LARGEST - 1] {
        let mark = lab.recorder.mark();
        let data = zlib(&packet_of(size))?;
        let stated = i32::try_from(size).unwrap_or(i32::MAX);
        tap.slip_in(Packet::new(stated).bytes(&data).framed());
        player.live(LIMIT).await;
        lab.settle().await;
        let whole = format!("len={} ", size - 3);
        if !marked(lab, mark).iter().any(|line| line.contains(&whole)) {
            let expected = format!("a packet that states its {size} bytes to be handed over");
            return Err(player.broken(CLAUSE, expected, player.stands()));
        }
    }
    Ok(())
}
