//! Plugins as the host sees them, and the order in which they are asked.

use super::broken;
use super::link::Link;
use super::services::{Services, lock};
use crate::api::{
    BoxFuture, Callback, DenyReason, Event, EventKind, EventOutcome, HandlerEntry, HandlerId,
    HostEvent, ListenerId, LogLevel, Registrar,
};
use crate::capability::{Capability, Grants};
use crate::config::PluginConfig;
use crate::fault::Fault;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

pub(crate) type SharedRegistrar = Arc<Mutex<Registrar>>;

/// What runs a plugin.
pub(crate) trait PluginDriver: Send + Sync {
    /// The error is for the log.
    fn handle_event<'a>(
        &'a self,
        listener: ListenerId,
        event: &'a Event,
    ) -> BoxFuture<'a, Result<EventOutcome, String>>;

    /// A native plugin has no such table.
    fn set_table(&self, _table: BTreeMap<String, String>) {}

    /// The most bytes of linear memory that an instance has used; a native plugin has none of its own.
    fn memory(&self) -> Option<u64> {
        None
    }

    fn disable(&self) -> BoxFuture<'_, ()>;
}

/// One plugin.
pub(crate) struct PluginRecord {
    pub name: String,
    pub config: PluginConfig,
    pub grants: Grants,
    /// Whether it can subscribe to anything.
    listens: bool,
    state: Mutex<RecordState>,
    /// Sessions at this moment, those included that are about to start.
    sessions: Arc<AtomicU32>,
    driver: OnceLock<Arc<dyn PluginDriver>>,
}

/// A session's place among those that its plugin may have.
pub(super) struct Seat(Arc<AtomicU32>);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

struct RecordState {
    up: bool,
    /// How often it has come up so far.
    times_up: u32,
    /// While the plugin is down, those of the last instance that came up and what its successors had got to.
    registrar: SharedRegistrar,
}

impl PluginRecord {
    /// `listens`: whether the plugin has a way to subscribe, if it is granted.
    pub fn new(name: &str, config: PluginConfig, listens: bool) -> Self {
        let grants = config.grants();
        let registrar = Registrar::new(name, grants.clone(), &config.limits);
        Self {
            name: name.to_owned(),
            listens: listens && grants.allows(Capability::EventBus),
            grants,
            config,
            state: Mutex::new(RecordState {
                up: false,
                times_up: 0,
                registrar: Arc::new(Mutex::new(registrar)),
            }),
            sessions: Arc::default(),
            driver: OnceLock::new(),
        }
    }

