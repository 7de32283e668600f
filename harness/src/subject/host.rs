//! The reference host as subject: native plugins and small guests run in it and tell what it does to them.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use reference_backend::{
    Capability, ConfigError, CpuMeter, Fault, GuestComponent, GuestEngine, Host, HostBuilder,
    HostConfig, LoadError, PluginConfig,
};
use sim_proto::ClientConfig;
use tokio::io::DuplexStream;

use super::PEER;
use super::Refusal;
use super::clock::Origin;
use super::judge;
use super::native::{Notebook, Recording};
use super::pieces::Pieces;
use super::player::{Player, carrier};
use super::recorder::Recorder;
use super::tap::Tap;
use crate::case::Run;
use crate::rng::Rng;
use crate::runner::Judged;
use crate::select::Job;
use crate::verdict::{Outcome, Stop, Verdict, VerdictKind};

/// The guest that does what a client's packets tell it to and logs what it is told, compiled in so that the binary
/// needs no file beside it.
const PROBE: &[u8] = include_bytes!("../../../fixtures/artifacts/probe.wasm");

/// The probe's name as a plugin.
pub const PROBE_NAME: &str = "probe";

/// The reference host.
pub struct HostSubject {
    engine: GuestEngine,
    probe: GuestComponent,
    /// What is broken on purpose.
    fault: Option<Fault>,
}

impl HostSubject {
    /// What reports call it.
    pub const NAME: &'static str = "reference-backend";

    /// Compiles what its cases need.
    ///
    /// # Errors
    /// When the machine cannot run guests.
    pub fn start() -> Result<Self, Refusal> {
        let engine = GuestEngine::new(CpuMeter::Fuel)?;
        let probe = engine.load(PROBE_NAME, PROBE)?;
        Ok(Self {
            engine,
            probe,
            fault: None,
        })
    }

    /// The same, broken in this way.
    ///
    /// # Errors
    /// As [`Self::start`].
    #[cfg(feature = "selftest")]
    pub fn broken(fault: Fault) -> Result<Self, Refusal> {
        let engine = GuestEngine::new(CpuMeter::Fuel)?.with_fault(fault);
        let probe = engine.load(PROBE_NAME, PROBE)?;
        Ok(Self {
            engine,
            probe,
            fault: Some(fault),
        })
    }

    /// Judges one job: the case's claim, on the job's protocol.
    #[must_use]
    pub fn judge(&self, job: Job, seed: u64) -> Judged {
        let Run::Host(run) = job.case.run else {
            return Judged {
                verdict: Verdict::because(
                    VerdictKind::HarnessError,
                    "a guest's case was given a host",
                ),
                virtual_time: Duration::ZERO,
                sent: None,
            };
        };
        let mut words = vec!["host".to_owned()];
        let broken = |fault: &Fault| Fault::all().find(|(_, known)| known == fault);
        if let Some((name, _)) = self.fault.as_ref().and_then(broken) {
            words.extend(["--fault".to_owned(), name.to_owned()]);
        }
        let repeat = judge::repeat_command(&words, job, seed);
        judge::judge(job, repeat, |origin| {
            let recorder = Recorder::new(origin);
            let lab = HostLab {
                protocol: job.protocol,
                recorder: Arc::clone(&recorder),
                notebook: Notebook::new(origin),
                engine: self.engine.clone(),
                probe: self.probe.clone(),
                fault: self.fault,
                origin,
                seed,
                rng: RefCell::new(Rng::for_purpose(seed, job.case.name, job.protocol)),
            };
            (recorder, async move { run(&lab).await })
        })
    }
}

/// What a host's case works with: hosts that it puts together, and clients for them.
pub struct HostLab {
    /// The protocol that is judged.
    pub protocol: i32,
    /// What the host tells of itself.
    pub recorder: Arc<Recorder>,
    /// What the native plugins were told.
    pub notebook: Arc<Notebook>,
    engine: GuestEngine,
    probe: GuestComponent,
    fault: Option<Fault>,
    origin: Origin,
    seed: u64,
    rng: RefCell<Rng>,
}

impl HostLab {
    /// Since the case began.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    /// A native plugin that writes into the notebook.
    #[must_use]
    pub fn native(&self, name: &str) -> Recording {
        Recording::new(name, &self.notebook)
    }

    /// The host that is judged, before it starts. Cases load the probe under several names.
    #[must_use]
    pub fn builder(&self, config: HostConfig) -> HostBuilder {
        let builder = Host::builder(config)
            .observer(Arc::clone(&self.recorder) as _)
            .same_ids()
            .seed(self.seed);
        #[cfg(feature = "selftest")]
        if let Some(fault) = self.fault {
            return builder.fault(fault);
        }
        builder
    }

