//! An answer that a plugin may not give must not open the gate.

use std::sync::Arc;

use vb_contract::{Capability, DenyReason, HostEvent, PluginConfig};

use crate::case::Case;
use crate::cases::host::asking::must_deny;
use crate::lab::carried::MARKER;
use crate::lab::door::{Component, Host, Need};
use crate::lab::host::{HostLab, may_play};
use crate::verdict::{Finding, Outcome};

const CLAUSE: &str = "VB-ENF-02";

/// See the module.
pub const CASE: Case = Case::host(
    "marker-without-capability-denies",
    &["VB-ENF-02"],
    "A native plugin and a guest without the capability answer virtual-backend(1).",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &HostLab) -> Outcome {
    let native = lab.native("gate").registering(&[]);
    let guest = Component::carried(MARKER);
    let taken_back = PluginConfig {
        deny: vec![Capability::VirtualBackend],
        ..may_play()
    };
    for (how, config) in [
        ("without the capability", PluginConfig::default()),
        ("with the capability granted and denied", taken_back),
    ] {
        if lab.offers(Need::NativePlugins) {
            let (plugin, its) = (Arc::new(native.clone()), config.clone());
            let host = lab.host(|plan| plan.native("gate", plugin, its));
            denied(lab, &host.await?, &format!("a native plugin {how}")).await?;
        }
        let host = lab.host(|plan| plan.guest("gate", guest.clone(), config));
        denied(lab, &host.await?, &format!("a guest {how}")).await?;
    }
    Ok(())
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
    if named.iter().any(|plugin| plugin == "gate") || !lab.offers(Need::HostEvents) {
        return Ok(());
    }
    let expected = format!("the log to name the plugin when {what}");
    Err(Finding::new(CLAUSE, expected, "the plugin is not named").into())
}