    /// A place for one more session.
    pub(super) fn seat(&self) -> Result<Seat, DenyReason> {
        let limit = self.config.limits.sessions;
        let more = |taken: u32| (taken < limit).then_some(taken + 1);
        match self
            .sessions
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, more)
        {
            Ok(_) => Ok(Seat(Arc::clone(&self.sessions))),
            Err(_) => Err(DenyReason::Full(limit)),
        }
    }

    /// For the registrations of a new instance.
    pub fn new_registrar(&self) -> SharedRegistrar {
        let registrar = Registrar::new(&self.name, self.grants.clone(), &self.config.limits);
        Arc::new(Mutex::new(registrar))
    }

    pub fn set_driver(&self, driver: Arc<dyn PluginDriver>) {
        // Set once, by the builder.
        let _ = self.driver.set(driver);
    }

    pub fn driver(&self) -> Option<&Arc<dyn PluginDriver>> {
        self.driver.get()
    }

    /// From now on these registrations hold.
    pub fn set_up(&self, registrar: SharedRegistrar) {
        let mut state = lock(&self.state);
        state.up = true;
        state.times_up = state.times_up.saturating_add(1);
        state.registrar = registrar;
    }

    /// The gates stay shut: those of the last instance that came up, and those that one had got to which did not.
    pub fn set_down(&self, partial: Option<SharedRegistrar>) {
        let mut state = lock(&self.state);
        state.up = false;
        // The instance that was up brings what it has registered itself.
        if let Some(partial) = partial.filter(|partial| !Arc::ptr_eq(partial, &state.registrar)) {
            lock(&state.registrar).hold_too(&lock(&partial));
        }
    }

    /// Whether a gate stays shut for want of the plugin, though it may never have subscribed to it: its table says so,
    /// or it has never come up, so that nobody can know what it guards.
    fn holds(&self, kind: EventKind) -> bool {
        let state = lock(&self.state);
        if state.up || !kind.is_gate() {
            return false;
        }
        match self.config.stated_gates() {
            Some(gates) => gates.contains(&kind),
            None => self.listens && state.times_up == 0,
        }
    }

    /// The gates that it [holds](Self::holds).
    pub fn held_gates(&self) -> impl Iterator<Item = EventKind> {
        let gates = EventKind::GATES.into_iter();
        gates.filter(|kind| self.holds(*kind))
    }

    /// The handler of this id, if the plugin runs, may have one, and has it.
    pub fn handler(&self, id: HandlerId) -> Result<HandlerEntry, DenyReason> {
        if !self.grants.allows(Capability::VirtualBackend) {
            return Err(DenyReason::NotGranted);
        }
        let state = lock(&self.state);
        if !state.up {
            return Err(DenyReason::PluginDown);
        }
        let registrar = lock(&state.registrar);
        registrar
            .handlers
            .get(&id)
            .cloned()
            .ok_or(DenyReason::UnknownHandler(id))
    }

    fn listeners(&self, kind: EventKind) -> Vec<Listening> {
        let state = lock(&self.state);
        let registrar = lock(&state.registrar);
        registrar
            .listeners
            .iter()
            .filter(|entry| entry.kind == kind)
            .map(|entry| Listening {
                priority: entry.priority,
                listener: entry.id,
                of: Arc::clone(&state.registrar),
            })
            .collect()
    }

    /// Whether the instance runs that has registered these. A successor's listeners may have other ids.
    fn runs(&self, registrar: &SharedRegistrar) -> bool {
        let state = lock(&self.state);
        state.up && Arc::ptr_eq(&state.registrar, registrar)
    }

    async fn ask(
        &self,
        services: &Services,
        entry: &Listening,
        event: &Event,
    ) -> Result<EventOutcome, DenyReason> {
        let driver = match self.driver() {
            Some(driver) if self.runs(&entry.of) => driver,
            _ => return Err(DenyReason::PluginDown),
        };
        let asked = driver.handle_event(entry.listener, event);
        let deadline = self.config.limits.listener_deadline();
        let outcome = match tokio::time::timeout(deadline, asked).await {
            Ok(answer) => answer.map_err(DenyReason::ListenerFailed)?,
            Err(_) => {
                return Err(DenyReason::ListenerFailed(format!(
                    "no answer in {} ms",
                    deadline.as_millis()
                )));
            }
        };
        match outcome.kind() {
            Some(kind) if kind != event.kind() => Err(DenyReason::WrongOutcome(kind)),
            _ => match outcome.too_long() {
                Some(why) if !services.faults.has(Fault::AnyLength) => {
                    Err(DenyReason::ListenerFailed(why))
                }
                _ => Ok(outcome),
            },
        }
    }
}

/// For a host that is broken on purpose.
#[cfg(feature = "faults")]
impl PluginRecord {
    /// The handler with the least id.
    pub fn first_handler(&self) -> Option<(HandlerId, HandlerEntry)> {
        let state = lock(&self.state);
        let registrar = lock(&state.registrar);
        let (id, entry) = registrar.handlers.first_key_value()?;
        Some((*id, entry.clone()))
    }

    /// `registrar` has the handlers that hold now, besides its own.
    pub fn keep_handlers(&self, registrar: &SharedRegistrar) {
        let state = lock(&self.state);
        let kept = lock(&state.registrar).handlers.clone();
        let mut registrar = lock(registrar);
        for (id, entry) in kept {
            registrar.handlers.entry(id).or_insert(entry);
        }
    }

    /// How often it has come up so far.
    pub fn times_up(&self) -> u32 {
        lock(&self.state).times_up
    }
}

