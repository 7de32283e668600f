//! What one client and its server say to each other: bytes go in, counts and lines come out. Knows no socket and no clock.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use azalea_chat::FormattedText;
use azalea_protocol::packets::ProtocolPacket;
use azalea_protocol::packets::config::{ClientboundConfigPacket, ServerboundConfigPacket};
use azalea_protocol::packets::game::{ClientboundGamePacket, ServerboundGamePacket};
use azalea_protocol::packets::handshake::ServerboundHandshakePacket;
use azalea_protocol::packets::login::{ClientboundLoginPacket, ServerboundLoginPacket};
use azalea_protocol::read::{deserialize_packet, read_raw_packet_from_buffer};
use serde_json::{Value, json};

use crate::fields;
use crate::hash::Fnv;
use crate::names;

/// How many bytes a frame's length prefix has at most, seven bits of the length each: no frame is longer than 2,097,151 bytes.
/// azalea takes more, and then waits for the rest of such a frame for ever.
const MAX_PREFIX: usize = 3;

/// How many characters of an error are kept: azalea's may list every byte that it could not place.
const MAX_ERROR: usize = 300;

/// Which way a packet goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// To the client.
    Clientbound,
    /// To the server.
    Serverbound,
}

impl Direction {
    fn name(self) -> &'static str {
        match self {
            Direction::Clientbound => "clientbound",
            Direction::Serverbound => "serverbound",
        }
    }
}

/// What a connection is about at the moment, which decides what packet ids mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// The first packet.
    Handshaking,
    /// Who the player is.
    Login,
    /// Registries and the like.
    Configuration,
    /// The game.
    Play,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            State::Handshaking => "handshaking",
            State::Login => "login",
            State::Configuration => "configuration",
            State::Play => "play",
        }
    }
}

/// A packet as azalea reads it.
#[derive(Debug)]
pub(crate) enum Packet {
    /// Serverbound, [`State::Handshaking`].
    Handshake(ServerboundHandshakePacket),
    /// Clientbound, [`State::Login`].
    LoginIn(ClientboundLoginPacket),
    /// Serverbound, [`State::Login`].
    LoginOut(ServerboundLoginPacket),
    /// Clientbound, [`State::Configuration`].
    ConfigurationIn(ClientboundConfigPacket),
    /// Serverbound, [`State::Configuration`].
    ConfigurationOut(ServerboundConfigPacket),
    /// Clientbound, [`State::Play`].
    PlayIn(Box<ClientboundGamePacket>),
    /// Serverbound, [`State::Play`].
    PlayOut(Box<ServerboundGamePacket>),
}

/// How often something passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Packets to the client.
    pub(crate) received: u64,
    /// Packets to the server.
    pub(crate) sent: u64,
    /// Keep-alives to the client, in any state.
    pub(crate) keep_alives_in: u64,
    /// Keep-alives to the server, in any state.
    pub(crate) keep_alives_out: u64,
    /// Packets that azalea cannot read, or not to their end.
    pub(crate) undecodable: u64,
}

/// One direction of a connection.
#[derive(Debug)]
struct Half {
    state: State,
    buffer: Cursor<Vec<u8>>,
}

/// Follows one connection.
#[derive(Debug)]
pub(crate) struct Session {
    verbose: bool,
    clientbound: Half,
    serverbound: Half,
    threshold: Option<u32>,
    counts: Counts,
    /// The chunks that the client was sent and not told to forget, which azalea holds too.
    chunks: BTreeSet<(i32, i32)>,
    /// The chunk of the player's last position.
    player: Option<(i32, i32)>,
    loaded: bool,
    in_world: Option<Duration>,
    kicked: Option<Value>,
}

impl Session {
    /// A connection of which nothing has passed. `verbose`: whether packets become lines, besides being counted.
    pub(crate) fn new(verbose: bool) -> Self {
        let half = |state| Half {
            state,
            buffer: Cursor::new(Vec::new()),
        };
        Session {
            verbose,
            clientbound: half(State::Login),
            serverbound: half(State::Handshaking),
            threshold: None,
            counts: Counts::default(),
            chunks: BTreeSet::new(),
            player: None,
            loaded: false,
            in_world: None,
            kicked: None,
        }
    }

