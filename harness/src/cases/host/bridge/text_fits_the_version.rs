//! One component for players of all versions: what a version has in another form, or not at all, is the host's to know.

use std::sync::Arc;

use reference_backend::{EventKind, EventOutcome, ServerPreConnectResult, Text};
use sim_proto::Received;

use super::probing::in_world;
use crate::case::Case;
use crate::cases::host::asking::ask;
use crate::subject::host::{HostLab, PROBE_NAME, STEP, may_play, with_config};
use crate::subject::player::{JOIN_LIMIT, Player};
use crate::verdict::Outcome;

const CLAUSE: &str = "VB-BRG-13";

/// What some versions read as it is: every one has to be sent, and shows at least this.
const FIT: [(&str, &str); 16] = [
    (r#"{"text":"x","color":"reset"}"#, "x"),
    (r##"{"text":"x","color":"#12ab34"}"##, "x"),
    (r#"{"text":"x","font":"minecraft:uniform"}"#, "x"),
    (r#"{"text":"x","shadow_color":-1}"#, "x"),
    (r#"{"keybind":"key.drop"}"#, "key.drop"),
    (
        r#"{"text":"a","extra":["b",{"keybind":"key.drop"}]}"#,
        "abkey.drop",
    ),
    (r#"{"selector":"@a","separator":{"text":", "}}"#, "@a"),
    (r#"{"score":{"name":"a","objective":"b"}}"#, ""),
    (r#"{"nbt":"a","storage":"a:b"}"#, ""),
    (r#"["x",{"sprite":"block/stone"}]"#, "x"),
    (r#"["x",{"player":"Notch","hat":true}]"#, "x"),
    (
        r#"{"text":"x","hover_event":{"action":"show_item","id":"minecraft:stone","count":2}}"#,
        "x",
    ),
    (
        r#"{"text":"x","hoverEvent":{"action":"show_entity","contents":{"type":"pig","id":"12345678-1234-1234-1234-123456789abc","name":{"text":"y","color":"reset"}}}}"#,
        "x",
    ),
    (
        r#"{"text":"x","hoverEvent":{"action":"show_item","value":"{id:\"stone\",Count:1b}"}}"#,
        "x",
    ),
    (
        r#"{"text":"x","click_event":{"action":"show_dialog","dialog":"minecraft:server_links"}}"#,
        "x",
    ),
    (
        r#"{"text":"x","clickEvent":{"action":"change_page","value":"2"}}"#,
        "x",
    ),
];

/// What no version lacks, in both forms; the client is sent its own.
const EVENTS: [&str; 4] = [
    r#"{"text":"x","click_event":{"action":"open_url","url":"https://example.net/"}}"#,
    r#"{"text":"x","clickEvent":{"action":"open_url","value":"https://example.net/"}}"#,
    r#"{"text":"x","hover_event":{"action":"show_text","value":{"text":"y","color":"reset"}}}"#,
    r#"{"text":"x","hoverEvent":{"action":"show_text","contents":{"text":"y","color":"reset"}}}"#,
];

/// What no version reads, and the field that a message about it names.
const WRONG: [(&str, &str); 8] = [
    (r##"{"text":"x","color":"#FFF12A34"}"##, "color"),
    (r#"{"text":"x","color":"nonsense"}"#, "color"),
    (r#"{"text":"x","font":5}"#, "font"),
    (r#"{"score":{"name":"a"}}"#, "score"),
    (
        r#"{"text":"x","click_event":{"action":"open_url","url":"example.net/"}}"#,
        "click_event",
    ),
    (
        r#"{"text":"x","clickEvent":{"action":"open_file","value":"x"}}"#,
        "clickEvent",
    ),
    (
        r#"{"text":"x","extra":[{"text":"y","click_event":{"action":"change_page","page":0}}]}"#,
        "extra[0]",
    ),
    (
        r#"{"text":"x","hoverEvent":{"action":"show_entity","contents":{"type":"pig","id":"x"}}}"#,
        "hoverEvent",
    ),
];

/// What a disconnect and a denial carry.
const FAREWELL: &str = r#"{"text":"good","color":"reset","extra":[{"text":"bye","click_event":{"action":"change_page","page":2}}]}"#;
const FAREWELL_SHOWN: &str = "goodbye";

/// See the module.
pub const CASE: Case = Case::host(
    "text-fits-the-version",
    &["VB-BRG-13"],
    "Sends components of every age in messages, a disconnect and a denial, and what no client reads.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &HostLab) -> Outcome {
    let probe = with_config(&[("join", "true"), ("packets", "quiet")]);
    let host = lab
        .host(|builder| builder.guest(PROBE_NAME, lab.probe(), probe))
        .await?;
    let mut player = in_world(lab, &host).await?;
    for (json, shown) in FIT {
        arrives(lab, &mut player, json, shown, None).await?;
    }
    for json in EVENTS {
        let name = match (player.version().has_inline_events(), json.contains("lick")) {
            (true, true) => "click_event",
            (true, false) => "hover_event",
            (false, true) => "clickEvent",
            (false, false) => "hoverEvent",
        };
        arrives(lab, &mut player, json, "x", Some(name)).await?;
    }
    for (json, place) in WRONG {
        let before = messages(&player).count();
        let answer = ask(lab, &mut player, &format!("message json {json}")).await?;
        player.live(STEP).await;
        let refused = answer.starts_with("err invalid-component ") && answer.contains(place);
        if !refused || messages(&player).count() > before || player.fault().is_some() {
            let expected =
                format!("`invalid-component` that names {place}, and nothing sent, for {json}");
            let got = format!("the call answered: {answer}; {}", player.stands());
            return Err(player.broken(CLAUSE, expected, got));
        }
    }
    player.send_raw(0x7777, format!("disconnect json {FAREWELL}").as_bytes());
    player.until_closed(JOIN_LIMIT).await;
    says_goodbye(&player, "a disconnect")?;
    let denied = ServerPreConnectResult::Denied(Text::Json(FAREWELL.to_owned()));
    let gate = lab.native("gate").answering_to(
        EventKind::ServerPreConnect,
        EventOutcome::ServerPreConnect(denied),
    );
    let host = lab
        .host(|builder| builder.native("gate", Arc::new(gate), may_play()))
        .await?;
    let mut player = lab.connect(&host, lab.client());
    player.until_closed(JOIN_LIMIT).await;
    says_goodbye(&player, "a denial")
}

fn messages(player: &Player) -> impl Iterator<Item = &Received> {
    player.play().filter_map(|(_, packet)| {
        matches!(packet.packet, sim_proto::Packet::SystemChat(_)).then_some(packet)
    })
}

/// The message is sent and read, shows what it should, and holds a name.
async fn arrives(
    lab: &HostLab,
    player: &mut Player,
    json: &str,
    shown: &str,
    holds: Option<&str>,
) -> Outcome {
    let before = messages(player).count();
    let answer = ask(lab, player, &format!("message json {json}")).await?;
    player.live(STEP).await;
    let expected = format!(
        "a message that the client reads, made of {json}{}",
        holds.map_or(String::new(), |name| format!(", with `{name}`"))
    );
    if let Some((at, fault)) = player.fault() {
        return Err(player.broken_at(CLAUSE, expected, fault.to_string(), at, &fault.site));
    }
    let Some(packet) = messages(player).nth(before) else {
        let got = format!(
            "no message came, and the call answered: {answer}; {}",
            player.stands()
        );
        return Err(player.broken(CLAUSE, expected, got));
    };
    let held = |name: &str| {
        packet
            .data
            .windows(name.len())
            .any(|part| part == name.as_bytes())
    };
    match &packet.packet {
        sim_proto::Packet::SystemChat(chat)
            if chat.text.plain.contains(shown) && holds.is_none_or(held) =>
        {
            Ok(())
        }
        sim_proto::Packet::SystemChat(chat) => {
            let got = format!("it shows {:?}, in {:?}", chat.text.plain, packet.data);
            Err(player.broken(CLAUSE, expected, got))
        }
        _ => Ok(()),
    }
}

fn says_goodbye(player: &Player, what: &str) -> Outcome {
    let expected =
        format!("{what} that the client reads as {FAREWELL_SHOWN:?}, made of {FAREWELL}");
    if let Some((at, fault)) = player.fault() {
        return Err(player.broken_at(CLAUSE, expected, fault.to_string(), at, &fault.site));
    }
    match player.kicked() {
        Some((_, _, reason)) if reason == FAREWELL_SHOWN => Ok(()),
        _ => Err(player.broken(CLAUSE, expected, player.stands())),
    }
}
