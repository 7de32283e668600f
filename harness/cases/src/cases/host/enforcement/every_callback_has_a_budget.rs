//! The callback that is forgotten is the one that stops the host.

use vb_contract::TrapKind;

use crate::case::Case;
use crate::lab::carried::{CALLBACKS, Worker};
use crate::lab::door::Need;
use crate::lab::host::{HostLab, STEP, may_play};
use crate::lab::player::JOIN_LIMIT;
use crate::lab::recorder::TrapSeen;
use crate::verdict::{Finding, Outcome, Stop};

const CLAUSE: &str = "VB-ENF-10";

/// Fuel of one callback.
const FUEL: u64 = 100_000;

/// Turns of the worker's loop, of seven instructions, that take about half of it: once in each callback they are far
/// more than one budget for all.
const WITHIN: u32 = 7_000;

/// Turns that take several times as much.
const PAST: u32 = 100_000;

/// See the module.
pub const CASE: Case = Case::host(
    "every-callback-has-a-budget",
    &["VB-ENF-10"],
    "Has a guest work within its budget in every callback, and then past it in each.",
    |lab| Box::pin(run(lab)),
)
.on_the_newest()
.needing(&[Need::HostEvents, Need::OwnLimits]);

async fn run(lab: &HostLab) -> Outcome {
    let traps = life(lab, &Worker::everywhere(WITHIN)).await?;
    let said: Vec<String> = lab
        .recorder
        .guest_log("worker")
        .into_iter()
        .map(|(_, line)| line)
        .collect();
    let missing = CALLBACKS
        .iter()
        .find(|(_, word)| !said.iter().any(|line| line == word));
    if !traps.is_empty() || missing.is_some() {
        let traps: Vec<String> = traps.iter().map(ToString::to_string).collect();
        let got = format!(
            "the traps were {traps:?}; {}",
            missing.map_or_else(String::new, |(callback, _)| format!(
                "{callback} did not come to its end"
            ))
        );
        let expected = "a guest that takes half of its budget in every callback to come through: the budget is set afresh";
        return Err(Finding::new(CLAUSE, expected, got).into());
    }
    for (callback, _) in CALLBACKS {
        let traps = life(lab, &Worker::default().working(callback, PAST)).await?;
        let right =
            |trap: &TrapSeen| (trap.callback, &trap.kind) == (callback, &TrapKind::CpuBudget);
        if traps.is_empty() || !traps.iter().all(right) {
            let traps: Vec<String> = traps.iter().map(ToString::to_string).collect();
            let expected =
                format!("{callback} to be interrupted when it works for several times its budget");
            return Err(Finding::new(CLAUSE, expected, format!("the traps were {traps:?}")).into());
        }
    }
    Ok(())
}

/// Everything that can happen to a plugin, once, as far as it gets: one player joins, sends a packet, stays until the
/// task has run, and leaves; the host shuts down. Answers the traps.
async fn life(lab: &HostLab, worker: &Worker) -> Result<Vec<TrapSeen>, Stop> {
    let guest = worker.bytes().into();
    let mut config = may_play();
    config.limits.fuel = FUEL;
    let before = lab.recorder.traps().len();
    let host = lab.host(|plan| plan.guest("worker", guest, config)).await?;
    let trapped = || lab.recorder.traps().len() > before;
    if !trapped() {
        let mut player = lab.connect(&host, lab.client());
        player.live(STEP * 4).await;
        player.send_raw(0, b"x");
        player.live(JOIN_LIMIT / 5).await;
        if player.closed().is_none() {
            player.leave().await;
            lab.wait(STEP).await;
        }
    }
    host.shutdown("The life is over.").await;
    Ok(lab.recorder.traps().split_off(before))
}
