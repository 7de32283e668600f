//! A client that reads nothing for 30 s gives up, in the configuration phase too.

use std::sync::Arc;
use std::time::Duration;

use sim_proto::{ClientConfig, Event, KeepAlivePolicy, Packet, serverbound};
use vb_data::State;

use super::line::{Heard, Line};
use crate::case::Case;
use crate::lab::door::{Host, Need};
use crate::lab::host::{HostLab, may_play};
use crate::lab::player::{Player, secs};
use crate::verdict::Outcome;

const CLAUSE: &str = "VB-LOG-04";

/// From the clause, and a little for the packet itself.
const LONGEST_SILENCE: Duration = Duration::from_secs(15);
const SLACK: Duration = Duration::from_millis(500);

/// How long each of two listeners thinks about each of the three events between login and configuration: together far
/// longer than a client waits.
const THINKING: Duration = Duration::from_secs(9);
const ALL_THINKING: Duration = Duration::from_secs(2 * 3 * 9);

/// How long a host waits for an answer of the configuration phase; a little less of it is used, as wide as that is on a
/// clock.
const LIMIT: Duration = Duration::from_secs(15);
const MARGIN: Duration = Duration::from_secs(1);

/// How late an answer to a keep-alive may come.
const LATE: Duration = Duration::from_secs(10);

const PATIENCE: Duration = Duration::from_secs(10);

/// How long the last question is left open: less than a host waits for it, and longer than any interval of
/// keep-alives that keeps the clause.
const OPEN: Duration = Duration::from_millis(14_500);

/// See the module.
pub const CASE: Case<HostLab> = Case::new(
    "slow-configuration-is-kept-alive",
    &[CLAUSE],
    "Lets clients think in the configuration phase for as long as they may, and native plugins for most of a minute.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &HostLab) -> Outcome {
    let host = lab.host_of_probe(&[]).await?;
    // At once: each takes as long as the bound.
    let (silent, late) = futures::future::join(
        silent_after_the_last_question(lab, &host),
        late_with_an_answer(lab, &host),
    )
    .await;
    silent.and(late)?;
    if lab.offers(Need::NativePlugins) {
        natively(lab).await?;
    }
    Ok(())
}

/// No guest can think for so long.
async fn natively(lab: &HostLab) -> Outcome {
    let slow = lab
        .host(|plan| {
            let gate = lab.native("gate").thinking_for(THINKING);
            let guard = lab.native("guard").thinking_for(THINKING).with_priority(1);
            let guard = guard.with_outcome(vb_contract::EventOutcome::NoOpinion);
            plan.native("guard", Arc::new(guard), may_play()).native(
                "gate",
                Arc::new(gate),
                may_play(),
            )
        })
        .await?;
    waits_for_plugins(lab, &slow, lab.client()).await?;
    let late = ClientConfig {
        keep_alive: KeepAlivePolicy::Delay(LATE),
        ..lab.client()
    };
    waits_for_plugins(lab, &slow, late).await
}

async fn waits_for_plugins(lab: &HostLab, host: &Host, config: ClientConfig) -> Outcome {
    let mut player = lab.connect(host, config);
    let limit = 2 * THINKING + ALL_THINKING + PATIENCE;
    let in_play = |event: &Event| {
        matches!(
            event,
            Event::StateChanged {
                to: State::Play,
                ..
            }
        )
    };
    let joined = player.until(in_play, limit).await.is_some();
    if let Some((at, silence)) = longest_silence(&player)
        && silence > LONGEST_SILENCE + SLACK
    {
        let expected = format!(
            "a packet at least every {} in configuration",
            secs(LONGEST_SILENCE)
        );
        let got = format!("none for {}", secs(silence));
        return Err(player.finding(CLAUSE, expected, got).at(at).into());
    }
    if !joined {
        let expected =
            "that a client which answers keep-alives stays until the plugins have decided";
        return Err(player.broken(CLAUSE, expected, player.stands()));
    }
    Ok(())
}

/// The longest time in the configuration phase without a packet, and when it began; up to the end of the connection if
/// it ended there.
fn longest_silence(player: &Player) -> Option<(Duration, Duration)> {
    let mut since = None;
    let mut silences = Vec::new();
    for seen in player.seen() {
        let last = match &seen.event {
            Event::StateChanged {
                to: State::Configuration,
                ..
            } => {
                since = Some(seen.at);
                continue;
            }
            Event::Received(received) if received.state == State::Configuration => false,
            Event::StateChanged { .. } | Event::Closed(_) => true,
            _ => continue,
        };
        if let Some(from) = since {
            silences.push((from, seen.at - from));
            since = (!last).then_some(seen.at);
        }
    }
    silences.into_iter().max_by_key(|(_, silence)| *silence)
}

/// A client that takes its time with its known packs, and answers whatever keep-alive comes meanwhile.
async fn late_with_an_answer(lab: &HostLab, host: &Host) -> Outcome {
    let mut line = Line::with_login(lab, host, "late").await;
    let questions = ["select_known_packs", "finish_configuration"];
    let heard = line
        .hear_until(|said| questions.contains(&said.name), PATIENCE)
        .await;
    match heard.packet() {
        Some(said) if said.name == "select_known_packs" => {}
        // Protocols before 766 ask nothing before the last question.
        Some(_) => return Ok(()),
        None => return Err(line.untestable(format!("no question comes, but {}", heard.text()))),
    }
    let thinking = LIMIT - lab.within(MARGIN);
    let deadline = lab.now() + thinking;
    let mut heard = loop {
        match line.hear(deadline.saturating_sub(lab.now())).await {
            Heard::Packet(said) if said.name == "keep_alive" => {
                line.say("keep_alive", &said.data).await;
            }
            Heard::Packet(said) if !matches!(said.packet, Packet::Disconnect(_)) => {}
            heard => break heard,
        }
    };
    if heard == Heard::Silence {
        line.say("select_known_packs", &serverbound::known_packs(&[]))
            .await;
        heard = line
            .hear_until(|said| said.name == "finish_configuration", PATIENCE)
            .await;
    }
    match heard.packet() {
        Some(said) if said.name == "finish_configuration" => Ok(()),
        _ => {
            let expected = format!(
                "that a client stays which answers keep-alives, and the question after {}",
                secs(thinking)
            );
            Err(line.broken(CLAUSE, expected, heard.text()))
        }
    }
}

/// A client that has been sent `finish_configuration` reads what follows as packets of play.
async fn silent_after_the_last_question(lab: &HostLab, host: &Host) -> Outcome {
    let mut line = Line::with_login(lab, host, "slow").await;
    let heard = line
        .hear_until(|said| said.name == "finish_configuration", PATIENCE)
        .await;
    if heard.packet().is_none() {
        let why = format!("finish_configuration does not come, but {}", heard.text());
        return Err(line.untestable(why));
    }
    match line.hear(OPEN).await {
        // To end here already is for another clause.
        Heard::Silence | Heard::End => Ok(()),
        Heard::Packet(said) if matches!(said.packet, Packet::Disconnect(_)) => Ok(()),
        heard => {
            let expected = "nothing between finish_configuration and its acknowledgement";
            Err(line.broken(CLAUSE, expected, heard.text()))
        }
    }
}
