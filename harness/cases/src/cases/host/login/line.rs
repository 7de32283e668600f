//! A client that a case speaks for, packet by packet: what it says and when is not what a real client would.

use std::time::Duration;

use sim_client::Stream;
use sim_proto::wire::{FrameDecoder, FrameEncoder, FrameNote};
use sim_proto::{Context, Intent, Packet, Version, decode, serverbound};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};
use vb_data::{Direction, State};

use crate::lab::door::Host;
use crate::lab::host::HostLab;
use crate::lab::player::{carrier, secs};
use crate::lab::trail::Trail;
use crate::verdict::{Finding, Stop};

/// How long writing may take: in virtual time it takes none.
const PATIENCE: Duration = Duration::from_secs(10);

/// How much is read at once.
const BUFFER: usize = 16 << 10;

/// What came from the host.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    /// A packet, in the state in which the client reads it.
    Packet(Box<Said>),
    /// The host has ended the connection.
    End,
    /// Nothing, for as long as was waited.
    Silence,
    /// Something that no client can read.
    Garbage(String),
}

/// A packet of the host.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    /// The client's state.
    pub state: State,
    /// Its name in the packet tables.
    pub name: &'static str,
    /// Its bytes after the id.
    pub data: bytes::Bytes,
    /// What it says.
    pub packet: Packet,
    /// What is odd about its frame.
    pub note: Option<FrameNote>,
}

impl Heard {
    /// The packet, if it is one.
    pub fn packet(&self) -> Option<&Said> {
        match self {
            Self::Packet(said) => Some(said),
            _ => None,
        }
    }

    /// In words.
    pub fn text(&self) -> String {
        match self {
            Self::Packet(said) => match &said.packet {
                Packet::Disconnect(reason) => {
                    format!("a disconnect in {} with \"{}\"", said.state, reason.plain)
                }
                _ => format!("the packet {} in {}", said.name, said.state),
            },
            Self::End => "the end of the connection".to_owned(),
            Self::Silence => "nothing".to_owned(),
            Self::Garbage(what) => format!("what no client can read: {what}"),
        }
    }
}

/// How a connection came to its end.
#[derive(Debug, Clone, PartialEq)]
pub struct Ending {
    /// Since the case began.
    pub at: Duration,
    /// The state and the words of the disconnect before it, if there was one.
    pub reason: Option<(State, String)>,
}

/// See the module.
pub struct Line<'a> {
    lab: &'a HostLab,
    stream: Stream,
    decoder: FrameDecoder,
    encoder: FrameEncoder,
    context: Context,
    /// As the client's next packet is understood.
    says: State,
    /// As the client understands the next packet.
    hears: State,
    trail: Trail,
}

impl<'a> Line<'a> {
    /// A connection on which nothing has been said.
    pub fn open(lab: &'a HostLab, host: &Host) -> Self {
        let version = Version::new(lab.protocol);
        Self {
            lab,
            stream: lab.wire(host),
            decoder: FrameDecoder::new(version),
            encoder: FrameEncoder::new(),
            context: Context::new(version),
            says: State::Handshaking,
            hears: State::Handshaking,
            trail: Trail::default(),
        }
    }

    /// The same with a handshake for a login.
    pub async fn with_handshake(lab: &'a HostLab, host: &Host) -> Self {
        let mut line = Self::open(lab, host);
        let data = serverbound::handshake(lab.protocol, "localhost", 25565, Intent::Login);
        line.say("set_protocol", &data).await;
        line
    }

    /// The same with a login under this name.
    pub async fn with_login(lab: &'a HostLab, host: &Host, name: &str) -> Self {
        let mut line = Self::with_handshake(lab, host).await;
        line.login_start(name).await;
        line
    }

    /// Says who it is.
    pub async fn login_start(&mut self, name: &str) {
        let data = self.login_start_data(name);
        self.say("login_start", &data).await;
    }

