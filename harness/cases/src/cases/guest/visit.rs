//! A visit that has the guest send what it has to send: on joining, when spoken to, when its player leaves.

use std::time::Duration;

use sim_proto::{Event, Fault};
use vb_data::State;

use crate::lab::guest::GuestLab;
use crate::lab::player::Player;
use crate::verdict::Stop;

/// What the player says. Guests answer what they like.
pub const ASK: &str = "vbspec asks for something";

/// Long enough for a keep-alive of a guest that sends them as it should.
const WATCH: Duration = Duration::from_secs(16);

/// Long enough for an answer.
const ANSWER: Duration = Duration::from_secs(6);

/// Joins, listens, asks, listens, and asks to leave.
///
/// # Errors
/// When the guest sends no `JoinGame`.
pub async fn visit(lab: &GuestLab) -> Result<Player, Stop> {
    let mut player = lab.connect(lab.client());
    let mark = lab.recorder.mark();
    player.live(WATCH).await;
    player.chat(ASK);
    player.live(ANSWER).await;
    player.chat("/leave");
    player.live(ANSWER).await;
    if player.came("login").is_none() {
        return Err(lab.not_joined(&player, mark));
    }
    Ok(player)
}

/// Fails `clause` with the fault that one of these packets of the play state was for the client.
///
/// # Errors
/// The broken clause.
pub fn survives(
    player: &Player,
    clause: &'static str,
    expected: &str,
    names: &[&str],
) -> Result<(), Stop> {
    match player.fault_in(names) {
        Some((at, fault)) if fault.site.state == State::Play => {
            Err(player.broken_at(clause, expected, fault.to_string(), at, &fault.site))
        }
        _ => Ok(()),
    }
}

/// The client's fault in the play state and its packet's name, if there was one.
pub fn fault_in_play(player: &Player) -> Option<(Duration, &Fault, &'static str)> {
    let (at, fault) = player.fault()?;
    let (_, name) = fault.site.packet?;
    (fault.site.state == State::Play).then_some((at, fault, name))
}

/// Whether it was in world before that time.
pub fn was_in_world(player: &Player, at: Duration) -> bool {
    let mut seen = player.seen().iter();
    seen.any(|seen| matches!(seen.event, Event::InWorld(_)) && seen.at <= at)
}
