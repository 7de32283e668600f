//! A guest as subject: the reference host runs it, simulated clients visit it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reference_backend::{
    Capability, CpuMeter, DenyReason, GuestComponent, GuestEngine, Host, HostConfig, HostEvent,
    PlayerId, PluginConfig, PluginState,
};
use sim_proto::ClientConfig;
use vb_data::{Direction, State};

use super::clock::{Origin, in_virtual_time};
use super::judge;
use super::player::{JOIN_LIMIT, Player, secs};
use super::recorder::Recorder;
use super::{OptionsError, Refusal};
use crate::case::Run;
use crate::rng::Rng;
use crate::runner::Judged;
use crate::select::Job;
use crate::verdict::{Outcome, Stop, Verdict, VerdictKind};

/// The address that the guest is told its clients have.
pub const PEER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 50_000);

/// A guest as it was given on the command line.
#[derive(Debug, Clone)]
pub struct GuestOptions {
    file: String,
    config: BTreeMap<String, String>,
    grant: Vec<Capability>,
    deny: Vec<Capability>,
    /// The words that repeat all this.
    words: Vec<String>,
}

impl GuestOptions {
    /// A file, lines of configuration, and capabilities besides `virtual-backend`.
    ///
    /// # Errors
    /// When a line is not `KEY=VALUE` or a capability is not known.
    pub fn new(
        file: &str,
        config: &[String],
        grant: &[String],
        deny: &[String],
    ) -> Result<Self, OptionsError> {
        let mut words = vec!["guest".to_owned(), file.to_owned()];
        let mut lines = BTreeMap::new();
        for line in config {
            let (key, value) = line
                .split_once('=')
                .ok_or_else(|| OptionsError::Config(line.clone()))?;
            lines.insert(key.to_owned(), value.to_owned());
            words.extend(["--config".to_owned(), line.clone()]);
        }
        let mut capabilities = |option: &'static str, names: &[String]| {
            names
                .iter()
                .map(|name| {
                    words.extend([format!("--{option}"), name.clone()]);
                    name.parse::<Capability>()
                        .map_err(|fault| OptionsError::Capability {
                            option,
                            given: name.clone(),
                            fault: fault.to_string(),
                        })
                })
                .collect::<Result<Vec<_>, _>>()
        };
        let mut permissions = vec![Capability::VirtualBackend];
        permissions.extend(capabilities("grant", grant)?);
        let deny = capabilities("deny", deny)?;
        Ok(Self {
            file: file.to_owned(),
            config: lines,
            grant: permissions,
            deny,
            words,
        })
    }

    /// The plugin's name: the file's, as far as it makes a name.
    #[must_use]
    pub fn plugin_name(&self) -> String {
        let stem = Path::new(&self.file)
            .file_stem()
            .map(|stem| stem.to_string_lossy().to_lowercase());
        let name: String = stem
            .unwrap_or_default()
            .chars()
            .map(|c| {
                if c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' {
                    c
                } else {
                    '-'
                }
            })
            .take(64)
            .collect();
        if name.starts_with(|c: char| c.is_ascii_lowercase()) {
            name
        } else {
            "guest".to_owned()
        }
    }

    /// The plugin's table in the host's configuration.
    #[must_use]
    pub fn plugin_config(&self) -> PluginConfig {
        PluginConfig {
            permissions: self.grant.clone(),
            deny: self.deny.clone(),
            config: self.config.clone(),
            ..PluginConfig::default()
        }
    }
}

/// A guest that is loaded and has been seen to start. Cheap to clone; clones share the compiled code.
#[derive(Debug, Clone)]
pub struct GuestSubject {
    options: GuestOptions,
    component: GuestComponent,
    name: String,
}

impl GuestSubject {
    /// Reads, checks and compiles the guest, and starts it once.
    ///
    /// # Errors
    /// When it does not start; the message says why.
    pub fn start(options: GuestOptions) -> Result<Self, Refusal> {
        let bytes = std::fs::read(&options.file).map_err(|error| Refusal::Unreadable {
            path: options.file.clone(),
            error,
        })?;
        Self::from_bytes(options, &bytes)
    }

