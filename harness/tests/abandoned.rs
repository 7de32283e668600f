//! A thousand connections that are abandoned at random points leave nothing behind: an honest client joins at once, and
//! memory is back within 5 MiB of the start. In memory and in virtual time; a test binary of its own, so that the memory
//! of the process is the host's and its clients'.

#![cfg(target_os = "linux")]

use std::time::Duration;

use reference_backend::{Capability, CpuMeter, GuestEngine, Host, HostConfig, PluginConfig};
use sim_client::Driver;
use sim_proto::ClientConfig;
use vbspec::lab::PEER;
use vbspec::lab::clock::in_virtual_time;
use vbspec::rng::Rng;
use vbspec::subject::network::{Cut, CutKind, Way, Weather, When, link};

const CONNECTIONS: usize = 1000;

/// How many are open at a time; each holds what a login of the newest protocol takes.
const AT_ONCE: usize = 50;

/// Waves before the start: how many of them are in the same step at once differs from wave to wave, and an allocator
/// keeps what the largest has taken.
const WARM_UP: usize = 4;

/// What may be more than before, in bytes: from the issue.
const SLACK: u64 = 5 << 20;

/// A host drops a client that falls silent in its login after 30 s, and one that reads nothing after as long.
const WIND_DOWN: Duration = Duration::from_secs(120);

/// In virtual time a calm client is in the world as soon as its answers have gone back and forth.
const AT_ONCE_MEANS: Duration = Duration::from_secs(1);

#[test]
fn a_thousand_abandoned_connections_leave_nothing_behind() {
    in_virtual_time(async {
        let host = lobby().await;
        let protocol = vb_data::supported().last().copied().unwrap();
        let mut rng = Rng::new(1);
        // The first of everything takes memory that stays: tables, arenas, the guest's own.
        for _ in 0..WARM_UP {
            wave(&host, protocol, &mut rng).await;
        }
        honest(&host, protocol, "before").await;
        let before = resident();
        for _ in 0..CONNECTIONS / AT_ONCE {
            wave(&host, protocol, &mut rng).await;
            println!("resident: {} bytes", resident());
        }
        assert_eq!((host.connection_count(), host.session_count()), (0, 0));
        honest(&host, protocol, "after").await;
        let after = resident();
        println!("resident: {before} bytes before, {after} after");
        assert!(
            after <= before + SLACK,
            "{} bytes more than before",
            after - before
        );
    })
    .unwrap();
}

async fn lobby() -> Host {
    let engine = GuestEngine::new(CpuMeter::Fuel).expect("guests run here");
    let bytes = include_bytes!("../../fixtures/artifacts/lobby.wasm");
    let lobby = engine.load("lobby", bytes).expect("the lobby loads");
    let config = PluginConfig::with_permissions(&[Capability::VirtualBackend]);
    let host = Host::builder(HostConfig::default()).guest("lobby", lobby, config);
    host.start().await.expect("the host starts")
}

/// Clients, each cut off somewhere between its first byte and the middle of the game.
async fn wave(host: &Host, protocol: i32, rng: &mut Rng) {
    let mut clients = tokio::task::JoinSet::new();
    for number in 0..AT_ONCE {
        let when = match rng.below(3) {
            0 => When::Byte(Way::ToHost, rng.below(200) as u64),
            1 => When::Byte(Way::ToClient, rng.below(200_000) as u64),
            _ => When::Time(Duration::from_millis(rng.below(2000) as u64)),
        };
        let kinds = [CutKind::End, CutKind::Reset, CutKind::Silence];
        let kind = kinds[rng.below(kinds.len())];
        let weather = Weather {
            delay: Duration::from_millis(10),
            ..Weather::CALM
        };
        let (client, stream, _) = link(weather, Some(Cut { when, kind }), Rng::new(rng.next_u64()));
        host.accept(stream, PEER);
        let mut client = Driver::new(client, ClientConfig::new(protocol, format!("gone{number}")));
        // What is cut off never leaves by itself; nobody waits longer for it than it would.
        clients.spawn(async move { client.run_for(Duration::from_secs(40)).await });
    }
    while clients.join_next().await.is_some() {}
    let gone = async {
        while host.connection_count() > 0 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let gone = tokio::time::timeout(WIND_DOWN, gone).await;
    assert!(
        gone.is_ok(),
        "{} connections are left",
        host.connection_count()
    );
}

async fn honest(host: &Host, protocol: i32, name: &str) {
    let mut client = Driver::new(host.connect(PEER), ClientConfig::new(protocol, name));
    let joined = client.run_until_in_world(AT_ONCE_MEANS).await;
    assert!(joined.is_ok(), "{name}: {joined:?}");
    client.close().await;
    drop(client);
    while host.connection_count() > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Bytes of this process that are in memory: the second number of `/proc/self/statm`, in pages of 4 KiB.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux has it");
    let pages: u64 = statm
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse().ok())
        .expect("a number");
    pages * 4096
}
