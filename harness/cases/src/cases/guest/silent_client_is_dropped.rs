//! A client that is gone without a word must not be kept for ever.

use std::time::Duration;

use sim_proto::{ClientConfig, KeepAlivePolicy};

use crate::case::Case;
use crate::lab::guest::GuestLab;
use crate::lab::player::secs;
use crate::verdict::Outcome;

const CLAUSE: &str = "VB-KA-06";

/// From the clause.
const LIMIT: Duration = Duration::from_secs(60);

/// How long to look: the time until a first keep-alive, and past the limit.
const WATCH: Duration = Duration::from_secs(100);

/// See the module.
pub const CASE: Case<GuestLab> = Case::new(
    "silent-client-is-dropped",
    &["VB-KA-06"],
    "Answers no keep-alive and waits to be disconnected.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &GuestLab) -> Outcome {
    let config = ClientConfig {
        keep_alive: KeepAlivePolicy::Never,
        ..lab.client()
    };
    let mut player = lab.join_as(config).await?;
    player.until_closed(WATCH).await;
    let Some((first, _)) = player.named("keep_alive").next() else {
        return Err(player.untestable(format!("no keep-alive came: {}", player.stands())));
    };
    if let Some((_, fault)) = player.fault() {
        return Err(player.untestable(fault.to_string()));
    }
    let expected = format!(
        "to be disconnected with a reason within {} of the first keep-alive",
        secs(LIMIT)
    );
    let Some((at, _)) = player.closed() else {
        let got = format!(
            "the session still goes on after {}",
            secs(player.now().saturating_sub(first))
        );
        return Err(player.broken(CLAUSE, expected, got));
    };
    let took = at.saturating_sub(first);
    if took > lab.within(LIMIT) {
        let got = format!("it took {}", secs(took));
        return Err(player.finding(CLAUSE, expected, got).at(at).into());
    }
    match (at, player.kicked()) {
        (at, Some((_, _, reason))) if reason.trim().is_empty() => Err(player
            .finding(CLAUSE, expected, format!("the reason is {reason:?}"))
            .at(at)
            .into()),
        (at, None) => {
            let got = "the connection was closed without a reason";
            Err(player.finding(CLAUSE, expected, got).at(at).into())
        }
        (_, Some(_)) => Ok(()),
    }
}
