//! A listener decides for players whom it never sees; each of its words has to mean one thing.

use std::sync::Arc;
use std::time::Duration;

use sim_proto::ClientConfig;
use vb_contract::{
    EventKind, EventOutcome, HostConfig, ServerConfig, ServerPreConnectResult, Text,
};
use vb_data::State;

use super::lines;
use crate::case::Case;
use crate::lab::door::{Host, Need, Plan};
use crate::lab::host::{HostLab, PROBE_NAME, STEP, may_play, with_config};
use crate::lab::player::{JOIN_LIMIT, Player, secs};
use crate::verdict::{Outcome, Stop};

const CLAUSE: &str = "VB-DSP-09";

/// What a player who is denied reads, with what a careless writer of JSON would break on.
const DENIED: &str = "Not \"today\", §\u{e9}\u{1f512}\\ sorry";

/// A server of the configuration at which nobody listens.
const DEAD: &str = "dead";

/// The port 1 of this machine: a connection is refused at once.
const DEAD_ADDRESS: &str = "127.0.0.1:1";

/// More than the longest patience of a client that hears nothing.
const IDLE: Duration = Duration::from_secs(35);

/// The packets that put a client in a world, and what an idle one has besides them.
const OF_AN_IDLE_WORLD: [&str; 12] = [
    "login",
    "abilities",
    "spawn_position",
    "position",
    "game_state_change",
    "keep_alive",
    "custom_payload",
    "difficulty",
    "held_item_slot",
    "map_chunk",
    "update_view_position",
    "update_time",
];

/// See the module.
pub const CASE: Case<HostLab> = Case::new(
    "pre-connect-answers-do-what-they-say",
    &["VB-DSP-09"],
    "Gives each answer but `virtual-backend` to `server-pre-connect`, from a guest and natively, with servers that are \
     unknown, missing and unreachable, and has a client idle in limbo for longer than its patience.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &HostLab) -> Outcome {
    if lab.offers(Need::NativePlugins) {
        natively(lab).await?;
    }
    let denied = format!("denied:{DENIED}");
    let host = answering(lab, &denied, Servers::None).await?;
    shows(lab, &host, "denied by a guest", |text| text == DENIED).await?;
    for (answer, servers, what) in [
        ("allowed", Servers::None, "allowed without a server"),
        (
            "allowed",
            Servers::DeadAtFirst,
            "allowed to a server that is down",
        ),
        (
            "connect-to:dead",
            Servers::Dead,
            "connect-to a server that is down",
        ),
        (
            "connect-to:nowhere",
            Servers::None,
            "connect-to a server that is not configured",
        ),
    ] {
        if servers == Servers::None || lab.offers(Need::RealServers) {
            let host = answering(lab, answer, servers).await?;
            let readable = |text: &str| text.chars().any(char::is_alphanumeric);
            shows(lab, &host, what, readable).await?;
        }
    }
    if lab.offers(Need::Limbo) {
        let host = answering(lab, "limbo:full", Servers::None).await?;
        limbo(lab, &host, "a guest", IDLE).await?;
    }
    Ok(())
}

/// The servers of a host's configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Servers {
    None,
    /// One that is down.
    Dead,
    /// The same, where players are sent first.
    DeadAtFirst,
}

/// A host whose probe gives this answer.
async fn answering(lab: &HostLab, answer: &str, servers: Servers) -> Result<Host, Stop> {
    let mut config = HostConfig::default();
    if servers != Servers::None {
        let dead = ServerConfig {
            address: DEAD_ADDRESS.to_owned(),
        };
        config.servers = [(DEAD.to_owned(), dead)].into();
    }
    config.initial_server = (servers == Servers::DeadAtFirst).then(|| DEAD.to_owned());
    let plan = Plan::new(config);
    let probe = with_config(&[("answer", answer)]);
    lab.start(plan.guest(PROBE_NAME, lab.probe(), probe)).await
}

