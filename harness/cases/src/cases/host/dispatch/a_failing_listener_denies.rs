//! A login screen that can be made to fail open is worse than none.

use std::sync::Arc;
use std::time::Duration;

use vb_contract::{
    BoxFuture, EventKind, EventOutcome, PluginConfig, PreLoginResult, ServerPreConnectResult,
};

use super::lines::{self, priority};
use crate::case::Case;
use crate::lab::door::{Need, Plan};
use crate::lab::host::{HostLab, PROBE_NAME, may_play, with_config};
use crate::lab::native::Recording;
use crate::lab::player::{Player, secs};
use crate::verdict::Outcome;

const CLAUSE: &str = "VB-DSP-10";

const GATES: [EventKind; 2] = [EventKind::PreLogin, EventKind::ServerPreConnect];

/// What a listener may take, from the limits.
const PATIENCE: Duration = Duration::from_secs(10);

const SLACK: Duration = Duration::from_millis(100);

/// Enough for a callback that does its work, and soon used up by one that does not.
const FUEL: u64 = 5_000_000;

/// The plugin that would let everybody in, if it were asked.
const OPEN: &str = "open";

/// How a listener fails.
#[derive(Debug, Clone, Copy)]
enum Failure {
    AnotherKind,
    NoAnswer,
    /// Of a guest, by the probe's word for it.
    Guest(&'static str),
}

const FAILURES: [Failure; 5] = [
    Failure::AnotherKind,
    Failure::NoAnswer,
    Failure::Guest("wrong-kind"),
    Failure::Guest("trap"),
    Failure::Guest("spin"),
];

/// See the module.
pub const CASE: Case<HostLab> = Case::new(
    "a-failing-listener-denies",
    &["VB-DSP-10"],
    "At each gate a listener answers another kind, never answers, traps or spins, and one of lower priority would let \
     everybody in; then a listener answers at the last moment.",
    |lab| Box::pin(run(lab)),
)
.on_the_newest();

async fn run(lab: &HostLab) -> Outcome {
    for gate in GATES {
        for failure in FAILURES {
            if matches!(failure, Failure::Guest(_)) || lab.offers(Need::NativePlugins) {
                fails(lab, gate, failure).await?;
            }
        }
    }
    if lab.offers(Need::NativePlugins) {
        in_time(lab).await?;
    }
    Ok(())
}

/// The plugin that fails, which is asked first, and where there can be two the one that lets everybody in.
fn plan(lab: &HostLab, mut plan: Plan, gate: EventKind, failure: Failure) -> Plan {
    plan = match failure {
        Failure::AnotherKind => {
            let plugin = native(lab).answering_to(gate, another_kind(gate));
            plan.native("gate", Arc::new(plugin), may_play())
        }
        Failure::NoAnswer => {
            let plugin = native(lab).on_event(move |event| {
                (event.kind() == gate).then(|| Box::pin(std::future::pending()) as BoxFuture<_>)
            });
            plan.native("gate", Arc::new(plugin), may_play())
        }
        Failure::Guest(how) => plan.guest(PROBE_NAME, lab.probe(), guest(lab, gate, how)),
    };
    if lab.offers(Need::TwoPlugins) {
        let last = priority(lab, -1).to_string();
        plan = plan.guest(OPEN, lab.probe(), with_config(&[("priority", &last)]));
    }
    plan
}

async fn fails(lab: &HostLab, gate: EventKind, failure: Failure) -> Outcome {
    let host = lab.host(|empty| plan(lab, empty, gate, failure)).await?;
    let (mark, sessions) = (lab.recorder.mark(), lab.recorder.session_starts().len());
    let mut player = lab.connect(&host, lab.client());
    let began = lab.now();
    player.until_closed(PATIENCE + PATIENCE).await;
    lab.settle().await;
    let what = match failure {
        Failure::AnotherKind => "a native listener answers an outcome of another kind".to_owned(),
        Failure::NoAnswer => "a native listener never answers".to_owned(),
        Failure::Guest(how) => format!("the listener of a guest does this: {how}"),
    };
    let expected = format!("a connection denied with a reason when at {gate} {what}");
    let asked = lines::since(lab, mark)
        .iter()
        .any(|line| line.plugin == OPEN && line.event() == Some(gate.name()));
    // That it denies is the clause; that nobody is asked in vain is this host's own.
    if asked && lab.offers(Need::HostEvents) {
        return Err(player.broken(CLAUSE, expected, "the next listener was asked"));
    }
    if lab.recorder.session_starts().len() > sessions {
        return Err(player.broken(CLAUSE, expected, "a session started"));
    }
    denied(&player, expected, began, lab.within(PATIENCE + SLACK))
}

fn denied(player: &Player, expected: String, began: Duration, limit: Duration) -> Outcome {
    match player.kicked() {
        Some((at, _, text)) if text.chars().any(char::is_alphanumeric) => {
            let after = at.saturating_sub(began);
            if after <= limit {
                return Ok(());
            }
            let got = format!("it came after {}", secs(after));
            Err(player.broken(
                CLAUSE,
                format!("{expected}, within {}", secs(PATIENCE)),
                got,
            ))
        }
        _ => Err(player.broken(CLAUSE, expected, player.stands())),
    }
}

fn native(lab: &HostLab) -> Recording {
    lab.native("gate").with_outcome(EventOutcome::NoOpinion)
}

/// What would open the other gate.
fn another_kind(gate: EventKind) -> EventOutcome {
    match gate {
        EventKind::PreLogin => EventOutcome::ServerPreConnect(ServerPreConnectResult::Allowed),
        _ => EventOutcome::PreLogin(PreLoginResult::Allowed),
    }
}

fn guest(lab: &HostLab, gate: EventKind, how: &str) -> PluginConfig {
    let key = match gate {
        EventKind::PreLogin => "pre-login",
        _ => "answer",
    };
    let mut config = with_config(&[(key, how), ("priority", &priority(lab, 5).to_string())]);
    if lab.sets("fuel") {
        config.limits.fuel = FUEL;
    }
    config
}

/// An answer that comes at the last moment is one.
async fn in_time(lab: &HostLab) -> Outcome {
    let slow = lab.native("gate").on_event(|event| {
        (event.kind() == EventKind::PreLogin).then(|| {
            Box::pin(async {
                tokio::time::sleep(PATIENCE - SLACK).await;
                EventOutcome::PreLogin(PreLoginResult::Allowed)
            }) as BoxFuture<_>
        })
    });
    let host = lab.host_of("gate", slow).await?;
    let sessions = lab.recorder.session_starts().len();
    let mut player = lab.connect(&host, lab.client());
    player.live(PATIENCE + Duration::from_secs(1)).await;
    if lab.recorder.session_starts().len() == sessions + 1 {
        return Ok(());
    }
    let expected = format!(
        "a session when the listener answers after {}",
        secs(PATIENCE - SLACK)
    );
    Err(player.broken(CLAUSE, expected, player.stands()))
}
