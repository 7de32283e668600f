//! What cases see of hosts that run elsewhere.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::net::TcpStream as Socket;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reference_backend::{
    Capability, EventKind, HostConfig, Instances, Limits, PlayerId, PluginConfig,
};
use sim_client::Stream;
use tokio::net::TcpStream;

use super::{
    About, Feature, HostLog, HostSetup, HostUnderTest, NotStarted, PluginSetup, RunningHost,
};
use crate::case::{Claim, Job};
use crate::judge::{Judge, RealTime};
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

/// Hosts outside, of one kind. Clones are the same.
pub struct OutsideSubject<H> {
    door: OutsideDoor<H>,
}

impl<H> Clone for OutsideSubject<H> {
    fn clone(&self) -> Self {
        let door = self.door.clone();
        Self { door }
    }
}

impl<H: HostUnderTest> OutsideSubject<H> {
    /// Hosts of this kind.
    #[must_use]
    pub fn new(host: H) -> Self {
        let door = OutsideDoor::new(Arc::new(host));
        Self { door }
    }

    /// What has been said of them.
    pub(crate) fn about(&self) -> &About {
        &self.door.about
    }

    /// The way to them.
    pub(crate) fn door(&self) -> OutsideDoor<H> {
        self.door.clone()
    }

    /// What reports call them.
    #[must_use]
    pub fn name(&self) -> String {
        let About { name, version, .. } = self.about();
        format!("{name} {version}")
    }

    /// Whether they take clients of this protocol.
    #[must_use]
    pub fn serves(&self, protocol: i32) -> bool {
        self.about().protocols.contains(&protocol)
    }

