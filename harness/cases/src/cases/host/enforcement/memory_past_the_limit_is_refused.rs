//! One guest must not take the memory of all others.

use std::time::Duration;

use sim_proto::ClientConfig;
use vb_contract::{Callback, EndCause, TrapKind};

use super::heard::said;
use crate::case::Case;
use crate::cases::host::asking::{COMMAND, until_enabled};
use crate::lab::carried::Worker;
use crate::lab::door::{Host, Need};
use crate::lab::host::{HostLab, PROBE_NAME, may_play, with_config};
use crate::lab::player::{JOIN_LIMIT, Player};
use crate::verdict::{Finding, Outcome, Stop};

const CLAUSE: &str = "VB-ENF-09";

/// One page of WebAssembly.
const PAGE: u64 = 64 << 10;

/// Pages that the worker may have. It has one of its own.
const PAGES: u32 = 8;

/// Bytes that the probe may have: enough for itself, and soon eaten.
const PROBE_BYTES: u64 = 8 << 20;

/// The guest that asks for pages.
const WORKER: &str = "worker";

/// How the names of the players of the guest that eats begin.
const EATER: &str = "Eater";

/// The plugin beside it, and its player.
const HEALTHY: &str = "healthy";
const NEIGHBOUR: &str = "Neighbour";

const WATCH: Duration = Duration::from_secs(1);

/// See the module.
pub const CASE: Case<HostLab> = Case::new(
    "memory-past-the-limit-is-refused",
    &["VB-ENF-09"],
    "A guest asks for its last page and for one more; another takes what it can get and traps, beside a healthy one.",
    |lab| Box::pin(run(lab)),
)
.on_the_newest()
.needing(&[Need::OwnLimits]);

async fn run(lab: &HostLab) -> Outcome {
    asks(lab, PAGES - 1, "grown").await?;
    asks(lab, PAGES, "refused").await?;
    if lab.offers(Need::TwoPlugins) {
        eats(lab).await?;
    }
    Ok(())
}

async fn asks(lab: &HostLab, pages: u32, word: &str) -> Outcome {
    let guest = Worker::default().growing(pages).bytes().into();
    let mut config = may_play();
    config.limits.memory = u64::from(PAGES) * PAGE;
    let host = lab.host(|plan| plan.guest(WORKER, guest, config)).await?;
    let before = lab.recorder.guest_log(WORKER).len();
    let mut player = lab.connect(&host, lab.client());
    let limit = lab.within(JOIN_LIMIT);
    let started = said(lab, &mut player, WORKER, before, limit, |line| {
        line == "start"
    });
    if started.await.is_none() {
        return Err(player.untestable(format!("no session starts: {}", player.stands())));
    }
    player.send_raw(0, b"x");
    let limit = lab.within(WATCH);
    let answer = said(lab, &mut player, WORKER, before, limit, |line| {
        matches!(line, "grown" | "refused")
    });
    let answer = answer.await;
    if answer.as_deref() == Some(word) && player.closed().is_none() {
        return Ok(());
    }
    let expected = format!(
        "`{word}`, and the session alive, when a guest of 1 page that may have {PAGES} asks for {pages} more"
    );
    let got = format!("the guest logged {answer:?}; {}", player.stands());
    Err(player.broken(CLAUSE, expected, got))
}

/// A guest takes all it can get in a callback of one session, on a host with another plugin and its session.
async fn eats(lab: &HostLab) -> Outcome {
    let mut config = with_config(&[("only", EATER)]);
    config.limits.memory = PROBE_BYTES;
    let host = lab
        .host(|plan| {
            let healthy = with_config(&[("only", NEIGHBOUR)]);
            plan.guest(HEALTHY, lab.probe(), healthy)
                .guest(PROBE_NAME, lab.probe(), config)
        })
        .await?;
    let client = |name: &str| ClientConfig::new(lab.protocol, name);
    let mut eater = lab.join_as(&host, client(EATER)).await?;
    let mut neighbour = lab.join_as(&host, client(NEIGHBOUR)).await?;
    let mark = lab.recorder.mark();
    let ends = lab.recorder.session_ends().len();
    eater.send_raw(COMMAND, b"eat");
    eater.until_closed(lab.within(WATCH)).await;
    failed(lab, &eater)?;
    goes_on(lab, &mut neighbour, ends).await?;
    if lab.offers(Need::Restart) {
        until_enabled(lab, PROBE_NAME, mark).await?;
        serves_again(lab, &host, client("EaterAgain")).await?;
    }
    Ok(())
}

/// The guest that has taken too much has trapped, which its player is told of.
fn failed(lab: &HostLab, eater: &Player) -> Outcome {
    let expected = format!(
        "a guest that may have {PROBE_BYTES} bytes to trap when it takes more, which ends its session and no other"
    );
    let traps = lab.recorder.traps();
    let got: Vec<_> = traps
        .iter()
        .map(|trap| (trap.plugin.as_str(), trap.callback, trap.kind.clone()))
        .collect();
    let limit = TrapKind::MemoryLimit { limit: PROBE_BYTES };
    let right = if lab.offers(Need::HostEvents) {
        got == [(PROBE_NAME, Callback::PacketReceived, limit)]
    } else {
        eater.kicked().is_some()
    };
    if right {
        return Ok(());
    }
    let got = format!("the traps were {got:?}; {}", eater.stands());
    Err(eater.broken(CLAUSE, expected, got))
}

/// The other plugin serves its player, and of the sessions that end from the first `ends` on there is one.
async fn goes_on(lab: &HostLab, neighbour: &mut Player, ends: usize) -> Outcome {
    let before = lab.recorder.guest_log(HEALTHY).len();
    neighbour.send_raw(0, b"x");
    let limit = lab.within(WATCH);
    let served = said(lab, neighbour, HEALTHY, before, limit, |line| {
        line.starts_with("packet ")
    });
    let served = served.await.is_some();
    let all = lab.recorder.session_ends();
    let ended: Vec<&EndCause> = all.iter().skip(ends).map(|(_, _, cause)| cause).collect();
    let alone = !lab.offers(Need::HostEvents) || ended == [&EndCause::PluginFailed];
    if served && alone && neighbour.closed().is_none() {
        return Ok(());
    }
    let expected = "a guest that takes too much memory to end its own session and no other";
    let got = format!(
        "sessions ended for {ended:?}; the neighbour is {}: {}",
        if served { "served" } else { "not served" },
        neighbour.stands()
    );
    Err(neighbour.broken(CLAUSE, expected, got))
}

async fn serves_again(lab: &HostLab, host: &Host, client: ClientConfig) -> Outcome {
    match lab.join_as(host, client).await {
        Err(Stop::Untestable(why, trace)) => {
            let mut finding = Finding::new(CLAUSE, "the plugin's next instance to serve", why);
            finding.trace = trace;
            Err(finding.into())
        }
        joined => joined.map(drop),
    }
}
