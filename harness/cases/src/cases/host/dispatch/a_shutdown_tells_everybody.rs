//! A planned stop is the one end that can be explained to everybody.

use std::sync::Arc;
use std::time::Duration;

use vb_contract::{
    Event, EventOutcome, Instances, PlayerId, PluginConfig, RawPacket, VirtualBackendSession,
};

use super::lines::{fill as fill_by_a_guest, named};
use crate::case::Case;
use crate::cases::host::asking::{ask, carrier};
use crate::lab::door::{Host, Need, Plan};
use crate::lab::host::{HostLab, PROBE_NAME, may_play, with_config};
use crate::lab::native::{Kept, Recording, Told};
use crate::lab::player::{Player, secs};
use crate::verdict::{Finding, Outcome, Stop};

const CLAUSE: &str = "VB-DSP-16";

/// From the clause.
const LIMIT: Duration = Duration::from_secs(10);

const REASON: &str = "Back at nine";

/// What is on its way has come by then.
const MOMENT: Duration = Duration::from_millis(50);

/// Has the callback wait for ever. No protocol has this id.
const FOR_EVER: i32 = 0x7002;

/// How the names of those begin whose start callback never returns, and of those whom the guest serves.
const STUCK: &str = "stuck";
const GUEST: &str = "guest";

/// What fills a connection and the queue behind it.
const CHUNK: usize = 64 << 10;
const CHUNKS: usize = 20;

/// Enough of them for any connection.
const MOST_CHUNKS: usize = 500;

/// See the module.
pub const CASE: Case<HostLab> = Case::new(
    "a-shutdown-tells-everybody",
    &["VB-DSP-16"],
    "Shuts a host down while clients idle and do not read, on guests with one instance and with one for each session, and \
     while they are in native callbacks that never return.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &HostLab) -> Outcome {
    if lab.offers(Need::NativePlugins) {
        with_everything(lab).await?;
        with_stuck_ends(lab).await?;
    }
    with_a_deaf_client(lab).await?;
    if lab.offers(Need::PerSession) {
        with_many_instances(lab).await?;
    }
    Ok(())
}

/// One who reads, and one for whom more waits than a connection holds.
async fn with_a_deaf_client(lab: &HostLab) -> Outcome {
    let plan = Plan::new(lab.uncompressed());
    let quiet = with_config(&[("packets", "quiet")]);
    let host = lab
        .start(plan.guest(PROBE_NAME, lab.probe(), quiet))
        .await?;
    let logged = lab.recorder.guest_log(PROBE_NAME).len();
    let mut idle = join(lab, &host, "idle").await?;
    let mut deaf = join(lab, &host, "deaf").await?;
    ask(lab, &mut deaf, "acquire").await?;
    deaf.stop_reading();
    let packet = (carrier(lab.protocol)?, CHUNK, MOST_CHUNKS);
    fill_by_a_guest(lab, &mut idle, packet).await?;
    shut_down(lab, &host, &mut [&mut idle, &mut deaf]).await?;
    told(&idle, "a player who idles")?;
    lab.settle().await;
    guests(lab, &idle, logged, 2, 1).map(drop)
}

fn gate(lab: &HostLab) -> Recording {
    lab.native("gate").on_event(|event| match event {
        Event::ServerPreConnect(event) if !event.profile.name.starts_with(GUEST) => None,
        _ => Some(Box::pin(std::future::ready(EventOutcome::NoOpinion))),
    })
}

async fn join(lab: &HostLab, host: &Host, who: &str) -> Result<Player, Stop> {
    lab.join_as(host, named(lab, who)).await
}

