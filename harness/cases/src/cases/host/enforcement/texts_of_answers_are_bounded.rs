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
pub const CASE: Case<HostLab> = Case::new(
    "texts-of-answers-are-bounded",
    &["VB-ENF-13"],
    "Answers with names and reasons at their bound and one past it, from a guest and natively.",
    |lab| Box::pin(run(lab)),
)
.on_the_newest();

/// An answer to `server-pre-connect`.
#[derive(Debug, Clone, Copy)]
enum Answer {
    /// So many reasons of so many bytes each.
    Limbo(usize, usize),
    /// A server's name of so many bytes.
    ConnectTo(usize),
}

async fn run(lab: &HostLab) -> Outcome {
    for natively in [false, true] {
        if !natively || lab.offers(Need::NativePlugins) {
            bounded(lab, natively).await?;
        }
    }
    Ok(())
}

async fn bounded(lab: &HostLab, natively: bool) -> Outcome {
    if lab.offers(Need::Limbo) {
        let most = Answer::Limbo(MAX_LIMBO_REASONS, MAX_LIMBO_REASON);
        let host = answering(lab, most, natively).await?;
        passes(lab, &host).await?;
    }
    let past: [(Answer, &str); 3] = [
        (
            Answer::Limbo(MAX_LIMBO_REASONS + 1, 1),
            "there is one reason too many",
        ),
        (
            Answer::Limbo(1, MAX_LIMBO_REASON + 1),
            "a reason is one byte too long",
        ),
        (
            Answer::ConnectTo(MAX_SERVER_NAME + 1),
            "a name is one byte too long",
        ),
    ];
    let failed = |reason: &DenyReason| matches!(reason, DenyReason::ListenerFailed(_));
    for (answer, what) in past {
        let host = answering(lab, answer, natively).await?;
        must_deny(lab, &host, CLAUSE, what, failed).await?;
    }
    let unknown = |reason: &DenyReason| matches!(reason, DenyReason::UnknownServer(_));
    let host = answering(lab, Answer::ConnectTo(MAX_SERVER_NAME), natively).await?;
    let what = "a name that nobody has is as long as may be";
    must_deny(lab, &host, CLAUSE, what, unknown).await
}

async fn answering(lab: &HostLab, answer: Answer, natively: bool) -> Result<Host, Stop> {
    if !natively {
        let words = match answer {
            Answer::Limbo(reasons, bytes) => format!("limbo-of:{reasons}:{bytes}"),
            Answer::ConnectTo(bytes) => format!("connect-to-of:{bytes}"),
        };
        return lab.host_of_probe(&[("answer", &words)]).await;
    }
    let result = match answer {
        Answer::Limbo(reasons, bytes) => {
            ServerPreConnectResult::SendToLimbo(vec!["a".repeat(bytes); reasons])
        }
        Answer::ConnectTo(bytes) => ServerPreConnectResult::ConnectTo("a".repeat(bytes)),
    };
    let outcome = EventOutcome::ServerPreConnect(result);
    let plugin = lab
        .native("gate")
        .answering_to(EventKind::ServerPreConnect, outcome);
    lab.host_of("gate", plugin).await
}

async fn passes(lab: &HostLab, host: &Host) -> Outcome {
    let mut player = lab.connect(host, lab.client());
    if player.until_in_world(lab.within(JOIN_LIMIT)).await {
        player.leave().await;
        return Ok(());
    }
    let expected =
        "an idle empty world after as many reasons as there may be, each as long as it may be";
    Err(player.broken(CLAUSE, expected, player.stands()))
}
