//! One plugin must not hand a player over to another.

use std::sync::Arc;

use vb_contract::DenyReason;

use crate::case::Case;
use crate::cases::host::asking::must_deny;
use crate::lab::door::Need;
use crate::lab::host::{HostLab, PROBE_NAME, may_play, with_config};
use crate::verdict::{Finding, Outcome};

const CLAUSE: &str = "VB-ENF-04";

/// See the module.
pub const CASE: Case = Case::host(
    "foreign-handler-id-denies",
    &["VB-ENF-04"],
    "A plugin answers a handler id that only another plugin has registered.",
    |lab| Box::pin(run(lab)),
)
.needing(&[Need::TwoPlugins]);

fn foreign(reason: &DenyReason) -> bool {
    matches!(reason, DenyReason::UnknownHandler(_))
}

async fn run(lab: &HostLab) -> Outcome {
    // The owner has no opinion, and its handlers are 1 to 5.
    let owner = with_config(&[("handlers", "5"), ("answer", "none")]);
    let gate = with_config(&[("marker", "5")]);
    let host = lab
        .host(|plan| {
            plan.guest("owner", lab.probe(), owner)
                .guest(PROBE_NAME, lab.probe(), gate)
        })
        .await?;
    let what = "a guest answers 5, which another has registered";
    must_deny(lab, &host, CLAUSE, what, foreign).await?;
    if lab.offers(Need::NativePlugins) {
        natively(lab).await?;
    }
    Ok(())
}

async fn natively(lab: &HostLab) -> Outcome {
    let host = lab
        .host(|plan| {
            let owner = lab.native("owner").registering(&[5]).not_listening();
            let gate = lab.native("gate").answering(5);
            plan.native("owner", Arc::new(owner), may_play()).native(
                "gate",
                Arc::new(gate),
                may_play(),
            )
        })
        .await?;
    let what = "a native plugin answers 5, which another has registered";
    must_deny(lab, &host, CLAUSE, what, foreign).await?;
    let host = lab
        .host(|plan| {
            let owner = lab.native("owner").registering(&[5]).not_listening();
            let gate = with_config(&[("marker", "5")]);
            plan.native("owner", Arc::new(owner), may_play())
                .guest(PROBE_NAME, lab.probe(), gate)
        })
        .await?;
    must_deny(
        lab,
        &host,
        CLAUSE,
        "a guest answers 5, which a native plugin has registered",
        foreign,
    )
    .await?;
    let host = lab
        .host(|plan| {
            let gate = lab.native("gate").registering(&[]).answering(1);
            plan.guest(PROBE_NAME, lab.probe(), with_config(&[("answer", "none")]))
                .native("gate", Arc::new(gate), may_play())
        })
        .await?;
    must_deny(
        lab,
        &host,
        CLAUSE,
        "a native plugin answers 1, which a guest has registered",
        foreign,
    )
    .await?;
    if lab.notebook.sessions().is_empty() {
        return Ok(());
    }
    Err(Finding::new(CLAUSE, "no handler called", "a handler was called").into())
}
