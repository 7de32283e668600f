//! The faults, one function each.

use std::fmt;
use std::io;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use crate::crowd::Crowd;
use crate::process::{Log, Process, STOP_LIMIT, Setup, program};
use host_faults::player::{Player, handshake, login_start, percentile};

/// Each with its name.
pub const ALL: [(&str, Fault); 15] = [
    ("64 files, connections that say nothing", few_files),
    ("1,024 files, connections that say nothing", usual_files),
    ("20,000 files, connections that say nothing", many_files),
    ("a log on a full device", full_log),
    ("a log whose pipe is closed", closed_log),
    ("a log whose pipe nobody reads", unread_log),
    ("a guest that talks without end", talkative),
    ("1,000 joins at once", joins_at_once),
    ("5,000 joins at once", more_joins_at_once),
    ("1,000 joins at once, a backlog of 4", tiny_backlog),
    ("clients that never read", never_read),
    ("signals at every step of a join", signals),
    ("the process stands still", standstill),
    ("a clock that jumps", clock),
    ("a slow disk under the data folder", slow_disk),
];

pub type Fault = fn(size: Size) -> Result<Held, String>;

/// How much is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// Within a minute or two, all faults together.
    Short,
    /// The numbers of the whole, in some minutes.
    Brief,
    /// A crowd stays for ten minutes.
    Whole,
}

impl Size {
    /// The smaller number in the short form.
    fn of<T>(self, short: T, long: T) -> T {
        if self == Self::Short { short } else { long }
    }

    /// How long round trips are measured.
    fn measured(self) -> Duration {
        Duration::from_secs(self.of(1, 4))
    }
}

/// What came of a fault.
pub struct Held {
    times: Option<(Duration, Duration)>,
    what: String,
}

impl Held {
    fn beside(quiet: Duration, under: Duration, what: String) -> Self {
        Self {
            times: Some((quiet, under)),
            what,
        }
    }

    fn only(what: String) -> Self {
        Self { times: None, what }
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.times {
            Some((quiet, under)) => {
                let ratio = under.as_secs_f64() / quiet.as_secs_f64();
                write!(f, "{quiet:>9.0?} {under:>9.0?} {ratio:>6.1}")?;
            }
            None => write!(f, "{:>9} {:>9} {:>6}", "", "", "")?,
        }
        write!(f, "  {}", self.what)
    }
}

type Healthy = Player<TcpStream>;

/// The healthy player of a host, and what his round trips take while nothing happens.
fn healthy(process: &Process, size: Size) -> Result<(Healthy, Duration), String> {
    let mut player = join(process, "healthy")?;
    player.command("echo on").map_err(lost)?;
    let quiet = percentile(player.trips(size.measured()).map_err(lost)?);
    Ok((player, quiet))
}

fn join(process: &Process, name: &str) -> Result<Healthy, String> {
    let joined = process.connect().and_then(|it| Player::join(it, name));
    joined.map_err(|error| format!("{name} does not get in: {error}"))
}

fn lost(error: io::Error) -> String {
    format!("the healthy player is lost: {error}")
}

fn few_files(size: Size) -> Result<Held, String> {
    silent(size, 64, size.of(200, 10_000), None)
}

fn usual_files(size: Size) -> Result<Held, String> {
    silent(size, 1_024, size.of(1_200, 10_000), None)
}

fn many_files(size: Size) -> Result<Held, String> {
    let places = "max_connections = 16384";
    silent(size, 20_000, size.of(4_000, 10_000), Some(places))
}

/// What a runtime of the host's keeps open; it makes another one when connections get heavy.
const RUNTIME_FILES: usize = 5;

