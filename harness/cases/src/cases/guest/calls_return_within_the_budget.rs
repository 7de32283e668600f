//! Past the budget a call is a trap, and a guest that traps in on-enable ends in quarantine.

use std::time::Duration;

use vb_contract::{Callback, TrapKind};

use crate::case::Case;
use crate::lab::door::Need;
use crate::lab::guest::GuestLab;
use crate::verdict::{Finding, Outcome};

/// Long enough for a guest's timers.
const WATCH: Duration = Duration::from_secs(31);

/// See the module.
pub const CASE: Case<GuestLab> = Case::new(
    "calls-return-within-the-budget",
    &["VB-RES-02"],
    "Calls the guest in every way there is: enables it, joins, talks, waits, leaves, and disables it.",
    |lab| Box::pin(run(lab)),
)
.needing(&[Need::HostEvents]);

async fn run(lab: &GuestLab) -> Outcome {
    let mut player = lab.connect(lab.client());
    let mark = lab.recorder.mark();
    player.live(WATCH).await;
    player.chat("hello");
    player.live(WATCH).await;
    player.chat("/leave");
    player.live(WATCH).await;
    player.leave().await;
    lab.host.shutdown("the case is over").await;
    let traps = lab.recorder.traps();
    let endless = traps.iter().find(|trap| trap.kind == TrapKind::CpuBudget);
    if let Some(trap) = endless {
        let expected = "every call to return within the CPU budget of a callback";
        let got = format!("{} used it up", trap.callback);
        return Err(Finding::new("VB-RES-02", expected, got).at(trap.at).into());
    }
    if let Some(trap) = traps
        .first()
        .filter(|trap| trap.callback != Callback::OnDisable)
    {
        return Err(player.untestable(format!("the guest trapped: {trap}")));
    }
    if player.came("login").is_none() {
        return Err(lab.not_joined(&player, mark));
    }
    Ok(())
}
