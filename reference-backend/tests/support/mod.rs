//! What the tests of the host share: engines, guests, an observer that remembers, and clients in memory.
#![allow(dead_code)]

pub mod component;
pub mod misbehave;
pub mod raw;
pub mod wat;
pub mod worst;

use reference_backend::{
    Capability, CpuMeter, GuestComponent, GuestEngine, Host, HostBuilder, HostConfig, HostEvent,
    Observer, PluginConfig,
};
use sim_client::Driver;
use sim_proto::ClientConfig;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::DuplexStream;
use tokio::sync::Notify;

/// Longer than anything that is waited for: a test that gets here hangs, in virtual time.
pub const LONG: Duration = Duration::from_secs(600);

/// One engine for all tests of a file; compiling is what costs.
pub static ENGINE: LazyLock<GuestEngine> =
    LazyLock::new(|| GuestEngine::new(CpuMeter::Fuel).expect("wasmtime runs here"));

/// A committed guest, compiled once for all tests of a file.
pub fn artifact(name: &str) -> GuestComponent {
    static LOADED: Mutex<BTreeMap<String, GuestComponent>> = Mutex::new(BTreeMap::new());
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    loaded
        .entry(name.to_owned())
        .or_insert_with(|| load_artifact(name))
        .clone()
}

fn load_artifact(name: &str) -> GuestComponent {
    let path = format!(
        "{}/../fixtures/artifacts/{name}.wasm",
        env!("CARGO_MANIFEST_DIR")
    );
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    ENGINE
        .load(name, &bytes)
        .unwrap_or_else(|error| panic!("{error}"))
}

/// The baseline and `virtual-backend`.
pub fn granted() -> PluginConfig {
    PluginConfig::with_permissions(&[Capability::VirtualBackend])
}

/// A host that does not compress, so that a client in bytes need not either.
pub fn builder() -> HostBuilder {
    Host::builder(HostConfig {
        compression_threshold: -1,
        ..HostConfig::default()
    })
}

/// The probe on a host of its own, which can be told what to do.
pub struct Probe {
    pub host: Host,
    pub recorder: Arc<Recorder>,
    results: Mutex<usize>,
}

impl Probe {
    /// With the probe's own settings.
    pub async fn start(settings: &[(&str, &str)]) -> Self {
        Self::with(settings, |_| {}).await
    }

    /// With changes to the plugin's configuration.
    pub async fn with(settings: &[(&str, &str)], change: impl FnOnce(&mut PluginConfig)) -> Self {
        let recorder = Recorder::new();
        let host = builder()
            .guest("probe", artifact("probe"), probe_config(settings, change))
            .observer(recorder.clone())
            .start()
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        Self {
            host,
            recorder,
            results: Mutex::default(),
        }
    }

    /// Sends a command and answers its result, without the word `result` and the command's name.
    pub async fn tell(&self, client: &mut raw::RawClient, command: &str) -> String {
        client.command(command).await;
        self.result().await
    }

    /// The result of the command that was sent first of those whose result was not asked for.
    pub async fn result(&self) -> String {
        let nth = {
            let mut results = self.results.lock().expect("no test panicked");
            *results += 1;
            *results
        };
        let is_result = |event: &HostEvent| matches!(event, HostEvent::GuestLog { message, .. } if message.starts_with("result "));
        match self.recorder.wait_for_nth(nth, is_result).await {
            HostEvent::GuestLog { message, .. } => {
                message.splitn(3, ' ').nth(2).unwrap_or_default().to_owned()
            }
            _ => unreachable!(),
        }
    }

    /// Waits for a line of the guest.
    pub async fn line(&self, accept: impl Fn(&str) -> bool) -> String {
        let event = self
            .recorder
            .wait_for(
                |event| matches!(event, HostEvent::GuestLog { message, .. } if accept(message)),
            )
            .await;
        match event {
            HostEvent::GuestLog { message, .. } => message,
            _ => unreachable!(),
        }
    }

    pub fn lines(&self, start: &str) -> usize {
        self.recorder
            .lines()
            .iter()
            .filter(|line| line.starts_with(start))
            .count()
    }
}

pub fn probe_config(
    settings: &[(&str, &str)],
    change: impl FnOnce(&mut PluginConfig),
) -> PluginConfig {
    let mut config = granted();
    for (key, value) in settings {
        config.config.insert((*key).to_owned(), (*value).to_owned());
    }
    change(&mut config);
    config
}

pub fn peer() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], 4711))
}

/// A vanilla client on a connection in memory.
pub fn client(host: &Host, protocol: i32, name: &str) -> Driver<DuplexStream> {
    Driver::new(host.connect(peer()), ClientConfig::new(protocol, name))
}

/// Remembers everything that the host tells.
#[derive(Default)]
pub struct Recorder {
    events: Mutex<Vec<HostEvent>>,
    more: Notify,
}

impl Recorder {
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    pub fn events(&self) -> Vec<HostEvent> {
        self.events.lock().expect("no test panicked").clone()
    }

    pub fn count(&self, mut accept: impl FnMut(&HostEvent) -> bool) -> usize {
        self.events
            .lock()
            .expect("no test panicked")
            .iter()
            .filter(|event| accept(event))
            .count()
    }

    /// What guests wrote to the log, in order.
    pub fn lines(&self) -> Vec<String> {
        self.events()
            .into_iter()
            .filter_map(|event| match event {
                HostEvent::GuestLog { message, .. } => Some(message),
                _ => None,
            })
            .collect()
    }

    /// Waits for the first event, past or to come, that is accepted.
    pub async fn wait_for(&self, accept: impl FnMut(&HostEvent) -> bool) -> HostEvent {
        self.wait_for_nth(1, accept).await
    }

    /// Waits until `count` events, past or to come, are accepted; answers the last of them.
    pub async fn wait_for_nth(
        &self,
        count: usize,
        mut accept: impl FnMut(&HostEvent) -> bool,
    ) -> HostEvent {
        let wait = async {
            loop {
                let more = self.more.notified();
                if let Some(event) = self.events().into_iter().filter(&mut accept).nth(count - 1) {
                    return event;
                }
                more.await;
            }
        };
        match tokio::time::timeout(LONG, wait).await {
            Ok(event) => event,
            Err(_) => panic!("it never came; what did:\n{:#?}", self.events()),
        }
    }
}

impl Observer for Recorder {
    fn on_event(&self, event: HostEvent) {
        self.events.lock().expect("no test panicked").push(event);
        self.more.notify_waiters();
        self.more.notify_one();
    }
}
