//! Two keep-alives may be lost on a bad line before the client gives up.

use std::time::Duration;

use crate::case::Case;
use crate::lab::guest::GuestLab;
use crate::lab::player::secs;
use crate::verdict::Outcome;

/// From the clause.
const LIMIT: Duration = Duration::from_secs(15);

/// Long enough for eight of them.
const TIME: Duration = Duration::from_secs(120);

/// See the module.
pub const CASE: Case<GuestLab> = Case::new(
    "keep-alive-every-15-seconds",
    &["VB-KA-03"],
    "Plays for two minutes and measures the time between keep-alives.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &GuestLab) -> Outcome {
    let mut player = lab.join().await?;
    let started = player
        .in_play_since()
        .unwrap_or_else(|| player.session_start());
    player.live(TIME).await;
    if player.closed().is_some() {
        return Err(player.untestable(player.stands()));
    }
    let ended = player.now();
    let times = player.named("keep_alive").map(|(at, _)| at).chain([ended]);
    let mut last = started;
    for at in times {
        let gap = at.saturating_sub(last);
        if gap > lab.within(LIMIT) {
            let expected = format!("a keep-alive at least every {}", secs(LIMIT));
            let got = format!("there was none for {}, from {} on", secs(gap), secs(last));
            return Err(player.finding("VB-KA-03", expected, got).at(at).into());
        }
        last = at;
    }
    Ok(())
}
