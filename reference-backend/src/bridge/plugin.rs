//! A guest as a plugin: enabling, restarts, quarantine.

use super::bindings::exports::infrarust::plugin::guest::GuestIndices;
use super::bindings::exports::infrarust::plugin::virtual_backend_handler::GuestIndices as HandlerIndices;
use super::broken;
#[cfg(feature = "faults")]
use super::broken::OfPlugin;
use super::instance::{Failure, Instance, Role, Started};
use super::linker::linker;
use super::sessions::Sessions;
use super::state::GuestState;
use super::wasi::{DataFolder, DataFolderError, Random};
use super::{GuestComponent, GuestEngine, convert};
use crate::api::{
    BoxFuture, Callback, Event, EventOutcome, HostEvent, ListenerId, LogLevel, PluginState,
};
use crate::capability::{Capability, Grants};
use crate::config::{Instances, PluginConfig};
use crate::fault::Fault;
use crate::host::{Pace, PluginDriver, PluginRecord, Services, SharedRegistrar, StartError, lock};
use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use wasmtime::component::InstancePre;

/// What all instances of one guest have in common.
pub(crate) struct PluginShared {
    pub name: String,
    pub config: PluginConfig,
    /// What `config-service` shows to the instances that are made from now on.
    pub table: Mutex<Arc<BTreeMap<String, String>>>,
    pub services: Arc<Services>,
    pub engine: GuestEngine,
    /// Of its component's bytes.
    pub digest: u64,
    pub pre: InstancePre<GuestState>,
    pub guest: GuestIndices,
    pub handler: Option<HandlerIndices>,
    pub pace: Arc<Pace>,
    /// The most bytes of linear memory that an instance has used so far.
    pub memory: Arc<AtomicU64>,
    pub sessions: Sessions,
    /// The plugin's data folder, where the host has one for it.
    pub folder: OnceLock<Arc<DataFolder>>,
    /// The record holds the driver, which holds this.
    record: Weak<PluginRecord>,
    trapped: Notify,
    incarnations: AtomicU32,
    /// What a broken host keeps of it.
    #[cfg(feature = "faults")]
    pub broken: OfPlugin,
}

/// Runs one guest.
pub(crate) struct GuestDriver {
    shared: Arc<PluginShared>,
    current: Mutex<Option<Arc<Instance>>>,
    supervisor: Mutex<Option<AbortHandle>>,
    wants_folder: bool,
}

impl PluginShared {
    /// The main instance has trapped.
    pub fn fallen(&self, registrar: &SharedRegistrar) {
        if let Some(record) = self.record.upgrade() {
            record.set_down(Some(Arc::clone(registrar)));
        }
        self.trapped.notify_one();
    }

    /// An instance for one session. Its listeners are never asked.
    pub async fn start_for_session(self: &Arc<Self>) -> Result<Started, Failure> {
        let Some(record) = self.record.upgrade() else {
            return Err(Failure::Refused("the host is gone".to_owned()));
        };
        Instance::start(
            self,
            self.next_incarnation(),
            Role::OneSession,
            record.new_registrar(),
        )
        .await
    }

    /// Random numbers for an instance that is being made.
    pub fn random(&self) -> Random {
        let incarnation = self.incarnations.load(Ordering::Relaxed);
        Random::new(self.services.seed, &self.name, incarnation)
    }

    fn next_incarnation(&self) -> u32 {
        self.incarnations.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn tell(&self, incarnation: u32, state: PluginState) {
        self.services.tell(HostEvent::Plugin {
            plugin: self.name.clone(),
            incarnation,
            state,
        });
    }
}

impl GuestDriver {
    /// Links the guest with what its plugin is granted. Nothing of it runs.
    pub fn new(
        component: &GuestComponent,
        record: &Arc<PluginRecord>,
        services: &Arc<Services>,
    ) -> Result<Arc<Self>, StartError> {
        let grants = if services.faults.has(Fault::LinksEverything) {
            Grants::new(&Capability::ALL, &[])
        } else {
            record.grants.clone()
        };
        component.check_grants(&record.name, &grants)?;
        let link = || -> wasmtime::Result<_> {
            let linker = linker(&component.engine, &component.component, &grants)?;
            let pre = linker.instantiate_pre(&component.component)?;
            let guest = GuestIndices::new(&pre)?;
            let handler = match component.exports_handler {
                true => Some(HandlerIndices::new(&pre)?),
                false => None,
            };
            Ok((pre, guest, handler))
        };
        let (pre, guest, handler) = link().map_err(|error| StartError::Link {
            plugin: record.name.clone(),
            message: format!("{error:#}"),
        })?;
        let mut config = record.config.clone();
        if services.faults.has(Fault::TrapTakesAll) {
            config.instances = Instances::Shared;
        }
        Ok(Arc::new(Self {
            shared: Arc::new(PluginShared {
                name: record.name.clone(),
                table: Mutex::new(Arc::new(config.config.clone())),
                config,
                services: Arc::clone(services),
                memory: Arc::default(),
                engine: component.engine.clone(),
                digest: component.digest,
                pre,
                guest,
                handler,
                pace: Arc::default(),
                sessions: Sessions::default(),
                folder: OnceLock::new(),
                record: Arc::downgrade(record),
                trapped: Notify::new(),
                incarnations: AtomicU32::new(0),
                #[cfg(feature = "faults")]
                broken: OfPlugin::default(),
            }),
            current: Mutex::new(None),
            supervisor: Mutex::new(None),
            wants_folder: component.wants_folder(),
        }))
    }

