//! The client machine: states, answers, time.
//!
//! - `login`, `configuration`, `play`: what each state's packets do. `cookies`: what the server has the client keep.
//! - `world`: the terrain rule. `values`: what is wrong though it can be read.
//! - `timers`: what happens when nothing comes.

mod configuration;
mod cookies;
mod login;
mod play;
mod timers;
mod values;
mod world;

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use thiserror::Error;
use vb_data::{Direction, State};

use crate::event::{CloseReason, Missing, Received, Sent, StuckReason, Verdict};
use crate::fault::FaultKind;
use crate::packet::{self, Context, Failure, Packet, TagGroup};
use crate::registry::Registries;
use crate::remark::RemarkKind;
use crate::version::TerrainRule;
use crate::wire::{Frame, FrameDecoder, FrameEncoder, Reader};
use crate::{
    ClientConfig, Event, Fault, Intent, KeepAlivePolicy, Now, Remark, Site, Text, Version,
    serverbound,
};
use cookies::Cookies;
use timers::Timers;
use world::World;

/// Most packets between two bundle delimiters (vanilla).
const MAX_BUNDLE: usize = 4096;
/// Most bytes between two bundle delimiters: this client's own bound, twice the largest packet.
const MAX_BUNDLE_BYTES: usize = 1 << 24;

/// How a packet is named whose id the protocol does not have.
const UNKNOWN: &str = "(unknown)";

/// A packet that cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SendError {
    /// The connection is over.
    #[error("the connection is over")]
    Closed,
    /// The connection is not in the play state.
    #[error("there is no chat before the play state")]
    NotInPlay,
}

/// A simulated client: feed it bytes and time, and drain its events and its output.
///
/// Time is a duration since an origin of the driver's choosing; it must not go backwards.
#[derive(Debug)]
pub struct Client {
    config: ClientConfig,
    version: Version,
    state: State,
    events: VecDeque<Event>,
    output: VecDeque<Bytes>,
    decoder: FrameDecoder,
    encoder: FrameEncoder,
    empty_frames: u64,
    closed: Option<CloseReason>,
    now: Now,
    timers: Timers,
    /// What is in force.
    registries: Registries,
    /// What came in this configuration phase.
    offered: Registries,
    tags: Vec<TagGroup>,
    cookies: Cookies,
    /// Whether it came in this configuration phase.
    code_of_conduct_seen: bool,
    packs_agreed: bool,
    context: Context,
    world: Option<World>,
    /// Packets since the last bundle delimiter, while a bundle is open.
    bundle: Option<Bundle>,
}

/// An open bundle.
#[derive(Debug, Default)]
struct Bundle {
    held: Vec<Held>,
    /// Of all that is held.
    bytes: usize,
}

/// A packet in an open bundle.
#[derive(Debug)]
struct Held {
    id: i32,
    name: &'static str,
    data: Bytes,
}

impl Bundle {
    /// Keeps a packet until the bundle ends.
    fn hold(&mut self, packet: Held) -> Result<(), FaultKind> {
        if packet.name == START_CONFIGURATION {
            return Err(FaultKind::StateChangeInBundle);
        }
        self.bytes += packet.data.len();
        self.held.push(packet);
        if self.held.len() > MAX_BUNDLE || self.bytes > MAX_BUNDLE_BYTES {
            return Err(FaultKind::BundleTooLong {
                packets: MAX_BUNDLE,
                bytes: MAX_BUNDLE_BYTES,
            });
        }
        Ok(())
    }
}

impl Client {
    /// A client that has just connected: its handshake and what follows it are queued.
    pub fn new(config: ClientConfig, now: Now) -> Client {
        let version = Version::new(config.protocol);
        let mut client = Client {
            version,
            state: State::Handshaking,
            events: VecDeque::new(),
            output: VecDeque::new(),
            decoder: FrameDecoder::new(version),
            encoder: FrameEncoder::new(),
            empty_frames: 0,
            closed: None,
            now,
            timers: Timers::new(now),
            registries: Registries::default(),
            offered: Registries::default(),
            tags: Vec::new(),
            cookies: Cookies::brought(&config.cookies),
            code_of_conduct_seen: false,
            packs_agreed: false,
            context: Context::new(version),
            world: None,
            bundle: None,
            config,
        };
        client.greet();
        client
    }

    /// Bytes from the server, in any split. After the end of the connection they are ignored.
    pub fn receive(&mut self, bytes: &[u8], now: Now) {
        self.now = now;
        if self.closed.is_some() || bytes.is_empty() {
            return;
        }
        self.timers.heard(now);
        self.decoder.push(bytes);
        while self.closed.is_none() {
            let next = self.decoder.next_frame();
            // Where they came, so that it makes no difference how the stream is cut.
            while self.empty_frames < self.decoder.empty_frames() {
                self.empty_frames += 1;
                self.remark(None, RemarkKind::EmptyFrame);
            }
            match next {
                Ok(Some(frame)) => self.frame(frame),
                Ok(None) => break,
                Err(error) => self.fault(Fault::bare(self.state, FaultKind::Frame(error))),
            }
        }
    }

