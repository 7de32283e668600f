//! One connection, as the tasks and handles that work on it share it.
//!
//! The connection's machine stands behind a lock that is never held across an await. The pump moves bytes in and out;
//! the script takes what arrived and decides; handles, which may be used from any task, send.

use super::broken::{self, OnWire};
use super::busy::Busy;
use super::memory::Share;
use super::places::Refusal;
use super::services::{Services, lock};
use crate::api::{EndCause, PlayerId, RawPacket};
use crate::config::Limits;
use crate::config::limits::{
    DEFAULT_BUFFERED_BYTES, DEFAULT_BUFFERED_PACKETS, DEFAULT_QUEUE_BYTES, DEFAULT_QUEUE_PACKETS,
};
use crate::fault::Faults;
use backend_proto::{CloseReason, Connection, Event, TextComponent};
use bytes::Bytes;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// How long a callback or listener that is under way may go on after its connection has to end. The end callback is due
/// within a second.
pub(super) const END_GRACE: Duration = Duration::from_millis(500);

/// How long the last bytes may take when the whole host is stopping, which has 10 s.
const FLUSH_LIMIT_AT_SHUTDOWN: Duration = Duration::from_secs(5);

/// How long the last bytes may take where another connection has the place already. Nothing was sent before them, so that
/// the system takes them at once.
const FLUSH_LIMIT_WITHOUT_PLACE: Duration = Duration::from_millis(100);

/// What a packet costs besides its bytes while it waits for the handler: its place in the inbox.
const PER_PACKET_IN: usize = size_of::<Incoming>();
/// And while it waits for the client: where it ends, its length and its id.
const PER_PACKET_OUT: usize = 16;

/// So much of what a client sends is always read, however little memory is free: packets of players are small.
const ALWAYS_READ: usize = 16 << 10;

/// How soon a client that is not read for want of memory is looked at again.
const MEMORY_LOOK: Duration = Duration::from_millis(50);

/// What the script hears of.
#[derive(Debug)]
pub(super) enum Incoming {
    LoginStart {
        name: String,
        claimed_uuid: Option<backend_proto::Uuid>,
        protocol: i32,
    },
    LoggedIn,
    InPlay,
    Packet(RawPacket),
}

pub(crate) struct Link {
    pub player: PlayerId,
    pub peer: String,
    /// A client that takes nothing for this long while something waits for it is dropped.
    pub stall_limit: Duration,
    /// Why it has no place, which is all that it is to hear.
    pub(super) refusal: Option<Refusal>,
    /// Whom it waits for.
    pub(super) busy: Busy,
    origin: Instant,
    /// Apart, so that a handle which outlives the connection does not keep the room for it.
    wire: Box<Mutex<Wire>>,
    /// For the pump: there is something to send, or room for more input.
    pump: Notify,
    /// For the script: something has arrived, or the connection has to end.
    script: Notify,
}

/// What is behind the lock.
pub(super) struct Wire {
    share: Share,
    pub conn: Connection,
    queue: SendQueue,
    inbox: VecDeque<Incoming>,
    inbox_packets: usize,
    inbox_bytes: usize,
    max_inbox_packets: usize,
    max_inbox_bytes: usize,
    /// The session that may act, by its number; none outside of sessions.
    pub live: Option<u64>,
    pub life: Life,
    hurry: Hurry,
    pub faults: Faults,
    /// What one that is broken keeps.
    pub broken: OnWire,
}

/// How a connection stands. It goes down this list and never back; what it has come to first counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Life {
    /// Both sides are there.
    Whole,
    /// The client takes nothing any more; what it sent is still to come.
    Deaf,
    /// The client's side has ended; what it sent is still handled.
    Left(EndCause),
    /// The host's side wants it to end, whatever waits.
    Ending(EndCause),
}

impl Life {
    fn deafen(&mut self) {
        if *self == Self::Whole {
            *self = Self::Deaf;
        }
    }

    fn leave(&mut self, cause: EndCause) {
        if matches!(self, Self::Whole | Self::Deaf) {
            *self = Self::Left(cause);
        }
    }

    fn end(&mut self, cause: EndCause) {
        if !matches!(self, Self::Ending(_)) {
            *self = Self::Ending(cause);
        }
    }

