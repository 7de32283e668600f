//! What a healthy plugin's session feels while others attack: the 99th percentile of its round trip, quiet and under
//! each attack, and the ratio. The host runs in real time on the runtime that its program has, with as many workers as
//! the machine has cores. Attackers and the healthy client share the same cores. Attackers stand for other machines, and
//! so are a process of their own that has only what the others leave it (`SCHED_IDLE`): what they need themselves is not
//! the host's doing.
//!
//! Nor is what their network would need. On loopback the kernel carries everybody's TCP segments in one queue, on
//! whichever thread happens to send, and cannot be interrupted meanwhile; and it holds at both ends what is not read.
//! So connections are Unix sockets, but for those opened and abandoned, which are an attack on the listener of TCP.
//!
//! Arguments name the attacks that are measured, by a part of their names; all without.
//!
//! The healthy session belongs to a guest that echoes. A native plugin asks who comes, and hands the healthy player to
//! that guest and everybody else to the attackers' guest, another plugin with an instance for each session.

use std::io;
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use host_faults::player::{CARRIER, COMMAND, Player, opening, percentile};
use reference_backend::{
    BoxFuture, Capability, CpuMeter, Event, EventKind, EventOutcome, GuestEngine, HandlerId, Host,
    HostConfig, Instances, ListenerId, NativePlugin, PlayerId, PluginConfig, RawPacket, Registrar,
    ServerPreConnectResult, VirtualBackendHandler, VirtualBackendSession,
};
use sim_proto::wire::FrameEncoder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{self, TcpListener, TcpStream, UnixListener};

const PROBE: &[u8] = include_bytes!("../../fixtures/artifacts/probe.wasm");

/// How long each measurement takes, after as long as the attack needs to be under way.
const MEASURED: Duration = Duration::from_secs(4);
const WARM_UP: Duration = Duration::from_secs(1);

/// Sessions of a guest that attacks.
const SESSIONS: usize = 8;

/// Clients that attack.
const CLIENTS: usize = 200;

/// Between the bytes of a client that sends them one by one.
const BYTE_PAUSE: Duration = Duration::from_millis(20);

/// The most that an attack may multiply a healthy session's round trip by.
const AIM: f64 = 5.0;

/// Each with what is said of it.
const ATTACKS: [(&str, Attack); 8] = [
    ("a guest that spins to its CPU limit", Attack::Guest("spin")),
    (
        "a guest that computes without pause",
        Attack::Guest("many 2000 info"),
    ),
    (
        "a guest that eats memory to its limit",
        Attack::Guest("eat"),
    ),
    (
        "a guest that floods its clients",
        Attack::Guest("flood 2000 0x37 1000"),
    ),
    ("200 clients that flood", Attack::Flood),
    ("200 clients that send a byte at a time", Attack::Drip),
    ("200 clients that never read", Attack::NeverRead),
    (
        "200 connections opened and abandoned, again and again",
        Attack::Abandon,
    ),
];

/// The argument by which this program is asked to be the attackers; an attack and both addresses follow.
const ATTACK: &str = "--attack";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [first, name, tcp, path] = &arguments[..]
        && first == ATTACK
    {
        let attack = ATTACKS.iter().find(|(called, _)| called == name);
        let addresses = Addresses {
            tcp: tcp.parse().expect("an address"),
            path: path.into(),
        };
        return attack.expect("an attack").1.go_on(addresses);
    }
    // `cargo test` runs benchmarks too, and has nothing to measure.
    if arguments.iter().any(|argument| argument == "--test") {
        return;
    }
    let wanted = |name: &str| {
        let mut parts = arguments.iter().filter(|part| !part.starts_with("--"));
        parts.clone().count() == 0 || parts.any(|part| name.contains(part.as_str()))
    };
    let folder = tempfile::tempdir().expect("a folder");
    let (addresses, _runtime) = serve(folder.path());
    println!(
        "{:<54} {:>10} {:>12} {:>6}",
        "attack", "quiet p99", "attacked p99", "ratio"
    );
    let mut worst: f64 = 0.0;
    for (name, _) in ATTACKS.iter().filter(|(name, _)| wanted(name)) {
        let quiet = percentile(measure(&addresses.path));
        let attackers = Attackers::start(name, &addresses);
        std::thread::sleep(WARM_UP);
        let attacked = percentile(measure(&addresses.path));
        drop(attackers);
        std::thread::sleep(WARM_UP);
        let ratio = attacked.as_secs_f64() / quiet.as_secs_f64();
        worst = worst.max(ratio);
        println!("{name:<54} {quiet:>10.0?} {attacked:>12.0?} {ratio:>6.1}");
    }
    let met = if worst <= AIM { "met" } else { "missed" };
    println!("the aim is a ratio of {AIM} at most: {met}, the worst is {worst:.1}");
}

