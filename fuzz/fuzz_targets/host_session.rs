//! A session of the host, with bytes, time and what its handler does in any order. Held (the clauses of `wit/SPEC.md`
//! on sessions, order, delivery and floods):
//!
//! - one end for each start, callbacks one at a time and none after the end, every call on a kept session refused then;
//! - packets reach the handler in the order in which the client sent them, none twice, none left out in between;
//! - what is accepted is accepted whole, what is refused leaves nothing behind;
//! - what the handler sent and the host accepted reaches the client in that order, nothing else in between, and at
//!   most one disconnect, which is last; a client that reads to the end, and is never behind for long, gets all of it;
//! - what waits for a client that does not read is bounded, in bytes;
//! - a connection whose client has gone is over within a minute of the callback under way, and the host then serves the
//!   next client at once.
//!
//! The input: protocol, compression, whether the client joins first, then steps.
#![no_main]

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use arbitrary::Unstructured;
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use reference_backend::{
    BoxFuture, Callback, Event, EventKind, EventOutcome, HandlerId, Host, HostConfig, HostEvent,
    ListenerId, NativePlugin, Observer, PlayerErrorKind, PlayerId, RawPacket, Registrar,
    ServerPreConnectResult, Text, VirtualBackendHandler, VirtualBackendSession,
};
use sim_proto::Version;
use sim_proto::wire::{Frame, FrameDecoder};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;
use vb_data::{Direction, State};
use vbspec_fuzz::client::{LONG, RawClient, runtime};
use vbspec_fuzz::guests::granted;
use vbspec_fuzz::wire::{id, protocol, threshold};

/// The host's first connection.
const PLAYER: PlayerId = PlayerId(1);
/// Steps of one run.
const MAX_STEPS: usize = 64;
/// What the handler may leave waiting for its client.
const QUEUE_BYTES: u64 = 256 << 10;
/// What lies between the host's queue and the client: the connection in memory.
const IN_TRANSIT: usize = 64 << 10;
/// A client that takes nothing for that long is given up, and so is one that has not taken all so long after the end.
const STALL: Duration = Duration::from_secs(30);
/// For one task to give way to the others as often as they want.
const TURN: Duration = Duration::from_millis(1);

fuzz_target!(|data: &[u8]| {
    let mut u = Unstructured::new(data);
    // Too few bytes: the plan ends where they do.
    let _ = runtime().block_on(run(&mut u));
});

/// Something that a handler does.
#[derive(Clone, Debug)]
enum Effect {
    Send(i32, usize),
    Batch(Vec<(i32, usize)>),
    Message(Text),
    Disconnect(Text),
    Switch,
    Wait(Duration),
}

impl Effect {
    /// Bytes of data that it sends, if it is not refused.
    fn length(&self) -> usize {
        match self {
            Self::Send(_, length) => *length,
            Self::Batch(all) => all.iter().map(|(_, length)| length).sum(),
            _ => 0,
        }
    }

    fn read(u: &mut Unstructured<'_>) -> arbitrary::Result<Self> {
        Ok(match u.arbitrary::<u8>()? % 8 {
            0..3 => {
                let (id, length) = packet(u)?;
                Self::Send(id, length)
            }
            3 => {
                let count = usize::from(u.arbitrary::<u8>()? % 8);
                Self::Batch((0..count).map(|_| packet(u)).collect::<Result<_, _>>()?)
            }
            4 => Self::Message(text(u)?),
            5 => Self::Disconnect(text(u)?),
            6 => Self::Switch,
            _ => Self::Wait(wait(u)?),
        })
    }
}

fn packet(u: &mut Unstructured<'_>) -> arbitrary::Result<(i32, usize)> {
    let id = match u.arbitrary::<u8>()? {
        0xff => u.arbitrary()?,
        small => i32::from(small),
    };
    Ok((id, usize::from(u.arbitrary::<u16>()?)))
}

fn text(u: &mut Unstructured<'_>) -> arbitrary::Result<Text> {
    let length = usize::from(u.arbitrary::<u8>()? % 64).min(u.len());
    let words = String::from_utf8_lossy(u.bytes(length)?).into_owned();
    Ok(if u.arbitrary()? {
        Text::Plain(words)
    } else {
        Text::Json(words)
    })
}

