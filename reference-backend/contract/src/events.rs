//! The events of a connection and what a listener may answer, as in `wit/events.wit`.
//!
//! Their order for one connection: pre-login, post-login, choose-initial-server, server-pre-connect, then the start of
//! a session; player-disconnect last, once, for every connection that reached post-login.

use super::{GameProfile, HandlerId, PlayerId, Text, Uuid};
use std::fmt;

/// Which event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventKind {
    /// The client has said who it is.
    PreLogin,
    /// The client is logged in.
    PostLogin,
    /// Which server comes first.
    ChooseInitialServer,
    /// A server, or what stands in for it, is about to be joined.
    ServerPreConnect,
    /// A server has kicked the player.
    KickedFromServer,
    /// A switch that was accepted has failed.
    SwitchFailed,
    /// The connection has ended.
    PlayerDisconnect,
}

impl EventKind {
    /// Every kind, in the order of the contract.
    pub const ALL: [Self; 7] = [
        Self::PreLogin,
        Self::PostLogin,
        Self::ChooseInitialServer,
        Self::ServerPreConnect,
        Self::KickedFromServer,
        Self::SwitchFailed,
        Self::PlayerDisconnect,
    ];

    /// The gates, in the order in which a connection comes to them.
    pub const GATES: [Self; 2] = [Self::PreLogin, Self::ServerPreConnect];

    /// The name in the contract.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::PreLogin => "pre-login",
            Self::PostLogin => "post-login",
            Self::ChooseInitialServer => "choose-initial-server",
            Self::ServerPreConnect => "server-pre-connect",
            Self::KickedFromServer => "kicked-from-server",
            Self::SwitchFailed => "switch-failed",
            Self::PlayerDisconnect => "player-disconnect",
        }
    }

    /// Whether a listener's answer decides something. An event that takes no answer reaches every listener.
    #[must_use]
    pub fn takes_answer(self) -> bool {
        matches!(
            self,
            Self::PreLogin
                | Self::ChooseInitialServer
                | Self::ServerPreConnect
                | Self::KickedFromServer
        )
    }

    /// Whether a listener that fails shuts the door. At the other events a failure counts as no opinion.
    #[must_use]
    pub fn is_gate(self) -> bool {
        Self::GATES.contains(&self)
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The client has said who it is; nothing has been answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreLogin {
    /// As the client gave it, within the protocol's bounds.
    pub name: String,
    /// What the client claims, from protocol 760 on. Not to be trusted.
    pub claimed_uuid: Option<Uuid>,
    /// The client's protocol.
    pub protocol_version: i32,
    /// IP address and port, as text.
    pub remote_address: String,
}

/// The client is logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostLogin {
    /// The connection.
    pub player_id: PlayerId,
    /// Who it is.
    pub profile: GameProfile,
    /// The client's protocol.
    pub protocol_version: i32,
}

/// Which server comes first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChooseInitialServer {
    /// The connection.
    pub player_id: PlayerId,
    /// Who it is.
    pub profile: GameProfile,
    /// What the configuration says, if anything.
    pub initial: Option<String>,
}

/// A server, or what stands in for it, is about to be joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerPreConnect {
    /// The connection.
    pub player_id: PlayerId,
    /// Who it is.
    pub profile: GameProfile,
    /// The client's protocol.
    pub protocol_version: i32,
    /// None when no server was chosen.
    pub target: Option<String>,
}

/// A server has kicked the player.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KickedFromServer {
    /// The connection.
    pub player_id: PlayerId,
    /// The server's name in the configuration.
    pub server: String,
    /// What the server gave as reason.
    pub reason: Option<Text>,
}

/// A switch that was accepted has failed; the session goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwitchFailed {
    /// The connection.
    pub player_id: PlayerId,
    /// The server's name in the configuration.
    pub target: String,
    /// For a person to read.
    pub reason: String,
}

/// The connection has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlayerDisconnect {
    /// The connection.
    pub player_id: PlayerId,
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// See [`PreLogin`].
    PreLogin(PreLogin),
    /// See [`PostLogin`].
    PostLogin(PostLogin),
    /// See [`ChooseInitialServer`].
    ChooseInitialServer(ChooseInitialServer),
    /// See [`ServerPreConnect`].
    ServerPreConnect(ServerPreConnect),
    /// See [`KickedFromServer`].
    KickedFromServer(KickedFromServer),
    /// See [`SwitchFailed`].
    SwitchFailed(SwitchFailed),
    /// See [`PlayerDisconnect`].
    PlayerDisconnect(PlayerDisconnect),
}

impl Event {
    /// Which event it is.
    #[must_use]
    pub fn kind(&self) -> EventKind {
        match self {
            Self::PreLogin(_) => EventKind::PreLogin,
            Self::PostLogin(_) => EventKind::PostLogin,
            Self::ChooseInitialServer(_) => EventKind::ChooseInitialServer,
            Self::ServerPreConnect(_) => EventKind::ServerPreConnect,
            Self::KickedFromServer(_) => EventKind::KickedFromServer,
            Self::SwitchFailed(_) => EventKind::SwitchFailed,
            Self::PlayerDisconnect(_) => EventKind::PlayerDisconnect,
        }
    }
}

/// An answer to [`PreLogin`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PreLoginResult {
    /// The login goes on.
    Allowed,
    /// The client is disconnected with this text.
    Denied(Text),
}

/// An answer to [`ChooseInitialServer`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChooseInitialServerResult {
    /// What the configuration says stands.
    Allowed,
    /// This server instead.
    Redirect(String),
}

