//! A disconnect that the client cannot read shows the player an error instead of the reason.

use std::time::Duration;

use sim_proto::{ClientConfig, FaultKind, KeepAlivePolicy};

use super::text::is_unacceptable;
use crate::case::Case;
use crate::lab::guest::GuestLab;
use crate::lab::guest::sent_by_guest;
use crate::lab::player::{Player, close_text};
use crate::verdict::{Outcome, Stop};

const CLAUSE: &str = "VB-TXT-01";

const EXPECTED: &str =
    "a disconnect with the packet id of the protocol and a reason that decodes whole";

/// Past the time at which a silent client is dropped, and short of twice the client's own patience.
const SILENCE: Duration = Duration::from_secs(100);

/// Long enough for an answer.
const ANSWER: Duration = Duration::from_secs(5);

/// Whether the client read a disconnect that the guest itself wrote.
fn judge(lab: &GuestLab, player: &Player) -> Result<bool, Stop> {
    if let Some((at, fault)) = player.fault() {
        if matches!(fault.kind, FaultKind::ReadTimeout { .. }) {
            return Ok(false);
        }
        // What it says is another claim; it decodes.
        if is_unacceptable(fault) {
            return Ok(true);
        }
        return Err(player.broken_at(CLAUSE, EXPECTED, fault.to_string(), at, &fault.site));
    }
    if player.kicked().is_some() {
        return Ok(sent_by_guest(lab, player, "kick_disconnect"));
    }
    match player.closed() {
        None => Ok(false),
        Some((at, reason)) => {
            let got = format!(
                "the session ended, and the client read no reason: {}",
                close_text(reason)
            );
            Err(player.finding(CLAUSE, EXPECTED, got).at(at).into())
        }
    }
}

/// See the module.
pub const CASE: Case<GuestLab> = Case::new(
    "own-disconnect-decodes",
    &["VB-TXT-01"],
    "Makes the guest disconnect (no answers to keep-alives; the chat command /leave) and decodes what it says.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &GuestLab) -> Outcome {
    let mut plain = lab.join().await?;
    plain.live(ANSWER).await;
    if plain.fault().is_some() {
        return Err(plain.untestable(plain.stands()));
    }
    plain.leave().await;
    let silent = ClientConfig {
        keep_alive: KeepAlivePolicy::Never,
        ..lab.client()
    };
    let mut player = lab.join_as(silent).await?;
    player.until_closed(SILENCE).await;
    let first = judge(lab, &player)?;
    let mut player = lab.join().await?;
    // A guest that knows no such command goes on, and there is nothing to read.
    player.chat("/leave");
    player.until_closed(ANSWER).await;
    let second = judge(lab, &player)?;
    if first || second {
        return Ok(());
    }
    Err(Stop::Skip(
        "the guest wrote no disconnect of its own, neither for silence nor for /leave".to_owned(),
    ))
}