/// So many connections that say nothing, for as long as the measurement takes, and in the long form for ten minutes.
fn silent(size: Size, files: u64, count: usize, places: Option<&str>) -> Result<Held, String> {
    let mut setup = Setup::new().config(places.unwrap_or_default());
    setup.files = Some(files);
    let mut process = setup.start()?;
    let (mut player, quiet) = healthy(&process, size)?;
    let before = process.files();
    let crowd = Crowd::of(count, process.address)?;
    let stay = if size == Size::Whole {
        Duration::from_secs(600)
    } else {
        size.measured()
    };
    let under = percentile(player.trips(stay).map_err(lost)?);
    let (came, most) = (crowd.count(), process.files());
    if let Some(status) = process.ended() {
        return Err(format!("the host has ended with {status}"));
    }
    drop(crowd);
    // Those whom the host itself holds open end with the login's stall limit at the latest.
    let limit = Duration::from_secs(60);
    if !process.until(limit, |process| process.files() <= before + RUNTIME_FILES) {
        let left = process.open_files().join(" ");
        return Err(format!(
            "{before} files were open before the crowd, and after it: {left}"
        ));
    }
    join(&process, "newcomer")?;
    let after = process.files();
    let lines = process.log().lines().count();
    process.stop("TERM")?;
    Ok(Held::beside(
        quiet,
        under,
        format!(
            "{came} of {count} connected; files {before}, {most}, {after} after it; a newcomer gets in; {lines} lines of log"
        ),
    ))
}

fn full_log(size: Size) -> Result<Held, String> {
    log(size, Log::Full)
}

fn closed_log(size: Size) -> Result<Held, String> {
    log(size, Log::Closed)
}

fn unread_log(size: Size) -> Result<Held, String> {
    log(size, Log::Unread)
}

/// Joins, plays and stops while the log cannot be written.
fn log(size: Size, log: Log) -> Result<Held, String> {
    let quiet = {
        let process = Setup::new().start()?;
        healthy(&process, size)?.1
    };
    let mut setup = Setup::new();
    setup.log = log;
    setup.verbosity = "debug";
    let mut process = setup.start()?;
    let (mut player, _) = healthy(&process, size)?;
    // A pipe and the host's queue before it hold thousands of lines.
    let joins = if log == Log::Unread {
        2_000
    } else {
        size.of(100, 1_000)
    };
    for number in 0..joins {
        let mut other = join(&process, &format!("player{number}"))?;
        // Each of them is good for some lines of the guest's, too.
        other.command("info").map_err(lost)?;
    }
    let under = percentile(player.trips(size.measured()).map_err(lost)?);
    let reader = process.read_pipe();
    let took = process.stop("TERM")?;
    let mut what = format!("{joins} of {joins} joins; stops in {took:.0?} with 0");
    if let Some(reader) = reader {
        let text = reader.join().map_err(|_| "the pipe cannot be read")?;
        let told = text.lines().find(|line| line.contains("lost"));
        let told = told.ok_or("the log has lost lines and does not say so")?;
        what.push_str(&format!("; it says `{}`", told.trim()));
    }
    Ok(Held::beside(quiet, under, what))
}

/// Another plugin's guest writes lines of 4 KiB, as many as its budget of CPU allows, whenever a player leaves; and
/// players come and go all the time.
fn talkative(size: Size) -> Result<Held, String> {
    let line = format!("readlink 0 {}\\n", "x".repeat(4 << 10));
    let talk = format!("again = true\ndo = \"{}\"", line.repeat(12));
    let setup = Setup::new()
        .config("data_dir = \"data\"")
        .also("files", talk);
    let mut process = setup.start()?;
    let (mut player, quiet) = healthy(&process, size)?;
    let (began, before) = (Instant::now(), process.log().len());
    let mut trips = Vec::new();
    let mut visits = 0;
    while began.elapsed() < size.measured() * 4 {
        for _ in 0..20 {
            drop(join(&process, &format!("player{visits}"))?);
            visits += 1;
        }
        trips.push(player.trip().map_err(lost)?);
    }
    let written = process.log().len() - before;
    let seconds = began.elapsed().as_secs_f64();
    process.stop("TERM")?;
    // A second of the host's own may begin and end within.
    let most = LOG_BYTES * (seconds + 1.0);
    if written as f64 > most {
        return Err(format!("{written} bytes of log in {seconds:.1} s"));
    }
    let rate = written as f64 / seconds / 1024.0;
    let what =
        format!("{visits} players, each good for 12 lines of 4 KiB; {rate:.0} KiB of log a second");
    Ok(Held::beside(quiet, percentile(trips), what))
}

