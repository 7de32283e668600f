//! What a host's case works with: hosts that it plans, native plugins and small guests that tell what is done to them, and
//! clients.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use sim_client::Stream;
use sim_proto::ClientConfig;
use vb_contract::{Capability, HostConfig, PluginConfig};

use super::clock::Origin;
use super::door::{Choices, Component, Door, Host, Need, NoHost, Plan};
use super::native::{Notebook, Recording};
use super::player::{Player, carrier};
use super::recorder::Recorder;
use super::tap::Tap;
use crate::rng::Rng;
use crate::verdict::{Outcome, Stop};

/// The guest that does what a client's packets tell it to and logs what it is told, compiled in so that the binary
/// needs no file beside it.
pub static PROBE: &[u8] = include_bytes!("../../../../fixtures/artifacts/probe.wasm");

/// The probe's name as a plugin.
pub const PROBE_NAME: &str = "probe";

/// What a host's case works with: hosts that it plans, and clients for them.
pub struct HostLab {
    /// The protocol that is judged.
    pub protocol: i32,
    /// What the host tells of itself.
    pub recorder: Arc<Recorder>,
    /// What the native plugins were told.
    pub notebook: Arc<Notebook>,
    door: Rc<dyn Door>,
    origin: Origin,
    rng: RefCell<Rng>,
}

impl HostLab {
    /// For one case on one protocol. `rng` is the case's own; `recorder` counts time from `origin` too.
    #[must_use]
    pub fn new(
        protocol: i32,
        door: Rc<dyn Door>,
        rng: Rng,
        origin: Origin,
        recorder: Arc<Recorder>,
    ) -> Self {
        Self {
            protocol,
            recorder,
            notebook: Notebook::new(origin),
            door,
            origin,
            rng: RefCell::new(rng),
        }
    }

    /// Since the case began.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    /// Whether hosts behind this door offer it.
    #[must_use]
    pub fn offers(&self, need: Need) -> bool {
        self.door.offers(need)
    }

    /// Whether a plan may set this limit of a plugin, by its name in the configuration.
    #[must_use]
    pub fn sets(&self, limit: &str) -> bool {
        self.door.sets(limit)
    }

    /// Whether the clock stands still while somebody works: then a case can afford to wait, and times are exact.
    #[must_use]
    pub fn is_virtual(&self) -> bool {
        self.door.is_virtual()
    }

    /// A configuration without compression, where hosts can be told so.
    #[must_use]
    pub fn uncompressed(&self) -> HostConfig {
        if self.offers(Need::Compression) {
            uncompressed()
        } else {
            HostConfig::default()
        }
    }

    /// What hosts behind this door do where the draft leaves the choice.
    #[must_use]
    pub fn choices(&self) -> Choices {
        self.door.choices()
    }

    /// An upper bound of a clause, as wide as it is on this door's clock.
    #[must_use]
    pub fn within(&self, bound: Duration) -> Duration {
        self.door.within(bound)
    }

    /// Lets what has happened come to the log.
    pub async fn settle(&self) {
        self.wait(self.door.log_delay().max(STEP)).await;
    }

    /// A native plugin that writes into the notebook.
    #[must_use]
    pub fn native(&self, name: &str) -> Recording {
        Recording::new(name, &self.notebook)
    }

    /// Starts a host with what `plugins` adds to it.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn host(&self, plugins: impl FnOnce(Plan) -> Plan) -> Result<Host, Stop> {
        self.start(plugins(Plan::default())).await
    }

    /// Starts a host.
    ///
    /// # Errors
    /// When it does not start, and when this door has no such hosts.
    pub async fn start(&self, plan: Plan) -> Result<Host, Stop> {
        self.try_start(plan)
            .await?
            .map_err(|refused| Stop::Untestable(refused, Vec::new()))
    }

    /// Starts a host that may be refused: the words then.
    ///
    /// # Errors
    /// When this door has no such hosts.
    pub async fn try_start(&self, plan: Plan) -> Result<Result<Host, String>, Stop> {
        if let Some(need) = plan.needs().into_iter().find(|need| !self.offers(*need)) {
            return Err(Stop::Skip(format!("this host does not offer {need}")));
        }
        match self.door.start(plan, &self.recorder).await {
            Ok(host) => Ok(Ok(host)),
            Err(NoHost::Refused(text)) => Ok(Err(text)),
            Err(refused @ NoHost::NotOffered(_)) => Err(Stop::Skip(refused.to_string())),
            Err(NoHost::Door(text)) => Err(Stop::Untestable(text, Vec::new())),
        }
    }

    /// Starts a host with one native plugin that may play server.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn host_of(&self, name: &str, plugin: Recording) -> Result<Host, Stop> {
        self.host(|plan| plan.native(name, Arc::new(plugin), may_play()))
            .await
    }

    /// Starts a host with the probe.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn host_of_probe(&self, config: &[(&str, &str)]) -> Result<Host, Stop> {
        self.host(|plan| plan.guest(PROBE_NAME, self.probe(), with_config(config)))
            .await
    }

    /// The probe.
    #[must_use]
    pub fn probe(&self) -> Component {
        Component::carried(PROBE)
    }

    /// Lets time pass in which nobody does anything.
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
        self.player(host.connect(), config)
    }

    /// What a host carries is for others to judge: the carrier's contents are the cases' own.
    fn player(&self, stream: Stream, mut config: ClientConfig) -> Player {
        config.unread.extend(carrier(config.protocol));
        Player::new(stream, config, self.origin, &self.recorder)
    }

    /// The same over a connection whose host reads and writes pieces of at most `longest` bytes, drawn from the seed.
    #[must_use]
    pub fn connect_in_pieces(&self, host: &Host, config: ClientConfig, longest: usize) -> Player {
        let seed = self.draw(Rng::next_u64);
        self.player(host.connect_in_pieces(seed, longest), config)
    }

    /// The same with a tap on it.
    #[must_use]
    pub fn connect_tapped(&self, host: &Host, config: ClientConfig) -> (Player, Tap) {
        let (tap, client) = Tap::on(host.connect());
        let player = self.player(client, config);
        (player, tap)
    }

    /// Opens a connection for a case that speaks bytes.
    #[must_use]
    pub fn wire(&self, host: &Host) -> Stream {
        host.connect()
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
            if waited >= super::player::JOIN_LIMIT || self.is_surely_over(player) {
                return Err(player.untestable(format!("no session starts: {}", player.stands())));
            }
            match player.closed() {
                None => player.live(STEP).await,
                Some(_) => self.wait(STEP).await,
            }
            waited += STEP;
        }
        // What the start callback sends comes at once in virtual time.
        player.live(STEP).await;
        Ok(())
    }

    /// Whether the connection is over and no start of its session can still be on its way to the log.
    fn is_surely_over(&self, player: &Player) -> bool {
        let closed = player.closed();
        closed.is_some_and(|(at, _)| self.now() >= at + self.door.log_delay())
    }
}

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
