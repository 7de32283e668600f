//! A guest that has let go of a session must not hear of it again.

use std::time::Duration;

use vb_contract::{PlayerErrorKind, PlayerId, RawPacket, Text};

use super::lines::{self, BUSY, Line};
use crate::case::Case;
use crate::cases::host::asking::{ask, carrier};
use crate::cases::host::bridge::probing::{id_of, pass, tell};
use crate::lab::door::{Host, Need};
use crate::lab::host::HostLab;
use crate::lab::native::{Kept, Told, words};
use crate::lab::player::Player;
use crate::verdict::{Outcome, Stop};

const CLAUSE: &str = "VB-DSP-08";

/// Ids that no protocol has: for the handler to disconnect, to take its time, and to do nothing.
const DISCONNECT: i32 = 0x7002;
const SLOW: i32 = 0x7003;
const MARK: i32 = 0x7001;

/// Packets behind the one that ends the session.
const BEHIND: usize = 20;

/// What a slow callback takes: less than a session that has to end waits for it.
const WORK: Duration = Duration::from_millis(200);

/// Soon enough for packets still to wait behind the first.
const SOON: Duration = Duration::from_millis(50);

/// Longer than any of the host's own times for a connection.
const WATCH: Duration = Duration::from_secs(35);

/// The same where time is real: what waited for the handler is with it by then.
const SHORT_WATCH: Duration = Duration::from_secs(1);

/// See the module.
pub const CASE: Case<HostLab> = Case::new(
    "nothing-follows-the-end",
    &["VB-DSP-08"],
    "Ends sessions while packets wait for the handler, by the handler, by the host and by the client, and watches on, \
     natively and in a guest; then calls on handles that were kept.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &HostLab) -> Outcome {
    if lab.offers(Need::NativePlugins) {
        natively(lab).await?;
    }
    in_a_guest(lab).await
}

async fn natively(lab: &HostLab) -> Outcome {
    let kept = Kept::default();
    let plugin = lab
        .native("gate")
        .keeping(&kept)
        .handling(|session, packet| {
            let id = packet.packet_id;
            Box::pin(async move {
                if id == SLOW {
                    tokio::time::sleep(WORK).await;
                }
                if id == DISCONNECT {
                    let _ = session.disconnect(&Text::plain("the end"));
                }
            })
        });
    let host = lab.host_of("gate", plugin).await?;
    by_the_handler(lab, &host).await?;
    by_the_host(lab, &host).await?;
    by_the_client(lab, &host).await?;
    on_a_kept_handle(lab, &host, &kept).await
}

async fn join(lab: &HostLab, host: &Host) -> Result<(Player, PlayerId), Stop> {
    let mut player = lab.join(host).await?;
    let id = id_of(&player)?;
    // What the client says by itself is out of the way.
    player.live(Duration::from_secs(1)).await;
    Ok((player, id))
}

/// One packet, and others right behind it.
fn send(player: &mut Player, first: i32) -> Outcome {
    let mut sent = player.send_raw(first, b"");
    for _ in 0..BEHIND {
        sent &= player.send_raw(MARK, b"behind");
    }
    if sent {
        return Ok(());
    }
    Err(player.untestable(format!("the client cannot send: {}", player.stands())))
}

async fn by_the_handler(lab: &HostLab, host: &Host) -> Outcome {
    let (mut player, id) = join(lab, host).await?;
    send(&mut player, DISCONNECT)?;
    watch(&mut player).await;
    let told = lab.notebook.about(id);
    let asked = told
        .iter()
        .position(|(_, told)| matches!(told, Told::Packet(_, it) if it.packet_id == DISCONNECT));
    let Some(asked) = asked else {
        return Err(player.untestable("the packet that ends the session did not arrive"));
    };
    let after: Vec<&Told> = told.iter().skip(asked + 1).map(|(_, told)| told).collect();
    if after.iter().any(|told| matches!(told, Told::Packet(..))) {
        let expected = "no packet callback after the handler's disconnect was accepted";
        let got = format!("after it came {}", words(after));
        return Err(player.broken(CLAUSE, expected, got));
    }
    silent(lab, &player, id, "the handler disconnected")
}

