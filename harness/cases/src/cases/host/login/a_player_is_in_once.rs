//! What a guest keeps for a player it keeps by UUID or name, and two who share them share it.

use std::time::Duration;

use crate::case::Case;
use crate::lab::door::Host;
use crate::lab::host::{HostLab, PROBE_NAME};
use crate::lab::player::{Player, secs};
use crate::verdict::Outcome;
use sim_proto::ClientConfig;

const CLAUSE: &str = "VB-LOG-09";

/// Long enough for either to be told, in virtual time.
const SOON: Duration = Duration::from_secs(5);

/// How many come at once, of whom one may stay.
const CROWD: usize = 4;

/// See the module.
pub const CASE: Case = Case::host(
    "a-player-is-in-once",
    &[CLAUSE],
    "Logs a player in a second time while the first session lasts, and several at once, and looks who stays.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &HostLab) -> Outcome {
    let host = lab.host_of_probe(&[]).await?;
    let config = lab.client();
    let mut first = lab.join_as(&host, config.clone()).await?;
    let mut second = lab.connect(&host, config.clone());
    futures::future::join(first.live(SOON), second.live(SOON)).await;
    lab.settle().await;
    one_of(lab, 0, &[first, second])?;

    // Who came in stays in no longer than their connection: the place is free again.
    lab.settle().await;
    let told = lab.recorder.guest_log(PROBE_NAME).len();
    let mut crowd: Vec<Player> = (0..CROWD)
        .map(|_| lab.connect(&host, config.clone()))
        .collect();
    futures::future::join_all(crowd.iter_mut().map(|player| player.live(SOON))).await;
    lab.settle().await;
    one_of(lab, told, &crowd)?;
    drop(crowd);
    another(lab, &host).await
}

/// At most one of these is there, and each of the others has read why not. No session began before the one before it
/// had ended, of those that were told of after the first `told`.
fn one_of(lab: &HostLab, told: usize, players: &[Player]) -> Outcome {
    let open = players
        .iter()
        .filter(|player| player.closed().is_none())
        .count();
    for player in players {
        if player.fault().is_some() {
            return Err(player.untestable(player.stands()));
        }
        let told = player
            .kicked()
            .is_some_and(|(_, _, text)| text.chars().any(char::is_alphanumeric));
        if player.closed().is_some() && !told {
            let expected = "a reason that the player can read";
            return Err(player.broken(CLAUSE, expected, player.stands()));
        }
    }
    let Some(last) = players.last() else {
        return Ok(());
    };
    if open > 1 {
        let expected = "one connection of the player, and the others ended with a reason";
        let got = format!("{open} of them {} later", secs(SOON));
        return Err(last.broken(CLAUSE, expected, got));
    }
    let mut inside: Option<String> = None;
    for (_, line) in lab.recorder.guest_log(PROBE_NAME).into_iter().skip(told) {
        let mut words = line.split(' ');
        let (what, of) = (words.next(), words.nth(1));
        match (what, of) {
            (Some("start"), Some(player)) => {
                // That a session starts twice is another claim.
                let earlier = inside.replace(player.to_owned());
                if let Some(earlier) = earlier.filter(|other| other != player) {
                    let expected = "the end of a session before the next of the same player starts";
                    let got = format!("{player} started while {earlier} was in");
                    return Err(last.broken(CLAUSE, expected, got));
                }
            }
            (Some("end"), player) if inside.as_deref() == player => inside = None,
            _ => {}
        }
    }
    Ok(())
}

/// Somebody else is let in beside whoever is there.
async fn another(lab: &HostLab, host: &Host) -> Outcome {
    let name = format!("other{}", lab.draw(|rng| rng.name(6)));
    let mut other = lab.connect(host, ClientConfig::new(lab.protocol, name));
    lab.until_started(&mut other).await
}
