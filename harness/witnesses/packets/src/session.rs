//! The reference backend and the simulated client, joined in memory and in virtual time.

use core::time::Duration;
use std::sync::Arc;

use backend_proto::{
    Connection, GameProfile, ProfileProperty, RawPacketRef, ServerConfig, TextComponent,
};
use sim_proto::{Client, ClientConfig, CloseReason, Intent};
use thiserror::Error;
use vb_data::Direction;

use crate::kit;
use crate::meaning::{self, NAME};
use crate::record::{Recorded, Recording, Writer};

/// Each session with its name.
pub(crate) const ALL: [(&str, Play); 4] = [
    ("the status session", status),
    ("the session that is refused at login", refused),
    (
        "the session that is ended in configuration",
        ended_in_configuration,
    ),
    ("the session that plays", play),
];

/// Plays a session and records its packets.
type Play = fn(&mut Recording) -> Result<(), SessionError>;

/// Longer than the backend's pause between keep-alives of the configuration phase, shorter than its patience.
const SLOW: Duration = Duration::from_secs(11);
/// Enough ticks for every movement packet that a client sends by itself.
const A_WHILE: Duration = Duration::from_secs(3);
/// Deadlines in one wait; a tick is 50 ms, so that more than this is a clock that stands.
const MAX_DEADLINES: usize = 1_000;

