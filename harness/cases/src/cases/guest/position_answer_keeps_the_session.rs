//! What every client answers to its first position must not be held against it.

use std::time::Duration;

use sim_proto::{ClientConfig, Event, KeepAlivePolicy};
use vb_data::State;

use crate::case::Case;
use crate::lab::guest::GuestLab;
use crate::lab::player::{JOIN_LIMIT, close_text};
use crate::verdict::Outcome;

/// Long enough for the answer to be read, and for movement after it.
const AFTER: Duration = Duration::from_secs(2);

/// See the module.
pub const CASE: Case<GuestLab> = Case::new(
    "position-answer-keeps-the-session",
    &["VB-JOIN-12"],
    "Joins, answers the position-and-look, moves, and looks whether the session lasts.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &GuestLab) -> Outcome {
    // No answers to keep-alives, and a short look: what comes of those is another claim's.
    let config = ClientConfig {
        keep_alive: KeepAlivePolicy::Never,
        ..lab.client()
    };
    let mut player = lab.connect(config);
    let mark = lab.recorder.mark();
    let wanted = |event: &Event| match event {
        Event::Received(packet) => packet.name == "position" && packet.state == State::Play,
        Event::Closed(_) => true,
        _ => false,
    };
    player.until(wanted, JOIN_LIMIT).await;
    player.live(AFTER).await;
    if player.named("login").next().is_none() {
        return Err(lab.not_joined(&player, mark));
    }
    if player.named("position").next().is_none() || player.fault().is_some() {
        return Err(player.untestable(player.stands()));
    }
    lab.no_trap(
        &player,
        "VB-JOIN-12",
        "when the client answers the position-and-look",
    )?;
    match player.closed() {
        None => Ok(()),
        Some((at, reason)) => {
            let expected =
                "a session that goes on after the client has answered the position-and-look";
            let finding = player.finding(
                "VB-JOIN-12",
                expected,
                format!("it ended: {}", close_text(reason)),
            );
            Err(finding.at(at).into())
        }
    }
}
