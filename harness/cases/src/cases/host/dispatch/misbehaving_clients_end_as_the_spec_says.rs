//! Whatever a client does, it ends as the specification says, its session ends once, and the next client gets in.

use std::time::Duration;

use sim_client::{Behaviour, Deed, Step};
use sim_proto::Version;
use vb_contract::{EndCause, HostEvent, PlayerId};
use vb_data::State;

use super::lines::{self, quiet};
use crate::case::Case;
use crate::cases::host::bridge::probing::pass;
use crate::lab::door::{Host, Need};
use crate::lab::host::{HostLab, STEP};
use crate::lab::native::Told;
use crate::lab::player::{Player, Seen, secs};
use crate::verdict::Outcome;

const FRAMES: &str = "VB-DSP-13";
const ENDS: &str = "VB-DSP-07";
const LOGIN: &str = "VB-LOG-02";
const ORDER: &str = "VB-DSP-04";

/// From the clauses on frames and on ends.
const AT_ONCE: Duration = Duration::from_secs(1);

/// From the clause on logins, and a little.
const SILENCE: Duration = Duration::from_secs(31);

/// Of a flood: 2,000 packets.
const FLOODING: Duration = Duration::from_millis(200);

/// How long a client waits for the occasion to do what it is to do.
const OCCASION: Duration = Duration::from_secs(3);

/// How long a join takes of which each byte takes a millisecond, and more.
const SLOWLY: Duration = Duration::from_secs(10);

/// The first without and with compression, with a configuration phase, with known packs: there each deed is done at each
/// step. Elsewhere at its usual one.
const THOROUGHLY: [i32; 4] = [4, 47, 764, 766];

