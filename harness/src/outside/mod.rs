//! Hosts that run outside of the harness's clock: what whoever has one implements, and the door that cases see of it.
//!
//! ```text
//! case -> OutsideDoor -> HostUnderTest::start -> RunningHost
//!              └─ Stream::Tcp ─────────────────────> its address
//! ```

mod door;
mod guest;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::{Future, ready};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use reference_backend::{
    Callback, Duplicate, HandlerId, HostEvent, LogLevel, Observer, PlayerId, TrapKind,
};

use crate::lab::door::{Choices, Need};
use crate::lab::recorder::Recorder;

pub(crate) use door::{Outside, OutsideSubject};
pub(crate) use guest::{GuestOutside, OutsideGuest};

/// A host of your own that can be judged: how to start one, and what it is.
///
/// Each case starts hosts of its own, sixty-four cases run at once, and players come over TCP. The futures are awaited on
/// the case's thread, within a runtime of tokio that has one thread, sockets and timers: what they `tokio::spawn` runs
/// there, beside the case, and ends with it. What blocks belongs into `tokio::task::spawn_blocking`, and a host that has a
/// runtime of its own may run there.
///
/// ```
/// use std::net::{Ipv4Addr, SocketAddr};
///
/// use vbspec::{About, HostLog, HostSetup, HostUnderTest, NotStarted, RunningHost};
///
/// struct MyProxy;
///
/// struct Running(SocketAddr);
///
/// impl HostUnderTest for MyProxy {
///     type Running = Running;
///
///     fn about(&self) -> About {
///         About::new("my-proxy", "1.0.0", [47, 767])
///     }
///
///     async fn start(&self, setup: HostSetup, _log: HostLog) -> Result<Running, NotStarted> {
///         if let Some(plugin) = setup.plugins.first() {
///             // Here a proxy would load the component; its words when it does not are those for an operator.
///             return Err(format!("{}: no plugin is taken yet", plugin.name).into());
///         }
///         Ok(Running(SocketAddr::from((Ipv4Addr::LOCALHOST, 25_565))))
///     }
/// }
///
/// impl RunningHost for Running {
///     fn address(&self) -> SocketAddr {
///         self.0
///     }
///
///     async fn stop(&self, _reason: &str) {}
/// }
///
/// let judgement = vbspec::judge_host(MyProxy).protocols(767).cases(["BRG-04"]).run()?;
/// assert!(!judgement.is_conforming());
/// assert!(judgement.to_string().contains("no plugin is taken yet"));
/// # Ok::<(), vbspec::Error>(())
/// ```
pub trait HostUnderTest: Send + Sync + 'static {
    /// One that runs.
    type Running: RunningHost + 'static;

    /// What it is and what it offers. Asked for many times, and always the same.
    fn about(&self) -> About;

    /// Starts a host with these plugins on a port that is free, and tells `log` what it logs until it ends.
    ///
    /// # Errors
    /// [`NotStarted::Refused`] when it does not want to start so, which many cases wait for. [`NotStarted::Failed`] when it
    /// could not be tried.
    fn start(
        &self,
        setup: HostSetup,
        log: HostLog,
    ) -> impl Future<Output = Result<Self::Running, NotStarted>>;

    /// Why nothing of it can be judged any more; none while it can.
    fn failure(&self) -> Option<String> {
        None
    }
}

/// A host that a case has started. When it is dropped, it is to end without ceremony: nobody visits it any more.
pub trait RunningHost {
    /// Where players connect to.
    fn address(&self) -> SocketAddr;

    /// Stops the host as an operator would who does not want to lose anybody, and waits until nobody is left.
    fn stop(&self, reason: &str) -> impl Future<Output = ()>;

    /// Ends a player's connection, as an operator: asked for with [`Feature::Kick`].
    ///
    /// # Errors
    /// Why not, such as that there is no such player.
    fn kick(&self, _player: &str, _reason: &str) -> impl Future<Output = Result<(), String>> {
        ready(Err(format!("this host does not offer {}", Need::Kick)))
    }

    /// Gives later instances of a plugin this configuration of their own: asked for with [`Feature::Reconfigure`].
    ///
    /// # Errors
    /// Why not.
    fn reconfigure(
        &self,
        _plugin: &str,
        _config: BTreeMap<String, String>,
    ) -> impl Future<Output = Result<(), String>> {
        ready(Err(format!(
            "this host does not offer {}",
            Need::Reconfigure
        )))
    }

    /// The words with which the run ends when nobody listens at the address.
    fn nobody_listens(&self, error: &io::Error) -> String {
        let address = self.address();
        format!("the host has started, but nobody listens at its address {address}: {error}")
    }
}

