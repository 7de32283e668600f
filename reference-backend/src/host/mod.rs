//! Connections, dispatch of events, sessions, shutdown.
//!
//! | Module | Holds |
//! |---|---|
//! | `builder` | putting a host together |
//! | `listener` | connections from a listener |
//! | `places` | who has a place |
//! | `link` | one connection, as its tasks and handles share it |
//! | `memory` | what waits in all queues together |
//! | `pump` | bytes in and out |
//! | `script` | login, events, callbacks: one connection from first to last |
//! | `dispatch` | plugins, and the order in which they are asked |
//! | `players` | who is in, each once |
//! | `session` | what a handle does |
//! | `busy` | whom a connection waits for |
//! | `broken` | what a host that is broken on purpose does in place of the right thing; `whole` where none can be |
//! | `turns` | who needs much waits for those who need little |
//! | `native` | plugins that are part of the process |
//! | `rate` | how much of the log one plugin may fill |
//! | `observer` | what the host tells whoever watches it |
//!
//! Each connection has one task, as a rule; see `turns`. In it the pump and the script take turns; neither waits for the other, so that packets
//! go on being sent while a native callback waits.

#[cfg(feature = "faults")]
mod broken;
#[cfg(not(feature = "faults"))]
#[path = "whole.rs"]
mod broken;
mod builder;
mod busy;
mod dispatch;
mod link;
mod listener;
mod memory;
mod native;
mod places;
mod players;
mod pump;
mod rate;
mod script;
mod services;
mod session;
mod turns;

pub use builder::{HostBuilder, StartError};
pub(crate) use dispatch::{PluginDriver, PluginRecord, SharedRegistrar};
pub(crate) use places::WITHOUT_PLACE;
pub use rate::ERRORS_PER_SECOND;
pub(crate) use services::{Services, lock};
pub(crate) use session::FAILED;
pub use session::HostSession;
pub(crate) use turns::{Pace, give_way, settled};

use crate::api::{EndCause, HandlerId, HostEvent, LogLevel, PlayerId, VirtualBackendHandler};
use crate::config::{HostConfig, TableError};
use backend_proto::TextComponent;
use link::Link;
use places::{Admission, Places};
use players::Players;
use script::Script;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;
use tokio::time::Instant;

/// How long a connection that has no place may take until it can be told so.
pub(super) const TELLING: Duration = Duration::from_secs(2);

/// Bytes that each direction of an in-memory connection holds, as a socket's buffers would.
const DUPLEX_BUFFER: usize = 64 << 10;

/// How long connections have to end at shutdown; the plugins have what is left of the 10 s.
const SHUTDOWN_CONNECTIONS: Duration = Duration::from_secs(8);

/// A stop that takes longer than this says whom it waits for.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(1);

/// How long what is given up then has to go.
const SHUTDOWN_GIVEN_UP: Duration = Duration::from_millis(250);

/// How long each plugin has for its `on_disable`, all together.
const SHUTDOWN_PLUGINS: Duration = Duration::from_millis(1500);

/// A running host. Cheap to clone; clones are the same host.
#[derive(Clone)]
pub struct Host {
    inner: Arc<HostInner>,
}

pub(crate) struct HostInner {
    services: Arc<Services>,
    plugins: Vec<Arc<PluginRecord>>,
    limbo: Arc<dyn VirtualBackendHandler>,
    wire_config: Arc<backend_proto::ServerConfig>,
    /// For connections without a place.
    telling_config: Arc<backend_proto::ServerConfig>,
    players: Arc<Players>,
    next_player: AtomicU64,
    next_session: AtomicU64,
    sessions: AtomicUsize,
    connections: Mutex<Connections>,
    /// A connection has ended.
    ended: Notify,
    /// A connection has logged in or ended.
    login_over: Notify,
    stopping: watch::Sender<bool>,
}

struct Connections {
    open: BTreeMap<PlayerId, (Arc<Link>, Option<AbortHandle>)>,
    places: Places,
    stopping: bool,
}

impl Connections {
    fn new(config: &HostConfig) -> Self {
        Self {
            open: BTreeMap::new(),
            places: Places::new(config),
            stopping: false,
        }
    }
}

impl Host {
    /// Starts with a configuration. Only what is handed to the builder runs: files are the caller's business.
    #[must_use]
    pub fn builder(config: HostConfig) -> HostBuilder {
        HostBuilder::new(config)
    }

    /// A connection in memory; `peer` is what plugins see as its address. Must be called within a tokio runtime.
    #[must_use]
    pub fn connect(&self, peer: SocketAddr) -> DuplexStream {
        let (client, server) = tokio::io::duplex(DUPLEX_BUFFER);
        self.accept(server, peer);
        client
    }

