//! What a guest's case works with.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use sim_proto::ClientConfig;
use vb_contract::{Callback, DenyReason, HostEvent, PlayerId, TrapKind};
use vb_data::{Direction, State};

use super::clock::Origin;
use super::door::{Door, Host, Need, NoHost, Plan};
use super::player::{JOIN_LIMIT, Player, secs};
use super::recorder::Recorder;
use crate::rng::Rng;
use crate::verdict::{Outcome, Stop};

/// What a guest's case works with: a host that runs the guest, and clients for it.
pub struct GuestLab {
    /// The protocol that is judged.
    pub protocol: i32,
    /// What the host tells.
    pub recorder: Arc<Recorder>,
    /// The host.
    pub host: Host,
    guest: Guest,
    origin: Origin,
    rng: RefCell<Rng>,
    expects_traps: Cell<bool>,
}

/// A guest that is judged: the door to hosts, and the plan of one that runs it.
#[derive(Clone)]
pub struct Guest {
    /// Its name as a plugin.
    pub name: String,
    /// The way to hosts for it.
    pub door: Rc<dyn Door>,
    /// Plans a host that runs it and nothing else; or says why there can be none.
    pub plan: Rc<dyn Fn() -> Result<Plan, String>>,
}

impl Guest {
    async fn host(
        &self,
        recorder: &Arc<Recorder>,
        differs: impl FnOnce(Plan) -> Plan,
    ) -> Result<Host, Stop> {
        let untestable = |why: String| Stop::Untestable(why, Vec::new());
        let plan = differs((self.plan)().map_err(untestable)?);
        let missing = |need: &Need| !self.door.offers(*need);
        if let Some(need) = plan.needs().into_iter().find(missing) {
            return Err(Stop::Skip(format!("this host does not offer {need}")));
        }
        let started = self.door.start(plan, recorder).await;
        started.map_err(|no_host| match no_host {
            NoHost::NotOffered(_) => Stop::Skip(no_host.to_string()),
            NoHost::Refused(_) | NoHost::Door(_) => untestable(no_host.to_string()),
        })
    }
}

impl GuestLab {
    /// For one case on one protocol. `rng` is the case's own; `recorder` counts time from `origin` too.
    ///
    /// # Errors
    /// Why there is no host that runs the guest.
    pub async fn open(
        guest: Guest,
        protocol: i32,
        rng: Rng,
        origin: Origin,
        recorder: Arc<Recorder>,
    ) -> Result<Self, Stop> {
        let host = guest.host(&recorder, |plan| plan).await?;
        Ok(Self {
            protocol,
            recorder,
            host,
            guest,
            origin,
            rng: RefCell::new(rng),
            expects_traps: Cell::new(false),
        })
    }

    /// Since the case began.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    /// Whether the guest's host offers it.
    #[must_use]
    pub fn offers(&self, need: Need) -> bool {
        self.guest.door.offers(need)
    }

    /// Whether the clock stands still while somebody works.
    #[must_use]
    pub fn is_virtual(&self) -> bool {
        self.guest.door.is_virtual()
    }

    /// An upper bound of a clause, as wide as it is on this host's clock.
    #[must_use]
    pub fn within(&self, bound: Duration) -> Duration {
        self.guest.door.within(bound)
    }

    /// Lets what has happened come to the recorder, where that takes time.
    pub async fn settle(&self) {
        let delay = self.guest.door.log_delay();
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
    }

    /// The same where the client's connection is over, which a failure of the guest may have been the cause of.
    pub async fn settle_if_over(&self, player: &Player) {
        if player.closed().is_some() {
            self.settle().await;
        }
    }

    /// A vanilla client with a name of its own.
    #[must_use]
    pub fn client(&self) -> ClientConfig {
        let name = self.rng.borrow_mut().name(12);
        ClientConfig::new(self.protocol, name)
    }

