//! One instance of a guest: calls with a budget, and the end of all calls when one traps.

use super::CpuMeter;
use super::bindings::exports::infrarust::plugin::guest::Guest;
use super::bindings::exports::infrarust::plugin::virtual_backend_handler::Guest as Handler;
use super::plugin::PluginShared;
use super::state::{GuestState, Phase};
use super::tasks::TaskQueue;
use super::turnstile::Turnstile;
use super::{broken, metadata};
use crate::api::{Callback, EndCause, HostEvent, PlayerId, PluginMetadata, TrapKind};
use crate::fault::Fault;
use crate::host::{FAILED, HostSession, SharedRegistrar, lock, settled};
use crate::shown::shown;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use wasmtime::{PoolConcurrencyLimitError, Store, Trap};

/// What a player of a plugin that was disabled reads.
const STOPPED: &str = "This server has been stopped.";

/// How wasmtime says that a call has filled as much of the host as it may. Its type is private; a test holds the words.
const CALL_BYTES_SPENT: &str = "fuel allocated for hostcalls";

/// What an instance is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Answers events, and plays server for all sessions where instances are shared.
    Main,
    /// Plays server for one session. Its trap concerns nobody else.
    OneSession,
}

/// Why an instance did not start.
pub(crate) enum Failure {
    /// It trapped, which has been told.
    Trapped,
    /// The guest refused, or said of itself what the contract forbids.
    Refused(String),
}

pub(crate) struct Instance {
    plugin: Arc<PluginShared>,
    incarnation: u32,
    role: Role,
    pub(super) registrar: SharedRegistrar,
    /// Nothing calls into it again.
    dead: AtomicBool,
    cell: Turnstile<Option<Cell>>,
    tasks: Arc<TaskQueue>,
    runner: Mutex<Option<AbortHandle>>,
}

/// What can be called.
pub(crate) struct Cell {
    pub store: Store<GuestState>,
    pub guest: Guest,
    pub handler: Option<Handler>,
}

/// A new instance and what it said of itself before and after `on-enable`.
pub(crate) struct Started {
    pub instance: Arc<Instance>,
    pub before: PluginMetadata,
    pub after: PluginMetadata,
}

impl Instance {
    /// Makes an instance and enables it. What it registers goes to `registrar`.
    pub async fn start(
        plugin: &Arc<PluginShared>,
        incarnation: u32,
        role: Role,
        registrar: SharedRegistrar,
    ) -> Result<Started, Failure> {
        let tasks = if plugin.services.faults.has(Fault::UnlimitedTasks) {
            u32::MAX
        } else {
            plugin.config.limits.tasks
        };
        let tasks = Arc::new(TaskQueue::new(tasks));
        let instance = Arc::new(Self {
            plugin: Arc::clone(plugin),
            incarnation,
            role,
            registrar,
            dead: AtomicBool::new(false),
            cell: Turnstile::default(),
            tasks,
            runner: Mutex::new(None),
        });
        match instance.instantiate() {
            Ok(cell) => *instance.cell.enter().await = Some(cell),
            Err(kind) => {
                instance.poison(Callback::Instantiate, None, kind);
                return Err(Failure::Trapped);
            }
        }
        let before = instance.metadata().await?;
        metadata::check(&before)
            .and_then(|()| {
                plugin
                    .services
                    .claim_id(&before.id, &plugin.name, plugin.digest)
            })
            .map_err(Failure::Refused)?;
        let enabled = instance
            .call(Callback::OnEnable, |cell| {
                let state = cell.store.data_mut();
                state.phase = Phase::Enabling;
                state.enabled_at = Instant::now();
                let enabled = cell.guest.call_on_enable(&mut cell.store);
                cell.store.data_mut().phase = Phase::Running;
                enabled
            })
            .await
            .ok_or(Failure::Trapped)?;
        enabled.map_err(|why| {
            Failure::Refused(format!("on-enable answered an error: {}", shown(why)))
        })?;
        let after = instance.metadata().await?;
        let run = run_tasks(Arc::downgrade(&instance), Arc::clone(&instance.tasks));
        let leaked = broken::leaked(&instance);
        let turns = &instance.plugin.services.turns;
        let runner = turns.spawn(Box::pin(async move {
            run.await;
            drop(leaked);
        }));
        *lock(&instance.runner) = Some(runner.abort_handle());
        Ok(Started {
            instance,
            before,
            after,
        })
    }

