//! A plugin that was told that it is over must not be called once more.

use std::time::Duration;

use vb_contract::Instances;

use super::probing::pass;
use crate::case::Case;
use crate::cases::host::asking::ask;
use crate::lab::door::Need;
use crate::lab::host::{HostLab, PROBE_NAME, with_config};
use crate::lab::player::Player;
use crate::verdict::Outcome;

const CLAUSE: &str = "VB-BRG-10";

/// Long enough for the task that waits longest.
const AFTERWARDS: Duration = Duration::from_secs(5);

const TASKS: [&str; 3] = ["schedule 500", "schedule 3000", "repeat 100 100"];

/// See the module.
pub const CASE: Case<HostLab> = Case::new(
    "tasks-end-with-their-plugin",
    &["VB-BRG-10"],
    "Disables plugins with waiting tasks: all at shutdown, and one session's own when the session ends.",
    |lab| Box::pin(run(lab)),
)
.on_the_newest();

async fn run(lab: &HostLab) -> Outcome {
    let host = lab.host_of_probe(&[]).await?;
    let mut player = lab.join(&host).await?;
    for task in TASKS {
        ask(lab, &mut player, task).await?;
    }
    host.shutdown("the end").await;
    silent(lab, &mut player, "the host shut down").await?;

    if !lab.offers(Need::PerSession) {
        return Ok(());
    }
    let mut config = with_config(&[]);
    config.instances = Instances::PerSession;
    let host = lab
        .host(|plan| plan.guest(PROBE_NAME, lab.probe(), config))
        .await?;
    let mut player = lab.join(&host).await?;
    for task in TASKS {
        ask(lab, &mut player, task).await?;
    }
    lab.settle().await;
    let disabled = disables(lab);
    player.leave().await;
    pass(&mut [&mut player], AFTERWARDS).await;
    if disables(lab) == disabled {
        // Which a host does that has no instance of the session's own: another clause.
        return Ok(());
    }
    silent(lab, &mut player, "the session that had it ended").await
}

/// How many instances were disabled so far.
fn disables(lab: &HostLab) -> usize {
    let log = lab.recorder.guest_log(PROBE_NAME);
    log.iter().filter(|(_, line)| line == "disable").count()
}

/// Nothing is called after the last `disable`.
async fn silent(lab: &HostLab, player: &mut Player, when: &str) -> Outcome {
    pass(&mut [player], AFTERWARDS).await;
    lab.settle().await;
    let log = lab.recorder.guest_log(PROBE_NAME);
    let Some(disabled) = log.iter().rposition(|(_, line)| line == "disable") else {
        return Err(player.untestable(format!("no `disable` was logged when {when}")));
    };
    let expected = format!("no task after the on-disable of an instance, when {when}");
    match log
        .iter()
        .skip(disabled)
        .find(|(_, line)| line.starts_with("task "))
    {
        None => Ok(()),
        Some((_, line)) => Err(player.broken(CLAUSE, expected, format!("it logged: {line}"))),
    }
}