    /// A draw of the case's own.
    pub fn draw<T>(&self, draw: impl FnOnce(&mut Rng) -> T) -> T {
        draw(&mut self.rng.borrow_mut())
    }

    /// Opens a connection. Nothing happens on it until the client is waited for.
    #[must_use]
    pub fn connect(&self, config: ClientConfig) -> Player {
        self.connect_to(&self.host, config)
    }

    /// The same on a host of the case's own.
    #[must_use]
    pub fn connect_to(&self, host: &Host, config: ClientConfig) -> Player {
        Player::new(host.connect(), config, self.origin, &self.recorder)
    }

    /// Another host with an instance of the guest of its own.
    ///
    /// # Errors
    /// When the guest does not start a second time.
    pub async fn another_host(&self) -> Result<Host, Stop> {
        self.host_that(|plan| plan).await
    }

    /// Another host with an instance of the guest of its own, planned in a way of the case's own.
    ///
    /// # Errors
    /// When the guest does not start a second time.
    pub async fn host_that(&self, differs: impl FnOnce(Plan) -> Plan) -> Result<Host, Stop> {
        self.guest.host(&self.recorder, differs).await
    }

    /// A vanilla client in world.
    ///
    /// # Errors
    /// When the guest refuses the protocol, and when the client does not come in world.
    pub async fn join(&self) -> Result<Player, Stop> {
        self.join_as(self.client()).await
    }

    /// A client in world.
    ///
    /// # Errors
    /// When the guest refuses the protocol, and when the client does not come in world.
    pub async fn join_as(&self, config: ClientConfig) -> Result<Player, Stop> {
        let mut player = self.connect(config);
        let mark = self.recorder.mark();
        let joined = player.until_in_world(self.within(JOIN_LIMIT)).await;
        player.session = self.session_since(mark, &player);
        if joined {
            return Ok(player);
        }
        Err(self.not_joined(&player, mark))
    }

    /// A client in play, in world or not: for claims about what comes before. The client lives for `time` more.
    ///
    /// # Errors
    /// When the guest refuses the protocol, and when no session starts.
    pub async fn visit(&self, config: ClientConfig, time: Duration) -> Result<Player, Stop> {
        let mut player = self.connect(config);
        let mark = self.recorder.mark();
        player.live(time).await;
        player.session = self.session_since(mark, &player);
        if player.session.is_none() {
            return Err(self.not_joined(&player, mark));
        }
        if let Some(reason) = refusal(&player) {
            return Err(Stop::Skip(format!(
                "the guest refuses the protocol with \"{reason}\""
            )));
        }
        Ok(player)
    }

    /// The linear memory that the guest's instance in [`Self::host`] uses, in bytes, as long as it has not been restarted.
    #[must_use]
    pub fn memory(&self) -> u64 {
        let memory = self.host.plugin_memory(&self.guest.name);
        memory.unwrap_or_default()
    }

    /// The first trap of the guest since a mark of the recorder.
    #[must_use]
    pub fn trap_since(&self, mark: usize) -> Option<TrapKind> {
        let traps = self.recorder.since(mark, |seen| match &seen.event {
            HostEvent::Trap { kind, .. } => Some(kind.clone()),
            _ => None,
        });
        traps.into_iter().next()
    }

    /// A host that does not tell when a session starts has started it when the client was in the play state.
    fn session_since(&self, mark: usize, player: &Player) -> Option<(Duration, PlayerId)> {
        if !self.offers(Need::HostEvents) {
            return player.in_play_since().map(|at| (at, UNTOLD));
        }
        let starts = self.recorder.since(mark, |seen| match seen.event {
            HostEvent::SessionStarted { player, .. } => Some((seen.at, player)),
            _ => None,
        });
        starts.first().copied()
    }

