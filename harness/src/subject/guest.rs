//! A guest as subject: the reference host runs it, simulated clients visit it.

use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use reference_backend::{
    CpuMeter, FileError, GuestComponent, GuestEngine, HostConfig, HostEvent, Limits, LoadError,
    Names, PlayersConfig, PluginState, StartError, read_file,
};
use sim_proto::Event;
use tempfile::TempDir;
use vb_data::State;

use super::Refusal;
use super::in_process::InProcess;
use super::options::GuestOptions;
use crate::case::Job;
use crate::lab::clock::{Clock, Origin, in_virtual_time};
use crate::lab::door::{Component, Plan};
use crate::lab::guest::{Guest, GuestLab};
use crate::lab::judge;
use crate::lab::player::JOIN_LIMIT;
use crate::lab::recorder::Recorder;
use crate::rng::Rng;
use crate::verdict::{Judged, Stop};

/// A guest that is loaded and has been seen to start. Cheap to clone; clones share the compiled code.
#[derive(Clone)]
pub struct GuestSubject {
    options: GuestOptions,
    bytes: Component,
    component: GuestComponent,
    door: InProcess,
    name: String,
    /// Of what its hosts tell it of chance.
    seed: u64,
    folders: DataFolders,
}

/// The bytes of a component; `plugin` is for messages. What is no file, or larger than the host takes, is not read.
///
/// # Errors
/// [`Refusal::Unreadable`], or that it is too large.
pub fn read_component(path: &str, plugin: &str) -> Result<Vec<u8>, Refusal> {
    let limit = Limits::default().component_bytes;
    read_file(path.as_ref(), limit).map_err(|error| match error {
        FileError::TooBig { size, limit } => Refusal::Load(LoadError::TooBig {
            name: plugin.to_owned(),
            size,
            limit,
        }),
        error => Refusal::Unreadable {
            path: path.to_owned(),
            error: error.into(),
        },
    })
}

/// The data folders of a run's hosts, which are removed with it.
type DataFolders = Arc<Mutex<Vec<TempDir>>>;

impl GuestSubject {
    /// Reads, checks and compiles the guest, and starts it once.
    ///
    /// # Errors
    /// When it does not start; the message says why.
    pub fn start(options: GuestOptions) -> Result<Self, Refusal> {
        let bytes = read_component(&options.file, &options.plugin_name())?;
        Self::from_bytes(options, &bytes)
    }

