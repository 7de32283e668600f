//! A chat message that the client cannot read disconnects the player.

use std::time::Duration;

use super::text::{VISIT, is_unacceptable};
use crate::case::Case;
use crate::lab::guest::GuestLab;
use crate::verdict::{Outcome, Stop};

const CLAUSE: &str = "VB-TXT-02";

const EXPECTED: &str = "chat and system messages that decode whole in the layout of the protocol";

const CHATS: &[&str] = &["chat", "system_chat", "player_chat", "profileless_chat"];

/// Long enough for an answer.
const ANSWER: Duration = Duration::from_secs(5);

/// See the module.
pub const CASE: Case<GuestLab> = Case::new(
    "own-chat-decodes",
    &["VB-TXT-02"],
    "Joins, chats, and decodes every chat and system message.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &GuestLab) -> Outcome {
    let mut player = lab.visit(lab.client(), VISIT).await?;
    if let Some((_, fault)) = player.fault()
        && player.fault_in(CHATS).is_none()
    {
        return Err(player.untestable(fault.to_string()));
    }
    let before = player.closed().is_none();
    // Should the connection be gone, what has come so far is judged.
    player.chat("vbspec asks for an echo");
    player.live(ANSWER).await;
    match player.fault() {
        // What it says is another claim; it decodes.
        Some((_, fault)) if player.fault_in(CHATS).is_some() && is_unacceptable(fault) => {
            return Ok(());
        }
        Some((at, fault)) if before || player.fault_in(CHATS).is_some() => {
            return Err(player.broken_at(CLAUSE, EXPECTED, fault.to_string(), at, &fault.site));
        }
        _ => {}
    }
    let chats = player
        .play()
        .filter(|(_, packet)| CHATS.contains(&packet.name))
        .count();
    if chats > 0 {
        return Ok(());
    }
    if player.named("login").next().is_none() {
        return Err(player.untestable(player.stands()));
    }
    Err(Stop::Skip(
        "the guest sends no chat or system message, on joining or when spoken to".to_owned(),
    ))
}