    /// Why it is over or has to be.
    fn over(&self) -> Option<&EndCause> {
        match self {
            Self::Whole | Self::Deaf => None,
            Self::Left(cause) | Self::Ending(cause) => Some(cause),
        }
    }
}

/// How much time the last bytes have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Hurry {
    /// As much as any others.
    None,
    /// The whole host is stopping.
    Shutdown,
    /// Another connection has the place already.
    WithoutPlace,
}

/// What the pump does next.
pub(super) struct Step {
    pub want_input: bool,
    /// Whether it is for want of memory that there is no input.
    pub starved: bool,
    pub deadline: Option<Instant>,
    /// Nothing comes after what is left to send.
    pub closed: bool,
    pub flush_limit: Duration,
    /// Whether the connection is dropped as soon as everything is written, without waiting for the client to close it.
    pub given_up: bool,
}

impl Link {
    pub fn new(
        player: PlayerId,
        peer: String,
        config: Arc<backend_proto::ServerConfig>,
        online: u32,
        refusal: Option<Refusal>,
        services: &Services,
    ) -> Self {
        let stall_limit = services.config.limits.client_stall();
        let mut conn = Connection::new(config, Duration::ZERO);
        conn.set_online_players(online);
        Self {
            player,
            peer,
            stall_limit,
            refusal,
            busy: Busy::default(),
            origin: Instant::now(),
            wire: Box::new(Mutex::new(Wire {
                share: Share::of(&services.memory),
                conn,
                queue: SendQueue::new(DEFAULT_QUEUE_PACKETS, DEFAULT_QUEUE_BYTES),
                inbox: VecDeque::new(),
                inbox_packets: 0,
                inbox_bytes: 0,
                max_inbox_packets: to_usize(DEFAULT_BUFFERED_PACKETS),
                max_inbox_bytes: to_usize(DEFAULT_BUFFERED_BYTES),
                live: None,
                life: Life::Whole,
                hurry: Hurry::None,
                faults: services.faults,
                broken: OnWire::default(),
            })),
            pump: Notify::new(),
            script: Notify::new(),
        }
    }

    pub fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    pub(super) fn with<R>(&self, f: impl FnOnce(&mut Wire) -> R) -> R {
        f(&mut lock(&self.wire))
    }

    /// Something waits to be sent.
    pub(super) fn wake_pump(&self) {
        self.pump.notify_one();
    }

    pub(super) async fn pump_woken(&self) {
        self.pump.notified().await;
    }

    /// Tells the client `text` after all that was queued before, and ends the connection for `cause`. The first cause
    /// counts.
    pub fn disconnect(&self, text: &TextComponent, cause: EndCause) {
        let now = self.now();
        self.with(|wire| wire.disconnect(text, cause, now));
        self.wake();
    }

    /// As [`disconnect`](Self::disconnect), with little time for the last bytes.
    pub fn stop(&self, text: &TextComponent) {
        let now = self.now();
        self.with(|wire| {
            wire.hurry = wire.hurry.max(Hurry::Shutdown);
            wire.disconnect(text, EndCause::Shutdown, now);
        });
        self.wake();
    }

    /// Ends a connection that has waited too long for memory: what it holds is among the most.
    pub(super) fn starved(&self) {
        let text = TextComponent::cut("The server has no memory left for you.");
        self.disconnect(&text, EndCause::NoMemory);
    }

    /// Ends a login whose place another connection has.
    pub fn give_up(&self) {
        const WHY: &str = "Timed out: the server is busy, and nothing came from you";
        let now = self.now();
        self.with(|wire| {
            wire.hurry = Hurry::WithoutPlace;
            let cause = EndCause::ClientTimedOut(WHY.to_owned());
            wire.disconnect(&TextComponent::cut(WHY), cause, now);
        });
        self.wake();
    }

    /// Ends what the script has left open.
    pub(super) fn close(&self) {
        self.with(|wire| wire.conn.close());
        self.wake();
    }

    pub(super) fn wake(&self) {
        self.pump.notify_one();
        self.script.notify_one();
    }

