//! A guest on hosts of another program.

use std::rc::Rc;
use std::sync::{Arc, Mutex};

use reference_backend::{HostConfig, PluginConfig};
use sim_proto::{Event, Received};
use tempfile::TempDir;
use vb_data::State;

use super::door::{AdapterDoor, skipped};
use super::lock;
use super::pool::Pool;
use crate::case::Job;
use crate::lab::clock::{Clock, Origin};
use crate::lab::door::{Component, Door as _, Need, Plan};
use crate::lab::guest::{Guest, GuestLab};
use crate::lab::judge;
use crate::lab::player::JOIN_LIMIT;
use crate::lab::recorder::Recorder;
use crate::rng::Rng;
use crate::subject::Refusal;
use crate::subject::guest::read_component;
use crate::subject::options::GuestOptions;
use crate::verdict::{Judged, Stop};

/// On how many protocols a client is sent to see whether anybody can come in.
const SCOUTS: usize = 3;

/// How many lines of the host's log are told when none does.
const LOG_LINES: usize = 3;

/// A guest, and an adapter whose hosts run it.
pub struct AdapterGuest {
    pool: Arc<Pool>,
    bytes: Component,
    options: GuestOptions,
    /// Whether cases that take minutes are judged too.
    long: bool,
    /// Data folders of its hosts, which are removed with it.
    folders: Arc<Mutex<Vec<TempDir>>>,
}

impl AdapterGuest {
    /// Reads the guest, starts the adapter and sends a client in.
    ///
    /// # Errors
    /// When the guest cannot be read, when the adapter is of no use, and when nobody comes in.
    pub fn start(options: GuestOptions, command: &str, long: bool) -> Result<Self, Refusal> {
        let bytes = read_component(options.file(), &options.plugin_name())?;
        let pool = Pool::start(command).map_err(Refusal::Adapter)?;
        let guest = Self {
            pool: Arc::new(pool),
            bytes: bytes.into(),
            options,
            long,
            folders: Arc::default(),
        };
        guest.scout()?;
        Ok(guest)
    }

    /// What reports call it.
    #[must_use]
    pub fn name(&self) -> String {
        let hello = &self.pool.hello;
        format!(
            "{} on {} {}",
            self.options.file(),
            hello.name,
            hello.version
        )
    }

    /// Whether its hosts take clients of this protocol.
    #[must_use]
    pub fn serves(&self, protocol: i32) -> bool {
        self.pool.hello.protocols.contains(&protocol)
    }

