//! A new instance is not bound to what its predecessor could do.

use std::collections::BTreeMap;

use vb_contract::DenyReason;

use crate::case::Case;
use crate::cases::host::asking::{must_deny, trap, until_enabled};
use crate::lab::door::Need;
use crate::lab::host::{HostLab, PROBE_NAME};
use crate::verdict::{Outcome, Stop};

const CLAUSE: &str = "VB-ENF-05";

/// See the module.
pub const CASE: Case = Case::host(
    "stale-handler-id-denies",
    &["VB-ENF-05"],
    "Has a guest trap twice: its next instance registers its handler again, the one after that does not, and answers it.",
    |lab| Box::pin(run(lab)),
)
.needing(&[Need::Restart, Need::Reconfigure]);

async fn run(lab: &HostLab) -> Outcome {
    let host = lab.host_of_probe(&[]).await?;
    // A host that asks nobody while the plugin is down breaks another clause.
    let down =
        |reason: &DenyReason| matches!(reason, DenyReason::PluginDown | DenyReason::NoServer);
    let unknown = |reason: &DenyReason| matches!(reason, DenyReason::UnknownHandler(_));

    let mark = lab.recorder.mark();
    trap(&mut lab.join(&host).await?).await?;
    if lab.is_virtual() {
        // Where time is real, the next instance may be there before the client.
        let what = "the instance that registered the handler is gone and the next is not there";
        must_deny(lab, &host, CLAUSE, what, down).await?;
    }
    until_enabled(lab, PROBE_NAME, mark).await?;

    let mut player = lab.join(&host).await?;
    let table = BTreeMap::from([("register".to_owned(), "false".to_owned())]);
    host.set_plugin_table(PROBE_NAME, table)
        .await
        .map_err(|error| Stop::Untestable(error, Vec::new()))?;
    let mark = lab.recorder.mark();
    trap(&mut player).await?;
    until_enabled(lab, PROBE_NAME, mark).await?;
    must_deny(
        lab,
        &host,
        CLAUSE,
        "the present instance answers 1, which only its predecessors have registered",
        unknown,
    )
    .await
}
