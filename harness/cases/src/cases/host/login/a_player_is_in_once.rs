//! What a guest keeps for a player it keeps by UUID or name, and two who share them share it.

use std::time::Duration;

use sim_proto::ClientConfig;
use vb_contract::PlayerId;

use crate::case::Case;
use crate::lab::door::Host;
use crate::lab::host::HostLab;
use crate::lab::native::Told;
use crate::lab::player::{Player, secs};
use crate::verdict::Outcome;

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
    let host = lab.host_of("gate", lab.native("gate")).await?;
    let config = lab.client();
    let mut first = lab.join_as(&host, config.clone()).await?;
    let mut second = lab.connect(&host, config.clone());
    futures::future::join(first.live(SOON), second.live(SOON)).await;
    one_of(lab, 0, &[first, second])?;

    // Who came in stays in no longer than their connection: the place is free again.
    let told = lab.notebook.sessions().len();
    let mut crowd: Vec<Player> = (0..CROWD)
        .map(|_| lab.connect(&host, config.clone()))
        .collect();
    futures::future::join_all(crowd.iter_mut().map(|player| player.live(SOON))).await;
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
    let mut inside: Option<PlayerId> = None;
    for (_, told) in lab.notebook.sessions().into_iter().skip(told) {
        match &told {
            Told::Start { player, .. } => {
                // That a session starts twice is another claim.
                let earlier = inside.replace(*player).filter(|other| other != player);
                if let Some(earlier) = earlier {
                    let expected = "the end of a session before the next of the same player starts";
                    let got = format!("player {player} started while player {earlier} was in");
                    return Err(last.broken(CLAUSE, expected, got));
                }
            }
            Told::Ended(player) if inside == Some(*player) => inside = None,
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
