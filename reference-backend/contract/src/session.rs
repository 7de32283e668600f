//! A session as a handler sees it.

use super::{GameProfile, PlayerId, RawPacket, Text};
use std::any::Any;
use std::sync::Arc;

/// Only the host makes sessions.
pub trait Sealed {
    /// What stands behind the handle.
    fn host_side(&self) -> &dyn Any;
}

/// One client on one handler, from the start callback until the end callback.
///
/// Sends put something in the session's queue, in order, and return at once. After the session's end every call
/// answers [`PlayerErrorKind::SessionEnded`], except for the three that only say who it was.
pub trait VirtualBackendSession: Sealed + Send + Sync {
    /// The connection.
    fn player_id(&self) -> PlayerId;

    /// Who it is.
    fn profile(&self) -> &GameProfile;

    /// The client's protocol.
    fn protocol_version(&self) -> i32;

    /// Queues one packet.
    ///
    /// # Errors
    /// [`PlayerErrorKind::SendFailed`] when the client is gone or its queue is full, `InvalidPacket` for a negative id,
    /// an oversized packet or one that would change the protocol state, `SessionEnded`.
    fn send_packet(&self, packet: RawPacket) -> Result<(), PlayerError>;

    /// Queues all of them or, when one is invalid or there is no room, none.
    ///
    /// # Errors
    /// As [`send_packet`](Self::send_packet), with the index of the first packet at fault.
    fn send_packets(&self, packets: Vec<RawPacket>) -> Result<(), BatchError>;

    /// Queues a system message, encoded by the host for the client's protocol.
    ///
    /// # Errors
    /// As [`send_packet`](Self::send_packet), and `InvalidComponent`.
    fn send_message(&self, message: &Text) -> Result<(), PlayerError>;

    /// Asks for a switch to a server of the configuration.
    ///
    /// # Errors
    /// `UnknownServer`, `SwitchInProgress`, `Unsupported`, `SessionEnded`.
    fn switch_server(&self, target: &str) -> Result<(), PlayerError>;

    /// Ends the session; what was sent before is delivered first, and the end callback follows.
    ///
    /// # Errors
    /// `InvalidComponent`, `SessionEnded`.
    fn disconnect(&self, reason: &Text) -> Result<(), PlayerError>;

    /// The same session as a handle that may be kept past the callback.
    fn handle(&self) -> Arc<dyn VirtualBackendSession>;
}

/// What kind of thing went wrong, as in the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PlayerErrorKind {
    /// Not delivered: the client is gone, or its queue is full.
    SendFailed,
    /// The session has ended.
    SessionEnded,
    /// A negative id, a size over the frame limit, or a packet that would change the protocol state.
    InvalidPacket,
    /// Not a text component: bad JSON, or past the bounds of depth and size.
    InvalidComponent,
    /// No such server in the host's configuration.
    UnknownServer,
    /// A switch is under way already.
    SwitchInProgress,
    /// A limit of the host is reached.
    QuotaExceeded,
    /// This host cannot do it.
    Unsupported,
}

impl PlayerErrorKind {
    /// The name in the contract.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::SendFailed => "send-failed",
            Self::SessionEnded => "session-ended",
            Self::InvalidPacket => "invalid-packet",
            Self::InvalidComponent => "invalid-component",
            Self::UnknownServer => "unknown-server",
            Self::SwitchInProgress => "switch-in-progress",
            Self::QuotaExceeded => "quota-exceeded",
            Self::Unsupported => "unsupported",
        }
    }
}

/// Why a call on a session was refused. The session lives on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", kind.name())]
pub struct PlayerError {
    /// For the plugin to act on.
    pub kind: PlayerErrorKind,
    /// For a person to read.
    pub message: String,
}

impl PlayerError {
    /// Of this kind, in these words.
    pub fn new(kind: PlayerErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }
}

/// Why a batch was refused. Nothing of a refused batch is sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("packet {index} of the batch: {error}")]
pub struct BatchError {
    /// Of the first packet at fault, counted from 0.
    pub index: u32,
    /// What is wrong with it.
    #[source]
    pub error: PlayerError,
}