async fn natively(lab: &HostLab) -> Outcome {
    let host = |result| {
        let outcome = EventOutcome::ServerPreConnect(result);
        let plugin = lab.native("gate");
        let plugin = plugin.answering_to(EventKind::ServerPreConnect, outcome);
        lab.start(Plan::default().native("gate", Arc::new(plugin), may_play()))
    };
    let json = r#"{"text":"No ","color":"red","extra":[{"text":"entry"}]}"#;
    for (text, shown) in [
        (Text::plain(DENIED), DENIED),
        (Text::Json(json.to_owned()), "No entry"),
    ] {
        let host = host(ServerPreConnectResult::Denied(text)).await?;
        shows(lab, &host, "denied", |text| text == shown).await?;
    }
    let why = ServerPreConnectResult::SendToLimbo(vec!["full".to_owned()]);
    let host = host(why).await?;
    limbo(lab, &host, "a native listener", STEP).await
}

/// The client is disconnected with a text that `right` accepts, and nobody plays server for it.
async fn shows(lab: &HostLab, host: &Host, what: &str, right: impl Fn(&str) -> bool) -> Outcome {
    let sessions = lab.recorder.session_starts().len();
    let mut player = lab.connect(host, lab.client());
    player.until_closed(lab.within(JOIN_LIMIT)).await;
    lab.settle().await;
    let expected = match what {
        "denied" | "denied by a guest" => {
            format!("a disconnect with the component given when the answer is {what}")
        }
        _ => format!("a disconnect with a reason when the answer is {what}"),
    };
    if lab.recorder.session_starts().len() > sessions {
        let got = format!("a session started: {}", player.stands());
        return Err(player.broken(CLAUSE, expected, got));
    }
    if let Some((at, packet)) = player.play().find(|(_, it)| it.name != "kick_disconnect") {
        let got = format!("{} came at {}", packet.name, secs(at));
        return Err(player.broken_by(CLAUSE, expected, got, (at, packet)));
    }
    // Who was asked after login success is told in the state that follows it.
    let due = if player.version().has_configuration_phase() {
        State::Configuration
    } else {
        State::Play
    };
    match player.kicked() {
        Some((_, state, text)) if right(&text) && state == due => Ok(()),
        Some((_, state, text)) => {
            let got = format!("in {state} it read \"{text}\"");
            Err(player.broken(CLAUSE, format!("{expected}, in {due}"), got))
        }
        None => Err(player.broken(CLAUSE, expected, player.stands())),
    }
}

/// In an empty world, where nothing happens and nobody is lost.
async fn limbo(lab: &HostLab, host: &Host, whose: &str, time: Duration) -> Outcome {
    let expected = format!("an idle empty world when {whose} answers send-to-limbo");
    let told = lab.notebook.sessions().len();
    let mark = lab.recorder.mark();
    // What a player does there is nothing to the claim.
    let still = ClientConfig {
        send_movement: false,
        ..lab.client()
    };
    let mut player = lab.connect(host, still);
    if !player.until_in_world(lab.within(JOIN_LIMIT)).await {
        return Err(player.broken(CLAUSE, expected, player.stands()));
    }
    player.live(time).await;
    idle(&player, &expected)?;
    lab.settle().await;
    let called = lines::since(lab, mark).iter().any(lines::Line::is_call);
    if called || lab.notebook.sessions().len() > told {
        let got = "the handler of the plugin that answered was called";
        return Err(player.broken(CLAUSE, expected, got));
    }
    player.leave().await;
    Ok(())
}

fn idle(player: &Player, expected: &str) -> Outcome {
    if player.closed().is_some() || player.fault().is_some() {
        return Err(player.broken(CLAUSE, expected, player.stands()));
    }
    let other = player
        .play()
        .find(|(_, packet)| !OF_AN_IDLE_WORLD.contains(&packet.name));
    match other {
        None => Ok(()),
        Some((at, packet)) => {
            let got = format!("{} came at {}", packet.name, secs(at));
            Err(player.broken_by(CLAUSE, expected, got, (at, packet)))
        }
    }
}
