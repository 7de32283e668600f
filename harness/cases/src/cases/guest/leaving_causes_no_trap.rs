//! Clients leave at the worst moment; that must not take the guest down for everybody.

use std::time::Duration;

use crate::case::Case;
use crate::lab::door::Need;
use crate::lab::guest::GuestLab;
use crate::lab::player::{JOIN_LIMIT, Player};
use crate::verdict::Outcome;

/// More than the packets of a join in both directions.
const STEPS: usize = 40;

/// More answers than fit in a session's queue.
const FLOOD: usize = 5000;

#[derive(Debug, Clone, Copy)]
enum Way {
    Reset,
    Close,
    HalfClose,
}

/// A reset at each step, the gentler ways at every fourth: they differ in how soon the host notices.
fn ways(step: usize) -> &'static [Way] {
    if step.is_multiple_of(4) {
        &[Way::Reset, Way::Close, Way::HalfClose]
    } else {
        &[Way::Reset]
    }
}

async fn go(player: &mut Player, way: Way) {
    match way {
        Way::Reset => player.reset(),
        Way::Close => player.leave().await,
        Way::HalfClose => {
            player.half_close();
            player.live(Duration::from_secs(1)).await;
        }
    }
}

/// Gives the guest's timers for the session the time to find it gone.
async fn settle(lab: &GuestLab, player: &Player, when: &str) -> Outcome {
    tokio::time::sleep(Duration::from_secs(1)).await;
    lab.no_trap_at_all(player, "VB-END-02", when)
}

/// See the module.
pub const CASE: Case<GuestLab> = Case::new(
    "leaving-causes-no-trap",
    &["VB-END-02"],
    "Clients leave after each step of a join, in each way there is, and under a flood.",
    |lab| Box::pin(run(lab)),
)
.taking_minutes()
.needing(&[Need::Failures]);

async fn run(lab: &GuestLab) -> Outcome {
    lab.join().await?.leave().await;
    for step in 0..STEPS {
        for way in ways(step) {
            let mut player = lab.connect(lab.client());
            let mut seen = 0;
            player
                .until_any(
                    |_| {
                        seen += 1;
                        seen > step
                    },
                    JOIN_LIMIT,
                )
                .await;
            go(&mut player, *way).await;
            settle(
                lab,
                &player,
                &format!("when the client leaves after step {step} ({way:?})"),
            )
            .await?;
        }
    }
    let mut player = lab.join().await?;
    player.stop_reading();
    for _ in 0..FLOOD {
        // Past the room that the client's own queue has, nothing more can be said.
        if !player.chat("flood") {
            break;
        }
        player.live(Duration::from_millis(1)).await;
    }
    go(&mut player, Way::Reset).await;
    settle(
        lab,
        &player,
        "when the client stops reading, floods and leaves",
    )
    .await
}
