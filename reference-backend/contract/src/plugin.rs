//! Native plugins and handlers.

use super::{
    Event, EventKind, EventOutcome, HandlerId, ListenerId, PlayerId, RawPacket,
    VirtualBackendSession,
};
use crate::capability::{Capability, Grants};
use crate::config::Limits;
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// A future of a plugin, on the heap so that traits can hold it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Plays the part of the server for the sessions it is given.
///
/// The callbacks of one session never overlap; those of different sessions may. While a callback waits, the session's
/// packets keep being sent, and what the client sends is kept for later.
pub trait VirtualBackendHandler: Send + Sync {
    /// For the log.
    fn name(&self) -> &str;

    /// The client is in the play state and has been sent nothing of it. Has a deadline, after which the session ends.
    fn on_session_start<'a>(&'a self, session: &'a dyn VirtualBackendSession) -> BoxFuture<'a, ()>;

    /// A packet of the client, byte for byte.
    fn on_packet_received<'a>(
        &'a self,
        session: &'a dyn VirtualBackendSession,
        packet: &'a RawPacket,
    ) -> BoxFuture<'a, ()>;

    /// Exactly once for every start. Nothing follows it.
    fn on_session_end(&self, player: PlayerId) -> BoxFuture<'_, ()>;

    /// Whether the end callback can be called: not for a guest whose instance has trapped.
    fn is_alive(&self, _player: PlayerId) -> bool {
        true
    }
}

/// A plugin that is part of the process.
pub trait NativePlugin: Send + Sync {
    /// Once, first: the place to subscribe and to register handlers. An error keeps the plugin off.
    fn on_enable<'a>(&'a self, registrar: &'a mut Registrar) -> BoxFuture<'a, Result<(), String>>;

    /// An event of a kind that was subscribed to.
    fn handle_event<'a>(
        &'a self,
        listener: ListenerId,
        event: &'a Event,
    ) -> BoxFuture<'a, EventOutcome>;

    /// Once, last.
    fn on_disable(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// What kind of thing stopped a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RegistrationErrorKind {
    /// The id or the name is in use by this plugin already.
    AlreadyRegistered,
    /// A limit of the host is reached.
    QuotaExceeded,
    /// Registration is open during `on_enable` only.
    TooLate,
    /// The name is empty, too long, or holds control characters.
    InvalidName,
    /// The plugin lacks the capability. A guest never sees this: its interface is absent.
    NotGranted,
}

/// Why a listener or handler was not registered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RegistrationError {
    /// For the plugin to act on.
    pub kind: RegistrationErrorKind,
    /// For a person to read.
    pub message: String,
}

impl RegistrationError {
    /// Of this kind, in these words.
    #[must_use]
    pub fn new(kind: RegistrationErrorKind, message: String) -> Self {
        Self { kind, message }
    }
}

/// One subscription.
#[derive(Debug, Clone)]
pub struct ListenerEntry {
    /// By which the host calls it.
    pub id: ListenerId,
    /// What it hears of.
    pub kind: EventKind,
    /// The higher, the earlier it is asked.
    pub priority: i16,
}

/// One registered handler.
#[derive(Clone)]
pub struct HandlerEntry {
    /// For the log.
    pub name: String,
    /// What is called.
    pub handler: Arc<dyn VirtualBackendHandler>,
}

/// Longest name of a handler, in bytes: it only has to fit a log line.
pub const MAX_HANDLER_NAME: usize = 64;

/// What one plugin has registered, with the quotas and capabilities that hold for it.
pub struct Registrar {
    plugin: String,
    grants: Grants,
    max_listeners: u32,
    max_handlers: u32,
    next_listener: u32,
    /// In the order in which they were subscribed.
    pub listeners: Vec<ListenerEntry>,
    /// By their ids.
    pub handlers: BTreeMap<HandlerId, HandlerEntry>,
}

