//! What the host tells whoever watches it: everything a judge needs to see whether it kept the contract.

use crate::{
    BatchError, Event, EventKind, EventOutcome, HandlerId, ListenerId, PlayerError, PlayerId,
    RawPacket, RegistrationError, TaskId, Text,
};
use std::fmt;
use std::time::Duration;

/// Sees what happens in a host, in the order in which it happens.
///
/// Called on the task at work, some of the time with an instance locked: it must return soon and must not call the host.
pub trait Observer: Send + Sync {
    /// Something has happened.
    fn on_event(&self, event: HostEvent);
}

/// How loud a guest's log line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Everything.
    Trace,
    /// For whoever debugs the plugin.
    Debug,
    /// For the operator.
    Info,
    /// Something is odd.
    Warn,
    /// Something is wrong.
    Error,
}

/// What a plugin says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginMetadata {
    /// Lower-case letters, digits, `-` and `_`; starts with a letter; at most 64 characters.
    pub id: String,
    /// For people.
    pub name: String,
    /// A semantic version.
    pub version: String,
    /// Who wrote it.
    pub authors: Vec<String>,
    /// What it does.
    pub description: Option<String>,
}

/// Where a plugin is in its life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PluginState {
    /// An instance is about to be enabled.
    Enabling,
    /// `on-enable` has returned. `before` and `after` are what `metadata` said around it; none for a native plugin.
    Enabled {
        /// Before `on-enable`.
        before: Option<Box<PluginMetadata>>,
        /// After `on-enable`; the contract demands the same.
        after: Option<Box<PluginMetadata>>,
    },
    /// Off for good: the plugin refused, or said something of itself that the contract forbids.
    Off {
        /// For a person to read.
        reason: String,
    },
    /// The instance has trapped; the next is enabled after this delay.
    Restarting {
        /// Until then.
        after: Duration,
    },
    /// Too many restarts in too short a time; the gates it held stay shut.
    Quarantined,
    /// `on-disable` has returned.
    Disabled,
}

/// One function that a plugin exports or implements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Callback {
    /// Making the instance.
    Instantiate,
    /// `metadata`.
    Metadata,
    /// `on-enable`.
    OnEnable,
    /// `on-disable`.
    OnDisable,
    /// `handle-event`.
    HandleEvent,
    /// `on-scheduled-task`.
    OnScheduledTask,
    /// `virtual-backend-on-session-start`.
    SessionStart,
    /// `virtual-backend-on-packet-received`.
    PacketReceived,
    /// `virtual-backend-on-session-end`.
    SessionEnd,
}

impl Callback {
    /// Every one.
    pub const ALL: [Self; 9] = [
        Self::Instantiate,
        Self::Metadata,
        Self::OnEnable,
        Self::OnDisable,
        Self::HandleEvent,
        Self::OnScheduledTask,
        Self::SessionStart,
        Self::PacketReceived,
        Self::SessionEnd,
    ];

    /// The name in the contract.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Instantiate => "instantiation",
            Self::Metadata => "metadata",
            Self::OnEnable => "on-enable",
            Self::OnDisable => "on-disable",
            Self::HandleEvent => "handle-event",
            Self::OnScheduledTask => "on-scheduled-task",
            Self::SessionStart => "virtual-backend-on-session-start",
            Self::PacketReceived => "virtual-backend-on-packet-received",
            Self::SessionEnd => "virtual-backend-on-session-end",
        }
    }
}

impl fmt::Display for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What poisoned an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrapKind {
    /// `unreachable`, a bad memory access, and the like; the text is wasmtime's.
    Trap(String),
    /// The CPU budget of a callback ran out.
    CpuBudget,
    /// Linear memory or a table would have grown past its limit.
    MemoryLimit {
        /// In bytes.
        limit: u64,
    },
    /// One call would have filled more of the host than `call_bytes` allows.
    CallBytes {
        /// What is allowed.
        limit: u64,
    },
    /// There are as many instances as the host may have; the text is wasmtime's, with the number.
    NoInstanceLeft(String),
    /// The WebAssembly stack ran out.
    StackOverflow,
    /// A broken rule of the canonical ABI, in a call of either side: a handle that is not a session's, a borrow that was
    /// not dropped, a string or list outside the memory; the text is wasmtime's.
    HostCall(String),
}

