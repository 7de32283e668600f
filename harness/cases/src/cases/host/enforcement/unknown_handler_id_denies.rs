//! An id that nobody has registered leads nowhere.

use vb_contract::DenyReason;

use crate::case::Case;
use crate::cases::host::asking::must_deny;
use crate::lab::door::Need;
use crate::lab::host::HostLab;
use crate::verdict::{Finding, Outcome};

const CLAUSE: &str = "VB-ENF-03";

fn no_session(lab: &HostLab) -> Outcome {
    if lab.notebook.sessions().is_empty() {
        return Ok(());
    }
    Err(Finding::new(CLAUSE, "no handler called", "a handler was called").into())
}

/// See the module.
pub const CASE: Case = Case::host(
    "unknown-handler-id-denies",
    &["VB-ENF-03"],
    "Plugins answer handler ids that they have not registered.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &HostLab) -> Outcome {
    let unknown = |reason: &DenyReason| matches!(reason, DenyReason::UnknownHandler(_));
    if lab.offers(Need::NativePlugins) {
        let host = lab.host_of("gate", lab.native("gate").answering(2)).await?;
        let what = "a plugin answers 2 and has registered 1";
        must_deny(lab, &host, CLAUSE, what, unknown).await?;
    }
    let host = lab.host_of_probe(&[("marker", "7")]).await?;
    must_deny(
        lab,
        &host,
        CLAUSE,
        "a guest answers 7 and has registered 1",
        unknown,
    )
    .await?;
    let host = lab.host_of_probe(&[("register", "false")]).await?;
    must_deny(
        lab,
        &host,
        CLAUSE,
        "a guest answers 1 and has registered nothing",
        unknown,
    )
    .await?;
    no_session(lab)
}
