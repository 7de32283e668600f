//! One client's connection, from its handshake to its end.
//!
//! The driver's loop: pass bytes to [`Connection::receive`], take events until [`Connection::poll_event`] has none,
//! write what [`Connection::poll_transmit`] has, and call [`Connection::handle_timeout`] when
//! [`Connection::poll_timeout`] says. Three events want an answer: after [`Event::LoginStart`] the host calls
//! [`Connection::login`] and after [`Event::LoggedIn`] it calls [`Connection::enter_play`], or it disconnects.
//! [`Event::Closed`] is the last event; what is left to transmit is to be written, and then the socket closed.

mod configuration;
mod ending;
mod event;
mod legacy;
mod login;
mod stage;

use core::time::Duration;
use std::collections::VecDeque;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use crate::config::ServerConfig;
use crate::error::{BatchError, CloseReason, CommandError, Deadline, PeerError, SendError};
use crate::fault::Fault;
use crate::frame::{Input, MAX_FRAME, Packet, packet_size};
use crate::output::{Output, PacketTooLong};
use crate::packets;
use crate::profile::{GameProfile, check_name};
use crate::text::{TextComponent, TextError};
use crate::version::Version;
use stage::Stage;

pub use event::{CheckedPacket, Event, Phase, RawPacketRef};
pub use legacy::{LEGACY_PATIENCE, LEGACY_PROTOCOL, MAX_LEGACY_TEXT};

/// Time since an origin that the driver chooses; never goes back.
pub type Now = Duration;

/// How long a client may take for each step before the configuration phase when nothing else is said (vanilla gives its
/// login 600 ticks).
pub const LOGIN_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a client may take for each acknowledgement in the configuration phase when nothing else is said, keep-alives
/// included (vanilla's interval between keep-alives, after which the last one must have been answered).
pub const ACKNOWLEDGE_TIMEOUT: Duration = Duration::from_secs(15);

/// From one keep-alive of the configuration phase to the next: a third of the client's read timeout of 30 s.
pub const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(10);

/// Bytes of a packet before the login is done. The largest that a client sends is a login start with a signed key, of
/// at most 4.7 KiB.
pub const MAX_LOGIN_PACKET: usize = 8 * 1024;

/// Bytes of a packet in the configuration phase: twice the largest that a client sends, a click action of 64 KiB.
pub const MAX_CONFIGURATION_PACKET: usize = 128 * 1024;

/// Packets from one client in the configuration phase. A vanilla client sends half a dozen, and a keep-alive each
/// [`KEEP_ALIVE_INTERVAL`], so this is more than two hours of them.
pub const MAX_CONFIGURATION_PACKETS: usize = 1024;

/// Bytes from one client in the configuration phase, uncompressed.
pub const MAX_CONFIGURATION_BYTES: usize = 1024 * 1024;

/// While nothing is taken apart, this much input is held before [`Connection::wants_input`] says no.
pub const MAX_HELD_INPUT: usize = 64 * 1024;

/// Input beyond which the connection is closed, so that its memory is bounded whatever the driver does: a whole frame
/// that has not been taken apart, and another in the same call.
pub const MAX_INPUT: usize = 2 * (MAX_FRAME + 3) + MAX_HELD_INPUT;

/// One client. See the [module](self).
#[derive(Debug)]
pub struct Connection {
    config: Arc<ServerConfig>,
    input: Input,
    output: Output,
    events: VecDeque<Event>,
    stage: Stage,
    version: Option<Version>,
    now: Now,
    online: u32,
    peer_closed: bool,
    /// Reused for the bodies of this crate's own packets.
    scratch: BytesMut,
}

impl Connection {
    /// A client that has just connected. `now` starts the clock of its handshake.
    pub fn new(config: Arc<ServerConfig>, now: Now) -> Self {
        let deadline = now + config.login_timeout;
        Self {
            input: Input::new(config.faults),
            config,
            output: Output::default(),
            events: VecDeque::new(),
            stage: Stage::Handshake {
                deadline,
                doubt: None,
            },
            version: None,
            now,
            online: 0,
            peer_closed: false,
            scratch: BytesMut::new(),
        }
    }

    /// Takes bytes from the client, split anyhow.
    pub fn receive(&mut self, data: &[u8], now: Now) {
        self.advance(now);
        if self.is_closed() {
            return;
        }
        if self.input.len() + data.len() > MAX_INPUT {
            return self.end(CloseReason::InputOverflow { limit: MAX_INPUT });
        }
        self.input.push(data);
        self.pump();
    }

    /// The client will send no more. [`Event::Closed`] follows what has been received before.
    pub fn peer_closed(&mut self, now: Now) {
        self.advance(now);
        self.peer_closed = true;
        if self.stage.limit().is_some() {
            self.pump();
        } else if !self.is_closed() {
            self.end(CloseReason::PeerClosed {
                unread: self.input.len(),
            });
        }
    }

