//! What a listener says for the log is a sentence, not a file.

use vb_contract::{DenyReason, EventKind, EventOutcome, ServerPreConnectResult};
use vb_contract::{MAX_LIMBO_REASON, MAX_LIMBO_REASONS, MAX_SERVER_NAME};

use crate::case::Case;
use crate::cases::host::asking::must_deny;
use crate::lab::door::{Host, Need};
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

fn failed(reason: &DenyReason) -> bool {
    matches!(reason, DenyReason::ListenerFailed(_))
}

fn unknown(reason: &DenyReason) -> bool {
    matches!(reason, DenyReason::UnknownServer(_))
}

async fn run(lab: &HostLab) -> Outcome {
    if lab.offers(Need::NativePlugins) {
        natively(lab).await?;
    }
    if lab.offers(Need::Limbo) {
        let host = of_guest(
            lab,
            &format!("limbo-of:{MAX_LIMBO_REASONS}:{MAX_LIMBO_REASON}"),
        )
        .await?;
        let what = "as many reasons of a guest as there may be, each as long as it may be";
        passes(lab, &host, what).await?;
    }
    for (answer, what, right) in [
        (
            format!("limbo-of:{}:1", MAX_LIMBO_REASONS + 1),
            "there is one reason of a guest too many",
            failed as fn(&DenyReason) -> bool,
        ),
        (
            format!("limbo-of:1:{}", MAX_LIMBO_REASON + 1),
            "a guest's reason is one byte too long",
            failed,
        ),
        (
            format!("connect-to-of:{MAX_SERVER_NAME}"),
            "a name of a guest's that nobody has is as long as may be",
            unknown,
        ),
        (
            format!("connect-to-of:{}", MAX_SERVER_NAME + 1),
            "a guest's name is one byte too long",
            failed,
        ),
    ] {
        let host = of_guest(lab, &answer).await?;
        must_deny(lab, &host, CLAUSE, what, right).await?;
    }
    Ok(())
}

async fn natively(lab: &HostLab) -> Outcome {
    let host = limbo(lab, MAX_LIMBO_REASONS, MAX_LIMBO_REASON).await?;
    let what = "as many reasons as there may be, each as long as it may be";
    passes(lab, &host, what).await?;
    let host = limbo(lab, MAX_LIMBO_REASONS + 1, 1).await?;
    must_deny(lab, &host, CLAUSE, "there is one reason too many", failed).await?;
    let host = limbo(lab, 1, MAX_LIMBO_REASON + 1).await?;
    must_deny(lab, &host, CLAUSE, "a reason is one byte too long", failed).await?;
    let host = connect_to(lab, MAX_SERVER_NAME).await?;
    let what = "a name that nobody has is as long as may be";
    must_deny(lab, &host, CLAUSE, what, unknown).await?;
    let host = connect_to(lab, MAX_SERVER_NAME + 1).await?;
    must_deny(lab, &host, CLAUSE, "a name is one byte too long", failed).await
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

async fn of_guest(lab: &HostLab, answer: &str) -> Result<Host, Stop> {
    lab.host_of_probe(&[("answer", answer)]).await
}

async fn passes(lab: &HostLab, host: &Host, what: &str) -> Outcome {
    let mut player = lab.connect(host, lab.client());
    if player.until_in_world(lab.within(JOIN_LIMIT)).await {
        player.leave().await;
        return Ok(());
    }
    let expected = format!("an idle empty world after {what}");
    Err(player.broken(CLAUSE, expected, player.stands()))
}
