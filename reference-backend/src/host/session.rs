//! The host's side of a session handle.

use super::broken;
use super::link::{Life, Link, Wire};
use super::services::Services;
use crate::api::{
    BatchError, EndCause, GameProfile, HostEvent, PlayerError, PlayerErrorKind, PlayerId,
    RawPacket, Sealed, Text, VirtualBackendSession,
};
use crate::fault::Fault;
use crate::shown::shown;
use backend_proto::{CheckedPacket, RawPacketRef, SendError, TextComponent, TextError};
use std::any::Any;
use std::ops::Deref;
use std::sync::{Arc, Weak};

/// What a player reads whose instance trapped, or whose native handler panicked.
pub(crate) const FAILED: &str = "This server has failed. Please join again in a moment.";

/// One session: a number of its own on a connection, so that a handle that outlives it reaches nobody else.
///
/// It keeps who the player was, and nothing of the connection once that is over.
pub struct SessionShared {
    pub(super) player: PlayerId,
    pub(super) link: Weak<Link>,
    pub(super) services: Arc<Services>,
    pub(super) number: u64,
    pub(super) profile: GameProfile,
    pub(super) protocol: i32,
}

impl SessionShared {
    pub(crate) fn player(&self) -> PlayerId {
        self.player
    }

    /// The connection, while it lasts.
    fn link(&self) -> Result<Arc<Link>, PlayerError> {
        self.link.upgrade().ok_or_else(ended)
    }

    /// Ends the session because its plugin has: what was sent before goes first, then this text.
    pub(crate) fn fail(&self, cause: EndCause, text: &str) {
        let Ok(link) = self.link() else {
            return;
        };
        let now = link.now();
        link.with(|wire| {
            if wire.live == Some(self.number) {
                wire.disconnect(&TextComponent::cut(text), cause, now);
            }
        });
        link.wake();
    }

    /// The error of every call that comes after the session's end.
    pub(crate) fn lasts(&self) -> Result<(), PlayerError> {
        self.link()?.with(|wire| wire.in_session(self.number))
    }

    fn component(&self, text: &Text) -> Result<TextComponent, TextError> {
        let unchecked = broken::component(self.services.faults, text);
        unchecked.map_or_else(|| to_component(text), Ok)
    }

    /// Checked, and made fit for the client.
    fn written(&self, wire: &Wire, text: &Text) -> Result<TextComponent, PlayerError> {
        let faults = self.services.faults;
        self.component(text)
            .and_then(|text| {
                if faults.has(Fault::OneTextForAll) || faults.has(Fault::RawJson) {
                    return Ok(text);
                }
                wire.conn.fit(text)
            })
            .map_err(text_error)
    }

    /// Does something on the connection for as long as the session may, and has the pump look at what came of it.
    fn act<E>(
        &self,
        refused: impl Fn(PlayerError) -> E,
        act: impl FnOnce(&mut Wire) -> Result<(), E>,
    ) -> Result<(), E> {
        let link = self.link().map_err(&refused)?;
        link.with(|wire| {
            wire.may_act(self.number).map_err(&refused)?;
            act(wire)
        })?;
        link.wake_pump();
        Ok(())
    }

    /// A packet is on its way to the client.
    fn tell_of(&self, packet: &RawPacket) {
        self.services.observe(|| HostEvent::PacketOut {
            player: self.player,
            packet: packet.clone(),
        });
    }

    /// Tells whoever watches of a call that was refused.
    fn told(&self, done: Result<(), PlayerError>) -> Result<(), PlayerError> {
        if let Err(error) = &done {
            self.services.observe(|| HostEvent::CallRefused {
                player: self.player,
                error: error.clone(),
            });
        }
        done
    }
}

/// What the contract calls a component, checked.
pub(super) fn to_component(text: &Text) -> Result<TextComponent, TextError> {
    match text {
        Text::Plain(text) => TextComponent::plain(text.as_str()),
        Text::Json(text) => TextComponent::json(text),
    }
}

/// A session as this host hands it to handlers.
#[derive(Clone)]
pub struct HostSession(Arc<SessionShared>);

impl HostSession {
    pub(super) fn new(session: SessionShared) -> Self {
        Self(Arc::new(session))
    }
}

impl Deref for HostSession {
    type Target = SessionShared;

    fn deref(&self) -> &SessionShared {
        &self.0
    }
}

impl Sealed for HostSession {
    fn host_side(&self) -> &dyn Any {
        self
    }
}

impl VirtualBackendSession for HostSession {
    fn player_id(&self) -> PlayerId {
        self.player
    }

    fn profile(&self) -> &GameProfile {
        &self.profile
    }

    fn protocol_version(&self) -> i32 {
        self.protocol
    }

    fn send_packet(&self, packet: RawPacket) -> Result<(), PlayerError> {
        let raw = RawPacketRef {
            id: packet.packet_id,
            data: broken::cut(&self.services, &packet.data),
        };
        let sent = self.act(
            |error| error,
            |wire| {
                // What is wrong with a packet comes before whether there is room: it stays wrong.
                let checked = match wire.conn.check_packet(raw) {
                    Err(_) if self.services.faults.has(Fault::OkThenDropped) => return Ok(()),
                    checked => checked.map_err(send_error)?,
                };
                wire.reserve(std::iter::once(checked.size()))
                    .or_else(|full| broken::overfills(wire, checked.size(), full))
                    .map_err(no_room)
                    .and_then(|()| wire.put(&[checked]))
                    .map_err(|refused| refused.error)?;
                self.tell_of(&packet);
                Ok(())
            },
        );
        self.told(sent)
    }

