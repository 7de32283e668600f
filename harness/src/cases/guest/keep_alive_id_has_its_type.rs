//! A keep-alive whose id has another type cannot be read, or leaves bytes over.

use std::time::Duration;

use sim_proto::Event;

use crate::case::Case;
use crate::subject::guest::GuestLab;
use crate::subject::player::secs;
use crate::verdict::Outcome;

/// Past the read timeout of every client.
const LONGEST: Duration = Duration::from_secs(40);

/// See the module.
pub const CASE: Case = Case::guest(
    "keep-alive-id-has-its-type",
    &["VB-KA-02"],
    "Plays until a keep-alive comes and decodes it to its last byte.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &GuestLab) -> Outcome {
    let mut player = lab.join().await?;
    player.until(|event| matches!(event, Event::Received(packet) if packet.name == "keep_alive"), LONGEST).await;
    if let Some((at, fault)) = player.fault_in(&["keep_alive"]) {
        let expected = "a keep-alive with an id of the protocol's type and nothing after it";
        return Err(player.broken_at("VB-KA-02", expected, fault.to_string(), at, &fault.site));
    }
    match player.named("keep_alive").next() {
        Some(_) => Ok(()),
        None => Err(player.untestable(format!("no keep-alive came in {}: {}", secs(LONGEST), player.stands()))),
    }
}
