//! Text decodes, and yet a client may choke on what it says: a colour, a key, an event of another version.

use std::time::Duration;

use sim_proto::{ClientConfig, KeepAlivePolicy};

use super::text::{VISIT, is_unacceptable};
use crate::case::Case;
use crate::lab::guest::GuestLab;
use crate::lab::player::Player;
use crate::verdict::{Outcome, Stop};

const CLAUSE: &str = "VB-TXT-03";

const EXPECTED: &str = "text that a client of this version takes, in every packet";

/// Past the time at which a silent client is dropped.
const SILENCE: Duration = Duration::from_secs(100);

/// Long enough for an answer.
const ANSWER: Duration = Duration::from_secs(5);

/// See the module.
pub const CASE: Case<GuestLab> = Case::new(
    "own-text-is-accepted",
    &["VB-TXT-03"],
    "Joins, chats, leaves, and falls silent, and reads all text on the way as the client's version does.",
    |lab| Box::pin(run(lab)),
);

fn judge(player: &Player) -> Outcome {
    match player.fault() {
        Some((at, fault)) if is_unacceptable(fault) => {
            Err(player.broken_at(CLAUSE, EXPECTED, fault.to_string(), at, &fault.site))
        }
        _ => Ok(()),
    }
}

async fn run(lab: &GuestLab) -> Outcome {
    let mut player = lab.visit(lab.client(), VISIT).await?;
    judge(&player)?;
    if player.named("login").next().is_none() && player.kicked().is_none() {
        return Err(player.untestable(player.stands()));
    }
    player.chat("vbspec asks for an echo");
    player.live(ANSWER).await;
    judge(&player)?;
    player.chat("/leave");
    player.until_closed(ANSWER).await;
    judge(&player)?;
    let silent = ClientConfig {
        keep_alive: KeepAlivePolicy::Never,
        ..lab.client()
    };
    let mut player = match lab.join_as(silent).await {
        Ok(player) => player,
        // The first client came in; that this one does not is another claim.
        Err(Stop::Untestable(..)) => return Ok(()),
        Err(stop) => return Err(stop),
    };
    player.until_closed(SILENCE).await;
    judge(&player)
}
