//! An answer that a plugin may not give must not open the gate.

use std::sync::Arc;

use reference_backend::{DenyReason, HostEvent, PluginConfig};

use crate::case::Case;
use crate::cases::host::asking::must_deny;
use crate::subject::host::HostLab;
use crate::verdict::{Finding, Outcome};

/// See the module.
pub const CASE: Case = Case::host(
    "marker-without-capability-denies",
    &["VB-ENF-02"],
    "A native plugin without the capability answers virtual-backend(1).",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &HostLab) -> Outcome {
    let plugin = lab.native("gate").registering(&[]);
    let host = lab
        .host(|builder| builder.native("gate", Arc::new(plugin), PluginConfig::default()))
        .await?;
    let mark = lab.recorder.mark();
    let right = |reason: &DenyReason| matches!(reason, DenyReason::NotGranted);
    must_deny(
        lab,
        &host,
        "VB-ENF-02",
        "a plugin without the capability answers virtual-backend",
        right,
    )
    .await?;
    let named = lab.recorder.since(mark, |seen| match &seen.event {
        HostEvent::Denied { plugin, .. } => plugin.clone(),
        _ => None,
    });
    if named.iter().any(|plugin| plugin == "gate") {
        return Ok(());
    }
    Err(Finding::new(
        "VB-ENF-02",
        "the log to name the plugin",
        "the plugin is not named",
    )
    .into())
}