    /// Whether [`Connection::receive`] should be called with more. False while events wait to be taken, while much
    /// input is held for a decision of the host, and after the end.
    pub fn wants_input(&self) -> bool {
        let taken_apart = self.stage.limit().is_some();
        !self.is_closed()
            && self.events.is_empty()
            && (taken_apart || self.input.len() < MAX_HELD_INPUT)
    }

    /// The next event. In play, packets are taken apart one by one as they are asked for.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.pump();
        self.events.pop_front()
    }

    /// Up to [`MAX_CHUNK`](crate::MAX_CHUNK) bytes to be written to the client.
    pub fn poll_transmit(&mut self) -> Option<Bytes> {
        self.output.take()
    }

    /// When to call [`Connection::handle_timeout`]. Changes with every other call.
    pub fn poll_timeout(&self) -> Option<Now> {
        let login_start = matches!(self.stage, Stage::LoginStart { .. });
        if login_start && self.config.faults.has(Fault::WaitsForEver) {
            return None;
        }
        self.stage.poll_timeout()
    }

    /// Does what is due at `now`; harmless when nothing is.
    pub fn handle_timeout(&mut self, now: Now) {
        self.advance(now);
        match &self.stage {
            Stage::Handshake { deadline, .. } if *deadline <= now => {
                self.time_out(Deadline::Handshake);
            }
            Stage::Handshake {
                doubt: Some(at), ..
            } if *at <= now => self.end_doubt(),
            Stage::Status { deadline, .. } if *deadline <= now => self.time_out(Deadline::Status),
            Stage::LoginStart { deadline, .. } if *deadline <= now => {
                self.time_out(Deadline::LoginStart)
            }
            Stage::Acknowledgement { deadline, .. } if *deadline <= now => {
                self.time_out(Deadline::LoginAcknowledged);
            }
            Stage::Configuration(_) => self.configuration_timeout(),
            _ => {}
        }
    }

    /// Answers [`Event::LoginStart`]: compression is turned on and login success sent.
    pub fn login(&mut self, profile: &GameProfile, now: Now) -> Result<(), CommandError> {
        self.advance(now);
        let Stage::Decision { ids } = self.stage else {
            return Err(self.wrong_phase("login"));
        };
        check_name(&profile.name)?;
        self.admit(ids, profile);
        Ok(())
    }

    /// Answers [`Event::LoggedIn`]: [`Event::InPlay`] follows, from protocol 764 on after the configuration phase.
    pub fn enter_play(&mut self, now: Now) -> Result<(), CommandError> {
        self.advance(now);
        match &self.stage {
            Stage::Admission { ids } => {
                self.stage = Stage::Play { ids: *ids };
                self.events.push_back(Event::InPlay);
                Ok(())
            }
            Stage::Configuration(configuration) if configuration.is_idle() => {
                self.start_configuration();
                Ok(())
            }
            _ => Err(self.wrong_phase("enter_play")),
        }
    }

    /// Queues a play packet as it is, in order. On an error nothing is sent and the connection goes on.
    pub fn send_packet(&mut self, packet: RawPacketRef<'_>) -> Result<(), SendError> {
        let checked = self.check_packet(packet)?;
        self.send_checked(&[checked]).map_err(|error| error.error)
    }

    /// Queues all of them or, when one is refused, none.
    pub fn send_packets(&mut self, packets: &[RawPacketRef<'_>]) -> Result<(), BatchError> {
        let checked = self.check_packets(packets)?;
        self.send_checked(&checked)
    }

    /// Queues all of them or, when zlib makes one too long, none. They were checked by this connection, and nothing has
    /// been done with it since.
    pub fn send_checked(&mut self, packets: &[CheckedPacket<'_>]) -> Result<(), BatchError> {
        debug_assert!(packets.is_empty() || matches!(self.stage, Stage::Play { .. }));
        let mark = self.output.mark();
        for (index, CheckedPacket(packet)) in packets.iter().enumerate() {
            if let Err(error) = self.output.put(packet.id, packet.data) {
                self.output.roll_back(mark);
                return Err(BatchError {
                    index,
                    error: too_long(error),
                });
            }
        }
        Ok(())
    }

    /// As [`check_packet`](Self::check_packet), for all of them.
    ///
    /// # Errors
    ///
    /// The first that is refused.
    pub fn check_packets<'a>(
        &self,
        packets: &[RawPacketRef<'a>],
    ) -> Result<Vec<CheckedPacket<'a>>, BatchError> {
        let check = |(index, packet): (usize, &RawPacketRef<'a>)| {
            self.check_packet(*packet)
                .map_err(|error| BatchError { index, error })
        };
        packets.iter().enumerate().map(check).collect()
    }

    /// Whether [`Connection::send_packet`] would take it now, by its size before compression: a packet just under
    /// [`MAX_FRAME`] that zlib makes longer is still refused when it is sent.
    pub fn check_packet<'a>(
        &self,
        packet: RawPacketRef<'a>,
    ) -> Result<CheckedPacket<'a>, SendError> {
        let Stage::Play { ids } = &self.stage else {
            return Err(SendError::NotInPlay(self.state()));
        };
        if packet.id < 0 {
            return Err(SendError::NegativeId(packet.id));
        }
        let size = packet_size(packet.id, packet.data);
        if size > MAX_FRAME {
            return Err(SendError::TooLong {
                size,
                limit: MAX_FRAME,
            });
        }
        match ids.play.reserved(packet.id) {
            Some(packet) => Err(SendError::Reserved { packet }),
            None => Ok(CheckedPacket(packet)),
        }
    }

    /// The text in the form that this client reads: [`TextComponent::fit`] for the version that it has stated.
    ///
    /// # Errors
    ///
    /// When the client has nothing for what is in it, and when it is too long in that form.
    pub fn fit(&self, text: TextComponent) -> Result<TextComponent, TextError> {
        match self.version {
            Some(version) => text.fit(version),
            None => Ok(text),
        }
    }

    /// As [`fit`](Self::fit), for when nobody can be told: [`TextComponent::nearest`].
    ///
    /// # Errors
    ///
    /// When it is too long in that form.
    pub fn nearest(&self, text: TextComponent) -> Result<TextComponent, TextError> {
        match self.version {
            Some(version) => text.nearest(version),
            None => Ok(text),
        }
    }

    /// Queues a system message, in play. The text should be [fit](Self::fit) for the client.
    pub fn send_message(&mut self, text: &TextComponent) -> Result<(), SendError> {
        let Stage::Play { ids } = &self.stage else {
            return Err(SendError::NotInPlay(self.state()));
        };
        self.scratch.clear();
        if self.config.faults.has(Fault::JsonTextAlways) {
            packets::put_login_text(text, &mut self.scratch);
            packets::put_message_kind(ids.version, &mut self.scratch);
        } else {
            packets::put_system_message(ids.version, text, &mut self.scratch);
        }
        self.output
            .put(ids.play.message, &self.scratch)
            .map_err(too_long)
    }

    /// Tells the client why and ends the connection, in any state (the server list is told nothing). What was queued
    /// before goes first. Nothing happens when it has ended already.
    pub fn disconnect(&mut self, text: &TextComponent, now: Now) {
        self.advance(now);
        self.end_with(text, CloseReason::HostDisconnected);
    }

    /// Ends the connection without a word; what was queued before may still be written.
    pub fn close(&mut self) {
        self.end(CloseReason::HostClosed);
    }

    /// Where the connection is.
    pub fn state(&self) -> Phase {
        self.stage.phase()
    }

    /// What the client stated in its handshake, once it has.
    pub fn protocol(&self) -> Option<i32> {
        self.version.map(Version::protocol)
    }

    /// Bytes that wait for [`Connection::poll_transmit`].
    pub fn output_len(&self) -> usize {
        self.output.len()
    }

    /// Bytes that have been received and not been taken apart.
    pub fn input_len(&self) -> usize {
        self.input.len()
    }

    /// Whether [`Event::Closed`] has been queued.
    pub fn is_closed(&self) -> bool {
        matches!(self.stage, Stage::Closed)
    }

    /// How many players the server list is told of.
    pub fn set_online_players(&mut self, online: u32) {
        self.online = online;
    }
}