    /// The same for a component in memory.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn from_bytes(options: GuestOptions, bytes: &[u8]) -> Result<Self, Refusal> {
        let name = options.plugin_name();
        let component = GuestEngine::new(CpuMeter::Fuel)?.load(&name, bytes)?;
        if !component.has_handler() {
            return Err(Refusal::NoHandler(name));
        }
        let subject = Self {
            options,
            component,
            name,
        };
        in_virtual_time(subject.try_start()).map_err(Refusal::Runtime)??;
        Ok(subject)
    }

    /// The compiled guest, for a host of another kind.
    #[must_use]
    pub fn component(&self) -> &GuestComponent {
        &self.component
    }

    /// Judges one job: the case's claim, on the job's protocol.
    #[must_use]
    pub fn judge(&self, job: Job, seed: u64) -> Judged {
        let Run::Guest(run) = job.case.run else {
            return Judged {
                verdict: Verdict::because(
                    VerdictKind::HarnessError,
                    "a host's case was given a guest",
                ),
                virtual_time: Duration::ZERO,
            };
        };
        let repeat = judge::repeat_command(&self.options.words, job, seed);
        judge::judge(job, repeat, |origin| {
            let recorder = Recorder::new(origin);
            let rng = Rng::for_purpose(seed, job.case.name, job.protocol);
            let seen = Arc::clone(&recorder);
            let case = async move {
                let lab = GuestLab::open(self.clone(), job.protocol, rng, origin, seen).await?;
                run(&lab).await
            };
            (recorder, case)
        })
    }

    async fn try_start(&self) -> Result<(), Refusal> {
        let recorder = Recorder::new(Origin::now());
        let _host = self.host(&recorder).await?;
        let trouble = recorder.all(|seen| match &seen.event {
            HostEvent::Trap {
                plugin,
                callback,
                kind,
                ..
            } => Some(Refusal::Trap {
                plugin: plugin.clone(),
                what: kind.clone(),
                callback: callback.name(),
            }),
            HostEvent::Plugin {
                plugin,
                state: PluginState::Off { reason },
                ..
            } => Some(Refusal::Off {
                plugin: plugin.clone(),
                reason: reason.clone(),
            }),
            _ => None,
        });
        trouble.into_iter().next().map_or(Ok(()), Err)
    }

    async fn host(&self, recorder: &Arc<Recorder>) -> Result<Host, Refusal> {
        self.host_with(recorder, self.options.plugin_config()).await
    }

    async fn host_with(
        &self,
        recorder: &Arc<Recorder>,
        config: PluginConfig,
    ) -> Result<Host, Refusal> {
        let host = Host::builder(HostConfig::default())
            .guest(self.name.clone(), self.component.clone(), config)
            .observer(Arc::clone(recorder) as _)
            .start()
            .await?;
        Ok(host)
    }
}

/// What a guest's case works with: a host that runs the guest, and clients for it.
pub struct GuestLab {
    /// The protocol that is judged.
    pub protocol: i32,
    /// What the host tells.
    pub recorder: Arc<Recorder>,
    /// The host.
    pub host: Host,
    subject: GuestSubject,
    origin: Origin,
    rng: RefCell<Rng>,
}

impl GuestLab {
    async fn open(
        subject: GuestSubject,
        protocol: i32,
        rng: Rng,
        origin: Origin,
        recorder: Arc<Recorder>,
    ) -> Result<Self, Stop> {
        let host = subject.host(&recorder).await;
        let host = host.map_err(|refusal| Stop::Untestable(refusal.to_string(), Vec::new()))?;
        Ok(Self {
            protocol,
            recorder,
            host,
            subject,
            origin,
            rng: RefCell::new(rng),
        })
    }

    /// Since the case began.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    /// A vanilla client with a name of its own.
    #[must_use]
    pub fn client(&self) -> ClientConfig {
        let name = self.rng.borrow_mut().name(12);
        ClientConfig::new(self.protocol, name)
    }

    /// A draw of the case's own.
    pub fn draw<T>(&self, draw: impl FnOnce(&mut Rng) -> T) -> T {
        draw(&mut self.rng.borrow_mut())
    }

    /// Opens a connection. Nothing happens on it until the client is waited for.
    #[must_use]
    pub fn connect(&self, config: ClientConfig) -> Player {
        self.connect_to(&self.host, config)
    }

    /// The same on a host of the case's own.
    #[must_use]
    pub fn connect_to(&self, host: &Host, config: ClientConfig) -> Player {
        Player::new(host.connect(PEER), config, self.origin, &self.recorder)
    }

    /// Another host with an instance of the guest of its own.
    ///
    /// # Errors
    /// When the guest does not start a second time.
    pub async fn another_host(&self) -> Result<Host, Stop> {
        let host = self.subject.host(&self.recorder).await;
        host.map_err(|refusal| Stop::Untestable(refusal.to_string(), Vec::new()))
    }

    /// A vanilla client in world.
    ///
    /// # Errors
    /// When the guest refuses the protocol, and when the client does not come in world.
    pub async fn join(&self) -> Result<Player, Stop> {
        self.join_as(self.client()).await
    }

