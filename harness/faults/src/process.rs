//! The host's program, as an operator runs it.

use std::fs::File;
use std::io::{self, PipeReader, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long the program may take to start, on a machine that is busy.
const START_LIMIT: Duration = Duration::from_secs(120);
/// What SPEC.md gives a stop.
pub const STOP_LIMIT: Duration = Duration::from_secs(10);
/// Between two looks at something that another process does.
pub const LOOK: Duration = Duration::from_millis(20);

/// Where the host's log goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Log {
    /// Into a file.
    Kept,
    /// Onto a device that has no room.
    Full,
    /// Into a pipe that nobody has open for reading.
    Closed,
    /// Into a pipe that nobody reads until the end.
    Unread,
}

/// How the host is run.
pub struct Setup {
    /// What stands in the configuration before its tables.
    pub config: String,
    /// Open files, soft and hard; the machine's own without.
    pub files: Option<u64>,
    pub log: Log,
    /// More or less of the log.
    pub verbosity: &'static str,
    pub guest: &'static str,
    /// Lines of the guest's configuration.
    pub conduct: &'static str,
    /// Lines of the guest's limits.
    pub limits: &'static str,
    /// More guests, each with the lines of its own configuration.
    pub others: Vec<(&'static str, String)>,
    /// What stands before the program's name.
    pub wrapper: Vec<String>,
    pub environment: Vec<(&'static str, String)>,
}

impl Setup {
    /// The host with the probe, which says nothing of packets.
    pub fn new() -> Self {
        Self {
            config: "compression_threshold = -1\n".to_owned(),
            files: None,
            log: Log::Kept,
            verbosity: "info",
            guest: "probe",
            conduct: "packets = \"quiet\"",
            limits: "",
            others: Vec::new(),
            wrapper: Vec::new(),
            environment: Vec::new(),
        }
    }

    pub fn config(mut self, line: &str) -> Self {
        self.config.push_str(line);
        self.config.push('\n');
        self
    }

    /// With another guest, whose configuration holds these lines.
    pub fn also(mut self, guest: &'static str, config: String) -> Self {
        self.others.push((guest, config));
        self
    }

    pub fn start(&self) -> Result<Process, String> {
        let said = |error: io::Error| format!("the host cannot be started: {error}");
        let folder = tempfile::tempdir().map_err(said)?;
        let at = folder.path();
        std::fs::create_dir(at.join("plugins")).map_err(said)?;
        let port = free_port().map_err(said)?;
        let mut config = format!("bind = \"{port}\"\n{}\n", self.config);
        let others = self
            .others
            .iter()
            .map(|(guest, lines)| (*guest, lines.as_str()));
        for (guest, lines) in others.chain([(self.guest, self.conduct)]) {
            let artifact = format!(
                "{}/../../fixtures/artifacts/{guest}.wasm",
                env!("CARGO_MANIFEST_DIR")
            );
            std::fs::copy(artifact, at.join(format!("plugins/{guest}.wasm"))).map_err(said)?;
            config.push_str(&format!(
                "[plugins.{guest}]\npermissions = [\"virtual-backend\"]\n[plugins.{guest}.config]\n{lines}\n"
            ));
        }
        config.push_str(&format!(
            "[plugins.{}.limits]\n{}\n",
            self.guest, self.limits
        ));
        std::fs::write(at.join("host.toml"), config).map_err(said)?;
        let (log, pipe) = self.log(at).map_err(said)?;
        let mut command = self.command(at)?;
        command.stderr(log).stdin(Stdio::null());
        command.stdout(Stdio::null());
        let child = command.spawn().map_err(said)?;
        // The command holds its end of the pipe, too.
        drop(command);
        let mut process = Process {
            child,
            address: port,
            log: at.join("log"),
            pipe,
            _folder: folder,
        };
        process.wait_until_it_listens()?;
        Ok(process)
    }

    fn log(&self, at: &Path) -> io::Result<(Stdio, Option<PipeReader>)> {
        Ok(match self.log {
            Log::Kept => (File::create(at.join("log"))?.into(), None),
            Log::Full => (File::options().write(true).open("/dev/full")?.into(), None),
            Log::Closed => (io::pipe()?.1.into(), None),
            Log::Unread => {
                let (reader, writer) = io::pipe()?;
                (writer.into(), Some(reader))
            }
        })
    }

    /// A shell sets the limit of files, and is the program from then on: signals reach it.
    fn command(&self, at: &Path) -> Result<Command, String> {
        let mut words = self.wrapper.clone();
        let program = program("reference-backend")?;
        words.push(program.display().to_string());
        words.extend(["serve", "--config", "host.toml"].map(str::to_owned));
        let limit = self
            .files
            .map_or_else(String::new, |files| format!("ulimit -n {files}; "));
        let mut command = Command::new("sh");
        command
            .arg("-c")
            .arg(format!("{limit}exec \"$@\""))
            .arg("sh")
            .args(words)
            .current_dir(at)
            .env("RUST_LOG", self.verbosity)
            .envs(self.environment.iter().map(|(key, value)| (key, value)));
        Ok(command)
    }
}

/// A program of the release build.
pub fn program(name: &str) -> Result<PathBuf, String> {
    let this = std::env::current_exe().map_err(|error| error.to_string())?;
    let found = this
        .parent()
        .map(|release| release.join(name))
        .filter(|path| path.is_file());
    found.ok_or_else(|| {
        format!("no {name} beside this program: run `cargo build --release --workspace` first")
    })
}

fn free_port() -> io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}

/// The program under way. It ends with this.
pub struct Process {
    child: Child,
    pub address: SocketAddr,
    log: PathBuf,
    pipe: Option<PipeReader>,
    _folder: TempDir,
}

impl Process {
    fn wait_until_it_listens(&mut self) -> Result<(), String> {
        let listens = self.until(START_LIMIT, |process| {
            TcpStream::connect(process.address).is_ok()
        });
        if listens {
            return Ok(());
        }
        Err(format!("the host does not listen: {}", self.said()))
    }