/// Where the host listens.
#[derive(Clone)]
struct Addresses {
    tcp: SocketAddr,
    path: PathBuf,
}

/// The process of the attackers, which ends with this.
struct Attackers(Child);

impl Attackers {
    fn start(attack: &str, addresses: &Addresses) -> Self {
        let this = std::env::current_exe().expect("this program");
        let child = Command::new("chrt")
            .args(["--idle", "0"])
            .arg(this)
            .args([ATTACK, attack, &addresses.tcp.to_string()])
            .arg(&addresses.path)
            .stdin(Stdio::null())
            .spawn();
        Self(child.expect("chrt(1) of util-linux starts this program"))
    }
}

impl Drop for Attackers {
    fn drop(&mut self) {
        // It is there until it is waited for, and both work then.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts the host on a runtime of its own, as the host's program does.
fn serve(folder: &Path) -> (Addresses, tokio::runtime::Runtime) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let path = folder.join("socket");
    let addresses = runtime.block_on(async {
        let engine = GuestEngine::new(CpuMeter::Epoch).expect("guests run here");
        let plugin = |instances| {
            let mut config = PluginConfig::with_permissions(&[Capability::VirtualBackend]);
            config
                .config
                .insert("packets".to_owned(), "quiet".to_owned());
            config.instances = instances;
            config
        };
        let probe = |name| engine.load(name, PROBE).expect("the probe loads");
        let gate = Gate(Arc::default());
        let config = HostConfig {
            compression_threshold: -1,
            ..HostConfig::default()
        };
        let host = Host::builder(config)
            .native("gate", Arc::new(gate.clone()), plugin(Instances::Shared))
            .same_ids()
            .guest("attacker", probe("attacker"), plugin(Instances::PerSession))
            .guest("healthy", probe("healthy"), plugin(Instances::Shared))
            .start()
            .await
            .expect("the host starts");
        assert!(gate.0.set(host.clone()).is_ok());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let tcp = listener.local_addr().expect("an address");
        let by_path = UnixListener::bind(&path).expect("a socket");
        let accepts = host.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = by_path.accept().await {
                accepts.accept(stream, tcp);
            }
        });
        tokio::spawn(async move { host.serve(listener).await });
        Addresses { tcp, path }
    });
    (addresses, runtime)
}

/// Sends the healthy player to the plugin `healthy`, and nobody else.
#[derive(Clone)]
struct Gate(Arc<OnceLock<Host>>);

impl Gate {
    fn guest(&self) -> Arc<dyn VirtualBackendHandler> {
        let host = self.0.get().expect("the host has started");
        host.handler("healthy", HandlerId(1))
            .expect("the healthy plugin is up")
    }
}

impl NativePlugin for Gate {
    fn on_enable<'a>(&'a self, registrar: &'a mut Registrar) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            registrar
                .subscribe(EventKind::ServerPreConnect, 100)
                .map_err(|error| error.to_string())?;
            registrar
                .register_virtual_backend_handler(HandlerId(1), Arc::new(self.clone()))
                .map_err(|error| error.to_string())
        })
    }

    fn handle_event<'a>(&'a self, _: ListenerId, event: &'a Event) -> BoxFuture<'a, EventOutcome> {
        let healthy =
            matches!(event, Event::ServerPreConnect(event) if event.profile.name == HEALTHY);
        let answer = if healthy {
            EventOutcome::ServerPreConnect(ServerPreConnectResult::VirtualBackend(HandlerId(1)))
        } else {
            EventOutcome::NoOpinion
        };
        Box::pin(std::future::ready(answer))
    }
}

