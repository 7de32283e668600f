//! A world from first to last: the host, its clients, whoever runs it, and two clients of ours. The bystander is there
//! all the time and must notice nothing; the latecomer comes when everybody has gone and must be welcome.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reference_backend::{
    Capability, Host, HostConfig, HostEvent, Instances, PlayerId, PluginConfig, PluginState,
};
use sim_client::Driver;
use sim_proto::{ClientConfig, Event};
use tokio::io::DuplexStream;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;
use vb_data::State;

use super::client::{self, View};
use super::native::{BUFFERED_BYTES, BUFFERED_PACKETS, Gate, Ledger, QUEUE_BYTES, QUEUE_PACKETS};
use super::world::{Actor, Guest, Order, World};
use super::{Played, Stage, Violation, check};
use crate::lab::clock::{Origin, in_virtual_time};
use crate::lab::player::carrier;
use crate::lab::recorder::Recorder;
use crate::rng::Rng;
use crate::subject::network::{Cut, Tap, Weather, link};

/// Longer than any world lasts: one that hangs is stopped here.
const LONGEST_WORLD: Duration = Duration::from_secs(1800);

/// How long connections may outlive their clients: a host drops what takes nothing after 30 s, and has a little for
/// each of the ends.
const WIND_DOWN: Duration = Duration::from_secs(60);

/// From the clause about shutdown.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(10);

/// How long the echo of a packet may take on a calm connection. In virtual time it takes nothing.
const ECHO_LIMIT: Duration = Duration::from_millis(50);

/// How long a calm client may take to its first echo.
const WELCOME_LIMIT: Duration = Duration::from_secs(1);

/// How long a guest that traps may take to its next start: the longest delay of the contract is 8 s.
const RESTART_LIMIT: Duration = Duration::from_secs(20);

/// How often the bystander asks whether all is well.
const PULSE: Duration = Duration::from_secs(1);

/// Who holds the recorder besides the host: the scene, and whoever set it up.
const OUR_OWN: usize = 2;

/// Fuel of one callback of a guest: a tenth of the default, so that an endless loop ends soon.
const FUEL: u64 = 10_000_000;

/// Linear memory of a guest.
const MEMORY: u64 = 8 << 20;

/// What is known of a world when it is over.
pub struct History {
    /// What the host told.
    pub events: Vec<(Duration, HostEvent)>,
    /// What the native handlers were told, and what they saw.
    pub ledger: Arc<Ledger>,
    /// What each client saw, in the order of the actors.
    pub views: Vec<View>,
    /// Who is behind a connection, by the place among the actors.
    pub players: BTreeMap<PlayerId, usize>,
    /// What was wrong while it lasted.
    pub violations: Vec<Violation>,
}

struct Scene<'a> {
    world: &'a World,
    host: Host,
    recorder: Arc<Recorder>,
    ledger: Arc<Ledger>,
    carrier: i32,
    origin: Origin,
    taps: Vec<Tap>,
    violations: Vec<Violation>,
}

/// Plays a world.
///
/// # Errors
/// When there is no runtime for it.
pub fn play(stage: &Stage, world: &World) -> io::Result<Played> {
    in_virtual_time(async {
        let origin = Origin::now();
        let recorder = Recorder::new(origin);
        match tokio::time::timeout(LONGEST_WORLD, run(stage, world, origin, &recorder)).await {
            Ok(played) => played,
            Err(_) => {
                let what = format!("the world did not end within {LONGEST_WORLD:?}");
                super::failed("ends", what)
            }
        }
    })
}

async fn run(stage: &Stage, world: &World, origin: Origin, recorder: &Arc<Recorder>) -> Played {
    let carrier = carrier(world.protocol).unwrap_or_default();
    let ledger = Ledger::new(&world.actors, carrier, world.seed);
    let host = match start(stage, world, recorder, &ledger).await {
        Ok(host) => host,
        Err(error) => return super::failed("start", format!("the host does not start: {error}")),
    };
    let mut scene = Scene {
        world,
        host,
        recorder: Arc::clone(recorder),
        ledger,
        carrier,
        origin,
        taps: Vec::new(),
        violations: Vec::new(),
    };
    let views = scene.acts().await;
    scene.leaks().await;
    scene.finish(views).await
}

