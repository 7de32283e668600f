//! One guest must not take the memory of all others.

use std::sync::Arc;
use std::time::Duration;

use sim_proto::ClientConfig;
use vb_contract::{Callback, EndCause, TrapKind};

use crate::case::Case;
use crate::cases::host::asking::until_enabled;
use crate::lab::carried::Worker;
use crate::lab::door::Need;
use crate::lab::host::{HostLab, PROBE_NAME, may_play, with_config};
use crate::verdict::{Finding, Outcome, Stop};

const CLAUSE: &str = "VB-ENF-09";

/// One page of WebAssembly.
const PAGE: u64 = 64 << 10;

/// Pages that the worker may have. It has one of its own.
const PAGES: u32 = 8;

/// Bytes that the probe may have: enough for itself, and soon eaten.
const PROBE_BYTES: u64 = 8 << 20;

/// The player of the plugin beside it.
const NEIGHBOUR: &str = "Neighbour";

const WATCH: Duration = Duration::from_secs(1);

/// See the module.
pub const CASE: Case = Case::host(
    "memory-past-the-limit-is-refused",
    &["VB-ENF-09"],
    "A guest asks for its last page and for one more; another takes what it can get and traps, beside a healthy one.",
    |lab| Box::pin(run(lab)),
)
.on_the_newest()
.needing(&[Need::HostEvents, Need::OwnLimits]);

async fn run(lab: &HostLab) -> Outcome {
    asks(lab, PAGES - 1, "grown").await?;
    asks(lab, PAGES, "refused").await?;
    eats(lab).await
}

async fn asks(lab: &HostLab, pages: u32, word: &str) -> Outcome {
    let guest = Worker::default().growing(pages).bytes().into();
    let mut config = may_play();
    config.limits.memory = u64::from(PAGES) * PAGE;
    let host = lab.host(|plan| plan.guest("worker", guest, config)).await?;
    let mut player = lab.join(&host).await?;
    let before = lab.recorder.guest_log("worker").len();
    player.send_raw(0, b"x");
    player.live(WATCH).await;
    let said: Vec<String> = lab
        .recorder
        .guest_log("worker")
        .into_iter()
        .skip(before)
        .map(|(_, line)| line)
        .filter(|line| matches!(line.as_str(), "grown" | "refused"))
        .collect();
    if said == [word] && player.closed().is_none() {
        return Ok(());
    }
    let expected = format!(
        "`{word}`, and the session alive, when a guest of 1 page that may have {PAGES} asks for {pages} more"
    );
    let got = format!("the guest logged {said:?}; {}", player.stands());
    Err(player.broken(CLAUSE, expected, got))
}

/// A guest takes all it can get in a callback of one session, on a host with another plugin and its session.
async fn eats(lab: &HostLab) -> Outcome {
    let mut config = with_config(&[]);
    config.limits.memory = PROBE_BYTES;
    let host = lab
        .host(|plan| {
            let healthy = lab.native("healthy").with_priority(1).only_for(NEIGHBOUR);
            plan.native("healthy", Arc::new(healthy), may_play()).guest(
                PROBE_NAME,
                lab.probe(),
                config,
            )
        })
        .await?;
    let mut eater = lab.join(&host).await?;
    let neighbour = ClientConfig::new(lab.protocol, NEIGHBOUR);
    let mut neighbour = lab.join_as(&host, neighbour).await?;
    let mark = lab.recorder.mark();
    let before = lab.recorder.session_ends().len();
    eater.send_raw(0x7777, b"eat");
    eater.until_closed(WATCH).await;
    let expected = format!(
        "a guest that may have {PROBE_BYTES} bytes to trap when it takes more, which ends its session and no other"
    );
    let wanted = (
        PROBE_NAME,
        Callback::PacketReceived,
        TrapKind::MemoryLimit { limit: PROBE_BYTES },
    );
    let traps = lab.recorder.traps();
    let got: Vec<_> = traps
        .iter()
        .map(|trap| (trap.plugin.as_str(), trap.callback, trap.kind.clone()))
        .collect();
    if got != [wanted] {
        let got = format!("the traps were {got:?}; {}", eater.stands());
        return Err(eater.broken(CLAUSE, expected, got));
    }
    neighbour.send_raw(0, b"x");
    neighbour.live(WATCH).await;
    let ends = lab.recorder.session_ends();
    let ended: Vec<&EndCause> = ends
        .iter()
        .skip(before)
        .map(|(_, _, cause)| cause)
        .collect();
    let served = lab
        .notebook
        .packets("healthy")
        .iter()
        .any(|packet| packet.data == b"x"[..]);
    if ended != [&EndCause::PluginFailed] || !served {
        let got = format!(
            "sessions ended for {ended:?}; the neighbour is {}: {}",
            if served { "served" } else { "not served" },
            neighbour.stands()
        );
        return Err(neighbour.broken(CLAUSE, expected, got));
    }
    until_enabled(lab, PROBE_NAME, mark).await?;
    match lab.join(&host).await {
        Err(Stop::Untestable(why, trace)) => {
            let mut finding = Finding::new(CLAUSE, "the plugin's next instance to serve", why);
            finding.trace = trace;
            Err(finding.into())
        }
        joined => joined.map(drop),
    }
}
