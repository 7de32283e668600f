//! What a connection tells its host, and in which terms.

use core::fmt;

use bytes::Bytes;

use crate::error::CloseReason;
use crate::profile::Uuid;

/// What happened, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The server list has asked, and has been answered from the configuration.
    StatusRequested {
        /// As stated in the handshake; may be unknown.
        protocol: i32,
    },
    /// The server list of a client before 1.7 has asked, or of a later one that fell back on its way of asking, and has
    /// been answered from the configuration.
    LegacyStatusRequested,
    /// A client of a supported protocol has said who it is. Call [`Connection::login`](super::Connection::login) or [`Connection::disconnect`](super::Connection::disconnect).
    LoginStart {
        /// Valid by [`check_name`](crate::profile::check_name).
        name: String,
        /// From protocol 760 on, where the client states it. Not to be trusted.
        claimed_uuid: Option<Uuid>,
        /// A supported one.
        protocol: i32,
    },
    /// Login success has been sent and, from protocol 764 on, acknowledged. Call [`Connection::enter_play`](super::Connection::enter_play) or
    /// [`Connection::disconnect`](super::Connection::disconnect).
    LoggedIn,
    /// The client is in the play state and has been sent nothing of it.
    InPlay,
    /// A play packet, as the client sent it.
    Packet {
        /// Of the client's protocol; never negative, otherwise unchecked.
        id: i32,
        /// Everything that follows the id. Keeps the memory of what was received with it until it is dropped.
        data: Bytes,
    },
    /// The last event.
    Closed(CloseReason),
}

/// A packet to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawPacketRef<'a> {
    /// Of the client's protocol.
    pub id: i32,
    /// Everything that follows the id.
    pub data: &'a [u8],
}

/// A packet that [`Connection::check_packet`](super::Connection::check_packet) has let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckedPacket<'a>(pub(super) RawPacketRef<'a>);

impl CheckedPacket<'_> {
    /// Bytes that follow its id.
    #[must_use]
    pub fn size(&self) -> usize {
        self.0.data.len()
    }
}

/// Where a connection is, as the client's next packet will be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Nothing has come yet.
    Handshake,
    /// The server list.
    Status,
    /// Until login success, or from protocol 764 on until it is acknowledged.
    Login,
    /// From protocol 764 on, between login and play.
    Configuration,
    /// The game.
    Play,
    /// Over.
    Closed,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Phase::Handshake => "handshake",
            Phase::Status => "status",
            Phase::Login => "login",
            Phase::Configuration => "configuration",
            Phase::Play => "play",
            Phase::Closed => "closed",
        })
    }
}
