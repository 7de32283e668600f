//! The native side of the contract in `wit/`: what a host, the plugins in its process and whoever judges it agree on.
//! Nothing here runs anything, and no engine for WebAssembly is below it.
//!
//! ```text
//! plugin -> Registrar -> host -> Event -> plugin -> EventOutcome -> host -> VirtualBackendHandler(session)
//!                         └─> HostEvent -> Observer
//! ```
//!
//! | Module | Holds |
//! |---|---|
//! | `plugin` | the traits of native plugins and handlers, and what they register |
//! | `session` | a session as a handler sees it, and its errors |
//! | `events`, `types` | events with their answers, ids, profiles, packets |
//! | [`capability`] | what a plugin may use: baseline, permissions, deny |
//! | [`config`] | the TOML configuration and every limit |
//! | `observer` | what a host tells whoever watches it |
//! | `nearest` | what was meant by a name that is not known |
//! | `file` | reading what an operator has named: no pipe, no more than a limit |
//!
//! ```
//! use vb_contract::{Capability, HostConfig};
//!
//! let text = "[plugins.lobby]\npermissions = [\"virtual-backend\"]\n";
//! let config = HostConfig::parse(text, "host.toml")?;
//! assert!(config.plugins["lobby"].grants().allows(Capability::VirtualBackend));
//! # Ok::<(), vb_contract::ConfigError>(())
//! ```

#![forbid(unsafe_code)]

pub mod capability;
pub mod config;
mod events;
mod file;
mod nearest;
mod observer;
mod plugin;
mod session;
mod types;

pub use capability::{Capability, Grants};
pub use config::{
    ConfigError, Duplicate, HostConfig, HostLimits, Instances, Limits, Names, PlayersConfig,
    PluginConfig, ServerConfig, TableError,
};
pub use events::{
    ChooseInitialServer, ChooseInitialServerResult, Event, EventKind, EventOutcome,
    KickedFromServer, KickedFromServerResult, MAX_LIMBO_REASON, MAX_LIMBO_REASONS, MAX_SERVER_NAME,
    PlayerDisconnect, PostLogin, PreLogin, PreLoginResult, ServerPreConnect,
    ServerPreConnectResult, SwitchFailed,
};
pub use file::{FileError, read_file};
pub use nearest::{near, nearest};
pub use observer::{
    Callback, DenyReason, EndCause, HostEvent, LogLevel, Observer, PluginMetadata, PluginState,
    TrapKind,
};
pub use plugin::{
    BoxFuture, HandlerEntry, ListenerEntry, NativePlugin, Registrar, RegistrationError,
    RegistrationErrorKind, VirtualBackendHandler,
};
#[doc(hidden)]
pub use session::Sealed;
pub use session::{BatchError, PlayerError, PlayerErrorKind, VirtualBackendSession};
pub use types::{
    GameProfile, HandlerId, ListenerId, PlayerId, ProfileProperty, RawPacket, TaskId, Text, Uuid,
};
