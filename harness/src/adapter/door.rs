//! What cases see of hosts that run elsewhere.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpStream as Socket};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use reference_backend::{
    Callback, EventKind, HandlerId, HostEvent, Instances, Limits, LogLevel, Observer, PlayerId,
    PluginConfig, TrapKind,
};
use sim_client::Stream;
use tokio::net::TcpStream;

use super::pool::{Lease, Pool};
use super::process::Listener;
use super::protocol::{Event, Gate, Level, Opinion, Order, PluginTable, Priority, Start};
use crate::case::{Claim, Job};
use crate::lab::clock::Clock;
use crate::lab::door::LocalFuture;
use crate::lab::door::{Choices, Door, Host, Need, NoHost, Plan, Plugin, Running, Source};
use crate::lab::host::HostLab;
use crate::lab::judge;
use crate::lab::pieces::Pieces;
use crate::lab::recorder::Recorder;
use crate::rng::Rng;
use crate::verdict::{Judged, Verdict, VerdictKind};

/// How long a connection on this machine may take.
const CONNECT: Duration = Duration::from_secs(5);

/// Bytes that are on the way in pieces.
const PIPE: usize = 64 << 10;

/// Hosts behind an adapter.
#[derive(Clone)]
pub struct AdapterSubject {
    pool: Arc<Pool>,
}

impl AdapterSubject {
    /// Starts the adapter.
    ///
    /// # Errors
    /// Why there is nothing to judge, in a sentence.
    pub fn start(command: &str) -> Result<Self, String> {
        Pool::start(command).map(|pool| Self {
            pool: Arc::new(pool),
        })
    }

    /// What reports call it.
    #[must_use]
    pub fn name(&self) -> String {
        let hello = &self.pool.hello;
        format!("{} {}", hello.name, hello.version)
    }

    /// Whether its hosts take clients of this protocol.
    #[must_use]
    pub fn serves(&self, protocol: i32) -> bool {
        self.pool.hello.protocols.contains(&protocol)
    }

    /// Why the run cannot go on, if it cannot.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        self.pool.failure()
    }

    /// Judges one job: the case's claim, on the job's protocol, in real time.
    #[must_use]
    pub fn judge(&self, job: Job<HostLab>, seed: u64) -> Judged {
        let door = AdapterDoor {
            pool: Arc::clone(&self.pool),
        };
        if let Some(why) = door.lacks(&job.case.claim, job.protocol) {
            return skipped(why);
        }
        let words = [
            "host".to_owned(),
            "--adapter".to_owned(),
            self.pool.command.clone(),
        ];
        let repeat = judge::repeat_command(&words, job, seed);
        judge::judge(Clock::Real, job, repeat, |origin| {
            let recorder = Recorder::new(origin);
            let rng = Rng::for_purpose(seed, job.case.name, job.protocol);
            let lab = HostLab::new(
                job.protocol,
                Rc::new(door),
                rng,
                origin,
                Arc::clone(&recorder),
            );
            (recorder, async move { (job.case.run)(&lab).await })
        })
    }
}

/// What a case says that can say nothing, and why.
pub(super) fn skipped(why: String) -> Judged {
    Judged {
        verdict: Verdict::because(VerdictKind::Skip, why),
        virtual_time: Duration::ZERO,
        sent: None,
    }
}

/// The way to hosts behind an adapter.
pub struct AdapterDoor {
    pub(super) pool: Arc<Pool>,
}

impl AdapterDoor {
    /// Why a case can say nothing on this protocol, if that is so.
    pub(super) fn lacks(&self, claim: &Claim, protocol: i32) -> Option<String> {
        if !self.pool.hello.protocols.contains(&protocol) {
            return Some(format!(
                "this host does not take clients of protocol {protocol}"
            ));
        }
        let missing = claim.needs.iter().find(|need| !self.offers(**need))?;
        Some(format!("this host does not offer {missing}"))
    }

    fn table(&self, plugin: &Plugin) -> Result<PluginTable, NoHost> {
        let Source::Guest(component) = &plugin.source else {
            return Err(NoHost::NotOffered(Need::NativePlugins.to_string()));
        };
        let written = written(&plugin.lines).map_err(NoHost::Door)?;
        let config = &plugin.config;
        let names = |list: &[reference_backend::Capability]| -> Vec<String> {
            list.iter().map(|known| known.name().to_owned()).collect()
        };
        let (permissions, deny, gates) = match written {
            Some(written) => (written.permissions, written.deny, written.gates),
            None => (
                names(&config.permissions),
                names(&config.deny),
                stated_gates(config),
            ),
        };
        let limits = self.limits(&config.limits)?;
        Ok(PluginTable {
            name: plugin.name.clone(),
            component: self
                .pool
                .file(&plugin.name, component)
                .map_err(NoHost::Door)?,
            permissions,
            deny,
            config: config.config.clone(),
            instances: (config.instances == Instances::PerSession)
                .then(|| "per-session".to_owned()),
            gates,
            limits,
        })
    }