    /// Why the run cannot go on, if it cannot.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        self.door.failure()
    }

    /// Why a case can say nothing on this protocol, if that is so.
    pub(super) fn lacks(&self, claim: &Claim, protocol: i32) -> Option<String> {
        if !self.serves(protocol) {
            return Some(format!(
                "this host does not take clients of protocol {protocol}"
            ));
        }
        let missing = |need: &&Need| !self.door.offers(**need);
        let need = claim.needs.iter().find(missing)?;
        Some(format!("this host does not offer {need}"))
    }

    /// Judges one job: the case's claim, on the job's protocol, in real time. `repeat` is what repeats it.
    pub(crate) fn judge_repeatably(&self, job: Job<HostLab>, seed: u64, repeat: String) -> Judged {
        let door = self.door();
        if let Some(why) = self.lacks(&job.case.claim, job.protocol) {
            return skipped(why);
        }
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

/// Hosts outside, with what else a run is told.
pub struct Outside<H> {
    pub subject: OutsideSubject<H>,
    /// The words of a command line that name them; none where a program judges its own.
    pub words: Option<Vec<String>>,
    pub seed: u64,
    pub allow_flaky: bool,
}

impl<H: HostUnderTest> Judge for Outside<H> {
    type Lab = HostLab;

    fn name(&self) -> String {
        self.subject.name()
    }

    fn serves(&self, protocol: i32) -> bool {
        self.subject.serves(protocol)
    }

    fn judge(&self, job: Job<HostLab>) -> Judged {
        let (protocol, case, seed) = (job.protocol, job.case.name, self.seed);
        let repeat = match &self.words {
            Some(words) => judge::repeat_command(words, job, seed),
            None => format!("judge_host(..).protocols({protocol}).cases({case:?}).seed({seed})"),
        };
        self.subject.judge_repeatably(job, seed, repeat)
    }

    fn real_time(&self) -> Option<RealTime> {
        Some(RealTime {
            allow_flaky: self.allow_flaky,
        })
    }

    fn stopped(&self) -> Option<String> {
        self.subject.failure()
    }
}

/// The way to hosts outside.
pub struct OutsideDoor<H> {
    host: Arc<H>,
    about: Arc<About>,
    /// Why the run cannot go on; the first reason stays.
    failure: Arc<Mutex<Option<String>>>,
}

impl<H> Clone for OutsideDoor<H> {
    fn clone(&self) -> Self {
        Self {
            host: Arc::clone(&self.host),
            about: Arc::clone(&self.about),
            failure: Arc::clone(&self.failure),
        }
    }
}

impl<H: HostUnderTest> OutsideDoor<H> {
    fn new(host: Arc<H>) -> Self {
        Self {
            about: Arc::new(host.about()),
            host,
            failure: Arc::default(),
        }
    }

    fn failure(&self) -> Option<String> {
        let failure = self.failure.lock();
        let failure = failure.unwrap_or_else(PoisonError::into_inner).clone();
        failure.or_else(|| self.host.failure())
    }

    fn setup(&self, plan: &Plan) -> Result<HostSetup, NoHost> {
        let usual = HostConfig::default();
        let config = &plan.config;
        let plugins = plan.plugins.iter().map(|plugin| self.plugin(plugin));
        Ok(HostSetup {
            plugins: plugins.collect::<Result<_, _>>()?,
            compression: self
                .offers(Need::Compression)
                .then_some(config.compression_threshold),
            duplicate: (config.players.duplicate != usual.players.duplicate)
                .then_some(config.players.duplicate),
            files: config.data_dir.clone(),
        })
    }

    fn plugin(&self, plugin: &Plugin) -> Result<PluginSetup, NoHost> {
        let Source::Guest(component) = &plugin.source else {
            return Err(NoHost::NotOffered(Need::NativePlugins.to_string()));
        };
        let written = written(&plugin.lines).map_err(NoHost::Door)?;
        let config = &plugin.config;
        let written = written.unwrap_or_else(|| Written {
            permissions: names(&config.permissions),
            deny: names(&config.deny),
            gates: stated_gates(config),
        });
        Ok(PluginSetup {
            name: plugin.name.clone(),
            component: component.0.clone(),
            permissions: written.permissions,
            deny: written.deny,
            config: config.config.clone(),
            per_session: config.instances == Instances::PerSession,
            gates: written.gates,
            limits: self.limits(&config.limits)?,
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
        match wanted.keys().find(|name| !self.sets(name)) {
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

fn names(capabilities: &[Capability]) -> Vec<String> {
    let names = capabilities.iter().map(|known| known.name().to_owned());
    names.collect()
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

impl<H: HostUnderTest> Door for OutsideDoor<H> {
    fn offers(&self, need: Need) -> bool {
        match Feature::of(need) {
            Some(feature) => self.about.features.contains(&feature),
            None => need == Need::OwnLimits && !self.about.limits.is_empty(),
        }
    }

    fn sets(&self, limit: &str) -> bool {
        self.about.limits.contains(limit)
    }

    fn choices(&self) -> Choices {
        self.about.choices
    }

    fn start<'a>(
        &'a self,
        plan: Plan,
        recorder: &'a Arc<Recorder>,
    ) -> LocalFuture<'a, Result<Host, NoHost>> {
        Box::pin(async move {
            let setup = self.setup(&plan)?;
            let log = HostLog::new(Arc::clone(recorder));
            let started = self.host.start(setup, log).await;
            let host = started.map_err(|error| match error {
                NotStarted::Refused(why) => NoHost::Refused(why),
                NotStarted::Failed(why) => NoHost::Door(why),
            })?;
            Ok(Host::new(Visited {
                host,
                failure: Arc::clone(&self.failure),
                reached: Cell::new(false),
                stopped: Cell::new(false),
            }))
        })
    }
}

/// A host that runs and is visited.
struct Visited<R> {
    host: R,
    failure: Arc<Mutex<Option<String>>>,
    /// Whether a client has got through.
    reached: Cell<bool>,
    stopped: Cell<bool>,
}

impl<R: RunningHost> Visited<R> {
    fn socket(&self) -> Option<TcpStream> {
        let address = self.host.address();
        let connected = Socket::connect_timeout(&address, CONNECT).and_then(|socket| {
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
                    let why = self.host.nobody_listens(&error);
                    let failure = self.failure.lock();
                    failure
                        .unwrap_or_else(PoisonError::into_inner)
                        .get_or_insert(why);
                }
                None
            }
        }
    }
}

impl<R: RunningHost> Running for Visited<R> {
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
        self.stopped.set(true);
        Box::pin(self.host.stop(reason))
    }

    fn kick<'a>(
        &'a self,
        _player: PlayerId,
        name: &'a str,
        reason: &'a str,
    ) -> LocalFuture<'a, bool> {
        Box::pin(async move { self.host.kick(name, reason).await.is_ok() })
    }

    fn set_plugin_table<'a>(
        &'a self,
        plugin: &'a str,
        table: BTreeMap<String, String>,
    ) -> LocalFuture<'a, Result<(), String>> {
        Box::pin(self.host.reconfigure(plugin, table))
    }
}

/// A connection whose other end is gone.
fn closed() -> Stream {
    tokio::io::duplex(1).0.into()
}
