//! The door to hosts of this process: the reference, in virtual time, with native plugins and the host's own events.

use std::collections::BTreeMap;
use std::sync::Arc;

use reference_backend::{
    Fault, GuestComponent, GuestEngine, HostBuilder, HostConfig, PlayerId, PluginConfig, StartError,
};
use sim_client::Stream;

use crate::lab::PEER;
use crate::lab::door::LocalFuture;
use crate::lab::door::{Component, Door, Host, Need, NoHost, Plan, Plugin, Running, Source};
use crate::lab::pieces::Pieces;
use crate::lab::recorder::Recorder;

/// Bytes that each direction of a connection of ours holds, as a socket's buffers would.
const PIPE: usize = 64 << 10;

/// What messages call a configuration that a case has written.
const FILE: &str = "host.toml";

/// The reference host in this process.
#[derive(Clone)]
pub struct InProcess {
    engine: GuestEngine,
    /// What is compiled already.
    compiled: Vec<(Component, GuestComponent)>,
    seed: u64,
    /// Whether one component may be there under several names.
    same_ids: bool,
    /// What is broken on purpose.
    fault: Option<Fault>,
}

impl InProcess {
    /// With this engine.
    #[must_use]
    pub fn new(engine: GuestEngine) -> Self {
        Self {
            engine,
            compiled: Vec::new(),
            seed: 0,
            same_ids: false,
            fault: None,
        }
    }

    /// Takes this for a component instead of compiling it.
    #[must_use]
    pub fn knowing(mut self, component: Component, compiled: GuestComponent) -> Self {
        self.compiled.push((component, compiled));
        self
    }

    /// Draws what guests are told of chance from this seed.
    #[must_use]
    pub fn seeded(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Lets one component be there under several names.
    #[must_use]
    pub fn with_same_ids(mut self) -> Self {
        self.same_ids = true;
        self
    }

    /// Breaks every host in this way.
    #[must_use]
    pub fn broken(mut self, fault: Option<Fault>) -> Self {
        self.fault = fault;
        self
    }

    fn parse(&self, text: &str) -> Result<HostConfig, NoHost> {
        #[cfg(feature = "selftest")]
        if let Some(fault) = self.fault {
            return reference_backend::parse_broken(text, FILE, fault).map_err(refused);
        }
        HostConfig::parse(text, FILE).map_err(refused)
    }

    /// What an operator's lines say of permissions and gates counts instead of what the table says.
    fn config(&self, plugin: &Plugin) -> Result<PluginConfig, NoHost> {
        let mut config = plugin.config.clone();
        if plugin.lines.is_empty() {
            return Ok(config);
        }
        let name = &plugin.name;
        let text = format!("[plugins.{name}]\n{}\n", plugin.lines);
        let written = self.parse(&text)?.plugins.remove(name).unwrap_or_default();
        config.permissions = written.permissions;
        config.deny = written.deny;
        config.gates = written.gates;
        config.required = written.required;
        Ok(config)
    }

    fn compile(&self, name: &str, component: &Component) -> Result<GuestComponent, NoHost> {
        let known = self.compiled.iter().find(|(known, _)| known == component);
        match known {
            Some((_, compiled)) => Ok(compiled.clone()),
            None => self.engine.load(name, &component.0).map_err(refused),
        }
    }

    fn builder(&self, plan: Plan, recorder: &Arc<Recorder>) -> Result<HostBuilder, NoHost> {
        let mut builder = reference_backend::Host::builder(plan.config)
            .observer(Arc::clone(recorder) as _)
            .seed(self.seed);
        if self.same_ids {
            builder = builder.same_ids();
        }
        #[cfg(feature = "selftest")]
        if let Some(fault) = self.fault {
            builder = builder.fault(fault);
        }
        if let Some(profiles) = plan.profiles {
            builder = builder.profiles(move |name| profiles(name));
        }
        if let Some(protocol) = plan.told_protocol {
            builder = builder.told_protocol(protocol);
        }
        for plugin in plan.plugins {
            let config = self.config(&plugin)?;
            builder = match &plugin.source {
                Source::Guest(component) => {
                    let compiled = self.compile(&plugin.name, component)?;
                    builder.guest(plugin.name, compiled, config)
                }
                Source::Native(native) => builder.native(plugin.name, Arc::clone(native), config),
            };
        }
        Ok(builder)
    }
}

fn refused(error: impl std::fmt::Display) -> NoHost {
    NoHost::Refused(error.to_string())
}

impl Door for InProcess {
    fn offers(&self, need: Need) -> bool {
        // The reference has no way to real servers yet, and says so where a plan names some; cases look at that too.
        let _ = need;
        true
    }

    fn start<'a>(
        &'a self,
        plan: Plan,
        recorder: &'a Arc<Recorder>,
    ) -> LocalFuture<'a, Result<Host, NoHost>> {
        Box::pin(async move {
            let builder = self.builder(plan, recorder)?;
            let host = builder.start().await;
            host.map(|host| Host::new(Inside(host)))
                .map_err(|error: StartError| refused(error))
        })
    }
}

/// A host of this process.
struct Inside(reference_backend::Host);

impl Running for Inside {
    fn connect(&self) -> Stream {
        self.0.connect(PEER).into()
    }

    fn connect_in_pieces(&self, seed: u64, longest: usize) -> Stream {
        let (client, server) = tokio::io::duplex(PIPE);
        self.0.accept(Pieces::new(server, seed, longest), PEER);
        client.into()
    }

    fn shutdown<'a>(&'a self, reason: &'a str) -> LocalFuture<'a, ()> {
        Box::pin(self.0.shutdown(reason))
    }

    fn kick<'a>(
        &'a self,
        player: PlayerId,
        _name: &'a str,
        reason: &'a str,
    ) -> LocalFuture<'a, bool> {
        Box::pin(std::future::ready(self.0.kick(player, reason)))
    }

    fn set_plugin_table<'a>(
        &'a self,
        plugin: &'a str,
        table: BTreeMap<String, String>,
    ) -> LocalFuture<'a, Result<(), String>> {
        let set = match self.0.set_plugin_table(plugin, table) {
            Ok(true) => Ok(()),
            Ok(false) => Err(format!("there is no plugin {plugin}")),
            Err(error) => Err(error.to_string()),
        };
        Box::pin(std::future::ready(set))
    }

    fn connection_count(&self) -> Option<usize> {
        Some(self.0.connection_count())
    }

    fn plugin_memory(&self, plugin: &str) -> Option<u64> {
        self.0.plugin_memory(plugin)
    }
}
