//! Where a connection is, and what follows from that alone.

use super::configuration::Configuration;
use super::{MAX_CONFIGURATION_PACKET, MAX_LOGIN_PACKET, Now, Phase};
use crate::frame::Limit;
use crate::ids::PacketIds;
use crate::version::Version;

/// What the connection waits for, with what belongs to that wait alone.
#[derive(Debug)]
pub(super) enum Stage {
    Handshake {
        deadline: Now,
        /// When what has come so far counts as a ping of an old client.
        doubt: Option<Now>,
    },
    Status {
        version: Version,
        asked: bool,
        deadline: Now,
    },
    LoginStart {
        ids: PacketIds,
        deadline: Now,
    },
    /// For the host's [`Connection::login`].
    Decision {
        ids: PacketIds,
    },
    Acknowledgement {
        ids: PacketIds,
        deadline: Now,
    },
    /// For the host's [`Connection::enter_play`], where there is no configuration phase. Input is held.
    Admission {
        ids: PacketIds,
    },
    Configuration(Configuration),
    Play {
        ids: PacketIds,
    },
    Closed,
}

impl Stage {
    /// What the next packet may cost; none while packets are not taken apart.
    pub(super) fn limit(&self) -> Option<Limit> {
        match self {
            Stage::Handshake { .. }
            | Stage::Status { .. }
            | Stage::LoginStart { .. }
            | Stage::Decision { .. }
            | Stage::Acknowledgement { .. } => Some(Limit::of(MAX_LOGIN_PACKET)),
            Stage::Configuration(_) => Some(Limit::of(MAX_CONFIGURATION_PACKET)),
            Stage::Play { .. } => Some(Limit::PROTOCOL),
            Stage::Admission { .. } | Stage::Closed => None,
        }
    }

    /// As the client's next packet will be understood.
    pub(super) fn phase(&self) -> Phase {
        match self {
            Stage::Handshake { .. } => Phase::Handshake,
            Stage::Status { .. } => Phase::Status,
            Stage::LoginStart { .. } | Stage::Decision { .. } | Stage::Acknowledgement { .. } => {
                Phase::Login
            }
            Stage::Configuration(_) => Phase::Configuration,
            Stage::Admission { .. } | Stage::Play { .. } => Phase::Play,
            Stage::Closed => Phase::Closed,
        }
    }

    /// When what is waited for must have come.
    pub(super) fn poll_timeout(&self) -> Option<Now> {
        match self {
            Stage::Handshake { deadline, doubt } => {
                Some(doubt.map_or(*deadline, |doubt| doubt.min(*deadline)))
            }
            Stage::Status { deadline, .. }
            | Stage::LoginStart { deadline, .. }
            | Stage::Acknowledgement { deadline, .. } => Some(*deadline),
            Stage::Configuration(configuration) => Some(configuration.poll_timeout()),
            Stage::Decision { .. }
            | Stage::Admission { .. }
            | Stage::Play { .. }
            | Stage::Closed => None,
        }
    }
}
