//! What several cases do with the probe and with denials.

use std::time::Duration;

use vb_contract::{DenyReason, HostEvent, PluginState};

use crate::lab::door::{Host, Need};
use crate::lab::host::{HostLab, PROBE_NAME, STEP};
use crate::lab::player::{self, JOIN_LIMIT, Player, secs};
use crate::verdict::{Outcome, Stop};

/// The packet id that the probe takes for a command. No protocol has it.
pub const COMMAND: i32 = 0x7777;

/// How long the probe may take to answer: in virtual time it does so at once.
const PATIENCE: Duration = Duration::from_secs(2);

/// The same where the machine has other work: that it answers is no claim, and so is not when.
const REAL_PATIENCE: Duration = Duration::from_secs(10);

/// How long a plugin may take to start again for the first time, from the text on traps.
const RESTART: Duration = Duration::from_secs(30);

/// Has the probe carry out a command and answers with what follows `result NAME ` in its log.
pub async fn ask(lab: &HostLab, player: &mut Player, command: &str) -> Result<String, Stop> {
    let name = command.split(' ').next().unwrap_or_default();
    let lead = format!("result {name} ");
    let before = lab.recorder.guest_log(PROBE_NAME).len();
    if !player.send_raw(COMMAND, command.as_bytes()) {
        return Err(player.untestable(format!(
            "the client cannot send `{name}`: {}",
            player.stands()
        )));
    }
    let patience = match lab.is_virtual() {
        true => PATIENCE,
        false => REAL_PATIENCE,
    };
    let deadline = lab.now() + patience;
    loop {
        player.live(STEP).await;
        let lines = lab.recorder.guest_log(PROBE_NAME);
        let answer = lines
            .iter()
            .skip(before)
            .find_map(|(_, line)| line.strip_prefix(&lead));
        if let Some(answer) = answer {
            return Ok(answer.to_owned());
        }
        if lab.now() > deadline {
            return Err(player.untestable(format!(
                "the probe did not answer `{name}`: {}",
                player.stands()
            )));
        }
        // A connection that is over leaves the clock to us.
        tokio::time::sleep(STEP).await;
    }
}

/// Has the probe trap and waits until its player is told.
pub async fn trap(player: &mut Player) -> Outcome {
    let sent = player.send_raw(COMMAND, b"trap");
    if sent && player.until_closed(PATIENCE).await {
        return Ok(());
    }
    Err(player.untestable(format!(
        "a trap does not end the session: {}",
        player.stands()
    )))
}

/// Waits until an instance of the plugin has been enabled since a mark of the recorder. A door that does not tell has the
/// probe's word for it.
pub async fn until_enabled(lab: &HostLab, plugin: &str, mark: usize) -> Outcome {
    let deadline = lab.now() + RESTART;
    loop {
        let enabled = lab.recorder.since(mark, |seen| match &seen.event {
            HostEvent::Plugin {
                plugin: of,
                state: PluginState::Enabled { .. },
                ..
            } if of == plugin => Some(()),
            HostEvent::GuestLog {
                plugin: of,
                message,
                ..
            } if of == plugin && message == "enable" && !lab.offers(Need::HostEvents) => Some(()),
            _ => None,
        });
        if !enabled.is_empty() {
            lab.settle().await;
            return Ok(());
        }
        if lab.now() > deadline {
            let why = format!(
                "no instance of {plugin} was enabled within {}",
                secs(RESTART)
            );
            return Err(Stop::Untestable(why, Vec::new()));
        }
        lab.wait(STEP).await;
    }
}

/// Lets clients come until a session starts for one: when a plugin starts again that was told to come up is for the host
/// to choose.
pub async fn until_let_in(lab: &HostLab, host: &Host) -> Outcome {
    let deadline = lab.now() + RESTART;
    loop {
        let joined = lab.join(host).await.map(drop);
        if joined.is_ok() || lab.now() > deadline {
            return joined;
        }
        lab.wait(STEP).await;
    }
}

/// A packet of the play state whose contents a host's clients do not look at, so that it carries any bytes.
pub fn carrier(protocol: i32) -> Result<i32, Stop> {
    player::carrier(protocol).ok_or_else(|| {
        Stop::Untestable(
            "no packet is known that carries any bytes".to_owned(),
            Vec::new(),
        )
    })
}

/// Fails `clause` unless a client that connects is disconnected with a readable reason, for the reason that `right`
/// accepts where the host tells of it, and no session starts.
pub async fn must_deny(
    lab: &HostLab,
    host: &Host,
    clause: &'static str,
    what: &str,
    right: impl Fn(&DenyReason) -> bool,
) -> Outcome {
    let sessions = lab.recorder.session_starts().len();
    let denials = lab.recorder.denials().len();
    let mut player = lab.connect(host, lab.client());
    player.until_closed(lab.within(JOIN_LIMIT)).await;
    lab.settle().await;
    let expected = format!("a connection denied with a reason, and no handler called, when {what}");
    if lab.recorder.session_starts().len() > sessions {
        return Err(player.broken(clause, expected, "a session started"));
    }
    match lab.recorder.denials().get(denials) {
        _ if !lab.offers(Need::HostEvents) => {}
        Some((_, reason)) if right(reason) => {}
        Some((_, reason)) => {
            return Err(player.broken(
                clause,
                expected,
                format!("it was denied, but logged was: {reason}"),
            ));
        }
        None => {
            return Err(player.broken(
                clause,
                expected,
                format!("it was not denied: {}", player.stands()),
            ));
        }
    }
    match player.kicked() {
        Some((_, _, reason)) if reason.chars().any(char::is_alphanumeric) => Ok(()),
        _ => Err(player.broken(
            clause,
            expected,
            format!("the player read no reason: {}", player.stands()),
        )),
    }
}
