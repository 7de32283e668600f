//! The plugin that answers for the native sessions of a world. It echoes, does what the world says, and looks on: who
//! calls it when, and what waits for a client that does not read.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use reference_backend::{
    BoxFuture, Event, EventKind, EventOutcome, HandlerId, ListenerId, NativePlugin,
    PlayerErrorKind, PlayerId, RawPacket, Registrar, ServerPreConnectResult, Text,
    VirtualBackendHandler, VirtualBackendSession,
};
use tokio::task::JoinHandle;

use super::Violation;
use super::world::{Act, Actor, Backend, Deed, Moment};
use crate::rng::Rng;
use crate::subject::network::{Tap, Way};

/// The limits of its sessions, smaller than the defaults so that a world reaches them.
pub const QUEUE_BYTES: u64 = 256 << 10;
/// In packets.
pub const QUEUE_PACKETS: u64 = 512;
/// Client bytes that may wait for a callback.
pub const BUFFERED_BYTES: u64 = 64 << 10;
/// In packets.
pub const BUFFERED_PACKETS: u64 = 64;

/// Client bytes that a host may have read and not handed over: what may wait, what it reads at once, and what it has not
/// taken apart yet.
const READ_AHEAD: u64 = BUFFERED_BYTES + (16 << 10) + (64 << 10) + (16 << 10);

/// What a native handler was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// A session has started.
    Start,
    /// A packet came.
    Packet(i32, Bytes),
    /// The session has ended.
    End,
}

/// What the plugin does for whom, and what it saw.
pub struct Ledger {
    scripts: BTreeMap<String, Script>,
    /// A clientbound packet that carries any bytes.
    carrier: i32,
    seed: u64,
    book: Mutex<Book>,
}

struct Script {
    backend: Backend,
    thinks: Duration,
    deeds: Vec<Deed>,
}

#[derive(Default)]
struct Book {
    taps: BTreeMap<String, Tap>,
    told: Vec<(PlayerId, Told)>,
    sessions: BTreeMap<PlayerId, Sitting>,
    violations: Vec<Violation>,
    tasks: Vec<JoinHandle<()>>,
}

/// A session as its handler keeps it.
#[derive(Debug, Clone, Default)]
struct Sitting {
    name: String,
    /// Callbacks that are under way.
    inside: u32,
    packets: u64,
    ended: bool,
    /// Bytes of packets that the host took for the client.
    accepted: u64,
    /// Bytes of packets that the host handed over.
    delivered: u64,
    /// Bytes that had been written and read when the session began.
    written_before: u64,
    read_before: u64,
}

impl Ledger {
    /// For the clients of a world.
    pub fn new(actors: &[Actor], carrier: i32, seed: u64) -> Arc<Self> {
        let script = |actor: &Actor| Script {
            backend: actor.backend,
            thinks: actor.thinks,
            deeds: actor.deeds.clone(),
        };
        Arc::new(Self {
            scripts: actors
                .iter()
                .map(|actor| (actor.name(), script(actor)))
                .collect(),
            carrier,
            seed,
            book: Mutex::default(),
        })
    }

    /// The connection of the client with this name has this tap.
    pub fn listen(&self, name: &str, tap: &Tap) {
        self.lock().taps.insert(name.to_owned(), tap.clone());
    }

    /// What the handler was told of each session, in order.
    pub fn told(&self) -> Vec<(PlayerId, Told)> {
        self.lock().told.clone()
    }

    /// What it found wrong itself.
    pub fn violations(&self) -> Vec<Violation> {
        self.lock().violations.clone()
    }