    /// Those that are not what they are by themselves.
    fn limits(&self, limits: &Limits) -> Result<BTreeMap<String, u64>, NoHost> {
        let numbers = |limits: &Limits| -> BTreeMap<String, u64> {
            let value = serde_json::to_value(limits).unwrap_or_default();
            let entries = value.as_object().into_iter().flatten();
            entries
                .filter_map(|(name, value)| Some((name.clone(), value.as_u64()?)))
                .collect()
        };
        let usual = numbers(&Limits::default());
        let mut wanted = numbers(limits);
        wanted.retain(|name, value| usual.get(name) != Some(value));
        let declared = &self.pool.hello.limits;
        match wanted.keys().find(|name| !declared.contains(name)) {
            Some(name) => Err(NoHost::NotOffered(format!(
                "a limit `{name}` that can be set"
            ))),
            None => Ok(wanted),
        }
    }
}

/// What an operator's lines say.
struct Written {
    permissions: Vec<String>,
    deny: Vec<String>,
    gates: Option<Vec<String>>,
}

/// None where there are no lines.
fn written(lines: &str) -> Result<Option<Written>, String> {
    if lines.is_empty() {
        return Ok(None);
    }
    let table: toml::Table = lines
        .parse()
        .map_err(|error| format!("a case wrote a table that is no TOML: {error}"))?;
    let list = |key: &str| -> Option<Vec<String>> {
        let list = table.get(key)?.as_array()?.iter();
        Some(
            list.filter_map(|name| Some(name.as_str()?.to_owned()))
                .collect(),
        )
    };
    let required = table.get("required").and_then(toml::Value::as_bool);
    Ok(Some(Written {
        permissions: list("permissions").unwrap_or_default(),
        deny: list("deny").unwrap_or_default(),
        gates: list("gates").or_else(|| required.map(all_gates)),
    }))
}

fn stated_gates(config: &PluginConfig) -> Option<Vec<String>> {
    let gates = config.stated_gates()?;
    Some(
        gates
            .into_iter()
            .map(|gate| gate.name().to_owned())
            .collect(),
    )
}

fn all_gates(held: bool) -> Vec<String> {
    let gates = EventKind::GATES.into_iter().filter(|_| held);
    gates.map(|gate| gate.name().to_owned()).collect()
}

impl Door for AdapterDoor {
    fn offers(&self, need: Need) -> bool {
        let declared = |word: &str| self.pool.hello.features.iter().any(|known| known == word);
        match need {
            Need::NativePlugins
            | Need::VirtualTime
            | Need::HostEvents
            | Need::HostLimits
            | Need::RealServers
            | Need::Profiles => false,
            Need::OwnLimits => !self.pool.hello.limits.is_empty(),
            Need::Failures => declared("failures"),
            Need::Restart => declared("restart"),
            Need::TwoPlugins => declared("two-plugins"),
            Need::PerSession => declared("per-session"),
            Need::Compression => declared("compression"),
            Need::Files => declared("files"),
            Need::Limbo => declared("limbo"),
            Need::Duplicate => declared("duplicate"),
            Need::Kick => declared("kick"),
            Need::Reconfigure => declared("reconfigure"),
        }
    }

    fn sets(&self, limit: &str) -> bool {
        self.pool.hello.limits.iter().any(|known| known == limit)
    }

    fn choices(&self) -> Choices {
        let declared = &self.pool.hello.choices;
        Choices {
            last_opinion: declared.opinion == Some(Opinion::Last),
            lowest_first: declared.priority == Some(Priority::LowestFirst),
            refused_per_call: declared.capability == Some(Gate::Call),
        }
    }

    fn start<'a>(
        &'a self,
        plan: Plan,
        recorder: &'a Arc<Recorder>,
    ) -> LocalFuture<'a, Result<Host, NoHost>> {
        Box::pin(async move {
            let plugins = plan.plugins.iter().map(|plugin| self.table(plugin));
            let plugins = plugins.collect::<Result<Vec<_>, _>>()?;
            let usual = reference_backend::HostConfig::default();
            let config = &plan.config;
            let mut lease = self.pool.lease().map_err(NoHost::Door)?;
            let listener: Arc<dyn Listener> = Arc::new(Told(Arc::clone(recorder)));
            lease.adapter.listen(lease.host, &listener);
            let start = Start {
                host: lease.host,
                plugins,
                compression: self
                    .offers(Need::Compression)
                    .then_some(config.compression_threshold),
                duplicate: (config.players.duplicate != usual.players.duplicate)
                    .then(|| format!("{:?}", config.players.duplicate).to_lowercase()),
                files: config.data_dir.clone(),
            };
            let answer = lease.adapter.ask(Order::Start(Box::new(start))).await;
            let answer = answer.map_err(|why| {
                lease.is_over();
                NoHost::Door(why)
            })?;
            if let Some(refused) = answer.refused {
                lease.is_over();
                return Err(NoHost::Refused(refused));
            }
            let address = answer.address.unwrap_or_default();
            let Ok(address) = address.parse() else {
                let why = format!(
                    "the adapter's answer to `start` has neither `refused` nor an `address` of the form 127.0.0.1:PORT: {address:?}"
                );
                return Err(NoHost::Door(lease.adapter.fail(&why)));
            };
            Ok(Host::new(Outside {
                lease: RefCell::new(lease),
                address,
                reached: Cell::new(false),
                stopped: Cell::new(false),
                _listener: listener,
            }))
        })
    }
}