/// Why a host has not started.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotStarted {
    /// It says no: the words that an operator reads.
    #[error("the host does not start: {0}")]
    Refused(String),
    /// It could not be tried.
    #[error("{0}")]
    Failed(String),
}

impl From<String> for NotStarted {
    fn from(refused: String) -> Self {
        Self::Refused(refused)
    }
}

impl From<&str> for NotStarted {
    fn from(refused: &str) -> Self {
        Self::Refused(refused.to_owned())
    }
}

/// What a host is and what it offers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct About {
    /// What reports call it.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The protocols of the clients that it takes; no other is judged.
    pub protocols: BTreeSet<i32>,
    /// What it offers; cases that need something else are skipped, and say so.
    pub features: BTreeSet<Feature>,
    /// The limits of a plugin that can be set, by their names in the configuration, such as `memory`.
    pub limits: BTreeSet<String>,
    /// What it does where the draft of the contract leaves the choice.
    pub choices: Choices,
}

impl About {
    /// A host that takes clients of these protocols and offers nothing besides.
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        version: impl Into<String>,
        protocols: impl IntoIterator<Item = i32>,
    ) -> Self {
        Self {
            name: name.into(),
            version: version.into(),
            protocols: protocols.into_iter().collect(),
            features: BTreeSet::new(),
            limits: BTreeSet::new(),
            choices: Choices::default(),
        }
    }

    /// Offers these too.
    #[must_use]
    pub fn offering(mut self, features: impl IntoIterator<Item = Feature>) -> Self {
        self.features.extend(features);
        self
    }

    /// Lets these limits of a plugin be set too.
    #[must_use]
    pub fn setting<S: Into<String>>(mut self, limits: impl IntoIterator<Item = S>) -> Self {
        self.limits.extend(limits.into_iter().map(Into::into));
        self
    }

    /// Makes these choices.
    #[must_use]
    pub fn choosing(mut self, choices: Choices) -> Self {
        self.choices = choices;
        self
    }
}

/// Something that a host may offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Feature {
    /// Several plugins in one host.
    TwoPlugins,
    /// A new instance of a plugin after a trap.
    Restart,
    /// An instance for each session: [`PluginSetup::per_session`].
    PerSession,
    /// A threshold of compression that can be set: [`HostSetup::compression`].
    Compression,
    /// A folder for plugins' files: [`HostSetup::files`].
    Files,
    /// The host's own empty world.
    Limbo,
    /// What becomes of a player's second connection can be set: [`HostSetup::duplicate`].
    Duplicate,
    /// An operator who ends a connection: [`RunningHost::kick`].
    Kick,
    /// Other configuration for a plugin's next instance: [`RunningHost::reconfigure`].
    Reconfigure,
    /// Word of each failure of a plugin: [`HostLog::failed`].
    Failures,
}

impl Feature {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::TwoPlugins,
        Self::Restart,
        Self::PerSession,
        Self::Compression,
        Self::Files,
        Self::Limbo,
        Self::Duplicate,
        Self::Kick,
        Self::Reconfigure,
        Self::Failures,
    ];

    /// Its word in the adapter protocol.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TwoPlugins => "two-plugins",
            Self::Restart => "restart",
            Self::PerSession => "per-session",
            Self::Compression => "compression",
            Self::Files => "files",
            Self::Limbo => "limbo",
            Self::Duplicate => "duplicate",
            Self::Kick => "kick",
            Self::Reconfigure => "reconfigure",
            Self::Failures => "failures",
        }
    }

    /// The feature that a case means by a need; none where no host outside can offer it, or it is no feature.
    pub(crate) const fn of(need: Need) -> Option<Self> {
        Some(match need {
            Need::TwoPlugins => Self::TwoPlugins,
            Need::Restart => Self::Restart,
            Need::PerSession => Self::PerSession,
            Need::Compression => Self::Compression,
            Need::Files => Self::Files,
            Need::Limbo => Self::Limbo,
            Need::Duplicate => Self::Duplicate,
            Need::Kick => Self::Kick,
            Need::Reconfigure => Self::Reconfigure,
            Need::Failures => Self::Failures,
            _ => return None,
        })
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The host that a case wants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HostSetup {
    /// In the order in which they are registered.
    pub plugins: Vec<PluginSetup>,
    /// The threshold of compression in bytes, -1 for none; the host's own where there is none.
    pub compression: Option<i32>,
    /// What becomes of a player's second connection; as the host does by itself where there is none.
    pub duplicate: Option<Duplicate>,
    /// A folder for plugins' files.
    pub files: Option<PathBuf>,
}

/// A plugin of a host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PluginSetup {
    /// Its name.
    pub name: String,
    /// Its component. Clones are cheap, and equal bytes come often: a host may want to compile them once.
    pub component: Bytes,
    /// Capabilities as an operator writes them, which may be wrong.
    pub permissions: Vec<String>,
    /// Capabilities that are taken away.
    pub deny: Vec<String>,
    /// What it reads of its own.
    pub config: BTreeMap<String, String>,
    /// Whether each session has an instance of its own.
    pub per_session: bool,
    /// Events at which nobody passes while it is down; those it has subscribed to where there is none.
    pub gates: Option<Vec<String>>,
    /// Limits that the case sets, by name.
    pub limits: BTreeMap<String, u64>,
}