async fn by_the_host(lab: &HostLab, host: &Host) -> Outcome {
    let (mut player, id) = join(lab, host).await?;
    send(&mut player, SLOW)?;
    player.live(WORK / 2).await;
    if !host.kick(id, &player.name, "the end").await {
        return Err(player.untestable("the host knows no such player to kick"));
    }
    watch(&mut player).await;
    silent(
        lab,
        &player,
        id,
        "the host kicked the client in the middle of a callback",
    )
}

async fn by_the_client(lab: &HostLab, host: &Host) -> Outcome {
    let (mut player, id) = join(lab, host).await?;
    send(&mut player, SLOW)?;
    player.live(WORK / 2).await;
    player.leave().await;
    watch(&mut player).await;
    silent(
        lab,
        &player,
        id,
        "the client left in the middle of a callback",
    )
}

/// Lives on in a world where others come and go.
async fn watch(player: &mut Player) {
    player.live(WATCH).await;
    tokio::time::sleep(WATCH).await;
}

fn silent(lab: &HostLab, player: &Player, id: PlayerId, how: &str) -> Outcome {
    let told: Vec<Told> = lab
        .notebook
        .about(id)
        .into_iter()
        .map(|(_, told)| told)
        .collect();
    let end = told.iter().position(|told| matches!(told, Told::End(_)));
    let Some(end) = end else {
        return Err(player.untestable(format!("no end came when {how}")));
    };
    let after = told.iter().skip(end + 1);
    let calls: Vec<&Told> = after
        .filter(|told| matches!(told, Told::Start { .. } | Told::Packet(..)))
        .collect();
    if calls.is_empty() {
        return Ok(());
    }
    let expected = format!("no callback after the end callback when {how}");
    let got = format!("after it came {}", words(calls));
    Err(player.broken(CLAUSE, expected, got))
}

/// A handle that outlives its session reaches neither the client nor the handler, and no other session either.
async fn on_a_kept_handle(lab: &HostLab, host: &Host, kept: &Kept) -> Outcome {
    let (mut first, id) = join(lab, host).await?;
    let Some(handle) = kept.newest() else {
        return Err(first.untestable("the handler kept no handle"));
    };
    first.leave().await;
    tokio::time::sleep(WATCH).await;
    let (mut second, _) = join(lab, host).await?;
    let packet = RawPacket {
        packet_id: carrier(lab.protocol)?,
        data: Vec::new().into(),
    };
    let answers = [
        handle.send_packet(packet),
        handle.disconnect(&Text::plain("not for you")),
    ];
    second.live(Duration::from_secs(1)).await;
    if let Some(other) = answers
        .iter()
        .find(|answer| !matches!(answer, Err(error) if error.kind == PlayerErrorKind::SessionEnded))
    {
        let expected = "session-ended from a handle that was kept past the end";
        return Err(first.broken(CLAUSE, expected, format!("{other:?}")));
    }
    if second.closed().is_some() || second.play().next().is_some() {
        let expected = "a handle of an ended session to reach nobody";
        let got = format!("it reached the next client: {}", second.stands());
        return Err(second.broken(CLAUSE, expected, got));
    }
    silent(lab, &first, id, "a handle was kept")
}

/// How a guest's session ends in the middle of its packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Disconnect,
    Kick,
    Leave,
}

impl Ending {
    fn text(self) -> &'static str {
        match self {
            Self::Disconnect => "the guest disconnected",
            Self::Kick => "the host kicked the client in the middle of a callback",
            Self::Leave => "the client left in the middle of a callback",
        }
    }
}

