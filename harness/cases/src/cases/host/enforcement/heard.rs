//! What guests that do not play the probe are heard to say.

use std::time::Duration;

use crate::lab::host::{HostLab, STEP};
use crate::lab::player::Player;

/// The first line that the plugin has logged after its first `skip` and that `right` accepts. The client lives until then,
/// for `limit` at most; one whose connection ends hears what comes late, and nothing more.
pub async fn said(
    lab: &HostLab,
    player: &mut Player,
    plugin: &str,
    skip: usize,
    limit: Duration,
    right: impl Fn(&str) -> bool,
) -> Option<String> {
    let found = || {
        let lines = lab.recorder.guest_log(plugin).into_iter().skip(skip);
        lines.map(|(_, line)| line).find(|line| right(line))
    };
    let deadline = lab.now() + limit;
    while player.closed().is_none() && lab.now() < deadline {
        if let Some(line) = found() {
            return Some(line);
        }
        player.live(STEP).await;
    }
    lab.settle().await;
    found()
}