/// What README.md gives all causes of log lines together, in bytes a second.
const LOG_BYTES: f64 = (1 << 20) as f64;

fn joins_at_once(size: Size) -> Result<Held, String> {
    at_once(size, 1_000)
}

fn more_joins_at_once(size: Size) -> Result<Held, String> {
    at_once(size, 5_000)
}

/// The system's limit of a listener's queue is one of the network namespace, which only some may make. With so short a
/// queue most of those who come at once are the system's to lose; the host says so, and keeps whom it has.
fn tiny_backlog(size: Size) -> Result<Held, String> {
    const INSIDE: &str = "VBSPEC_FAULTS_BACKLOG";
    if std::env::var_os(INSIDE).is_some() {
        return crowded_backlog(size);
    }
    let this = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut command = Command::new("unshare");
    command
        .args(["-n", "sh", "-c"])
        .arg("ip link set lo up && echo 4 >/proc/sys/net/core/somaxconn && exec \"$@\"")
        .arg("sh")
        .arg(this)
        .arg("a backlog of 4")
        .args((size == Size::Short).then_some("--short"))
        .env(INSIDE, "yes");
    let output = command.output().map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().nth(1).unwrap_or_default();
    let said = line.split_once("  ").map_or("", |(_, said)| said.trim());
    if output.status.success() {
        Ok(Held::only(said.to_owned()))
    } else if line.is_empty() {
        let why = String::from_utf8_lossy(&output.stderr);
        let why = why.lines().next().unwrap_or_default();
        Ok(Held::only(format!(
            "not tried: no network namespace here ({why})"
        )))
    } else {
        Err(said.trim_start_matches("BROKEN: ").to_owned())
    }
}

fn crowded_backlog(size: Size) -> Result<Held, String> {
    let places = "limits.connections_per_address = 1024";
    let mut setup = Setup::new().config(places);
    setup.conduct = "packets = \"quiet\"\njoin = true";
    let mut process = setup.start()?;
    if !process.log().contains("somaxconn") {
        return Err("the log does not say that the system's queue is short".to_owned());
    }
    let (mut player, quiet) = healthy(&process, size)?;
    let output = join_many(&process, 1_000, "1")?;
    let under = percentile(player.trips(size.measured()).map_err(lost)?);
    join(&process, "newcomer")?;
    process.stop("TERM")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let total = text.lines().last().unwrap_or_default();
    let what = format!("{total}; the host says why, the player stays, a newcomer gets in");
    Ok(Held::beside(quiet, under, what))
}

/// So many players who join at the same time, as `sim-client` counts them.
fn at_once(size: Size, count: usize) -> Result<Held, String> {
    // All of them come from one address.
    let mut setup = Setup::new()
        .config("max_connections = 6000")
        .config("limits.connections_per_address = 6000");
    setup.guest = "lobby";
    // It keeps a handle and a task for each of its players.
    setup.limits = "sessions = 6000\nkept_sessions = 6000\ntasks = 12000";
    let mut process = setup.start()?;
    let began = Instant::now();
    let output = join_many(&process, count, size.of("1", "5"))?;
    let took = began.elapsed();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let total = text.lines().last().unwrap_or_default();
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr);
        return Err(format!(
            "{total} {}",
            why.lines().next().unwrap_or_default()
        ));
    }
    process.stop("TERM")?;
    Ok(Held::only(format!("{total}, and gone, in {took:.1?}")))
}

