//! A flood must cost in proportion to itself.

use std::time::Duration;

use vb_contract::TrapKind;

use super::garbage::{packets, well_formed};
use crate::case::Case;
use crate::lab::door::Host;
use crate::lab::guest::GuestLab;
use crate::lab::player::{JOIN_LIMIT, Player, close_text, secs};
use crate::verdict::{Outcome, Stop};

const CLAUSE: &str = "VB-RAW-05";

/// From the clause.
const FLOOD: usize = 10_000;

/// Long enough for the first keep-alives.
const BEFORE: Duration = Duration::from_secs(31);

/// Twice the longest read timeout of a client, and a little.
const AFTER: Duration = Duration::from_secs(65);

/// How long a guest may take to end a session for a flood.
const AT_ONCE: Duration = Duration::from_secs(5);

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
pub const CASE: Case<GuestLab> = Case::new(
    "flood-stops-no-keep-alive",
    &["VB-RAW-05"],
    "Sends ten thousand packets at once and watches the guest's keep-alives before and after.",
    |lab| Box::pin(run(lab)),
)
.on_the_newest()
.taking_minutes();

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

/// The longest time without a keep-alive from the last one before the flood on.
fn longest_silence(player: &Player, flood: Duration) -> Duration {
    let end = player.closed().map_or(player.now(), |(at, _)| at);
    let asked: Vec<Duration> = player.named("keep_alive").map(|(at, _)| at).collect();
    let before = asked.iter().rev().find(|at| **at <= flood);
    let mut last = before.copied().unwrap_or(flood);
    let mut longest = Duration::ZERO;
    for at in asked.into_iter().filter(|at| *at > flood).chain([end]) {
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
    let flooded = began + BEFORE;
    if let Some((at, reason)) = player.closed().filter(|_| player.fault().is_none()) {
        // A guest may end a session for what its client sends, but not for its own silence.
        if at.saturating_sub(flooded) <= AT_ONCE {
            return Ok(());
        }
        let expected = format!(
            "a session that goes on after {FLOOD} packets at once, or is ended for them within {}",
            secs(AT_ONCE)
        );
        let got = format!("it ended: {}", close_text(reason));
        return Err(player.finding(CLAUSE, expected, got).at(at).into());
    }
    let silence = longest_silence(&player, flooded);
    if silence < limit {
        return Ok(());
    }
    let expected = format!(
        "a keep-alive before the client's read timeout of {} after {FLOOD} packets at once",
        secs(limit)
    );
    Err(player.broken(CLAUSE, expected, format!("none came for {}", secs(silence))))
}