impl Registrar {
    /// With nothing registered yet.
    #[must_use]
    pub fn new(plugin: &str, grants: Grants, limits: &Limits) -> Self {
        Self {
            plugin: plugin.to_owned(),
            grants,
            max_listeners: limits.listeners,
            max_handlers: limits.handlers,
            next_listener: 1,
            listeners: Vec::new(),
            handlers: BTreeMap::new(),
        }
    }

    /// The name of the plugin in the configuration.
    #[must_use]
    pub fn plugin(&self) -> &str {
        &self.plugin
    }

    /// Listeners are asked from the highest priority to the lowest. Where it is equal, the plugins are asked in the order
    /// in which they were added to the host, and one plugin's listeners in the order in which it subscribed them.
    ///
    /// # Errors
    /// `NotGranted` without `event-bus`; `QuotaExceeded`.
    pub fn subscribe(
        &mut self,
        kind: EventKind,
        priority: i16,
    ) -> Result<ListenerId, RegistrationError> {
        self.require(Capability::EventBus)?;
        if self.listeners.len() >= self.max_listeners as usize {
            return Err(RegistrationError::new(
                RegistrationErrorKind::QuotaExceeded,
                format!("the limit of {} listeners is reached", self.max_listeners),
            ));
        }
        let id = ListenerId(self.next_listener);
        self.next_listener += 1;
        self.listeners.push(ListenerEntry { id, kind, priority });
        Ok(id)
    }

    /// False when there is no such listener.
    pub fn unsubscribe(&mut self, listener: ListenerId) -> bool {
        let before = self.listeners.len();
        self.listeners.retain(|entry| entry.id != listener);
        self.listeners.len() < before
    }

    /// Takes over the listeners at gates at which this has none: of an instance that did not come up, for as long as
    /// none does.
    pub fn hold_too(&mut self, other: &Self) {
        let held: BTreeSet<EventKind> = self.listeners.iter().map(|entry| entry.kind).collect();
        let more = other.listeners.iter();
        let more = more.filter(|entry| entry.kind.is_gate() && !held.contains(&entry.kind));
        self.listeners.extend(more.cloned());
    }

    /// A `server-pre-connect` listener of this plugin may from now on answer with this id.
    ///
    /// # Errors
    /// `NotGranted` without `virtual-backend`; `AlreadyRegistered`, `QuotaExceeded`, `InvalidName`.
    pub fn register_virtual_backend_handler(
        &mut self,
        id: HandlerId,
        handler: Arc<dyn VirtualBackendHandler>,
    ) -> Result<(), RegistrationError> {
        self.require(Capability::VirtualBackend)?;
        let name = handler.name().to_owned();
        if name.is_empty() || name.len() > MAX_HANDLER_NAME || name.chars().any(char::is_control) {
            return Err(RegistrationError::new(
                RegistrationErrorKind::InvalidName,
                format!(
                    "a handler's name has 1 to {MAX_HANDLER_NAME} bytes and no control characters"
                ),
            ));
        }
        if self.handlers.contains_key(&id) {
            return Err(RegistrationError::new(
                RegistrationErrorKind::AlreadyRegistered,
                format!("handler id {id} is registered already"),
            ));
        }
        if self.handlers.values().any(|entry| entry.name == name) {
            return Err(RegistrationError::new(
                RegistrationErrorKind::AlreadyRegistered,
                format!("a handler named {name:?} is registered already"),
            ));
        }
        if self.handlers.len() >= self.max_handlers as usize {
            return Err(RegistrationError::new(
                RegistrationErrorKind::QuotaExceeded,
                format!("the limit of {} handlers is reached", self.max_handlers),
            ));
        }
        self.handlers.insert(id, HandlerEntry { name, handler });
        Ok(())
    }

    fn require(&self, capability: Capability) -> Result<(), RegistrationError> {
        if self.grants.allows(capability) {
            return Ok(());
        }
        Err(RegistrationError::new(
            RegistrationErrorKind::NotGranted,
            capability.how_to_grant(&self.plugin),
        ))
    }
}
