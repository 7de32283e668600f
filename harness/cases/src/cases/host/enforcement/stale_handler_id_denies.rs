//! A new instance is not bound to what its predecessor could do.

use std::collections::BTreeMap;

use vb_contract::{DenyReason, HostEvent};

use crate::case::Case;
use crate::cases::host::asking::{must_deny, trap, until_enabled};
use crate::lab::door::{Host, Need};
use crate::lab::host::{HostLab, PROBE_NAME};
use crate::verdict::{Outcome, Stop};

const CLAUSE: &str = "VB-ENF-05";

/// See the module.
pub const CASE: Case<HostLab> = Case::new(
    "stale-handler-id-denies",
    &["VB-ENF-05"],
    "Has a guest trap twice: its next instance registers its handler again, the one after that does not, and answers it.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &HostLab) -> Outcome {
    let host = lab.host_of_probe(&[]).await?;
    let mut player = lab.join(&host).await?;
    let mark = lab.recorder.mark();
    trap(&mut player).await?;
    nobody_before_the_next(lab, &host, mark).await?;
    if lab.offers(Need::Restart) && lab.offers(Need::Reconfigure) {
        until_enabled(lab, PROBE_NAME, mark).await?;
        unregistered(lab, &host).await?;
    }
    Ok(())
}

/// The instance that registered the handler is gone. Where time is real the next may be there before a client is.
async fn nobody_before_the_next(lab: &HostLab, host: &Host, mark: usize) -> Outcome {
    // A host that asks nobody while the plugin is down breaks another clause.
    let down =
        |reason: &DenyReason| matches!(reason, DenyReason::PluginDown | DenyReason::NoServer);
    if lab.is_virtual() {
        let what = "the instance that registered the handler is gone and the next is not there";
        return must_deny(lab, host, CLAUSE, what, down).await;
    }
    let mut player = lab.connect(host, lab.client());
    let started = lab.until_started(&mut player).await.is_ok();
    lab.settle().await;
    let lines = lab.recorder.since(mark, |seen| match &seen.event {
        HostEvent::GuestLog { message, .. } => Some(message.clone()),
        _ => None,
    });
    let mut lines = lines.iter();
    let first = lines.find(|line| *line == "enable" || line.starts_with("start "));
    if started && first.is_some_and(|line| line != "enable") {
        let expected = "nobody let in before the next instance has registered the handler again";
        return Err(player.broken(CLAUSE, expected, "a session started"));
    }
    Ok(())
}

async fn unregistered(lab: &HostLab, host: &Host) -> Outcome {
    let unknown = |reason: &DenyReason| matches!(reason, DenyReason::UnknownHandler(_));
    let mut player = lab.join(host).await?;
    let table = BTreeMap::from([("register".to_owned(), "false".to_owned())]);
    host.set_plugin_table(PROBE_NAME, table)
        .await
        .map_err(|error| Stop::Untestable(error, Vec::new()))?;
    let mark = lab.recorder.mark();
    trap(&mut player).await?;
    until_enabled(lab, PROBE_NAME, mark).await?;
    let what = "the present instance answers 1, which only its predecessors have registered";
    must_deny(lab, host, CLAUSE, what, unknown).await
}