impl fmt::Display for TrapKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trap(text) => write!(f, "trap: {text}"),
            Self::CpuBudget => f.write_str("used up its CPU budget"),
            Self::MemoryLimit { limit } => write!(f, "went over its memory limit of {limit} bytes"),
            Self::CallBytes { limit } => write!(
                f,
                "handed more than {limit} bytes over in one call; `call_bytes` under [plugins.NAME.limits] says how many it may"
            ),
            Self::NoInstanceLeft(text) => write!(
                f,
                "no instance is left for it: {text}; raise `instances` under [limits], or let sessions share one"
            ),
            Self::StackOverflow => f.write_str("trap: stack overflow"),
            Self::HostCall(text) => write!(f, "broke the rules of a call: {text}"),
        }
    }
}

/// Why the gate stayed shut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DenyReason {
    /// A plugin said so.
    ByPlugin,
    /// Nobody chose a server, and none is configured.
    NoServer,
    /// The server chosen is not configured.
    UnknownServer(String),
    /// The server chosen is configured, and this host has no connector to servers.
    NoConnector(String),
    /// A virtual backend was answered by a plugin without the capability.
    NotGranted,
    /// No such handler of the plugin that answered.
    UnknownHandler(HandlerId),
    /// The plugin has as many sessions as it may have.
    Full(u32),
    /// A listener trapped.
    ListenerFailed(String),
    /// A listener answered with an outcome of another kind.
    WrongOutcome(EventKind),
    /// The plugin that holds the gate is restarting or in quarantine.
    PluginDown,
    /// A plugin is down, and its table, or that it has never come up, says that it holds the gate.
    HeldShut,
    /// A connection of the same player is there and stays.
    AlreadyIn,
}

impl fmt::Display for DenyReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ByPlugin => f.write_str("denied by the plugin"),
            Self::NoServer => f.write_str("no server was chosen and none is configured"),
            Self::UnknownServer(name) => write!(f, "the server \"{name}\" is not configured"),
            Self::NoConnector(name) => {
                write!(
                    f,
                    "this host cannot connect to servers (\"{name}\" was chosen)"
                )
            }
            Self::NotGranted => {
                f.write_str("a virtual backend without the capability \"virtual-backend\"")
            }
            Self::UnknownHandler(id) => write!(f, "the plugin has no handler with id {id}"),
            Self::Full(limit) => {
                write!(f, "the plugin has its {limit} sessions, which is the limit")
            }
            Self::ListenerFailed(why) => write!(f, "the listener failed: {why}"),
            Self::WrongOutcome(kind) => write!(f, "the listener answered as if to {kind}"),
            Self::PluginDown => f.write_str("the plugin is not running"),
            Self::AlreadyIn => f.write_str("a player of the same UUID is connected"),
            Self::HeldShut => f.write_str(
                "the plugin is not running, and may hold this gate; `gates` in its table says which it holds",
            ),
        }
    }
}

/// Why a connection, and with it a session, has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EndCause {
    /// The client closed, reset, or half-closed.
    ClientLeft,
    /// The client broke the protocol; the text says how.
    ClientFault(String),
    /// The client took nothing for 30 s.
    ClientStalled,
    /// The client did not answer in time before the session; the text says what was waited for.
    ClientTimedOut(String),
    /// A protocol without packet tables wanted to log in.
    UnsupportedProtocol(i32),
    /// The host refused the client.
    Denied(DenyReason),
    /// The host had no place for the client.
    NoPlace,
    /// The client was not read for 30 s because the budget for what waits was used up.
    NoMemory,
    /// The handler said so.
    ByHandler,
    /// Whoever runs the host said so.
    Kicked,
    /// The start callback did not return in time.
    StartDeadline,
    /// The instance trapped.
    PluginFailed,
    /// The plugin was disabled.
    PluginStopped,
    /// The same player logged in again, and this connection gave way.
    LoggedInElsewhere,
    /// The host shuts down.
    Shutdown,
    /// A question about the server's state, answered.
    Status,
    /// The host could not go on: a fault of its data or its own.
    HostFault(String),
}

