//! One plugin must not hand a player over to another.

use std::sync::Arc;

use vb_contract::DenyReason;

use crate::case::Case;
use crate::cases::host::asking::must_deny;
use crate::lab::door::{Need, Plan};
use crate::lab::host::{HostLab, PROBE_NAME, may_play, with_config};
use crate::verdict::{Finding, Outcome};

const CLAUSE: &str = "VB-ENF-04";

/// Has registered 1 and answers nothing.
const OWNER: &[(&str, &str)] = &[("answer", "none")];

/// Has registered nothing and answers 1.
const THIEF: &[(&str, &str)] = &[("register", "false")];

/// See the module.
pub const CASE: Case<HostLab> = Case::new(
    "foreign-handler-id-denies",
    &["VB-ENF-04"],
    "A plugin answers a handler id that only another plugin has registered.",
    |lab| Box::pin(run(lab)),
)
.needing(&[Need::TwoPlugins]);

async fn run(lab: &HostLab) -> Outcome {
    let guest = |plan: Plan, name: &str, lines| plan.guest(name, lab.probe(), with_config(lines));
    let host = lab.host(|plan| guest(guest(plan, "owner", OWNER), PROBE_NAME, THIEF));
    let what = "a guest answers 1, which another has registered before it";
    must_deny(lab, &host.await?, CLAUSE, what, foreign).await?;

    let host = lab.host(|plan| guest(guest(plan, PROBE_NAME, THIEF), "owner", OWNER));
    let what = "a guest answers 1, which another has registered after it";
    must_deny(lab, &host.await?, CLAUSE, what, foreign).await?;

    if lab.offers(Need::NativePlugins) {
        natively(lab).await?;
    }
    Ok(())
}

async fn natively(lab: &HostLab) -> Outcome {
    let owner = || Arc::new(lab.native("owner").registering(&[5]).not_listening());
    let host = lab.host(|plan| {
        let gate = Arc::new(lab.native("gate").answering(5));
        plan.native("owner", owner(), may_play())
            .native("gate", gate, may_play())
    });
    let what = "a native plugin answers 5, which another has registered";
    must_deny(lab, &host.await?, CLAUSE, what, foreign).await?;

    let host = lab.host(|plan| {
        let gate = with_config(&[("marker", "5")]);
        plan.native("owner", owner(), may_play())
            .guest(PROBE_NAME, lab.probe(), gate)
    });
    let what = "a guest answers 5, which a native plugin has registered";
    must_deny(lab, &host.await?, CLAUSE, what, foreign).await?;

    let host = lab.host(|plan| {
        let gate = Arc::new(lab.native("gate").registering(&[]).answering(1));
        plan.guest(PROBE_NAME, lab.probe(), with_config(OWNER))
            .native("gate", gate, may_play())
    });
    let what = "a native plugin answers 1, which a guest has registered";
    must_deny(lab, &host.await?, CLAUSE, what, foreign).await?;
    if lab.notebook.sessions().is_empty() {
        return Ok(());
    }
    Err(Finding::new(CLAUSE, "no handler called", "a handler was called").into())
}

fn foreign(reason: &DenyReason) -> bool {
    matches!(reason, DenyReason::UnknownHandler(_))
}