async fn start(
    stage: &Stage,
    world: &World,
    recorder: &Arc<Recorder>,
    ledger: &Arc<Ledger>,
) -> Result<Host, reference_backend::StartError> {
    let mut config = HostConfig {
        compression_threshold: world.compression,
        ..HostConfig::default()
    };
    if let Some(places) = world.places {
        config.max_connections = places;
    }
    let may_play = || PluginConfig::with_permissions(&[Capability::VirtualBackend]);
    let mut native = may_play();
    native.limits.queue_bytes = QUEUE_BYTES;
    native.limits.queue_packets = QUEUE_PACKETS;
    native.limits.buffered_bytes = BUFFERED_BYTES;
    native.limits.buffered_packets = BUFFERED_PACKETS;
    let mut guest = may_play();
    guest.limits.fuel = FUEL;
    guest.limits.memory = MEMORY;
    if world.per_session {
        guest.instances = Instances::PerSession;
    }
    let (name, component) = match world.guest {
        Guest::Lobby => ("lobby", &stage.lobby),
        Guest::Probe => {
            guest.config.insert("join".to_owned(), "true".to_owned());
            guest
                .config
                .insert("packets".to_owned(), "quiet".to_owned());
            ("probe", &stage.probe)
        }
    };
    let builder = Host::builder(config)
        .observer(Arc::clone(recorder) as _)
        .native("gate", Arc::new(Gate(Arc::clone(ledger))), native)
        .guest(name, component.clone(), guest);
    #[cfg(feature = "selftest")]
    let builder = match stage.fault {
        Some(fault) => builder.fault(fault),
        None => builder,
    };
    builder.start().await
}

