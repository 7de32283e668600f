//! Two senders of keep-alives see each other's answers as wrong ones.

use std::time::Duration;

use sim_proto::{ClientConfig, KeepAlivePolicy, serverbound};
use vb_data::{Direction, State};

use crate::case::Case;
use crate::cases::host::asking::ask;
use crate::cases::host::bridge::probing::fnv;
use crate::lab::host::{HostLab, PROBE_NAME};
use crate::lab::player::{Player, secs};
use crate::verdict::Outcome;

const CLAUSE: &str = "VB-DSP-12";

/// Ids of the handler's keep-alives: the edges of what an id can be. What does not fit the protocol's type loses its
/// upper bits.
const IDS: [i64; 6] = [1, 0, -1, 127, 0x7fff_ffff, i64::MIN + 7];

/// An answer that nobody has asked for.
const UNASKED: i64 = 4711;

/// From one keep-alive of the handler to the next: within every client's patience, and longer than a host would wait
/// that thought it had to send some.
const INTERVAL: Duration = Duration::from_secs(16);

const WATCH: Duration = Duration::from_secs(1);

/// See the module.
pub const CASE: Case = Case::host(
    "keep-alive-is-the-guests",
    &["VB-DSP-12"],
    "The handler sends a keep-alive every 16 s and the client answers each twice, and some that nobody has sent; \
     compares what the client gets with what was sent, and what the handler gets with the answers.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &HostLab) -> Outcome {
    let host = lab.host_of_probe(&[]).await?;
    let config = ClientConfig {
        keep_alive: KeepAlivePolicy::Twice,
        unasked_keep_alive: false,
        send_movement: false,
        ..lab.client()
    };
    let mut player = lab.join_as(&host, config).await?;
    let version = player.version();
    let table = |direction| {
        let table = vb_data::packets(lab.protocol, State::Play, direction);
        table.and_then(|table| table.id("keep_alive"))
    };
    let (Some(clientbound), Some(serverbound)) =
        (table(Direction::Clientbound), table(Direction::Serverbound))
    else {
        return Err(player.untestable("there is no keep-alive in the tables"));
    };
    let ids = if lab.is_virtual() {
        &IDS[..]
    } else {
        &IDS[..2]
    };
    let mut answers = Vec::new();
    for &id in ids {
        let data = serverbound::keep_alive(version, id);
        let hex: String = data.iter().map(|byte| format!("{byte:02x}")).collect();
        let answer = ask(lab, &mut player, &format!("send {clientbound} {hex}")).await?;
        if answer != "ok" {
            return Err(player.untestable(format!("the probe cannot send: {answer}")));
        }
        answers.extend([data.clone(), data]);
        player.live(INTERVAL / 2).await;
        let unasked = serverbound::keep_alive(version, UNASKED + id.unsigned_abs() as i64 % 100);
        player.send_named("keep_alive", &unasked);
        answers.push(unasked);
        player.live(INTERVAL / 2).await;
    }
    player.live(WATCH).await;
    lab.settle().await;
    if player.closed().is_some() {
        return Err(player.untestable(player.stands()));
    }
    only_what_was_sent(&player, ids)?;
    let line = |data: &Vec<u8>| {
        let bytes = [&serverbound.to_le_bytes()[..], data].concat();
        format!("len={} hash={:016x}", data.len(), fnv(&bytes))
    };
    let answers: Vec<String> = answers.iter().map(line).collect();
    let lead = format!(" id={serverbound:#x} ");
    let log = lab.recorder.guest_log(PROBE_NAME).into_iter();
    let handed: Vec<String> = log
        .filter(|(_, line)| line.starts_with("packet "))
        .filter_map(|(_, line)| Some(line.split_once(&lead)?.1.to_owned()))
        .collect();
    if handed == answers {
        return Ok(());
    }
    let same = handed.iter().zip(&answers).take_while(|(a, b)| a == b);
    let at = same.count();
    let got = format!(
        "{} of {} were handed over; number {at} is {:?} instead of {:?}",
        handed.len(),
        answers.len(),
        handed.get(at),
        answers.get(at)
    );
    let expected = "every answer of the client handed to the handler, asked for or not";
    Err(player.broken(CLAUSE, expected, got))
}

/// The client has got the handler's keep-alives, and no others.
fn only_what_was_sent(player: &Player, ids: &[i64]) -> Outcome {
    let expected = "the handler's keep-alives and no others";
    let mut due = ids
        .iter()
        .map(|id| serverbound::keep_alive(player.version(), *id));
    for (at, packet) in player.named("keep_alive") {
        let next = due.next();
        if next.as_deref() != Some(&packet.data[..]) {
            let got = format!(
                "at {} came one that the handler did not send, of the host's own",
                secs(at)
            );
            return Err(player.broken_by(CLAUSE, expected, got, (at, packet)));
        }
    }
    match due.count() {
        0 => Ok(()),
        missing => {
            let got = format!("{missing} of {} did not come", ids.len());
            Err(player.broken(CLAUSE, expected, got))
        }
    }
}