/// A host of another program.
struct Outside {
    lease: RefCell<Lease>,
    address: SocketAddr,
    /// Whether a client has got through.
    reached: Cell<bool>,
    stopped: Cell<bool>,
    /// Hears what the host tells, as long as the host is there.
    _listener: Arc<dyn Listener>,
}

impl Outside {
    fn socket(&self) -> Option<TcpStream> {
        let connected = Socket::connect_timeout(&self.address, CONNECT).and_then(|socket| {
            socket.set_nodelay(true)?;
            socket.set_nonblocking(true)?;
            TcpStream::from_std(socket)
        });
        match connected {
            Ok(socket) => {
                self.reached.set(true);
                Some(socket)
            }
            Err(error) => {
                if !self.reached.get() && !self.stopped.get() {
                    let lease = self.lease.borrow();
                    lease.pool().fail(lease.adapter.fail(&format!(
                        "the adapter answered the address {}, where nobody listens: {error}",
                        self.address
                    )));
                }
                None
            }
        }
    }

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

impl Running for Outside {
    fn connect(&self) -> Stream {
        self.socket().map_or_else(closed, Stream::from)
    }

    fn connect_in_pieces(&self, seed: u64, longest: usize) -> Stream {
        let Some(socket) = self.socket() else {
            return closed();
        };
        let (client, mut ours) = tokio::io::duplex(PIPE);
        let mut pieces = Pieces::new(socket, seed, longest);
        tokio::spawn(async move {
            // Whoever ends first ends both.
            let _ = tokio::io::copy_bidirectional(&mut ours, &mut pieces).await;
        });
        client.into()
    }

    fn shutdown<'a>(&'a self, reason: &'a str) -> LocalFuture<'a, ()> {
        Box::pin(async move {
            self.stopped.set(true);
            self.lease.borrow_mut().is_over();
            let (host, reason) = (self.host(), reason.to_owned());
            // What goes wrong with the adapter ends the run by itself.
            let _ = self.ask(Order::Stop { host, reason }).await;
        })
    }

    fn kick<'a>(
        &'a self,
        _player: PlayerId,
        name: &'a str,
        reason: &'a str,
    ) -> LocalFuture<'a, bool> {
        Box::pin(async move {
            let order = Order::Kick {
                host: self.host(),
                player: name.to_owned(),
                reason: reason.to_owned(),
            };
            self.ask(order).await.is_ok()
        })
    }

    fn set_plugin_table<'a>(
        &'a self,
        plugin: &'a str,
        table: BTreeMap<String, String>,
    ) -> LocalFuture<'a, Result<(), String>> {
        Box::pin(async move {
            let order = Order::Reconfigure {
                host: self.host(),
                plugin: plugin.to_owned(),
                config: table,
            };
            self.ask(order).await
        })
    }
}

/// A connection whose other end is gone.
fn closed() -> Stream {
    tokio::io::duplex(1).0.into()
}

/// A case's recorder, as an adapter's host tells it.
struct Told(Arc<Recorder>);

impl Listener for Told {
    fn hear(&self, event: Event) {
        let event = match event {
            Event::Log {
                plugin,
                level,
                text,
                ..
            } => {
                if let Some(started) = started(&plugin, &text) {
                    self.0.on_event(started);
                }
                HostEvent::GuestLog {
                    plugin,
                    level: level_of(level),
                    message: text,
                }
            }
            Event::Dropped { plugin, lines, .. } => HostEvent::GuestLogDropped { plugin, lines },
            Event::Denied { player, reason, .. } => {
                let whom = player.map_or_else(String::new, |name| format!("{name}: "));
                note(format!("denied: {whom}{reason}"))
            }
            Event::Failed {
                plugin,
                callback,
                text,
                ..
            } => failed(plugin, callback.as_deref(), text),
            Event::Note { text, .. } => note(text),
            Event::Unknown => return,
        };
        self.0.on_event(event);
    }
}

fn failed(plugin: String, callback: Option<&str>, text: String) -> HostEvent {
    let named = |known: &Callback| Some(known.name()) == callback;
    HostEvent::Trap {
        plugin,
        incarnation: 0,
        // Where the host does not know it is most likely one of those that come all the time.
        callback: Callback::ALL
            .into_iter()
            .find(named)
            .unwrap_or(Callback::PacketReceived),
        player: None,
        kind: TrapKind::Trap(text),
    }
}

fn note(text: String) -> HostEvent {
    HostEvent::Note {
        plugin: "host".to_owned(),
        player: None,
        level: LogLevel::Info,
        text,
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