    /// The limits of the plugin that has the session from now on.
    pub(super) fn begin(&self, session: u64, limits: &Limits) {
        self.with(|wire| {
            wire.live = Some(session);
            wire.queue.limit(limits.queue_packets, limits.queue_bytes);
            wire.max_inbox_packets = to_usize(limits.buffered_packets);
            wire.max_inbox_bytes = to_usize(limits.buffered_bytes);
        });
        self.wake_pump();
    }

    /// No session may act from now on.
    pub(super) fn end(&self) {
        self.with(|wire| wire.live = None);
    }

    /// What arrived next, or why nothing will.
    pub(super) async fn next(&self) -> Result<Incoming, EndCause> {
        loop {
            let woken = self.script.notified();
            {
                let mut wire = lock(&self.wire);
                if let Life::Ending(cause) = &wire.life {
                    return Err(cause.clone());
                }
                let had_room = wire.has_room();
                if let Some(incoming) = wire.take() {
                    let wake = !had_room && wire.has_room();
                    drop(wire);
                    if wake {
                        self.wake_pump();
                    }
                    return Ok(incoming);
                }
                if let Some(cause) = wire.life.over() {
                    return Err(cause.clone());
                }
            }
            woken.await;
        }
    }

    /// Why the connection has ended or has to, whatever waits in the inbox.
    pub(super) fn over(&self) -> Option<EndCause> {
        self.with(|wire| wire.life.over().cloned())
    }

    /// Runs to its end what a plugin does, unless the connection has to end: then it has [`END_GRACE`], after which it
    /// is given up and None is the answer.
    pub(super) async fn grace<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        let over = async {
            while self.over().is_none() {
                self.script.notified().await;
            }
            tokio::time::sleep(END_GRACE).await;
        };
        tokio::select! {
            biased;
            done = &mut work => Some(done),
            () = over => None,
        }
    }

    /// Takes what the client has sent.
    pub(super) fn receive(&self, data: &[u8]) {
        let now = self.now();
        self.with(|wire| {
            wire.conn.receive(data, now);
            wire.count();
        });
    }

    /// The client sends no more.
    pub(super) fn peer_closed(&self) {
        let now = self.now();
        self.with(|wire| wire.conn.peer_closed(now));
    }

    /// The client takes nothing any more; what it sent is still to come.
    pub(super) fn unreachable(&self) {
        self.with(|wire| wire.life.deafen());
    }

    /// The client is out of reach; what waits for it is lost.
    pub(super) fn lost(&self, cause: EndCause) {
        self.with(|wire| {
            wire.life.leave(cause);
            wire.conn.close();
        });
        self.script.notify_one();
    }

    /// Runs the machine: deadlines, events into the inbox, and the next bytes into `hand` when it is empty.
    pub(super) fn step(&self, hand: &mut Bytes) -> Step {
        let now = self.now();
        let mut wire = lock(&self.wire);
        if wire.conn.poll_timeout().is_some_and(|at| at <= now) {
            wire.conn.handle_timeout(now);
        }
        let arrived = wire.drain();
        if hand.is_empty() {
            let next = wire.conn.poll_transmit();
            *hand = next
                .or_else(|| wire.broken.next_overtaken())
                .unwrap_or_default();
        }
        wire.queue.in_hand(hand.len());
        wire.count();
        let wants_input = wire.has_room() && wire.conn.wants_input();
        let memory = wire.input_held() < ALWAYS_READ || wire.share.has_room(ALWAYS_READ as u64);
        let look = (wants_input && !memory).then_some(now + MEMORY_LOOK);
        let deadline = wire.conn.poll_timeout().into_iter().chain(look).min();
        let step = Step {
            want_input: wants_input && memory,
            starved: wants_input && !memory,
            deadline: deadline.map(|at| self.origin + at),
            closed: wire.conn.is_closed(),
            flush_limit: match wire.hurry {
                Hurry::None => self.stall_limit,
                Hurry::Shutdown => FLUSH_LIMIT_AT_SHUTDOWN,
                Hurry::WithoutPlace => FLUSH_LIMIT_WITHOUT_PLACE,
            },
            given_up: wire.hurry == Hurry::WithoutPlace,
        };
        drop(wire);
        if arrived {
            self.script.notify_one();
        }
        step
    }

    /// So many bytes have gone to the client.
    pub(super) fn written(&self, bytes: usize) {
        self.with(|wire| {
            wire.queue.written(bytes);
            wire.count();
        });
    }
}