    /// What a login start of this name consists of, without the id.
    pub fn login_start_data(&self, name: &str) -> Vec<u8> {
        serverbound::login_start(Version::new(self.lab.protocol), name, 1)
    }

    /// The protocol that is spoken.
    pub fn version(&self) -> Version {
        Version::new(self.lab.protocol)
    }

    /// The state in which the client reads what comes next.
    pub fn awaits(&self) -> State {
        self.hears
    }

    /// Sends a packet of the client's state by its name; nothing when the state has none of that name.
    pub async fn say(&mut self, name: &str, data: &[u8]) {
        let table = vb_data::packets(self.lab.protocol, self.says, Direction::Serverbound);
        if let Some(id) = table.and_then(|table| table.id(name)) {
            self.send(id, data).await;
        }
        match name {
            "set_protocol" => (self.says, self.hears) = (State::Login, State::Login),
            "login_acknowledged" => self.says = State::Configuration,
            "finish_configuration" => self.says = State::Play,
            _ => {}
        }
    }

    /// Sends a packet by its id.
    pub async fn send(&mut self, id: i32, data: &[u8]) {
        let table = vb_data::packets(self.lab.protocol, self.says, Direction::Serverbound);
        let name = table
            .and_then(|table| table.name(id))
            .unwrap_or("(not a packet of this state)");
        let direction = Direction::Serverbound;
        self.trail
            .packet(self.lab.now(), self.says, direction, id, name, data.len());
        let frame = self.encoder.encode(id, data);
        self.write(&frame).await;
    }

    /// Sends bytes. A host that has gone does not take them, which the next call of [`Self::hear`] tells.
    pub async fn write(&mut self, bytes: &[u8]) {
        let _ = tokio::time::timeout(PATIENCE, self.stream.write_all(bytes)).await;
    }

    /// The frame of a packet, as it would be sent now.
    pub fn frame(&self, id: i32, data: &[u8]) -> bytes::Bytes {
        self.encoder.encode(id, data)
    }

    /// What comes next, within `limit`. Compression and the states in which the host is understood follow by
    /// themselves; nothing is answered.
    pub async fn hear(&mut self, limit: Duration) -> Heard {
        let deadline = Instant::now() + limit;
        let mut buffer = vec![0; BUFFER];
        loop {
            match self.decoder.next_frame() {
                Err(error) => return self.garbage(error.to_string()),
                Ok(Some(frame)) => return self.packet(frame.id, frame.data, frame.note),
                Ok(None) => {}
            }
            match timeout_at(deadline, self.stream.read(&mut buffer)).await {
                Err(_) => return Heard::Silence,
                Ok(Ok(count)) if count > 0 => {
                    self.decoder.push(buffer.get(..count).unwrap_or_default());
                }
                Ok(_) => {
                    self.trail.note(self.lab.now(), "closed".to_owned());
                    return Heard::End;
                }
            }
        }
    }

    /// What comes until `wanted` accepts something, answering as a client without any pack would, within `limit`. What
    /// does not come as a packet is accepted always.
    pub async fn hear_until(&mut self, wanted: impl Fn(&Said) -> bool, limit: Duration) -> Heard {
        let deadline = Instant::now() + limit;
        loop {
            let heard = self.hear(deadline - Instant::now()).await;
            let Heard::Packet(said) = &heard else {
                return heard;
            };
            if wanted(said) {
                return heard;
            }
            self.answer(said).await;
        }
    }

    /// Waits for the end of the connection, within `limit`; what came instead, if that did not.
    pub async fn until_end(&mut self, limit: Duration) -> Result<Ending, Heard> {
        let deadline = Instant::now() + limit;
        let mut reason = None;
        loop {
            match self.hear(deadline - Instant::now()).await {
                Heard::Packet(said) => {
                    if let Packet::Disconnect(text) = &said.packet {
                        reason = Some((said.state, text.plain.clone()));
                    }
                }
                Heard::End => {
                    let at = self.lab.now();
                    return Ok(Ending { at, reason });
                }
                other => return Err(other),
            }
        }
    }

