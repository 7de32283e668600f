//! A guest must know whom it has before it.

use reference_backend::api::Event;
use sim_proto::Packet;

use crate::case::Case;
use crate::subject::host::{HostLab, PROBE_NAME};
use crate::subject::native::Told;
use crate::subject::player::Player;
use crate::verdict::{Outcome, Stop};

const CLAUSE: &str = "VB-BRG-01";

/// Name and UUID as login success gave them to the client.
fn logged_in(player: &Player) -> Result<(String, String), Stop> {
    let success = player
        .seen()
        .iter()
        .find_map(|seen| match &seen.packet()?.packet {
            Packet::LoginSuccess(success) => Some(success.clone()),
            _ => None,
        });
    let success = success.ok_or_else(|| player.untestable("no login success came"))?;
    let digits = format!("{:032x}", success.uuid);
    let groups = [(0, 8), (8, 12), (12, 16), (16, 20), (20, 32)];
    let parts: Vec<&str> = groups
        .iter()
        .filter_map(|(from, to)| digits.get(*from..*to))
        .collect();
    Ok((success.name, parts.join("-")))
}

/// See the module.
pub const CASE: Case = Case::host(
    "login-reaches-the-guest",
    &["VB-BRG-01"],
    "Logs in and compares what the client said and was told with what listeners and handlers are given.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &HostLab) -> Outcome {
    let host = lab.host_of("gate", lab.native("gate")).await?;
    let player = lab.join(&host).await?;
    let (name, uuid) = logged_in(&player)?;
    let told = lab.notebook.of("gate");
    let mut given = Vec::new();
    for (_, told) in &told {
        match told {
            Told::Event(Event::PostLogin(event)) => {
                given.push((
                    "post-login",
                    event.player_id,
                    event.profile.clone(),
                    Some(event.protocol_version),
                ));
            }
            Told::Event(Event::ChooseInitialServer(event)) => {
                given.push((
                    "choose-initial-server",
                    event.player_id,
                    event.profile.clone(),
                    None,
                ));
            }
            Told::Event(Event::ServerPreConnect(event)) => {
                let protocol = Some(event.protocol_version);
                given.push((
                    "server-pre-connect",
                    event.player_id,
                    event.profile.clone(),
                    protocol,
                ));
            }
            Told::Start {
                player,
                profile,
                protocol,
            } => {
                given.push(("the session", *player, profile.clone(), Some(*protocol)));
            }
            _ => {}
        }
    }
    let Some((_, first, _, _)) = given.first().cloned() else {
        return Err(player.untestable("no event came"));
    };
    for (where_, id, profile, protocol) in given {
        let got = (
            id,
            profile.name.as_str(),
            profile.uuid.to_string(),
            protocol.unwrap_or(lab.protocol),
        );
        let expected = (first, name.as_str(), uuid.clone(), lab.protocol);
        if got != expected {
            let expected = format!("player, name, UUID and protocol {expected:?}, as at login");
            return Err(player.broken(CLAUSE, expected, format!("{where_} has {got:?}")));
        }
    }
    let host = lab.host_of_probe(&[]).await?;
    let player = lab.join(&host).await?;
    let (name, uuid) = logged_in(&player)?;
    let lines = lab.recorder.guest_log(PROBE_NAME);
    let start = lines.iter().find(|(_, line)| line.starts_with("start "));
    let expected = [
        format!("protocol={}", lab.protocol),
        format!("name={name}"),
        format!("uuid={uuid}"),
    ];
    let Some((_, start)) = start else {
        return Err(player.untestable("the probe logged no start"));
    };
    match expected
        .iter()
        .find(|word| !start.split(' ').any(|part| part == word.as_str()))
    {
        None => Ok(()),
        Some(_) => Err(player.broken(
            CLAUSE,
            expected.join(" "),
            format!("the guest was given: {start}"),
        )),
    }
}
