//! What a guest keeps for a player it keeps by UUID or name, and two who share them share it.

use std::time::Duration;

use sim_proto::ClientConfig;

use crate::case::Case;
use crate::lab::door::Host;
use crate::lab::host::{HostLab, PROBE_NAME, STEP};
use crate::lab::player::{Player, secs};
use crate::verdict::Outcome;

const CLAUSE: &str = "VB-LOG-09";

/// Long enough for either to be told.
const SOON: Duration = Duration::from_secs(5);

/// What is decided is not taken back within this time.
const WATCH: Duration = Duration::from_secs(1);

/// How many come at once, of whom one may stay.
const CROWD: usize = 4;

/// See the module.
pub const CASE: Case<HostLab> = Case::new(
    "a-player-is-in-once",
    &[CLAUSE],
    "Logs a player in a second time while the first session lasts, and several at once, and looks who stays.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &HostLab) -> Outcome {
    let host = lab.host_of_probe(&[]).await?;
    let config = lab.client();
    let first = lab.join_as(&host, config.clone()).await?;
    let second = lab.connect(&host, config.clone());
    let mut both = [first, second];
    decided(lab, &mut both).await;
    one_of(lab, &both)?;
    drop(both);

    // Who came in stays in no longer than their connection: the place is free again.
    let mut crowd: Vec<Player> = (0..CROWD)
        .map(|_| lab.connect(&host, config.clone()))
        .collect();
    decided(lab, &mut crowd).await;
    one_of(lab, &crowd)?;
    drop(crowd);
    another(lab, &host).await
}

/// Lets these live until at most one of them is left, and a while longer.
async fn decided(lab: &HostLab, players: &mut [Player]) {
    let deadline = lab.now() + lab.within(SOON);
    while open(players) > 1 && lab.now() < deadline {
        futures::future::join_all(players.iter_mut().map(|player| player.live(STEP))).await;
    }
    let watch = futures::future::join_all(players.iter_mut().map(|player| player.live(WATCH)));
    futures::future::join(watch, lab.settle()).await;
}

fn open(players: &[Player]) -> usize {
    let open = players.iter().filter(|player| player.closed().is_none());
    open.count()
}

/// At most one of these is there, and each of the others has read why not. No session of theirs began before the one
/// before it had ended.
fn one_of(lab: &HostLab, players: &[Player]) -> Outcome {
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
    let open = open(players);
    if open > 1 {
        let expected = "one connection of the player, and the others ended with a reason";
        let got = format!("{open} of them {} later", secs(lab.within(SOON)));
        return Err(last.broken(CLAUSE, expected, got));
    }
    one_after_another(lab, last)
}

/// The probe's sessions of this player do not overlap.
fn one_after_another(lab: &HostLab, player: &Player) -> Outcome {
    let name = format!(" name={} ", player.name);
    let mut inside: Option<String> = None;
    for (_, line) in lab.recorder.guest_log(PROBE_NAME) {
        let id = line.split(' ').find(|word| word.starts_with("player="));
        let id = id.map(str::to_owned);
        if line.starts_with("start ") && line.contains(&name) {
            // That a session starts twice is another claim.
            if let (Some(now), Some(earlier)) = (&id, &inside)
                && now != earlier
            {
                let expected = "the end of a session before the next of the same player starts";
                let got = format!("{now} started while {earlier} was in");
                return Err(player.broken(CLAUSE, expected, got));
            }
            inside = id;
        } else if line.starts_with("end ") && inside == id {
            inside = None;
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
