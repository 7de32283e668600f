//! Keep-alives hang on tasks that run when they are due.

use std::time::Duration;

use super::probing::{in_world, pass};
use crate::case::Case;
use crate::cases::host::asking::ask;
use crate::lab::door::LOG_DELAY;
use crate::lab::host::{HostLab, PROBE_NAME};
use crate::lab::player::{Player, secs};
use crate::verdict::{Outcome, Stop};

const CLAUSE: &str = "VB-BRG-10";

/// From the clause.
const LATE: Duration = Duration::from_millis(50);

/// Delays in ms: at once, around the shortest period, around a tick, a keep-alive, a minute.
const DELAYS: [u64; 10] = [0, 1, 9, 10, 49, 50, 51, 1000, 15_000, 60_000];

/// The shortest period that the contract allows, and two of keep-alives, in ms.
const PERIODS: [(u64, u64); 4] = [(0, 10), (7, 10), (500, 250), (3000, 2000)];

/// Runs of a repeating task that are looked at.
const RUNS: u64 = 20;

/// See the module.
pub const CASE: Case<HostLab> = Case::new(
    "tasks-run-once-and-in-time",
    &["VB-BRG-10"],
    "Schedules tasks and repeating tasks of many delays, cancels some around their time, and reads when they run.",
    |lab| Box::pin(run(lab)),
)
.on_the_newest();

async fn run(lab: &HostLab) -> Outcome {
    // In a world, so that the client has something to read while it waits.
    let lines = [("join", "true"), ("packets", "quiet")];
    let host = lab.host_of_probe(&lines).await?;
    let mut player = in_world(lab, &host).await?;
    once(lab, &mut player).await?;
    repeating(lab, &mut player).await?;
    cancelled(lab, &mut player).await?;
    if lab.is_virtual() {
        missed(lab, &mut player).await?;
    }
    Ok(())
}

/// A task's number, and when it was scheduled.
async fn schedule(
    lab: &HostLab,
    player: &mut Player,
    command: &str,
) -> Result<(u64, Duration), Stop> {
    let answer = ask(lab, player, command).await?;
    let name = command.split(' ').next().unwrap_or_default();
    let line = format!("result {name} {answer}");
    let log = lab.recorder.guest_log(PROBE_NAME);
    let at = log.iter().rev().find(|(_, text)| *text == line);
    let task = answer
        .strip_prefix("ok task=")
        .and_then(|number| number.parse().ok());
    match (task, at) {
        (Some(task), Some((at, _))) => Ok((task, *at)),
        _ => Err(player.broken(
            CLAUSE,
            format!("`{command}` to be accepted"),
            format!("it answered: {answer}"),
        )),
    }
}

/// When a task has run so far.
fn runs(lab: &HostLab, task: u64) -> Vec<Duration> {
    let line = format!("task {task}");
    let log = lab.recorder.guest_log(PROBE_NAME).into_iter();
    log.filter_map(|(at, text)| (text == line).then_some(at))
        .collect()
}

fn list(times: &[Duration]) -> String {
    if times.is_empty() {
        return "it never ran".to_owned();
    }
    let times: Vec<String> = times.iter().map(|at| secs(*at)).collect();
    format!("it ran at {}", times.join(", "))
}

/// Not before `due`, and not much later. Where lines of the log come late, each by another time, neither is exact.
fn in_time(lab: &HostLab, ran: Duration, due: Duration) -> bool {
    let early = if lab.is_virtual() {
        Duration::ZERO
    } else {
        LOG_DELAY
    };
    ran + early >= due && ran.saturating_sub(due) <= lab.within(LATE)
}

/// Those of the delays for which there is time.
fn delays(lab: &HostLab) -> impl Iterator<Item = u64> {
    let longest = if lab.is_virtual() { u64::MAX } else { 1000 };
    DELAYS.into_iter().filter(move |delay| *delay <= longest)
}

async fn once(lab: &HostLab, player: &mut Player) -> Outcome {
    let mut tasks = Vec::new();
    for delay in delays(lab) {
        let (task, at) = schedule(lab, player, &format!("schedule {delay}")).await?;
        tasks.push((delay, task, at + Duration::from_millis(delay)));
    }
    let longest = delays(lab).max().unwrap_or_default();
    let last = Duration::from_millis(longest) + lab.within(2 * LATE);
    pass(&mut [player], last).await;
    lab.settle().await;
    for (delay, task, due) in tasks {
        let ran = runs(lab, task);
        if !matches!(ran.as_slice(), [at] if in_time(lab, *at, due)) {
            let expected = format!(
                "a task of {delay} ms to run once, at {} or at most 50 ms later",
                secs(due)
            );
            return Err(player.broken(CLAUSE, expected, list(&ran)));
        }
    }
    Ok(())
}

