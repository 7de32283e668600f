//! What cases see of hosts behind an adapter: hosts outside that are told and asked by its lines.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use reference_backend::LogLevel;

use super::pool::{Lease, Pool};
use super::process::Listener;
use super::protocol::{
    DeclaredChoices, Event, Gate, Hello, Level, Opinion, Order, PluginTable, Priority, Start,
};
use crate::lab::door::{Choices, Component};
use crate::outside::{
    About, Feature, HostLog, HostSetup, HostUnderTest, NotStarted, Outside, OutsideSubject,
    PluginSetup, RunningHost,
};

impl Outside<AdapterHost> {
    /// The hosts that the adapter with this command answers for.
    ///
    /// # Errors
    /// Why there is nothing to judge, in a sentence.
    pub fn adapter(command: &str, seed: u64, allow_flaky: bool) -> Result<Self, String> {
        let words = ["host", "--adapter", command].map(str::to_owned);
        Ok(Self {
            subject: OutsideSubject::new(AdapterHost::start(command)?),
            words: Some(words.to_vec()),
            seed,
            allow_flaky,
        })
    }
}

/// What an adapter has hosts of.
pub struct AdapterHost {
    pool: Arc<Pool>,
}

impl AdapterHost {
    /// Starts the adapter.
    ///
    /// # Errors
    /// Why there is nothing to judge, in a sentence.
    pub fn start(command: &str) -> Result<Self, String> {
        let pool = Arc::new(Pool::start(command)?);
        Ok(Self { pool })
    }

    fn table(&self, plugin: PluginSetup) -> Result<PluginTable, NotStarted> {
        let component = Component(plugin.component);
        let component = self.pool.file(&plugin.name, &component);
        Ok(PluginTable {
            component: component.map_err(NotStarted::Failed)?,
            name: plugin.name,
            permissions: plugin.permissions,
            deny: plugin.deny,
            config: plugin.config,
            instances: plugin.per_session.then(|| "per-session".to_owned()),
            gates: plugin.gates,
            limits: plugin.limits,
        })
    }
}

impl HostUnderTest for AdapterHost {
    type Running = AdapterRunning;

    fn about(&self) -> About {
        let Hello {
            name,
            version,
            protocols,
            features,
            limits,
            choices,
            ..
        } = self.pool.hello.clone();
        let offered = |feature: &Feature| features.iter().any(|word| word == feature.name());
        About::new(name, version, protocols)
            .offering(Feature::ALL.into_iter().filter(offered))
            .setting(limits)
            .choosing(chosen(&choices))
    }

    async fn start(&self, setup: HostSetup, log: HostLog) -> Result<AdapterRunning, NotStarted> {
        let plugins = setup.plugins.into_iter().map(|plugin| self.table(plugin));
        let plugins = plugins.collect::<Result<Vec<_>, _>>()?;
        let mut lease = self.pool.lease().map_err(NotStarted::Failed)?;
        let listener: Arc<dyn Listener> = Arc::new(Told(log));
        lease.adapter.listen(lease.host, &listener);
        let start = Start {
            host: lease.host,
            plugins,
            compression: setup.compression,
            duplicate: setup
                .duplicate
                .map(|choice| format!("{choice:?}").to_lowercase()),
            files: setup.files,
        };
        let answer = lease.adapter.ask(Order::Start(Box::new(start))).await;
        let answer = answer.map_err(|why| {
            lease.is_over();
            NotStarted::Failed(why)
        })?;
        if let Some(refused) = answer.refused {
            lease.is_over();
            return Err(NotStarted::Refused(refused));
        }
        let address = answer.address.unwrap_or_default();
        let Ok(address) = address.parse() else {
            let why = format!(
                "the adapter's answer to `start` has neither `refused` nor an `address` of the form 127.0.0.1:PORT: {address:?}"
            );
            return Err(NotStarted::Failed(lease.adapter.fail(&why)));
        };
        Ok(AdapterRunning {
            lease: RefCell::new(lease),
            address,
            _listener: listener,
        })
    }

    fn failure(&self) -> Option<String> {
        self.pool.failure()
    }
}

fn chosen(declared: &DeclaredChoices) -> Choices {
    let mut choices = Choices::default();
    choices.last_opinion = declared.opinion == Some(Opinion::Last);
    choices.lowest_first = declared.priority == Some(Priority::LowestFirst);
    choices.refused_per_call = declared.capability == Some(Gate::Call);
    choices
}

/// A host behind an adapter.
pub struct AdapterRunning {
    lease: RefCell<Lease>,
    address: SocketAddr,
    /// Hears what the host tells, as long as the host is there.
    _listener: Arc<dyn Listener>,
}

impl AdapterRunning {
    async fn ask(&self, order: Order) -> Result<(), String> {
        let adapter = Arc::clone(&self.lease.borrow().adapter);
        match adapter.ask(order).await?.refused {
            Some(refused) => Err(refused),
            None => Ok(()),
        }
    }

    fn host(&self) -> u64 {
        self.lease.borrow().host
    }
}

impl RunningHost for AdapterRunning {
    fn address(&self) -> SocketAddr {
        self.address
    }

    async fn stop(&self, reason: &str) {
        self.lease.borrow_mut().is_over();
        let (host, reason) = (self.host(), reason.to_owned());
        // What goes wrong with the adapter ends the run by itself.
        let _ = self.ask(Order::Stop { host, reason }).await;
    }

    async fn kick(&self, player: &str, reason: &str) -> Result<(), String> {
        let order = Order::Kick {
            host: self.host(),
            player: player.to_owned(),
            reason: reason.to_owned(),
        };
        self.ask(order).await
    }

    async fn reconfigure(
        &self,
        plugin: &str,
        config: BTreeMap<String, String>,
    ) -> Result<(), String> {
        let order = Order::Reconfigure {
            host: self.host(),
            plugin: plugin.to_owned(),
            config,
        };
        self.ask(order).await
    }

    fn nobody_listens(&self, error: &io::Error) -> String {
        let adapter = Arc::clone(&self.lease.borrow().adapter);
        adapter.fail(&format!(
            "the adapter answered the address {}, where nobody listens: {error}",
            self.address
        ))
    }
}

/// A case's log, as an adapter's host tells it.
struct Told(HostLog);

impl Listener for Told {
    fn hear(&self, event: Event) {
        match event {
            Event::Log {
                plugin,
                level,
                text,
                ..
            } => self.0.line(&plugin, level_of(level), &text),
            Event::Dropped { plugin, lines, .. } => self.0.dropped(&plugin, lines),
            Event::Denied { player, reason, .. } => self.0.denied(player.as_deref(), &reason),
            Event::Failed {
                plugin,
                callback,
                text,
                ..
            } => self.0.failed(&plugin, callback.as_deref(), &text),
            Event::Note { text, .. } => self.0.note(&text),
            Event::Unknown => {}
        }
    }
}

fn level_of(level: Level) -> LogLevel {
    match level {
        Level::Trace => LogLevel::Trace,
        Level::Debug => LogLevel::Debug,
        Level::Info => LogLevel::Info,
        Level::Warn => LogLevel::Warn,
        Level::Error => LogLevel::Error,
    }
}