/// As long as [`wait`] makes a callback.
const LONGEST_WAIT: Duration = Duration::from_millis(255 * 255);

fn wait(u: &mut Unstructured<'_>) -> arbitrary::Result<Duration> {
    let steps = u64::from(u.arbitrary::<u8>()?);
    Ok(Duration::from_millis(steps * steps))
}

async fn run(u: &mut Unstructured<'_>) -> arbitrary::Result<()> {
    let protocol = protocol(u.arbitrary()?);
    let config = HostConfig {
        compression_threshold: threshold(u.arbitrary()?)
            .map_or(-1, |n| i32::try_from(n).unwrap_or(i32::MAX)),
        ..HostConfig::default()
    };
    let joins = u.arbitrary::<u8>()? % 8 > 0;
    let backend = Arc::new(Backend::default());
    let mut limits = granted();
    limits.limits.queue_bytes = QUEUE_BYTES;
    let host = Host::builder(config)
        .native("fuzz", Arc::new(Plugin(Arc::clone(&backend))), limits)
        .observer(backend.clone())
        .start()
        .await
        .unwrap_or_else(|error| panic!("{error}"));

    // What the handler does at its start has to be known before.
    for _ in 0..u.arbitrary::<u8>()? % 4 {
        let effect = Effect::read(u)?;
        backend.lock().script.push(effect);
    }
    let mut player = Player::new(RawClient::connect(&host, protocol).await);
    if joins {
        player.join().await;
    }
    for _ in 0..MAX_STEPS {
        if u.is_empty() || step(u, &host, &backend, &mut player).await.is_err() {
            break;
        }
        tokio::time::sleep(TURN).await;
        backend.check_waiting(&player);
    }
    let read_on = player.read_to_end(&backend).await;
    player.client.stream = None;
    // A callback that is under way may still wait; no other comes to.
    backend.lock().script.clear();
    tokio::time::sleep(LONGEST_WAIT + Duration::from_secs(60)).await;
    assert_eq!(
        (host.connection_count(), host.session_count()),
        (0, 0),
        "not over after a minute"
    );
    backend.check(&player, read_on);

    let mut next = RawClient::connect(&host, protocol).await;
    assert!(next.enter().await, "the next client is not let in");
    tokio::time::sleep(TURN).await;
    assert_eq!(host.session_count(), 1);
    host.shutdown("done").await;
    assert_eq!((host.connection_count(), host.session_count()), (0, 0));
    // It holds the host, which holds the handler that keeps it.
    backend.lock().kept = None;
    Ok(())
}

async fn step(
    u: &mut Unstructured<'_>,
    host: &Host,
    backend: &Arc<Backend>,
    player: &mut Player,
) -> arbitrary::Result<()> {
    match u.arbitrary::<u8>()? % 16 {
        0..4 => {
            let (id, length) = packet(u)?;
            let fill = u.arbitrary()?;
            let frame = player.client.encoder.encode(id, &vec![fill; length]);
            player.write(&frame).await;
        }
        4 | 5 => {
            let length = usize::from(u.arbitrary::<u8>()?).min(u.len());
            player.write(u.bytes(length)?).await;
        }
        6..9 => {
            let effect = Effect::read(u)?;
            backend.act(&effect).await;
        }
        9 | 10 => {
            let effect = Effect::read(u)?;
            backend.lock().script.push(effect);
        }
        11 => tokio::time::sleep(wait(u)? * 16).await,
        12 | 13 => player.read(usize::from(u.arbitrary::<u16>()?)).await,
        14 => match u.arbitrary::<u8>()? % 4 {
            0 => drop(host.kick(PLAYER, "kicked")),
            1 => player.half_close().await,
            2 => player.client.stream = None,
            _ => {}
        },
        _ => player.join().await,
    }
    Ok(())
}

/// The client, and what it saw.
struct Player {
    client: RawClient,
    /// Whether it came into play by the rules, so that what it sends can be told apart.
    joined: bool,
    /// What it wrote in play.
    sent: Vec<u8>,
    /// It writes no more: it has half-closed, or the host does not read on, or nobody knows any more what it says.
    silent: bool,
    /// What it got in play.
    frames: Vec<Frame>,
    /// Bytes of data in them.
    taken: usize,
    /// When it had last taken all that there was.
    caught_up: Instant,
    /// It was behind for so long that the host may have given it up.
    slow: bool,
    /// The host has closed.
    eof: bool,
}

