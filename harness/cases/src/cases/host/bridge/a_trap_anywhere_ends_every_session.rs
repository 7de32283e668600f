//! Whatever the callback in which it happens: the players of the instance have lost their server.

use std::time::Duration;

use sim_proto::ClientConfig;
use vb_contract::Callback;

use super::probing::{ends_of, modest, pass, tell, told_why, trapped};
use crate::case::Case;
use crate::lab::door::Need;
use crate::lab::host::{HostLab, PROBE_NAME, STEP};
use crate::lab::player::{Player, secs};
use crate::verdict::Outcome;

const CLAUSE: &str = "VB-BRG-05";

/// From the clause.
const LIMIT: Duration = Duration::from_secs(1);

/// Where the probe is told to fail, and the callback that it is.
const PLACES: [(&str, Callback); 5] = [
    ("start", Callback::SessionStart),
    ("packet", Callback::PacketReceived),
    ("end", Callback::SessionEnd),
    ("task", Callback::OnScheduledTask),
    ("player-disconnect", Callback::HandleEvent),
];

const WAYS: [&str; 4] = ["trap", "spin", "eat", "recurse"];

/// See the module.
pub const CASE: Case<HostLab> = Case::new(
    "a-trap-anywhere-ends-every-session",
    &["VB-BRG-05"],
    "Has the probe trap, loop, take memory and overrun its stack in every callback, next to a client of the same instance.",
    |lab| Box::pin(run(lab)),
)
.on_the_newest();

async fn run(lab: &HostLab) -> Outcome {
    for (index, place) in PLACES.into_iter().enumerate() {
        for (turn, way) in WAYS.into_iter().enumerate() {
            // Where time is real, each place sees one way.
            if lab.is_virtual() || index % WAYS.len() == turn {
                one(lab, place, way).await?;
            }
        }
    }
    Ok(())
}

async fn one(lab: &HostLab, (place, callback): (&str, Callback), way: &str) -> Outcome {
    let key = format!("in.{place}");
    let probe = modest(lab, &[(&key, way), ("whose", "bad")]);
    let host = lab
        .host(|plan| plan.guest(PROBE_NAME, lab.probe(), probe))
        .await?;
    let before = lab.recorder.traps().len();
    let mut bystander = lab.join(&host).await?;
    let bad = ClientConfig::new(lab.protocol, "bad");
    let mut culprit = lab.join_as(&host, bad).await?;
    let ordered = lab.now();
    match place {
        "task" => {
            tell(&mut culprit, "schedule 100");
            pass(&mut [&mut culprit], STEP * 4).await;
        }
        "packet" => tell(&mut culprit, "log once"),
        "end" | "player-disconnect" => culprit.leave().await,
        // The start has come already.
        _ => {}
    }
    pass(&mut [&mut culprit, &mut bystander], lab.within(LIMIT)).await;

    let trap = trapped(lab, &culprit, ordered)?;
    let told = lab.offers(Need::HostEvents);
    if told && (lab.recorder.traps().len() != before + 1 || trap.callback != Some(callback)) {
        let what = trap.what;
        let why = format!("the probe did not fail once in {callback}; its last failure: {what}");
        return Err(culprit.untestable(why));
    }
    lost(
        lab,
        &bystander,
        "another client",
        &format!("a {way} in {callback}"),
        trap.at,
    )?;
    if matches!(place, "start" | "packet" | "task") {
        lost(
            lab,
            &culprit,
            "the client itself",
            &format!("a {way} in {callback}"),
            trap.at,
        )?;
    }
    Ok(())
}

/// The session has ended once and in time, and the player knows why.
fn lost(lab: &HostLab, player: &Player, who: &str, what: &str, at: Duration) -> Outcome {
    let expected = format!("the session of {who} to end once within 1 s of {what}, with a reason");
    match ends_of(lab, player).as_slice() {
        [(ended, _)] if ended.saturating_sub(at) <= lab.within(LIMIT) && told_why(player) => Ok(()),
        [(ended, cause)] => {
            let after = secs(ended.saturating_sub(at));
            let got = format!("it ended {after} after, {cause}; {}", player.stands());
            Err(player.broken(CLAUSE, expected, got))
        }
        ends => Err(player.broken(CLAUSE, expected, format!("it ended {} times", ends.len()))),
    }
}