impl VirtualBackendHandler for Gate {
    fn name(&self) -> &str {
        "gate"
    }

    fn on_session_start<'a>(&'a self, session: &'a dyn VirtualBackendSession) -> BoxFuture<'a, ()> {
        Box::pin(async move { self.guest().on_session_start(session).await })
    }

    fn on_packet_received<'a>(
        &'a self,
        session: &'a dyn VirtualBackendSession,
        packet: &'a RawPacket,
    ) -> BoxFuture<'a, ()> {
        Box::pin(async move { self.guest().on_packet_received(session, packet).await })
    }

    fn on_session_end(&self, player: PlayerId) -> BoxFuture<'_, ()> {
        Box::pin(async move { self.guest().on_session_end(player).await })
    }
}

const HEALTHY: &str = "healthy";

/// Round trips of the healthy session, one after the other.
fn measure(path: &Path) -> Vec<Duration> {
    let stream = UnixStream::connect(path).expect("the host listens");
    let mut player = Player::join(stream, HEALTHY).expect("a login");
    player.command("echo on").expect("the host reads");
    player.trips(MEASURED).expect("an echo")
}

#[derive(Clone, Copy)]
enum Attack {
    /// Clients that tell their guest this, again and again, and come back when it has trapped.
    Guest(&'static str),
    Flood,
    Drip,
    NeverRead,
    Abandon,
}

impl Attack {
    /// All attackers, until this process is killed.
    fn go_on(self, addresses: Addresses) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.expect("a runtime").block_on(async move {
            let count = if matches!(self, Attack::Guest(_)) {
                SESSIONS
            } else {
                CLIENTS
            };
            for number in 0..count {
                let addresses = addresses.clone();
                tokio::spawn(async move {
                    // Other machines are not in step, as the timers of one process are.
                    let step = BYTE_PAUSE * u32::try_from(number).unwrap_or(0);
                    tokio::time::sleep(step / u32::try_from(count).unwrap_or(1)).await;
                    loop {
                        // Whatever ends a connection, the next one comes.
                        let _ = self.once(&addresses, number).await;
                        tokio::time::sleep(Duration::from_millis(1)).await;
                    }
                });
            }
            std::future::pending::<()>().await;
        });
    }

    async fn once(self, addresses: &Addresses, number: usize) -> io::Result<()> {
        let opening = opening(&format!("attacker{number}"));
        let encoder = FrameEncoder::new();
        let connect = || net::UnixStream::connect(&addresses.path);
        match self {
            Attack::Guest(command) => {
                let mut stream = connect().await?;
                stream.write_all(&opening).await?;
                let (mut reader, mut writer) = stream.split();
                let read = async {
                    let mut buffer = vec![0; 1 << 16];
                    while reader.read(&mut buffer).await? > 0 {}
                    Ok(())
                };
                let write = async {
                    loop {
                        writer
                            .write_all(&encoder.encode(COMMAND, command.as_bytes()))
                            .await?;
                        tokio::time::sleep(Duration::from_millis(1)).await;
                    }
                };
                tokio::select! { ended = read => ended, ended = write => ended }
            }
            Attack::Flood => {
                let mut stream = connect().await?;
                stream.write_all(&opening).await?;
                let packets = encoder.encode(CARRIER, &[0; 64]).repeat(100);
                loop {
                    stream.write_all(&packets).await?;
                }
            }
            Attack::Drip => {
                let mut stream = connect().await?;
                for byte in opening {
                    stream.write_all(&[byte]).await?;
                    tokio::time::sleep(BYTE_PAUSE).await;
                }
                Ok(())
            }
            Attack::NeverRead => {
                let mut stream = connect().await?;
                stream.write_all(&opening).await?;
                loop {
                    let flood = encoder.encode(COMMAND, b"flood 4000 0x37 1000");
                    stream.write_all(&flood).await?;
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
            Attack::Abandon => {
                let mut stream = TcpStream::connect(addresses.tcp).await?;
                // Somewhere in its login, a different place each time.
                let part = (number * 7) % opening.len();
                stream.write_all(&opening[..part]).await
            }
        }
    }
}