async fn repeating(lab: &HostLab, player: &mut Player) -> Outcome {
    for (delay, period) in PERIODS {
        let (task, at) = schedule(lab, player, &format!("repeat {delay} {period}")).await?;
        let first = at + Duration::from_millis(delay);
        let last = first + Duration::from_millis(period * (RUNS - 1));
        let now = lab.now();
        pass(&mut [player], last.saturating_sub(now) + LATE / 10).await;
        let answer = ask(lab, player, &format!("cancel {task}")).await?;
        let expected = format!("a task every {period} ms from {} on", secs(first));
        if answer != "ok true" {
            let got = format!("`cancel` answered {answer} while it repeats");
            return Err(player.broken(CLAUSE, expected, got));
        }
        let ran = runs(lab, task);
        // Where runs may be missed, each is made up for by one, and a later one need not be the n-th.
        let exact = if lab.is_virtual() { ran.len() } else { 1 };
        let due = |run: u32| first + Duration::from_millis(period) * run;
        let wrong = ran
            .iter()
            .zip(0_u32..)
            .take(exact)
            .find(|(at, run)| !in_time(lab, **at, due(*run)));
        let least = if lab.is_virtual() { RUNS } else { RUNS / 10 };
        let enough = ran.len() as u64 >= least;
        if let Some((at, run)) = wrong {
            let got = format!("run {} came at {}", run + 1, secs(*at));
            return Err(player.broken(CLAUSE, expected, got));
        }
        if !enough {
            return Err(player.broken(CLAUSE, expected, list(&ran)));
        }
        // Lines of runs before the cancel may still be on their way.
        lab.settle().await;
        let ran = runs(lab, task);
        pass(&mut [player], Duration::from_millis(3 * period)).await;
        lab.settle().await;
        if runs(lab, task).len() != ran.len() {
            return Err(player.broken(
                CLAUSE,
                "no run of a repeating task after `cancel` has returned",
                list(&runs(lab, task)),
            ));
        }
    }
    Ok(())
}

/// Around the time at which it is due `cancel` may come too late; what it answers must be what happens.
async fn cancelled(lab: &HostLab, player: &mut Player) -> Outcome {
    const DELAY: u64 = 200;
    for wait in [0, 100, 199, 200, 201, 300] {
        let (task, at) = schedule(lab, player, &format!("schedule {DELAY}")).await?;
        let now = lab.now();
        let until = (at + Duration::from_millis(wait)).saturating_sub(now);
        pass(&mut [player], until).await;
        let answer = ask(lab, player, &format!("cancel {task}")).await?;
        pass(&mut [player], Duration::from_millis(2 * DELAY)).await;
        let again = ask(lab, player, &format!("cancel {task}")).await?;
        lab.settle().await;
        let ran = runs(lab, task);
        let exact = lab.is_virtual();
        let right = match answer.as_str() {
            "ok true" => ran.is_empty() && (wait <= DELAY || !exact),
            "ok false" => ran.len() == 1 && (wait + 50 >= DELAY || !exact),
            _ => false,
        };
        if !right || again != "ok false" {
            let expected = format!(
                "a task of {DELAY} ms to run or to be cancelled, when `cancel` comes {wait} ms after it was scheduled"
            );
            let got = format!(
                "`cancel` answered {answer} and later {again}, and {}",
                list(&ran)
            );
            return Err(player.broken(CLAUSE, expected, got));
        }
    }
    Ok(())
}

/// The clock jumps past many runs at once: whoever was busy so long catches up with one.
async fn missed(lab: &HostLab, player: &mut Player) -> Outcome {
    const PERIOD: u64 = 100;
    let (task, at) = schedule(lab, player, &format!("repeat {PERIOD} {PERIOD}")).await?;
    let jump = (at + Duration::from_millis(PERIOD * 10 + 50)).saturating_sub(lab.now());
    tokio::time::advance(jump).await;
    pass(&mut [player], Duration::from_millis(PERIOD * 2)).await;
    let ran = runs(lab, task);
    let due = [PERIOD * 10 + 50, PERIOD * 11, PERIOD * 12];
    let right = ran.len() == due.len()
        && ran
            .iter()
            .zip(due)
            .all(|(ran, due)| in_time(lab, *ran, at + Duration::from_millis(due)));
    if right {
        return Ok(());
    }
    let expected = format!(
        "ten missed runs of a task every {PERIOD} ms to be made up for by one, at {}, and the next in time",
        secs(at + Duration::from_millis(PERIOD * 10 + 50))
    );
    Err(player.broken(CLAUSE, expected, list(&ran)))
}
