//! A simulated client with a memory: everything it received, when, and how to tell of it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use sim_client::{Behaviour, Driver, Stream};
use sim_proto::{
    ClientConfig, CloseReason, Event, Fault, Received, Remark, Site, Verdict, Version,
};
use tokio::time::{Instant, timeout_at};
use vb_contract::{HostEvent, PlayerId};
use vb_data::{Direction, State};

use super::clock::Origin;
use super::recorder::Recorder;
use super::trail::Trail;
use crate::dump;
use crate::verdict::{Finding, Stop, TraceLine};

/// How long a client is given to come in world, by the clause of the same bound.
pub const JOIN_LIMIT: Duration = Duration::from_secs(10);

/// What the ids of the clauses about logins begin with.
const LOGIN: &str = "VB-LOG-";

/// A packet of the play state that does nothing to a client which does not look at what is in it: the first of these
/// names that the protocol has.
#[must_use]
pub fn carrier(protocol: i32) -> Option<i32> {
    let table = vb_data::packets(protocol, State::Play, Direction::Clientbound)?;
    let names = ["statistics", "scoreboard_objective", "tab_complete"];
    names.iter().find_map(|name| table.id(name))
}

/// Something that a client saw, and when.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Since the case began.
    pub at: Duration,
    /// What it was. Packets that the client itself sent are not kept here.
    pub event: Event,
}

impl Seen {
    /// The packet, if it was one.
    #[must_use]
    pub fn packet(&self) -> Option<&Received> {
        match &self.event {
            Event::Received(received) => Some(received),
            _ => None,
        }
    }
}

/// A client on the subject's host.
#[derive(Debug)]
pub struct Player {
    /// None once the connection was broken.
    driver: Option<Driver<Stream>>,
    protocol: i32,
    origin: Origin,
    recorder: Arc<Recorder>,
    seen: Vec<Seen>,
    trail: Trail,
    /// The name that it logs in with.
    pub name: String,
    /// When this client's connection was opened, since the case began.
    pub began: Duration,
    /// When its session started, and its id, where the host told.
    pub session: Option<(Duration, PlayerId)>,
}

impl Player {
    pub(super) fn new(
        stream: Stream,
        config: ClientConfig,
        origin: Origin,
        recorder: &Arc<Recorder>,
    ) -> Self {
        let protocol = config.protocol;
        let began = origin.elapsed();
        let name = config.name.clone();
        let driver = Some(Driver::new(stream, config));
        Self {
            driver,
            protocol,
            origin,
            recorder: Arc::clone(recorder),
            seen: Vec::new(),
            trail: Trail::default(),
            name,
            began,
            session: None,
        }
    }

    /// Has it misbehave; to be said before it lives. See [`Driver::behaving`].
    #[must_use]
    pub fn behaving(mut self, behaviours: impl IntoIterator<Item = Behaviour>) -> Self {
        self.driver = self.driver.map(|driver| driver.behaving(behaviours));
        self
    }

    /// When it last did what it was told to do wrong, if it has.
    #[must_use]
    pub fn misbehaved(&self) -> Option<Duration> {
        let driver = self.driver.as_ref()?;
        let (at, _) = driver.misdeeds().last()?;
        Some(self.began + *at)
    }

    /// The protocol it speaks.
    #[must_use]
    pub fn protocol(&self) -> i32 {
        self.protocol
    }

    /// Since the case began.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    /// Its protocol's features.
    #[must_use]
    pub fn version(&self) -> Version {
        Version::new(self.protocol)
    }

