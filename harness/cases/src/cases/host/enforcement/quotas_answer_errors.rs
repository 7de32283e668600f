//! Every table that a guest can fill has an end, and the guest hears of it and goes on.

use std::time::Duration;

use vb_contract::{HostEvent, Limits};

use crate::case::Case;
use crate::cases::host::asking::{COMMAND, ask};
use crate::lab::door::Need;
use crate::lab::host::{HostLab, PROBE_NAME, with_config};
use crate::lab::player::Player;
use crate::verdict::{Finding, Outcome};

const CLAUSE: &str = "VB-ENF-12";

/// What the probe subscribes to by itself.
const OWN_LISTENERS: usize = 7;

const HANDLERS: usize = 3;
const LISTENERS: usize = OWN_LISTENERS + 2;
const TASKS: usize = 5;
const KEPT: usize = 4;
const LINES: usize = 50;

/// More than a second, in which the log begins to count afresh.
const NEXT_SECOND: Duration = Duration::from_millis(1_100);

/// See the module.
pub const CASE: Case<HostLab> = Case::new(
    "quotas-answer-errors",
    &["VB-ENF-12"],
    "Fills each table of a guest to its last place, asks for one more, and logs faster than allowed.",
    |lab| Box::pin(run(lab)),
)
.on_the_newest()
.needing(&[Need::OwnLimits]);

/// Those that can be set.
#[allow(clippy::cast_possible_truncation, reason = "each is a handful")]
fn limits(lab: &HostLab) -> Limits {
    let mut limits = Limits::default();
    for (name, place, quota) in [
        ("handlers", &mut limits.handlers, HANDLERS),
        ("listeners", &mut limits.listeners, LISTENERS),
        ("tasks", &mut limits.tasks, TASKS),
        ("kept_sessions", &mut limits.kept_sessions, KEPT),
        ("log_lines", &mut limits.log_lines, LINES),
    ] {
        if lab.sets(name) {
            *place = quota as u32;
        }
    }
    limits
}

async fn run(lab: &HostLab) -> Outcome {
    let handlers = (HANDLERS + 1).to_string();
    let listeners = (LISTENERS - OWN_LISTENERS + 1).to_string();
    let mut config = with_config(&[
        ("handlers", &handlers),
        ("listeners", &listeners),
        ("packets", "quiet"),
    ]);
    config.limits = limits(lab);
    let host = lab
        .host(|plan| plan.guest(PROBE_NAME, lab.probe(), config))
        .await?;
    lab.settle().await;
    if lab.sets("handlers") {
        registered(lab, "register", HANDLERS)?;
    }
    if lab.sets("listeners") {
        registered(lab, "subscribe", LISTENERS - OWN_LISTENERS)?;
    }

    let mut player = lab.join(&host).await?;
    for (command, limit, quota) in [
        ("schedule 600000", "tasks", TASKS),
        ("acquire", "kept_sessions", KEPT),
    ] {
        if !lab.sets(limit) {
            continue;
        }
        let many = format!("many {quota} {command}");
        let all = ask(lab, &mut player, &many).await?;
        let one_more = ask(lab, &mut player, command).await?;
        if all != format!("ok count={quota}") || !one_more.starts_with("err quota-exceeded") {
            let expected = format!(
                "`{command}` to succeed {quota} times, which is the quota, and then to answer quota-exceeded"
            );
            let got = format!("{quota} times answered: {all}; once more answered: {one_more}");
            return Err(player.broken(CLAUSE, expected, got));
        }
    }
    if lab.sets("log_lines") {
        log(lab, &mut player).await?;
    }
    if let Some(trap) = lab.recorder.traps().first() {
        let got = format!("the guest trapped: {trap}");
        return Err(player.broken(CLAUSE, "no trap at a quota", got));
    }
    Ok(())
}

/// What the probe logged of its registrations: as many as the quota succeed, and the next does not.
fn registered(lab: &HostLab, name: &str, quota: usize) -> Outcome {
    let lead = format!("result {name} ");
    let lines = lab.recorder.guest_log(PROBE_NAME);
    let answers: Vec<&str> = lines
        .iter()
        .filter_map(|(_, line)| {
            line.strip_prefix(&lead)
                .or_else(|| (line == lead.trim_end()).then_some(""))
        })
        .collect();
    let succeeded = answers
        .iter()
        .take_while(|answer| answer.starts_with("ok"))
        .count();
    let then = answers.get(succeeded).copied().unwrap_or_default();
    if succeeded == quota && then.starts_with("err quota-exceeded") {
        return Ok(());
    }
    let expected = format!(
        "`{name}` to succeed {quota} times, which is what is left of the quota, and then to answer quota-exceeded"
    );
    Err(Finding::new(CLAUSE, expected, format!("the answers were {answers:?}")).into())
}

/// Twice as many lines as a second holds, the command's own result among them; ten times as many where time is real, which
/// may pass into the next second.
async fn log(lab: &HostLab, player: &mut Player) -> Outcome {
    let lines = LINES * if lab.is_virtual() { 2 } else { 10 };
    player.live(NEXT_SECOND).await;
    let mark = lab.recorder.mark();
    let command = format!("many {} log spam", lines - 1);
    player.send_raw(COMMAND, command.as_bytes());
    player.live(NEXT_SECOND).await;
    let late = ask(lab, player, "log late").await?;
    if !lab.is_virtual() {
        // What was dropped may be told of a second late.
        player.live(NEXT_SECOND).await;
        lab.settle().await;
    }
    let (written, dropped) = spam(lab, mark);
    let right = if lab.is_virtual() {
        (written, dropped) == (LINES, LINES)
    } else {
        // Not every adapter tells what was dropped, and the result is not counted here where it was written.
        let counted = dropped == 0 || (lines - 1..=lines).contains(&(written + dropped));
        (1..=LINES * 3).contains(&written) && counted
    };
    if right && late == "ok" {
        return Ok(());
    }
    let expected = format!(
        "{LINES} of {lines} lines in one second to be written, the others to be counted, and the next second's to be written"
    );
    let got = format!("{written} written, {dropped} counted, then: {late}");
    Err(player.broken(CLAUSE, expected, got))
}

/// How many lines of the command were written since a mark, and how many dropped.
fn spam(lab: &HostLab, mark: usize) -> (usize, usize) {
    let written = lab.recorder.since(mark, |seen| match &seen.event {
        HostEvent::GuestLog { message, .. } if message == "spam" => Some(()),
        _ => None,
    });
    let dropped = lab.recorder.since(mark, |seen| match &seen.event {
        HostEvent::GuestLogDropped { lines, .. } => usize::try_from(*lines).ok(),
        _ => None,
    });
    (written.len(), dropped.into_iter().sum())
}