async fn in_a_guest(lab: &HostLab) -> Outcome {
    let mark = lab.recorder.mark();
    let host = lab.host_of_probe(&[]).await?;
    let mut ended = Vec::new();
    for ending in [Ending::Disconnect, Ending::Kick, Ending::Leave] {
        if ending == Ending::Kick && !lab.offers(Need::Kick) {
            continue;
        }
        let (mut player, id) = join(lab, &host).await?;
        if ending == Ending::Disconnect {
            tell(&mut player, "disconnect plain the end");
        }
        for _ in 0..BEHIND {
            // The callback of each takes its time, so that the next ones wait.
            tell(&mut player, &format!("do {BUSY}"));
        }
        match ending {
            Ending::Disconnect => {}
            Ending::Kick => {
                player.live(SOON).await;
                if !host.kick(id, &player.name, "the end").await {
                    return Err(player.untestable("the host knows no such player to kick"));
                }
            }
            Ending::Leave => {
                player.live(SOON).await;
                player.leave().await;
            }
        }
        ended.push((ending, player, id));
    }
    let mut players: Vec<&mut Player> = ended.iter_mut().map(|(_, player, _)| player).collect();
    let watch = if lab.is_virtual() { WATCH } else { SHORT_WATCH };
    pass(&mut players, watch).await;
    lab.settle().await;
    for (ending, player, id) in &ended {
        quiet_after(lab, player, *id, mark, *ending)?;
    }
    on_a_handle_of_a_guest(lab, &host, mark).await
}

fn quiet_after(
    lab: &HostLab,
    player: &Player,
    id: PlayerId,
    mark: usize,
    ending: Ending,
) -> Outcome {
    let calls = lines::calls_of(lab, mark, id);
    let last = match ending {
        // The disconnect is the first of what the case has sent.
        Ending::Disconnect => calls
            .iter()
            .position(|call| call.value("id") == Some("0x7777")),
        _ => calls.iter().position(|call| call.word() == "end"),
    };
    let Some(last) = last else {
        let why = format!("no end came when {}: {}", ending.text(), player.stands());
        return Err(player.untestable(why));
    };
    let after: Vec<Line> = calls.iter().skip(last + 1).cloned().collect();
    let due: &[&str] = match ending {
        Ending::Disconnect => &["end"],
        _ => &[],
    };
    if after.iter().map(Line::word).eq(due.iter().copied()) {
        return Ok(());
    }
    let expected = match ending {
        Ending::Disconnect => {
            "the end callback and nothing else after a guest's disconnect was accepted".to_owned()
        }
        _ => format!("no callback after the end callback when {}", ending.text()),
    };
    let got = format!("after it came {}", lines::words(&after));
    Err(player.broken(CLAUSE, expected, got))
}

/// The same of a handle that a guest keeps.
async fn on_a_handle_of_a_guest(lab: &HostLab, host: &Host, mark: usize) -> Outcome {
    let (mut first, id) = join(lab, host).await?;
    ask(lab, &mut first, "acquire").await?;
    first.leave().await;
    let ended = |lines: &[Line]| {
        lines
            .iter()
            .any(|line| line.word() == "end" && line.is_of(id))
    };
    let (mut second, _) = join(lab, host).await?;
    if !lines::until(lab, &mut [&mut second], mark, SHORT_WATCH * 2, ended).await {
        return Err(first.untestable("no end came when the client left"));
    }
    let before = second.play().count();
    let send = format!("kept-send {}", carrier(lab.protocol)?);
    for command in [&send, "kept-disconnect plain not for you"] {
        let answer = ask(lab, &mut second, command).await?;
        if !answer.starts_with("err session-ended") {
            let expected = "session-ended from a handle that was kept past the end";
            return Err(first.broken(CLAUSE, expected, format!("{command}: {answer}")));
        }
    }
    second.live(SHORT_WATCH).await;
    if second.closed().is_some() || second.play().count() > before {
        let expected = "a handle of an ended session to reach nobody";
        let got = format!("it reached the next client: {}", second.stands());
        return Err(second.broken(CLAUSE, expected, got));
    }
    lab.settle().await;
    quiet_after(lab, &first, id, mark, Ending::Leave)
}