    /// How often something passed so far.
    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }

    /// When azalea had said that it has loaded the world around its player, and the chunk that it is in had come. The latter
    /// is not implied: azalea's clients share their worlds, so that it takes a chunk that only another one was sent for its own.
    pub(crate) fn in_world(&self) -> Option<Duration> {
        self.in_world
    }

    /// The reason the server gave for disconnecting the client.
    pub(crate) fn kicked(&self) -> Option<&Value> {
        self.kicked.as_ref()
    }

    /// Takes in bytes as they were on the wire, cut anywhere, and answers with the lines to print, at time `at`.
    ///
    /// # Errors
    ///
    /// In words, when the stream can no longer be followed: framing or compression is broken, or it is to be encrypted.
    /// A packet whose content cannot be read is no such error; it is counted and becomes a line.
    pub(crate) fn receive(
        &mut self,
        direction: Direction,
        bytes: &[u8],
        at: Duration,
        lines: &mut Vec<Value>,
    ) -> Result<(), String> {
        self.half(direction)
            .buffer
            .get_mut()
            .extend_from_slice(bytes);
        loop {
            let threshold = self.threshold;
            let buffer = &mut self.half(direction).buffer;
            if endless(buffer) {
                return Err(format!(
                    "broken {} frame: its length has more than {MAX_PREFIX} bytes",
                    direction.name()
                ));
            }
            // The type parameter stands for the stream that would have been read from; there is none.
            let frame = read_raw_packet_from_buffer::<tokio::io::Empty>(buffer, threshold)
                .map_err(|error| format!("broken {} frame: {}", direction.name(), cut(&error)))?;
            match frame {
                Some(frame) => self.packet(direction, &frame, at, lines)?,
                None => return Ok(()),
            }
        }
    }

    fn half(&mut self, direction: Direction) -> &mut Half {
        match direction {
            Direction::Clientbound => &mut self.clientbound,
            Direction::Serverbound => &mut self.serverbound,
        }
    }

    fn packet(
        &mut self,
        direction: Direction,
        frame: &[u8],
        at: Duration,
        lines: &mut Vec<Value>,
    ) -> Result<(), String> {
        match direction {
            Direction::Clientbound => self.counts.received += 1,
            Direction::Serverbound => self.counts.sent += 1,
        }
        let state = self.half(direction).state;
        let header = |id: i32, data: &[u8]| {
            let mut hash = Fnv::default();
            hash.write(&id.to_le_bytes());
            hash.write(data);
            json!({
                "t_ms": millis(at),
                "dir": direction.name(),
                "state": state.name(),
                "id": id,
                "len": data.len(),
                "hash": hash.hex(),
            })
        };
        let (id, data) =
            split(frame).ok_or_else(|| format!("a {} packet without an id", direction.name()))?;
        match decode(direction, state, frame) {
            Ok(packet) => {
                if self.verbose {
                    let mut line = header(id, data);
                    line["name"] = names::minecraft_data(state, direction, packet.name()).into();
                    line["fields"] = fields::of(&packet);
                    lines.push(line);
                }
                self.follow(&packet)?;
                self.arrive(at, lines);
                Ok(())
            }
            Err(error) => {
                self.counts.undecodable += 1;
                if self.verbose {
                    let mut line = header(id, data);
                    line["event"] = "undecodable".into();
                    line["error"] = error.into();
                    lines.push(line);
                }
                Ok(())
            }
        }
    }

    /// Draws the consequences of a packet for the connection.
    fn follow(&mut self, packet: &Packet) -> Result<(), String> {
        use ClientboundConfigPacket as ConfigurationIn;
        use ClientboundGamePacket as PlayIn;
        use ClientboundLoginPacket as LoginIn;
        use ServerboundConfigPacket as ConfigurationOut;
        use ServerboundGamePacket as PlayOut;
        match packet {
            Packet::Handshake(_) => self.serverbound.state = State::Login,
            Packet::LoginIn(packet) => match packet {
                LoginIn::Hello(_) => {
                    return Err(
                        "the server wants encryption (online mode), which this client cannot do"
                            .to_owned(),
                    );
                }
                LoginIn::LoginCompression(p) => {
                    self.threshold = u32::try_from(p.compression_threshold).ok();
                }
                LoginIn::LoginFinished(_) => self.clientbound.state = State::Configuration,
                LoginIn::LoginDisconnect(p) => self.kick(&p.reason),
                _ => {}
            },
            Packet::LoginOut(packet) => {
                if matches!(packet, ServerboundLoginPacket::LoginAcknowledged(_)) {
                    self.serverbound.state = State::Configuration;
                }
            }
            Packet::ConfigurationIn(packet) => match packet {
                ConfigurationIn::FinishConfiguration(_) => self.clientbound.state = State::Play,
                ConfigurationIn::KeepAlive(_) => self.counts.keep_alives_in += 1,
                ConfigurationIn::Disconnect(p) => self.kick(&p.reason),
                _ => {}
            },
            Packet::ConfigurationOut(packet) => match packet {
                ConfigurationOut::FinishConfiguration(_) => self.serverbound.state = State::Play,
                ConfigurationOut::KeepAlive(_) => self.counts.keep_alives_out += 1,
                _ => {}
            },
            Packet::PlayIn(packet) => match &**packet {
                PlayIn::StartConfiguration(_) => self.clientbound.state = State::Configuration,
                PlayIn::KeepAlive(_) => self.counts.keep_alives_in += 1,
                PlayIn::Disconnect(p) => self.kick(&p.reason),
                // Another world.
                PlayIn::Login(_) | PlayIn::Respawn(_) => self.chunks.clear(),
                PlayIn::LevelChunkWithLight(p) => {
                    self.chunks.insert((p.x, p.z));
                }
                PlayIn::ForgetLevelChunk(p) => {
                    self.chunks.remove(&(p.pos.x, p.pos.z));
                }
                _ => {}
            },
            Packet::PlayOut(packet) => match &**packet {
                PlayOut::ConfigurationAcknowledged(_) => {
                    self.serverbound.state = State::Configuration;
                }
                PlayOut::KeepAlive(_) => self.counts.keep_alives_out += 1,
                PlayOut::MovePlayerPos(p) => self.player = Some(chunk(p.pos.x, p.pos.z)),
                PlayOut::MovePlayerPosRot(p) => self.player = Some(chunk(p.pos.x, p.pos.z)),
                PlayOut::PlayerLoaded(_) => self.loaded = true,
                _ => {}
            },
        }
        Ok(())
    }

    fn arrive(&mut self, at: Duration, lines: &mut Vec<Value>) {
        let here = self
            .player
            .is_some_and(|player| self.chunks.contains(&player));
        if self.loaded && here && self.in_world.is_none() {
            self.in_world = Some(at);
            if self.verbose {
                lines.push(json!({ "t_ms": millis(at), "event": "in-world" }));
            }
        }
    }

    fn kick(&mut self, reason: &FormattedText) {
        self.kicked = Some(fields::text(reason));
    }
}