    /// Fails `clause` unless the connection ends within `limit`, an upper bound of the clause, after a disconnect that a
    /// person can read.
    pub async fn must_end(
        &mut self,
        clause: &'static str,
        when: &str,
        limit: Duration,
    ) -> Result<(), Stop> {
        let limit = self.lab.within(limit);
        let expected = format!(
            "a disconnect with a readable reason within {} {when}",
            secs(limit)
        );
        match self.until_end(limit).await {
            Ok(Ending {
                reason: Some((_, text)),
                ..
            }) if text.chars().any(char::is_alphanumeric) => Ok(()),
            Ok(Ending { reason: None, .. }) => {
                Err(self.broken(clause, expected, "an end without a word"))
            }
            Ok(Ending { .. }) => Err(self.broken(clause, expected, "a reason without words")),
            Err(heard) => Err(self.broken(clause, expected, heard.text())),
        }
    }

    /// A broken clause with what passed on this line, at this moment.
    pub fn broken(
        &self,
        clause: &'static str,
        expected: impl Into<String>,
        got: impl Into<String>,
    ) -> Stop {
        let finding = Finding {
            trace: self.trail.lines(),
            trace_left_out: self.trail.left_out(),
            ..Finding::new(clause, expected, got).at(self.lab.now())
        };
        finding.into()
    }

    /// A prerequisite that did not work on this line.
    pub fn untestable(&self, why: impl Into<String>) -> Stop {
        Stop::Untestable(why.into(), self.trail.lines())
    }

    /// What a client that knows no pack answers by itself.
    pub async fn answer(&mut self, said: &Said) {
        match (said.state, said.name) {
            (State::Login, "success") if self.hears == State::Configuration => {
                self.say("login_acknowledged", &[]).await;
            }
            (State::Configuration, "select_known_packs") => {
                self.say("select_known_packs", &serverbound::known_packs(&[]))
                    .await;
            }
            (State::Configuration, "keep_alive") => self.say("keep_alive", &said.data).await,
            (State::Configuration, "finish_configuration") => {
                self.say("finish_configuration", &[]).await;
            }
            _ => {}
        }
    }

    fn packet(&mut self, id: i32, data: bytes::Bytes, note: Option<FrameNote>) -> Heard {
        let protocol = self.lab.protocol;
        let state = self.hears;
        let table = vb_data::packets(protocol, state, Direction::Clientbound);
        let Some(name) = table.and_then(|table| table.name(id)) else {
            return self.garbage(format!("a packet with the id {id:#04x} in {state}"));
        };
        let direction = Direction::Clientbound;
        self.trail
            .packet(self.lab.now(), state, direction, id, name, data.len());
        let carries = state == State::Play && carrier(protocol) == Some(id);
        let packet = match decode(&self.context, state, name, &data) {
            Ok(packet) => packet,
            Err(_) if carries => Packet::Opaque,
            Err(error) => return self.garbage(format!("the packet {name} in {state}: {error}")),
        };
        match &packet {
            Packet::SetCompression(threshold) => {
                let threshold = usize::try_from(*threshold).ok();
                self.decoder.set_threshold(threshold);
                self.encoder.set_threshold(threshold);
            }
            Packet::LoginSuccess(_) if Version::new(protocol).has_configuration_phase() => {
                self.hears = State::Configuration;
            }
            Packet::LoginSuccess(_) => (self.says, self.hears) = (State::Play, State::Play),
            Packet::FinishConfiguration => self.hears = State::Play,
            _ => {}
        }
        Heard::Packet(Box::new(Said {
            state,
            name,
            data,
            packet,
            note,
        }))
    }

    fn garbage(&mut self, what: String) -> Heard {
        self.trail
            .note(self.lab.now(), format!("unreadable: {what}"));
        Heard::Garbage(what)
    }
}