    /// The tasks that it began.
    pub fn tasks(&self) -> Vec<JoinHandle<()>> {
        std::mem::take(&mut self.lock().tasks)
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        // Nothing under this lock panics half-way.
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A callback begins.
    fn enter(self: &Arc<Self>, player: PlayerId, name: Option<&str>, told: Told) -> Inside {
        let mut book = self.lock();
        let what = match &told {
            Told::Start => "a start callback".to_owned(),
            Told::Packet(id, data) => {
                format!("the callback of a packet {id:#x} of {} bytes", data.len())
            }
            Told::End => "an end callback".to_owned(),
        };
        if let Some(name) = name.filter(|_| told == Told::Start) {
            let tap = book.taps.get(name).cloned();
            let count =
                |way, what: fn(&Tap, Way) -> u64| tap.as_ref().map_or(0, |tap| what(tap, way));
            let sitting = Sitting {
                name: name.to_owned(),
                written_before: count(Way::ToClient, Tap::written),
                read_before: count(Way::ToHost, Tap::read),
                ..Sitting::default()
            };
            if book.sessions.insert(player, sitting).is_some() {
                book.accuse(
                    "one-start",
                    "VB-DSP-02",
                    format!("player {player}: a second start callback"),
                );
            }
        }
        let sitting = book.sessions.entry(player).or_default();
        let (inside, ended) = (sitting.inside, sitting.ended);
        sitting.inside += 1;
        match &told {
            Told::Packet(_, data) => {
                sitting.packets += 1;
                sitting.delivered += data.len() as u64;
            }
            Told::End => sitting.ended = true,
            Told::Start => {}
        }
        if inside > 0 {
            let overlap = format!("player {player}: {what} while another is under way");
            book.accuse("no-overlap", "VB-DSP-06", overlap);
        }
        match (&told, ended) {
            (Told::End, true) => {
                book.accuse(
                    "one-end",
                    "VB-DSP-07",
                    format!("player {player}: a second end callback"),
                );
            }
            (_, true) => {
                book.accuse(
                    "nothing-after-end",
                    "VB-DSP-08",
                    format!("player {player}: {what} after the end"),
                );
            }
            _ => {}
        }
        book.told.push((player, told));
        Inside {
            ledger: Arc::clone(self),
            player,
        }
    }

    /// Whether the session has ended.
    fn ended(&self, player: PlayerId) -> bool {
        self.lock()
            .sessions
            .get(&player)
            .is_some_and(|sitting| sitting.ended)
    }

    /// The host took a packet of so many bytes: not more may wait than its limit.
    fn accepted(&self, player: PlayerId, bytes: usize) {
        let mut guard = self.lock();
        let book = &mut *guard;
        let Some(sitting) = book.sessions.get_mut(&player) else {
            return;
        };
        sitting.accepted += bytes as u64;
        let Some(tap) = book.taps.get(&sitting.name) else {
            return;
        };
        // Random bytes do not shrink, so what the host has written covers at least as much of what it took.
        let written = tap.written(Way::ToClient) - sitting.written_before;
        let waits = sitting.accepted.saturating_sub(written);
        if waits > QUEUE_BYTES {
            let what = format!(
                "player {player}: {waits} bytes wait for the client, of {QUEUE_BYTES} that may"
            );
            book.accuse("bounded-queue", "VB-DSP-14", what);
        }
    }

    /// A callback has been under way for a while: not more may have been read than what may wait for it. A connection
    /// that has to end is read on and what it says is thrown away, so that is not looked at.
    fn held_up(&self, session: &dyn VirtualBackendSession) {
        let player = session.player_id();
        let invalid = RawPacket {
            packet_id: -1,
            data: Bytes::new(),
        };
        let over = [PlayerErrorKind::SendFailed, PlayerErrorKind::SessionEnded];
        if session
            .send_packet(invalid)
            .is_err_and(|error| over.contains(&error.kind))
        {
            return;
        }
        let mut guard = self.lock();
        let book = &mut *guard;
        let Some(sitting) = book.sessions.get(&player) else {
            return;
        };
        let Some(tap) = book.taps.get(&sitting.name) else {
            return;
        };
        let read = tap.read(Way::ToHost) - sitting.read_before;
        let waits = read.saturating_sub(sitting.delivered);
        if waits > READ_AHEAD {
            let what = format!(
                "player {player}: {waits} bytes of the client wait for a callback, of {READ_AHEAD} that may"
            );
            book.accuse("bounded-inbox", "VB-DSP-15", what);
        }
    }

    fn accuse(&self, promise: &'static str, clause: &'static str, what: String) {
        self.lock().accuse(promise, clause, what);
    }

    /// What the world says for this moment.
    async fn deeds(&self, session: &dyn VirtualBackendSession, at: impl Fn(Moment) -> bool) {
        let Some(script) = self.scripts.get(&session.profile().name) else {
            return;
        };
        for deed in script.deeds.iter().filter(|deed| at(deed.at)) {
            if let Act::Pause(time) = deed.act {
                tokio::time::sleep(time).await;
                self.held_up(session);
            } else {
                self.act(session, deed.act);
            }
        }
    }

    /// Whether anything of it was taken by the host.
    fn act(&self, session: &dyn VirtualBackendSession, act: Act) -> bool {
        let player = session.player_id();
        let mut rng = Rng::for_purpose(self.seed, "deed", 0);
        let mut packet = |size| RawPacket {
            packet_id: self.carrier,
            data: rng.bytes(size).into(),
        };
        match act {
            Act::Pause(_) => false,
            Act::Flood(count, size) => {
                let mut any = false;
                for _ in 0..count {
                    if session.send_packet(packet(size)).is_err() {
                        break;
                    }
                    any = true;
                    self.accepted(player, size);
                }
                any
            }
            Act::Batch(count) => {
                let batch: Vec<_> = (0..count).map(|index| packet(index * 3)).collect();
                let bytes = batch.iter().map(|packet| packet.data.len()).sum();
                let done = session.send_packets(batch).is_ok();
                if done {
                    self.accepted(player, bytes);
                }
                done
            }
            Act::Invalid => {
                let invalid = RawPacket {
                    packet_id: -1,
                    data: Bytes::new(),
                };
                if session.send_packet(invalid).is_ok() {
                    let what = format!("player {player}: a packet with a negative id was taken");
                    self.accuse("invalid-is-refused", "VB-BRG-02", what);
                }
                false
            }
            Act::Message => session.send_message(&Text::plain("hello")).is_ok(),
            Act::Disconnect => session.disconnect(&Text::plain("told to")).is_ok(),
        }
    }

    fn begin_tasks(self: &Arc<Self>, session: &dyn VirtualBackendSession) {
        let Some(script) = self.scripts.get(&session.profile().name) else {
            return;
        };
        for deed in &script.deeds {
            let Moment::Later(after) = deed.at else {
                continue;
            };
            let (ledger, kept, act) = (Arc::clone(self), session.handle(), deed.act);
            let task = tokio::spawn(async move {
                tokio::time::sleep(after).await;
                let player = kept.player_id();
                let over = ledger.ended(player);
                if ledger.act(&*kept, act) && over {
                    let what = format!(
                        "player {player}: {act:?} on a kept session was answered with ok after its end"
                    );
                    ledger.accuse("kept-session-is-dead", "VB-ENF-07", what);
                }
            });
            self.lock().tasks.push(task);
        }
    }
}

impl Book {
    /// The first of each promise is kept: what follows mostly follows from it.
    fn accuse(&mut self, promise: &'static str, clause: &'static str, what: String) {
        if self.violations.iter().all(|known| known.promise != promise) {
            self.violations.push(Violation {
                promise,
                clause,
                what,
            });
        }
    }
}

/// A callback that is under way, until it returns or is given up.
struct Inside {
    ledger: Arc<Ledger>,
    player: PlayerId,
}

impl Drop for Inside {
    fn drop(&mut self) {
        if let Some(sitting) = self.ledger.lock().sessions.get_mut(&self.player) {
            sitting.inside -= 1;
        }
    }
}

/// The plugin and its handler.
#[derive(Clone)]
pub struct Gate(pub Arc<Ledger>);

/// Asked before any guest.
const PRIORITY: i16 = 100;

impl NativePlugin for Gate {
    fn on_enable<'a>(&'a self, registrar: &'a mut Registrar) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            registrar
                .subscribe(EventKind::ServerPreConnect, PRIORITY)
                .map_err(|error| error.to_string())?;
            registrar
                .register_virtual_backend_handler(HandlerId(1), Arc::new(self.clone()))
                .map_err(|error| error.to_string())
        })
    }

    fn handle_event<'a>(
        &'a self,
        _listener: ListenerId,
        event: &'a Event,
    ) -> BoxFuture<'a, EventOutcome> {
        Box::pin(async move {
            let Event::ServerPreConnect(event) = event else {
                return EventOutcome::NoOpinion;
            };
            let script = self.0.scripts.get(&event.profile.name);
            let thinks = script.map_or(Duration::ZERO, |script| script.thinks);
            if !thinks.is_zero() {
                tokio::time::sleep(thinks).await;
            }
            let backend = script.map_or(Backend::Native, |script| script.backend);
            EventOutcome::ServerPreConnect(match backend {
                Backend::Guest => return EventOutcome::NoOpinion,
                Backend::Native => ServerPreConnectResult::VirtualBackend(HandlerId(1)),
                Backend::Limbo => ServerPreConnectResult::SendToLimbo(vec!["soak".to_owned()]),
                Backend::Nobody => ServerPreConnectResult::Denied(Text::plain("not today")),
            })
        })
    }
}

