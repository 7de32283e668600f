//! What a listener says for the log is a sentence, not a file.

use vb_contract::{DenyReason, EventKind, EventOutcome, ServerPreConnectResult};
use vb_contract::{MAX_LIMBO_REASON, MAX_LIMBO_REASONS, MAX_SERVER_NAME};

use crate::case::Case;
use crate::cases::host::asking::must_deny;
use crate::lab::door::Host;
use crate::lab::host::HostLab;
use crate::lab::player::JOIN_LIMIT;
use crate::verdict::{Outcome, Stop};

const CLAUSE: &str = "VB-ENF-13";

/// See the module.
pub const CASE: Case = Case::host(
    "texts-of-answers-are-bounded",
    &["VB-ENF-13"],
    "Answers with names and reasons at their bound and one past it, natively and from a guest.",
    |lab| Box::pin(run(lab)),
)
.on_the_newest();

async fn run(lab: &HostLab) -> Outcome {
    let failed = |reason: &DenyReason| matches!(reason, DenyReason::ListenerFailed(_));
    let unknown = |reason: &DenyReason| matches!(reason, DenyReason::UnknownServer(_));

    let host = limbo(lab, MAX_LIMBO_REASONS, MAX_LIMBO_REASON).await?;
    passes(
        lab,
        &host,
        "as many reasons as there may be, each as long as it may be",
    )
    .await?;
    let host = limbo(lab, MAX_LIMBO_REASONS + 1, 1).await?;
    must_deny(lab, &host, CLAUSE, "there is one reason too many", failed).await?;
    let host = limbo(lab, 1, MAX_LIMBO_REASON + 1).await?;
    must_deny(lab, &host, CLAUSE, "a reason is one byte too long", failed).await?;
    let host = connect_to(lab, MAX_SERVER_NAME).await?;
    must_deny(
        lab,
        &host,
        CLAUSE,
        "a name that nobody has is as long as may be",
        unknown,
    )
    .await?;
    let host = connect_to(lab, MAX_SERVER_NAME + 1).await?;
    must_deny(lab, &host, CLAUSE, "a name is one byte too long", failed).await?;

    let host = of_guest(lab, MAX_LIMBO_REASON).await?;
    passes(lab, &host, "a guest's reason as long as it may be").await?;
    let host = of_guest(lab, MAX_LIMBO_REASON + 1).await?;
    must_deny(
        lab,
        &host,
        CLAUSE,
        "a guest's reason is one byte too long",
        failed,
    )
    .await
}

async fn limbo(lab: &HostLab, reasons: usize, bytes: usize) -> Result<Host, Stop> {
    let reasons = vec!["a".repeat(bytes); reasons];
    answering(lab, ServerPreConnectResult::SendToLimbo(reasons)).await
}

async fn connect_to(lab: &HostLab, bytes: usize) -> Result<Host, Stop> {
    answering(lab, ServerPreConnectResult::ConnectTo("a".repeat(bytes))).await
}

async fn answering(lab: &HostLab, result: ServerPreConnectResult) -> Result<Host, Stop> {
    let outcome = EventOutcome::ServerPreConnect(result);
    let plugin = lab
        .native("gate")
        .answering_to(EventKind::ServerPreConnect, outcome);
    lab.host_of("gate", plugin).await
}

async fn of_guest(lab: &HostLab, bytes: usize) -> Result<Host, Stop> {
    let answer = format!("limbo:{}", "a".repeat(bytes));
    lab.host_of_probe(&[("answer", &answer)]).await
}

async fn passes(lab: &HostLab, host: &Host, what: &str) -> Outcome {
    let mut player = lab.connect(host, lab.client());
    if player.until_in_world(JOIN_LIMIT).await {
        player.leave().await;
        return Ok(());
    }
    let expected = format!("an idle empty world after {what}");
    Err(player.broken(CLAUSE, expected, player.stands()))
}
