//! One player's bad line is nobody else's business.

use std::time::Duration;

use futures::future::join;
use sim_proto::{ClientConfig, KeepAlivePolicy};

use crate::case::Case;
use crate::lab::guest::GuestLab;
use crate::lab::player::{Player, secs};
use crate::verdict::Outcome;

const CLAUSE: &str = "VB-KA-09";

/// Past the time at which the silent one must be gone.
const WATCH: Duration = Duration::from_secs(100);

/// A guest may look after all its sessions on one beat, so that when a client joined moves things by a little.
const SLACK: Duration = Duration::from_secs(15);

fn silent_client(lab: &GuestLab) -> ClientConfig {
    ClientConfig {
        keep_alive: KeepAlivePolicy::Never,
        ..lab.client()
    }
}

/// How many keep-alives came.
fn asked(player: &Player) -> usize {
    player.named("keep_alive").count()
}

/// How long after its session's start it was dropped.
fn dropped(player: &Player) -> Option<Duration> {
    player
        .closed()
        .map(|(at, _)| at.saturating_sub(player.session_start()))
}

fn when(after: Option<Duration>) -> String {
    after.map_or_else(
        || "never".to_owned(),
        |after| format!("after {}", secs(after)),
    )
}

/// See the module.
pub const CASE: Case<GuestLab> = Case::new(
    "silent-client-changes-nothing-for-others",
    &["VB-KA-09"],
    "One client answers keep-alives and one does not, apart and then together: each must fare the same.",
    |lab| Box::pin(run(lab)),
)
.taking_minutes();

async fn run(lab: &GuestLab) -> Outcome {
    let mut alone = lab.join_as(lab.client()).await?;
    alone.live(WATCH).await;
    if alone.closed().is_some() {
        return Err(alone.untestable(format!("a client alone does not stay: {}", alone.stands())));
    }
    let before = asked(&alone);
    alone.leave().await;
    let mut silent = lab.join_as(silent_client(lab)).await?;
    silent.until_closed(WATCH).await;
    let dropped_alone = dropped(&silent);
    silent.leave().await;

    let mut silent = lab.join_as(silent_client(lab)).await?;
    let mut good = lab.join_as(lab.client()).await?;
    join(silent.until_closed(WATCH), good.live(WATCH)).await;
    if good.closed().is_some() {
        let expected = "the client that answers to stay, whatever another client does";
        return Err(good.broken(
            CLAUSE,
            expected,
            format!("beside a silent client {}", good.stands()),
        ));
    }
    // One may lie at the edge of the time.
    if asked(&good).abs_diff(before) > 1 {
        let expected =
            format!("{before} keep-alives for the client that answers, as when it is alone");
        let got = format!("beside a silent client there were {}", asked(&good));
        return Err(good.broken(CLAUSE, expected, got));
    }
    match (dropped_alone, dropped(&silent)) {
        (Some(alone), Some(beside)) if alone.abs_diff(beside) <= SLACK => Ok(()),
        (None, None) => Ok(()),
        (alone, beside) => {
            let expected = format!(
                "the silent client to be dropped {}, as when it is alone",
                when(alone)
            );
            Err(silent.broken(
                CLAUSE,
                expected,
                format!("beside another client it was dropped {}", when(beside)),
            ))
        }
    }
}
