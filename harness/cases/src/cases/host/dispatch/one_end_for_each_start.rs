//! Whatever a guest keeps for a player must go when the player goes, and only once.

use std::sync::Arc;
use std::time::Duration;

use sim_proto::ClientConfig;
use vb_contract::{Event, EventOutcome, Text};

use crate::case::Case;
use crate::cases::host::asking::COMMAND;
use crate::lab::door::{Host, Need};
use crate::lab::host::{HostLab, PROBE_NAME, may_play};
use crate::lab::native::Told;
use crate::lab::player::{Player, secs};
use crate::verdict::{Outcome, Stop};

const CLAUSE: &str = "VB-DSP-07";

/// From the clause.
const LIMIT: Duration = Duration::from_secs(1);

/// Long enough for a second end to show: more than any connection lingers.
const SETTLE: Duration = Duration::from_secs(3);

/// Ids that no protocol has: one is the word for the handler to disconnect, the other means nothing.
const DISCONNECT: i32 = 0x7002;
const NOTHING: i32 = 0x7003;

/// How the names of those begin whom the native handler serves; the others are the guest's.
const NATIVE: &str = "native";

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
}

/// See the module.
pub const CASE: Case = Case::host(
    "one-end-for-each-start",
    &["VB-DSP-07"],
    "Ends sessions of a native handler and of a guest in every way there is, has a guest trap beside them, and counts \
     the end callbacks.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &HostLab) -> Outcome {
    if !lab.offers(Need::NativePlugins) {
        for way in WAYS {
            if way != Way::Kick || lab.offers(Need::Kick) {
                alone(lab, way).await?;
            }
        }
        return Ok(());
    }
    for way in WAYS {
        let mut pair = Pair::join(lab).await?;
        pair.end_native(way).await?;
        if way != Way::Shutdown {
            pair.end_guest(way).await?;
        }
    }
    let mut pair = Pair::join(lab).await?;
    pair.trap_of_another().await
}

/// A client on a guest, and nobody else.
async fn alone(lab: &HostLab, way: Way) -> Outcome {
    let host = lab.host_of_probe(&[]).await?;
    let mut player = lab.join(&host).await?;
    let skip = lab.recorder.guest_log(PROBE_NAME).len();
    let caused = lab.now();
    match way {
        Way::Disconnect => {
            player.send_raw(COMMAND, b"disconnect plain disconnected");
            player.send_raw(NOTHING, b"");
        }
        Way::Shutdown => {
            futures::future::join(host.shutdown("the end"), player.live(SETTLE)).await;
        }
        _ => depart(way, &host, &mut player).await?,
    }
    let settle = lab.within(LIMIT);
    futures::future::join(player.live(settle), lab.wait(settle)).await;
    lab.settle().await;
    let log = lab.recorder.guest_log(PROBE_NAME).into_iter().skip(skip);
    let ends: Vec<Duration> = log
        .filter(|(_, line)| line.starts_with("end "))
        .map(|(at, _)| at)
        .collect();
    count(&player, "the guest", way.text(), caused, &ends, 1, settle)
}

/// A host with a client on a native handler and one on a guest.
struct Pair<'a> {
    lab: &'a HostLab,
    host: Host,
    native: Player,
    guest: Player,
    /// What was told before.
    told: usize,
    logged: usize,
}