    /// The same for a component in memory.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn from_bytes(options: GuestOptions, bytes: &[u8]) -> Result<Self, Refusal> {
        let subject = Self::unstarted(options, bytes)?;
        in_virtual_time(subject.seeded(0).try_start()).map_err(Refusal::Runtime)??;
        Ok(subject)
    }

    /// The same without a start to see: for guests that are known to be broken, perhaps in their start.
    ///
    /// # Errors
    /// When it is no guest.
    pub fn unstarted(options: GuestOptions, bytes: &[u8]) -> Result<Self, Refusal> {
        let name = options.plugin_name();
        let engine = GuestEngine::new(CpuMeter::Fuel)?;
        let component = engine.load(&name, bytes)?;
        if !component.has_handler() {
            return Err(Refusal::NoHandler(name));
        }
        Ok(Self::of(options, engine, bytes, component))
    }

    fn of(
        options: GuestOptions,
        engine: GuestEngine,
        bytes: &[u8],
        component: GuestComponent,
    ) -> Self {
        let bytes = Component::from(bytes.to_vec());
        Self {
            name: options.plugin_name(),
            options,
            door: InProcess::new(engine).knowing(bytes.clone(), component.clone()),
            bytes,
            component,
            seed: 0,
            folders: DataFolders::default(),
        }
    }

    /// The same component with other options.
    #[cfg(feature = "selftest")]
    #[must_use]
    pub fn with_options(&self, options: GuestOptions) -> Self {
        Self {
            options,
            ..self.clone()
        }
    }

    /// The compiled guest, for a host of another kind.
    #[must_use]
    pub fn component(&self) -> &GuestComponent {
        &self.component
    }

    /// Judges one job: the case's claim, on the job's protocol.
    #[must_use]
    pub fn judge(&self, job: Job<GuestLab>, seed: u64) -> Judged {
        let repeat = judge::repeat_command(&self.options.words, job, seed);
        judge::judge(Clock::Virtual, job, repeat, |origin| {
            let recorder = Recorder::new(origin);
            let guest = self.seeded(seed).guest();
            let case = judge::with_guest(guest, job, seed, origin, Arc::clone(&recorder));
            (recorder, case)
        })
    }

    /// Whether the guest refuses clients of this protocol in words, as VB-JOIN-15 lets it. Who breaks in another way does
    /// not refuse.
    #[must_use]
    pub fn refuses(&self, protocol: i32, seed: u64) -> bool {
        let refused = self.in_lab(protocol, seed, async |lab| {
            let mark = lab.recorder.mark();
            let mut player = lab.connect(lab.client());
            let told = |event: &Event| match event {
                Event::Received(packet) => packet.state == State::Play && packet.name == "login",
                Event::Closed(_) => true,
                _ => false,
            };
            player.until(told, JOIN_LIMIT).await;
            player.came("login").is_none() && matches!(lab.not_joined(&player, mark), Stop::Skip(_))
        });
        refused.unwrap_or(false)
    }

    /// Does something of the caller's own with a host that runs the guest, in virtual time.
    ///
    /// # Errors
    /// When the host does not start.
    pub fn in_lab<T>(
        &self,
        protocol: i32,
        seed: u64,
        run: impl AsyncFnOnce(&GuestLab) -> T,
    ) -> Result<T, Refusal> {
        let lab = async {
            let origin = Origin::now();
            let recorder = Recorder::new(origin);
            let guest = self.seeded(seed).guest();
            let rng = Rng::for_purpose(seed, "lab", protocol);
            let lab = GuestLab::open(guest, protocol, rng, origin, recorder).await;
            let lab = lab.map_err(|stop| match stop {
                Stop::Skip(why) | Stop::Untestable(why, _) => Refusal::Lab(why),
                Stop::Broken(finding) => Refusal::Lab(finding.got),
            })?;
            Ok(run(&lab).await)
        };
        in_virtual_time(lab).map_err(Refusal::Runtime)?
    }

    fn seeded(&self, seed: u64) -> Self {
        Self {
            seed,
            folders: DataFolders::default(),
            ..self.clone()
        }
    }

    /// What a case's lab works with.
    fn guest(self) -> Guest {
        let door = self.door.clone().seeded(self.seed);
        let name = self.name.clone();
        Guest {
            name,
            door: Rc::new(door),
            plan: Rc::new(move || self.plan().map_err(|refusal| refusal.to_string())),
        }
    }

    /// A host that runs the guest and nothing else.
    fn plan(&self) -> Result<Plan, Refusal> {
        let config = self.options.plugin_config();
        Ok(Plan::new(self.host_config()?).guest(&self.name, self.bytes.clone(), config))
    }

    async fn try_start(&self) -> Result<(), Refusal> {
        let recorder = Recorder::new(Origin::now());
        let builder = reference_backend::Host::builder(self.host_config()?)
            .guest(
                self.name.clone(),
                self.component.clone(),
                self.options.plugin_config(),
            )
            .observer(Arc::clone(&recorder) as _);
        let _host = builder.start().await.map_err(|error| match error {
            StartError::MissingCapability(missing) => {
                let denied = self.options.deny.contains(&missing.capability);
                Refusal::Capability { missing, denied }
            }
            error => Refusal::Start(error),
        })?;
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

    /// A guest sees nothing of compression, and it would take a third of the time. Who asks for a data folder has an
    /// empty one in each host, so that no run finds what another has left.
    fn host_config(&self) -> Result<HostConfig, Refusal> {
        let mut data_dir = None;
        if self.component.wants_folder() {
            let folder = tempfile::tempdir().map_err(Refusal::Folder)?;
            data_dir = Some(folder.path().to_owned());
            let mut folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
            folders.push(folder);
        }
        Ok(HostConfig {
            compression_threshold: -1,
            // What a guest does with names that a host lets in only when it is told to is for it to show.
            players: PlayersConfig {
                names: Names::Any,
                ..PlayersConfig::default()
            },
            data_dir,
            ..HostConfig::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::carried::FILES;

    fn subject(script: &str) -> GuestSubject {
        let line = format!("do={script}");
        let options = GuestOptions::new("files.wasm", &[line], &[], &[]).unwrap();
        let engine = GuestEngine::new(CpuMeter::Fuel).unwrap();
        let component = engine.load("files", FILES).unwrap();
        GuestSubject::of(options, engine, FILES, component)
    }

    #[test]
    fn each_host_lends_an_empty_data_folder() {
        let subject = subject("open 0 a create exclusive write");
        for _ in 0..2 {
            let lines = subject
                .in_lab(770, 1, async |lab| {
                    let _another = lab.another_host().await;
                    lab.recorder.guest_log("files")
                })
                .unwrap();
            let lines: Vec<String> = lines.into_iter().map(|(_, line)| line).collect();
            assert_eq!(lines, ["open 0 a create exclusive write: ok 1"; 2]);
        }
    }

    #[test]
    fn data_folders_are_removed_with_the_run() {
        let run = subject("").seeded(1);
        let folder = run.host_config().unwrap().data_dir.unwrap();
        assert!(folder.exists());
        drop(run);
        assert!(!folder.exists());
    }
}
