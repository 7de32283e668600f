//! An answer that a plugin may not give must not open the gate.

use std::sync::Arc;

use vb_contract::{Capability, DenyReason, HostEvent, PluginConfig};

use crate::case::Case;
use crate::cases::host::asking::must_deny;
use crate::lab::carried::MARKER;
use crate::lab::door::{Component, Host, Need};
use crate::lab::host::{HostLab, PROBE_NAME, may_play, with_config};
use crate::verdict::{Finding, Outcome};

const CLAUSE: &str = "VB-ENF-02";

/// The plugin that answers.
const GATE: &str = "gate";

/// See the module.
pub const CASE: Case<HostLab> = Case::new(
    "marker-without-capability-denies",
    &["VB-ENF-02"],
    "A guest without the capability answers virtual-backend(1), alone and before one that may; and so does a native plugin.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &HostLab) -> Outcome {
    let taken_back = PluginConfig {
        deny: vec![Capability::VirtualBackend],
        ..may_play()
    };
    for (how, config) in [
        ("without the capability", PluginConfig::default()),
        ("with the capability granted and denied", taken_back),
    ] {
        let guest = Component::carried(MARKER);
        let host = lab.host(|plan| plan.guest(GATE, guest, config.clone()));
        denied(lab, &host.await?, &format!("a guest {how}")).await?;
        if lab.offers(Need::NativePlugins) {
            let native = Arc::new(lab.native(GATE).registering(&[]));
            let host = lab.host(|plan| plan.native(GATE, native, config));
            denied(lab, &host.await?, &format!("a native plugin {how}")).await?;
        }
    }
    if lab.choices().refused_per_call {
        of_one_with_the_interface(lab).await?;
    }
    // Where the last opinion decides it is the other's.
    if lab.offers(Need::TwoPlugins) && !lab.choices().last_opinion {
        before_one_that_may(lab).await?;
    }
    Ok(())
}

/// A host that refuses each call starts such a guest too.
async fn of_one_with_the_interface(lab: &HostLab) -> Outcome {
    let config = PluginConfig {
        permissions: Vec::new(),
        ..with_config(&[("register", "false")])
    };
    let host = lab.host(|plan| plan.guest(GATE, lab.probe(), config));
    let who = "a guest that has the interface, and not the capability,";
    denied(lab, &host.await?, who).await
}

/// Who is asked next must not be: the answer was one, and a wrong one.
async fn before_one_that_may(lab: &HostLab) -> Outcome {
    let last = if lab.choices().lowest_first {
        "100"
    } else {
        "-100"
    };
    let host = lab.host(|plan| {
        let guest = Component::carried(MARKER);
        let next = with_config(&[("priority", last)]);
        plan.guest(GATE, guest, PluginConfig::default())
            .guest(PROBE_NAME, lab.probe(), next)
    });
    denied(lab, &host.await?, "a guest that is asked before another").await
}

async fn denied(lab: &HostLab, host: &Host, who: &str) -> Outcome {
    let mark = lab.recorder.mark();
    let right = |reason: &DenyReason| matches!(reason, DenyReason::NotGranted);
    let what = format!("{who} answers virtual-backend");
    must_deny(lab, host, CLAUSE, &what, right).await?;
    let named = lab.recorder.since(mark, |seen| match &seen.event {
        HostEvent::Denied { plugin, .. } => plugin.clone(),
        _ => None,
    });
    if !lab.offers(Need::HostEvents) || named.iter().any(|plugin| plugin == GATE) {
        return Ok(());
    }
    let expected = format!("the log to name the plugin when {what}");
    Err(Finding::new(CLAUSE, expected, "the plugin is not named").into())
}
