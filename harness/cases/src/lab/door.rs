//! The door between a case and the host that is judged: in this process, or in another behind an adapter.
//!
//! A case says with a [`Plan`] which host it wants. The [`Door`] starts it and answers a [`Host`]; what the host does on the
//! way comes to the case's [`Recorder`]. What not every door offers is a [`Need`]: a case names those without which it can
//! say nothing, and asks [`Door::offers`] before what it does besides.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use sim_client::Stream;
use vb_contract::{
    GameProfile, HostConfig, Instances, Limits, NativePlugin, PlayerId, PluginConfig,
};

use super::recorder::Recorder;

/// A future that stays on its thread: a case and its subject share one.
pub type LocalFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// Something of a host that not every door offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Need {
    /// Plugins that are part of the judge's own process.
    NativePlugins,
    /// A clock that stands still while somebody works.
    VirtualTime,
    /// What the host tells of itself: callbacks, traps, why a gate stayed shut.
    HostEvents,
    /// Word of each failure of a plugin: a trap, a limit that it went over.
    Failures,
    /// A new instance after a trap.
    Restart,
    /// Several plugins in one host.
    TwoPlugins,
    /// An instance for each session.
    PerSession,
    /// Limits of a plugin that the case chooses.
    OwnLimits,
    /// Limits of the whole host that the case chooses.
    HostLimits,
    /// A threshold of compression that the case chooses.
    Compression,
    /// Folders for plugins.
    Files,
    /// Servers that players can be sent to.
    RealServers,
    /// The host's own empty world.
    Limbo,
    /// What becomes of a player's second connection, as the case chooses.
    Duplicate,
    /// An operator who ends a connection.
    Kick,
    /// Other configuration for a plugin's next instance.
    Reconfigure,
    /// Profiles that the case makes up.
    Profiles,
}

impl Need {
    /// In a few words, for the sentence "this host does not offer ...".
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::NativePlugins => "plugins of the judge's own process",
            Self::VirtualTime => "virtual time",
            Self::HostEvents => "events that tell how it works inside",
            Self::Failures => "word of a plugin's failure",
            Self::Restart => "a new instance after a trap",
            Self::TwoPlugins => "several plugins at once",
            Self::PerSession => "an instance for each session",
            Self::OwnLimits => "limits of a plugin that can be set",
            Self::HostLimits => "limits of the whole host that can be set",
            Self::Compression => "a threshold of compression that can be set",
            Self::RealServers => "servers that players can be sent to",
            Self::Files => "folders for plugins",
            Self::Limbo => "an empty world of its own",
            Self::Duplicate => "a choice of what becomes of a second connection",
            Self::Kick => "an operator who ends a connection",
            Self::Reconfigure => "other configuration for a plugin's next instance",
            Self::Profiles => "profiles that can be made up",
        }
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

/// What a host does where the draft of the contract leaves the choice: see *Choices* in the adapter protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Choices {
    /// The last listener that has an opinion decides, and not the first.
    pub last_opinion: bool,
    /// The listener with the lowest priority is asked first, and not that with the highest.
    pub lowest_first: bool,
    /// A plugin without a capability is started, and each of its calls refused.
    pub refused_per_call: bool,
}

/// The bytes of a guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component(pub Bytes);

impl Component {
    /// One that the harness carries.
    #[must_use]
    pub const fn carried(bytes: &'static [u8]) -> Self {
        Self(Bytes::from_static(bytes))
    }
}

impl From<Vec<u8>> for Component {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

/// What plays a plugin.
#[derive(Clone)]
pub enum Source {
    /// A component.
    Guest(Component),
    /// Code of this process.
    Native(Arc<dyn NativePlugin>),
}

/// A plugin of a [`Plan`].
#[derive(Clone)]
pub struct Plugin {
    /// Its name in the configuration.
    pub name: String,
    /// Its table.
    pub config: PluginConfig,
    /// Lines of its table as an operator writes them, TOML, which may be wrong: `permissions`, `deny`, `gates`, `required`.
    /// What stands here counts instead of what `config` says of it.
    pub lines: String,
    /// What plays it.
    pub source: Source,
}

/// Where profiles come from, by the name that a client logs in with.
pub type Profiles = Arc<dyn Fn(&str) -> GameProfile + Send + Sync>;

/// The host that a case wants.
#[derive(Clone, Default)]
pub struct Plan {
    /// What the host is told besides its plugins.
    pub config: HostConfig,
    /// In the order in which they are registered.
    pub plugins: Vec<Plugin>,
    /// None for those of offline mode.
    pub profiles: Option<Profiles>,
    /// The protocol that plugins are told whatever a client speaks.
    pub told_protocol: Option<i32>,
}

impl Plan {
    /// A host with this configuration and no plugin.
    #[must_use]
    pub fn new(config: HostConfig) -> Self {
        Self {
            config,
            ..Self::default()
        }
    }

