//! What one instance a session is paid for: a trap costs one player and nobody else.

use std::time::Duration;

use vb_contract::Instances;

use super::probing::{ends_of, id_of, modest, pass, tell, told_why, trapped};
use crate::case::Case;
use crate::cases::host::asking::ask;
use crate::lab::door::{Host, Need};
use crate::lab::host::{HostLab, PROBE_NAME};
use crate::lab::player::Player;
use crate::verdict::{Outcome, Stop};

const CLAUSE: &str = "VB-BRG-09";

/// More than the restarts before a quarantine: none of these traps counts towards one.
const WAYS: [&str; 7] = ["trap", "spin", "eat", "trap", "spin", "eat", "trap"];

const LIMIT: Duration = Duration::from_secs(1);

/// See the module.
pub const CASE: Case<HostLab> = Case::new(
    "a-trap-takes-one-player",
    &["VB-BRG-09"],
    "Has seven players in turn trap their own instances, next to one who plays on.",
    |lab| Box::pin(run(lab)),
)
.on_the_newest()
.needing(&[Need::PerSession]);

async fn run(lab: &HostLab) -> Outcome {
    let mut config = modest(lab, &[]);
    config.instances = Instances::PerSession;
    let host = lab
        .host(|plan| plan.guest(PROBE_NAME, lab.probe(), config))
        .await?;
    let mut bystander = lab.join(&host).await?;
    let due = schedule(lab, &mut bystander).await?;
    for way in WAYS {
        one(lab, &host, &mut bystander, way).await?;
    }
    let now = lab.now();
    pass(
        &mut [&mut bystander],
        due.saturating_sub(now) + lab.within(LIMIT),
    )
    .await;
    let ran = lab
        .recorder
        .guest_log(PROBE_NAME)
        .into_iter()
        .filter(|(_, line)| line == "task 1")
        .count();
    if ran == 1 {
        return Ok(());
    }
    Err(bystander.broken(
        CLAUSE,
        "the task of the player who plays on to run once",
        format!("it ran {ran} times"),
    ))
}

/// A task of the bystander's instance, due when all the others have trapped.
async fn schedule(lab: &HostLab, bystander: &mut Player) -> Result<Duration, Stop> {
    const IN: u64 = 15_000;
    let answer = ask(lab, bystander, &format!("schedule {IN}")).await?;
    if answer == "ok task=1" {
        return Ok(lab.now() + Duration::from_millis(IN));
    }
    Err(bystander.untestable(format!("`schedule` answered {answer}")))
}

async fn one(lab: &HostLab, host: &Host, bystander: &mut Player, way: &str) -> Outcome {
    // At once after the trap before: the gate is as it was.
    let denials = lab.recorder.denials().len();
    let mut victim = lab.connect(host, lab.client());
    let joined = lab.until_started(&mut victim).await;
    let reason = match lab.recorder.denials().get(denials) {
        Some((_, reason)) => Some(reason.to_string()),
        None if lab.offers(Need::HostEvents) => None,
        None => victim.kicked().map(|(_, _, reason)| reason),
    };
    if let Some(reason) = reason {
        return Err(bystander.broken(
            CLAUSE,
            "the gates open when only an instance of one session has trapped",
            format!("the next client was denied: {reason}"),
        ));
    }
    joined?;
    ask(lab, &mut victim, "log alive").await?;
    let ordered = lab.now();
    tell(&mut victim, way);
    pass(&mut [&mut victim, bystander], lab.within(LIMIT)).await;
    trapped(lab, &victim, ordered)?;
    let kept = id_of(bystander)?;
    if let Some((_, cause)) = ends_of(lab, bystander).first() {
        return Err(bystander.broken(
            CLAUSE,
            format!("the other session to go on after a {way} in one of its own instance"),
            format!("it ended: {cause}"),
        ));
    }
    if ends_of(lab, &victim).len() != 1 || !told_why(&victim) {
        return Err(victim.broken(
            CLAUSE,
            format!("the session ended once and with a reason after its {way}"),
            format!("{} ends; {}", ends_of(lab, &victim).len(), victim.stands()),
        ));
    }
    let answer = ask(lab, bystander, "info").await?;
    if answer.starts_with(&format!("ok player={kept} ")) {
        return Ok(());
    }
    Err(bystander.broken(
        CLAUSE,
        "the other session's instance to answer as before",
        format!("`info` answered {answer}"),
    ))
}
