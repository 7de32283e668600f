//! Whatever a guest keeps for a player must go when the player goes, and only once.

use std::sync::Arc;
use std::time::Duration;

use reference_backend::{Host, Text};

use crate::case::Case;
use crate::subject::host::{HostLab, PROBE_NAME, may_play, with_config};
use crate::subject::native::Told;
use crate::subject::player::{Player, secs};
use crate::verdict::Outcome;

const CLAUSE: &str = "VB-DSP-07";

/// From the clause.
const LIMIT: Duration = Duration::from_secs(1);

/// Long enough for a second end to show.
const SETTLE: Duration = Duration::from_secs(1);

/// Ids that no protocol has: one is the word for the handler to disconnect, the other means nothing.
const KICK: i32 = 0x7002;
const NOTHING: i32 = 0x7003;

const WAYS: [Way; 6] = [
    Way::Close,
    Way::Reset,
    Way::HalfClose,
    Way::Kick,
    Way::KickAndClose,
    Way::Shutdown,
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Close,
    Reset,
    HalfClose,
    Kick,
    KickAndClose,
    Shutdown,
}

async fn cause(way: Way, host: &Host, player: &mut Player) {
    match way {
        Way::Close => player.leave().await,
        Way::Reset => player.reset(),
        Way::HalfClose => player.half_close(),
        Way::Kick => {
            player.send_raw(KICK, b"");
        }
        Way::KickAndClose => {
            player.send_raw(KICK, b"");
            player.send_raw(NOTHING, b"");
            player.leave().await;
        }
        Way::Shutdown => {
            let (_, ()) =
                futures::future::join(host.shutdown("the end"), player.live(SETTLE)).await;
        }
    }
    player.live(LIMIT).await;
}

fn judge(lab: &HostLab, player: &Player, way: Way, caused: Duration, skip: usize) -> Outcome {
    let told: Vec<(Duration, Told)> = lab.notebook.sessions().into_iter().skip(skip).collect();
    let Some(Told::Start { player: id, .. }) = told.first().map(|(_, told)| told) else {
        return Err(player.untestable("no start was told"));
    };
    let ends: Vec<Duration> = told
        .iter()
        .filter(|(_, told)| matches!(told, Told::End(ended) if ended == id))
        .map(|(at, _)| *at)
        .collect();
    let expected = format!("one end within {} when the way out is {way:?}", secs(LIMIT));
    match ends.as_slice() {
        [at] if at.saturating_sub(caused) <= LIMIT => {}
        [at] => {
            let got = format!("it came after {}", secs(at.saturating_sub(caused)));
            return Err(player.broken(CLAUSE, expected, got));
        }
        _ => return Err(player.broken(CLAUSE, expected, format!("there were {}", ends.len()))),
    }
    let others = told
        .iter()
        .filter(|(_, told)| matches!(told, Told::End(ended) if ended != id))
        .count();
    let due = usize::from(way == Way::Shutdown);
    if others != due {
        let got = format!("{others} sessions of others ended");
        return Err(player.broken(CLAUSE, format!("{due} ends for the other client"), got));
    }
    Ok(())
}

/// See the module.
pub const CASE: Case = Case::host(
    "one-end-for-each-start",
    &["VB-DSP-07"],
    "Ends sessions in every way there is and counts the end callbacks.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &HostLab) -> Outcome {
    for way in WAYS {
        let plugin = lab.native("gate").on_packet(|session, packet| {
            if packet.packet_id == KICK {
                // The session may have ended already; then there is nothing to disconnect.
                let _ = session.disconnect(&Text::plain("kicked"));
            }
        });
        let host = lab
            .host(|builder| {
                let probe = with_config(&[("answer", "none")]);
                builder.native("gate", Arc::new(plugin), may_play()).guest(
                    PROBE_NAME,
                    lab.probe(),
                    probe,
                )
            })
            .await?;
        let skip = lab.notebook.sessions().len();
        let mut player = lab.join(&host).await?;
        let mut bystander = lab.join(&host).await?;
        let caused = lab.now();
        cause(way, &host, &mut player).await;
        bystander.live(LIMIT).await;
        player.live(SETTLE).await;
        judge(lab, &player, way, caused, skip)?;
        // The next host counts its players from 1 again: nothing of this one may follow.
        player.leave().await;
        bystander.leave().await;
        tokio::time::sleep(LIMIT).await;
    }
    Ok(())
}