impl Packet {
    /// azalea's name, which is the game's.
    fn name(&self) -> &'static str {
        match self {
            Packet::Handshake(packet) => packet.name(),
            Packet::LoginIn(packet) => packet.name(),
            Packet::LoginOut(packet) => packet.name(),
            Packet::ConfigurationIn(packet) => packet.name(),
            Packet::ConfigurationOut(packet) => packet.name(),
            Packet::PlayIn(packet) => packet.name(),
            Packet::PlayOut(packet) => packet.name(),
        }
    }
}

/// The chunk of a position. Positions out of any world's reach end at the reach of i32, where no chunk is.
fn chunk(x: f64, z: f64) -> (i32, i32) {
    let chunk = |at: f64| (at / 16.0).floor() as i32;
    (chunk(x), chunk(z))
}

/// Whole milliseconds, as every line carries them.
pub(crate) fn millis(at: Duration) -> u64 {
    u64::try_from(at.as_millis()).unwrap_or(u64::MAX)
}

fn decode(direction: Direction, state: State, frame: &[u8]) -> Result<Packet, String> {
    use Direction::{Clientbound, Serverbound};
    Ok(match (direction, state) {
        (Serverbound, State::Handshaking) => Packet::Handshake(read(frame)?),
        // The server has nothing to say before the handshake, so that its half never is in this state.
        (Clientbound, State::Handshaking | State::Login) => Packet::LoginIn(read(frame)?),
        (Serverbound, State::Login) => Packet::LoginOut(read(frame)?),
        (Clientbound, State::Configuration) => Packet::ConfigurationIn(read(frame)?),
        (Serverbound, State::Configuration) => Packet::ConfigurationOut(read(frame)?),
        (Clientbound, State::Play) => Packet::PlayIn(Box::new(read(frame)?)),
        (Serverbound, State::Play) => Packet::PlayOut(Box::new(read(frame)?)),
    })
}

/// Has azalea read a packet, all of it. A panic of azalea's is an error too.
fn read<P: ProtocolPacket + Debug>(frame: &[u8]) -> Result<P, String> {
    let mut cursor = Cursor::new(frame);
    let packet = catch_unwind(AssertUnwindSafe(|| deserialize_packet::<P>(&mut cursor)))
        .map_err(|_| "azalea panicked on it".to_owned())?
        .map_err(|error| cut(&error))?;
    // azalea itself looks for this in debug builds only.
    let left = frame.len() as u64 - cursor.position();
    if left > 0 {
        return Err(format!("{left} bytes left over after {}", packet.name()));
    }
    Ok(packet)
}

/// Whether the length at the head of what has come goes on after the most bytes that it may have.
fn endless(buffer: &Cursor<Vec<u8>>) -> bool {
    let head = usize::try_from(buffer.position())
        .ok()
        .and_then(|start| buffer.get_ref().get(start..start.checked_add(MAX_PREFIX)?));
    head.is_some_and(|head| head.iter().all(|byte| byte & 0x80 != 0))
}

/// A packet's id, a varint, and what follows it.
fn split(frame: &[u8]) -> Option<(i32, &[u8])> {
    let mut id = 0;
    for (index, byte) in frame.iter().take(5).enumerate() {
        id |= u32::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((id.cast_signed(), frame.get(index + 1..)?));
        }
    }
    None
}

fn cut(error: &impl std::fmt::Display) -> String {
    error.to_string().chars().take(MAX_ERROR).collect()
}

#[cfg(test)]
mod tests;