    /// Waits until so, for as long as the program is there, and the limit allows.
    pub fn until(&mut self, limit: Duration, mut so: impl FnMut(&mut Self) -> bool) -> bool {
        let began = Instant::now();
        loop {
            if so(self) {
                return true;
            }
            if began.elapsed() > limit || self.ended().is_some() {
                return false;
            }
            std::thread::sleep(LOOK);
        }
    }

    pub fn connect(&self) -> io::Result<TcpStream> {
        let stream = TcpStream::connect(self.address)?;
        stream.set_nodelay(true)?;
        // What does not come in this time does not come.
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        Ok(stream)
    }

    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    pub fn signal(&self, name: &str) -> Result<(), String> {
        let status = Command::new("kill")
            .arg(format!("-{name}"))
            .arg(self.child.id().to_string())
            .status();
        match status {
            Ok(status) if status.success() => Ok(()),
            other => Err(format!("kill -{name}: {other:?}")),
        }
    }

    /// How long a stop takes, and how it ends.
    pub fn stop(&mut self, signal: &str) -> Result<Duration, String> {
        let began = Instant::now();
        self.signal(signal)?;
        if !self.until(STOP_LIMIT, |process| process.ended().is_some()) {
            return Err(format!(
                "{signal} does not stop it within {STOP_LIMIT:.0?}: {}",
                self.said()
            ));
        }
        match self.ended().and_then(|status| status.code()) {
            Some(0) => Ok(began.elapsed()),
            code => Err(format!("{signal} ends it with {code:?}: {}", self.said())),
        }
    }

    /// Open files.
    pub fn files(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).map_or(0, Iterator::count)
    }

    /// What each of them is.
    pub fn open_files(&self) -> Vec<String> {
        let folder = std::fs::read_dir(format!("/proc/{}/fd", self.child.id()));
        let links = folder.into_iter().flatten().flatten();
        links
            .filter_map(|entry| std::fs::read_link(entry.path()).ok())
            .map(|target| target.display().to_string())
            .collect()
    }

    /// Bytes of memory in use.
    pub fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let kib = status.ok().and_then(|status| {
            let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
            line.split_whitespace().nth(1)?.parse::<u64>().ok()
        });
        kib.unwrap_or(0) * 1024
    }

    /// What the pipe that nobody has read holds; what comes later is awaited until the program ends.
    pub fn read_pipe(&mut self) -> Option<std::thread::JoinHandle<String>> {
        let mut pipe = self.pipe.take()?;
        Some(std::thread::spawn(move || {
            let mut bytes = Vec::new();
            // What was read before an error is what there is.
            let _ = pipe.read_to_end(&mut bytes);
            String::from_utf8_lossy(&bytes).into_owned()
        }))
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The last lines of the log.
    fn said(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().rev().take(3).collect();
        if lines.is_empty() {
            "its log is empty".to_owned()
        } else {
            lines.into_iter().rev().collect::<Vec<_>>().join(" / ")
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It is there until it is waited for, and both work then.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
