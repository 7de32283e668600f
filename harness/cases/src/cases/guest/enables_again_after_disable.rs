//! A plugin that cannot be stopped cleanly cannot be updated.

use vb_contract::{HostEvent, PluginState};

use crate::case::Case;
use crate::lab::door::Need;
use crate::lab::guest::GuestLab;
use crate::lab::player::JOIN_LIMIT;
use crate::verdict::Outcome;

const CLAUSE: &str = "VB-META-03";

/// See the module.
pub const CASE: Case<GuestLab> = Case::new(
    "enables-again-after-disable",
    &["VB-META-03"],
    "Joins, disables the guest with the player in it, enables a fresh instance and joins again.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &GuestLab) -> Outcome {
    let player = lab.join().await?;
    lab.host.shutdown("vbspec starts the guest anew").await;
    lab.settle().await;
    lab.no_trap(&player, CLAUSE, "when the guest is disabled")?;
    let disabled = lab.recorder.all(|seen| {
        matches!(
            seen.event,
            HostEvent::Plugin {
                state: PluginState::Disabled,
                ..
            }
        )
        .then_some(())
    });
    if disabled.is_empty() && lab.offers(Need::HostEvents) {
        return Err(player.broken(CLAUSE, "on-disable to return", "it has not returned"));
    }
    let host = lab.another_host().await?;
    let mut again = lab.connect_to(&host, lab.client());
    if again.until_in_world(lab.within(JOIN_LIMIT)).await {
        return Ok(());
    }
    lab.no_trap(&again, CLAUSE, "in a fresh instance")?;
    Err(again.broken(
        CLAUSE,
        "a client in world in a fresh instance",
        again.stands(),
    ))
}