impl Player {
    fn new(client: RawClient) -> Self {
        Self {
            client,
            joined: false,
            sent: Vec::new(),
            silent: false,
            frames: Vec::new(),
            taken: 0,
            caught_up: Instant::now(),
            slow: false,
            eof: false,
        }
    }

    /// Into play, unless it has said something of its own before.
    async fn join(&mut self) {
        if self.joined || self.eof || self.silent || self.client.stream.is_none() {
            return;
        }
        self.note_slowness();
        self.joined = self.client.enter().await;
        self.eof = !self.joined;
        self.take();
        self.caught_up = Instant::now();
        // The client is in play before its session starts.
        tokio::time::sleep(TURN).await;
    }

    async fn write(&mut self, bytes: &[u8]) {
        let Some(stream) = self.client.stream.as_mut().filter(|_| !self.silent) else {
            return;
        };
        let mut left = bytes;
        while !left.is_empty() {
            match tokio::time::timeout(TURN, stream.write(left)).await {
                Ok(Ok(count)) if count > 0 => {
                    self.sent.extend_from_slice(&left[..count]);
                    left = &left[count..];
                }
                _ => break,
            }
        }
        self.silent = !left.is_empty() || !self.joined;
    }

    async fn half_close(&mut self) {
        self.silent = true;
        if let Some(stream) = &mut self.client.stream {
            let _ = stream.shutdown().await;
        }
    }

    /// Takes up to so many bytes that are there.
    async fn read(&mut self, most: usize) {
        self.note_slowness();
        let Some(stream) = self.client.stream.as_mut().filter(|_| self.joined) else {
            return;
        };
        let mut buffer = vec![0; most.max(1)];
        match tokio::time::timeout(TURN, stream.read(&mut buffer)).await {
            Err(_) => self.caught_up = Instant::now(),
            Ok(Ok(count)) if count > 0 => {
                self.client.decoder.push(&buffer[..count]);
                self.take();
            }
            Ok(_) => self.eof = true,
        }
    }

    /// Where a session starts before its client has read anything, it may be behind before it joins.
    fn note_slowness(&mut self) {
        self.slow |= self.caught_up.elapsed() >= STALL;
    }

    fn take(&mut self) {
        let decoder = &mut self.client.decoder;
        while let Some(frame) = decoder
            .next_frame()
            .unwrap_or_else(|error| panic!("the host writes: {error}"))
        {
            self.taken += frame.data.len();
            self.frames.push(frame);
        }
    }

    /// Has its session ended by the handler, and reads all there is. False when it cannot.
    async fn read_to_end(&mut self, backend: &Backend) -> bool {
        if !self.joined || self.client.stream.is_none() {
            return false;
        }
        backend.lock().script.clear();
        backend
            .act(&Effect::Disconnect(Text::Plain("bye".to_owned())))
            .await;
        let until = Instant::now() + LONG;
        while !self.eof {
            self.read(16 << 10).await;
            assert!(Instant::now() < until, "the end does not come");
        }
        true
    }

    /// The packets that it sent in play, as far as they can be told apart. The client's own decoder is the judge: it
    /// was written by others than the host's.
    fn packets(&self) -> Vec<(i32, Bytes)> {
        let mut decoder = FrameDecoder::new(Version::new(self.client.protocol));
        decoder.set_threshold(self.client.threshold);
        decoder.push(&self.sent);
        let mut packets = Vec::new();
        while let Ok(Some(frame)) = decoder.next_frame() {
            packets.push((frame.id, frame.data));
        }
        packets
    }
}

/// The plugin that sends every player to the handler.
struct Plugin(Arc<Backend>);

impl NativePlugin for Plugin {
    fn on_enable<'a>(&'a self, registrar: &'a mut Registrar) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            registrar
                .subscribe(EventKind::ServerPreConnect, 0)
                .map_err(|error| error.to_string())?;
            registrar
                .register_virtual_backend_handler(HandlerId(1), Arc::clone(&self.0) as _)
                .map_err(|error| error.to_string())
        })
    }

    fn handle_event<'a>(&'a self, _: ListenerId, _: &'a Event) -> BoxFuture<'a, EventOutcome> {
        let answer = ServerPreConnectResult::VirtualBackend(HandlerId(1));
        Box::pin(std::future::ready(EventOutcome::ServerPreConnect(answer)))
    }
}

