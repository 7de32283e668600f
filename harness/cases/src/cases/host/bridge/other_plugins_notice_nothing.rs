//! Plugins of different authors share a host.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join;
use sim_proto::ClientConfig;
use vb_data::{Direction, State};

use super::probing::{carried, ends_of, modest, pass, tell};
use crate::case::Case;
use crate::cases::host::asking::{ask, carrier};
use crate::lab::door::{Host, Need};
use crate::lab::host::{HostLab, PROBE_NAME, STEP, may_play, with_config};
use crate::lab::player::{JOIN_LIMIT, Player, secs};
use crate::verdict::{Outcome, Stop};

const CLAUSE: &str = "VB-BRG-08";

/// One CPU budget, from the specification's limits.
const BUDGET: Duration = Duration::from_millis(100);

/// How long the callback of the slow plugin waits.
const WAIT: Duration = Duration::from_secs(5);

/// How long a plugin may take to come back: the pauses grow.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many packets the healthy session sends meanwhile, and how far apart.
const PACKETS: u8 = 40;
const PAUSE: Duration = Duration::from_millis(50);

/// What the probe does to itself beside the healthy session: the words of its commands.
const WAYS: [&str; 6] = ["trap", "spin", "eat", "recurse", "do flood", "do log-flood"];

/// See the module.
pub const CASE: Case<HostLab> = Case::new(
    "other-plugins-notice-nothing",
    &["VB-BRG-08"],
    "Has one plugin trap, loop, take memory, overrun its stack, flood its client and the log, and wait, while a session of \
     another sends packets and is sent them back.",
    |lab| Box::pin(run(lab)),
)
.on_the_newest()
.needing(&[Need::Restart, Need::TwoPlugins]);

async fn run(lab: &HostLab) -> Outcome {
    if lab.offers(Need::NativePlugins) {
        next_to_a_native(lab).await?;
    } else {
        next_to_a_probe(lab).await?;
    }
    for way in ["trap", "spin"] {
        next_to_a_guest(lab, way).await?;
    }
    Ok(())
}

/// Who serves the healthy session.
#[derive(Debug, Clone, Copy)]
enum Plugin {
    /// One that sends every packet back.
    Native,
    /// One that sends what it is told to.
    Probe,
}

/// A packet that comes back, told apart by its length.
fn length(number: u8) -> usize {
    1000 + usize::from(number)
}

/// The lengths of those that have come back, and when.
fn echoes(lab: &HostLab, player: &Player) -> Result<Vec<(Duration, usize)>, Stop> {
    let table = vb_data::packets(lab.protocol, State::Play, Direction::Clientbound);
    let id = carrier(lab.protocol)?;
    let name = table.and_then(|table| table.name(id)).unwrap_or_default();
    Ok(player
        .named(name)
        .map(|(at, packet)| (at, packet.data.len()))
        .collect())
}

/// Sends packets one by one; each must come back in order and soon.
async fn plays_on(lab: &HostLab, player: &mut Player, plugin: Plugin, what: &str) -> Outcome {
    let mut sent: Vec<(Duration, usize)> = Vec::new();
    let id = carrier(lab.protocol)?;
    let before = echoes(lab, player)?.len();
    for number in 0..PACKETS {
        sent.push((lab.now(), length(number)));
        match plugin {
            Plugin::Native => {
                player.send_raw(id, &vec![0; length(number)]);
            }
            Plugin::Probe => tell(player, &format!("fill {id} {}", length(number))),
        }
        pass(&mut [player], PAUSE).await;
    }
    // What comes later still is late, and not lost.
    let budget = lab.within(BUDGET);
    if lab.is_virtual() {
        pass(&mut [&mut *player], 2 * WAIT).await;
    } else {
        let all = before + usize::from(PACKETS);
        carried(lab, player, all, 2 * WAIT, |_| true).await?;
    }
    let expected = format!(
        "a session of another plugin to get each packet in order and within {} while {what}",
        secs(budget)
    );
    if let Some((at, cause)) = ends_of(lab, player).first() {
        let got = format!("it ended at {}: {cause}", secs(*at));
        return Err(player.broken(CLAUSE, expected, got));
    }
    let came: Vec<(Duration, usize)> = echoes(lab, player)?.into_iter().skip(before).collect();
    let lengths = |list: &[(Duration, usize)]| -> Vec<usize> {
        list.iter().map(|(_, length)| *length).collect()
    };
    if lengths(&came) != lengths(&sent) {
        let got = format!(
            "{} of {} came back, in the order {:?}",
            came.len(),
            sent.len(),
            lengths(&came)
        );
        return Err(player.broken(CLAUSE, expected, got));
    }
    let late = sent
        .iter()
        .zip(&came)
        .map(|((sent, _), (came, _))| came.saturating_sub(*sent))
        .max()
        .unwrap_or_default();
    if late <= budget {
        return Ok(());
    }
    Err(player.broken(
        CLAUSE,
        expected,
        format!("one came back after {}", secs(late)),
    ))
}