/// What must become of a client.
enum Fate {
    /// The host drops it at once as one that broke the protocol.
    Fault(&'static str),
    /// The host drops it within a limit, and no session starts.
    NoSession,
    /// Its connection is over at once.
    Gone,
    /// Its session starts.
    Session,
    /// Its packets arrive in order.
    Order,
    /// Anything, as long as a session that starts ends once.
    Any,
}

fn fate(behaviour: Behaviour) -> Fate {
    let before_play = behaviour.at < Step::Play;
    match behaviour.deed {
        Deed::OversizedLength
        | Deed::NegativeLength
        | Deed::OverlongLength
        | Deed::CompressionBomb
        | Deed::CompressedBelowThreshold => Fate::Fault(FRAMES),
        Deed::WrongState if before_play && behaviour.at > Step::Connected => Fate::Fault(LOGIN),
        Deed::Truncated(_) if before_play => Fate::NoSession,
        Deed::Close | Deed::HalfClose => Fate::Gone,
        Deed::Split if behaviour.at == Step::Connected => Fate::Session,
        Deed::Flood(_) if behaviour.at == Step::Play => Fate::Order,
        _ => Fate::Any,
    }
}

/// What is done on this protocol. In a world, which nobody here sends, a host sees no more than in play.
fn behaviours(protocol: i32) -> Vec<Behaviour> {
    let newest = vb_data::supported().last() == Some(&protocol);
    if !newest && !THOROUGHLY.contains(&protocol) {
        return usual(protocol).collect();
    }
    let version = Version::new(protocol);
    Behaviour::all()
        .filter(|one| one.at <= Step::Play && one.fits(version))
        .collect()
}

/// Each deed once.
fn usual(protocol: i32) -> impl Iterator<Item = Behaviour> {
    let version = Version::new(protocol);
    let usual = Behaviour::usual().map(|one| Behaviour {
        at: one.at.min(Step::Play),
        ..one
    });
    usual.filter(move |one| one.fits(version))
}

/// When the host closed the connection, since `mark`, and why.
fn closed(lab: &HostLab, mark: usize) -> Option<(Duration, EndCause)> {
    let closed = lab.recorder.since(mark, |seen| match &seen.event {
        HostEvent::Closed { cause, .. } => Some((seen.at, cause.clone())),
        _ => None,
    });
    closed.into_iter().next()
}

fn count(lab: &HostLab, skip: usize, wanted: impl Fn(&Told) -> Option<PlayerId>) -> usize {
    let told = lab.notebook.sessions();
    told.iter()
        .skip(skip)
        .filter_map(|(_, told)| wanted(told))
        .count()
}

fn starts(lab: &HostLab, skip: usize) -> usize {
    count(lab, skip, |told| match told {
        Told::Start { player, .. } => Some(*player),
        _ => None,
    })
}

fn ends(lab: &HostLab, skip: usize) -> usize {
    count(lab, skip, |told| match told {
        Told::End(player) => Some(*player),
        _ => None,
    })
}

/// The numbers of the flood's packets, as they arrived.
fn numbers(lab: &HostLab, skip: usize) -> Vec<u64> {
    let told = lab.notebook.sessions();
    let flood = told.iter().skip(skip).filter_map(|(_, told)| match told {
        Told::Packet(_, packet) => packet.data.last_chunk::<8>(),
        _ => None,
    });
    flood.map(|number| u64::from_be_bytes(*number)).collect()
}

/// Whether the deed was done, and how it went.
async fn one(
    lab: &HostLab,
    host: &Host,
    behaviour: Behaviour,
) -> Result<bool, crate::verdict::Stop> {
    let (mark, skip) = (lab.recorder.mark(), lab.notebook.sessions().len());
    let mut player = lab.connect(host, quiet(lab)).behaving([behaviour]);
    let fate = fate(behaviour);
    match (&fate, behaviour.deed) {
        (_, Deed::Flood(_)) => player.live(FLOODING).await,
        (Fate::Session | Fate::Gone | Fate::Fault(_), _) => player.live(2 * AT_ONCE).await,
        _ => player.live(SILENCE).await,
    }
    let Some(done) = player.misbehaved() else {
        player.leave().await;
        tokio::time::sleep(AT_ONCE).await;
        return Ok(false);
    };
    // A connection that is over for the client leaves the clock to us.
    tokio::time::sleep(AT_ONCE).await;
    judge(lab, &player, behaviour, &fate, (mark, skip, done))?;
    player.leave().await;
    tokio::time::sleep(AT_ONCE).await;
    let (starts, ends) = (starts(lab, skip), ends(lab, skip));
    if starts > 1 || starts != ends {
        let expected = format!("one end for each start, after {behaviour}");
        return Err(player.broken(ENDS, expected, format!("{starts} starts, {ends} ends")));
    }
    Ok(true)
}

fn judge(
    lab: &HostLab,
    player: &Player,
    behaviour: Behaviour,
    fate: &Fate,
    (mark, skip, done): (usize, usize, Duration),
) -> Outcome {
    let closed = closed(lab, mark);
    let how = || match &closed {
        Some((at, cause)) => format!("closed after {}: {cause}", secs(at.saturating_sub(done))),
        None => "the connection goes on".to_owned(),
    };
    let within = |limit: Duration| matches!(&closed, Some((at, _)) if *at <= done + limit);
    match fate {
        Fate::Fault(clause) => {
            let typed = matches!(&closed, Some((_, EndCause::ClientFault(_))));
            if !within(AT_ONCE) || !typed {
                let expected =
                    format!("the end within 1 s, logged as the client's fault, after {behaviour}");
                return Err(player.broken(clause, expected, how()));
            }
        }
        Fate::NoSession => {
            if !within(SILENCE) || starts(lab, skip) > 0 {
                let expected = format!("the end within 30 s and no session, after {behaviour}");
                return Err(player.broken(LOGIN, expected, how()));
            }
        }
        Fate::Gone => {
            if !within(AT_ONCE) {
                let expected = format!("the connection's end within 1 s, after {behaviour}");
                return Err(player.broken(ENDS, expected, how()));
            }
        }
        Fate::Session => {
            if starts(lab, skip) != 1 {
                // Splits have a clause of their own, whose cases say more.
                let why = format!("no session, with {behaviour}: {}", player.stands());
                return Err(player.untestable(why));
            }
        }
        Fate::Order => {
            let numbers = numbers(lab, skip);
            let gap = numbers.windows(2).find(|pair| pair[1] != pair[0] + 1);
            if gap.is_some() || numbers.len() < 1000 {
                let expected = format!("every packet once and in order, with {behaviour}");
                let got = format!("{} arrived, first gap {gap:?}", numbers.len());
                return Err(player.broken(ORDER, expected, got));
            }
        }
        Fate::Any => {}
    }
    Ok(())
}

/// See the module.
pub const CASE: Case<HostLab> = Case::new(
    "misbehaving-clients-end-as-the-spec-says",
    &[ENDS, FRAMES, LOGIN, ORDER],
    "Has clients of a guest misbehave in each way that the simulated client knows, all at once, and clients of a native \
     handler one after the other and at each step; then one behaves.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &HostLab) -> Outcome {
    if lab.offers(Need::NativePlugins) {
        natively(lab).await?;
    }
    in_a_guest(lab).await
}

/// A client that has misbehaved, and when, if it came to that.
struct Culprit {
    behaviour: Behaviour,
    player: Player,
    done: Option<Duration>,
}

/// Each deed once, at its usual step.
async fn in_a_guest(lab: &HostLab) -> Outcome {
    let mark = lab.recorder.mark();
    let host = lab.host_of_probe(&[("packets", "quiet")]).await?;
    // Where nobody can join, what becomes of the others says nothing.
    lab.join(&host).await?.leave().await;
    let culprits = usual(lab.protocol).map(|behaviour| misbehave(lab, &host, behaviour, mark));
    let mut culprits = futures::future::join_all(culprits).await;
    for culprit in &mut culprits {
        culprit.player.leave().await;
    }
    let mut players: Vec<&mut Player> = culprits.iter_mut().map(|it| &mut it.player).collect();
    pass(&mut players, lab.within(AT_ONCE)).await;
    lab.settle().await;
    for culprit in &culprits {
        culprit.must_have_ended(lab, mark)?;
    }
    lab.join(&host).await?.leave().await;
    Ok(())
}

/// Has a client misbehave, and live on for as long as its end may take.
async fn misbehave(lab: &HostLab, host: &Host, behaviour: Behaviour, mark: usize) -> Culprit {
    let mut player = lab.connect(host, quiet(lab)).behaving([behaviour]);
    let deadline = lab.now() + OCCASION;
    while player.misbehaved().is_none() && player.closed().is_none() && lab.now() < deadline {
        player.live(STEP).await;
    }
    let done = player.misbehaved();
    let started = |name: &str| lines::session_of(lab, mark, name).is_some();
    match (fate(behaviour), behaviour.deed) {
        (_, Deed::Flood(_)) => player.live(FLOODING).await,
        (Fate::Session, _) => {
            let deadline = lab.now() + lab.within(SLOWLY);
            while !started(&player.name) && player.closed().is_none() && lab.now() < deadline {
                player.live(STEP).await;
            }
        }
        _ => player.live(lab.within(AT_ONCE)).await,
    }
    Culprit {
        behaviour,
        player,
        done,
    }
}

impl Culprit {
    fn must_have_ended(&self, lab: &HostLab, mark: usize) -> Outcome {
        let Self {
            behaviour, player, ..
        } = self;
        // Nobody sends keep-alives here: what is done with those has not been done.
        let Some(done) = self.done else {
            return Ok(());
        };
        let session = lines::session_of(lab, mark, &player.name);
        match fate(*behaviour) {
            // A login of one answer, which was over before it, has made this a packet of play; the client could not know.
            Fate::Fault(LOGIN) if session.is_some() && logs_in_at_once(player) => {}
            Fate::Fault(clause) => self.must_be_closed(lab, clause, done)?,
            // One that has left sees no end.
            Fate::Gone if behaviour.deed == Deed::HalfClose => {
                self.must_be_closed(lab, ENDS, done)?;
            }
            Fate::Session if session.is_none() => {
                // Splits have a clause of their own, whose cases say more.
                let why = format!("no session, with {behaviour}: {}", player.stands());
                return Err(player.untestable(why));
            }
            _ => {}
        }
        let calls = session.map_or_else(Vec::new, |id| lines::calls_of(lab, mark, id));
        let count = |word: &str| calls.iter().filter(|call| call.word() == word).count();
        let (starts, ends) = (count("start"), count("end"));
        if starts == ends && starts <= 1 {
            return Ok(());
        }
        let expected = format!("one end for each start, after {behaviour}");
        Err(player.broken(ENDS, expected, format!("{starts} starts, {ends} ends")))
    }