/// The handler, and the host's watcher.
#[derive(Default)]
struct Backend {
    state: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    kept: Option<Arc<dyn VirtualBackendSession>>,
    /// What the next callbacks do, one each.
    script: Vec<Effect>,
    log: Vec<HostEvent>,
    /// Bytes of data that the host accepted for the client.
    accepted: usize,
    /// The session's end has been told.
    ended: bool,
}

impl VirtualBackendHandler for Backend {
    fn name(&self) -> &str {
        "fuzz"
    }

    fn on_session_start<'a>(&'a self, session: &'a dyn VirtualBackendSession) -> BoxFuture<'a, ()> {
        if session.player_id() == PLAYER {
            self.lock().kept = Some(session.handle());
        }
        Box::pin(self.next_effect())
    }

    fn on_packet_received<'a>(
        &'a self,
        _: &'a dyn VirtualBackendSession,
        _: &'a RawPacket,
    ) -> BoxFuture<'a, ()> {
        Box::pin(self.next_effect())
    }

    fn on_session_end(&self, _: PlayerId) -> BoxFuture<'_, ()> {
        Box::pin(self.next_effect())
    }
}

impl Observer for Backend {
    fn on_event(&self, event: HostEvent) {
        let mut inner = self.lock();
        match &event {
            HostEvent::PacketOut { packet, .. } => inner.accepted += packet.data.len(),
            HostEvent::SessionEnded { .. } => inner.ended = true,
            _ => {}
        }
        inner.log.push(event);
    }
}

impl Backend {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.state.lock().unwrap_or_else(|error| error.into_inner())
    }

    async fn next_effect(&self) {
        let next = {
            let mut inner = self.lock();
            match inner.script.is_empty() {
                true => None,
                false => Some(inner.script.remove(0)),
            }
        };
        if let Some(effect) = next {
            self.act(&effect).await;
        }
    }

    /// Does it with the kept handle, whatever has become of its session.
    async fn act(&self, effect: &Effect) {
        let (kept, ended, before) = {
            let inner = self.lock();
            (inner.kept.clone(), inner.ended, inner.accepted)
        };
        let Some(session) = kept else { return };
        let refused = match effect {
            Effect::Send(id, length) => session
                .send_packet(raw(*id, *length))
                .map_err(|e| e.kind)
                .err(),
            Effect::Batch(all) => {
                let packets = all.iter().map(|(id, length)| raw(*id, *length)).collect();
                let sent = session.send_packets(packets);
                sent.map_err(|refused| refused.error.kind).err()
            }
            Effect::Message(text) => session.send_message(text).map_err(|e| e.kind).err(),
            Effect::Disconnect(text) => session.disconnect(text).map_err(|e| e.kind).err(),
            Effect::Switch => {
                let refused = session.switch_server("nowhere").map_err(|e| e.kind).err();
                assert!(refused.is_some(), "there is no such server");
                refused
            }
            Effect::Wait(time) => return tokio::time::sleep(*time).await,
        };
        let whole = if refused.is_none() {
            effect.length()
        } else {
            0
        };
        assert_eq!(
            self.lock().accepted - before,
            whole,
            "{effect:?}, {refused:?}"
        );
        if ended {
            assert_eq!(refused, Some(PlayerErrorKind::SessionEnded), "{effect:?}");
        }
    }

    /// What was accepted and not taken lies in the host's queue and in the connection.
    fn check_waiting(&self, player: &Player) {
        let bound = usize::try_from(QUEUE_BYTES).unwrap_or(usize::MAX) + IN_TRANSIT;
        let waiting = self
            .lock()
            .accepted
            .saturating_sub(player.taken + player.client.decoder.pending());
        assert!(waiting <= bound, "{waiting} bytes wait, over {bound}");
    }

    fn check(&self, player: &Player, read_on: bool) {
        let inner = self.lock();
        let log: Vec<&HostEvent> = inner
            .log
            .iter()
            .filter(|event| event.player() == Some(PLAYER))
            .collect();
        check_callbacks(&log);
        if player.joined {
            check_input(&log, player);
            // What the pipe between them holds comes to the slowest. Half of it is for headers, and for messages.
            let given_up = player.slow && inner.accepted > IN_TRANSIT / 2;
            check_output(&log, player, read_on && !given_up);
        }
    }
}