fn named(lab: &HostLab, name: &str) -> ClientConfig {
    ClientConfig::new(lab.protocol, name)
}

/// A healthy native handler, a slow one, and the probe for everybody else.
async fn next_to_a_native(lab: &HostLab) -> Outcome {
    let good = lab.native("good").only_for("good").with_priority(100);
    let good = good.on_packet(|session, packet| {
        // Refused when the client has gone; then nobody waits for it.
        let _ = session.send_packet(packet.clone());
    });
    let slow = lab.native("slow").only_for("slow").with_priority(100);
    let slow = slow.on_start(|_| Box::pin(tokio::time::sleep(WAIT)));
    let probe = modest(lab, &[("join", "true")]);
    let host = lab
        .host(|plan| {
            plan.native("good", Arc::new(good), may_play())
                .native("slow", Arc::new(slow), may_play())
                .guest(PROBE_NAME, lab.probe(), probe)
        })
        .await?;
    let mut player = lab.join_as(&host, named(lab, "good")).await?;
    let mut waiting = lab.join_as(&host, named(lab, "slow")).await?;
    join(
        plays_on(
            lab,
            &mut player,
            Plugin::Native,
            "a callback of another plugin waits",
        ),
        waiting.live(WAIT),
    )
    .await
    .0?;
    for way in WAYS {
        let mut bad = bad_player(lab, &host).await?;
        tell(&mut bad, way);
        let meanwhile = format!("another plugin is told: {way}");
        let (outcome, ()) = join(
            plays_on(lab, &mut player, Plugin::Native, &meanwhile),
            bad.live(2 * JOIN_LIMIT),
        )
        .await;
        outcome?;
    }
    Ok(())
}

/// The priority of who is asked first, and of who is asked then.
fn priorities(lab: &HostLab) -> (&'static str, &'static str) {
    match lab.choices().lowest_first {
        true => ("0", "100"),
        false => ("100", "0"),
    }
}

/// A healthy guest for one player, and the probe for everybody else.
async fn next_to_a_probe(lab: &HostLab) -> Outcome {
    let (first, second) = priorities(lab);
    let good = [
        ("join", "true"),
        ("only", "good"),
        ("priority", first),
        ("packets", "quiet"),
    ];
    let bad = [("join", "true"), ("priority", second)];
    let host = lab
        .host(|plan| {
            plan.guest("good", lab.probe(), with_config(&good)).guest(
                PROBE_NAME,
                lab.probe(),
                modest(lab, &bad),
            )
        })
        .await?;
    let mut player = lab.join_as(&host, named(lab, "good")).await?;
    if !player.until_in_world(lab.within(JOIN_LIMIT)).await {
        return Err(player.untestable(player.stands()));
    }
    for way in WAYS {
        let mut bad = bad_player(lab, &host).await?;
        tell(&mut bad, way);
        let meanwhile = format!("another plugin is told: {way}");
        let healthy = plays_on(lab, &mut player, Plugin::Probe, &meanwhile);
        join(healthy, bad.live(PATIENCE)).await.0?;
    }
    Ok(())
}

/// A player on the probe, which may just be coming back.
async fn bad_player(lab: &HostLab, host: &Host) -> Result<Player, Stop> {
    let deadline = lab.now() + PATIENCE;
    let mut player = loop {
        let mut player = lab.connect(host, lab.client());
        match lab.until_started(&mut player).await {
            Ok(()) => break player,
            Err(stop) if lab.is_virtual() || lab.now() > deadline => return Err(stop),
            Err(_) => lab.wait(PAUSE * 4).await,
        }
    };
    ask(lab, &mut player, "log alive").await?;
    Ok(player)
}

/// A healthy guest, and one that fails at an event that is no gate.
async fn next_to_a_guest(lab: &HostLab, way: &str) -> Outcome {
    let (first, _) = priorities(lab);
    let (good, bad) = (
        modest(
            lab,
            &[("join", "true"), ("priority", first), ("packets", "quiet")],
        ),
        modest(lab, &[("initial", way)]),
    );
    let host = lab
        .host(|plan| {
            plan.guest("bad", lab.probe(), bad)
                .guest(PROBE_NAME, lab.probe(), good)
        })
        .await?;
    let mut player = lab.join(&host).await?;
    if !player.until_in_world(JOIN_LIMIT).await {
        return Err(player.untestable(player.stands()));
    }
    // While the first player's packets go to and fro, each that knocks has the other guest fail once more.
    let knock = async {
        for _ in 0..3 {
            let mut next = lab.connect(&host, lab.client());
            next.live(STEP).await;
            next.leave().await;
            tokio::time::sleep(PAUSE * 7).await;
        }
    };
    let meanwhile = format!("another guest has a {way} at an event");
    join(plays_on(lab, &mut player, Plugin::Probe, &meanwhile), knock)
        .await
        .0
}
