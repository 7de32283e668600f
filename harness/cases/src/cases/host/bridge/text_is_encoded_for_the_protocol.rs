//! The host knows the client's protocol better than the guest, and writes text for it.

use std::time::Duration;

use sim_proto::Packet;
use vb_data::State;

use crate::case::Case;
use crate::cases::host::asking::ask;
use crate::lab::host::HostLab;
use crate::lab::player::{JOIN_LIMIT, Player};
use crate::verdict::Outcome;

const CLAUSE: &str = "VB-BRG-03";

/// Commands for the probe, and what the player reads.
const MESSAGES: [(&str, &str); 4] = [
    ("message plain hello", "hello"),
    (
        "message plain §a{\"text\":1} 名前 😀",
        "§a{\"text\":1} 名前 😀",
    ),
    (
        r#"message json {"text":"one","color":"red","extra":[" two",{"text":" three","italic":true}]}"#,
        "one two three",
    ),
    (r#"message json "bare""#, "bare"),
];

const WATCH: Duration = Duration::from_millis(200);

fn read(player: &Player, expected: &str, wanted: State) -> Outcome {
    match player.kicked() {
        Some((_, state, reason)) if reason == expected && state == wanted => Ok(()),
        _ => Err(player.broken(
            CLAUSE,
            format!("a disconnect in {wanted} that reads {expected:?}"),
            player.stands(),
        )),
    }
}

/// See the module.
pub const CASE: Case<HostLab> = Case::new(
    "text-is-encoded-for-the-protocol",
    &["VB-BRG-03"],
    "Sends plain and JSON messages, a disconnect and a denial, and reads them as the client does.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &HostLab) -> Outcome {
    let host = lab.host_of_probe(&[("join", "true")]).await?;
    let mut player = lab.join(&host).await?;
    if !player.until_in_world(JOIN_LIMIT).await {
        return Err(player.untestable(player.stands()));
    }
    for (command, shown) in MESSAGES {
        ask(lab, &mut player, command).await?;
        player.live(WATCH).await;
        let expected =
            format!("a message that reads {shown:?}, in the packet and the form of the protocol");
        if let Some((at, fault)) = player.fault() {
            return Err(player.broken_at(CLAUSE, expected, fault.to_string(), at, &fault.site));
        }
        let last = player
            .play()
            .filter_map(|(_, packet)| match &packet.packet {
                Packet::SystemChat(chat) => Some(chat.text.plain.clone()),
                _ => None,
            });
        match last.last() {
            Some(text) if text == shown => {}
            Some(text) => {
                return Err(player.broken(CLAUSE, expected, format!("it reads {text:?}")));
            }
            None => return Err(player.broken(CLAUSE, expected, "no message came")),
        }
    }
    let said = r#"disconnect json {"text":"good","extra":[{"text":"bye","bold":true}]}"#;
    player.send_raw(0x7777, said.as_bytes());
    player.until_closed(JOIN_LIMIT).await;
    read(&player, "goodbye", State::Play)?;

    // At each gate a denial is written for the state that the client is in by then.
    let later = match player.version().has_configuration_phase() {
        true => State::Configuration,
        false => State::Play,
    };
    for (gate, state) in [("pre-login", State::Login), ("answer", later)] {
        let host = lab.host_of_probe(&[(gate, "denied:not today")]).await?;
        let mut player = lab.connect(&host, lab.client());
        player.until_closed(JOIN_LIMIT).await;
        read(&player, "not today", state)?;
    }
    Ok(())
}