impl<'a> Pair<'a> {
    async fn join(lab: &'a HostLab) -> Result<Self, Stop> {
        let plugin = lab
            .native("gate")
            .on_packet(|session, packet| {
                if packet.packet_id == DISCONNECT {
                    // The session may have ended already; then there is nothing to disconnect.
                    let _ = session.disconnect(&Text::plain("disconnected"));
                }
            })
            .on_event(|event| match event {
                Event::ServerPreConnect(event) if event.profile.name.starts_with(NATIVE) => None,
                _ => Some(Box::pin(std::future::ready(EventOutcome::NoOpinion))),
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
        // Each host counts its players from 1: nothing of the one before counts.
        let told = lab.notebook.sessions().len();
        let logged = lab.recorder.guest_log(PROBE_NAME).len();
        let name = format!("{NATIVE}{}", lab.draw(|rng| rng.name(6)));
        let native = lab
            .join_as(&host, ClientConfig::new(lab.protocol, name))
            .await?;
        let guest = lab.join(&host).await?;
        Ok(Self {
            lab,
            host,
            native,
            guest,
            told,
            logged,
        })
    }

    async fn end_native(&mut self, way: Way) -> Outcome {
        let caused = self.lab.now();
        match way {
            Way::Disconnect => {
                self.native.send_raw(DISCONNECT, b"");
                self.native.send_raw(NOTHING, b"");
            }
            Way::Shutdown => {
                let (native, guest) = (&mut self.native, &mut self.guest);
                let shutdown = self.host.shutdown("the end");
                futures::future::join3(shutdown, native.live(SETTLE), guest.live(SETTLE)).await;
            }
            _ => depart(way, &self.host, &mut self.native).await?,
        }
        self.settle().await;
        self.native_ends(way.text(), caused, 1)?;
        let due = usize::from(way == Way::Shutdown);
        self.guest_ends(way.text(), caused, due)
    }

    async fn end_guest(&mut self, way: Way) -> Outcome {
        let caused = self.lab.now();
        match way {
            Way::Disconnect => {
                self.guest
                    .send_raw(COMMAND, b"disconnect plain disconnected");
                self.guest.send_raw(NOTHING, b"");
            }
            _ => depart(way, &self.host, &mut self.guest).await?,
        }
        self.settle().await;
        self.guest_ends(way.text(), caused, 1)
    }

    async fn trap_of_another(&mut self) -> Outcome {
        const WHAT: &str = "the guest of another session traps";
        let caused = self.lab.now();
        self.guest.send_raw(COMMAND, b"trap");
        self.settle().await;
        if self.lab.recorder.traps().is_empty() {
            return Err(self.guest.untestable("the guest did not trap"));
        }
        self.native_ends(WHAT, caused, 0)?;
        let before = self.handed();
        self.native.send_raw(NOTHING, b"");
        self.native.live(LIMIT).await;
        if self.handed() == before + 1 {
            return Ok(());
        }
        let expected = format!("the session to go on when {WHAT}");
        let got = format!(
            "its packets do not arrive any more: {}",
            self.native.stands()
        );
        Err(self.native.broken(CLAUSE, expected, got))
    }

    fn handed(&self) -> usize {
        let ours = |told: &Told| matches!(told, Told::Packet(_, it) if it.packet_id == NOTHING);
        let told = self.lab.notebook.sessions();
        told.iter()
            .skip(self.told)
            .filter(|(_, it)| ours(it))
            .count()
    }

    async fn settle(&mut self) {
        let both = futures::future::join(self.native.live(SETTLE), self.guest.live(SETTLE));
        // A connection that is over leaves the clock to us.
        futures::future::join(both, tokio::time::sleep(SETTLE)).await;
    }

    fn native_ends(&self, when: &str, caused: Duration, due: usize) -> Outcome {
        let told = self.lab.notebook.sessions();
        let ends: Vec<Duration> = told
            .iter()
            .skip(self.told)
            .filter(|(_, told)| matches!(told, Told::End(_)))
            .map(|(at, _)| *at)
            .collect();
        count(
            &self.native,
            "the native handler",
            when,
            caused,
            &ends,
            due,
            LIMIT,
        )
    }

    fn guest_ends(&self, when: &str, caused: Duration, due: usize) -> Outcome {
        let ends: Vec<Duration> = self
            .lab
            .recorder
            .guest_log(PROBE_NAME)
            .into_iter()
            .skip(self.logged)
            .filter(|(_, line)| line.starts_with("end "))
            .map(|(at, _)| at)
            .collect();
        count(&self.guest, "the guest", when, caused, &ends, due, LIMIT)
    }
}

async fn depart(way: Way, host: &Host, player: &mut Player) -> Outcome {
    match way {
        Way::Close => player.leave().await,
        Way::Reset => player.reset(),
        Way::HalfClose => player.half_close(),
        Way::Kick => {
            let kicked = match player.session {
                Some((_, id)) => host.kick(id, &player.name, "kicked").await,
                None => false,
            };
            if !kicked {
                return Err(player.untestable("the host knows no such player to kick"));
            }
        }
        Way::Disconnect | Way::Shutdown => {}
    }
    Ok(())
}

fn count(
    player: &Player,
    whom: &str,
    when: &str,
    caused: Duration,
    ends: &[Duration],
    due: usize,
    limit: Duration,
) -> Outcome {
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
