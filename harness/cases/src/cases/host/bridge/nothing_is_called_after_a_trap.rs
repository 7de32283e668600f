//! A poisoned instance has no state to rely on, and its successor none for players whom it never met.

use std::time::Duration;

use super::probing::{id_of, lines_since, modest, pass, tell, trapped};
use crate::case::Case;
use crate::cases::host::asking::ask;
use crate::lab::door::{Host, Need};
use crate::lab::host::{HostLab, PROBE_NAME, STEP};
use crate::lab::player::Player;
use crate::verdict::{Outcome, Stop};

const CLAUSE: &str = "VB-BRG-06";

/// For the restart, and for every task of the instance that is gone.
const AFTERWARDS: Duration = Duration::from_secs(10);

/// The same where time is real: the first restart comes soon, and the tasks are due before.
const SOON_AFTERWARDS: Duration = Duration::from_secs(4);

/// How soon a trap ends a session: another clause.
const LIMIT: Duration = Duration::from_secs(1);

/// Tasks that would still be due in the successor's time.
const TASKS: [&str; 3] = ["schedule 100", "schedule 3000", "repeat 200 200"];

/// See the module.
pub const CASE: Case<HostLab> = Case::new(
    "nothing-is-called-after-a-trap",
    &["VB-BRG-06"],
    "Has a probe with two sessions and waiting tasks trap, and reads what is called from then on.",
    |lab| Box::pin(run(lab)),
)
.on_the_newest()
.needing(&[Need::Restart]);

async fn run(lab: &HostLab) -> Outcome {
    for way in ["trap", "spin", "eat"] {
        let (host, mut player, other) = trap(lab, way).await?;
        successor_knows_nobody(lab, &host, &mut player, &other, way).await?;
        host.shutdown("the end").await;
    }
    if !lab.is_virtual() {
        return Ok(());
    }
    // Once more, with the end of the host before there is a successor.
    let (host, player, _) = trap(lab, "trap").await?;
    host.shutdown("the end").await;
    lab.settle().await;
    match lines_since(lab, &player, "trap")?.first() {
        None => Ok(()),
        Some(line) => Err(player.broken(
            CLAUSE,
            "nothing called in an instance that has trapped, when the host shuts down",
            format!("it logged: {line}"),
        )),
    }
}

/// A host whose probe has just trapped with these two sessions.
async fn trap(lab: &HostLab, way: &str) -> Result<(Host, Player, Player), Stop> {
    let host = lab
        .host(|plan| plan.guest(PROBE_NAME, lab.probe(), modest(lab, &[])))
        .await?;
    let mut player = lab.join(&host).await?;
    let mut other = lab.join(&host).await?;
    for task in TASKS {
        ask(lab, &mut player, task).await?;
    }
    // All of it arrives together, so that the rest waits when the trap comes.
    let ordered = lab.now();
    tell(&mut player, way);
    tell(&mut player, "log never");
    tell(&mut other, "log never");
    pass(&mut [&mut player, &mut other], STEP).await;
    if !lab.is_virtual() {
        player.until_closed(lab.within(LIMIT)).await;
        lab.settle().await;
    }
    trapped(lab, &player, ordered)?;
    Ok((host, player, other))
}

async fn successor_knows_nobody(
    lab: &HostLab,
    host: &Host,
    player: &mut Player,
    other: &Player,
    way: &str,
) -> Outcome {
    let old = [id_of(player)?, id_of(other)?];
    let afterwards = match lab.is_virtual() {
        true => AFTERWARDS,
        false => SOON_AFTERWARDS,
    };
    pass(&mut [player], afterwards).await;
    let lines = lines_since(lab, player, way)?;
    // `player-disconnect` may tell a successor of a connection that is older than itself.
    let wrong = lines
        .iter()
        .find(|line| *line != "enable" && !line.starts_with("event player-disconnect player="));
    if let Some(line) = wrong {
        let expected = format!(
            "nothing but `enable` in the successor of the instance that was told `{way}` with players {} and {}",
            old[0], old[1]
        );
        return Err(player.broken(CLAUSE, expected, format!("it logged: {line}")));
    }
    let enabled = lines.iter().filter(|line| *line == "enable").count();
    if enabled != 1 {
        return Err(player.untestable(format!("{enabled} successors were enabled instead of 1")));
    }
    let mut next = lab.join(host).await?;
    ask(lab, &mut next, "log alive").await?;
    next.leave().await;
    pass(&mut [&mut *player], STEP).await;
    lab.settle().await;
    let id = id_of(&next)?;
    let ends: Vec<String> = lines_since(lab, player, way)?
        .into_iter()
        .filter(|line| line.starts_with("end "))
        .collect();
    if ends == [format!("end handler=1 player={id}")] {
        return Ok(());
    }
    let expected = format!("one end in the successor, that of its own player {id}");
    Err(next.broken(CLAUSE, expected, format!("it logged: {}", ends.join(", "))))
}