    fn instantiate(self: &Arc<Self>) -> Result<Cell, TrapKind> {
        let plugin = &self.plugin;
        let state = GuestState::new(
            Arc::clone(plugin),
            Arc::downgrade(self),
            Arc::clone(&self.registrar),
            Arc::clone(&self.tasks),
        );
        let mut store = Store::new(&plugin.engine.engine, state);
        store.limiter(|state| &mut state.limiter);
        let call_bytes = plugin.config.limits.call_bytes;
        store.set_hostcall_fuel(usize::try_from(call_bytes).unwrap_or(usize::MAX));
        store.set_max_component_handles(plugin.config.limits.handles());
        if plugin.engine.meter == CpuMeter::Epoch {
            store.epoch_deadline_callback(|mut store| {
                let state = store.data_mut();
                state.budget.tick(state.files.time.spent())
            });
        }
        plugin.pace.begin();
        let made = plugin
            .arm(&mut store, Callback::Instantiate)
            .and_then(|()| {
                let instance = plugin.pre.instantiate(&mut store)?;
                let guest = plugin.guest.load(&mut store, &instance)?;
                let handler = match &plugin.handler {
                    Some(indices) => Some(indices.load(&mut store, &instance)?),
                    None => None,
                };
                Ok((guest, handler))
            });
        settled();
        match made {
            Ok((guest, handler)) => Ok(Cell {
                store,
                guest,
                handler,
            }),
            Err(error) => Err(classify(&error, store.data())),
        }
    }

    async fn metadata(&self) -> Result<PluginMetadata, Failure> {
        let metadata = self
            .call(Callback::Metadata, |cell| {
                let phase = std::mem::replace(&mut cell.store.data_mut().phase, Phase::Metadata);
                let metadata = cell.guest.call_metadata(&mut cell.store);
                cell.store.data_mut().phase = phase;
                metadata
            })
            .await;
        Ok(metadata.ok_or(Failure::Trapped)?.into())
    }

    /// Calls into the instance with a fresh budget. None when it is dead, or when this call has been its last.
    pub async fn call<R>(
        &self,
        callback: Callback,
        f: impl FnOnce(&mut Cell) -> wasmtime::Result<R>,
    ) -> Option<R> {
        self.call_for(None, callback, f).await
    }

    /// As [`call`](Self::call), in a callback of this player's session.
    pub async fn call_for<R>(
        &self,
        player: Option<PlayerId>,
        callback: Callback,
        f: impl FnOnce(&mut Cell) -> wasmtime::Result<R>,
    ) -> Option<R> {
        let plugin = &self.plugin;
        let mut cell = loop {
            // Not with the instance locked: this turn may be long in coming.
            plugin.pace.turn().await;
            let left = self.cell.left();
            if let Some(cell) = self.cell.try_enter() {
                break cell;
            }
            left.await;
        };
        let live = cell.as_mut()?;
        let called = plugin.arm(&mut live.store, callback).and_then(|()| f(live));
        if callback != Callback::PacketReceived {
            // Others may be asked next. After a packet more packets come, and looking at the clock costs more than they.
            settled();
        }
        let error = match called {
            Ok(answer) => {
                self.tell_fuel(callback, &live.store);
                return Some(answer);
            }
            Err(error) => error,
        };
        let kind = classify(&error, live.store.data());
        *cell = None;
        drop(cell);
        self.poison(callback, player, kind);
        None
    }

    /// Where fuel is counted, what a call has used of it.
    fn tell_fuel(&self, callback: Callback, store: &Store<GuestState>) {
        if self.plugin.engine.meter != CpuMeter::Fuel {
            return;
        }
        self.plugin.services.observe(|| HostEvent::FuelUsed {
            plugin: self.plugin.name.clone(),
            callback,
            fuel: self
                .plugin
                .config
                .limits
                .fuel
                .saturating_sub(store.get_fuel().unwrap_or_default()),
        });
    }

    /// Ends everything that depends on the instance.
    fn poison(&self, callback: Callback, player: Option<PlayerId>, kind: TrapKind) {
        if self.dead.swap(true, Ordering::AcqRel) {
            return;
        }
        self.stop_tasks();
        self.plugin.services.tell(HostEvent::Trap {
            plugin: self.plugin.name.clone(),
            incarnation: self.incarnation,
            callback,
            player,
            kind,
        });
        if self.role == Role::Main {
            // Before any player is told: who comes back at once must find the gate shut.
            self.plugin.fallen(&self.registrar);
        }
        for session in self.plugin.sessions.lose(self) {
            if !broken::hangs(&self.plugin, player, &session) {
                session.fail(EndCause::PluginFailed, FAILED);
            }
        }
    }