    /// A client in world.
    ///
    /// # Errors
    /// When the guest refuses the protocol, and when the client does not come in world.
    pub async fn join_as(&self, config: ClientConfig) -> Result<Player, Stop> {
        let mut player = self.connect(config);
        let mark = self.recorder.mark();
        let joined = player.until_in_world(JOIN_LIMIT).await;
        player.session = self.session_since(mark);
        if joined {
            return Ok(player);
        }
        Err(self.not_joined(&player, mark))
    }

    /// A client in play, in world or not: for claims about what comes before. The client lives for `time` more.
    ///
    /// # Errors
    /// When the guest refuses the protocol, and when no session starts.
    pub async fn visit(&self, config: ClientConfig, time: Duration) -> Result<Player, Stop> {
        let mut player = self.connect(config);
        let mark = self.recorder.mark();
        player.live(time).await;
        player.session = self.session_since(mark);
        if player.session.is_none() {
            return Err(self.not_joined(&player, mark));
        }
        if let Some(reason) = refusal(&player) {
            return Err(Stop::Skip(format!(
                "the guest refuses the protocol with \"{reason}\""
            )));
        }
        Ok(player)
    }

    /// Another host whose instance of the guest has this much memory, in bytes; none when that is too little to start.
    ///
    /// # Errors
    /// When the host does not start.
    pub async fn host_with_memory(&self, memory: u64) -> Result<Option<Host>, Stop> {
        let mut config = self.subject.options.plugin_config();
        config.limits.memory = memory;
        let mark = self.recorder.mark();
        let host = self.subject.host_with(&self.recorder, config).await;
        let host = host.map_err(|refusal| Stop::Untestable(refusal.to_string(), Vec::new()))?;
        Ok((!self.trapped_since(mark)).then_some(host))
    }

    /// Whether the guest has trapped since a mark of the recorder.
    #[must_use]
    pub fn trapped_since(&self, mark: usize) -> bool {
        !self
            .recorder
            .since(mark, |seen| {
                matches!(seen.event, HostEvent::Trap { .. }).then_some(())
            })
            .is_empty()
    }

    fn session_since(&self, mark: usize) -> Option<(Duration, PlayerId)> {
        let starts = self.recorder.since(mark, |seen| match seen.event {
            HostEvent::SessionStarted { player, .. } => Some((seen.at, player)),
            _ => None,
        });
        starts.first().copied()
    }

    /// Fails `clause` when the guest has trapped.
    ///
    /// # Errors
    /// The broken clause.
    pub fn no_trap(&self, player: &Player, clause: &'static str, while_: &str) -> Outcome {
        match self.recorder.traps().first() {
            None => Ok(()),
            Some(trap) => {
                let finding = player.finding(
                    clause,
                    format!("no trap {while_}"),
                    format!("the guest trapped: {trap}"),
                );
                Err(finding.at(trap.at).into())
            }
        }
    }

    /// Why a client is not in world: a protocol refused is nobody's fault, everything else is in the way.
    #[must_use]
    pub fn not_joined(&self, player: &Player, mark: usize) -> Stop {
        let denied = self.recorder.since(mark, |seen| match &seen.event {
            HostEvent::Denied { reason, text, .. } => Some((reason.clone(), text.to_string())),
            _ => None,
        });
        match denied.first() {
            Some((DenyReason::ByPlugin, text)) => {
                return Stop::Skip(format!("the guest refuses the protocol with \"{text}\""));
            }
            Some((reason, _)) => return player.untestable(format!("no session starts: {reason}")),
            None => {}
        }
        if let Some(reason) = refusal(player) {
            return Stop::Skip(format!("the guest refuses the protocol with \"{reason}\""));
        }
        if let Some(trap) = self.recorder.traps().first() {
            return player.untestable(format!(
                "no client comes in world: the guest trapped: {trap}"
            ));
        }
        player.untestable(format!(
            "no client comes in world within {}: {}",
            secs(JOIN_LIMIT),
            player.stands()
        ))
    }
}

/// A disconnect before `JoinGame` that a person can read is a refusal of the protocol (VB-JOIN-15).
fn refusal(player: &Player) -> Option<String> {
    let joined = player.named("login").next().is_some();
    let (_, _, reason) = player.kicked()?;
    (!joined && reason.chars().any(char::is_alphanumeric)).then_some(reason)
}

/// Whether the guest itself, and not the host for it, sent the player a play packet of this name.
#[must_use]
pub fn sent_by_guest(lab: &GuestLab, player: &Player, name: &str) -> bool {
    let table = vb_data::packets(lab.protocol, State::Play, Direction::Clientbound);
    let Some(id) = table.and_then(|table| table.id(name)) else {
        return false;
    };
    let sent = lab.recorder.all(|seen| match &seen.event {
        HostEvent::PacketOut { player: to, packet } if packet.packet_id == id => Some(*to),
        _ => None,
    });
    player.session.is_some_and(|(_, id)| sent.contains(&id))
}