impl Wire {
    pub fn disconnect(&mut self, text: &TextComponent, cause: EndCause, now: Duration) {
        self.live = None;
        broken::before_disconnect(self, &cause);
        self.life.end(cause);
        self.conn.disconnect(text, now);
    }

    /// Bytes that wait for the client, those in the pump's hand included.
    fn waiting(&self) -> u64 {
        self.conn.output_len() as u64 + self.queue.hand
    }

    /// Takes room and memory for packets of these sizes, which are about to be queued.
    ///
    /// # Errors
    /// Which of them finds none, and why.
    pub fn reserve(
        &mut self,
        sizes: impl Iterator<Item = usize> + Clone,
    ) -> Result<(), (usize, String)> {
        match self.queue.no_room(self.waiting(), sizes.clone()) {
            Some(refused) => Err(refused),
            None => self
                .take_memory(sizes.clone())
                .map_err(|why| (self.first_without_memory(sizes), why)),
        }
    }

    /// Which of packets of these sizes is the first past what this connection may hold. Of all that found none a moment
    /// ago the last, where others have given some back since.
    fn first_without_memory(&self, sizes: impl Iterator<Item = usize>) -> usize {
        let (mut more, mut last) = (0, 0);
        for (index, size) in sizes.enumerate() {
            more += (size + PER_PACKET_OUT) as u64;
            last = index;
            if !self.share.has_room(more) {
                break;
            }
        }
        last
    }

    /// So many packets have been queued in the room that was reserved, in one go, and none where that has failed.
    pub fn queued(&mut self, packets: usize) {
        self.queue.queued(self.waiting(), packets);
        self.count();
    }

    /// As [`reserve`](Self::reserve), of memory alone.
    pub fn take_memory(&mut self, sizes: impl Iterator<Item = usize>) -> Result<(), String> {
        let more: usize = sizes.map(|size| size + PER_PACKET_OUT).sum();
        self.count();
        if broken::takes_freely(self.faults, &self.share, more as u64) {
            return Ok(());
        }
        self.share.take(more as u64).map_err(|used| {
            format!(
                "{used} bytes wait for all clients and handlers already, {} of them for this one",
                self.share.held()
            )
        })
    }

    /// What waits here now, after it has changed.
    pub fn count(&mut self) {
        let out = self.waiting() + (self.queue.ends.len() * PER_PACKET_OUT) as u64;
        self.share.set(out + self.input_held() as u64);
    }

    /// Bytes from the client that are held.
    fn input_held(&self) -> usize {
        self.conn.input_len() + self.inbox_bytes + self.inbox_packets * PER_PACKET_IN
    }

    fn has_room(&self) -> bool {
        self.inbox_packets < self.max_inbox_packets && self.inbox_bytes < self.max_inbox_bytes
    }

    pub fn take(&mut self) -> Option<Incoming> {
        let incoming = self.inbox.pop_front()?;
        if let Incoming::Packet(packet) = &incoming {
            self.inbox_packets -= 1;
            self.broken.took_packet();
            self.inbox_bytes -= packet.data.len();
        }
        self.count();
        Some(incoming)
    }

    /// Moves events into the inbox while it has room; answers whether there were any.
    fn drain(&mut self) -> bool {
        let mut any = false;
        let before = self.inbox.len();
        // After the end there is at most one event besides the end itself, and it must not wait for room.
        while self.has_room() || self.conn.is_closed() {
            let Some(event) = self.conn.poll_event() else {
                break;
            };
            any = true;
            match event {
                Event::StatusRequested { .. } | Event::LegacyStatusRequested => {}
                Event::LoginStart {
                    name,
                    claimed_uuid,
                    protocol,
                } => {
                    self.inbox.push_back(Incoming::LoginStart {
                        name,
                        claimed_uuid,
                        protocol,
                    });
                }
                Event::LoggedIn => self.inbox.push_back(Incoming::LoggedIn),
                Event::InPlay => self.inbox.push_back(Incoming::InPlay),
                Event::Packet { id, data } => {
                    self.inbox_packets += 1;
                    self.inbox_bytes += data.len();
                    self.inbox.push_back(Incoming::Packet(RawPacket {
                        packet_id: id,
                        data,
                    }));
                }
                Event::Closed(reason) => {
                    if let Some(cause) = gone(reason) {
                        self.life.leave(cause);
                    }
                }
            }
        }
        broken::arrived(self.faults, &mut self.inbox, before);
        any
    }
}

