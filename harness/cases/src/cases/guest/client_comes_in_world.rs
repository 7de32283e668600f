//! A client that never leaves its terrain screen has joined nothing.

use sim_proto::{EnteredBy, Event};

use super::text::VISIT;
use crate::case::Case;
use crate::lab::guest::GuestLab;
use crate::lab::player::{JOIN_LIMIT, secs};
use crate::verdict::Outcome;

const CLAUSE: &str = "VB-JOIN-09";

/// See the module.
pub const CASE: Case<GuestLab> = Case::new(
    "client-comes-in-world",
    &["VB-JOIN-09"],
    "Joins and waits ten seconds for the client to come in world by its protocol's rule.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &GuestLab) -> Outcome {
    let player = lab.visit(lab.client(), VISIT).await?;
    let entered = player
        .seen()
        .iter()
        .find(|seen| matches!(seen.event, Event::InWorld(EnteredBy::Rule)));
    let started = player.session_start();
    let expected = format!(
        "the client in world by its protocol's rule within {}",
        secs(JOIN_LIMIT)
    );
    if let Some(entered) = entered {
        let took = entered.at.saturating_sub(started);
        if took <= lab.within(JOIN_LIMIT) {
            return Ok(());
        }
        return Err(player
            .finding(CLAUSE, expected, format!("it took {}", secs(took)))
            .at(entered.at)
            .into());
    }
    if player.fault().is_some() || player.named("login").next().is_none() {
        return Err(player.untestable(player.stands()));
    }
    Err(player.broken(CLAUSE, expected, player.stands()))
}
