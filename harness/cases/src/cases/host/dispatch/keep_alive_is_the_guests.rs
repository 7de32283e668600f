//! Two senders of keep-alives see each other's answers as wrong ones.

use std::time::Duration;

use sim_proto::{ClientConfig, KeepAlivePolicy, serverbound};
use vb_data::{Direction, State};

use super::lines::{self, Line};
use crate::case::Case;
use crate::cases::host::asking::ask;
use crate::cases::host::bridge::probing::id_of;
use crate::lab::host::HostLab;
use crate::lab::player::{Player, secs};
use crate::verdict::Outcome;

const CLAUSE: &str = "VB-DSP-12";

/// Ids of the guest's keep-alives: the edges of what an id can be. What does not fit the protocol's type loses its
/// upper bits.
const IDS: [i64; 6] = [1, 0, -1, 127, 0x7fff_ffff, i64::MIN + 7];

/// An answer that nobody has asked for.
const UNASKED: i64 = 4711;

/// From one keep-alive of the guest to the next: within every client's patience, and longer than a host would wait
/// that thought it had to send some.
const INTERVAL: Duration = Duration::from_secs(16);

/// Where time is real, all but one pause are as short.
const SHORT_INTERVAL: Duration = Duration::from_millis(300);

const WATCH: Duration = Duration::from_secs(1);

/// See the module.
pub const CASE: Case<HostLab> = Case::new(
    "keep-alive-is-the-guests",
    &["VB-DSP-12"],
    "The guest sends keep-alives 16 s apart and the client answers each twice, and some that nobody has sent; compares \
     what the client gets with what was sent, and what the guest gets with the answers.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &HostLab) -> Outcome {
    let mark = lab.recorder.mark();
    let host = lab.host_of_probe(&[]).await?;
    let config = ClientConfig {
        keep_alive: KeepAlivePolicy::Twice,
        unasked_keep_alive: false,
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
    let mut answers = Vec::new();
    for (place, id) in IDS.into_iter().enumerate() {
        let data = serverbound::keep_alive(version, id);
        let hex: String = data.iter().map(|byte| format!("{byte:02x}")).collect();
        let answer = ask(lab, &mut player, &format!("send {clientbound} {hex}")).await?;
        if answer != "ok" {
            return Err(player.untestable(format!("the guest cannot send: {answer}")));
        }
        answers.extend([data.clone(), data]);
        let interval = match lab.is_virtual() || place == IDS.len() / 2 {
            true => INTERVAL,
            false => SHORT_INTERVAL,
        };
        player.live(interval / 2).await;
        let unasked = serverbound::keep_alive(version, UNASKED + id.unsigned_abs() as i64 % 100);
        player.send_named("keep_alive", &unasked);
        answers.push(unasked);
        player.live(interval / 2).await;
    }
    player.live(WATCH).await;
    lab.settle().await;
    if player.closed().is_some() {
        return Err(player.untestable(player.stands()));
    }
    only_what_was_sent(&player)?;
    let sent: Vec<String> = answers
        .iter()
        .map(|data| lines::packet(serverbound, data))
        .collect();
    let of_keep_alive = format!("id={serverbound:#x} ");
    let handed: Vec<String> = lines::calls_of(lab, mark, id_of(&player)?)
        .iter()
        .filter_map(Line::packet)
        .filter(|packet| packet.starts_with(&of_keep_alive))
        .collect();
    let expected = "every answer of the client handed to the guest, asked for or not";
    lines::must_be_as_sent(&player, CLAUSE, expected, &handed, &sent)
}

/// The client has got the guest's keep-alives, and no others.
fn only_what_was_sent(player: &Player) -> Outcome {
    let expected = "the guest's keep-alives and no others";
    let mut due = IDS
        .iter()
        .map(|id| serverbound::keep_alive(player.version(), *id));
    for (at, packet) in player.named("keep_alive") {
        let next = due.next();
        if next.as_deref() != Some(&packet.data[..]) {
            let got = format!(
                "at {} came one that the guest did not send, of the host's own",
                secs(at)
            );
            return Err(player.broken_by(CLAUSE, expected, got, (at, packet)));
        }
    }
    match due.count() {
        0 => Ok(()),
        missing => {
            let got = format!("{missing} of {} did not come", IDS.len());
            Err(player.broken(CLAUSE, expected, got))
        }
    }
}