/// An answer to [`ServerPreConnect`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerPreConnectResult {
    /// The target stands.
    Allowed,
    /// This server instead.
    ConnectTo(String),
    /// An idle empty world of the host's own; the list names why, for the log.
    SendToLimbo(Vec<String>),
    /// The client is disconnected with this text.
    Denied(Text),
    /// The plugin itself plays the server, through the handler it registered under this id.
    VirtualBackend(HandlerId),
}

/// An answer to [`KickedFromServer`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KickedFromServerResult {
    /// The client is disconnected with this text.
    Disconnect(Text),
    /// On to this server.
    Redirect(String),
    /// Into the host's empty world; the list names why, for the log.
    SendToLimbo(Vec<String>),
    /// On to this handler of the plugin that answers.
    VirtualBackend(HandlerId),
}

/// Longest name of a server, in bytes: as long as the name of a file.
pub const MAX_SERVER_NAME: usize = 255;
/// Most reasons of one `send-to-limbo`: a handful, for the log.
pub const MAX_LIMBO_REASONS: usize = 16;
/// Longest reason of a `send-to-limbo`, in bytes: a sentence.
pub const MAX_LIMBO_REASON: usize = 256;

/// What a listener answers. One of another kind than its event is a fault: a gate then stays shut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventOutcome {
    /// The next listener is asked.
    NoOpinion,
    /// To [`PreLogin`].
    PreLogin(PreLoginResult),
    /// To [`ChooseInitialServer`].
    ChooseInitialServer(ChooseInitialServerResult),
    /// To [`ServerPreConnect`].
    ServerPreConnect(ServerPreConnectResult),
    /// To [`KickedFromServer`].
    KickedFromServer(KickedFromServerResult),
}

impl EventOutcome {
    /// The kind of event this may answer; none for [`EventOutcome::NoOpinion`], which fits each.
    #[must_use]
    pub fn kind(&self) -> Option<EventKind> {
        match self {
            Self::NoOpinion => None,
            Self::PreLogin(_) => Some(EventKind::PreLogin),
            Self::ChooseInitialServer(_) => Some(EventKind::ChooseInitialServer),
            Self::ServerPreConnect(_) => Some(EventKind::ServerPreConnect),
            Self::KickedFromServer(_) => Some(EventKind::KickedFromServer),
        }
    }

    /// What of it is longer than the contract allows, for a person to read. A text for the player has bounds of the
    /// protocol's own.
    #[must_use]
    pub fn too_long(&self) -> Option<String> {
        let (server, reasons) = match self {
            Self::ChooseInitialServer(ChooseInitialServerResult::Redirect(server))
            | Self::ServerPreConnect(ServerPreConnectResult::ConnectTo(server))
            | Self::KickedFromServer(KickedFromServerResult::Redirect(server)) => {
                (server.as_str(), [].as_slice())
            }
            Self::ServerPreConnect(ServerPreConnectResult::SendToLimbo(reasons))
            | Self::KickedFromServer(KickedFromServerResult::SendToLimbo(reasons)) => {
                ("", reasons.as_slice())
            }
            _ => return None,
        };
        let reason = reasons.iter().map(String::len).max().unwrap_or_default();
        if server.len() > MAX_SERVER_NAME {
            Some(format!(
                "a server's name has at most {MAX_SERVER_NAME} bytes, this one has {}",
                server.len()
            ))
        } else if reasons.len() > MAX_LIMBO_REASONS {
            Some(format!(
                "`send-to-limbo` takes at most {MAX_LIMBO_REASONS} reasons, these are {}",
                reasons.len()
            ))
        } else if reason > MAX_LIMBO_REASON {
            Some(format!(
                "a reason of `send-to-limbo` has at most {MAX_LIMBO_REASON} bytes, this one has {reason}"
            ))
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_answers_have_an_edge() {
        let limbo = |count: usize, bytes: usize| {
            let reasons = vec!["a".repeat(bytes); count];
            [
                EventOutcome::ServerPreConnect(ServerPreConnectResult::SendToLimbo(
                    reasons.clone(),
                )),
                EventOutcome::KickedFromServer(KickedFromServerResult::SendToLimbo(reasons)),
            ]
        };
        let server = |bytes: usize| {
            let name = "a".repeat(bytes);
            [
                EventOutcome::ChooseInitialServer(ChooseInitialServerResult::Redirect(
                    name.clone(),
                )),
                EventOutcome::ServerPreConnect(ServerPreConnectResult::ConnectTo(name.clone())),
                EventOutcome::KickedFromServer(KickedFromServerResult::Redirect(name)),
            ]
        };
        for good in limbo(MAX_LIMBO_REASONS, MAX_LIMBO_REASON) {
            assert_eq!(good.too_long(), None);
        }
        for good in server(MAX_SERVER_NAME) {
            assert_eq!(good.too_long(), None);
        }
        for bad in limbo(MAX_LIMBO_REASONS + 1, 1) {
            let why = bad.too_long().expect("too many");
            assert!(why.ends_with("at most 16 reasons, these are 17"), "{why}");
        }
        for bad in limbo(1, MAX_LIMBO_REASON + 1) {
            let why = bad.too_long().expect("too long");
            assert!(
                why.ends_with("at most 256 bytes, this one has 257"),
                "{why}"
            );
        }
        for bad in server(MAX_SERVER_NAME + 1) {
            let why = bad.too_long().expect("too long");
            assert!(
                why.ends_with("at most 255 bytes, this one has 256"),
                "{why}"
            );
        }
    }
}
