//! One component for players of all versions: what a version has in another form, or not at all, is the host's to know.

use std::sync::Arc;

use sim_proto::{Received, Version};
use vb_contract::{EventKind, EventOutcome, ServerPreConnectResult, Text};

use super::probing::in_world;
use crate::case::Case;
use crate::cases::host::asking::ask;
use crate::lab::door::Need;
use crate::lab::host::{HostLab, PROBE_NAME, STEP, may_play, with_config};
use crate::lab::player::{JOIN_LIMIT, Player};
use crate::verdict::Outcome;

const CLAUSE: &str = "VB-BRG-13";

/// Whether a version reads something.
type Reads = fn(Version) -> bool;

/// What some versions read as it is, at least what it shows, and whether a version is among them, or passes over what it
/// does not know: then it has to be sent.
const FIT: [(&str, &str, Reads); 16] = [
    (r#"{"text":"x","color":"reset"}"#, "x", knows_reset),
    (r##"{"text":"x","color":"#12ab34"}"##, "x", always),
    (r#"{"text":"x","font":"minecraft:uniform"}"#, "x", always),
    (r#"{"text":"x","shadow_color":-1}"#, "x", always),
    (
        r#"{"keybind":"key.drop"}"#,
        "key.drop",
        Version::has_keybind_text,
    ),
    (
        r#"{"text":"a","extra":["b",{"keybind":"key.drop"}]}"#,
        "abkey.drop",
        Version::has_keybind_text,
    ),
    (
        r#"{"selector":"@a","separator":{"text":", "}}"#,
        "@a",
        Version::has_score_and_selector_text,
    ),
    (
        r#"{"score":{"name":"a","objective":"b"}}"#,
        "",
        Version::has_score_and_selector_text,
    ),
    (
        r#"{"nbt":"a","storage":"a:b"}"#,
        "",
        Version::has_storage_text,
    ),
    (
        r#"["x",{"sprite":"block/stone"}]"#,
        "x",
        Version::has_object_text,
    ),
    (
        r#"["x",{"player":"Notch","hat":true}]"#,
        "x",
        Version::has_object_text,
    ),
    (
        r#"{"text":"x","hover_event":{"action":"show_item","id":"minecraft:stone","count":2}}"#,
        "x",
        always,
    ),
    (
        r#"{"text":"x","hoverEvent":{"action":"show_entity","contents":{"type":"pig","id":"12345678-1234-1234-1234-123456789abc","name":{"text":"y","color":"reset"}}}}"#,
        "x",
        knows_reset,
    ),
    (
        r#"{"text":"x","hoverEvent":{"action":"show_item","value":"{id:\"stone\",Count:1b}"}}"#,
        "x",
        always,
    ),
    (
        r#"{"text":"x","click_event":{"action":"show_dialog","dialog":"minecraft:server_links"}}"#,
        "x",
        always,
    ),
    (
        r#"{"text":"x","clickEvent":{"action":"change_page","value":"2"}}"#,
        "x",
        always,
    ),
];

const fn always(_: Version) -> bool {
    true
}

const fn knows_reset(version: Version) -> bool {
    !version.reads_text_by_codec()
}

/// What no version lacks, in both forms; the client is sent its own.
const EVENTS: [&str; 4] = [
    r#"{"text":"x","click_event":{"action":"open_url","url":"https://example.net/"}}"#,
    r#"{"text":"x","clickEvent":{"action":"open_url","value":"https://example.net/"}}"#,
    r#"{"text":"x","hover_event":{"action":"show_text","value":{"text":"y","color":"red"}}}"#,
    r#"{"text":"x","hoverEvent":{"action":"show_text","contents":{"text":"y","color":"red"}}}"#,
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

/// What a disconnect carries.
const FAREWELL: &str = r##"{"text":"good","color":"#12ab34","extra":[{"text":"bye","click_event":{"action":"change_page","page":2}}]}"##;
const FAREWELL_SHOWN: &str = "goodbye";

/// What a denial carries; no version reads all of it.
const DENIAL: &str = r#"{"text":"no","color":"reset","extra":[{"sprite":"block/stone"}]}"#;

/// See the module.
pub const CASE: Case<HostLab> = Case::new(
    "text-fits-the-version",
    &["VB-BRG-13"],
    "Sends components of every age in messages, a disconnect and a denial, and what no client reads.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &HostLab) -> Outcome {
    let probe = with_config(&[("join", "true"), ("packets", "quiet")]);
    let host = lab
        .host(|plan| plan.guest(PROBE_NAME, lab.probe(), probe))
        .await?;
    let mut player = in_world(lab, &host).await?;
    for (json, shown, reads) in FIT {
        let must = reads(player.version());
        arrives(lab, &mut player, json, shown, None, must).await?;
    }
    for json in EVENTS {
        let name = match (player.version().has_inline_events(), json.contains("lick")) {
            (true, true) => "click_event",
            (true, false) => "hover_event",
            (false, true) => "clickEvent",
            (false, false) => "hoverEvent",
        };
        arrives(lab, &mut player, json, "x", Some(name), true).await?;
    }
    for (json, place) in WRONG {
        let before = messages(&player).count();
        let answer = ask(lab, &mut player, &format!("message json {json}")).await?;
        player.live(STEP).await;
        // A host may call it by either of its names.
        let plain = |text: &str| text.replace('_', "").to_lowercase();
        let named = plain(&answer).contains(&plain(place));
        let refused = answer.starts_with("err invalid-component ") && named;
        if !refused || messages(&player).count() > before || player.fault().is_some() {
            let expected =
                format!("`invalid-component` that names {place}, and nothing sent, for {json}");
            let got = format!("the call answered: {answer}; {}", player.stands());
            return Err(player.broken(CLAUSE, expected, got));
        }
    }
    player.send_raw(0x7777, format!("disconnect json {FAREWELL}").as_bytes());
    player.until_closed(JOIN_LIMIT).await;
    says_goodbye(&player)?;
    if !lab.offers(Need::NativePlugins) {
        // A guest's denial in JSON is no command of the probe.
        return Ok(());
    }
    let denied = ServerPreConnectResult::Denied(Text::Json(DENIAL.to_owned()));
    let gate = lab.native("gate").answering_to(
        EventKind::ServerPreConnect,
        EventOutcome::ServerPreConnect(denied),
    );
    let host = lab
        .host(|plan| plan.native("gate", Arc::new(gate), may_play()))
        .await?;
    let mut player = lab.connect(&host, lab.client());
    player.until_closed(JOIN_LIMIT).await;
    match (player.fault(), player.kicked()) {
        (None, Some((_, _, reason))) if reason.chars().any(char::is_alphanumeric) => Ok(()),
        _ => {
            let expected = format!("a denial that the client reads, made of {DENIAL}");
            Err(player.broken(CLAUSE, expected, player.stands()))
        }
    }
}

fn messages(player: &Player) -> impl Iterator<Item = &Received> {
    player.play().filter_map(|(_, packet)| {
        matches!(packet.packet, sim_proto::Packet::SystemChat(_)).then_some(packet)
    })
}

/// The message is sent and read, shows what it should, and holds a name. Where it need not be sent, it may be refused.
async fn arrives(
    lab: &HostLab,
    player: &mut Player,
    json: &str,
    shown: &str,
    holds: Option<&str>,
    must: bool,
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
    if !must && answer.starts_with("err invalid-component ") && messages(player).count() == before {
        return Ok(());
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

fn says_goodbye(player: &Player) -> Outcome {
    let expected =
        format!("a disconnect that the client reads as {FAREWELL_SHOWN:?}, made of {FAREWELL}");
    if let Some((at, fault)) = player.fault() {
        return Err(player.broken_at(CLAUSE, expected, fault.to_string(), at, &fault.site));
    }
    match player.kicked() {
        Some((_, _, reason)) if reason == FAREWELL_SHOWN => Ok(()),
        _ => Err(player.broken(CLAUSE, expected, player.stands())),
    }
}
