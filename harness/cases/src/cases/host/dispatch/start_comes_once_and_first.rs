//! Everything that a handler knows of a session begins with its start.

use std::time::Duration;

use sim_proto::Event;
use vb_data::State;

use super::lines::{self, BUSY};
use crate::case::Case;
use crate::cases::host::bridge::probing::id_of;
use crate::lab::door::Need;
use crate::lab::host::HostLab;
use crate::lab::native::{Told, words};
use crate::lab::player::{JOIN_LIMIT, Player, secs};
use crate::verdict::Outcome;

const CLAUSE: &str = "VB-DSP-02";

const EXPECTED: &str = "one start, in play, before everything else of the session";

/// An id that no protocol has.
const MARK: i32 = 0x7001;

const WATCH: Duration = Duration::from_secs(1);

/// How long a client holds still in the middle of its login, and a start callback takes.
const PAUSE: Duration = Duration::from_secs(2);

/// See the module.
pub const CASE: Case<HostLab> = Case::new(
    "start-comes-once-and-first",
    &["VB-DSP-02"],
    "A client holds still before it enters play, and the start callback takes its time; looks at the order of the \
     callbacks and at what is sent meanwhile, natively and in a guest.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &HostLab) -> Outcome {
    if lab.offers(Need::NativePlugins) {
        natively(lab).await?;
    }
    let mark = lab.recorder.mark();
    let host = lab.host_of_probe(&[("in.start", BUSY)]).await?;
    let mut player = lab.connect(&host, lab.client());
    if player.version().has_configuration_phase() {
        before_play(&mut player, || {
            let lines = lines::since(lab, mark);
            let calls = lines.into_iter().filter(lines::Line::is_call);
            calls.map(|line| line.text).collect()
        })
        .await?;
    }
    lab.until_started(&mut player).await?;
    player.send_raw(MARK, b"during");
    player.live(WATCH).await;
    player.send_raw(MARK, b"after");
    player.live(WATCH).await;
    lab.settle().await;
    let calls = lines::calls_of(lab, mark, id_of(&player)?);
    let starts = calls.iter().filter(|call| call.word() == "start").count();
    if starts != 1 || calls.first().is_none_or(|call| call.word() != "start") {
        let got = format!("a guest was called {}", lines::words(&calls));
        return Err(player.broken(CLAUSE, EXPECTED, got));
    }
    let after = lines::packet(MARK, b"after");
    if !calls
        .iter()
        .any(|call| call.packet().as_ref() == Some(&after))
    {
        return Err(player.untestable("the client's packet did not arrive"));
    }
    nothing_is_sent(&player)
}

async fn natively(lab: &HostLab) -> Outcome {
    let slow = lab
        .native("gate")
        .on_start(|_| Box::pin(tokio::time::sleep(PAUSE)));
    let host = lab.host_of("gate", slow).await?;
    let mut player = lab.connect(&host, lab.client());
    if player.version().has_configuration_phase() {
        before_play(&mut player, || {
            let told = lab.notebook.sessions();
            told.iter().map(|(_, told)| told.word()).collect()
        })
        .await?;
    }
    lab.until_started(&mut player).await?;
    player.send_raw(MARK, b"during");
    player.live(PAUSE + WATCH).await;
    player.send_raw(MARK, b"after");
    player.live(WATCH).await;
    let told = lab.notebook.sessions();
    let starts = told
        .iter()
        .filter(|(_, told)| matches!(told, Told::Start { .. }))
        .count();
    if starts != 1 || !matches!(told.first(), Some((_, Told::Start { .. }))) {
        let got = format!("told was {}", words(told.iter().map(|(_, told)| told)));
        return Err(player.broken(CLAUSE, EXPECTED, got));
    }
    let after = |told: &Told| matches!(told, Told::Packet(_, it) if it.data[..] == *b"after");
    if !told.iter().any(|(_, told)| after(told)) {
        return Err(player.untestable("the client's packet did not arrive"));
    }
    nothing_is_sent(&player)
}

/// The handler sends nothing at all.
fn nothing_is_sent(player: &Player) -> Outcome {
    if let Some((at, packet)) = player.play().next() {
        let got = format!(
            "{} was sent at {}, and not by the handler",
            packet.name,
            secs(at)
        );
        return Err(player.broken_by(CLAUSE, EXPECTED, got, (at, packet)));
    }
    Ok(())
}

/// Holds still at the last moment at which the client is not in play, and looks whether handlers are `told` anything.
async fn before_play(player: &mut Player, told: impl Fn() -> Vec<String>) -> Outcome {
    let configuration = |event: &Event| {
        matches!(
            event,
            Event::StateChanged {
                to: State::Configuration,
                ..
            }
        )
    };
    if player.until(configuration, JOIN_LIMIT).await.is_none() {
        return Err(player.untestable(player.stands()));
    }
    tokio::time::sleep(PAUSE).await;
    let told = told();
    if told.is_empty() {
        return Ok(());
    }
    let got = format!(
        "while the client has not left the configuration phase: {}",
        told.join(", ")
    );
    Err(player.broken(CLAUSE, EXPECTED, got))
}