fn join_many(process: &Process, count: usize, seconds: &str) -> Result<Output, String> {
    Command::new(program("sim-client")?)
        .arg("join")
        .arg(process.address.to_string())
        .args(["--protocol", "47", "--for", seconds])
        .args(["--count", &count.to_string()])
        .output()
        .map_err(|error| error.to_string())
}

/// Sessions whose clients take nothing while the guest sends.
fn never_read(size: Size) -> Result<Held, String> {
    let count = size.of(40, 150);
    let mut process = Setup::new().start()?;
    let (mut player, quiet) = healthy(&process, size)?;
    let before = process.memory();
    let mut held = Vec::new();
    for number in 0..count {
        let mut other = join(&process, &format!("player{number}"))?;
        other.command("flood 8000 0x37 1000").map_err(lost)?;
        held.push(other);
    }
    // All share an instance of the guest, which has sent all of it by then.
    player.trips(size.measured()).map_err(lost)?;
    let under = percentile(player.trips(size.measured()).map_err(lost)?);
    let most = process.memory();
    drop(held);
    let trips = player.trips(size.measured()).map_err(lost)?;
    let after = process.memory();
    process.stop("TERM")?;
    let mib = |bytes: u64| bytes >> 20;
    Ok(Held::beside(
        quiet,
        under,
        format!(
            "{count} clients hold {} MiB, {} MiB are left when they are gone; {} round trips after them",
            mib(most.saturating_sub(before)),
            mib(after.saturating_sub(before)),
            trips.len()
        ),
    ))
}

/// Signals that stop the host, and those that do not.
const STOPS: [&str; 3] = ["TERM", "INT", "QUIT"];
const STAYS: [&str; 3] = ["HUP", "USR1", "USR2"];

fn signals(_: Size) -> Result<Held, String> {
    let mut slowest = Duration::ZERO;
    for signal in STOPS {
        for step in 0..STEPS {
            let mut process = Setup::new().start()?;
            let _client = at_step(&process, step)?;
            let took = process.stop(signal);
            slowest = slowest.max(took.map_err(|why| format!("at step {step}: {why}"))?);
        }
    }
    let mut process = Setup::new().start()?;
    for signal in STAYS {
        for step in 0..STEPS {
            let _client = at_step(&process, step)?;
            process.signal(signal)?;
            join(&process, "newcomer").map_err(|why| format!("after {signal}: {why}"))?;
        }
    }
    process.stop("TERM")?;
    Ok(Held::only(format!(
        "{} stop it at each of {STEPS} steps, in {slowest:.0?} of {STOP_LIMIT:.0?} at most; {} do not",
        STOPS.join(", "),
        STAYS.join(", ")
    )))
}

/// Connected, greeted, half a name, logged in, playing.
const STEPS: usize = 5;

/// A client that has come so far, and waits.
fn at_step(process: &Process, step: usize) -> Result<Box<dyn Send>, String> {
    use std::io::Write as _;
    let send = |bytes: &[u8]| -> io::Result<TcpStream> {
        let mut stream = process.connect()?;
        stream.write_all(bytes)?;
        Ok(stream)
    };
    let name = login_start("waiting");
    let client: io::Result<Box<dyn Send>> = match step {
        0 => send(&[]).map(|it| Box::new(it) as _),
        1 => send(&handshake()).map(|it| Box::new(it) as _),
        2 => send(&[&handshake(), &name[..name.len() / 2]].concat()).map(|it| Box::new(it) as _),
        3 => process
            .connect()
            .and_then(|it| Player::join(it, "waiting"))
            .map(|it| Box::new(it) as _),
        _ => process
            .connect()
            .and_then(|it| Player::join(it, "waiting"))
            .and_then(|mut player| {
                player.command("echo on")?;
                player.trip()?;
                Ok(Box::new(player) as _)
            }),
    };
    client.map_err(|error| format!("a client at step {step}: {error}"))
}