struct Listening {
    priority: i16,
    listener: ListenerId,
    /// Where it was found.
    of: SharedRegistrar,
}

/// What came of an event.
pub(super) struct Decision {
    /// Whose answer or failure decided.
    pub plugin: Option<Arc<PluginRecord>>,
    pub outcome: Result<EventOutcome, DenyReason>,
}

impl Decision {
    pub fn plugin_name(&self) -> Option<String> {
        self.plugin.as_ref().map(|plugin| plugin.name.clone())
    }
}

/// Shows an event to the listeners. None when the connection has to end before they have all answered.
pub(super) async fn fire(
    services: &Services,
    plugins: &[Arc<PluginRecord>],
    link: &Link,
    event: &Event,
) -> Option<Decision> {
    link.grace(dispatch(services, plugins, link, event)).await
}

/// As [`fire`], for an event that comes when the connection is over already. `plugins` are in the order in which they
/// are asked where priorities are equal.
pub(super) async fn dispatch(
    services: &Services,
    plugins: &[Arc<PluginRecord>],
    link: &Link,
    event: &Event,
) -> Decision {
    let (kind, player) = (event.kind(), link.player);
    services.observe(|| HostEvent::EventFired {
        player,
        event: event.clone(),
    });
    let holder = plugins.iter().find(|plugin| plugin.holds(kind));
    let decision = match holder.filter(|_| !services.faults.has(Fault::OwnGatesOnly)) {
        Some(plugin) => Decision {
            plugin: Some(Arc::clone(plugin)),
            outcome: Err(DenyReason::HeldShut),
        },
        None => ask_all(services, plugins, link, event).await,
    };
    services.observe(|| HostEvent::EventDecided {
        player,
        event: kind,
        plugin: decision.plugin_name(),
        outcome: decision.outcome.clone(),
    });
    decision
}

/// The listeners of an event, in the order in which they are asked.
fn in_order(
    services: &Services,
    plugins: &[Arc<PluginRecord>],
    kind: EventKind,
) -> Vec<(Listening, Arc<PluginRecord>)> {
    let mut listeners: Vec<_> = plugins
        .iter()
        .flat_map(|plugin| {
            let entries = plugin.listeners(kind).into_iter();
            entries.map(|entry| (entry, Arc::clone(plugin)))
        })
        .collect();
    broken::restarted_last(services.faults, &mut listeners);
    // Equal ones stay as they are: by plugin, and each plugin's in the order in which it subscribed.
    listeners.sort_by_key(|(entry, _)| Reverse(entry.priority));
    listeners
}

async fn ask_all(
    services: &Services,
    plugins: &[Arc<PluginRecord>],
    link: &Link,
    event: &Event,
) -> Decision {
    let (kind, player) = (event.kind(), link.player);
    let mut decision = Decision {
        plugin: None,
        outcome: Ok(EventOutcome::NoOpinion),
    };
    for (entry, plugin) in in_order(services, plugins, kind) {
        link.busy.with(&plugin.name);
        let under_way = link.busy.calls(Callback::HandleEvent);
        let outcome = plugin.ask(services, &entry, event).await;
        drop(under_way);
        services.observe(|| HostEvent::ListenerAnswered {
            player,
            plugin: plugin.name.clone(),
            listener: entry.listener,
            event: kind,
            outcome: outcome.clone(),
        });
        let decides = match &outcome {
            Ok(EventOutcome::NoOpinion) => false,
            Ok(_) => kind.takes_answer(),
            Err(DenyReason::PluginDown) if services.faults.has(Fault::GateOpens) => false,
            Err(reason) => {
                let text = format_args!("at {kind}: {reason}");
                services.note(&plugin.name, Some(player), LogLevel::Warn, text);
                kind.is_gate()
            }
        };
        if decides {
            decision = Decision {
                plugin: Some(plugin),
                outcome,
            };
            // Not at `server-pre-connect`: there it would break whatever takes two plugins.
            let goes_on =
                services.faults.has(Fault::LastWriterWins) && kind != EventKind::ServerPreConnect;
            if !goes_on {
                break;
            }
        }
    }
    decision
}
