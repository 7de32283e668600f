//! The reference host of the virtual backend: what a proxy does when a plugin plays the part of the server.
//!
//! ```text
//! bytes -> backend-proto -> host::session -> host::dispatch -> NativePlugin | bridge (guest) -> effects -> bytes
//! ```
//!
//! | Module | Holds |
//! |---|---|
//! | [`config`] | the TOML configuration and every limit |
//! | [`capability`] | what a plugin may use: baseline, permissions, deny |
//! | [`api`] | the traits of native plugins and handlers, events and their answers |
//! | [`host`] | connections, dispatch of events, sessions, shutdown, and what an [`Observer`] sees |
//! | [`bridge`] | WebAssembly guests: loading, linking, calls, limits, restarts |
//! | [`limbo`] | an idle empty world, as a native handler |
//! | [`log`] | the host's log, which makes nobody wait |
//! | [`adapter`] | the host for whoever judges hosts from outside, by lines of JSON |
//! | `shown` | texts of others on their way into a line, cut and escaped |
//! | `clock` | the clock of a thread |
//! | `fault` | what can be broken on purpose, in builds that can |
//! | `file` | reading what an operator has named: no pipe, no more than a limit |
//! | `descriptors`, `listen` | open files, and the listener's queue |
//! | `signals` | how an operator ends a server, and what else the system says to it |
//!
//! A [`Host`] is built from a [`HostConfig`], guests and native plugins, and takes connections from anywhere:
//! [`Host::serve`] for a listener, [`Host::accept`] for a stream, [`Host::connect`] in memory. Every timer goes
//! through tokio's clock, so a host runs in paused time; a guest's callbacks run on the task of its session.

#![forbid(unsafe_code)]

pub mod adapter;
pub mod api;
pub mod bridge;
pub mod capability;
mod clock;
pub mod config;
mod descriptors;
mod fault;
mod file;
pub mod host;
pub mod limbo;
mod listen;
pub mod log;
mod shown;
mod signals;

pub use api::{
    BatchError, BoxFuture, ChooseInitialServerResult, Event, EventKind, EventOutcome, GameProfile,
    HandlerId, KickedFromServerResult, ListenerId, NativePlugin, PlayerError, PlayerErrorKind,
    PlayerId, PreLoginResult, ProfileProperty, RawPacket, Registrar, RegistrationError,
    RegistrationErrorKind, ServerPreConnectResult, TaskId, Text, Uuid, VirtualBackendHandler,
    VirtualBackendSession,
};
pub use bridge::{
    CpuMeter, DataFolderError, EngineError, GuestComponent, GuestEngine, LoadError,
    MissingCapability,
};
pub use capability::Capability;
pub use config::{
    ConfigError, Duplicate, HostConfig, HostLimits, Instances, Limits, Names, PlayersConfig,
    PluginConfig, ServerConfig, TableError,
};
pub use descriptors::FileRoom;
pub use fault::Fault;
pub use file::{FileError, read_file};
pub use host::{
    Callback, DenyReason, EndCause, Host, HostBuilder, HostEvent, LogLevel, Observer,
    PluginMetadata, PluginState, StartError, TrapKind,
};
pub use listen::{backlog_limit, listen};
pub use shown::{CUT, SHOWN_BYTES, shown, shown_within};
pub use signals::{SIGNAL_IGNORED, Signals};