    /// Where it stands.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let gone = || Verdict::Disconnected {
            reason: CloseReason::Local,
        };
        self.driver.as_ref().map_or_else(gone, Driver::verdict)
    }

    /// Queues a packet of the current state, sent when the client next lives. False when the connection is over or
    /// the other side has not read for too long.
    pub fn send_raw(&mut self, id: i32, data: &[u8]) -> bool {
        self.driver
            .as_mut()
            .is_some_and(|driver| driver.send_raw(id, data).is_ok())
    }

    /// The same for a play packet by its name. False, too, when the protocol has none of that name.
    pub fn send_named(&mut self, name: &str, data: &[u8]) -> bool {
        let table = vb_data::packets(self.protocol, State::Play, Direction::Serverbound);
        table
            .and_then(|table| table.id(name))
            .is_some_and(|id| self.send_raw(id, data))
    }

    /// The same for a chat message, or a command when it starts with `/`.
    pub fn chat(&mut self, text: &str) -> bool {
        self.driver
            .as_mut()
            .is_some_and(|driver| driver.chat(text).is_ok())
    }

    /// How many bytes it has queued that the connection has not taken.
    #[must_use]
    pub fn unsent(&self) -> usize {
        self.driver.as_ref().map_or(0, Driver::unsent)
    }

    /// Reads nothing from now on; its own time stands still.
    pub fn stop_reading(&mut self) {
        self.driver.iter_mut().for_each(Driver::stop_reading);
    }

    /// Reads again.
    pub fn resume(&mut self) {
        self.driver.iter_mut().for_each(Driver::resume);
    }

    /// Ends its own direction, and goes on reading.
    pub fn half_close(&mut self) {
        self.driver.iter_mut().for_each(Driver::half_close);
    }

    /// Everything it saw from the other side, oldest first.
    #[must_use]
    pub fn seen(&self) -> &[Seen] {
        &self.seen
    }

    /// Lets it live until `wanted` accepts an event, for `limit` at most. The event's place in [`Self::seen`], or
    /// nothing when the time or the connection is over.
    pub async fn until(
        &mut self,
        mut wanted: impl FnMut(&Event) -> bool,
        limit: Duration,
    ) -> Option<usize> {
        let deadline = Instant::now() + limit;
        loop {
            let event = match timeout_at(deadline, self.next()).await {
                Ok(Some(event)) => event,
                Ok(None) | Err(_) => return None,
            };
            let hit = wanted(&event);
            if let Some(index) = self.keep(event)
                && hit
            {
                return Some(index);
            }
            if Instant::now() > deadline {
                return None;
            }
        }
    }

    /// Lets it live until `wanted` accepts an event, its own sends included, for `limit` at most.
    pub async fn until_any(&mut self, mut wanted: impl FnMut(&Event) -> bool, limit: Duration) {
        let mut hit = false;
        let deadline = Instant::now() + limit;
        while !hit {
            let Ok(Some(event)) = timeout_at(deadline, self.next()).await else {
                return;
            };
            hit = wanted(&event);
            self.keep(event);
        }
    }

    /// Breaks its connection.
    pub fn reset(&mut self) {
        if let Some(driver) = self.driver.take() {
            driver.reset();
        }
    }

    /// Lets it live for `time`, or shorter when its connection ends.
    pub async fn live(&mut self, time: Duration) {
        self.until(|_| false, time).await;
    }

    /// Lets it live until it is in world, for `limit` at most.
    pub async fn until_in_world(&mut self, limit: Duration) -> bool {
        self.verdict() == Verdict::InWorld
            || self
                .until(|event| matches!(event, Event::InWorld(_)), limit)
                .await
                .is_some()
    }

    /// Lets it live until its connection is over, for `limit` at most.
    pub async fn until_closed(&mut self, limit: Duration) -> bool {
        self.closed().is_some()
            || self
                .until(|event| matches!(event, Event::Closed(_)), limit)
                .await
                .is_some()
    }

    /// Leaves as a player does.
    pub async fn leave(&mut self) {
        if let Some(driver) = &mut self.driver {
            driver.close().await;
        }
    }

    /// Why its connection is over, if it is.
    #[must_use]
    pub fn closed(&self) -> Option<(Duration, &CloseReason)> {
        self.seen.iter().rev().find_map(|seen| match &seen.event {
            Event::Closed(reason) => Some((seen.at, reason)),
            _ => None,
        })
    }

    /// What a real client would have disconnected on, if anything.
    #[must_use]
    pub fn fault(&self) -> Option<(Duration, &Fault)> {
        self.seen.iter().find_map(|seen| match &seen.event {
            Event::Fault(fault) => Some((seen.at, fault)),
            _ => None,
        })
    }

    /// The reason with which the other side disconnected it, if it did, as a player reads it, and in which state.
    #[must_use]
    pub fn kicked(&self) -> Option<(Duration, State, String)> {
        self.seen.iter().find_map(|seen| match &seen.event {
            Event::Disconnected { state, reason } => Some((seen.at, *state, reason.plain.clone())),
            _ => None,
        })
    }

    /// The packets of the play state that it received, oldest first.
    pub fn play(&self) -> impl Iterator<Item = (Duration, &Received)> {
        self.seen
            .iter()
            .filter_map(|seen| Some((seen.at, seen.packet().filter(|p| p.state == State::Play)?)))
    }

    /// The play packets of one name.
    pub fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (Duration, &'a Received)> {
        self.play().filter(move |(_, packet)| packet.name == name)
    }

    /// When the last packet of the other side came.
    #[must_use]
    pub fn last_heard(&self) -> Option<Duration> {
        self.seen
            .iter()
            .rev()
            .find(|seen| seen.packet().is_some())
            .map(|seen| seen.at)
    }

    /// The fault that a packet of one of these names caused, if any.
    #[must_use]
    pub fn fault_in(&self, names: &[&str]) -> Option<(Duration, &Fault)> {
        self.fault().filter(|(_, fault)| {
            fault
                .site
                .packet
                .is_some_and(|(_, name)| names.contains(&name))
        })
    }

    /// When the first play packet of this name came, readable or not.
    #[must_use]
    pub fn came(&self, name: &str) -> Option<Duration> {
        let received = self.named(name).next().map(|(at, _)| at);
        received.or_else(|| self.fault_in(&[name]).map(|(at, _)| at))
    }

    /// What a real client tolerates although it is wrong, oldest first.
    pub fn remarks(&self) -> impl Iterator<Item = (Duration, &Remark)> {
        self.seen.iter().filter_map(|seen| match &seen.event {
            Event::Remark(remark) => Some((seen.at, remark)),
            _ => None,
        })
    }

    /// When its session started; when its connection was opened, where that is not known.
    #[must_use]
    pub fn session_start(&self) -> Duration {
        self.session.map_or(self.began, |(at, _)| at)
    }

    /// When the client entered the play state.
    #[must_use]
    pub fn in_play_since(&self) -> Option<Duration> {
        self.seen.iter().find_map(|seen| match seen.event {
            Event::StateChanged {
                to: State::Play, ..
            } => Some(seen.at),
            _ => None,
        })
    }

    /// Where it stands, in words, and what became of the guest if it trapped.
    #[must_use]
    pub fn stands(&self) -> String {
        let trap = self
            .recorder
            .traps()
            .into_iter()
            .next()
            .map(|trap| format!("; the guest trapped: {trap}"));
        format!("{}{}", self.stands_alone(), trap.unwrap_or_default())
    }

    fn stands_alone(&self) -> String {
        if let Some((at, fault)) = self.fault() {
            return format!("a real client disconnected at {}: {fault}", secs(at));
        }
        if let Some((at, state, reason)) = self.kicked() {
            return format!(
                "the client was disconnected in {state} at {} with \"{reason}\"",
                secs(at)
            );
        }
        match self.verdict() {
            Verdict::InWorld => "the client is in world".to_owned(),
            Verdict::Stuck(reason) => format!("the client is stuck: {reason}"),
            Verdict::WouldDisconnect(fault) => format!("a real client disconnected: {fault}"),
            Verdict::Disconnected { reason } => {
                format!("the connection is over: {}", close_text(&reason))
            }
            Verdict::Joining { missing } => {
                let missing: Vec<String> = missing.iter().map(ToString::to_string).collect();
                format!("the client still waits for {}", missing.join(", "))
            }
        }
    }

    /// The latest packets and notes, with what repeats folded.
    #[must_use]
    pub fn trace(&self) -> Vec<TraceLine> {
        self.trail.lines()
    }

    /// A finding with this client's packets, at this moment.
    #[must_use]
    pub fn finding(
        &self,
        clause: &'static str,
        expected: impl Into<String>,
        got: impl Into<String>,
    ) -> Finding {
        self.with_trail(Finding::new(clause, expected, got).at(self.now()))
    }

    /// A broken clause with this client's packets, at this moment.
    #[must_use]
    pub fn broken(
        &self,
        clause: &'static str,
        expected: impl Into<String>,
        got: impl Into<String>,
    ) -> Stop {
        if let Some(fault) = self.unread_login().filter(|_| !clause.starts_with(LOGIN)) {
            return self.untestable(format!("the client cannot read its login: {fault}"));
        }
        self.finding(clause, expected, got).into()
    }

    /// What it could not read before it came into play, the words of a disconnect apart. What such a client sees or
    /// misses afterwards tells of its login and of nothing else.
    fn unread_login(&self) -> Option<&Fault> {
        let (_, fault) = self.fault()?;
        let before_play = matches!(fault.site.state, State::Login | State::Configuration);
        let farewell = fault
            .site
            .packet
            .is_some_and(|(_, name)| name.contains("disconnect"));
        (before_play && !farewell).then_some(fault)
    }

    /// A broken clause that one packet shows: at its time, with its dump.
    #[must_use]
    pub fn broken_by(
        &self,
        clause: &'static str,
        expected: impl Into<String>,
        got: impl Into<String>,
        (at, packet): (Duration, &Received),
    ) -> Stop {
        let dump = self.dump(packet.state, packet.id, &packet.data);
        self.with_trail(Finding::new(clause, expected, got).at(at).dump(dump))
            .into()
    }

    /// A broken clause that the packet at `site` shows, readable or not: at its time, with its dump, which is taken
    /// from what the host was told to send.
    #[must_use]
    pub fn broken_at(
        &self,
        clause: &'static str,
        expected: impl Into<String>,
        got: impl Into<String>,
        at: Duration,
        site: &Site,
    ) -> Stop {
        let sent = self.recorder.all(|seen| match &seen.event {
            HostEvent::PacketOut { packet, .. } => site
                .packet
                .is_some_and(|(id, _)| id == packet.packet_id && seen.at <= at)
                .then(|| packet.clone()),
            _ => None,
        });
        let dump = sent
            .last()
            .map(|packet| self.dump(State::Play, packet.packet_id, &packet.data));
        let finding = Finding::new(clause, expected, got)
            .at(at)
            .dump(dump.unwrap_or_default());
        self.with_trail(finding).into()
    }

    /// A clientbound packet, annotated.
    #[must_use]
    pub fn dump(&self, state: State, id: i32, data: &Bytes) -> Vec<String> {
        dump::packet(self.protocol, state, Direction::Clientbound, id, data)
    }

    /// A prerequisite that did not work for this client.
    #[must_use]
    pub fn untestable(&self, why: impl Into<String>) -> Stop {
        Stop::Untestable(why.into(), self.trail.lines())
    }

    async fn next(&mut self) -> Option<Event> {
        self.driver.as_mut()?.next_event().await
    }

    fn with_trail(&self, finding: Finding) -> Finding {
        Finding {
            trace: self.trail.lines(),
            trace_left_out: self.trail.left_out(),
            ..finding
        }
    }

    /// Keeps what is worth it; the place in `seen`, for what goes there.
    fn keep(&mut self, event: Event) -> Option<usize> {
        let at = self.origin.elapsed();
        match &event {
            Event::Received(received) => self.trail.packet(
                at,
                received.state,
                Direction::Clientbound,
                received.id,
                received.name,
                received.data.len(),
            ),
            Event::Sent(sent) => {
                let name = sent.name.unwrap_or("(not a packet of this protocol)");
                self.trail.packet(
                    at,
                    sent.state,
                    Direction::Serverbound,
                    sent.id,
                    name,
                    sent.data.len(),
                );
                return None;
            }
            Event::StateChanged { from, to } => self.trail.note(at, format!("{from} -> {to}")),
            Event::InWorld(_) => self.trail.note(at, "in world".to_owned()),
            Event::Remark(remark) => self
                .trail
                .note(at, format!("a real client tolerates: {remark}")),
            Event::Fault(fault) => self
                .trail
                .note(at, format!("a real client disconnects: {fault}")),
            Event::Disconnected { reason, .. } => {
                self.trail
                    .note(at, format!("disconnected: \"{}\"", reason.plain));
            }
            Event::Closed(reason) => self
                .trail
                .note(at, format!("closed: {}", close_text(reason))),
        }
        self.seen.push(Seen { at, event });
        Some(self.seen.len() - 1)
    }
}

/// Why a connection is over, in words.
#[must_use]
pub fn close_text(reason: &CloseReason) -> String {
    match reason {
        CloseReason::Fault(fault) => format!("a real client disconnects on {fault}"),
        CloseReason::Disconnected(text) => format!("disconnected with \"{}\"", text.plain),
        CloseReason::Eof => "closed without a word".to_owned(),
        CloseReason::Local => "the client left".to_owned(),
        CloseReason::StatusDone => "the status was answered".to_owned(),
        CloseReason::Transferred { host, port } => {
            format!("sent to another server: {host}, port {port}")
        }
        CloseReason::CodeOfConductDeclined => "the code of conduct was declined".to_owned(),
        CloseReason::EncryptionRequested => "encryption was asked of an offline client".to_owned(),
    }
}

/// A time as people read it.
#[must_use]
pub fn secs(time: Duration) -> String {
    format!("{:.3} s", time.as_secs_f64())
}
