//! What plugins are written against: the native side of the contract in `wit/`.
//!
//! The names are those of the contract. A guest sees the same things through the [`bridge`](crate::bridge), which is
//! one more native handler.

mod events;
mod plugin;
mod session;
mod types;

pub use events::{
    ChooseInitialServer, ChooseInitialServerResult, Event, EventKind, EventOutcome,
    KickedFromServer, KickedFromServerResult, MAX_LIMBO_REASON, MAX_LIMBO_REASONS, MAX_SERVER_NAME,
    PlayerDisconnect, PostLogin, PreLogin, PreLoginResult, ServerPreConnect,
    ServerPreConnectResult, SwitchFailed,
};
pub(crate) use plugin::HandlerEntry;
pub use plugin::{
    BoxFuture, NativePlugin, Registrar, RegistrationError, RegistrationErrorKind,
    VirtualBackendHandler,
};
pub(crate) use session::Sealed;
pub use session::{BatchError, PlayerError, PlayerErrorKind, VirtualBackendSession};
pub use types::{
    GameProfile, HandlerId, ListenerId, PlayerId, ProfileProperty, RawPacket, TaskId, Text, Uuid,
};