/// As when a machine sleeps, or its hypervisor takes the cores away.
fn standstill(size: Size) -> Result<Held, String> {
    let mut process = Setup::new().start()?;
    let (mut player, quiet) = healthy(&process, size)?;
    let times = size.of(1, 5);
    let still = Duration::from_secs(2);
    for _ in 0..times {
        process.signal("STOP")?;
        std::thread::sleep(still);
        process.signal("CONT")?;
        player.trip().map_err(lost)?;
    }
    let under = percentile(player.trips(size.measured()).map_err(lost)?);
    join(&process, "newcomer")?;
    process.stop("TERM")?;
    Ok(Held::beside(
        quiet,
        under,
        format!("{times} times {still:.0?}; the player stays, and a newcomer gets in"),
    ))
}

/// The wall clock jumps an hour back and a day on, as when it is set.
fn clock(size: Size) -> Result<Held, String> {
    const LIBRARY: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";
    if !Path::new(LIBRARY).is_file() {
        return Ok(Held::only(
            "not tried: no libfaketime (Debian's faketime)".to_owned(),
        ));
    }
    let said = |error: io::Error| error.to_string();
    let folder = tempfile::tempdir().map_err(said)?;
    let offset = folder.path().join("offset");
    std::fs::write(&offset, "+0").map_err(said)?;
    let mut setup = Setup::new();
    setup.environment = vec![
        ("LD_PRELOAD", LIBRARY.to_owned()),
        ("FAKETIME_TIMESTAMP_FILE", offset.display().to_string()),
        ("FAKETIME_NO_CACHE", "1".to_owned()),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
    ];
    let mut process = setup.start()?;
    let (mut player, quiet) = healthy(&process, size)?;
    let mut trips = Vec::new();
    for jump in ["-3600", "+86400", "+0"] {
        std::fs::write(&offset, jump).map_err(said)?;
        trips.extend(player.trips(size.measured()).map_err(lost)?);
        join(&process, "newcomer").map_err(|why| format!("at {jump} s: {why}"))?;
    }
    process.stop("TERM")?;
    let what = "an hour back, a day on, and back again: the player stays, newcomers get in";
    Ok(Held::beside(quiet, percentile(trips), what.to_owned()))
}

/// Each write to a file of a guest's takes a fifth of a second. Its guest writes whenever a player leaves, and players
/// come and go all the time.
fn slow_disk(size: Size) -> Result<Held, String> {
    let found = Command::new("strace").arg("-V").output();
    if !found.is_ok_and(|output| output.status.success()) {
        return Ok(Held::only(
            "not tried: no strace (Debian's strace)".to_owned(),
        ));
    }
    let writing = Setup::new().config("data_dir = \"data\"").also(
        "files",
        "again = true\ndo = \"put 0 note abcdefgh\"".to_owned(),
    );
    let quiet = under_slow_disk(&writing, size)?.0;
    let mut slow = writing;
    // Only the calls of `pwrite64` stop the program: nothing but files is written so.
    slow.wrapper = [
        "strace",
        "-D",
        "-f",
        "-qq",
        "--seccomp-bpf",
        "-o",
        "/dev/null",
    ]
    .into_iter()
    .chain([
        "-e",
        "trace=pwrite64",
        "-e",
        "inject=pwrite64:delay_enter=200000",
    ])
    .map(str::to_owned)
    .collect();
    let (under, visits) = under_slow_disk(&slow, size)?;
    let what = format!("{visits} players come and go, each good for a write of 200 ms");
    Ok(Held::beside(quiet, under, what))
}

/// The healthy player's time, and how many others came and went beside him.
fn under_slow_disk(setup: &Setup, size: Size) -> Result<(Duration, usize), String> {
    let mut process = setup.start()?;
    let (mut player, _) = healthy(&process, size)?;
    let visits = size.of(10, 40);
    let mut trips = Vec::new();
    for number in 0..visits {
        drop(join(&process, &format!("player{number}"))?);
        let trip = size.measured() / 10;
        trips.extend(player.trips(trip).map_err(lost)?);
    }
    process.stop("TERM")?;
    Ok((percentile(trips), visits))
}
