//! An id that nobody has registered leads nowhere.

use vb_contract::DenyReason;

use crate::case::Case;
use crate::cases::host::asking::must_deny;
use crate::lab::door::Need;
use crate::lab::host::HostLab;
use crate::verdict::{Finding, Outcome};

const CLAUSE: &str = "VB-ENF-03";

/// What a guest is told, and what it does then.
const GUESTS: [(&str, &str, &str); 3] = [
    ("marker", "2", "a guest answers 2 and has registered 1"),
    ("marker", "7", "a guest answers 7 and has registered 1"),
    (
        "register",
        "false",
        "a guest answers 1 and has registered nothing",
    ),
];

/// See the module.
pub const CASE: Case<HostLab> = Case::new(
    "unknown-handler-id-denies",
    &["VB-ENF-03"],
    "Plugins answer handler ids that they have not registered.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &HostLab) -> Outcome {
    for (key, value, what) in GUESTS {
        let host = lab.host_of_probe(&[(key, value)]).await?;
        must_deny(lab, &host, CLAUSE, what, unknown).await?;
    }
    if lab.offers(Need::NativePlugins) {
        natively(lab).await?;
    }
    Ok(())
}

async fn natively(lab: &HostLab) -> Outcome {
    let host = lab.host_of("gate", lab.native("gate").answering(2)).await?;
    let what = "a plugin answers 2 and has registered 1";
    must_deny(lab, &host, CLAUSE, what, unknown).await?;
    if lab.notebook.sessions().is_empty() {
        return Ok(());
    }
    Err(Finding::new(CLAUSE, "no handler called", "a handler was called").into())
}

fn unknown(reason: &DenyReason) -> bool {
    matches!(reason, DenyReason::UnknownHandler(_))
}