impl Connection {
    fn advance(&mut self, now: Now) {
        self.now = self.now.max(now);
    }

    /// Takes packets apart until one makes an event, so that no more than that one is held.
    fn pump(&mut self) {
        while self.events.is_empty() {
            let Some(limit) = self.stage.limit() else {
                break;
            };
            if self.legacy_ping() {
                break;
            }
            let done = match self.input.next(limit) {
                Ok(Some(packet)) => self.packet(packet),
                Ok(None) if self.peer_closed => {
                    return self.end(CloseReason::PeerClosed {
                        unread: self.input.len(),
                    });
                }
                Ok(None) => break,
                Err(error) => Err(error.into()),
            };
            if let Err(error) = done {
                self.fail(error);
            }
        }
    }

    fn packet(&mut self, packet: Packet) -> Result<(), PeerError> {
        match &self.stage {
            Stage::Play { ids } => {
                if ids.play.configuration_acknowledged == Some(packet.id) {
                    return Err(self.unexpected("configuration_acknowledged"));
                }
                let Packet { id, data } = packet;
                self.events.push_back(Event::Packet { id, data });
                Ok(())
            }
            Stage::Configuration(_) => self.configuration_packet(packet),
            _ => self.login_packet(packet),
        }
    }

    fn unexpected(&self, packet: &'static str) -> PeerError {
        PeerError::UnexpectedPacket {
            packet,
            phase: self.state(),
        }
    }

    fn wrong_phase(&self, command: &'static str) -> CommandError {
        CommandError::WrongPhase {
            command,
            phase: self.state(),
        }
    }
}

fn too_long(error: PacketTooLong) -> SendError {
    SendError::TooLong {
        size: error.size,
        limit: MAX_FRAME,
    }
}
