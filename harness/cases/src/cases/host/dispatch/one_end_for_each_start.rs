//! Whatever a guest keeps for a player must go when the player goes, and only once.

use std::time::Duration;

use vb_contract::Text;

use super::lines::{self, named, priority};
use crate::case::Case;
use crate::cases::host::bridge::probing::{id_of, pass, tell};
use crate::lab::door::{Host, Need};
use crate::lab::host::{HostLab, PROBE_NAME, with_config};
use crate::lab::native::Told;
use crate::lab::player::{Player, secs};
use crate::verdict::{Outcome, Stop};

const CLAUSE: &str = "VB-DSP-07";

/// From the clause.
const LIMIT: Duration = Duration::from_secs(1);

/// Long enough for a second end to show: more than any connection lingers.
const SETTLE: Duration = Duration::from_secs(3);

/// Ids that no protocol has: one is the word for a native handler to disconnect, the other means nothing.
const DISCONNECT: i32 = 0x7002;
const NOTHING: i32 = 0x7003;

/// How the names of those begin whose guest will trap, and that guest's name as a plugin.
const BAD: &str = "bad";

/// The host's shutdown, which ends all that is left, is the last of all.
const WAYS: [Way; 6] = [
    Way::Close,
    Way::Reset,
    Way::HalfClose,
    Way::Disconnect,
    Way::Kick,
    Way::Shutdown,
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Close,
    Reset,
    HalfClose,
    Disconnect,
    Kick,
    Shutdown,
}

impl Way {
    fn text(self) -> &'static str {
        match self {
            Self::Close => "the client closes",
            Self::Reset => "the client resets",
            Self::HalfClose => "the client half-closes",
            Self::Disconnect => "the handler disconnects it",
            Self::Kick => "the host kicks it",
            Self::Shutdown => "the host shuts down",
        }
    }

    fn is_offered(self, lab: &HostLab) -> bool {
        self != Self::Kick || lab.offers(Need::Kick)
    }
}

/// See the module.
pub const CASE: Case<HostLab> = Case::new(
    "one-end-for-each-start",
    &["VB-DSP-07"],
    "Ends sessions of a guest and of a native handler in every way there is, has a guest trap beside another, and counts \
     the end callbacks.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &HostLab) -> Outcome {
    if lab.offers(Need::NativePlugins) {
        every_way(lab, Who::Native).await?;
    }
    every_way(lab, Who::Guest).await?;
    if lab.offers(Need::TwoPlugins) {
        trap_of_another(lab).await?;
    }
    Ok(())
}

/// Whose sessions they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Native,
    Guest,
}

impl Who {
    fn text(self) -> &'static str {
        match self {
            Self::Native => "the native handler",
            Self::Guest => "the guest",
        }
    }

    async fn host(self, lab: &HostLab) -> Result<Host, Stop> {
        if self == Self::Guest {
            return lab.host_of_probe(&[]).await;
        }
        let plugin = lab.native("gate").on_packet(|session, packet| {
            if packet.packet_id == DISCONNECT {
                // The session may have ended already; then there is nothing to disconnect.
                let _ = session.disconnect(&Text::plain("disconnected"));
            }
        });
        lab.host_of("gate", plugin).await
    }
}

/// A session, and how and when it was ended.
struct Ended {
    way: Way,
    player: Player,
    caused: Duration,
}

/// What there was before a host: each counts its players from 1.
struct Since {
    mark: usize,
    told: usize,
}

async fn every_way(lab: &HostLab, who: Who) -> Outcome {
    let since = Since {
        mark: lab.recorder.mark(),
        told: lab.notebook.sessions().len(),
    };
    let host = who.host(lab).await?;
    let mut sessions = Vec::new();
    for way in WAYS.into_iter().filter(|way| way.is_offered(lab)) {
        sessions.push(Ended {
            way,
            player: lab.join(&host).await?,
            caused: Duration::ZERO,
        });
    }
    for session in &mut sessions {
        session.caused = lab.now();
        depart(session, who, &host).await?;
    }
    live(&mut sessions).await;
    lab.settle().await;
    for session in &sessions {
        let due = usize::from(session.way != Way::Shutdown);
        session.must_end(lab, who, &since, due)?;
    }
    if let Some(last) = sessions.last_mut() {
        last.caused = lab.now();
    }
    futures::future::join(host.shutdown("the end"), live(&mut sessions)).await;
    lab.settle().await;
    let outcomes = sessions
        .iter()
        .map(|session| session.must_end(lab, who, &since, 1));
    outcomes.collect()
}

async fn live(sessions: &mut [Ended]) {
    let players = sessions.iter_mut().map(|session| &mut session.player);
    let mut players: Vec<&mut Player> = players.collect();
    pass(&mut players, SETTLE).await;
}