    /// Fails `clause` when the guest has trapped after a session's start. A trap in the start is in the way of every
    /// claim but those about it.
    ///
    /// # Errors
    /// The broken clause.
    pub fn no_trap(&self, player: &Player, clause: &'static str, when: &str) -> Outcome {
        match self.recorder.traps().first() {
            Some(trap) if trap.callback == Callback::SessionStart => {
                Err(player.untestable(format!("the guest trapped: {trap}")))
            }
            _ => self.no_trap_at_all(player, clause, when),
        }
    }

    /// Fails `clause` when the guest has trapped, wherever.
    ///
    /// # Errors
    /// The broken clause.
    pub fn no_trap_at_all(&self, player: &Player, clause: &'static str, when: &str) -> Outcome {
        match self.recorder.traps().first() {
            None => Ok(()),
            Some(trap) => {
                let got = format!("the guest trapped: {trap}");
                Err(player
                    .finding(clause, format!("no trap {when}"), got)
                    .at(trap.at)
                    .into())
            }
        }
    }

    /// From now on a trap is part of what the case does, and not in the way of its claim.
    pub fn expects_traps(&self) {
        self.expects_traps.set(true);
    }

    /// A claim that seems to hold although the guest trapped cannot be relied on.
    ///
    /// # Errors
    /// The trap, as what is in the way.
    pub fn untrapped(&self) -> Outcome {
        match self.recorder.traps().first() {
            Some(trap) if !self.expects_traps.get() => {
                let why = format!(
                    "the guest trapped meanwhile, so that nothing can be relied on: {trap}"
                );
                Err(Stop::Untestable(why, Vec::new()))
            }
            _ => Ok(()),
        }
    }

    /// Why a client is not in world: a protocol refused is nobody's fault, everything else is in the way.
    #[must_use]
    pub fn not_joined(&self, player: &Player, mark: usize) -> Stop {
        let denied = self.recorder.since(mark, |seen| match &seen.event {
            HostEvent::Denied { reason, text, .. } => Some((reason.clone(), text.to_string())),
            _ => None,
        });
        match denied.first() {
            Some((DenyReason::ByPlugin, text)) => {
                return Stop::Skip(format!("the guest refuses the protocol with \"{text}\""));
            }
            Some((reason, _)) => return player.untestable(format!("no session starts: {reason}")),
            None => {}
        }
        if let Some(reason) = refusal(player) {
            return Stop::Skip(format!("the guest refuses the protocol with \"{reason}\""));
        }
        if let Some(trap) = self.recorder.traps().first() {
            return player.untestable(format!(
                "no client comes in world: the guest trapped: {trap}"
            ));
        }
        player.untestable(format!(
            "no client comes in world within {}: {}",
            secs(JOIN_LIMIT),
            player.stands()
        ))
    }
}

/// A disconnect before `JoinGame` that a person can read is a refusal of the protocol (VB-JOIN-15).
fn refusal(player: &Player) -> Option<String> {
    let joined = player.named("login").next().is_some();
    let (_, _, reason) = player.kicked()?;
    (!joined && reason.chars().any(char::is_alphanumeric)).then_some(reason)
}

/// The id of a player whose host does not tell it.
const UNTOLD: PlayerId = PlayerId(0);

/// Whether the guest itself, and not the host for it, sent the player a play packet of this name. Where the host does not
/// tell, what came is taken for the guest's, unless the guest has failed.
#[must_use]
pub fn sent_by_guest(lab: &GuestLab, player: &Player, name: &str) -> bool {
    if !lab.offers(Need::HostEvents) {
        return lab.recorder.traps().is_empty() && player.came(name).is_some();
    }
    let table = vb_data::packets(lab.protocol, State::Play, Direction::Clientbound);
    let Some(id) = table.and_then(|table| table.id(name)) else {
        return false;
    };
    let sent = lab.recorder.all(|seen| match &seen.event {
        HostEvent::PacketOut { player: to, packet } if packet.packet_id == id => Some(*to),
        _ => None,
    });
    player.session.is_some_and(|(_, id)| sent.contains(&id))
}