    /// What happened next. Call until None after each of the other methods.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Bytes for the server. Call until None after each of the other methods, also after the end of the connection:
    /// what was queued before it should still be flushed.
    pub fn poll_transmit(&mut self) -> Option<Bytes> {
        self.output.pop_front()
    }

    /// The server closed the connection.
    pub fn connection_closed(&mut self, now: Now) {
        self.now = now;
        self.close_for(CloseReason::Eof);
    }

    /// Sends a packet as it is, in the connection's state.
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`].
    pub fn send_raw(&mut self, id: i32, data: &[u8]) -> Result<(), SendError> {
        if self.closed.is_some() {
            return Err(SendError::Closed);
        }
        let table = vb_data::packets(self.config.protocol, self.state, Direction::Serverbound);
        self.transmit(id, table.and_then(|table| table.name(id)), data);
        Ok(())
    }

    /// Sends a chat message; with a leading "/" a command, where the protocol has them (759+).
    ///
    /// # Errors
    ///
    /// Outside the play state.
    pub fn chat(&mut self, text: &str) -> Result<(), SendError> {
        if self.closed.is_some() {
            return Err(SendError::Closed);
        }
        if self.state != State::Play {
            return Err(SendError::NotInPlay);
        }
        let (name, data) = serverbound::chat(self.version, text);
        self.send(name, &data);
        Ok(())
    }

    /// What the client does with keep-alives from now on.
    pub fn set_keep_alive(&mut self, policy: KeepAlivePolicy) {
        self.config.keep_alive = policy;
    }

    /// Ends the connection from this side.
    pub fn close(&mut self) {
        self.close_for(CloseReason::Local);
    }

    /// Whether the client is in the world, as of the last call with a time.
    pub fn verdict(&self) -> Verdict {
        match (&self.closed, &self.world) {
            (Some(CloseReason::Fault(fault)), _) => Verdict::WouldDisconnect(fault.clone()),
            (Some(reason), _) => Verdict::Disconnected {
                reason: reason.clone(),
            },
            (None, Some(world)) if world.entered.is_some() => Verdict::InWorld,
            (None, Some(world)) if world.is_stuck() => {
                Verdict::Stuck(StuckReason::LoadingTerrain {
                    missing: world.missing(),
                })
            }
            (None, Some(world)) => Verdict::Joining {
                missing: world.missing(),
            },
            (None, None)
                if self
                    .timers
                    .waits_in_vain_for_join_game(self.state, self.now) =>
            {
                Verdict::Stuck(StuckReason::NoJoinGame)
            }
            (None, None) => Verdict::Joining {
                missing: self.missing_before_world(),
            },
        }
    }

    /// Whether the chunk that the player stands in is there.
    pub fn chunk_under_player(&self) -> bool {
        self.world
            .as_ref()
            .is_some_and(World::has_chunk_under_player)
    }

    /// The connection's state.
    pub fn state(&self) -> State {
        self.state
    }

    /// The protocol.
    pub fn version(&self) -> Version {
        self.version
    }

    /// How the client was told to behave.
    pub fn config(&self) -> &ClientConfig {
        &self.config
    }

    /// Packets of so many bytes or more are sent compressed; None where the server has not asked for it.
    pub fn compression(&self) -> Option<usize> {
        self.encoder.threshold()
    }

    /// What servers had the client keep (766+), by key: what it takes along when it is transferred, in
    /// [`ClientConfig::cookies`].
    pub fn cookies(&self) -> BTreeMap<String, Vec<u8>> {
        self.cookies.all()
    }

    /// What the client knows for reading packets, for [`crate::annotate_in`].
    pub fn context(&self) -> &Context {
        &self.context
    }

    fn greet(&mut self) {
        let ClientConfig {
            protocol,
            intent,
            address,
            port,
            ..
        } = &self.config;
        let data = serverbound::handshake(*protocol, address, *port, *intent);
        let intent = *intent;
        self.send("set_protocol", &data);
        match intent {
            Intent::Status => {
                self.enter(State::Status);
                self.send("ping_start", &[]);
            }
            Intent::Login => {
                self.enter(State::Login);
                let data =
                    serverbound::login_start(self.version, &self.config.name, self.config.uuid);
                self.send("login_start", &data);
            }
        }
    }

    fn frame(&mut self, frame: Frame) {
        let Frame { id, data, note } = frame;
        let table = vb_data::packets(self.config.protocol, self.state, Direction::Clientbound);
        let Some(name) = table.and_then(|table| table.name(id)) else {
            self.report(id, UNKNOWN, data, Packet::Opaque);
            return self.fault(Fault::of(
                self.state,
                (id, UNKNOWN),
                FaultKind::UnknownPacket { id },
            ));
        };
        if let Some(note) = note {
            self.remark(Some((id, name)), RemarkKind::Frame(note));
        }
        match &mut self.bundle {
            Some(bundle) if name != DELIMITER => {
                if let Err(kind) = bundle.hold(Held { id, name, data }) {
                    self.fault(Fault::of(self.state, (id, name), kind));
                }
            }
            _ => self.packet(id, name, data),
        }
    }

    fn packet(&mut self, id: i32, name: &'static str, data: Bytes) {
        let at = (id, name);
        let unread = self.state == State::Play && self.config.unread.contains(&id);
        let read = if unread {
            Ok(Packet::Opaque)
        } else {
            let mut reader = Reader::new(&data, self.version);
            packet::read(&mut reader, &self.context, self.state, name)
        };
        let packet = match read {
            Ok(packet) => packet,
            Err(Failure { error, sure: false }) => {
                let site = Site {
                    state: self.state,
                    packet: Some(at),
                    field: Some(error.field),
                    offset: Some(error.offset),
                };
                let kind = RemarkKind::Stated(error.kind);
                self.events.push_back(Event::Remark(Remark { site, kind }));
                Packet::Opaque
            }
            Err(Failure { error, .. }) => {
                self.report(id, name, data, Packet::Opaque);
                return self.fault(Fault::decode(self.state, at, error));
            }
        };
        self.report(id, name, data, packet.clone());
        match self.state {
            State::Handshaking => {}
            State::Status => self.status_packet(&packet),
            State::Login => self.login_packet(at, packet),
            State::Configuration => self.configuration_packet(at, packet),
            State::Play => self.play_packet(at, packet),
        }
    }

    /// A bundle begins, or what is in it is handled.
    fn delimit_bundle(&mut self) {
        match self.bundle.take() {
            None => self.bundle = Some(Bundle::default()),
            Some(bundle) => {
                for Held { id, name, data } in bundle.held {
                    if self.closed.is_none() {
                        self.packet(id, name, data);
                    }
                }
            }
        }
    }

    fn missing_before_world(&self) -> Vec<Missing> {
        let mut missing = Vec::new();
        if self.state < State::Configuration {
            missing.push(Missing::LoginSuccess);
        }
        if self.state < State::Play && self.version.has_configuration_phase() {
            missing.push(Missing::FinishConfiguration);
        }
        missing.push(Missing::JoinGame);
        missing.extend(match self.version.terrain_rule() {
            TerrainRule::FirstPosition => &[Missing::Position][..],
            TerrainRule::SpawnPositionOrDelay | TerrainRule::SpawnPosition => &[
                Missing::SpawnPosition,
                Missing::Position,
                Missing::ChunkUnderPlayer,
            ],
            TerrainRule::GameEvent => &[
                Missing::WaitForChunks,
                Missing::Position,
                Missing::ChunkUnderPlayer,
            ],
        });
        missing
    }

    fn enter(&mut self, state: State) {
        let from = std::mem::replace(&mut self.state, state);
        self.bundle = None;
        self.timers.entered(self.now);
        self.events
            .push_back(Event::StateChanged { from, to: state });
    }

    /// Sends a packet by its name. One that the protocol does not have is not sent: `required_packets` is held against
    /// the tables by a test.
    fn send(&mut self, name: &'static str, data: &[u8]) {
        let table = vb_data::packets(self.config.protocol, self.state, Direction::Serverbound);
        if let Some(id) = table.and_then(|table| table.id(name)) {
            self.transmit(id, Some(name), data);
        }
    }

    fn transmit(&mut self, id: i32, name: Option<&'static str>, data: &[u8]) {
        if self.closed.is_some() {
            return;
        }
        self.output.push_back(self.encoder.encode(id, data));
        let data = Bytes::copy_from_slice(data);
        self.events.push_back(Event::Sent(Sent {
            state: self.state,
            id,
            name,
            data,
        }));
    }

    fn report(&mut self, id: i32, name: &'static str, data: Bytes, packet: Packet) {
        self.events.push_back(Event::Received(Received {
            state: self.state,
            id,
            name,
            data,
            packet,
        }));
    }

    fn remark(&mut self, packet: Option<(i32, &'static str)>, kind: RemarkKind) {
        let site = Site {
            state: self.state,
            packet,
            field: None,
            offset: None,
        };
        self.events.push_back(Event::Remark(Remark { site, kind }));
    }

    fn fault(&mut self, fault: Fault) {
        if self.closed.is_none() {
            self.events.push_back(Event::Fault(fault.clone()));
            self.close_for(CloseReason::Fault(fault));
        }
    }

    fn disconnected(&mut self, reason: Text) {
        self.events.push_back(Event::Disconnected {
            state: self.state,
            reason: reason.clone(),
        });
        self.close_for(CloseReason::Disconnected(reason));
    }

    fn close_for(&mut self, reason: CloseReason) {
        if self.closed.is_none() {
            self.bundle = None;
            self.closed = Some(reason.clone());
            self.events.push_back(Event::Closed(reason));
        }
    }
}

/// Begins and ends a bundle (762+).
const DELIMITER: &str = "bundle_delimiter";
/// Leads back to the configuration phase (764+).
const START_CONFIGURATION: &str = "start_configuration";