    /// Whether it goes with the session that it is for.
    pub fn is_for_one_session(&self) -> bool {
        self.role == Role::OneSession
    }

    pub fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Acquire)
    }

    /// A session belongs to this instance from now on: it ends when the instance does.
    pub fn join(self: &Arc<Self>, session: &HostSession) {
        self.plugin.sessions.join(self, session);
        if self.is_dead() {
            session.fail(EndCause::PluginFailed, FAILED);
        }
    }

    /// Calls `on-disable` and lets go of the instance. Answers whether it was alive.
    pub async fn disable(&self) -> bool {
        self.stop_tasks();
        for session in self.plugin.sessions.of(self) {
            session.fail(EndCause::PluginStopped, STOPPED);
        }
        let disabled = self
            .call(Callback::OnDisable, |cell| {
                self.plugin.services.settle_log(&self.plugin.name);
                cell.guest.call_on_disable(&mut cell.store)
            })
            .await;
        if !broken::leaks_tasks(&self.plugin) {
            self.dead.store(true, Ordering::Release);
            *self.cell.enter().await = None;
        }
        disabled.is_some()
    }

    fn stop_tasks(&self) {
        if broken::leaks_tasks(&self.plugin) {
            return;
        }
        self.tasks.close();
        if let Some(runner) = lock(&self.runner).take() {
            runner.abort();
        }
    }

    pub fn plugin(&self) -> &Arc<PluginShared> {
        &self.plugin
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.stop_tasks();
    }
}

impl PluginShared {
    /// Sets the budget of the call that follows.
    pub fn arm(&self, store: &mut Store<GuestState>, callback: Callback) -> wasmtime::Result<()> {
        let state = store.data_mut();
        state.limiter.refused = false;
        state.files.time.reset();
        let limits = &self.config.limits;
        // Not without end even when broken: whoever judges such a host runs it.
        let unlimited =
            callback == Callback::SessionEnd && self.services.faults.has(Fault::NoDeadlineOnEnd);
        let times = if unlimited { 100 } else { 1 };
        match self.engine.meter {
            CpuMeter::Fuel => store.set_fuel(limits.fuel.saturating_mul(times)),
            CpuMeter::Epoch => {
                let budget = Duration::from_millis(limits.cpu_ms.saturating_mul(times));
                store.data_mut().budget.begin(budget);
                // The first tick asks the budget.
                store.set_epoch_deadline(1);
                Ok(())
            }
        }
    }
}

fn classify(error: &wasmtime::Error, state: &GuestState) -> TrapKind {
    if let Some(full) = error.downcast_ref::<PoolConcurrencyLimitError>() {
        return TrapKind::NoInstanceLeft(full.to_string());
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel | Trap::Interrupt) => TrapKind::CpuBudget,
        Some(Trap::StackOverflow) => TrapKind::StackOverflow,
        // What an allocator does that is refused memory, and what instantiation answers.
        Some(Trap::UnreachableCodeReached) | None if state.limiter.refused => {
            TrapKind::MemoryLimit {
                limit: state.limiter.limit(),
            }
        }
        Some(trap) => {
            let text = trap.to_string();
            TrapKind::Trap(text.strip_prefix("wasm trap: ").unwrap_or(&text).to_owned())
        }
        None => {
            let cause = error.root_cause().to_string();
            if cause.contains(CALL_BYTES_SPENT) {
                let limit = state.plugin.config.limits.call_bytes;
                return TrapKind::CallBytes { limit };
            }
            TrapKind::HostCall(shown(cause))
        }
    }
}

/// Runs the tasks of an instance until it is dead or dropped.
async fn run_tasks(instance: Weak<Instance>, tasks: Arc<TaskQueue>) {
    loop {
        tasks.wait().await;
        let Some(instance) = instance.upgrade() else {
            return;
        };
        let ran = instance
            .call(Callback::OnScheduledTask, |cell| {
                // Taken with the instance locked, so that a task that is cancelled in a callback does not run after it.
                let Some(task) = tasks.take_due(Instant::now()) else {
                    return Ok(());
                };
                instance.plugin.services.observe(|| HostEvent::TaskRun {
                    plugin: instance.plugin.name.clone(),
                    task,
                });
                cell.guest.call_on_scheduled_task(&mut cell.store, task.0)
            })
            .await;
        if ran.is_none() {
            return;
        }
        tokio::task::yield_now().await;
    }
}