/// Why a session broke off.
#[derive(Debug, Error)]
pub(crate) enum SessionError {
    /// The client did not survive a packet.
    #[error("the simulated client would have disconnected: {0}")]
    Client(String),
    /// The host's side did not come to the point.
    #[error("never came to {0}")]
    Never(&'static str),
    /// The host's side refused a call.
    #[error(transparent)]
    Command(#[from] backend_proto::CommandError),
    /// The host's side refused a packet.
    #[error(transparent)]
    Send(#[from] backend_proto::SendError),
    /// The kit has no such protocol.
    #[error(transparent)]
    Kit(#[from] guest_kit::Unsupported),
    /// The client refused to chat.
    #[error(transparent)]
    Chat(#[from] sim_proto::SendError),
    /// Deadlines never ended.
    #[error("the clock stands: {MAX_DEADLINES} deadlines without an end")]
    Clock,
}

struct Session<'a> {
    recording: &'a mut Recording,
    server: Connection,
    client: Client,
    now: Duration,
    events: Vec<backend_proto::Event>,
    /// Whether what the client receives was written by the backend; what the kit writes has been recorded before.
    backend_writes: bool,
    fault: Option<String>,
}

impl<'a> Session<'a> {
    fn new(recording: &'a mut Recording, intent: Intent) -> Self {
        let config = ClientConfig {
            intent,
            ..meaning::client(recording.protocol)
        };
        Self {
            recording,
            server: Connection::new(Arc::new(ServerConfig::default()), Duration::ZERO),
            client: Client::new(config, Duration::ZERO),
            now: Duration::ZERO,
            events: Vec::new(),
            backend_writes: true,
            fault: None,
        }
    }

    /// Passes bytes on until both ends are quiet.
    fn exchange(&mut self) -> Result<(), SessionError> {
        loop {
            self.collect();
            let mut quiet = true;
            while let Some(bytes) = self.client.poll_transmit() {
                quiet = false;
                self.server.receive(&bytes, self.now);
            }
            while let Some(event) = self.server.poll_event() {
                quiet = false;
                self.events.push(event);
            }
            while let Some(bytes) = self.server.poll_transmit() {
                quiet = false;
                self.client.receive(&bytes, self.now);
            }
            if quiet {
                break;
            }
        }
        self.collect();
        self.fault
            .clone()
            .map_or(Ok(()), |fault| Err(SessionError::Client(fault)))
    }

    fn collect(&mut self) {
        while let Some(event) = self.client.poll_event() {
            let recorded = match event {
                sim_proto::Event::Received(packet) if self.backend_writes => Recorded {
                    state: packet.state,
                    direction: Direction::Clientbound,
                    id: packet.id,
                    name: packet.name.to_owned(),
                    data: packet.data.to_vec(),
                    writer: Writer::Backend,
                    meant: Vec::new(),
                },
                sim_proto::Event::Sent(packet) => Recorded {
                    state: packet.state,
                    direction: Direction::Serverbound,
                    id: packet.id,
                    name: packet.name.unwrap_or("(unknown)").to_owned(),
                    data: packet.data.to_vec(),
                    writer: Writer::Client,
                    meant: Vec::new(),
                },
                sim_proto::Event::Fault(fault) => {
                    self.fault = Some(fault.to_string());
                    continue;
                }
                _ => continue,
            };
            let meant = meaning::of(self.recording.protocol, self.client.config(), &recorded);
            self.recording.packets.push(Recorded { meant, ..recorded });
        }
    }

    /// Moves the time on; both ends do what is due on the way.
    fn wait(&mut self, duration: Duration) -> Result<(), SessionError> {
        let until = self.now + duration;
        for _ in 0..MAX_DEADLINES {
            let due = [self.server.poll_timeout(), self.client.poll_timeout()];
            match due.into_iter().flatten().min() {
                Some(due) if due <= until => self.now = self.now.max(due),
                _ => {
                    self.now = until;
                    return self.exchange();
                }
            }
            self.server.handle_timeout(self.now);
            self.client.handle_timeout(self.now);
            self.exchange()?;
        }
        Err(SessionError::Clock)
    }

    fn expect(
        &self,
        what: &'static str,
        found: impl Fn(&backend_proto::Event) -> bool,
    ) -> Result<(), SessionError> {
        let come = self.events.iter().any(found);
        come.then_some(()).ok_or(SessionError::Never(what))
    }

    fn log_in(&mut self) -> Result<(), SessionError> {
        self.exchange()?;
        self.expect("login start", |event| {
            matches!(event, backend_proto::Event::LoginStart { .. })
        })?;
        self.server.login(&profile(), self.now)?;
        self.exchange()?;
        self.expect("the login's end", |event| {
            matches!(event, backend_proto::Event::LoggedIn)
        })
    }

    /// Sends what the kit wrote, and records it first: what the client makes of it does not matter for that.
    fn send(&mut self, packets: Vec<Recorded>) -> Result<(), SessionError> {
        self.recording.packets.extend(packets.iter().cloned());
        self.backend_writes = false;
        for packet in &packets {
            self.server.send_packet(RawPacketRef {
                id: packet.id,
                data: &packet.data,
            })?;
            self.exchange()?;
        }
        self.backend_writes = true;
        Ok(())
    }

    fn disconnect(&mut self) -> Result<(), SessionError> {
        self.server.disconnect(&farewell(), self.now);
        self.exchange()
    }
}

fn status(recording: &mut Recording) -> Result<(), SessionError> {
    let mut session = Session::new(recording, Intent::Status);
    session.exchange()?;
    match session.client.verdict() {
        sim_proto::Verdict::Disconnected {
            reason: CloseReason::StatusDone,
        } => Ok(()),
        _ => Err(SessionError::Never("the answer to the ping")),
    }
}

fn refused(recording: &mut Recording) -> Result<(), SessionError> {
    let mut session = Session::new(recording, Intent::Login);
    session.exchange()?;
    session.disconnect()
}

fn ended_in_configuration(recording: &mut Recording) -> Result<(), SessionError> {
    let mut session = Session::new(recording, Intent::Login);
    if !session.client.version().has_configuration_phase() {
        return Ok(());
    }
    session.log_in()?;
    session.disconnect()
}

fn play(recording: &mut Recording) -> Result<(), SessionError> {
    let version = guest_kit::Version::new(recording.protocol)?;
    // Recorded first, so that a join that breaks hides nothing.
    let scene = kit::join(&version);
    let farewell = kit::farewell(&version);
    let mut session = Session::new(recording, Intent::Login);
    if let Err(error) = session.log_in() {
        recording.packets.extend(scene);
        recording.packets.extend(farewell);
        return Err(error);
    }
    let played = in_play(&mut session, &scene);
    session.recording.context = session.client.context().clone();
    if !session
        .recording
        .packets
        .iter()
        .any(|packet| packet.writer == Writer::Kit)
    {
        session.recording.packets.extend(scene);
    }
    session.recording.packets.extend(farewell);
    played?;
    session.disconnect()
}

fn in_play(session: &mut Session<'_>, scene: &[Recorded]) -> Result<(), SessionError> {
    if session.client.version().has_configuration_phase() {
        session.wait(SLOW)?;
    }
    session.server.enter_play(session.now)?;
    session.exchange()?;
    session.expect("the play state", |event| {
        matches!(event, backend_proto::Event::InPlay)
    })?;
    session.send(scene.to_vec())?;
    session.wait(A_WHILE)?;
    for text in meaning::SAID {
        session.client.chat(text)?;
    }
    session.server.send_message(&meaning::message())?;
    session.exchange()
}

fn profile() -> GameProfile {
    let property = |name: &str, signature: Option<&str>| ProfileProperty {
        name: name.to_owned(),
        value: "dmFsdWU=".to_owned(),
        signature: signature.map(str::to_owned),
    };
    let mut profile = GameProfile::offline(NAME);
    profile.properties = vec![
        property("textures", Some("c2lnbmF0dXJl")),
        property("other", None),
    ];
    profile
}

fn farewell() -> TextComponent {
    TextComponent::cut(meaning::FAREWELL)
}
