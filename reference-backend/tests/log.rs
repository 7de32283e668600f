//! The program's log, when nobody can or will take it: players come and play, and are told that the server stops.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod support;

use reference_backend::log::TOTAL_BYTES_PER_SECOND;
use sim_client::Driver;
use sim_proto::{ClientConfig, CloseReason};
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use support::wat::{LOG, Wat};
use support::{component, worst};
use tokio::net::TcpStream;

/// Only a test that hangs takes as long.
const LIMIT: Duration = Duration::from_secs(60);

const BACKEND: &str = "virtual-backend-plugin";

/// More than a pipe took of the old log.
const PLAYERS: usize = 80;

/// Logs far more than is taken in a second, before the program listens.
const TALKS: &str = "
    (local $n i32)
    (loop $again
      (call $log (i32.const 2) (i32.const 2048) (i32.const 8192))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $n) (i32.const 900))))";

/// A folder with a configuration, the lobby and, if it is wanted, a guest that talks.
fn folder(name: &str, talks: bool) -> (PathBuf, SocketAddr) {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("log-{name}"));
    std::fs::create_dir_all(folder.join("plugins")).unwrap();
    let artifact = format!(
        "{}/../fixtures/artifacts/lobby.wasm",
        env!("CARGO_MANIFEST_DIR")
    );
    std::fs::copy(artifact, folder.join("plugins/lobby.wasm")).unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    let mut config =
        format!("bind = \"{address}\"\n[plugins.lobby]\npermissions = [\"virtual-backend\"]\n");
    if talks {
        let guest = Wat {
            imports: LOG,
            enable: TALKS,
            event: "(i32.const 192)",
            ..Wat::default()
        };
        let bytes = component::bytes(&guest.text(false), "plugin");
        std::fs::write(folder.join("plugins/talks.wasm"), bytes).unwrap();
        config += "[plugins.talks.limits]\ncpu_ms = 60000\nlog_bytes = 8388608\n";
    }
    std::fs::write(folder.join("host.toml"), config).unwrap();
    (folder, address)
}

/// The program; it ends with the test.
struct Program(Child);

