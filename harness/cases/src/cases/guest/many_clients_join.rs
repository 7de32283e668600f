//! What one client did must not be in the way of the next.

use futures::future::join_all;

use crate::case::Case;
use crate::lab::guest::GuestLab;
use crate::lab::player::{JOIN_LIMIT, Player};
use crate::verdict::Outcome;

const CLAUSE: &str = "VB-JOIN-13";

/// From the clause.
const IN_A_ROW: usize = 100;
const AT_ONCE: usize = 50;

/// See the module.
pub const CASE: Case<GuestLab> = Case::new(
    "many-clients-join",
    &["VB-JOIN-13"],
    "A hundred clients join one after another, then fifty at once, all on one instance.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &GuestLab) -> Outcome {
    let mut first = lab.join().await?;
    first.leave().await;
    for nth in 2..=IN_A_ROW {
        let mut player = lab.connect(lab.client());
        if !player.until_in_world(lab.within(JOIN_LIMIT)).await {
            let got = format!("client {nth} did not: {}", player.stands());
            return Err(player.broken(
                CLAUSE,
                format!("all {IN_A_ROW} clients in a row in world"),
                got,
            ));
        }
        player.leave().await;
    }
    let mut players: Vec<Player> = (0..AT_ONCE).map(|_| lab.connect(lab.client())).collect();
    let joined = join_all(
        players
            .iter_mut()
            .map(|player| player.until_in_world(lab.within(JOIN_LIMIT))),
    )
    .await;
    let missing: Vec<&Player> = players
        .iter()
        .zip(&joined)
        .filter(|(_, joined)| !**joined)
        .map(|(player, _)| player)
        .collect();
    match missing.first() {
        None => Ok(()),
        Some(player) => {
            let got = format!(
                "{} did not; the first of them: {}",
                missing.len(),
                player.stands()
            );
            Err(player.broken(
                CLAUSE,
                format!("all {AT_ONCE} clients at once in world"),
                got,
            ))
        }
    }
}