    /// Takes over a connection; it runs on a task of its own. Must be called within a tokio runtime. A host that stops
    /// drops it at once. One that has no place for it tells it so, or drops it where too many are being told already;
    /// see [`HostConfig::max_connections`] and the limits of connections in [`HostLimits`](crate::HostLimits).
    pub fn accept<S>(&self, stream: S, peer: SocketAddr)
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        let inner = Arc::clone(&self.inner);
        let player = PlayerId(inner.next_player.fetch_add(1, Ordering::Relaxed));
        let Some(link) = inner.admit(player, peer) else {
            return;
        };
        let open = Open {
            inner: Arc::clone(&inner),
            link,
        };
        let task = inner.services.turns.spawn(Box::pin(run(open, stream)));
        if let Some(entry) = lock(&inner.connections).open.get_mut(&player) {
            entry.1 = Some(task.abort_handle());
        }
    }

    /// Returns when a newcomer has a place, or waiting for one is in vain. Loses nothing when it is dropped.
    async fn room_for_login(&self) {
        loop {
            let over = self.inner.login_over.notified();
            let until = lock(&self.inner.connections)
                .places
                .wait_until(Instant::now());
            let Some(until) = until else {
                return;
            };
            let _ = tokio::time::timeout_at(until, over).await;
        }
    }

    /// Takes connections from a listener, no more than `connections_per_second`, until the host shuts down.
    ///
    /// # Errors
    /// When the listener fails for good.
    pub async fn serve(&self, listener: TcpListener) -> io::Result<()> {
        listener::serve(self, &listener).await
    }

    /// Tells every player why, ends every session once, disables the plugins. Takes at most 10 s.
    pub async fn shutdown(&self, reason: &str) {
        let inner = &self.inner;
        let open: Vec<_> = {
            let mut connections = lock(&inner.connections);
            connections.stopping = true;
            connections
                .open
                .values()
                .map(|(link, _)| Arc::clone(link))
                .collect()
        };
        inner.stopping.send_replace(true);
        let text = TextComponent::cut(reason);
        if broken::kills(&inner.services, &open).await {
            return self.disable().await;
        }
        for link in open {
            link.stop(&text);
        }
        let all_ended = || async {
            loop {
                let ended = inner.ended.notified();
                if lock(&inner.connections).open.is_empty() {
                    break;
                }
                ended.await;
            }
        };
        let at_once = tokio::time::timeout(SHUTDOWN_PATIENCE, all_ended()).await;
        let in_time = match at_once {
            Ok(()) => Ok(()),
            Err(_) => {
                self.tell_whom_a_stop_waits_for();
                let rest = SHUTDOWN_CONNECTIONS.saturating_sub(SHUTDOWN_PATIENCE);
                tokio::time::timeout(rest, all_ended()).await
            }
        };
        if in_time.is_err() {
            for (player, (_, task)) in &lock(&inner.connections).open {
                tracing::warn!(%player, "did not end in time");
                if let Some(task) = task {
                    task.abort();
                }
            }
            // What is given up goes at its next turn.
            let _ = tokio::time::timeout(SHUTDOWN_GIVEN_UP, all_ended()).await;
        }
        self.disable().await;
    }

    fn tell_whom_a_stop_waits_for(&self) {
        let mut waited_for = BTreeMap::new();
        let mut unread = 0_usize;
        for (link, _) in lock(&self.inner.connections).open.values() {
            match link.busy.now() {
                Some(called) => *waited_for.entry(called).or_insert(0_usize) += 1,
                None => unread += 1,
            }
        }
        for ((plugin, callback), connections) in waited_for {
            self.inner.services.tell(HostEvent::StopWaits {
                plugin,
                callback,
                connections,
            });
        }
        if unread > 0 {
            tracing::warn!("stopping: {unread} connections wait for a client that does not read");
        }
    }

    async fn disable(&self) {
        let disabling = Mutex::new(None);
        let disable = async {
            for plugin in self.inner.plugins.iter().rev() {
                if let Some(driver) = plugin.driver() {
                    *lock(&disabling) = Some(&plugin.name);
                    driver.disable().await;
                }
            }
        };
        let in_time = tokio::time::timeout(SHUTDOWN_PLUGINS, disable).await;
        if in_time.is_err()
            && let Some(plugin) = *lock(&disabling)
        {
            let text = "did not let itself be disabled in time; those before it were not asked";
            self.inner.services.note(plugin, None, LogLevel::Warn, text);
        }
    }

    /// Disconnects a client with a reason; what was sent before goes first. False when there is no such connection, or
    /// it ends already.
    pub fn kick(&self, player: PlayerId, reason: &str) -> bool {
        let link = match lock(&self.inner.connections).open.get(&player) {
            Some((link, _)) => Arc::clone(link),
            None => return false,
        };
        if link.over().is_some() {
            return false;
        }
        link.disconnect(&TextComponent::cut(reason), EndCause::Kicked);
        true
    }

    /// What a guest reads through `config-service` from its next instance on; the present one goes on with what it has,
    /// so that a table never changes under a guest. False when there is no such plugin.
    ///
    /// # Errors
    /// When the table is larger than the plugin's limit; it keeps the one that it has.
    pub fn set_plugin_table(
        &self,
        plugin: &str,
        table: BTreeMap<String, String>,
    ) -> Result<bool, TableError> {
        let mut plugins = self.inner.plugins.iter();
        let Some(record) = plugins.find(|record| record.name == plugin) else {
            return Ok(false);
        };
        record.config.check_table(plugin, &table)?;
        let driver = record.driver();
        if let Some(driver) = driver {
            driver.set_table(table);
        }
        Ok(driver.is_some())
    }

    /// A handler as dispatch would find it, so that the benchmark can call it without a client in between.
    #[doc(hidden)]
    #[must_use]
    pub fn handler(&self, plugin: &str, id: HandlerId) -> Option<Arc<dyn VirtualBackendHandler>> {
        let record = self
            .inner
            .plugins
            .iter()
            .find(|record| record.name == plugin)?;
        record.handler(id).ok().map(|entry| entry.handler)
    }

    /// The most linear memory that an instance of a plugin has used so far, in bytes. Memory never shrinks, so that of a
    /// plugin with one instance that has not been restarted this is what it uses. Nothing for a plugin that is not there
    /// or is native.
    #[must_use]
    pub fn plugin_memory(&self, plugin: &str) -> Option<u64> {
        let mut plugins = self.inner.plugins.iter();
        let record = plugins.find(|record| record.name == plugin)?;
        record.driver()?.memory()
    }

    /// Connections at this moment, in login or beyond.
    #[must_use]
    pub fn connection_count(&self) -> usize {
        lock(&self.inner.connections).open.len()
    }

    /// Bytes that wait for clients and for handlers at this moment, of all connections together: what the limit `memory`
    /// under `[limits]` bounds.
    #[must_use]
    pub fn waiting_bytes(&self) -> u64 {
        self.inner.services.memory.used()
    }

    /// Sessions at this moment.
    #[must_use]
    pub fn session_count(&self) -> usize {
        self.inner.sessions.load(Ordering::Relaxed)
    }
}

