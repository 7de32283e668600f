//! What the cases about the bridge do with the probe.

use std::time::Duration;

use futures::future::{join, join_all};
use vb_contract::{Callback, HostEvent, PlayerId, PluginConfig};

use crate::cases::host::asking::{COMMAND, carrier};
use crate::lab::door::{Host, Need};
use crate::lab::host::{HostLab, PROBE_NAME, STEP, with_config};
use crate::lab::player::{JOIN_LIMIT, Player, close_text};
use crate::verdict::Stop;

/// Fuel of a guest that will use it up: enough for a join, and spent in no time.
const FUEL: u64 = 20_000_000;

/// Memory of a guest that will use it up.
const MEMORY: u64 = 8 << 20;

/// A plugin whose CPU and memory are used up soon, where hosts can be told so.
pub fn modest(lab: &HostLab, lines: &[(&str, &str)]) -> PluginConfig {
    let mut config = with_config(lines);
    if lab.sets("fuel") {
        config.limits.fuel = FUEL;
    }
    if lab.sets("memory") {
        config.limits.memory = MEMORY;
    }
    config
}

/// A client in the world of a probe that has `join = "true"`.
pub async fn in_world(lab: &HostLab, host: &Host) -> Result<Player, Stop> {
    let mut player = lab.join(host).await?;
    if player.until_in_world(lab.within(JOIN_LIMIT)).await {
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

/// When the player's session ended and why, every time: as the host tells, or else as the client sees it. Another host of
/// the case counts its players from 1 again, so that what came before the session's start is not its own.
pub fn ends_of(lab: &HostLab, player: &Player) -> Vec<(Duration, String)> {
    if !lab.offers(Need::HostEvents) {
        let closed = player.closed().into_iter();
        return closed.map(|(at, why)| (at, close_text(why))).collect();
    }
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
                ends.push((seen.at, cause.to_string()));
            }
            _ => {}
        }
        None::<()>
    });
    ends
}

/// A failure of the probe that the case has ordered.
#[derive(Debug)]
pub struct Blow {
    /// When it failed; where the host does not tell, when it was ordered.
    pub at: Duration,
    /// In what, where the host tells.
    pub callback: Option<Callback>,
    /// How.
    pub what: String,
}

/// The failure that the case is about, which it has ordered at `ordered`: the last.
pub fn trapped(lab: &HostLab, player: &Player, ordered: Duration) -> Result<Blow, Stop> {
    if !lab.offers(Need::HostEvents) {
        return Ok(Blow {
            at: ordered,
            callback: None,
            what: "failure".to_owned(),
        });
    }
    let trap = lab.recorder.traps().pop();
    let trap = trap
        .ok_or_else(|| player.untestable(format!("the probe did not trap: {}", player.stands())))?;
    Ok(Blow {
        at: trap.at,
        callback: Some(trap.callback),
        what: trap.kind.to_string(),
    })
}

/// What the probe has logged since it was handed this command by the player, the last time.
pub fn lines_since(lab: &HostLab, player: &Player, command: &str) -> Result<Vec<String>, Stop> {
    let id = id_of(player)?;
    let handed = format!("player={id} id={COMMAND:#x} len={} ", command.len());
    let log = lab.recorder.guest_log(PROBE_NAME);
    let of_command = |line: &str| line.starts_with("packet ") && line.contains(&handed);
    let place = log.iter().rposition(|(_, line)| of_command(line));
    let place =
        place.ok_or_else(|| player.untestable(format!("`{command}` did not reach the probe")))?;
    let since = log.into_iter().skip(place + 1);
    Ok(since.map(|(_, line)| line).collect())
}

/// Lets the client live until so many packets of the carrier's name have come that `right` accepts, or for `limit`. How
/// many have.
pub async fn carried(
    lab: &HostLab,
    player: &mut Player,
    count: usize,
    limit: Duration,
    right: impl Fn(&[u8]) -> bool,
) -> Result<usize, Stop> {
    let id = carrier(lab.protocol)?;
    let deadline = lab.now() + limit;
    loop {
        let came = player
            .play()
            .filter(|(_, packet)| packet.id == id && right(&packet.data))
            .count();
        if came >= count || lab.now() >= deadline {
            return Ok(came);
        }
        pass(&mut [&mut *player], STEP).await;
    }
}

/// Whether the player was disconnected with something that a person can read.
pub fn told_why(player: &Player) -> bool {
    player
        .kicked()
        .is_some_and(|(_, _, reason)| reason.chars().any(char::is_alphanumeric))
}
