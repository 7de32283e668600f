//! An answer that comes twice, late or out of nowhere is the client's mistake, not the guest's.

use std::time::Duration;

use sim_proto::{ClientConfig, Event, KeepAlivePolicy};
use vb_data::State;

use crate::case::Case;
use crate::lab::door::Need;
use crate::lab::guest::GuestLab;
use crate::lab::player::JOIN_LIMIT;
use crate::verdict::Outcome;

/// Later than the keep-alive after it.
const LATE: Duration = Duration::from_secs(22);

/// An id that fits every protocol's type.
const UNASKED: i64 = 77;

/// Long enough for two keep-alives.
const WATCH: Duration = Duration::from_secs(33);

/// See the module.
pub const CASE: Case<GuestLab> = Case::new(
    "odd-answers-cause-no-trap",
    &["VB-KA-10"],
    "Answers keep-alives twice, wrongly, late and before any was sent, and leaves with one pending.",
    |lab| Box::pin(run(lab)),
)
.taking_minutes()
.needing(&[Need::Failures]);

async fn run(lab: &GuestLab) -> Outcome {
    let plain = lab.client();
    let with = |keep_alive| ClientConfig {
        keep_alive,
        ..lab.client()
    };
    let clients = [
        (
            "an answer comes before any keep-alive was sent",
            plain.clone(),
            true,
        ),
        (
            "every answer comes twice",
            with(KeepAlivePolicy::Twice),
            false,
        ),
        (
            "an answer has a wrong id",
            with(KeepAlivePolicy::WrongId),
            false,
        ),
        (
            "an answer comes after a newer keep-alive",
            with(KeepAlivePolicy::Delay(LATE)),
            false,
        ),
        (
            "the client leaves with a keep-alive pending",
            with(KeepAlivePolicy::Never),
            false,
        ),
    ];
    lab.join().await?.leave().await;
    for (what, config, unasked) in clients {
        // A guest may end the session for such an answer, even before the client is in world.
        let mut player = lab.connect(config);
        if unasked {
            player
                .until(
                    |event| {
                        matches!(
                            event,
                            Event::StateChanged {
                                to: State::Play,
                                ..
                            }
                        )
                    },
                    JOIN_LIMIT,
                )
                .await;
            let answer = sim_proto::serverbound::keep_alive(player.version(), UNASKED);
            // The connection was there a moment ago; should it be gone, the guest has seen less.
            player.send_named("keep_alive", &answer);
        }
        player.live(WATCH).await;
        player.leave().await;
        // Timers of the guest for the session that is over.
        tokio::time::sleep(WATCH).await;
        lab.no_trap(&player, "VB-KA-10", &format!("when {what}, nor after"))?;
    }
    Ok(())
}
