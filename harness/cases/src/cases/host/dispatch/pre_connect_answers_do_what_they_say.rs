//! A listener decides for players whom it never sees; each of its words has to mean one thing.

use std::sync::Arc;
use std::time::Duration;

use sim_proto::ClientConfig;
use vb_contract::{
    EventKind, EventOutcome, HostConfig, ServerConfig, ServerPreConnectResult, Text,
};
use vb_data::State;

use crate::case::Case;
use crate::lab::door::{Host, Need, Plan};
use crate::lab::host::{HostLab, PROBE_NAME, STEP, may_play};
use crate::lab::player::{JOIN_LIMIT, Player, secs};
use crate::verdict::{Outcome, Stop};

const CLAUSE: &str = "VB-DSP-09";

/// What a player who is denied reads, with what a careless writer of JSON would break on.
const DENIED: &str = "Not \"today\", §\u{e9}\u{1f512}\\ sorry";

/// A server of the configuration at which nobody listens, and one that nobody has configured.
const DEAD: &str = "dead";
const UNKNOWN: &str = "nowhere";

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
pub const CASE: Case = Case::host(
    "pre-connect-answers-do-what-they-say",
    &["VB-DSP-09"],
    "Gives each answer but `virtual-backend` to `server-pre-connect`, natively and from a guest, with servers that are \
     unknown, missing and unreachable, and has a client idle in limbo for longer than its patience.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &HostLab) -> Outcome {
    if lab.offers(Need::NativePlugins) {
        natively(lab).await?;
    }
    if lab.offers(Need::Limbo) {
        let host = lab.host_of_probe(&[("answer", "limbo:full")]).await?;
        limbo(lab, &host, "a guest", STEP).await?;
    }
    for (answer, what) in [
        ("allowed", "a guest's allowed without a server"),
        (
            "connect-to:nowhere",
            "a guest's connect-to a server that is not configured",
        ),
    ] {
        let host = lab.host_of_probe(&[("answer", answer)]).await?;
        shows(lab, &host, what, |text| {
            text.chars().any(char::is_alphanumeric)
        })
        .await?;
    }
    let host = lab
        .host_of_probe(&[("answer", &format!("denied:{DENIED}"))])
        .await?;
    shows(lab, &host, "denied by a guest", |text| text == DENIED).await
}

async fn natively(lab: &HostLab) -> Outcome {
    let connect_to = |name: &str| ServerPreConnectResult::ConnectTo(name.to_owned());
    denied(lab, Text::plain(DENIED), DENIED).await?;
    let json = r#"{"text":"No ","color":"red","extra":[{"text":"entry"}]}"#;
    denied(lab, Text::Json(json.to_owned()), "No entry").await?;
    refused(
        lab,
        ServerPreConnectResult::Allowed,
        None,
        "allowed without a server",
    )
    .await?;
    refused(
        lab,
        ServerPreConnectResult::Allowed,
        Some(DEAD),
        "allowed to a server that is down",
    )
    .await?;
    refused(
        lab,
        connect_to(DEAD),
        None,
        "connect-to a server that is down",
    )
    .await?;
    refused(
        lab,
        connect_to(UNKNOWN),
        None,
        "connect-to a server that is not configured",
    )
    .await?;
    let why = ServerPreConnectResult::SendToLimbo(vec!["full".to_owned()]);
    let host = answering(lab, why, None).await?;
    limbo(lab, &host, "a native listener", IDLE).await
}

/// A host whose listener gives this answer, with a server that is down.
async fn answering(
    lab: &HostLab,
    result: ServerPreConnectResult,
    initial: Option<&str>,
) -> Result<Host, Stop> {
    let outcome = EventOutcome::ServerPreConnect(result);
    let plugin = lab
        .native("gate")
        .answering_to(EventKind::ServerPreConnect, outcome);
    let dead = ServerConfig {
        address: DEAD_ADDRESS.to_owned(),
    };
    let config = HostConfig {
        servers: [(DEAD.to_owned(), dead)].into(),
        initial_server: initial.map(str::to_owned),
        ..HostConfig::default()
    };
    lab.start(Plan::new(config).native("gate", Arc::new(plugin), may_play()))
        .await
}

async fn denied(lab: &HostLab, text: Text, shown: &str) -> Outcome {
    let host = answering(lab, ServerPreConnectResult::Denied(text), None).await?;
    shows(lab, &host, "denied", |text| text == shown).await
}

async fn refused(
    lab: &HostLab,
    result: ServerPreConnectResult,
    initial: Option<&str>,
    what: &str,
) -> Outcome {
    let host = answering(lab, result, initial).await?;
    shows(lab, &host, what, |text| {
        text.chars().any(char::is_alphanumeric)
    })
    .await
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
    let logged = lab.recorder.guest_log(PROBE_NAME).len();
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
    lab.settle().await;
    idle(&player, &expected)?;
    let lines = lab.recorder.guest_log(PROBE_NAME);
    let called = lines.iter().skip(logged).any(|(_, line)| {
        ["start ", "packet ", "end "]
            .iter()
            .any(|w| line.starts_with(w))
    });
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
