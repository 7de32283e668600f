//! A login plugin that fails before its first `subscribe` has told nobody what it guards.

use std::collections::BTreeMap;
use std::sync::Arc;

use vb_contract::{DenyReason, EventKind, PluginConfig};

use super::lines::{self, priority};
use crate::case::Case;
use crate::cases::host::asking::{must_deny, trap, until_let_in};
use crate::lab::door::{Host, Need, Plan};
use crate::lab::host::{HostLab, PROBE_NAME, may_play, with_config};
use crate::verdict::{Outcome, Stop};

const CLAUSE: &str = "VB-DSP-18";

/// The plugin that lets everybody in when it is asked, which is before any other.
const OPEN: &str = "open";

/// See the module.
pub const CASE: Case<HostLab> = Case::new(
    "nobody-passes-before-a-plugin-has-come-up",
    &["VB-DSP-18"],
    "A plugin traps or refuses at its first start before it has subscribed, with each kind of table, and another would \
     let everybody in; then it comes up, and then it traps.",
    |lab| Box::pin(run(lab)),
)
.on_the_newest()
.needing(&[Need::TwoPlugins]);

/// A table after which the probe refuses to start, before it has subscribed to anything.
const REFUSES: (&str, &str) = ("priority", "none");

/// How a plugin does not come up.
#[derive(Debug, Clone, Copy)]
enum Start {
    /// A guest traps before it can do anything.
    Traps,
    /// A guest answers an error before it has subscribed.
    Refuses,
    /// So does a native plugin.
    RefusesNatively,
}

const STARTS: [Start; 3] = [Start::Traps, Start::Refuses, Start::RefusesNatively];

async fn run(lab: &HostLab) -> Outcome {
    for start in STARTS.into_iter().filter(|start| start.is_offered(lab)) {
        for (table, shut) in [
            ("", Some(EventKind::PreLogin)),
            ("required = true", Some(EventKind::PreLogin)),
            ("gates = [\"pre-login\"]", Some(EventKind::PreLogin)),
            (
                "gates = [\"server-pre-connect\"]",
                Some(EventKind::ServerPreConnect),
            ),
            ("gates = []", None),
        ] {
            never_up(lab, start, table, shut).await?;
        }
    }
    if lab.offers(Need::Restart) && lab.offers(Need::Reconfigure) {
        comes_up(lab).await?;
        goes_down(lab).await?;
    }
    Ok(())
}

impl Start {
    fn is_offered(self, lab: &HostLab) -> bool {
        match self {
            // Fuel is one meter of several; this host's counts.
            Self::Traps => lab.offers(Need::NativePlugins) && lab.sets("fuel"),
            Self::Refuses => true,
            Self::RefusesNatively => lab.offers(Need::NativePlugins),
        }
    }
}

/// With the plugin that lets everybody in whom `only` accepts, and is asked before any other.
fn with_open(lab: &HostLab, plan: Plan, only: &str) -> Plan {
    let first = priority(lab, 100).to_string();
    let config = with_config(&[("priority", &first), ("only", only)]);
    plan.guest(OPEN, lab.probe(), config)
}

/// The lines of a plugin that may play server, with these among them.
fn table(text: &str) -> String {
    format!("permissions = [\"virtual-backend\"]\n{text}\n")
}

async fn never_up(lab: &HostLab, start: Start, text: &str, shut: Option<EventKind>) -> Outcome {
    let mut config = may_play();
    let host = lab
        .host(|plan| {
            let plan = match start {
                Start::Traps => {
                    config.limits.fuel = 1;
                    plan.guest_written(PROBE_NAME, lab.probe(), table(text), config)
                }
                Start::Refuses => {
                    config.config = with_config(&[REFUSES]).config;
                    plan.guest_written(PROBE_NAME, lab.probe(), table(text), config)
                }
                Start::RefusesNatively => {
                    let twice = lab.native(PROBE_NAME).not_listening().registering(&[1, 1]);
                    plan.native_written(PROBE_NAME, Arc::new(twice), table(text), config)
                }
            };
            with_open(lab, plan, "")
        })
        .await?;
    let Some(shut) = shut else {
        // Also proves that the other plugin lets players in.
        return lab.join(&host).await.map(drop);
    };
    let what = match start {
        Start::Traps => "a guest traps at its first start",
        Start::Refuses => "a guest refuses to start",
        Start::RefusesNatively => "a native plugin refuses to start",
    };
    must_shut(
        lab,
        &host,
        shut,
        &format!("{what}, and its table says: {text}"),
    )
    .await
}

/// Nobody passes the gate, and nobody is asked at it.
async fn must_shut(lab: &HostLab, host: &Host, gate: EventKind, what: &str) -> Outcome {
    let mark = lab.recorder.mark();
    let down =
        |reason: &DenyReason| matches!(reason, DenyReason::PluginDown | DenyReason::HeldShut);
    must_deny(lab, host, CLAUSE, what, down).await?;
    let asked = lines::since(lab, mark)
        .iter()
        .any(|line| line.plugin == OPEN && line.event() == Some(gate.name()));
    if !asked {
        return Ok(());
    }
    let player = lab.connect(host, lab.client());
    let expected = format!("nobody to be asked at {gate} when {what}");
    Err(player.broken(CLAUSE, expected, format!("{OPEN} was asked")))
}

/// The probe, and the plugin that is asked before it, which here lets nobody in but one who never comes.
async fn probed(lab: &HostLab, text: &str, config: PluginConfig) -> Result<Host, Stop> {
    lab.host(|plan| {
        let plan = plan.guest_written(PROBE_NAME, lab.probe(), table(text), config);
        with_open(lab, plan, "nobody")
    })
    .await
}

/// The gates open with the first success.
async fn comes_up(lab: &HostLab) -> Outcome {
    let host = probed(lab, "", with_config(&[("in.enable", "trap")])).await?;
    must_shut(
        lab,
        &host,
        EventKind::PreLogin,
        "a guest traps once it has subscribed",
    )
    .await?;
    host.set_plugin_table(PROBE_NAME, BTreeMap::new())
        .await
        .map_err(|error| Stop::Untestable(error, Vec::new()))?;
    until_let_in(lab, &host).await
}

/// What the table names is shut before anybody is asked, later too.
async fn goes_down(lab: &HostLab) -> Outcome {
    let host = probed(lab, "gates = [\"pre-login\"]", may_play()).await?;
    let mut player = lab.join(&host).await?;
    // Where time is real it could be back before anybody has come to the gate.
    let stays_down = [REFUSES].map(|(key, value)| (key.to_owned(), value.to_owned()));
    host.set_plugin_table(PROBE_NAME, BTreeMap::from(stays_down))
        .await
        .map_err(|error| Stop::Untestable(error, Vec::new()))?;
    trap(&mut player).await?;
    must_shut(
        lab,
        &host,
        EventKind::PreLogin,
        "a guest whose table names the gate has trapped",
    )
    .await
}