/// Shuts down while these live. Fails when it takes too long or leaves a connection.
async fn shut_down(lab: &HostLab, host: &Host, players: &mut [&mut Player]) -> Outcome {
    let began = lab.now();
    let limit = lab.within(LIMIT);
    let shutdown = async {
        let within = tokio::time::timeout(LIMIT + LIMIT, host.shutdown(REASON)).await;
        (within.is_ok(), lab.now().saturating_sub(began))
    };
    let living = async {
        let players = players.iter_mut().map(|player| player.live(2 * LIMIT));
        futures::future::join_all(players).await;
        // Nobody is left; the shutdown has its own time.
        std::future::pending().await
    };
    let (done, took) = tokio::select! {
        biased;
        done = shutdown => done,
        never = living => never,
    };
    // What was told may still be on its way to them.
    let living = players
        .iter_mut()
        .map(|player| player.live(lab.within(MOMENT)));
    futures::future::join_all(living).await;
    let expected = format!(
        "a shutdown that is done within {}, clients and all",
        secs(limit)
    );
    if !done || took > limit {
        let got = if done {
            format!("it took {}", secs(took))
        } else {
            format!("it goes on after {}", secs(took))
        };
        return Err(Finding::new(CLAUSE, expected, got).into());
    }
    if let Some(open) = host.connection_count().filter(|open| *open > 0) {
        let got = format!("{open} connections are open");
        return Err(Finding::new(CLAUSE, expected, got).into());
    }
    Ok(())
}

/// The player has read the reason.
fn told(player: &Player, which: &str) -> Outcome {
    match player.kicked() {
        Some((_, _, text)) if text.contains(REASON) => Ok(()),
        _ => {
            let expected = format!("{which} to be told \"{REASON}\"");
            Err(player.broken(CLAUSE, expected, player.stands()))
        }
    }
}

/// Ends and disables of a native plugin: each session's end once, and then the one disable.
fn ended(lab: &HostLab, players: &[&Player], mark: usize) -> Result<Duration, Stop> {
    let lines: Vec<(Duration, Told)> = lab
        .notebook
        .lines()
        .into_iter()
        .skip(mark)
        .map(|(at, _, told)| (at, told))
        .collect();
    let disabled = |told: &Told| matches!(told, Told::Disabled);
    let disables: Vec<usize> = positions(&lines, disabled);
    for player in players {
        let Some((_, id)) = player.session else {
            return Err(player.untestable("the session has no player"));
        };
        let end = |told: &Told| matches!(told, Told::End(of) if *of == id);
        let expected = "one end callback for each session, and then one on_disable";
        match (positions(&lines, end).as_slice(), disables.as_slice()) {
            ([end], [disable]) if end < disable => {}
            (ends, disables) => {
                let got = format!(
                    "of player {id} {} ends came and {} on_disable, {}",
                    ends.len(),
                    disables.len(),
                    if ends.first() > disables.first() {
                        "the end last"
                    } else {
                        "the end first"
                    }
                );
                return Err(player.broken(CLAUSE, expected, got));
            }
        }
    }
    let first = disables.first().and_then(|at| lines.get(*at));
    Ok(first.map(|(at, _)| *at).unwrap_or_default())
}

fn positions(lines: &[(Duration, Told)], wanted: impl Fn(&Told) -> bool) -> Vec<usize> {
    let found = lines.iter().enumerate();
    found
        .filter(|(_, (_, told))| wanted(told))
        .map(|(at, _)| at)
        .collect()
}

async fn with_everything(lab: &HostLab) -> Outcome {
    let kept = Kept::default();
    let plugin = gate(lab)
        .keeping(&kept)
        .on_start(|session| {
            let stuck = session.profile().name.starts_with(STUCK);
            Box::pin(async move {
                if stuck {
                    std::future::pending::<()>().await;
                }
            })
        })
        .handling(|_, packet| {
            let for_ever = packet.packet_id == FOR_EVER;
            Box::pin(async move {
                if for_ever {
                    std::future::pending::<()>().await;
                }
            })
        });
    let host = lab
        .host(|plan| {
            plan.native("gate", Arc::new(plugin), may_play()).guest(
                PROBE_NAME,
                lab.probe(),
                may_play(),
            )
        })
        .await?;
    let (mark, logged) = (
        lab.notebook.lines().len(),
        lab.recorder.guest_log(PROBE_NAME).len(),
    );
    let mut idle = join(lab, &host, "idle").await?;
    let mut guest = join(lab, &host, GUEST).await?;
    let mut busy = join(lab, &host, "busy").await?;
    busy.send_raw(FOR_EVER, b"");
    busy.live(Duration::from_secs(1)).await;
    let mut frozen = join(lab, &host, "frozen").await?;
    frozen.stop_reading();
    let Some(session) = kept.newest() else {
        return Err(frozen.untestable("the handler kept no handle"));
    };
    fill(lab, &frozen, session.as_ref())?;
    let mut stuck = join(lab, &host, STUCK).await?;

    let mut all = [&mut idle, &mut guest, &mut busy, &mut stuck, &mut frozen];
    shut_down(lab, &host, &mut all).await?;
    told(&idle, "a player who idles")?;
    told(&guest, "a player on a guest")?;
    told(&busy, "a player whose packet's callback never returns")?;
    told(&stuck, "a player whose start callback never returns")?;
    let disabled = ended(lab, &[&idle, &busy, &stuck, &frozen], mark)?;
    let last = guests(lab, &guest, logged, 1, 1)?;
    if last <= disabled {
        return Ok(());
    }
    let expected = "every end callback before the first on_disable";
    let got = format!(
        "the guest's end came at {}, the native plugin was disabled at {}",
        secs(last),
        secs(disabled)
    );
    Err(guest.broken(CLAUSE, expected, got))
}