impl Program {
    fn start(folder: &PathBuf, log: impl Into<Stdio>) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_reference-backend"))
            .args(["serve", "--config", "host.toml"])
            .current_dir(folder)
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        Self(child.unwrap())
    }

    fn terminate(&self) {
        let killed = Command::new("kill").arg(self.0.id().to_string()).status();
        assert!(killed.unwrap().success());
    }

    /// How it ends by itself.
    async fn code(mut self) -> Option<i32> {
        let waits = tokio::task::spawn_blocking(move || {
            loop {
                match self.0.try_wait().unwrap() {
                    Some(status) => return status.code(),
                    None => std::thread::sleep(Duration::from_millis(5)),
                }
            }
        });
        let ended = tokio::time::timeout(LIMIT, waits).await;
        ended.expect("it stops").unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn join(address: SocketAddr, name: &str) -> Driver<TcpStream> {
    let config = || ClientConfig::new(340, name);
    // Until it listens, which its log cannot tell.
    let connects = async {
        loop {
            match Driver::connect_tcp(&address.to_string(), config()).await {
                Ok(driver) => return driver,
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    };
    let connected = tokio::time::timeout(LIMIT, connects).await;
    let mut driver = connected.expect("it listens");
    driver.run_until_in_world(LIMIT).await.unwrap();
    driver
}

/// Players come, each plays, one stays and is told why it ends, and the program ends as if nothing were wrong.
async fn plays_and_stops(program: Program, address: SocketAddr) {
    let mut stays = join(address, "stays").await;
    for number in 0..PLAYERS {
        let mut player = join(address, &format!("player{number}")).await;
        player.chat("/leave").unwrap();
        let left = player.run_to_end(LIMIT).await.unwrap();
        assert!(matches!(left, CloseReason::Disconnected(_)), "{left:?}");
        assert!(stays.closed().is_none());
    }
    program.terminate();
    let told = stays.run_to_end(LIMIT).await.unwrap();
    assert!(
        format!("{told:?}").contains("The server is stopping."),
        "{told:?}"
    );
    assert_eq!(program.code().await, Some(0));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_under_the_log_is_nothing_to_players() {
    let (folder, address) = folder("full", false);
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
    plays_and_stops(Program::start(&folder, full.unwrap()), address).await;
}

#[tokio::test]
async fn a_log_without_a_reader_is_nothing_to_players() {
    let (folder, address) = folder("closed", false);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    plays_and_stops(Program::start(&folder, writer), address).await;
}

#[tokio::test]
async fn a_reader_of_the_log_who_goes_is_nothing_to_players() {
    let (folder, address) = folder("goes", false);
    let (mut reader, writer) = std::io::pipe().unwrap();
    let program = Program::start(&folder, writer);
    reader.read_exact(&mut [0]).unwrap();
    drop(reader);
    plays_and_stops(program, address).await;
}

#[tokio::test]
async fn a_reader_of_the_log_who_stops_is_nothing_to_players() {
    let (folder, address) = folder("stops", false);
    let (reader, writer) = std::io::pipe().unwrap();
    fill(writer.try_clone().unwrap());
    plays_and_stops(Program::start(&folder, writer), address).await;
    drop(reader);
}

#[tokio::test]
async fn who_reads_again_is_told_how_many_lines_are_lost() {
    let (folder, address) = folder("again", true);
    let (mut reader, writer) = std::io::pipe().unwrap();
    let program = Program::start(&folder, writer);
    // It listens, so that all of that has been said, and nothing read.
    let _player = join(address, "player").await;
    let reads = std::thread::spawn(move || {
        let mut text = String::new();
        let _ = reader.read_to_string(&mut text);
        text
    });
    program.terminate();
    assert_eq!(program.code().await, Some(0));
    let text = reads.join().unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let lost: usize = lines.iter().copied().filter_map(lost).sum();
    let talked = lines.iter().filter(|line| line.len() > 8192).count();
    // A few of the host's own may be among them.
    assert!(lost > 0, "{:?}", lines.first());
    assert!((900..910).contains(&(talked + lost)), "{talked} and {lost}");
    assert!(
        lines.iter().all(|line| line.starts_with("20")),
        "no line is torn"
    );
}

#[tokio::test]
async fn a_guest_that_does_its_worst_by_text_fills_no_disk() {
    let (folder, address) = folder("worst", false);
    let guest = component::bytes(&worst::refused_without_end().text(true), BACKEND);
    std::fs::write(folder.join("plugins/flood.wasm"), guest).unwrap();
    let config = folder.join("host.toml");
    let mut text = std::fs::read_to_string(&config).unwrap();
    text += "[plugins.flood]\npermissions = [\"virtual-backend\"]\nrequired = false\n";
    std::fs::write(config, text).unwrap();
    let log = folder.join("log");
    let began = Instant::now();
    let program = Program::start(&folder, std::fs::File::create(&log).unwrap());
    plays_and_stops(program, address).await;
    let seconds = usize::try_from(began.elapsed().as_secs() + 1).unwrap();
    let text = std::fs::read_to_string(log).unwrap();
    assert!(text.contains("log lines dropped"), "the flood has come");
    assert!(text.len() <= TOTAL_BYTES_PER_SECOND * seconds);
    assert!(text.matches("registration refused").count() <= 1_000 * seconds);
}

/// How many lines this line says are lost.
fn lost(line: &str) -> Option<usize> {
    let (before, _) = line.split_once(" lines are lost before this one: ")?;
    before.rsplit(' ').next()?.parse().ok()
}

/// Leaves no room in a pipe that nobody reads, for as long as it is open.
fn fill(mut pipe: std::io::PipeWriter) {
    std::thread::spawn(move || while pipe.write_all(&[b'x'; 4096]).is_ok() {});
}