impl VirtualBackendHandler for Gate {
    fn name(&self) -> &str {
        "gate"
    }

    fn on_session_start<'a>(&'a self, session: &'a dyn VirtualBackendSession) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let name = session.profile().name.as_str();
            let _inside = self.0.enter(session.player_id(), Some(name), Told::Start);
            self.0.begin_tasks(session);
            self.0.deeds(session, |at| at == Moment::Start).await;
        })
    }

    fn on_packet_received<'a>(
        &'a self,
        session: &'a dyn VirtualBackendSession,
        packet: &'a RawPacket,
    ) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let player = session.player_id();
            let told = Told::Packet(packet.packet_id, packet.data.clone());
            let _inside = self.0.enter(player, None, told);
            let echo = RawPacket {
                packet_id: self.0.carrier,
                data: packet.data.clone(),
            };
            if session.send_packet(echo).is_ok() {
                self.0.accepted(player, packet.data.len());
            }
            let number = self
                .0
                .lock()
                .sessions
                .get(&player)
                .map_or(0, |sitting| sitting.packets);
            self.0
                .deeds(session, |at| at == Moment::Packet(number - 1))
                .await;
        })
    }

    fn on_session_end(&self, player: PlayerId) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let _inside = self.0.enter(player, None, Told::End);
        })
    }
}