/// Whose side a connection's end came from: none where the host has said so itself, and knows why.
fn gone(reason: CloseReason) -> Option<EndCause> {
    Some(match reason {
        CloseReason::PeerMisbehaved(error) => EndCause::ClientFault(error.to_string()),
        CloseReason::PeerClosed { .. } => EndCause::ClientLeft,
        CloseReason::TimedOut(_) => EndCause::ClientTimedOut(reason.to_string()),
        CloseReason::UnsupportedProtocol { protocol } => EndCause::UnsupportedProtocol(protocol),
        CloseReason::StatusAnswered => EndCause::Status,
        CloseReason::HostDisconnected | CloseReason::HostClosed => return None,
        CloseReason::InputOverflow { .. } | CloseReason::BadData { .. } => {
            EndCause::HostFault(reason.to_string())
        }
    })
}

/// Counts what waits for the client.
struct SendQueue {
    max_packets: usize,
    max_bytes: u64,
    /// Of all bytes ever written, where each packet that waits ends.
    ends: VecDeque<u64>,
    written: u64,
    hand: u64,
}

impl SendQueue {
    fn new(max_packets: u64, max_bytes: u64) -> Self {
        Self {
            max_packets: to_usize(max_packets),
            max_bytes,
            ends: VecDeque::new(),
            written: 0,
            hand: 0,
        }
    }

    fn limit(&mut self, max_packets: u64, max_bytes: u64) {
        self.max_packets = to_usize(max_packets);
        self.max_bytes = max_bytes;
    }

    /// Which of `sizes` (of packets, in order) finds no room behind the `waiting` bytes, and why.
    fn no_room(
        &self,
        mut waiting: u64,
        sizes: impl Iterator<Item = usize>,
    ) -> Option<(usize, String)> {
        for ((index, size), packets) in sizes.enumerate().zip(self.ends.len()..) {
            if packets >= self.max_packets {
                return Some((
                    index,
                    format!("{packets} packets wait for the client already"),
                ));
            }
            if waiting + size as u64 > self.max_bytes {
                return Some((
                    index,
                    format!("{waiting} bytes wait for the client already"),
                ));
            }
            waiting += size as u64;
        }
        None
    }

    /// So many packets were queued in one go, none of which is told apart: each counts until the whole is written.
    /// `waiting` includes them.
    fn queued(&mut self, waiting: u64, packets: usize) {
        let end = self.written + waiting;
        self.ends.extend(std::iter::repeat_n(end, packets));
    }

    fn in_hand(&mut self, bytes: usize) {
        self.hand = bytes as u64;
    }

    fn written(&mut self, bytes: usize) {
        self.written += bytes as u64;
        self.hand = self.hand.saturating_sub(bytes as u64);
        while self.ends.front().is_some_and(|end| *end <= self.written) {
            self.ends.pop_front();
        }
    }
}

fn to_usize(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_queue_has_edges_in_packets_and_bytes() {
        let mut queue = SendQueue::new(2, 100);
        assert_eq!(queue.no_room(0, [40, 40].into_iter()), None);
        assert_eq!(
            queue
                .no_room(0, [40, 40, 1].into_iter())
                .map(|(index, _)| index),
            Some(2)
        );
        assert_eq!(queue.no_room(0, [100].into_iter()), None);
        assert_eq!(
            queue.no_room(0, [101].into_iter()).map(|(index, _)| index),
            Some(0)
        );
        queue.queued(40, 1);
        queue.queued(80, 1);
        assert_eq!(
            queue.no_room(80, [1].into_iter()).map(|(index, _)| index),
            Some(0)
        );
        queue.in_hand(80);
        queue.written(39);
        assert!(queue.no_room(41, [1].into_iter()).is_some());
        queue.written(1);
        assert_eq!(queue.no_room(40, [60].into_iter()), None);
        assert!(queue.no_room(40, [61].into_iter()).is_some());
    }
}