async fn depart(session: &mut Ended, who: Who, host: &Host) -> Outcome {
    let player = &mut session.player;
    match session.way {
        Way::Close => player.leave().await,
        Way::Reset => player.reset(),
        Way::HalfClose => player.half_close(),
        Way::Disconnect => {
            if who == Who::Guest {
                tell(player, "disconnect plain disconnected");
            } else {
                player.send_raw(DISCONNECT, b"");
            }
            player.send_raw(NOTHING, b"");
        }
        Way::Kick => {
            let id = id_of(player)?;
            if !host.kick(id, &player.name, "kicked").await {
                return Err(player.untestable("the host knows no such player to kick"));
            }
        }
        Way::Shutdown => {}
    }
    Ok(())
}

impl Ended {
    fn must_end(&self, lab: &HostLab, who: Who, since: &Since, due: usize) -> Outcome {
        let id = id_of(&self.player)?;
        let ends: Vec<Duration> = match who {
            Who::Guest => guest_ends(lab, since.mark, &self.player)?,
            Who::Native => lab
                .notebook
                .sessions()
                .into_iter()
                .skip(since.told)
                .filter(|(_, told)| matches!(told, Told::End(of) if *of == id))
                .map(|(at, _)| at)
                .collect(),
        };
        let when = match due {
            0 => "others' sessions end",
            _ => self.way.text(),
        };
        count(
            lab,
            &self.player,
            (who.text(), when),
            self.caused,
            &ends,
            due,
        )
    }
}

fn guest_ends(lab: &HostLab, mark: usize, player: &Player) -> Result<Vec<Duration>, Stop> {
    let calls = lines::calls_of(lab, mark, id_of(player)?).into_iter();
    let ends = calls.filter(|call| call.word() == "end");
    Ok(ends.map(|end| end.at).collect())
}

async fn trap_of_another(lab: &HostLab) -> Outcome {
    const WHAT: (&str, &str) = ("the guest", "the guest of another session traps");
    let mark = lab.recorder.mark();
    let first = priority(lab, 1).to_string();
    let host = lab
        .host(|plan| {
            plan.guest(PROBE_NAME, lab.probe(), with_config(&[])).guest(
                BAD,
                lab.probe(),
                with_config(&[("only", BAD), ("priority", &first)]),
            )
        })
        .await?;
    let mut bad = lab.join_as(&host, named(lab, BAD)).await?;
    let mut good = lab.join_as(&host, named(lab, "good")).await?;
    let caused = lab.now();
    tell(&mut bad, "trap");
    pass(&mut [&mut bad, &mut good], SETTLE).await;
    if bad.closed().is_none() {
        return Err(bad.untestable("the guest did not trap"));
    }
    good.send_raw(NOTHING, b"");
    let handed = lines::packet(NOTHING, b"");
    lines::until(lab, &mut [&mut good], mark, lab.within(LIMIT), |lines| {
        let packet = |line: &lines::Line| line.packet().as_ref() == Some(&handed);
        lines.iter().any(packet)
    })
    .await;
    let mut calls = lines::calls_of(lab, mark, id_of(&good)?);
    calls.retain(|call| call.plugin == PROBE_NAME);
    let ends: Vec<Duration> = calls
        .iter()
        .filter(|call| call.word() == "end")
        .map(|call| call.at)
        .collect();
    count(lab, &good, WHAT, caused, &ends, 0)?;
    if calls
        .iter()
        .any(|call| call.packet().as_ref() == Some(&handed))
    {
        return Ok(());
    }
    let expected = format!("the session to go on when {}", WHAT.1);
    let got = format!("its packets do not arrive any more: {}", good.stands());
    Err(good.broken(CLAUSE, expected, got))
}

fn count(
    lab: &HostLab,
    player: &Player,
    (whom, when): (&str, &str),
    caused: Duration,
    ends: &[Duration],
    due: usize,
) -> Outcome {
    let limit = lab.within(LIMIT);
    let expected = match due {
        0 => format!("no end for {whom} when {when}"),
        _ => format!("one end for {whom} within {} when {when}", secs(limit)),
    };
    let after: Vec<Duration> = ends.iter().map(|at| at.saturating_sub(caused)).collect();
    if after.len() == due && after.iter().all(|after| *after <= limit) {
        return Ok(());
    }
    let times: Vec<String> = after.into_iter().map(secs).collect();
    let got = match times.as_slice() {
        [] => "none came".to_owned(),
        [one] => format!("one came after {one}"),
        more => format!("{} came, after {}", more.len(), more.join(" and ")),
    };
    Err(player.broken(CLAUSE, expected, got))
}
