//! What the cases about the bridge do with the probe.

use std::time::Duration;

use futures::future::{join, join_all};
use vb_contract::{EndCause, HostEvent, PlayerId, PluginConfig};

use crate::cases::host::asking::COMMAND;
use crate::lab::door::Host;
use crate::lab::host::{HostLab, PROBE_NAME, with_config};
use crate::lab::player::{JOIN_LIMIT, Player};
use crate::lab::recorder::TrapSeen;
use crate::verdict::Stop;

/// Fuel of a guest that will use it up: enough for a join, and spent in no time.
const FUEL: u64 = 20_000_000;

/// Memory of a guest that will use it up.
const MEMORY: u64 = 8 << 20;

/// A plugin whose CPU and memory are used up soon.
pub fn modest(lines: &[(&str, &str)]) -> PluginConfig {
    let mut config = with_config(lines);
    config.limits.fuel = FUEL;
    config.limits.memory = MEMORY;
    config
}

/// A client in the world of a probe that has `join = "true"`.
pub async fn in_world(lab: &HostLab, host: &Host) -> Result<Player, Stop> {
    let mut player = lab.join(host).await?;
    if player.until_in_world(JOIN_LIMIT).await {
        return Ok(player);
    }
    Err(player.untestable(player.stands()))
}

/// Has the client send a command; nobody waits for its result.
pub fn tell(player: &mut Player, command: &str) {
    // A client whose connection is over sends nothing, which the case sees by what does not follow.
    player.send_raw(COMMAND, command.as_bytes());
}

/// Lets time pass for everybody, connections that are over included.
pub async fn pass(players: &mut [&mut Player], time: Duration) {
    let live = join_all(players.iter_mut().map(|player| player.live(time)));
    join(tokio::time::sleep(time), live).await;
}

/// The player's id, as the host knows it.
pub fn id_of(player: &Player) -> Result<PlayerId, Stop> {
    let id = player.session.map(|(_, id)| id);
    id.ok_or_else(|| player.untestable("no session has started"))
}

/// When the player's session ended and why, every time. Another host of the case counts its players from 1 again, so
/// that what came before the session's start is not its own.
pub fn ends_of(lab: &HostLab, player: &Player) -> Vec<(Duration, EndCause)> {
    let mut ends = Vec::new();
    let Some((began, own)) = player.session else {
        return ends;
    };
    lab.recorder.all(|seen| {
        match &seen.event {
            HostEvent::SessionStarted { player, .. } if *player == own && seen.at <= began => {
                ends.clear();
            }
            HostEvent::SessionEnded { player, cause, .. } if *player == own => {
                ends.push((seen.at, cause.clone()));
            }
            _ => {}
        }
        None::<()>
    });
    ends
}

/// The trap that the case is about: the last.
pub fn trapped(lab: &HostLab, player: &Player) -> Result<TrapSeen, Stop> {
    let trap = lab.recorder.traps().pop();
    trap.ok_or_else(|| player.untestable(format!("the probe did not trap: {}", player.stands())))
}

/// What the probe has logged since its last trap.
pub fn lines_since_trap(lab: &HostLab) -> Vec<String> {
    let mut traps = lab.recorder.traps().len();
    lab.recorder.all(|seen| match &seen.event {
        HostEvent::Trap { .. } => {
            traps -= 1;
            None
        }
        HostEvent::GuestLog {
            plugin, message, ..
        } if traps == 0 && plugin == PROBE_NAME => Some(message.clone()),
        _ => None,
    })
}

/// Whether the player was disconnected with something that a person can read.
pub fn told_why(player: &Player) -> bool {
    player
        .kicked()
        .is_some_and(|(_, _, reason)| reason.chars().any(char::is_alphanumeric))
}

/// FNV-1a with 64 bits, as in the probe's lines.
pub fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
