//! A login screen that can be crashed open is worse than none, and a crash loop must not take the host's time.

use std::time::Duration;

use vb_contract::DenyReason;

use super::probing::{modest, pass, tell, trapped};
use crate::case::Case;
use crate::cases::host::asking::{ask, must_deny};
use crate::lab::door::{Host, Need};
use crate::lab::host::{HostLab, PROBE_NAME, STEP, with_config};
use crate::lab::player::{Player, secs};
use crate::verdict::{Outcome, Stop};

const CLAUSE: &str = "VB-BRG-07";

/// From the clause.
const RESTARTS: usize = 5;
/// From the clause.
const WINDOW: Duration = Duration::from_secs(300);

/// The longest pause, from the text on traps.
const PATIENCE: Duration = Duration::from_secs(120);

/// See the module.
pub const CASE: Case<HostLab> = Case::new(
    "a-plugin-that-fails-keeps-its-gates-shut",
    &["VB-BRG-07"],
    "Has the probe trap until it is quarantined, and knocks while it is down and another plugin would let everybody in.",
    |lab| Box::pin(run(lab)),
)
.on_the_newest()
.needing(&[Need::Restart, Need::TwoPlugins]);

async fn run(lab: &HostLab) -> Outcome {
    crash_loop(lab).await?;
    if lab.is_virtual() {
        far_apart(lab).await?;
    }
    refusal(lab).await
}

/// The probe, and behind it a plugin that lets everybody in.
async fn hosts(lab: &HostLab, lines: &[(&str, &str)]) -> Result<Host, Stop> {
    let (first, second) = match lab.choices().lowest_first {
        true => ("0", "100"),
        false => ("100", "0"),
    };
    let lines = [&[("priority", first)], lines].concat();
    lab.host(|plan| {
        plan.guest(PROBE_NAME, lab.probe(), modest(lab, &lines))
            .guest("open", lab.probe(), with_config(&[("priority", second)]))
    })
    .await
}

/// When the instances were enabled so far.
fn enabled(lab: &HostLab) -> Vec<Duration> {
    let lines = lab.recorder.guest_log(PROBE_NAME).into_iter();
    lines
        .filter_map(|(at, line)| (line == "enable").then_some(at))
        .collect()
}

/// Joins and has the probe trap.
async fn crash(lab: &HostLab, host: &Host) -> Result<(Player, Duration), Stop> {
    let mut player = lab.join(host).await?;
    // Also proves that it was the probe that let the player in.
    ask(lab, &mut player, "log alive").await?;
    let ordered = lab.now();
    tell(&mut player, "trap");
    if lab.is_virtual() {
        pass(&mut [&mut player], STEP).await;
    } else {
        player.until_closed(lab.within(STEP)).await;
    }
    let at = trapped(lab, &player, ordered)?.at;
    Ok((player, at))
}

async fn knock(lab: &HostLab, host: &Host, when: &str) -> Outcome {
    let down =
        |reason: &DenyReason| matches!(reason, DenyReason::PluginDown | DenyReason::HeldShut);
    must_deny(lab, host, CLAUSE, when, down).await
}

/// Waits for one more instance than `before`.
async fn restarted(lab: &HostLab, before: usize, limit: Duration) -> bool {
    let deadline = lab.now() + limit;
    while enabled(lab).len() == before && lab.now() < deadline {
        tokio::time::sleep(STEP).await;
    }
    enabled(lab).len() > before
}

async fn crash_loop(lab: &HostLab) -> Outcome {
    let host = hosts(lab, &[]).await?;
    let began = lab.now();
    let mut pauses: Vec<Duration> = Vec::new();
    for restart in 1..=RESTARTS {
        let (player, trap) = crash(lab, &host).await?;
        let knocked = knock(
            lab,
            &host,
            &format!("the plugin is down for the {restart}. time"),
        )
        .await;
        let back_already = !lab.is_virtual() && enabled(lab).len() > restart;
        if !back_already {
            knocked?;
        }
        restarted(lab, restart, PATIENCE).await;
        if enabled(lab).len() != restart + 1 {
            let expected = format!("a restart within {} after trap {restart}", secs(PATIENCE));
            let got = format!("{} instances were enabled", enabled(lab).len());
            return Err(player.broken(CLAUSE, expected, got));
        }
        let pause = enabled(lab)
            .last()
            .map_or(Duration::ZERO, |at| at.saturating_sub(trap));
        if pauses.last().is_some_and(|last| pause <= *last) {
            let all: Vec<String> = pauses.iter().chain([&pause]).map(|at| secs(*at)).collect();
            return Err(player.broken(
                CLAUSE,
                "each pause before a restart longer than the one before it",
                all.join(", "),
            ));
        }
        pauses.push(pause);
    }
    if lab.now() - began > WINDOW {
        return Err(Stop::Untestable(
            format!("{RESTARTS} restarts took {}", secs(lab.now() - began)),
            Vec::new(),
        ));
    }
    let (player, _) = crash(lab, &host).await?;
    knock(lab, &host, "the plugin has trapped too often").await?;
    // Where time is real, until well after a next restart would have been due.
    let last = pauses.last().copied().unwrap_or_default();
    let watch = if lab.is_virtual() {
        2 * WINDOW
    } else {
        3 * last
    };
    if restarted(lab, RESTARTS + 1, watch).await {
        return Err(player.broken(
            CLAUSE,
            format!(
                "no restart after trap {} within {}",
                RESTARTS + 1,
                secs(watch)
            ),
            "it was enabled once more",
        ));
    }
    knock(lab, &host, "the plugin is in quarantine").await
}

/// What lies further back than the window is forgiven.
async fn far_apart(lab: &HostLab) -> Outcome {
    let before = enabled(lab).len();
    let host = hosts(lab, &[]).await?;
    for trap in 1..=RESTARTS + 2 {
        let (mut player, _) = crash(lab, &host).await?;
        if !restarted(lab, before + trap, PATIENCE).await {
            let apart = secs(WINDOW / 4);
            let expected = format!("a restart after every trap, when they are {apart} apart");
            let got = format!("none after trap {trap}");
            return Err(player.broken(CLAUSE, expected, got));
        }
        pass(&mut [&mut player], WINDOW / 4).await;
    }
    Ok(())
}

/// One that answers an error after it has subscribed is down for good.
async fn refusal(lab: &HostLab) -> Outcome {
    let host = hosts(lab, &[("marker", "none")]).await?;
    knock(
        lab,
        &host,
        "on-enable has answered an error after it had subscribed",
    )
    .await
}