impl Scene<'_> {
    /// Everybody does what they do.
    async fn acts(&mut self) -> Vec<View> {
        let (done, over) = watch::channel(false);
        let bystander = self.open("bystander", 0, Weather::CALM, None);
        let bystander = tokio::spawn(stand_by(
            Driver::new(bystander, tolerant(self.world.protocol, "bystander")),
            self.carrier,
            over,
        ));
        let mut clients = JoinSet::new();
        let mut streams = Vec::new();
        for (place, actor) in self.world.actors.iter().enumerate() {
            let (client, host, tap) = link(actor.weather, actor.cut, self.rng(actor));
            self.ledger.listen(&actor.name(), &tap);
            self.taps.push(tap);
            streams.push((place, actor.clone(), client, host));
        }
        for (place, actor, client, stream) in streams {
            let (host, protocol, seed) = (self.host.clone(), self.world.protocol, self.world.seed);
            clients.spawn(async move {
                tokio::time::sleep(actor.arrives).await;
                host.accept(stream, peer(place + 1));
                let view = client::follow(&actor, protocol, seed, client).await;
                (place, view)
            });
        }
        let crowd = self.orders().await;
        let mut views: BTreeMap<usize, View> = BTreeMap::new();
        while let Some(joined) = clients.join_next().await {
            match joined {
                Ok((place, view)) => drop(views.insert(place, view)),
                Err(error) => self.accuse("harness", "none", format!("a client failed: {error}")),
            }
        }
        drop(crowd);
        for task in self.ledger.tasks() {
            // One that panicked is of no harm to the world.
            let _ = task.await;
        }
        let stopped = self
            .world
            .orders
            .iter()
            .any(|(_, order)| *order == Order::Shutdown);
        if !stopped {
            self.all_gone_but(1).await;
            self.welcome().await;
        }
        // Every other seed has the host stopped with somebody in it.
        if self.world.seed.is_multiple_of(2) {
            done.send_replace(true);
        }
        let bystander_stays = !stopped && !self.world.seed.is_multiple_of(2);
        if !stopped {
            if !bystander_stays {
                self.all_gone_but(0).await;
            }
            self.shut_down().await;
        }
        self.all_gone_but(0).await;
        done.send_replace(true);
        match bystander.await {
            Ok(Ok(())) => {}
            Ok(Err(what)) => self.accuse("bystander-is-untouched", "VB-BRG-08", what),
            Err(error) => self.accuse("harness", "none", format!("the bystander failed: {error}")),
        }
        (0..self.world.actors.len())
            .map(|place| views.remove(&place).unwrap_or_default())
            .collect()
    }

    /// What whoever runs the host does, and the world to it, each at its time. Answers those who came and say nothing.
    async fn orders(&mut self) -> Vec<DuplexStream> {
        let mut crowd = Vec::new();
        let mut orders = self.world.orders.clone();
        orders.sort_by_key(|(at, _)| *at);
        let began = Instant::now();
        for (at, order) in orders {
            tokio::time::sleep_until(began + at).await;
            match order {
                Order::Shutdown => self.shut_down().await,
                Order::Crowd(count) => {
                    crowd.extend((0..count).map(|_| self.host.connect(peer(NOBODY))));
                }
                Order::Standstill(time) => tokio::time::advance(time).await,
                Order::Kick(number) => {
                    let place = self
                        .world
                        .actors
                        .iter()
                        .position(|actor| actor.number == number);
                    let player = place.and_then(|place| {
                        let players = players(&self.recorder);
                        players.into_iter().find(|(_, known)| *known == place)
                    });
                    if let Some((player, _)) = player {
                        self.host.kick(player, "kicked by the operator");
                    }
                }
            }
        }
        crowd
    }

    async fn shut_down(&mut self) {
        let began = Instant::now();
        self.host.shutdown("the host stops").await;
        let took = began.elapsed();
        if took > SHUTDOWN_LIMIT {
            let what = format!("shutdown took {took:?}, of {SHUTDOWN_LIMIT:?} that it may");
            self.accuse("shutdown-in-time", "VB-DSP-16", what);
        }
    }

    /// A client that comes after all that has happened.
    async fn welcome(&mut self) {
        if !self.gates_open().await {
            return;
        }
        let stream = self.open(
            "latecomer",
            self.world.actors.len() + 1,
            Weather::CALM,
            None,
        );
        let mut driver = Driver::new(stream, tolerant(self.world.protocol, "latecomer"));
        if let Err(what) = first_echo(&mut driver, self.carrier).await {
            let what = format!("a client that comes after everybody has gone: {what}");
            self.accuse("latecomer-is-welcome", "VB-BRG-08", what);
        }
        driver.close().await;
        drop(driver);
        self.all_gone_but(1).await;
    }

    fn open(
        &mut self,
        name: &str,
        place: usize,
        weather: Weather,
        cut: Option<Cut>,
    ) -> crate::subject::network::LinkEnd {
        let (client, host, tap) = link(weather, cut, Rng::for_purpose(self.world.seed, name, 0));
        self.ledger.listen(name, &tap);
        self.taps.push(tap);
        self.host.accept(host, peer(place));
        client
    }

    fn rng(&self, actor: &Actor) -> Rng {
        let number = i32::try_from(actor.number).unwrap_or(i32::MAX);
        Rng::for_purpose(self.world.seed, "network", number)
    }

    /// Waits until the guest has started again, where it has trapped: until then its gates stay shut for everybody, as
    /// they should. False when they stay shut for good.
    async fn gates_open(&self) -> bool {
        let began = Instant::now();
        loop {
            let states = self.recorder.all(|seen| match &seen.event {
                HostEvent::Plugin { plugin, state, .. } if plugin != "gate" => Some(state.clone()),
                _ => None,
            });
            match states.last() {
                Some(PluginState::Enabled { .. }) => return true,
                Some(PluginState::Quarantined | PluginState::Off { .. }) => return false,
                // That it stays away is found by who comes then.
                _ if began.elapsed() >= RESTART_LIMIT => return true,
                _ => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    /// Waits until no more connections are open than these.
    async fn all_gone_but(&mut self, few: usize) {
        let deadline = Instant::now() + WIND_DOWN;
        while self.host.connection_count() > few {
            if Instant::now() >= deadline {
                let count = self.host.connection_count();
                let what = format!(
                    "{count} connections are open {WIND_DOWN:?} after the clients have gone, of {few} that may"
                );
                return self.accuse("nothing-leaks", "VB-DSP-07", what);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// What is left when the host has stopped.
    async fn leaks(&mut self) {
        let (connections, sessions) = (self.host.connection_count(), self.host.session_count());
        if connections + sessions > 0 {
            let what = format!(
                "after the shutdown {connections} connections and {sessions} sessions are left"
            );
            self.accuse("nothing-leaks", "VB-DSP-16", what);
        }
        // What has been told to end gets a turn to do so.
        tokio::time::sleep(Duration::from_millis(1)).await;
        let tasks = Handle::current().metrics().num_alive_tasks();
        if tasks > 0 {
            let what = format!("after the shutdown {tasks} tasks are alive");
            self.accuse("nothing-leaks", "VB-DSP-16", what);
        }
    }

    fn accuse(&mut self, promise: &'static str, clause: &'static str, what: String) {
        self.violations.push(Violation {
            promise,
            clause,
            what,
        });
    }

    async fn finish(mut self, views: Vec<View>) -> Played {
        // Everything of a host knows whom to tell: its sessions and kept handles, its instances and their tables.
        drop(self.host);
        tokio::time::sleep(Duration::from_millis(1)).await;
        let holders = Arc::strong_count(&self.recorder) - OUR_OWN;
        if holders > 0 {
            let what = format!(
                "{holders} sessions, instances or other parts are left of a host that is gone"
            );
            self.violations.push(Violation {
                promise: "nothing-leaks",
                clause: "VB-DSP-16",
                what,
            });
        }
        let events = self
            .recorder
            .all(|seen| Some((seen.at, seen.event.clone())));
        let count = |wanted: fn(&HostEvent) -> bool| {
            events.iter().filter(|(_, event)| wanted(event)).count() as u64
        };
        let sessions = count(|event| matches!(event, HostEvent::SessionStarted { .. }));
        let connections = count(|event| matches!(event, HostEvent::Connected { .. }));
        let packets = count(|event| {
            matches!(
                event,
                HostEvent::PacketIn { .. } | HostEvent::PacketOut { .. }
            )
        });
        let digest = self
            .taps
            .iter()
            .fold(0_u64, |sum, tap| sum.rotate_left(5) ^ tap.digest());
        let history = History {
            players: players(&self.recorder),
            events,
            ledger: self.ledger,
            views,
            violations: self.violations,
        };
        Played {
            violations: check::check(self.world, history),
            sessions,
            connections,
            packets,
            virtual_time: self.origin.elapsed(),
            digest,
        }
    }
}

/// Lives until it is told that all is over, and asks every second whether all is well.
async fn stand_by(
    mut driver: Driver<crate::subject::network::LinkEnd>,
    carrier: i32,
    mut over: watch::Receiver<bool>,
) -> Result<(), String> {
    let welcomed = first_echo(&mut driver, carrier).await;
    if told(&driver) {
        return Ok(());
    }
    welcomed.map_err(|what| format!("the bystander at its start: {what}"))?;
    let mut beat: u64 = 0;
    loop {
        let pulse = tokio::select! {
            biased;
            _ = over.wait_for(|over| *over) => break,
            event = driver.run_until(|event| matches!(event, Event::Closed(_)), PULSE) => event,
        };
        if told(&driver) {
            return Ok(());
        }
        if driver.closed().is_some() {
            return Err(format!("the bystander's connection ended: {pulse:?}"));
        }
        beat += 1;
        echo(&mut driver, carrier, &beat.to_be_bytes(), ECHO_LIMIT)
            .await
            .or_else(|what| {
                if told(&driver) {
                    Ok(())
                } else {
                    Err(format!("the bystander: {what}"))
                }
            })?;
    }
    driver.close().await;
    Ok(())
}

/// Whether the host has said that it stops.
fn told(driver: &Driver<crate::subject::network::LinkEnd>) -> bool {
    matches!(driver.closed(), Some(sim_proto::CloseReason::Disconnected(text)) if text.plain == "the host stops")
}

async fn first_echo(
    driver: &mut Driver<crate::subject::network::LinkEnd>,
    carrier: i32,
) -> Result<(), String> {
    let in_play = |event: &Event| {
        matches!(
            event,
            Event::StateChanged {
                to: State::Play,
                ..
            }
        )
    };
    driver
        .run_until(in_play, WELCOME_LIMIT)
        .await
        .map_err(|not| format!("it does not come into play: {not}"))?;
    echo(driver, carrier, b"first", WELCOME_LIMIT).await
}

async fn echo(
    driver: &mut Driver<crate::subject::network::LinkEnd>,
    carrier: i32,
    data: &[u8],
    limit: Duration,
) -> Result<(), String> {
    driver
        .send_raw(0, data)
        .map_err(|error| format!("it cannot send: {error}"))?;
    let wanted = |event: &Event| matches!(event, Event::Received(got) if got.id == carrier && got.data == data);
    let echoed = driver.run_until(wanted, limit).await;
    echoed
        .map(drop)
        .map_err(|not| format!("no echo of {data:?} within {limit:?}: {not}"))
}

/// Who is behind each connection, by what it has for an address.
fn players(recorder: &Recorder) -> BTreeMap<PlayerId, usize> {
    let connected = recorder.all(|seen| match &seen.event {
        HostEvent::Connected { player, peer } => Some((*player, peer.clone())),
        _ => None,
    });
    let place = |peer: &str| {
        peer.parse::<SocketAddr>()
            .ok()?
            .port()
            .checked_sub(FIRST_PORT + 1)
    };
    connected
        .into_iter()
        .filter_map(|(player, peer)| Some((player, usize::from(place(&peer)?))))
        .collect()
}

/// The bystander's port; the actors' follow.
const FIRST_PORT: u16 = 50_000;

/// The place of those of a crowd, none of whom is looked at by himself.
const NOBODY: usize = 9_999;

fn peer(place: usize) -> SocketAddr {
    let port = u16::try_from(place).unwrap_or(0).saturating_add(FIRST_PORT);
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

/// A client that takes whatever stands in the carrier.
pub(super) fn tolerant(protocol: i32, name: &str) -> ClientConfig {
    let mut config = ClientConfig::new(protocol, name);
    config.unread.extend(carrier(protocol));
    config
}
