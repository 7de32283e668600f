//! The callback that is forgotten is the one that stops the host.

use std::time::Duration;

use futures::future::join_all;
use vb_contract::{Callback, TrapKind};

use super::heard::said;
use crate::case::Case;
use crate::lab::carried::{CALLBACKS, Worker};
use crate::lab::door::Need;
use crate::lab::host::{HostLab, may_play};
use crate::lab::player::{JOIN_LIMIT, Player};
use crate::lab::recorder::TrapSeen;
use crate::verdict::{Finding, Outcome, Stop};

const CLAUSE: &str = "VB-ENF-10";

/// Fuel of one callback, where it can be set.
const FUEL: u64 = 100_000;

/// Turns of the worker's loop, of seven instructions, that take about half of it: once in each callback they are far
/// more than one budget for all.
const WITHIN: u32 = 7_000;

/// Turns that take many times as much, by whatever a host counts.
const PAST: u32 = 1_000_000;

/// Turns that take some seconds, for a host with a budget of its own: nobody may have the whole of a host for so long.
const PAST_ANY: u32 = u32::MAX;

/// See the module.
pub const CASE: Case<HostLab> = Case::new(
    "every-callback-has-a-budget",
    &["VB-ENF-10"],
    "Has a guest work within its budget in every callback, and then others past it in one each.",
    |lab| Box::pin(run(lab)),
)
.on_the_newest();

async fn run(lab: &HostLab) -> Outcome {
    come_through(lab).await?;
    let past = if lab.sets("fuel") { PAST } else { PAST_ANY };
    let lives = CALLBACKS
        .iter()
        .map(|(callback, word)| interrupted(lab, *callback, word, past));
    join_all(lives).await.into_iter().collect()
}

async fn come_through(lab: &HostLab) -> Outcome {
    const NAME: &str = "worker";
    // That it comes to its end is the claim; when is none.
    let traps = life(lab, NAME, &Worker::everywhere(WITHIN), JOIN_LIMIT).await?;
    let missing = CALLBACKS
        .iter()
        .find(|(_, word)| !has_said(lab, NAME, word));
    if traps.is_empty() && missing.is_none() {
        return Ok(());
    }
    let got = format!(
        "{}; {}",
        words(&traps),
        missing.map_or_else(String::new, |(callback, _)| format!(
            "{callback} did not come to its end"
        ))
    );
    let expected = "a guest that takes half of its budget in every callback to come through: the budget is set afresh";
    Err(Finding::new(CLAUSE, expected, got).into())
}

/// A guest that works past its budget in this callback, after which it would say so.
async fn interrupted(lab: &HostLab, callback: Callback, word: &str, turns: u32) -> Outcome {
    let name = format!("worker-in-{callback}");
    let worker = Worker::default().working(callback, turns);
    let traps = life(lab, &name, &worker, JOIN_LIMIT / 5).await?;
    let expected =
        format!("{callback} to be interrupted when it works for several times its budget");
    if has_said(lab, &name, word) {
        let got = format!("it came to its end; {}", words(&traps));
        return Err(Finding::new(CLAUSE, expected, got).into());
    }
    let right = |trap: &TrapSeen| (trap.callback, &trap.kind) == (callback, &TrapKind::CpuBudget);
    let told = !traps.is_empty() && traps.iter().all(right);
    if told || !lab.offers(Need::HostEvents) {
        return Ok(());
    }
    Err(Finding::new(CLAUSE, expected, words(&traps)).into())
}

fn has_said(lab: &HostLab, plugin: &str, word: &str) -> bool {
    let mut lines = lab.recorder.guest_log(plugin).into_iter();
    lines.any(|(_, line)| line == word)
}

fn words(traps: &[TrapSeen]) -> String {
    let traps: Vec<String> = traps.iter().map(ToString::to_string).collect();
    format!("the traps were {traps:?}")
}

/// Everything that can happen to a plugin, once, as far as it gets: one player joins, sends a packet, stays until the
/// task has run, and leaves; the host shuts down. Each is waited for so long. Answers the traps, where the host tells of
/// them.
async fn life(
    lab: &HostLab,
    name: &str,
    worker: &Worker,
    patience: Duration,
) -> Result<Vec<TrapSeen>, Stop> {
    let mut config = may_play();
    if lab.sets("fuel") {
        config.limits.fuel = FUEL;
    }
    let guest = worker.bytes().into();
    let host = lab.host(|plan| plan.guest(name, guest, config)).await?;
    let traps = || {
        let traps = lab.recorder.traps().into_iter();
        traps.filter(|trap| trap.plugin == name).collect()
    };
    if Vec::is_empty(&traps()) {
        let mut player = lab.connect(&host, lab.client());
        until(lab, &mut player, name, "start", patience).await;
        if player.fault().is_some() {
            return Err(player.untestable(player.stands()));
        }
        player.send_raw(0, b"x");
        until(lab, &mut player, name, "packet", patience).await;
        until(lab, &mut player, name, "on-task", patience).await;
        player.leave().await;
        lab.settle().await;
    }
    host.shutdown("The life is over.").await;
    lab.settle().await;
    Ok(traps())
}

/// Lets the client live until the plugin says so, or its connection is over.
async fn until(lab: &HostLab, player: &mut Player, plugin: &str, word: &str, patience: Duration) {
    said(lab, player, plugin, 0, lab.within(patience), |line| {
        line == word
    })
    .await;
}
