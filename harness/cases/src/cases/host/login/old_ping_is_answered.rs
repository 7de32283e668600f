//! Old clients and monitors ask in bytes that are no frame, and must not be left waiting for 254 more.

use std::time::Duration;

use futures::{Stream, StreamExt as _, TryStreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::case::Case;
use crate::cases::host::bytes::{Packet, Wire};
use crate::lab::door::Host;
use crate::lab::host::HostLab;
use crate::lab::player::secs;
use crate::verdict::{Finding, Outcome};

const CLAUSE: &str = "VB-LOG-08";

/// From the clause.
const LIMIT: Duration = Duration::from_secs(2);

/// Between the parts of a split: less than the second after which a host may take the first for all there is, by more where
/// the machine may add to it.
const PAUSE: Duration = Duration::from_millis(900);
const REAL_PAUSE: Duration = Duration::from_millis(500);

/// So many ask at one time.
const AT_ONCE: usize = 8;

/// As the longest form has it: channel, protocol 78, host `a`, port 25565.
const PING: &[u8] =
    b"\xfe\x01\xfa\0\x0b\0M\0C\0|\0P\0i\0n\0g\0H\0o\0s\0t\0\x09\x4e\0\x01\0a\0\0\x63\xdd";

/// What came before the host closed the connection; None when it did not within the limit.
async fn exchange(lab: &HostLab, host: &Host, parts: [&[u8]; 2]) -> Option<Vec<u8>> {
    let mut wire = lab.wire(host);
    wire.write_all(parts[0]).await.ok()?;
    if !parts[1].is_empty() && !parts[0].is_empty() {
        lab.wait(pause(lab)).await;
    }
    // The host may have answered and gone by now, which is in order; the connection is over then in whatever way.
    let _ = wire.write_all(parts[1]).await;
    let mut answer = Vec::new();
    let over = tokio::time::timeout(lab.within(LIMIT), wire.read_to_end(&mut answer)).await;
    over.is_ok().then_some(answer)
}

fn pause(lab: &HostLab) -> Duration {
    if lab.is_virtual() { PAUSE } else { REAL_PAUSE }
}

/// The fields of a kick packet that is all there is.
fn fields(answer: &[u8], separator: char) -> Option<Vec<String>> {
    let [0xff, high, low, units @ ..] = answer else {
        return None;
    };
    let units: Vec<u16> = units
        .chunks(2)
        .map(|unit| unit.try_into().map(u16::from_be_bytes))
        .collect::<Result<_, _>>()
        .ok()?;
    if units.len() != usize::from(u16::from_be_bytes([*high, *low])) {
        return None;
    }
    let text = String::from_utf16(&units).ok()?;
    Some(text.split(separator).map(str::to_owned).collect())
}

/// Whether an old client can show it.
fn is_right(ping: &[u8], answer: &[u8]) -> bool {
    let number = |text: &String| text.parse::<u32>().is_ok();
    if ping.len() == 1 {
        let fields = fields(answer, '§');
        return matches!(fields.as_deref(), Some([_, online, max]) if number(online) && number(max));
    }
    let fields = fields(answer, '\0');
    let Some([mark, protocol, version, _, online, max]) = fields.as_deref() else {
        return false;
    };
    let stranger = protocol
        .parse::<i32>()
        .is_ok_and(|protocol| vb_data::supported().binary_search(&protocol).is_err());
    mark == "§1" && stranger && !version.is_empty() && number(online) && number(max)
}

async fn ping(lab: &HostLab, host: &Host, ping: &[u8], split: usize) -> Outcome {
    let (first, second) = ping.split_at(split);
    let answer = exchange(lab, host, [first, second]).await;
    if answer
        .as_deref()
        .is_some_and(|answer| is_right(ping, answer))
    {
        return Ok(());
    }
    let expected = format!(
        "a kick packet that an old client can show, and the end, in answer to {ping:02x?} split at {split}"
    );
    let late = || format!("no end within {}", secs(lab.within(LIMIT)));
    let got = answer.map_or_else(late, |answer| format!("{answer:02x?}"));
    Err(Finding::new(CLAUSE, expected, got).into())
}

/// A status request whose handshake is 254 bytes long, and so begins with FE 01.
async fn handshake(lab: &HostLab, host: &Host, split: usize) -> Outcome {
    let request = Packet::new(0)
        .varint(lab.protocol)
        .string(&"a".repeat(254 - 6 - varint_bytes(lab.protocol)))
        .bytes(&25565_u16.to_be_bytes())
        .varint(1)
        .framed();
    let mut wire = Wire(lab.wire(host));
    let (first, second) = request.split_at(split);
    wire.write(first).await;
    lab.wait(pause(lab)).await;
    wire.write(second).await;
    wire.write(&Packet::new(0).framed()).await;
    match wire.frame().await {
        Some((0, data)) if data.len() > 2 && request.starts_with(&[0xfe, 0x01, 0x00]) => Ok(()),
        answer => {
            let expected = format!("a status after a handshake of 254 bytes split at {split}");
            Err(Finding::new(CLAUSE, expected, format!("{answer:02x?}")).into())
        }
    }
}

fn varint_bytes(value: i32) -> usize {
    // An id, which is 0, takes one byte.
    Packet::new(0).varint(value).framed().len() - 2
}

/// See the module.
pub const CASE: Case<HostLab> = Case::new(
    "old-ping-is-answered",
    &["VB-LOG-08"],
    "Asks for the status in the three ways of clients before 1.7, and in today's with a handshake that begins alike.",
    |lab| Box::pin(run(lab)),
)
.on_the_newest();

async fn run(lab: &HostLab) -> Outcome {
    let host = lab.host_of_probe(&[]).await?;
    let splits = [1, 2, PING.len()]
        .into_iter()
        .flat_map(|length| (0..length).map(move |split| (&PING[..length], split)));
    let pings = splits.map(|(bytes, split)| ping(lab, &host, bytes, split));
    all(futures::stream::iter(pings).buffered(AT_ONCE)).await?;
    let handshakes = (1..4).map(|split| handshake(lab, &host, split));
    all(futures::stream::iter(handshakes).buffered(AT_ONCE)).await
}

/// The first that went wrong.
async fn all(outcomes: impl Stream<Item = Outcome>) -> Outcome {
    outcomes.try_for_each(|()| std::future::ready(Ok(()))).await
}
