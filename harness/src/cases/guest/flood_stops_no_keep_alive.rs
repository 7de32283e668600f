//! A flood must cost in proportion to itself.

use std::time::Duration;

use reference_backend::{Host, TrapKind};

use super::garbage::{packets, well_formed};
use crate::case::Case;
use crate::subject::lab::GuestLab;
use crate::subject::player::{JOIN_LIMIT, Player, secs};
use crate::verdict::{Outcome, Stop};

const CLAUSE: &str = "VB-RAW-05";

/// From the clause.
const FLOOD: usize = 10_000;

/// Long enough for the first keep-alives.
const BEFORE: Duration = Duration::from_secs(31);

/// Twice the longest read timeout of a client, and a little.
const AFTER: Duration = Duration::from_secs(65);

/// What a player in a hurry sends. Chat is not among it: what a guest says to that is another matter.
const KINDS: [&str; 6] = [
    "position_look",
    "position",
    "look",
    "flying",
    "custom_payload",
    "pong",
];

/// See the module.
pub const CASE: Case = Case::guest(
    "flood-stops-no-keep-alive",
    &["VB-RAW-05"],
    "Sends ten thousand packets at once and watches the guest's keep-alives before and after.",
    |lab| Box::pin(run(lab)),
);

/// A client's life with a flood in the middle of it, or without: the client.
async fn live(lab: &GuestLab, host: &Host, packets: usize) -> Result<Player, Stop> {
    let mut player = lab.connect_to(host, lab.client());
    if !player.until_in_world(JOIN_LIMIT).await {
        return Err(player.untestable(player.stands()));
    }
    player.live(BEFORE).await;
    if player.closed().is_some() || player.named("keep_alive").next().is_none() {
        return Err(player.untestable(format!("no keep-alive comes: {}", player.stands())));
    }
    let version = player.version();
    let kinds: Vec<(i32, Vec<u8>)> = self::packets(lab.protocol)
        .filter(|(_, name)| KINDS.contains(name))
        .filter_map(|(id, name)| Some((id, well_formed(version, name)?.swap_remove(0))))
        .collect();
    for (id, data) in kinds.iter().cycle().take(packets) {
        player.send_raw(*id, data);
    }
    player.live(AFTER).await;
    Ok(player)
}

/// The longest time without a keep-alive from the flood on.
fn longest_silence(player: &Player, from: Duration) -> Duration {
    let end = player.closed().map_or(player.now(), |(at, _)| at);
    let mut last = from;
    let mut longest = Duration::ZERO;
    let asked = player.named("keep_alive").map(|(at, _)| at);
    for at in asked.filter(|at| *at >= from).chain([end]) {
        longest = longest.max(at.saturating_sub(last));
        last = at;
    }
    longest
}

async fn run(lab: &GuestLab) -> Outcome {
    lab.join().await?.leave().await;
    // The same life without a flood: what is missing there too is not the flood's doing.
    let host = lab.another_host().await?;
    let began = lab.now();
    let mut quiet = live(lab, &host, 0).await?;
    let limit = quiet.version().read_timeout();
    if quiet.closed().is_some() || longest_silence(&quiet, began + BEFORE) >= limit {
        return Err(quiet.untestable(format!("no flood is needed: {}", quiet.stands())));
    }
    quiet.leave().await;
    let began = lab.now();
    let player = live(lab, &lab.host, FLOOD).await?;
    if let Some(trap) = lab.recorder.traps().first() {
        let expected = format!("no trap on {FLOOD} packets at once");
        let mut got = format!("the guest trapped: {trap}");
        if trap.kind == TrapKind::CpuBudget {
            got.push_str(", which a flood must not do");
        }
        return Err(player.finding(CLAUSE, expected, got).at(trap.at).into());
    }
    // A guest may end a session for what its client sends.
    if player.fault().is_none() && player.closed().is_some() {
        return Ok(());
    }
    let silence = longest_silence(&player, began + BEFORE);
    if silence < limit {
        return Ok(());
    }
    let expected = format!(
        "a keep-alive before the client's read timeout of {} after {FLOOD} packets at once",
        secs(limit)
    );
    Err(player.broken(CLAUSE, expected, format!("none came for {}", secs(silence))))
}