    /// Makes the plugin's folder in `data_dir`, when the guest asks for folders at all.
    pub fn open_folder(&self, data_dir: &Path) -> Result<(), StartError> {
        if !self.wants_folder {
            return Ok(());
        }
        let shared = &self.shared;
        let leaks = shared.services.faults.has(Fault::InheritsEverything);
        let folder = DataFolder::open(data_dir, &shared.name, &shared.config.limits, leaks)
            .map_err(|error| self.no_folder(error))?;
        // Set once: a host starts once.
        let _ = shared.folder.set(Arc::new(folder));
        Ok(())
    }

    /// What of [`open_folder`](Self::open_folder) can be seen to fail beforehand.
    pub fn check_folder(&self, data_dir: &Path) -> Result<(), StartError> {
        if !self.wants_folder {
            return Ok(());
        }
        DataFolder::check(data_dir, &self.shared.name).map_err(|error| self.no_folder(error))
    }

    fn no_folder(&self, error: DataFolderError) -> StartError {
        StartError::DataFolder {
            plugin: self.shared.name.clone(),
            error,
        }
    }

    /// Starts the first instance, and watches over it and its successors.
    pub async fn enable(self: &Arc<Self>) {
        self.start_instance().await;
        let supervisor = tokio::spawn(supervise(Arc::downgrade(self), Arc::clone(&self.shared)));
        *lock(&self.supervisor) = Some(supervisor.abort_handle());
    }

    async fn start_instance(&self) {
        let shared = &self.shared;
        let Some(record) = shared.record.upgrade() else {
            return;
        };
        let incarnation = shared.next_incarnation();
        shared.tell(incarnation, PluginState::Enabling);
        let registrar = record.new_registrar();
        match Instance::start(shared, incarnation, Role::Main, Arc::clone(&registrar)).await {
            Ok(Started {
                instance,
                before,
                after,
            }) => {
                *lock(&self.current) = Some(Arc::clone(&instance));
                broken::succeeds(shared, &record, &registrar);
                record.set_up(registrar);
                if instance.is_dead() {
                    // A task of it has trapped in between.
                    record.set_down(None);
                    return;
                }
                if before != after {
                    let text = "its metadata changed during on-enable";
                    let services = &shared.services;
                    services.note(&shared.name, None, LogLevel::Warn, text);
                }
                shared.tell(
                    incarnation,
                    PluginState::Enabled {
                        before: Some(Box::new(before)),
                        after: Some(Box::new(after)),
                    },
                );
                broken::running(shared, &instance).await;
            }
            Err(Failure::Trapped) => {}
            Err(Failure::Refused(reason)) => {
                record.set_down(Some(registrar));
                shared.tell(incarnation, PluginState::Off { reason });
            }
        }
    }
}

impl PluginDriver for GuestDriver {
    fn handle_event<'a>(
        &'a self,
        listener: ListenerId,
        event: &'a Event,
    ) -> BoxFuture<'a, Result<EventOutcome, String>> {
        Box::pin(async move {
            let instance = lock(&self.current).clone();
            let Some(instance) = instance else {
                return Err("the plugin is not running".to_owned());
            };
            let properties = convert::properties(event);
            instance
                .call(Callback::HandleEvent, |cell| {
                    let event = convert::event(event, &properties);
                    cell.guest
                        .call_handle_event(&mut cell.store, listener.0, event)
                })
                .await
                .map(EventOutcome::from)
                .ok_or_else(|| "its instance has trapped".to_owned())
        })
    }

    fn set_table(&self, table: BTreeMap<String, String>) {
        *lock(&self.shared.table) = Arc::new(table);
    }

    fn memory(&self) -> Option<u64> {
        Some(self.shared.memory.load(Ordering::Relaxed))
    }

    fn disable(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            if let Some(supervisor) = lock(&self.supervisor).take() {
                supervisor.abort();
            }
            if let Some(record) = self.shared.record.upgrade() {
                record.set_down(None);
            }
            let instance = lock(&self.current).take();
            if let Some(instance) = instance
                && instance.disable().await
            {
                let incarnation = self.shared.incarnations.load(Ordering::Relaxed);
                self.shared.tell(incarnation, PluginState::Disabled);
            }
        })
    }
}

impl Drop for GuestDriver {
    fn drop(&mut self) {
        if let Some(supervisor) = lock(&self.supervisor).take() {
            supervisor.abort();
        }
        self.shared.sessions.clear();
    }
}

/// Replaces instances that trap, until that happens too often.
async fn supervise(driver: Weak<GuestDriver>, shared: Arc<PluginShared>) {
    let limits = &shared.config.limits;
    let mut restarts: VecDeque<Instant> = VecDeque::new();
    loop {
        shared.trapped.notified().await;
        match driver.upgrade() {
            Some(driver) => *lock(&driver.current) = None,
            None => return,
        }
        let now = Instant::now();
        restarts.retain(|at| now.duration_since(*at) < limits.restart_window());
        let incarnation = shared.incarnations.load(Ordering::Relaxed);
        if restarts.len() as u64 >= limits.restarts {
            shared.tell(incarnation, PluginState::Quarantined);
            return;
        }
        let after = limits.restart_delay(restarts.len());
        shared.tell(incarnation, PluginState::Restarting { after });
        tokio::time::sleep(after).await;
        let Some(driver) = driver.upgrade() else {
            return;
        };
        restarts.push_back(Instant::now());
        driver.start_instance().await;
    }
}
