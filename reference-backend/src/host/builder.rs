//! Putting a host together.

#[cfg(feature = "faults")]
use super::broken::OfHost;
use super::dispatch::{PluginDriver, PluginRecord};
use super::memory::Memory;
use super::native::NativeDriver;
use super::rate::Rates;
use super::services::{HostClock, Profiles, Services};
use super::{Connections, Host, HostInner, TELLING};
use crate::api::{EventKind, GameProfile, LogLevel, NativePlugin, Observer, Uuid};
use crate::bridge::{DataFolderError, GuestComponent, GuestDriver, MissingCapability};
use crate::config::{HostConfig, Names, PluginConfig, TableError};
use crate::fault::Faults;
use crate::limbo::Limbo;
use crate::shown::shown;
use backend_proto::TextComponent;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{Notify, watch};

/// Why a host did not start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// A guest imports what it may not have; it was not instantiated.
    #[error(transparent)]
    MissingCapability(#[from] MissingCapability),
    /// wasmtime cannot link the guest.
    #[error("plugin {plugin}: cannot be linked: {}", shown(.message))]
    Link {
        /// The plugin.
        plugin: String,
        /// wasmtime's words.
        message: String,
    },
    /// The data folder of a guest cannot be used.
    #[error("plugin {plugin}: {error}")]
    DataFolder {
        /// The plugin.
        plugin: String,
        /// What is wrong with it.
        error: DataFolderError,
    },
    /// A plugin's own table is too large.
    #[error(transparent)]
    Table(#[from] TableError),
    /// Two plugins have one name.
    #[error("two plugins are named {0}")]
    DuplicateName(String),
}

/// A host before it starts.
pub struct HostBuilder {
    config: HostConfig,
    plugins: Vec<(String, PluginConfig, Source)>,
    observer: Option<Arc<dyn Observer>>,
    profiles: Profiles,
    told_protocol: Option<i32>,
    seed: Option<u64>,
    same_ids: bool,
    faults: Faults,
}

enum Source {
    Guest(GuestComponent),
    Native(Arc<dyn NativePlugin>),
}

enum Driver {
    Guest(Arc<GuestDriver>),
    Native(Arc<NativeDriver>),
}

/// A host before anything of its plugins has run.
struct Assembled {
    inner: HostInner,
    drivers: Vec<Driver>,
}

impl Assembled {
    /// Does this for each guest, where there are data folders.
    fn folders(
        &self,
        act: impl Fn(&GuestDriver, &Path) -> Result<(), StartError>,
    ) -> Result<(), StartError> {
        let Some(data_dir) = &self.inner.services.config.data_dir else {
            return Ok(());
        };
        self.drivers.iter().try_for_each(|driver| match driver {
            Driver::Guest(driver) => act(driver, data_dir),
            Driver::Native(_) => Ok(()),
        })
    }
}

impl HostBuilder {
    pub(super) fn new(config: HostConfig) -> Self {
        Self {
            config,
            plugins: Vec::new(),
            observer: None,
            profiles: Arc::new(offline),
            told_protocol: None,
            seed: None,
            same_ids: false,
            faults: Faults::default(),
        }
    }

    /// Adds a guest. The plugin's configuration is this one, whatever the host's configuration has under its name.
    #[must_use]
    pub fn guest(
        mut self,
        name: impl Into<String>,
        component: GuestComponent,
        config: PluginConfig,
    ) -> Self {
        self.plugins
            .push((name.into(), config, Source::Guest(component)));
        self
    }

    /// Adds a native plugin.
    #[must_use]
    pub fn native(
        mut self,
        name: impl Into<String>,
        plugin: Arc<dyn NativePlugin>,
        config: PluginConfig,
    ) -> Self {
        self.plugins
            .push((name.into(), config, Source::Native(plugin)));
        self
    }

    /// Whom to tell what happens.
    #[must_use]
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Where profiles come from, by the name that a client logs in with. Without it each is the one of offline mode.
    #[must_use]
    pub fn profiles(
        mut self,
        profiles: impl Fn(&str) -> GameProfile + Send + Sync + 'static,
    ) -> Self {
        self.profiles = Arc::new(profiles);
        self
    }

    /// Tells plugins that every client speaks this protocol, whatever it speaks: what a plugin does with a protocol
    /// that it does not know can be seen in no other way once it knows all that the host does.
    #[must_use]
    pub fn told_protocol(mut self, protocol: i32) -> Self {
        self.told_protocol = Some(protocol);
        self
    }

    /// Makes what guests are told of chance and of the calendar the same in every run: random numbers come from this
    /// seed, and the calendar begins in a second of its own. Without it they are the system's.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Lets one component, with one id in its metadata, be there under several names, where otherwise the later one stays
    /// off: for who loads it so on purpose, as tests do.
    #[must_use]
    pub fn same_ids(mut self) -> Self {
        self.same_ids = true;
        self
    }

    /// Breaks the host in this way.
    #[cfg(feature = "faults")]
    #[must_use]
    pub fn fault(mut self, fault: crate::Fault) -> Self {
        self.faults = Faults::only(fault);
        self
    }

    /// Breaks the host as its engine is broken, if it is.
    pub(crate) fn faults(mut self, faults: Faults) -> Self {
        self.faults = faults;
        self
    }

    /// Enables the plugins, in the order in which they were added, and starts the host. A plugin whose `on-enable`
    /// fails or traps does not keep the host from starting; the observer and the log tell. Must be called within a
    /// tokio runtime. The data folders of guests that ask for one are made first, where `data_dir` says so.
    ///
    /// # Errors
    /// See [`StartError`]. Nothing of any guest has run then.
    pub async fn start(self) -> Result<Host, StartError> {
        let assembled = self.assemble()?;
        assembled.folders(GuestDriver::open_folder)?;
        for driver in &assembled.drivers {
            match driver {
                Driver::Guest(driver) => driver.enable().await,
                Driver::Native(driver) => driver.enable().await,
            }
        }
        for record in &assembled.inner.plugins {
            let held: Vec<&str> = record.held_gates().map(EventKind::name).collect();
            if !held.is_empty() {
                let services = &assembled.inner.services;
                services.note(
                    &record.name,
                    None,
                    LogLevel::Error,
                    format_args!(
                        "is not up: nobody passes {} until it is; `gates` under [plugins.{}] says which gates it holds",
                        held.join(" and "),
                        record.name
                    ),
                );
            }
        }
        Ok(Host {
            inner: Arc::new(assembled.inner),
        })
    }

    /// What [`start`](Self::start) finds out before anything of a guest runs. Makes no folder, and looks only whether
    /// something is in its way.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn check(self) -> Result<(), StartError> {
        self.assemble()?.folders(GuestDriver::check_folder)
    }

    fn assemble(self) -> Result<Assembled, StartError> {
        let mut names = BTreeSet::new();
        for (name, config, _) in &self.plugins {
            if !names.insert(name.clone()) {
                return Err(StartError::DuplicateName(name.clone()));
            }
            config.check_table(name, &config.config)?;
        }
        let wire_config = Arc::new(wire_config(&self.config, self.faults));
        let telling_config = Arc::new(backend_proto::ServerConfig {
            login_timeout: TELLING,
            ..backend_proto::ServerConfig::clone(&wire_config)
        });
        let connections = Connections::new(&self.config);
        let memory = Memory::new(self.config.limits.memory, self.config.max_connections);
        let services = Arc::new(Services {
            config: self.config,
            observer: self.observer,
            profiles: self.profiles,
            told_protocol: self.told_protocol,
            clock: HostClock::start(self.seed),
            seed: self.seed,
            turns: Arc::default(),
            memory,
            rates: Rates::new(self.plugins.iter().map(|(name, config, _)| (name, config))),
            faults: self.faults,
            ids: (!self.same_ids).then(Mutex::default),
            #[cfg(feature = "faults")]
            broken: OfHost::default(),
        });
        let mut plugins = Vec::new();
        let mut drivers = Vec::new();
        for (name, config, source) in self.plugins {
            if let Some(server) = &config.fallback {
                services.note(
                    &name,
                    None,
                    LogLevel::Warn,
                    format_args!(
                        "`fallback = \"{server}\"` has no effect: this host does not connect to servers yet"
                    ),
                );
            }
            let listens = match &source {
                Source::Guest(component) => component.listens(),
                Source::Native(_) => true,
            };
            let record = Arc::new(PluginRecord::new(&name, config, listens));
            drivers.push(match source {
                Source::Guest(component) => {
                    let driver = GuestDriver::new(&component, &record, &services)?;
                    record.set_driver(Arc::clone(&driver) as Arc<dyn PluginDriver>);
                    Driver::Guest(driver)
                }
                Source::Native(plugin) => {
                    let driver = Arc::new(NativeDriver::new(
                        Arc::downgrade(&record),
                        Arc::clone(&services),
                        plugin,
                    ));
                    record.set_driver(Arc::clone(&driver) as Arc<dyn PluginDriver>);
                    Driver::Native(driver)
                }
            });
            plugins.push(record);
        }
        let inner = HostInner {
            services,
            plugins,
            limbo: Arc::new(Limbo::default()),
            wire_config,
            telling_config,
            players: Arc::default(),
            next_player: AtomicU64::new(1),
            next_session: AtomicU64::new(1),
            sessions: AtomicUsize::new(0),
            connections: Mutex::new(connections),
            ended: Notify::new(),
            login_over: Notify::new(),
            stopping: watch::Sender::new(false),
        };
        Ok(Assembled { inner, drivers })
    }
}

/// What a server without authentication makes of a name.
fn offline(name: &str) -> GameProfile {
    GameProfile {
        uuid: Uuid(backend_proto::Uuid::offline(name).0.to_be_bytes()),
        name: name.to_owned(),
        properties: Vec::new(),
    }
}

fn wire_config(config: &HostConfig, faults: Faults) -> backend_proto::ServerConfig {
    backend_proto::ServerConfig {
        motd: TextComponent::cut(&config.motd),
        max_players: config.max_connections,
        compression_threshold: u32::try_from(config.compression_threshold).ok(),
        login_timeout: Duration::from_millis(config.limits.login_timeout_ms),
        names: match config.players.names {
            Names::Strict => backend_proto::Names::Strict,
            Names::Any => backend_proto::Names::Any,
        },
        answer_timeout: Duration::from_millis(config.limits.answer_timeout_ms),
        faults: faults.wire(),
        ..backend_proto::ServerConfig::default()
    }
}
