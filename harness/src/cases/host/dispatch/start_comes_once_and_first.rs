//! Everything that a handler knows of a session begins with its start.

use std::time::Duration;

use crate::case::Case;
use crate::subject::host::{HostLab, PROBE_NAME};
use crate::subject::native::Told;
use crate::verdict::Outcome;

const CLAUSE: &str = "VB-DSP-02";

/// An id that no protocol has.
const MARK: i32 = 0x7001;

/// What the probe calls its callbacks in the log.
const CALLS: [&str; 3] = ["start", "packet", "end"];

const WATCH: Duration = Duration::from_secs(1);

/// The host enters play with the last packet that it sends there, the client when it reads it.
const SLACK: Duration = Duration::from_millis(50);

/// See the module.
pub const CASE: Case = Case::host(
    "start-comes-once-and-first",
    &["VB-DSP-02"],
    "Connects and looks at the order of the callbacks, natively and in a guest.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &HostLab) -> Outcome {
    let host = lab.host_of("gate", lab.native("gate")).await?;
    let mut player = lab.join(&host).await?;
    player.send_raw(MARK, b"after");
    player.live(WATCH).await;
    let told = lab.notebook.sessions();
    let starts = told
        .iter()
        .filter(|(_, told)| matches!(told, Told::Start { .. }))
        .count();
    let expected = "one start, in play, before everything else of the session";
    if starts != 1 {
        return Err(player.broken(CLAUSE, expected, format!("{starts} starts")));
    }
    let first = told
        .first()
        .map(|(at, told)| (*at, matches!(told, Told::Start { .. })));
    match (first, player.in_play_since()) {
        (Some((at, true)), Some(play)) if at >= play || SLACK >= play.saturating_sub(at) => {}
        (Some((_, true)), _) => {
            return Err(player.broken(CLAUSE, expected, "it came before the client was in play"));
        }
        _ => return Err(player.broken(CLAUSE, expected, format!("first came {:?}", told.first()))),
    }
    let sent = |told: &Told| matches!(told, Told::Packet(_, packet) if packet.packet_id == MARK);
    if !told.iter().any(|(_, told)| sent(told)) {
        return Err(player.untestable("the client's packet did not arrive"));
    }
    let host = lab.host_of_probe(&[]).await?;
    let mut player = lab.join(&host).await?;
    player.send_raw(MARK, b"after");
    player.live(WATCH).await;
    let lines = lab.recorder.guest_log(PROBE_NAME);
    let calls: Vec<&str> = lines
        .iter()
        .filter_map(|(_, line)| line.split(' ').next())
        .filter(|w| CALLS.contains(w))
        .collect();
    let starts = calls.iter().filter(|word| **word == "start").count();
    if calls.first() == Some(&"start") && starts == 1 {
        return Ok(());
    }
    Err(player.broken(
        CLAUSE,
        expected,
        format!("a guest was called {}", calls.join(", ")),
    ))
}