    /// Adds a guest.
    #[must_use]
    pub fn guest(
        self,
        name: impl Into<String>,
        component: Component,
        config: PluginConfig,
    ) -> Self {
        self.plugin(name.into(), config, String::new(), Source::Guest(component))
    }

    /// Adds a guest whose table holds these lines, as an operator writes them.
    #[must_use]
    pub fn guest_written(
        self,
        name: impl Into<String>,
        component: Component,
        lines: impl Into<String>,
        config: PluginConfig,
    ) -> Self {
        self.plugin(name.into(), config, lines.into(), Source::Guest(component))
    }

    /// Adds a native plugin.
    #[must_use]
    pub fn native(
        self,
        name: impl Into<String>,
        plugin: Arc<dyn NativePlugin>,
        config: PluginConfig,
    ) -> Self {
        self.plugin(name.into(), config, String::new(), Source::Native(plugin))
    }

    /// Adds a native plugin whose table holds these lines, as an operator writes them.
    #[must_use]
    pub fn native_written(
        self,
        name: impl Into<String>,
        plugin: Arc<dyn NativePlugin>,
        lines: impl Into<String>,
        config: PluginConfig,
    ) -> Self {
        self.plugin(name.into(), config, lines.into(), Source::Native(plugin))
    }

    /// Takes profiles from here.
    #[must_use]
    pub fn profiles(
        mut self,
        profiles: impl Fn(&str) -> GameProfile + Send + Sync + 'static,
    ) -> Self {
        self.profiles = Some(Arc::new(profiles));
        self
    }

    /// Tells plugins that every client speaks this protocol.
    #[must_use]
    pub fn told_protocol(mut self, protocol: i32) -> Self {
        self.told_protocol = Some(protocol);
        self
    }

    /// What this host needs of a door.
    #[must_use]
    pub fn needs(&self) -> BTreeSet<Need> {
        let usual = HostConfig::default();
        let HostConfig {
            compression_threshold,
            players,
            limits,
            data_dir,
            max_connections,
            servers,
            initial_server,
            ..
        } = &self.config;
        let mut needs: BTreeSet<Need> = [
            (
                *compression_threshold != usual.compression_threshold,
                Need::Compression,
            ),
            (
                players.duplicate != usual.players.duplicate,
                Need::Duplicate,
            ),
            (
                (limits, max_connections) != (&usual.limits, &usual.max_connections)
                    || players.names != usual.players.names,
                Need::HostLimits,
            ),
            (data_dir.is_some(), Need::Files),
            (
                !servers.is_empty() || initial_server.is_some(),
                Need::RealServers,
            ),
            (self.plugins.len() > 1, Need::TwoPlugins),
            (self.profiles.is_some(), Need::Profiles),
            (self.told_protocol.is_some(), Need::Profiles),
        ]
        .into_iter()
        .filter_map(|(needed, need)| needed.then_some(need))
        .collect();
        for plugin in &self.plugins {
            if matches!(plugin.source, Source::Native(_)) {
                needs.insert(Need::NativePlugins);
            }
            if plugin.config.instances != Instances::Shared {
                needs.insert(Need::PerSession);
            }
            if plugin.config.limits != Limits::default() {
                needs.insert(Need::OwnLimits);
            }
        }
        needs
    }

    fn plugin(mut self, name: String, config: PluginConfig, lines: String, source: Source) -> Self {
        self.plugins.push(Plugin {
            name,
            config,
            lines,
            source,
        });
        self
    }
}

/// A host that did not start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoHost {
    /// The host says no: the words that an operator reads.
    #[error("the host does not start: {0}")]
    Refused(String),
    /// Hosts behind this door do not offer something that the plan wants.
    #[error("this host does not offer {0}")]
    NotOffered(String),
    /// The door cannot have it started.
    #[error("{0}")]
    Door(String),
}