/// So that bytes wait for a client that does not read.
fn fill(lab: &HostLab, player: &Player, session: &dyn VirtualBackendSession) -> Outcome {
    let packet = RawPacket {
        packet_id: carrier(lab.protocol)?,
        data: lab.draw(|rng| rng.bytes(CHUNK)).into(),
    };
    for _ in 0..CHUNKS {
        session
            .send_packet(packet.clone())
            .map_err(|error| player.untestable(format!("the handler cannot send: {error}")))?;
    }
    Ok(())
}

/// The ends and disables of a guest. When the last end came.
fn guests(
    lab: &HostLab,
    player: &Player,
    logged: usize,
    sessions: usize,
    instances: usize,
) -> Result<Duration, Stop> {
    let lines: Vec<(Duration, String)> = lab
        .recorder
        .guest_log(PROBE_NAME)
        .into_iter()
        .skip(logged)
        .filter(|(_, line)| line.starts_with("end ") || line == "disable")
        .collect();
    let ends = lines.iter().filter(|(_, line)| line != "disable").count();
    let last_end = lines.iter().rposition(|(_, line)| line != "disable");
    let disables = lines.len() - ends;
    let last_is_disable = lines.last().is_some_and(|(_, line)| line == "disable");
    if ends == sessions && disables == instances && last_is_disable {
        let last = last_end.and_then(|at| lines.get(at));
        return Ok(last.map(|(at, _)| *at).unwrap_or_default());
    }
    let words: Vec<&str> = lines.iter().map(|(_, line)| line.as_str()).collect();
    let expected = format!(
        "{sessions} end callbacks in the guest, and on-disable of {instances} instances after them"
    );
    Err(player.broken(CLAUSE, expected, words.join(" | ")))
}

/// Nobody can be made to return from an end callback; the others must not wait for it.
async fn with_stuck_ends(lab: &HostLab) -> Outcome {
    let plugin = gate(lab).on_end(|_: PlayerId| Box::pin(std::future::pending()));
    let host = lab.host_of("gate", plugin).await?;
    let mark = lab.notebook.lines().len();
    let mut first = join(lab, &host, "first").await?;
    let mut second = join(lab, &host, "second").await?;
    shut_down(lab, &host, &mut [&mut first, &mut second]).await?;
    let which = "a player whose end callback never returns";
    told(&first, which)?;
    told(&second, which)?;
    ended(lab, &[&first, &second], mark).map(drop)
}

async fn with_many_instances(lab: &HostLab) -> Outcome {
    let config = PluginConfig {
        instances: Instances::PerSession,
        ..may_play()
    };
    let host = lab
        .host(|plan| plan.guest(PROBE_NAME, lab.probe(), config))
        .await?;
    let logged = lab.recorder.guest_log(PROBE_NAME).len();
    let mut first = join(lab, &host, "first").await?;
    let mut second = join(lab, &host, "second").await?;
    shut_down(lab, &host, &mut [&mut first, &mut second]).await?;
    told(&first, "a player on an instance of its own")?;
    told(&second, "a player on an instance of its own")?;
    lab.settle().await;
    // The one that answers events, and one for each session.
    guests(lab, &first, logged, 2, 3).map(drop)
}
