//! An answer that nobody asked for means that the two sides disagree.

use std::time::Duration;

use sim_proto::{ClientConfig, Event, KeepAlivePolicy};

use crate::case::Case;
use crate::lab::guest::GuestLab;
use crate::lab::player::secs;
use crate::verdict::Outcome;

/// From the clause.
const LIMIT: Duration = Duration::from_secs(1);

/// Past the read timeout of every client.
const WATCH: Duration = Duration::from_secs(40);

/// See the module.
pub const CASE: Case<GuestLab> = Case::new(
    "wrong-answer-ends-the-session",
    &["VB-KA-07"],
    "Answers keep-alives with an id that was not sent.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &GuestLab) -> Outcome {
    let config = ClientConfig {
        keep_alive: KeepAlivePolicy::WrongId,
        ..lab.client()
    };
    // The first keep-alive may come before the client is in world.
    lab.join().await?.leave().await;
    let mut player = lab.connect(config);
    let asked = player
        .until(
            |event| matches!(event, Event::Received(packet) if packet.name == "keep_alive"),
            WATCH,
        )
        .await;
    if asked.is_none() {
        return Err(player.untestable(format!("no keep-alive came: {}", player.stands())));
    }
    player.until_closed(lab.within(LIMIT)).await;
    lab.settle().await;
    // A trap ends the session too, and is another claim's.
    lab.untrapped()?;
    match player.closed() {
        Some(_) => Ok(()),
        None => {
            let expected = format!(
                "the end of the session within {} of an answer with a wrong id",
                secs(LIMIT)
            );
            Err(player.broken("VB-KA-07", expected, "the session goes on"))
        }
    }
}
