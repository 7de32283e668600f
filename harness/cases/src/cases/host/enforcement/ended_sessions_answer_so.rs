//! A handle must never come to mean somebody else.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sim_proto::Event;
use vb_contract::{
    BatchError, PlayerError, PlayerErrorKind, RawPacket, Text, VirtualBackendSession,
};

use crate::case::Case;
use crate::cases::host::asking::{ask, carrier};
use crate::lab::door::{Host, Need};
use crate::lab::host::HostLab;
use crate::lab::player::{JOIN_LIMIT, Player};
use crate::verdict::{Outcome, Stop};

const CLAUSE: &str = "VB-ENF-07";

/// What only a kept handle carries.
const SECRET: &str = "5ec2e75ec2e7";
/// The same, as a client sees it.
const SECRET_BYTES: &[u8] = &[0x5e, 0xc2, 0xe7, 0x5e, 0xc2, 0xe7];

const WATCH: Duration = Duration::from_secs(1);

/// See the module.
pub const CASE: Case<HostLab> = Case::new(
    "ended-sessions-answer-so",
    &["VB-ENF-07"],
    "Keeps a session, lets its player leave and come back, and makes every call on what was kept.",
    |lab| Box::pin(run(lab)),
)
.on_the_newest();

async fn run(lab: &HostLab) -> Outcome {
    guest(lab).await?;
    if lab.offers(Need::NativePlugins) {
        natively(lab).await?;
    }
    Ok(())
}

/// The same player twice: in world, left, and in world again.
async fn comes(lab: &HostLab, host: &Host, name: &str) -> Result<Player, Stop> {
    let client = sim_proto::ClientConfig::new(lab.protocol, name);
    lab.join_as(host, client).await
}

fn secret(data: &[u8]) -> bool {
    data.windows(SECRET_BYTES.len())
        .any(|window| window == SECRET_BYTES)
}

fn received(player: &Player) -> usize {
    player
        .play()
        .filter(|(_, packet)| secret(&packet.data))
        .count()
}

async fn guest(lab: &HostLab) -> Outcome {
    let host = lab.host_of_probe(&[("join", "true")]).await?;
    let mut first = comes(lab, &host, "Returning").await?;
    if !first.until_in_world(lab.within(JOIN_LIMIT)).await {
        return Err(first.untestable(first.stands()));
    }
    let id = carrier(lab.protocol)?;
    let send = format!("kept-send {id} {SECRET}");
    ask(lab, &mut first, "acquire").await?;
    let answer = ask(lab, &mut first, &send).await?;
    let carries = |event: &Event| matches!(event, Event::Received(packet) if secret(&packet.data));
    if received(&first) == 0 {
        first.until(carries, lab.within(WATCH)).await;
    }
    if answer != "ok" || received(&first) != 1 {
        let why = format!("a kept session does not send while it lasts: {answer}");
        return Err(first.untestable(why));
    }
    first.leave().await;
    lab.wait(WATCH).await;

    let mut again = comes(lab, &host, "Returning").await?;
    if !again.until_in_world(lab.within(JOIN_LIMIT)).await {
        return Err(again.untestable(again.stands()));
    }
    let commands = [
        send,
        format!("kept-batch {id}:{SECRET}"),
        "kept-message plain secret".to_owned(),
        "kept-switch nowhere".to_owned(),
        "kept-disconnect plain secret".to_owned(),
    ];
    for command in commands {
        let answer = ask(lab, &mut again, &command).await?;
        let expected = format!("session-ended for `{command}` on a session that has ended");
        if !answer.starts_with("err session-ended") {
            return Err(again.broken(CLAUSE, expected, format!("the call answered: {answer}")));
        }
        reached_nobody(&again, &expected)?;
    }
    again.live(WATCH).await;
    reached_nobody(
        &again,
        "session-ended for every call on a session that has ended",
    )
}

fn reached_nobody(player: &Player, expected: &str) -> Outcome {
    if received(player) == 0 && player.closed().is_none() {
        return Ok(());
    }
    let got = format!("it reached the next session: {}", player.stands());
    Err(player.broken(CLAUSE, format!("{expected}, and nothing sent"), got))
}

type Kept = Arc<Mutex<Option<Arc<dyn VirtualBackendSession>>>>;

async fn natively(lab: &HostLab) -> Outcome {
    let kept: Kept = Arc::default();
    let keep = Arc::clone(&kept);
    let plugin = lab.native("keeper").on_start(move |session| {
        // The first session is kept, and no other.
        let mut kept = keep.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get_or_insert_with(|| session.handle());
        Box::pin(std::future::ready(()))
    });
    let host = lab.host_of("keeper", plugin).await?;
    let mut first = comes(lab, &host, "Returning").await?;
    first.leave().await;
    lab.wait(WATCH).await;
    let mut again = comes(lab, &host, "Returning").await?;
    let handle = kept
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone()
        .ok_or_else(|| again.untestable("no session was kept"))?;
    let packet = || RawPacket {
        packet_id: 1,
        data: SECRET_BYTES.to_vec().into(),
    };
    let text = Text::plain("secret");
    let of_batch = |error: BatchError| error.error;
    let answers: [(&str, Result<(), PlayerError>); 5] = [
        ("send-packet", handle.send_packet(packet())),
        (
            "send-packets",
            handle.send_packets(vec![packet()]).map_err(of_batch),
        ),
        ("send-message", handle.send_message(&text)),
        ("switch-server", handle.switch_server("nowhere")),
        ("disconnect", handle.disconnect(&text)),
    ];
    again.live(WATCH).await;
    for (call, answer) in answers {
        let expected = format!("session-ended for {call} on a native handle that was kept");
        match answer {
            Err(error) if error.kind == PlayerErrorKind::SessionEnded => {}
            answer => {
                return Err(again.broken(CLAUSE, expected, format!("it answered {answer:?}")));
            }
        }
        reached_nobody(&again, &expected)?;
    }
    Ok(())
}