/// The way to hosts of one kind. Belongs to one case and its runtime.
pub trait Door {
    /// Whether cases get this.
    fn offers(&self, need: Need) -> bool;

    /// Whether a plan may set this limit of a plugin, by its name in the configuration.
    fn sets(&self, _limit: &str) -> bool {
        self.offers(Need::OwnLimits)
    }

    /// What hosts behind it do where the draft leaves the choice.
    fn choices(&self) -> Choices {
        Choices::default()
    }

    /// Starts a host, which tells `recorder` what it tells anybody.
    fn start<'a>(
        &'a self,
        plan: Plan,
        recorder: &'a Arc<Recorder>,
    ) -> LocalFuture<'a, Result<Host, NoHost>>;
}

/// By how much an upper bound is widened where time is real, for the machine and the network: from the specification.
const REAL_TIME_SLACK: Duration = Duration::from_secs(1);

/// How long what a host has done may take to show in the log of a guest, where that comes by an adapter: from its protocol.
pub const LOG_DELAY: Duration = Duration::from_millis(500);

impl dyn Door {
    /// Whether the clock stands still while somebody works: then a case can afford to wait, and times are exact.
    #[must_use]
    pub fn is_virtual(&self) -> bool {
        self.offers(Need::VirtualTime)
    }

    /// An upper bound of a clause, as wide as it is on this door's clock.
    #[must_use]
    pub fn within(&self, bound: Duration) -> Duration {
        match self.is_virtual() {
            true => bound,
            false => bound + REAL_TIME_SLACK,
        }
    }

    /// How long what has happened takes to come to the log.
    #[must_use]
    pub fn log_delay(&self) -> Duration {
        match self.is_virtual() {
            true => Duration::ZERO,
            false => LOG_DELAY,
        }
    }
}

/// A host that runs. When it is dropped, the host is ended without ceremony.
pub trait Running {
    /// Opens a connection; one that is over where nobody listens any more.
    fn connect(&self) -> Stream;

    /// Opens a connection of which both sides read and write pieces of at most `longest` bytes, drawn from the seed.
    fn connect_in_pieces(&self, seed: u64, longest: usize) -> Stream;

    /// Stops the host as an operator would who does not want to lose anybody.
    fn shutdown<'a>(&'a self, reason: &'a str) -> LocalFuture<'a, ()>;

    /// Ends a player's connection, as an operator; false where there is none, or where no door offers it.
    fn kick<'a>(
        &'a self,
        player: PlayerId,
        name: &'a str,
        reason: &'a str,
    ) -> LocalFuture<'a, bool>;

    /// Gives later instances of a plugin another table; the host's words where it does not.
    fn set_plugin_table<'a>(
        &'a self,
        plugin: &'a str,
        table: BTreeMap<String, String>,
    ) -> LocalFuture<'a, Result<(), String>>;

    /// How many connections there are, where the host tells.
    fn connection_count(&self) -> Option<usize> {
        None
    }

    /// Bytes of linear memory of a plugin's instance, where the host tells.
    fn plugin_memory(&self, _plugin: &str) -> Option<u64> {
        None
    }
}

/// A host that a case has started. Clones are the same host.
#[derive(Clone)]
pub struct Host(Rc<dyn Running>);

impl Host {
    /// What a door has started.
    pub fn new(running: impl Running + 'static) -> Self {
        Self(Rc::new(running))
    }
}

impl std::ops::Deref for Host {
    type Target = dyn Running;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct OfTime(bool);

    impl Door for OfTime {
        fn offers(&self, need: Need) -> bool {
            need == Need::VirtualTime && self.0
        }

        fn start<'a>(
            &'a self,
            _plan: Plan,
            _recorder: &'a Arc<Recorder>,
        ) -> LocalFuture<'a, Result<Host, NoHost>> {
            Box::pin(async { Err(NoHost::Refused(String::new())) })
        }
    }

    #[test]
    fn bounds_are_a_second_wider_where_time_is_real_and_exact_where_it_is_not() {
        let bound = Duration::from_secs(10);
        for (is_virtual, within, delay) in [(true, 10_000, 0), (false, 11_000, 500)] {
            let door: &dyn Door = &OfTime(is_virtual);
            assert_eq!(door.is_virtual(), is_virtual);
            assert_eq!(door.within(bound).as_millis(), within);
            assert_eq!(door.log_delay().as_millis(), delay);
        }
    }
}