impl HostInner {
    /// A connection in the table, if there is room for it.
    fn admit(&self, player: PlayerId, peer: SocketAddr) -> Option<Arc<Link>> {
        let now = Instant::now();
        let online = u32::try_from(self.sessions.load(Ordering::Relaxed)).unwrap_or(u32::MAX);
        let mut connections = lock(&self.connections);
        if connections.stopping {
            return None;
        }
        let admission = connections.places.admit(player, peer.ip(), now);
        let line = connections.places.line(now);
        let refusal = match admission {
            Admission::Told(refusal) => Some(refusal),
            _ => None,
        };
        let link = (admission != Admission::Closed).then(|| {
            let config = match refusal {
                None => &self.wire_config,
                Some(_) => &self.telling_config,
            };
            let services = &self.services;
            Arc::new(Link::new(
                player,
                peer.to_string(),
                Arc::clone(config),
                online,
                refusal,
                services,
            ))
        });
        if let Some(link) = &link {
            connections.open.insert(player, (Arc::clone(link), None));
        }
        let replaced = match admission {
            Admission::InsteadOf(old) => connections.open.get(&old),
            _ => None,
        };
        let replaced = replaced.map(|(link, _)| Arc::clone(link));
        drop(connections);
        if let Some(line) = line {
            tracing::warn!("{line}");
        }
        if let Some(link) = replaced {
            link.give_up();
        }
        link
    }

    /// The host has heard what it waited for in a login.
    fn heard(&self, player: PlayerId) {
        lock(&self.connections).places.heard(player);
    }

    /// The host waits for the client in a login.
    fn asked(&self, player: PlayerId) {
        let now = Instant::now();
        lock(&self.connections).places.asked(player, now);
    }

    fn logged_in(&self, player: PlayerId) {
        let now = Instant::now();
        lock(&self.connections).places.logged_in(player, now);
        self.login_over.notify_one();
    }

    fn plugins(&self) -> &[Arc<PluginRecord>] {
        &self.plugins
    }
}

/// A connection that is in the table, and leaves it whatever becomes of its task.
struct Open {
    inner: Arc<HostInner>,
    link: Arc<Link>,
}

impl Drop for Open {
    fn drop(&mut self) {
        let player = self.link.player;
        {
            let mut connections = lock(&self.inner.connections);
            connections.open.remove(&player);
            connections.places.gone(player, Instant::now());
        }
        self.inner.login_over.notify_one();
        self.inner.ended.notify_one();
    }
}

async fn run<S: AsyncRead + AsyncWrite>(open: Open, stream: S) {
    let player = open.link.player;
    let services = &open.inner.services;
    services.tell(HostEvent::Connected {
        player,
        peer: open.link.peer.clone(),
    });
    let script = Script {
        host: Arc::clone(&open.inner),
        link: Arc::clone(&open.link),
    };
    let served = async { tokio::join!(biased; script.run(), pump::run(&open.link, stream)) };
    let (cause, ()) = broken::serve(&open.link, served).await;
    services.tell(HostEvent::Closed { player, cause });
}
