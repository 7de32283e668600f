//! A guest that has let go of a session must not hear of it again.

use std::time::Duration;

use vb_contract::{PlayerErrorKind, PlayerId, RawPacket, Text};

use crate::case::Case;
use crate::cases::host::asking::{COMMAND, carrier};
use crate::lab::door::{Host, Need};
use crate::lab::host::{HostLab, PROBE_NAME};
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

/// The same where time is real.
const SHORT_WATCH: Duration = Duration::from_secs(3);

/// Longer than any of the host's own times for a connection.
const WATCH: Duration = Duration::from_secs(35);

/// See the module.
pub const CASE: Case = Case::host(
    "nothing-follows-the-end",
    &["VB-DSP-08"],
    "Ends sessions while packets wait for the handler, by the handler, by the host and by the client, and watches on, \
     natively and in a guest; then calls on a handle that was kept.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &HostLab) -> Outcome {
    if lab.offers(Need::NativePlugins) {
        natively(lab).await?;
    }
    by_a_guest(lab).await
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
    let Some((_, id)) = player.session else {
        return Err(player.untestable("the session has no player"));
    };
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

async fn by_a_guest(lab: &HostLab) -> Outcome {
    let host = lab.host_of_probe(&[]).await?;
    let (mut player, id) = join(lab, &host).await?;
    let skip = lab.recorder.guest_log(PROBE_NAME).len();
    player.send_raw(COMMAND, b"acquire");
    player.send_raw(COMMAND, b"disconnect plain the end");
    for _ in 0..BEHIND {
        player.send_raw(COMMAND, b"log behind");
    }
    if lab.is_virtual() {
        watch(&mut player).await;
    } else {
        player.until_closed(SHORT_WATCH).await;
        lab.wait(SHORT_WATCH).await;
    }
    let lines: Vec<String> = lab
        .recorder
        .guest_log(PROBE_NAME)
        .into_iter()
        .skip(skip)
        .map(|(_, line)| line)
        .collect();
    let disconnected = lines.iter().position(|line| line == "result disconnect ok");
    let ended = lines.iter().position(|line| line.starts_with("end "));
    let (Some(disconnected), Some(_)) = (disconnected, ended) else {
        let got = format!(
            "the guest did not disconnect player {id}: {}",
            lines.join(" | ")
        );
        return Err(player.untestable(got));
    };
    let after: Vec<&str> = lines
        .iter()
        .skip(disconnected + 1)
        .map(String::as_str)
        .filter(|line| !line.starts_with("event "))
        .collect();
    if matches!(after.as_slice(), [end] if end.starts_with("end ")) {
        return Ok(());
    }
    let expected = "the end callback and nothing else after a guest's disconnect was accepted";
    Err(player.broken(CLAUSE, expected, after.join(" | ")))
}
