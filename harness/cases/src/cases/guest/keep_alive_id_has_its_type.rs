//! A keep-alive whose id has another type cannot be read, or leaves bytes over.

use std::time::Duration;

use sim_proto::Event;
use vb_data::State;

use crate::case::Case;
use crate::lab::guest::GuestLab;
use crate::lab::player::secs;
use crate::verdict::Outcome;

/// Past the read timeout of every client.
const LONGEST: Duration = Duration::from_secs(40);

const AFTER: Duration = Duration::from_millis(50);

/// See the module.
pub const CASE: Case<GuestLab> = Case::new(
    "keep-alive-id-has-its-type",
    &["VB-KA-02"],
    "Plays until a keep-alive comes and decodes it to its last byte.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &GuestLab) -> Outcome {
    // The first may come before the client is in world, so that a wrong one keeps it from ever being there.
    let mut player = lab.connect(lab.client());
    let mark = lab.recorder.mark();
    player
        .until(
            |event| match event {
                Event::Received(packet) => {
                    packet.name == "keep_alive" && packet.state == State::Play
                }
                Event::Closed(_) => true,
                _ => false,
            },
            LONGEST,
        )
        .await;
    // What is wrong with a packet is told after it.
    player.live(AFTER).await;
    if let Some((at, fault)) = player.fault_in(&["keep_alive"]) {
        let expected = "a keep-alive with an id of the protocol's type and nothing after it";
        return Err(player.broken_at("VB-KA-02", expected, fault.to_string(), at, &fault.site));
    }
    if player.named("keep_alive").next().is_some() {
        return Ok(());
    }
    if player.named("login").next().is_none() {
        return Err(lab.not_joined(&player, mark));
    }
    Err(player.untestable(format!(
        "no keep-alive came in {}: {}",
        secs(LONGEST),
        player.stands()
    )))
}
