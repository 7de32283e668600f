//! A handler id that nobody has registered leads nowhere, and the gate stays shut.

use vb_contract::DenyReason;

use crate::case::Case;
use crate::lab::guest::GuestLab;
use crate::lab::player::JOIN_LIMIT;
use crate::verdict::Outcome;

/// See the module.
pub const CASE: Case<GuestLab> = Case::new(
    "handler-is-registered",
    &["VB-META-02"],
    "Connects, and looks whether the handler that the guest answers with is one that it registered.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &GuestLab) -> Outcome {
    let mut player = lab.connect(lab.client());
    player.live(JOIN_LIMIT).await;
    let unregistered = lab
        .recorder
        .denials()
        .into_iter()
        .find_map(|(_, reason)| match reason {
            DenyReason::UnknownHandler(id) => Some(id),
            _ => None,
        });
    if let Some(id) = unregistered {
        let expected = "an answer with a handler that this instance has registered in on-enable";
        return Err(player.broken(
            "VB-META-02",
            expected,
            format!("the guest answered virtual-backend({id})"),
        ));
    }
    match lab.recorder.session_starts().first() {
        Some(_) => Ok(()),
        // A host that does not tell has let the client through to somebody who can only be the guest.
        None if player.came("login").is_some() => Ok(()),
        None => Err(lab.not_joined(&player, 0)),
    }
}