/// Takes what a host logs, from any thread. Clones go to the same case.
#[derive(Debug, Clone)]
pub struct HostLog(Arc<Recorder>);

impl HostLog {
    pub(crate) const fn new(recorder: Arc<Recorder>) -> Self {
        Self(recorder)
    }

    /// A line of a guest's log, as the guest wrote it: the plugins of most cases say there what they see.
    pub fn line(&self, plugin: &str, level: LogLevel, text: &str) {
        if let Some(started) = started(plugin, text) {
            self.0.on_event(started);
        }
        self.0.on_event(HostEvent::GuestLog {
            plugin: plugin.to_owned(),
            level,
            message: text.to_owned(),
        });
    }

    /// Lines of a guest's log that were dropped by the host's rate.
    pub fn dropped(&self, plugin: &str, lines: u64) {
        let plugin = plugin.to_owned();
        self.0
            .on_event(HostEvent::GuestLogDropped { plugin, lines });
    }

    /// Nobody got past a gate.
    pub fn denied(&self, player: Option<&str>, reason: &str) {
        let whom = player.map_or_else(String::new, |name| format!("{name}: "));
        self.note(&format!("denied: {whom}{reason}"));
    }

    /// A plugin has failed: it has trapped, or went over a limit; asked for with [`Feature::Failures`]. `callback` is the
    /// export that it was in, where that is known.
    pub fn failed(&self, plugin: &str, callback: Option<&str>, text: &str) {
        let named = |known: &Callback| Some(known.name()) == callback;
        self.0.on_event(HostEvent::Trap {
            plugin: plugin.to_owned(),
            incarnation: 0,
            // Where the host does not know it is most likely one of those that come all the time.
            callback: Callback::ALL
                .into_iter()
                .find(named)
                .unwrap_or(Callback::PacketReceived),
            player: None,
            kind: TrapKind::Trap(text.to_owned()),
        });
    }

    /// Whatever else the host logs: it is shown beside a failure.
    pub fn note(&self, text: &str) {
        self.0.on_event(HostEvent::Note {
            plugin: "host".to_owned(),
            player: None,
            level: LogLevel::Info,
            text: text.to_owned(),
        });
    }
}

/// The start of a session, as the probe tells it: `start handler=H player=P protocol=N ...`.
fn started(plugin: &str, line: &str) -> Option<HostEvent> {
    let mut words = line.strip_prefix("start handler=")?.split(' ');
    let handler = words.next()?.parse().ok()?;
    let player = words.next()?.strip_prefix("player=")?.parse().ok()?;
    let protocol_version = words.next()?.strip_prefix("protocol=")?.parse().ok()?;
    Some(HostEvent::SessionStarted {
        player: PlayerId(player),
        plugin: plugin.to_owned(),
        handler: HandlerId(handler),
        protocol_version,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::clock::{Origin, in_virtual_time};

    #[test]
    fn a_failure_is_told_with_the_callback_where_it_is_known() {
        let seen = in_virtual_time(async {
            let recorder = Recorder::new(Origin::now());
            let log = HostLog::new(Arc::clone(&recorder));
            log.failed("lobby", Some("on-scheduled-task"), "it trapped");
            log.failed("lobby", Some("no-such-callback"), "it trapped");
            log.failed("lobby", None, "it trapped");
            recorder.traps()
        });
        let seen: Vec<Callback> = seen.unwrap().iter().map(|trap| trap.callback).collect();
        let likely = Callback::PacketReceived;
        assert_eq!(seen, [Callback::OnScheduledTask, likely, likely]);
    }

    #[test]
    fn every_feature_has_a_name_of_its_own_and_a_row_in_the_page() {
        let names: BTreeSet<&str> = Feature::ALL.into_iter().map(Feature::name).collect();
        assert_eq!(names.len(), Feature::ALL.len());
        let page = include_str!("../../adapter/PROTOCOL.md");
        for name in names {
            assert!(page.contains(&format!("| `{name}` |")), "{name}");
        }
    }
}
