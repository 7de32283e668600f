//! A player who is gone should not stand about for long.

use std::time::Duration;

use sim_proto::{ClientConfig, KeepAlivePolicy};

use crate::case::Case;
use crate::lab::guest::GuestLab;
use crate::lab::player::secs;
use crate::verdict::Outcome;

const CLAUSE: &str = "VB-KA-11";

/// From the clause.
const LIMIT: Duration = Duration::from_secs(35);

/// How long to look: the time until a first keep-alive, and past the limit.
const WATCH: Duration = Duration::from_secs(75);

/// See the module.
pub const CASE: Case<GuestLab> = Case::new(
    "silent-client-is-dropped-soon",
    &["VB-KA-11"],
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
        "to be disconnected within {} of the first keep-alive",
        secs(LIMIT)
    );
    match player
        .closed()
        .map(|(at, _)| (at, at.saturating_sub(first)))
    {
        Some((_, took)) if took <= lab.within(LIMIT) => Ok(()),
        Some((at, took)) => Err(player
            .finding(CLAUSE, expected, format!("it took {}", secs(took)))
            .at(at)
            .into()),
        None => {
            let got = format!(
                "the session still goes on after {}",
                secs(player.now().saturating_sub(first))
            );
            Err(player.broken(CLAUSE, expected, got))
        }
    }
}