    /// Why the run cannot go on, if it cannot.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        self.pool.failure()
    }

    /// Judges one job: the case's claim, on the job's protocol, in real time.
    #[must_use]
    pub fn judge(&self, job: Job<GuestLab>, seed: u64) -> Judged {
        if let Some(why) = self.door().lacks(&job.case.claim, job.protocol) {
            return skipped(why);
        }
        if job.case.takes_minutes && !self.long {
            let why = "it takes minutes where time is real; --long has it run";
            return skipped(why.to_owned());
        }
        let repeat = judge::repeat_command(&self.words(), job, seed);
        judge::judge(Clock::Real, job, repeat, |origin| {
            let recorder = Recorder::new(origin);
            let case = judge::with_guest(self.guest(), job, seed, origin, Arc::clone(&recorder));
            (recorder, case)
        })
    }

    fn words(&self) -> Vec<String> {
        let mut words = self.options.words().to_vec();
        words.extend(["--adapter".to_owned(), self.pool.command.clone()]);
        words.extend(self.long.then(|| "--long".to_owned()));
        words
    }

    fn door(&self) -> AdapterDoor {
        AdapterDoor {
            pool: Arc::clone(&self.pool),
        }
    }

    fn guest(&self) -> Guest {
        let door = self.door();
        let compression = door.offers(Need::Compression);
        let files = door.offers(Need::Files);
        let (name, bytes) = (self.options.plugin_name(), self.bytes.clone());
        let config = self.options.plugin_config();
        let folders = Arc::clone(&self.folders);
        Guest {
            name: name.clone(),
            door: Rc::new(door),
            plan: Rc::new(move || {
                let host = host_config(compression, files, &folders)?;
                Ok(plan(host, &name, &bytes, &config))
            }),
        }
    }

    /// A guest that nobody gets to would have nothing judged, and everything be well.
    fn scout(&self) -> Result<(), Refusal> {
        let mut served = vb_data::supported().to_vec();
        served.retain(|protocol| self.serves(*protocol));
        let (Some(oldest), Some(newest)) = (served.first(), served.last()) else {
            let why = "the adapter declares no protocol that vbspec knows; `vbspec list --protocols` has them";
            return Err(Refusal::Adapter(why.to_owned()));
        };
        let middle = served.get(served.len() / 2).unwrap_or(newest);
        let mut scouts = vec![*newest, *middle, *oldest];
        scouts.dedup();
        let mut told = String::new();
        for protocol in scouts.into_iter().take(SCOUTS) {
            match Clock::Real
                .run(self.send_in(protocol))
                .map_err(Refusal::Runtime)?
            {
                Ok(()) => return Ok(()),
                Err(why) if told.is_empty() => told = format!("on protocol {protocol}, {why}"),
                Err(_) => told.push_str(&format!("; nor on {protocol}")),
            }
        }
        if let Some(why) = self.failure() {
            return Err(Refusal::Adapter(why));
        }
        Err(Refusal::NobodyComesIn {
            plugin: self.options.plugin_name(),
            told,
        })
    }

    /// Whether a client of this protocol gets to the guest; what became of it if not.
    async fn send_in(&self, protocol: i32) -> Result<(), String> {
        let origin = Origin::now();
        let recorder = Recorder::new(origin);
        let rng = Rng::for_purpose(0, "scout", protocol);
        let lab = GuestLab::open(self.guest(), protocol, rng, origin, Arc::clone(&recorder)).await;
        let lab = lab.map_err(|stop| match stop {
            Stop::Skip(why) | Stop::Untestable(why, _) => why,
            Stop::Broken(finding) => finding.got,
        })?;
        let mut player = lab.connect(lab.client());
        let over = |event: &Event| match event {
            Event::Received(packet) => is_of_guest(packet),
            Event::Closed(_) => true,
            _ => false,
        };
        player.until(over, lab.within(JOIN_LIMIT)).await;
        if player.closed().is_none() || player.play().any(|(_, packet)| is_of_guest(packet)) {
            return Ok(());
        }
        lab.settle().await;
        let (lines, _) = recorder.log_lines();
        let lines = lines.iter().take(LOG_LINES);
        let lines: Vec<&str> = lines.map(|line| line.text.as_str()).collect();
        Err(match lines.is_empty() {
            true => player.stands(),
            false => format!(
                "{} (the log begins: {})",
                player.stands(),
                lines.join(" / ")
            ),
        })
    }
}

/// A host itself says no more in the play state than why a client has to go.
fn is_of_guest(packet: &Received) -> bool {
    packet.state == State::Play && packet.name != "kick_disconnect"
}

/// A guest sees nothing of compression. Each host's plugins have an empty folder, where the host has any.
fn host_config(
    compression: bool,
    files: bool,
    folders: &Mutex<Vec<TempDir>>,
) -> Result<HostConfig, String> {
    let mut config = HostConfig::default();
    if compression {
        config.compression_threshold = -1;
    }
    if files {
        let folder = tempfile::tempdir().map_err(|error| Refusal::Folder(error).to_string())?;
        config.data_dir = Some(folder.path().to_owned());
        lock(folders).push(folder);
    }
    Ok(config)
}

fn plan(host: HostConfig, name: &str, bytes: &Component, config: &PluginConfig) -> Plan {
    Plan::new(host).guest(name, bytes.clone(), config.clone())
}