impl fmt::Display for EndCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClientLeft => f.write_str("the client left"),
            Self::ClientFault(how) | Self::ClientTimedOut(how) | Self::HostFault(how) => {
                f.write_str(how)
            }
            Self::ClientStalled => f.write_str("the client took nothing for 30 s"),
            Self::UnsupportedProtocol(protocol) => {
                write!(f, "protocol {protocol} is not supported")
            }
            Self::Denied(reason) => write!(f, "denied: {reason}"),
            Self::NoPlace => f.write_str("there was no place"),
            Self::NoMemory => f.write_str("there was no memory for more of the client's packets"),
            Self::ByHandler => f.write_str("the handler disconnected the client"),
            Self::Kicked => f.write_str("kicked"),
            Self::LoggedInElsewhere => f.write_str("the same player logged in again"),
            Self::StartDeadline => f.write_str("the start callback did not return in time"),
            Self::PluginFailed => f.write_str("the plugin failed"),
            Self::PluginStopped => f.write_str("the plugin was stopped"),
            Self::Shutdown => f.write_str("the host shuts down"),
            Self::Status => f.write_str("the server list has its answer"),
        }
    }
}

/// Something that happened in the host. `player` names the connection from its first byte on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum HostEvent {
    /// A plugin's life goes on.
    Plugin {
        /// Its name in the configuration.
        plugin: String,
        /// Which instance, counted from 1.
        incarnation: u32,
        /// What it has become.
        state: PluginState,
    },
    /// A guest wrote a line, cut and within its rate.
    GuestLog {
        /// Its name in the configuration.
        plugin: String,
        /// How loud.
        level: LogLevel,
        /// The line.
        message: String,
    },
    /// The host stops, and so many connections still wait for a callback of this plugin.
    StopWaits {
        /// Its name in the configuration.
        plugin: String,
        /// What for.
        callback: Callback,
        /// How many.
        connections: usize,
    },
    /// Lines of a guest, or of the host's on its account, were dropped in the second that has passed.
    GuestLogDropped {
        /// Its name in the configuration.
        plugin: String,
        /// How many.
        lines: u64,
    },
    /// A listener or handler was refused.
    RegistrationRefused {
        /// Its name in the configuration.
        plugin: String,
        /// Why.
        error: RegistrationError,
    },
    /// What an operator should know of a plugin and nothing else here tells.
    Note {
        /// Its name in the configuration.
        plugin: String,
        /// For which connection, if for one.
        player: Option<PlayerId>,
        /// How bad it is.
        level: LogLevel,
        /// What it is, cut and of one line.
        text: String,
    },
    /// An instance is poisoned: nothing calls into it again.
    Trap {
        /// Its name in the configuration.
        plugin: String,
        /// Which instance, counted from 1.
        incarnation: u32,
        /// What it was doing.
        callback: Callback,
        /// For which connection, where it was a callback of a session.
        player: Option<PlayerId>,
        /// What happened.
        kind: TrapKind,
    },
    /// A connection has come.
    Connected {
        /// The connection.
        player: PlayerId,
        /// IP address and port.
        peer: String,
    },
    /// An event is about to be shown to the listeners.
    EventFired {
        /// The connection.
        player: PlayerId,
        /// The event.
        event: Event,
    },
    /// A listener has answered.
    ListenerAnswered {
        /// The connection.
        player: PlayerId,
        /// The plugin's name.
        plugin: String,
        /// Which of its listeners.
        listener: ListenerId,
        /// To what.
        event: EventKind,
        /// What it said, or why it could not.
        outcome: Result<EventOutcome, DenyReason>,
    },
    /// An event is decided; `plugin` is whose answer it was.
    EventDecided {
        /// The connection.
        player: PlayerId,
        /// The event.
        event: EventKind,
        /// Whose answer counted.
        plugin: Option<String>,
        /// The answer; [`EventOutcome::NoOpinion`] when nobody had one.
        outcome: Result<EventOutcome, DenyReason>,
    },
    /// The gate stayed shut.
    Denied {
        /// The connection.
        player: PlayerId,
        /// The plugin whose answer or failure it was.
        plugin: Option<String>,
        /// Why.
        reason: DenyReason,
        /// What the player is shown.
        text: Text,
    },
    /// A callback of a session is about to be called.
    CallbackStarted {
        /// The connection.
        player: PlayerId,
        /// Which.
        callback: Callback,
    },
    /// A callback of a session has returned, trapped, or was given up.
    CallbackEnded {
        /// The connection.
        player: PlayerId,
        /// Which.
        callback: Callback,
    },
    /// A call into an instance has returned, and this is what it used of its budget. Only where fuel is counted.
    FuelUsed {
        /// The plugin's name.
        plugin: String,
        /// Which callback.
        callback: Callback,
        /// About one a WebAssembly instruction.
        fuel: u64,
    },
    /// The client is in play and belongs to a handler; the start callback follows.
    SessionStarted {
        /// The connection.
        player: PlayerId,
        /// The plugin's name; `limbo` for the host's own.
        plugin: String,
        /// Which of its handlers.
        handler: HandlerId,
        /// The client's protocol.
        protocol_version: i32,
    },
    /// A packet of the client is about to be handed to the handler.
    PacketIn {
        /// The connection.
        player: PlayerId,
        /// The packet.
        packet: RawPacket,
    },
    /// A packet of the handler was queued.
    PacketOut {
        /// The connection.
        player: PlayerId,
        /// The packet.
        packet: RawPacket,
    },
    /// A system message of the handler was queued.
    MessageOut {
        /// The connection.
        player: PlayerId,
        /// The message.
        message: Text,
    },
    /// The handler ends the session; the reason follows all that was queued before.
    DisconnectOut {
        /// The connection.
        player: PlayerId,
        /// What the player is shown.
        reason: Text,
    },
    /// A call on a session was refused.
    CallRefused {
        /// The connection.
        player: PlayerId,
        /// Why.
        error: PlayerError,
    },
    /// A batch on a session was refused.
    BatchRefused {
        /// The connection.
        player: PlayerId,
        /// Why.
        error: BatchError,
    },
    /// The session is over. `notified` tells whether the end callback is called: not into a poisoned instance.
    SessionEnded {
        /// The connection.
        player: PlayerId,
        /// Why.
        cause: EndCause,
        /// Whether the handler hears of it.
        notified: bool,
    },
    /// A scheduled task is about to run.
    TaskRun {
        /// The plugin's name.
        plugin: String,
        /// Which of its tasks.
        task: TaskId,
    },
    /// The connection is closed, all that could be flushed is flushed.
    Closed {
        /// The connection.
        player: PlayerId,
        /// Why.
        cause: EndCause,
    },
}

impl HostEvent {
    /// The connection that it is about; none where it is about a plugin only.
    #[must_use]
    pub const fn player(&self) -> Option<PlayerId> {
        match self {
            Self::Connected { player, .. }
            | Self::EventFired { player, .. }
            | Self::ListenerAnswered { player, .. }
            | Self::EventDecided { player, .. }
            | Self::Denied { player, .. }
            | Self::CallbackStarted { player, .. }
            | Self::CallbackEnded { player, .. }
            | Self::SessionStarted { player, .. }
            | Self::PacketIn { player, .. }
            | Self::PacketOut { player, .. }
            | Self::MessageOut { player, .. }
            | Self::DisconnectOut { player, .. }
            | Self::CallRefused { player, .. }
            | Self::BatchRefused { player, .. }
            | Self::SessionEnded { player, .. }
            | Self::Closed { player, .. } => Some(*player),
            Self::Trap { player, .. } | Self::Note { player, .. } => *player,
            Self::Plugin { .. }
            | Self::StopWaits { .. }
            | Self::GuestLog { .. }
            | Self::GuestLogDropped { .. }
            | Self::RegistrationRefused { .. }
            | Self::FuelUsed { .. }
            | Self::TaskRun { .. } => None,
        }
    }
}
