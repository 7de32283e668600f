//! A guest on hosts outside.

use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use reference_backend::HostConfig;
use sim_proto::{Event, Received};
use tempfile::TempDir;
use vb_data::State;

use super::HostUnderTest;
use super::door::{OutsideSubject, skipped};
use crate::case::Job;
use crate::judge::{Judge, RealTime};
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

/// How many lines of the host's log are told when none does.
const LOG_LINES: usize = 3;

/// A guest on hosts outside.
pub struct OutsideGuest<H> {
    hosts: OutsideSubject<H>,
    bytes: Component,
    options: GuestOptions,
    /// Whether cases that take minutes are judged too.
    long: bool,
    /// Data folders of its hosts, which are removed with it.
    folders: Arc<Mutex<Vec<TempDir>>>,
}

impl<H: HostUnderTest> OutsideGuest<H> {
    /// Reads the guest and sends a client in.
    ///
    /// # Errors
    /// When the guest cannot be read, when its hosts are of no use, and when nobody comes in.
    pub fn start(
        options: GuestOptions,
        hosts: OutsideSubject<H>,
        long: bool,
    ) -> Result<Self, Refusal> {
        let bytes = read_component(options.file(), &options.plugin_name())?;
        let guest = Self {
            hosts,
            bytes: bytes.into(),
            options,
            long,
            folders: Arc::default(),
        };
        guest.scout()?;
        Ok(guest)
    }

    /// Judges one job: the case's claim, on the job's protocol, in real time. `repeat` is what repeats it.
    fn judge_repeatably(&self, job: Job<GuestLab>, seed: u64, repeat: String) -> Judged {
        if let Some(why) = self.hosts.lacks(&job.case.claim, job.protocol) {
            return skipped(why);
        }
        if job.case.takes_minutes && !self.long {
            let why = "it takes minutes where time is real; --long has it run";
            return skipped(why.to_owned());
        }
        judge::judge(Clock::Real, job, repeat, |origin| {
            let recorder = Recorder::new(origin);
            let case = judge::with_guest(self.guest(), job, seed, origin, Arc::clone(&recorder));
            (recorder, case)
        })
    }

    fn guest(&self) -> Guest {
        let door = self.hosts.door();
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
                Ok(Plan::new(host).guest(&name, bytes.clone(), config.clone()))
            }),
        }
    }

    /// A guest that nobody gets to would have nothing judged, and everything be well.
    fn scout(&self) -> Result<(), Refusal> {
        let served = vb_data::supported().iter().rev().copied();
        // A guest may be for one protocol only, and refuse all others.
        let mut told = None;
        let mut tried = 0;
        for protocol in served.filter(|protocol| self.hosts.serves(*protocol)) {
            let sent = Clock::Real.run(self.send_in(protocol, told.is_none()));
            let sent = sent.map_err(Refusal::Runtime)?;
            if let Some(why) = self.hosts.failure() {
                return Err(Refusal::Adapter(why));
            }
            match sent? {
                None => return Ok(()),
                Some(why) => told = told.or(Some(format!("on protocol {protocol}, {why}"))),
            }
            tried += 1;
        }
        let Some(first) = told else {
            let why =
                "the host takes no protocol that vbspec knows; `vbspec list --protocols` has them";
            return Err(Refusal::Adapter(why.to_owned()));
        };
        let others = match tried {
            1 => String::new(),
            _ => format!("; nor on {} others", tried - 1),
        };
        Err(Refusal::NobodyComesIn {
            plugin: self.options.plugin_name(),
            told: format!("{first}{others}"),
        })
    }

    /// What became of a client of this protocol that did not get to the guest, and what its host has logged where that is to
    /// be told.
    async fn send_in(&self, protocol: i32, with_log: bool) -> Result<Option<String>, Refusal> {
        let origin = Origin::now();
        let recorder = Recorder::new(origin);
        let rng = Rng::for_purpose(0, "scout", protocol);
        let lab = GuestLab::open(self.guest(), protocol, rng, origin, Arc::clone(&recorder)).await;
        let lab = lab.map_err(|stop| match stop {
            Stop::Skip(why) | Stop::Untestable(why, _) => Refusal::Lab(why),
            Stop::Broken(finding) => Refusal::Lab(finding.got),
        })?;
        let mut player = lab.connect(lab.client());
        let over = |event: &Event| match event {
            Event::Received(packet) => is_of_guest(packet),
            Event::Closed(_) => true,
            _ => false,
        };
        player.until(over, lab.within(JOIN_LIMIT)).await;
        if player.closed().is_none() || player.play().any(|(_, packet)| is_of_guest(packet)) {
            return Ok(None);
        }
        if with_log {
            lab.settle().await;
        }
        let (lines, _) = recorder.log_lines();
        let lines = lines.iter().take(LOG_LINES);
        let lines: Vec<&str> = lines.map(|line| line.text.as_str()).collect();
        Ok(Some(match lines.is_empty() {
            true => player.stands(),
            false => format!(
                "{} (the log begins: {})",
                player.stands(),
                lines.join(" / ")
            ),
        }))
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
        let mut folders = folders.lock().unwrap_or_else(PoisonError::into_inner);
        folders.push(folder);
    }
    Ok(config)
}

/// A guest on hosts outside, with what else a run is told.
pub struct GuestOutside<H> {
    pub guest: OutsideGuest<H>,
    /// The words that name the hosts on a command line.
    pub words: Vec<String>,
    pub seed: u64,
    pub allow_flaky: bool,
}

impl<H: HostUnderTest> Judge for GuestOutside<H> {
    type Lab = GuestLab;

    fn name(&self) -> String {
        let (file, host) = (self.guest.options.file(), self.guest.hosts.name());
        format!("{file} on {host}")
    }

    fn serves(&self, protocol: i32) -> bool {
        self.guest.hosts.serves(protocol)
    }

    fn judge(&self, job: Job<GuestLab>) -> Judged {
        let words = [self.guest.options.words(), &self.words].concat();
        let repeat = judge::repeat_command(&words, job, self.seed);
        self.guest.judge_repeatably(job, self.seed, repeat)
    }

    fn real_time(&self) -> Option<RealTime> {
        Some(RealTime {
            allow_flaky: self.allow_flaky,
        })
    }

    fn stopped(&self) -> Option<String> {
        self.guest.hosts.failure()
    }
}