/// A packet of bytes that zlib cannot shrink, so that bytes of data are bytes on the wire.
fn raw(id: i32, length: usize) -> RawPacket {
    let mut state = 1_u64;
    let noise = std::iter::repeat_with(|| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    });
    RawPacket {
        packet_id: id,
        data: noise.take(length).collect(),
    }
}

/// A callback at a time; start, packets, end; one end for a start, and nothing of the session after it.
fn check_callbacks(log: &[&HostEvent]) {
    let mut running = None;
    let mut seen = Vec::new();
    let (mut started, mut ended, mut closed) = (0, 0, 0);
    for event in log {
        // Whoever kept the handle may try it at any time; what is refused is told.
        if matches!(
            event,
            HostEvent::CallRefused { .. } | HostEvent::BatchRefused { .. }
        ) {
            continue;
        }
        assert_eq!(closed, 0, "after the end of the connection: {event:?}");
        match event {
            HostEvent::CallbackStarted { callback, .. } => {
                assert_eq!(running.replace(*callback), None, "two callbacks at once");
                if *callback != Callback::HandleEvent {
                    seen.push(*callback);
                }
            }
            HostEvent::CallbackEnded { callback, .. } => {
                assert_eq!(running.take(), Some(*callback));
            }
            HostEvent::SessionStarted { .. } => started += 1,
            HostEvent::SessionEnded { .. } => {
                assert_eq!(running, None, "a session ends within a callback");
                ended += 1;
            }
            HostEvent::PacketIn { .. }
            | HostEvent::PacketOut { .. }
            | HostEvent::MessageOut { .. }
            | HostEvent::DisconnectOut { .. } => {
                assert_eq!((started, ended), (1, 0), "outside of a session: {event:?}");
            }
            HostEvent::Closed { .. } => closed += 1,
            _ => {}
        }
    }
    assert_eq!((started, closed), (ended, 1));
    assert!(started <= 1);
    assert_eq!(seen.is_empty(), started == 0, "{seen:?}");
    if let [first, between @ .., last] = &seen[..] {
        assert_eq!(*first, Callback::SessionStart);
        assert_eq!(*last, Callback::SessionEnd);
        assert!(
            between
                .iter()
                .all(|callback| *callback == Callback::PacketReceived)
        );
    }
}

/// The handler's packets are the client's, from the first on.
fn check_input(log: &[&HostEvent], player: &Player) {
    let sent = player.packets();
    let got = log.iter().filter_map(|event| match event {
        HostEvent::PacketIn { packet, .. } => Some((packet.packet_id, packet.data.clone())),
        _ => None,
    });
    for (index, got) in got.enumerate() {
        assert_eq!(Some(&got), sent.get(index), "packet {index} to the handler");
    }
}

/// What the client got is what was accepted, in order, and then at most one disconnect; with `all`, all of it.
fn check_output(log: &[&HostEvent], player: &Player, all: bool) {
    let find = |name| {
        id(
            player.client.protocol,
            State::Play,
            Direction::Clientbound,
            name,
        )
    };
    let message = find("system_chat").or_else(|| find("chat"));
    let mut got = player.frames.iter();
    let mut lost = 0;
    for event in log {
        let (id, data) = match event {
            HostEvent::PacketOut { packet, .. } => (Some(packet.packet_id), Some(&packet.data)),
            HostEvent::MessageOut { .. } => (message, None),
            _ => continue,
        };
        match got.next() {
            Some(frame) => {
                assert_eq!(Some(frame.id), id, "another packet than was sent");
                assert!(
                    data.is_none_or(|data| *data == frame.data),
                    "other data than was sent"
                );
            }
            None => lost += 1,
        }
    }
    let rest: Vec<_> = got.map(|frame| Some(frame.id)).collect();
    assert!(
        rest.is_empty() || rest == [find("kick_disconnect")],
        "{rest:?} came too"
    );
    if all {
        assert_eq!(lost, 0, "packets were accepted and never came");
    }
}