    fn must_be_closed(&self, lab: &HostLab, clause: &'static str, done: Duration) -> Outcome {
        let Self {
            behaviour, player, ..
        } = self;
        let limit = lab.within(AT_ONCE);
        match player.closed() {
            Some((at, _)) if at <= done + limit => Ok(()),
            _ => {
                let expected = format!("the end within {}, after {behaviour}", secs(limit));
                Err(player.broken(clause, expected, player.stands()))
            }
        }
    }
}

/// Whether login success is all that stands between a login start and the play state: with compression, what comes after it
/// uncompressed is malformed, and a configuration phase begins with the client's word.
fn logs_in_at_once(player: &Player) -> bool {
    let compressed = |seen: &Seen| {
        let packet = seen.packet();
        packet.is_some_and(|packet| packet.state == State::Login && packet.name == "compress")
    };
    !player.version().has_configuration_phase() && !player.seen().iter().any(compressed)
}

async fn natively(lab: &HostLab) -> Outcome {
    let host = lab.host_of("gate", lab.native("gate")).await?;
    // Where nobody can join, what becomes of the others says nothing.
    let mut honest = lab.join(&host).await?;
    honest.leave().await;
    tokio::time::sleep(AT_ONCE).await;
    for behaviour in behaviours(lab.protocol) {
        match (behaviour.deed, behaviour.at < Step::Play) {
            (Deed::Truncated(None), true) => {
                let cut = |length| Behaviour {
                    deed: Deed::Truncated(Some(length)),
                    ..behaviour
                };
                // Until there is nothing left to cut.
                let mut length = 0;
                while one(lab, &host, cut(length)).await? {
                    length += 1;
                }
            }
            _ => {
                one(lab, &host, behaviour).await?;
            }
        }
    }
    let mut honest = lab.join(&host).await?;
    honest.leave().await;
    Ok(())
}