    /// Starts a host with what `plugins` adds to it.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn host(
        &self,
        plugins: impl FnOnce(HostBuilder) -> HostBuilder,
    ) -> Result<Host, Stop> {
        self.start(plugins(self.builder(HostConfig::default())))
            .await
    }

    /// Starts a host.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start(&self, builder: HostBuilder) -> Result<Host, Stop> {
        builder.start().await.map_err(|error| {
            Stop::Untestable(format!("the host does not start: {error}"), Vec::new())
        })
    }

    /// Starts a host with one native plugin that may play server.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn host_of(&self, name: &str, plugin: Recording) -> Result<Host, Stop> {
        self.host(|builder| builder.native(name, Arc::new(plugin), may_play()))
            .await
    }

    /// Starts a host with the probe.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn host_of_probe(&self, config: &[(&str, &str)]) -> Result<Host, Stop> {
        self.host(|builder| builder.guest(PROBE_NAME, self.probe.clone(), with_config(config)))
            .await
    }

    /// The probe, compiled.
    #[must_use]
    pub fn probe(&self) -> GuestComponent {
        self.probe.clone()
    }

    /// The probe's bytes.
    #[must_use]
    pub fn probe_bytes(&self) -> &'static [u8] {
        PROBE
    }

    /// Has a guest checked and compiled.
    ///
    /// # Errors
    /// As the host says.
    pub fn load(&self, name: &str, bytes: &[u8]) -> Result<GuestComponent, LoadError> {
        self.engine.load(name, bytes)
    }

    /// A guest that the harness carries, checked and compiled.
    ///
    /// # Errors
    /// When the host refuses it.
    pub fn carried(&self, name: &str, bytes: &[u8]) -> Result<GuestComponent, Stop> {
        self.load(name, bytes)
            .map_err(|error| Stop::Untestable(format!("{name} is refused: {error}"), Vec::new()))
    }

    /// Has a configuration read.
    ///
    /// # Errors
    /// As the host says.
    pub fn configuration(&self, text: &str) -> Result<HostConfig, ConfigError> {
        const FILE: &str = "host.toml";
        #[cfg(feature = "selftest")]
        if let Some(fault) = self.fault {
            return reference_backend::parse_broken(text, FILE, fault);
        }
        HostConfig::parse(text, FILE)
    }

    /// Lets virtual time pass in which nobody does anything.
    pub async fn wait(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    /// A vanilla client with a name of its own.
    #[must_use]
    pub fn client(&self) -> ClientConfig {
        let name = self.draw(|rng| rng.name(12));
        ClientConfig::new(self.protocol, name)
    }

    /// A draw of the case's own.
    pub fn draw<T>(&self, draw: impl FnOnce(&mut Rng) -> T) -> T {
        draw(&mut self.rng.borrow_mut())
    }

    /// Opens a connection. Nothing happens on it until the client is waited for.
    #[must_use]
    pub fn connect(&self, host: &Host, config: ClientConfig) -> Player {
        self.player(host.connect(PEER), config)
    }

    /// What a host carries is for others to judge: the carrier's contents are the cases' own.
    fn player(&self, stream: DuplexStream, mut config: ClientConfig) -> Player {
        config.unread.extend(carrier(config.protocol));
        Player::new(stream, config, self.origin, &self.recorder)
    }

    /// The same over a connection whose host reads and writes pieces of at most `longest` bytes, drawn from the seed.
    #[must_use]
    pub fn connect_in_pieces(&self, host: &Host, config: ClientConfig, longest: usize) -> Player {
        let (client, server) = tokio::io::duplex(PIPE);
        let seed = self.draw(Rng::next_u64);
        host.accept(Pieces::new(server, seed, longest), PEER);
        self.player(client, config)
    }

    /// The same with a tap on it.
    #[must_use]
    pub fn connect_tapped(&self, host: &Host, config: ClientConfig) -> (Player, Tap) {
        let (tap, client) = Tap::on(host.connect(PEER));
        let player = self.player(client, config);
        (player, tap)
    }

    /// Opens a connection for a case that speaks bytes.
    #[must_use]
    pub fn wire(&self, host: &Host) -> DuplexStream {
        host.connect(PEER)
    }

    /// A client whose session has started.
    ///
    /// # Errors
    /// When no session starts within 10 s.
    pub async fn join(&self, host: &Host) -> Result<Player, Stop> {
        self.join_as(host, self.client()).await
    }

    /// A client whose session has started.
    ///
    /// # Errors
    /// When no session starts within 10 s.
    pub async fn join_as(&self, host: &Host, config: ClientConfig) -> Result<Player, Stop> {
        let player = self.connect(host, config);
        self.joined(player).await
    }

    /// A client on a connection that is open, once its session has started.
    ///
    /// # Errors
    /// When no session starts within 10 s.
    pub async fn joined(&self, mut player: Player) -> Result<Player, Stop> {
        self.until_started(&mut player).await?;
        Ok(player)
    }

    /// Lets a client live that has not lived yet until its session has started, and tells it which it is.
    ///
    /// # Errors
    /// When no session starts within 10 s.
    pub async fn until_started(&self, player: &mut Player) -> Outcome {
        let before = self.recorder.session_starts().len();
        let mut waited = Duration::ZERO;
        loop {
            let starts = self.recorder.session_starts();
            if let Some(start) = starts.get(before) {
                player.session = Some(*start);
                break;
            }
            if waited >= super::player::JOIN_LIMIT || player.closed().is_some() {
                return Err(player.untestable(format!("no session starts: {}", player.stands())));
            }
            player.live(STEP).await;
            waited += STEP;
        }
        // What the start callback sends comes at once in virtual time.
        player.live(STEP).await;
        Ok(())
    }
}

/// Bytes that each direction of a connection of ours holds, as a socket's buffers would.
const PIPE: usize = 64 << 10;

/// How often a case looks whether something has happened that no packet tells of.
pub const STEP: Duration = Duration::from_millis(50);

/// A host that compresses nothing, for claims about how many bytes go where.
#[must_use]
pub fn uncompressed() -> HostConfig {
    HostConfig {
        compression_threshold: -1,
        ..HostConfig::default()
    }
}

/// The table of a plugin that may play server.
#[must_use]
pub fn may_play() -> PluginConfig {
    PluginConfig::with_permissions(&[Capability::VirtualBackend])
}

/// The same with lines of the plugin's own.
#[must_use]
pub fn with_config(lines: &[(&str, &str)]) -> PluginConfig {
    let config = lines
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    PluginConfig {
        config,
        ..may_play()
    }
}