    fn send_packets(&self, packets: Vec<RawPacket>) -> Result<(), BatchError> {
        let raw: Vec<_> = packets
            .iter()
            .map(|packet| RawPacketRef {
                id: packet.packet_id,
                data: &packet.data,
            })
            .collect();
        let sent = self.act(
            |error| at(0, error),
            |wire| {
                let checked = match wire.conn.check_packets(&raw) {
                    Err(error) if self.services.faults.has(Fault::HalfABatch) => {
                        wire.conn.check_packets(&raw[..error.index])
                    }
                    checked => checked,
                };
                let checked = checked.map_err(batch_error)?;
                wire.send(&checked)?;
                packets
                    .iter()
                    .take(checked.len())
                    .for_each(|packet| self.tell_of(packet));
                Ok(())
            },
        );
        if let Err(error) = &sent {
            self.services.observe(|| HostEvent::BatchRefused {
                player: self.player,
                error: error.clone(),
            });
        }
        sent
    }

    fn send_message(&self, message: &Text) -> Result<(), PlayerError> {
        let sent = self.act(
            |error| error,
            |wire| {
                let text = self.written(wire, message)?;
                wire.reserve(std::iter::once(text.as_json().len()))
                    .map_err(|refused| no_room(refused).error)?;
                let queued = wire.conn.send_message(&text);
                wire.queued(usize::from(queued.is_ok()));
                queued.map_err(send_error)?;
                self.services.observe(|| HostEvent::MessageOut {
                    player: self.player,
                    message: message.clone(),
                });
                Ok(())
            },
        );
        self.told(sent)
    }

    fn switch_server(&self, target: &str) -> Result<(), PlayerError> {
        let answer = self
            .link()
            .and_then(|link| link.with(|wire| wire.may_act(self.number)))
            .and_then(|()| {
                Err(if self.services.is_server(target) {
                    PlayerError::new(
                        PlayerErrorKind::Unsupported,
                        format!(
                            "this host cannot connect to servers, \"{}\" among them",
                            shown(target)
                        ),
                    )
                } else {
                    PlayerError::new(
                        PlayerErrorKind::UnknownServer,
                        format!("the server \"{}\" is not configured", shown(target)),
                    )
                })
            });
        self.told(answer)
    }

    fn disconnect(&self, reason: &Text) -> Result<(), PlayerError> {
        let done = self.link().and_then(|link| {
            let now = link.now();
            link.with(|wire| {
                wire.may_act(self.number)?;
                let text = self.written(wire, reason)?;
                wire.disconnect(&text, EndCause::ByHandler, now);
                self.services.observe(|| HostEvent::DisconnectOut {
                    player: self.player,
                    reason: reason.clone(),
                });
                Ok(())
            })?;
            link.wake();
            Ok(())
        });
        self.told(done)
    }

    fn handle(&self) -> Arc<dyn VirtualBackendSession> {
        Arc::new(Self::clone(self))
    }
}

impl Wire {
    fn in_session(&self, session: u64) -> Result<(), PlayerError> {
        if self.live == Some(session) {
            return Ok(());
        }
        Err(ended())
    }

    fn may_act(&self, session: u64) -> Result<(), PlayerError> {
        self.in_session(session)?;
        if self.life != Life::Whole || self.conn.is_closed() {
            return Err(PlayerError::new(
                PlayerErrorKind::SendFailed,
                "the client is gone",
            ));
        }
        Ok(())
    }

    /// Queues all of them or none.
    fn send(&mut self, packets: &[CheckedPacket<'_>]) -> Result<(), BatchError> {
        self.reserve(packets.iter().map(CheckedPacket::size))
            .map_err(no_room)?;
        self.put(packets)
    }

    /// Queues them in the room that is reserved for them.
    fn put(&mut self, packets: &[CheckedPacket<'_>]) -> Result<(), BatchError> {
        let queued = self.conn.send_checked(packets);
        self.queued(if queued.is_ok() { packets.len() } else { 0 });
        queued.map_err(batch_error)
    }
}

fn ended() -> PlayerError {
    PlayerError::new(PlayerErrorKind::SessionEnded, "the session has ended")
}

fn no_room((index, why): (usize, String)) -> BatchError {
    at(index, PlayerError::new(PlayerErrorKind::SendFailed, why))
}

fn batch_error(error: backend_proto::BatchError) -> BatchError {
    at(error.index, send_error(error.error))
}

fn text_error(error: TextError) -> PlayerError {
    PlayerError::new(PlayerErrorKind::InvalidComponent, error.to_string())
}

fn send_error(error: SendError) -> PlayerError {
    let kind = match &error {
        SendError::NegativeId(_) | SendError::TooLong { .. } | SendError::Reserved { .. } => {
            PlayerErrorKind::InvalidPacket
        }
        SendError::NotInPlay(_) => PlayerErrorKind::SendFailed,
    };
    PlayerError::new(kind, error.to_string())
}

fn at(index: usize, error: PlayerError) -> BatchError {
    BatchError {
        index: u32::try_from(index).unwrap_or(u32::MAX),
        error,
    }
}
