//! What an instance's store holds.

use super::broken;
use super::budget::Budget;
use super::instance::Instance;
use super::plugin::PluginShared;
use super::tasks::TaskQueue;
use super::wasi::{Files, Random};
use crate::api::{HandlerId, LogLevel};
use crate::fault::Fault;
use crate::host::{HostSession, SharedRegistrar, lock};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::time::Instant;
use wasmtime::ResourceLimiter;
use wasmtime::component::{HasData, Resource, ResourceTable};

/// A `virtual-backend-session` in a guest's table.
pub struct SessionHandle {
    pub(crate) session: HostSession,
    /// Made by `acquire`, and so counted.
    pub(crate) kept: bool,
}

/// What a guest may do at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// `metadata` is being called: `log` and nothing else.
    Metadata,
    /// `on-enable` is being called: registration is open.
    Enabling,
    /// Everything else.
    Running,
}

pub(crate) struct GuestState {
    pub plugin: Arc<PluginShared>,
    pub instance: Weak<Instance>,
    pub registrar: SharedRegistrar,
    pub tasks: Arc<TaskQueue>,
    pub table: ResourceTable,
    /// What `config-service` shows, the same for as long as the instance lives.
    pub config: Arc<BTreeMap<String, String>>,
    pub phase: Phase,
    /// Handles made by `acquire` and not dropped yet.
    pub kept: u32,
    pub limiter: Limiter,
    /// Of the call under way, where the clock measures it.
    pub budget: Budget,
    pub random: Random,
    /// What was written to the two streams of WASI since the last whole line.
    pub lines: [Vec<u8>; 2],
    /// Handles of WASI that the guest holds.
    pub resources: u32,
    pub files: Files,
    /// What `scheduler.now` counts from.
    pub enabled_at: Instant,
}

impl HasData for GuestState {
    type Data<'a> = &'a mut GuestState;
}

impl GuestState {
    pub fn new(
        plugin: Arc<PluginShared>,
        instance: Weak<Instance>,
        registrar: SharedRegistrar,
        tasks: Arc<TaskQueue>,
    ) -> Self {
        let limits = &plugin.config.limits;
        let memory = if plugin.services.faults.has(Fault::NoMemoryLimit) {
            u64::MAX
        } else {
            limits.memory
        };
        let config = Arc::clone(&lock(&plugin.table));
        Self {
            random: plugin.random(),
            lines: [Vec::new(), Vec::new()],
            resources: 0,
            files: Files::default(),
            limiter: Limiter::new(memory, limits.table_elements, Arc::clone(&plugin.memory)),
            budget: Budget::default(),
            config,
            plugin,
            instance,
            registrar,
            tasks,
            table: ResourceTable::new(),
            phase: Phase::Metadata,
            kept: 0,
            enabled_at: Instant::now(),
        }
    }

    /// Refuses what `metadata` must not do.
    pub fn not_in_metadata(&self) -> wasmtime::Result<()> {
        if self.phase == Phase::Metadata {
            wasmtime::bail!("`metadata` may call `log` and nothing else");
        }
        Ok(())
    }

    pub fn session(&self, handle: &Resource<SessionHandle>) -> wasmtime::Result<&HostSession> {
        Ok(&self.table.get(handle)?.session)
    }

    /// Puts a session in the table; the guest can be lent it from now on.
    pub fn enter(&mut self, session: HostSession) -> wasmtime::Result<u32> {
        let player = session.player();
        broken::enters(self, &session);
        let entry = self.table.push(SessionHandle {
            session,
            kept: false,
        })?;
        self.plugin.sessions.entered(player, entry.rep());
        Ok(entry.rep())
    }

    /// Takes a session out of the table. Handles that the guest keeps stay.
    pub fn leave(&mut self, rep: u32) {
        // The entry was pushed by `enter`, and no borrow outlives a call.
        let _ = self.table.delete(Resource::<SessionHandle>::new_own(rep));
    }

    pub fn handler(&self, id: HandlerId, name: String) -> super::handler::WasmHandler {
        super::handler::WasmHandler::new(
            self.instance.clone(),
            Arc::downgrade(&self.plugin),
            id,
            name,
        )
    }

    pub fn now(&self) -> Duration {
        self.enabled_at.elapsed()
    }
}

/// Keeps linear memory and tables within bounds.
pub(crate) struct Limiter {
    limit: u64,
    used: u64,
    /// The most that any instance of the plugin has used.
    most: Arc<AtomicU64>,
    table_elements: u64,
    /// Whether something was refused in the present call.
    pub refused: bool,
}

impl Limiter {
    fn new(limit: u64, table_elements: u64, most: Arc<AtomicU64>) -> Self {
        Self {
            limit,
            used: 0,
            most,
            table_elements,
            refused: false,
        }
    }

    pub fn limit(&self) -> u64 {
        self.limit
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        // All memories of the instance count together.
        let used = self.used + (desired.saturating_sub(current)) as u64;
        if used > self.limit {
            self.refused = true;
            return Ok(false);
        }
        self.used = used;
        self.most.fetch_max(used, Ordering::Relaxed);
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let allowed = desired as u64 <= self.table_elements;
        self.refused |= !allowed;
        Ok(allowed)
    }
}

impl From<super::bindings::infrarust::plugin::log::Level> for LogLevel {
    fn from(level: super::bindings::infrarust::plugin::log::Level) -> Self {
        use super::bindings::infrarust::plugin::log::Level;
        match level {
            Level::Trace => Self::Trace,
            Level::Debug => Self::Debug,
            Level::Info => Self::Info,
            Level::Warn => Self::Warn,
            Level::Error => Self::Error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_counts_over_all_memories_and_has_an_edge() {
        let most = Arc::new(AtomicU64::new(0));
        let mut limiter = Limiter::new(3 << 16, 0, Arc::clone(&most));
        assert!(limiter.memory_growing(0, 1 << 16, None).unwrap());
        assert!(limiter.memory_growing(0, 2 << 16, None).unwrap());
        assert!(!limiter.refused);
        assert!(!limiter.memory_growing(2 << 16, 3 << 16, None).unwrap());
        assert!(limiter.refused);
        assert_eq!(most.load(Ordering::Relaxed), 3 << 16);
    }

    #[test]
    fn each_table_has_an_edge() {
        let mut limiter = Limiter::new(0, 8, Arc::default());
        assert!(limiter.table_growing(0, 8, None).unwrap());
        assert!(limiter.table_growing(0, 8, None).unwrap());
        assert!(!limiter.refused);
        assert!(!limiter.table_growing(8, 9, None).unwrap());
        assert!(limiter.refused);
    }
}
