//! What a client is sent before it has a world must not need one.

use sim_proto::FaultKind;

use super::text::{VISIT, no_join_game};
use crate::case::Case;
use crate::lab::guest::GuestLab;
use crate::verdict::Outcome;

const CLAUSE: &str = "VB-JOIN-01";

/// What needs no world, from the clause.
const HARMLESS: &[&str] = &[
    "custom_payload",
    "keep_alive",
    "ping",
    "difficulty",
    "kick_disconnect",
    "cookie_request",
    "store_cookie",
    "transfer",
];

fn expected() -> String {
    format!("nothing before JoinGame but {}", HARMLESS.join(", "))
}

/// See the module.
pub const CASE: Case<GuestLab> = Case::new(
    "nothing-before-join-game",
    &["VB-JOIN-01"],
    "Joins and looks at every packet before JoinGame.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &GuestLab) -> Outcome {
    let player = lab.visit(lab.client(), VISIT).await?;
    if let Some((at, fault)) = player
        .fault()
        .filter(|(_, fault)| fault.kind == FaultKind::NoWorld)
    {
        let finding = player.finding(
            CLAUSE,
            expected(),
            format!("{}: {}", fault.site, fault.kind),
        );
        return Err(finding.at(at).into());
    }
    for (at, packet) in player.play() {
        if packet.name == "login" {
            return Ok(());
        }
        if !HARMLESS.contains(&packet.name) {
            let got = format!("`{}` came before JoinGame", packet.name);
            return Err(player.broken_by(CLAUSE, expected(), got, (at, packet)));
        }
    }
    match player.fault_in(&["login"]) {
        Some(_) => Ok(()),
        None => Err(player.untestable(no_join_game(&player))),
    }
}
