//! What a guest goes on doing for players who are gone adds up.

use std::time::Duration;

use futures::future::join_all;
use vb_contract::{HostEvent, PlayerErrorKind};

use crate::case::Case;
use crate::lab::door::Need;
use crate::lab::guest::GuestLab;
use crate::verdict::Outcome;

const PLAYERS: usize = 5;

/// How often tasks of the guest run in a minute without clients.
async fn tasks_in_a_minute(lab: &GuestLab) -> usize {
    let mark = lab.recorder.mark();
    tokio::time::sleep(Duration::from_secs(60)).await;
    lab.recorder
        .since(mark, |seen| {
            matches!(seen.event, HostEvent::TaskRun { .. }).then_some(())
        })
        .len()
}

/// See the module.
pub const CASE: Case<GuestLab> = Case::new(
    "no-call-after-the-end",
    &["VB-END-03"],
    "Five clients join and leave; then the guest is watched for a minute.",
    |lab| Box::pin(run(lab)),
)
.needing(&[Need::HostEvents]);

async fn run(lab: &GuestLab) -> Outcome {
    // What the guest does by itself, without any player.
    let before = tasks_in_a_minute(lab).await;
    let mut players = Vec::new();
    for _ in 0..PLAYERS {
        players.push(lab.join().await?);
    }
    join_all(
        players
            .iter_mut()
            .map(|player| player.live(Duration::from_secs(20))),
    )
    .await;
    for player in &mut players {
        player.leave().await;
    }
    let mark = lab.recorder.mark();
    let after = tasks_in_a_minute(lab).await;
    let Some(player) = players.first() else {
        return Ok(());
    };
    // What a trap cuts short cannot be counted.
    lab.untrapped()?;
    let refused = lab.recorder.since(mark, |seen| match &seen.event {
        HostEvent::CallRefused { error, .. } if error.kind == PlayerErrorKind::SessionEnded => {
            Some(seen.at)
        }
        HostEvent::BatchRefused { error, .. }
            if error.error.kind == PlayerErrorKind::SessionEnded =>
        {
            Some(seen.at)
        }
        _ => None,
    });
    if let Some(at) = refused.first() {
        let got = format!("{} calls on sessions that are over", refused.len());
        let finding = player.finding("VB-END-03", "no call on a session after its end", got);
        return Err(finding.at(*at).into());
    }
    if after > before + PLAYERS {
        let expected = format!(
            "at most one more run of each of the {PLAYERS} sessions' tasks after their end"
        );
        let got = format!(
            "{after} runs in the minute after the last session, {before} in the one before the first"
        );
        return Err(player.broken("VB-END-03", expected, got));
    }
    Ok(())
}
