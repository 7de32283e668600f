//! A host of one's own as a library judges it: the reference, on TCP, started by this process without an adapter.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use reference_backend::{
    Capability, CpuMeter, GuestComponent, GuestEngine, Host, HostConfig, HostEvent, Instances,
    Observer, PluginConfig,
};
use tokio::net::TcpListener;
use vbspec::verdict::VerdictKind;
use vbspec::{
    About, Error, Feature, HostLog, HostSetup, HostUnderTest, NotStarted, PluginSetup, RunningHost,
};

/// A proxy, as far as this test is concerned.
struct Proxy {
    engine: GuestEngine,
    /// Each component is compiled once.
    compiled: Mutex<Vec<(Bytes, GuestComponent)>>,
}

impl Proxy {
    fn new() -> Self {
        Self {
            engine: GuestEngine::new(CpuMeter::Epoch).expect("this machine runs guests"),
            compiled: Mutex::default(),
        }
    }

    fn component(&self, plugin: &PluginSetup) -> Result<GuestComponent, String> {
        let mut compiled = self.compiled.lock().expect("no test panicked");
        let known = compiled
            .iter()
            .find(|(bytes, _)| *bytes == plugin.component);
        if let Some((_, component)) = known {
            return Ok(component.clone());
        }
        let loaded = self.engine.load(&plugin.name, &plugin.component);
        let component = loaded.map_err(|error| error.to_string())?;
        compiled.push((plugin.component.clone(), component.clone()));
        Ok(component)
    }
}

fn capabilities(names: &[String]) -> Result<Vec<Capability>, String> {
    let parsed = names.iter().map(|name| name.parse::<Capability>());
    parsed
        .collect::<Result<_, _>>()
        .map_err(|error| error.to_string())
}

fn table(plugin: &PluginSetup) -> Result<PluginConfig, String> {
    Ok(PluginConfig {
        permissions: capabilities(&plugin.permissions)?,
        deny: capabilities(&plugin.deny)?,
        config: plugin.config.clone(),
        instances: match plugin.per_session {
            true => Instances::PerSession,
            false => Instances::Shared,
        },
        ..PluginConfig::default()
    })
}

/// What the host tells, for the case.
struct Tells(HostLog);

impl Observer for Tells {
    fn on_event(&self, event: HostEvent) {
        match event {
            HostEvent::GuestLog {
                plugin,
                level,
                message,
            } => self.0.line(&plugin, level, &message),
            HostEvent::GuestLogDropped { plugin, lines } => self.0.dropped(&plugin, lines),
            HostEvent::Denied { reason, .. } => self.0.denied(None, &reason.to_string()),
            _ => {}
        }
    }
}

struct Running {
    host: Host,
    address: SocketAddr,
}

impl HostUnderTest for Proxy {
    type Running = Running;

    fn about(&self) -> About {
        About::new("proxy", "0.1", [47, 340, 767]).offering([
            Feature::TwoPlugins,
            Feature::Restart,
            Feature::PerSession,
            Feature::Reconfigure,
        ])
    }

    async fn start(&self, setup: HostSetup, log: HostLog) -> Result<Running, NotStarted> {
        let mut builder = Host::builder(HostConfig::default())
            .observer(Arc::new(Tells(log)))
            .same_ids();
        for plugin in &setup.plugins {
            let component = self.component(plugin)?;
            builder = builder.guest(plugin.name.clone(), component, table(plugin)?);
        }
        let host = builder.start().await.map_err(|error| error.to_string())?;
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.map_err(|error| NotStarted::Failed(error.to_string()))?;
        let address = listener.local_addr().expect("it is bound");
        let serving = host.clone();
        // It ends with the case's runtime.
        tokio::spawn(async move { serving.serve(listener).await });
        Ok(Running { host, address })
    }
}

impl RunningHost for Running {
    fn address(&self) -> SocketAddr {
        self.address
    }

    async fn stop(&self, reason: &str) {
        self.host.shutdown(reason).await;
    }

    async fn reconfigure(
        &self,
        plugin: &str,
        config: BTreeMap<String, String>,
    ) -> Result<(), String> {
        let set = self.host.set_plugin_table(plugin, config);
        set.map(drop).map_err(|error| error.to_string())
    }
}

/// Cases of the bridge and of enforcement that wait for no limit of seconds.
const CASES: [&str; 7] = [
    "login-reaches-the-guest",
    "a-batch-goes-whole-or-not-at-all",
    "text-is-encoded-for-the-protocol",
    "bad-components-are-errors",
    "capability-is-needed-to-start",
    "foreign-handler-id-denies",
    "quotas-answer-errors",
];

#[test]
fn a_host_of_ones_own_is_judged_over_tcp() {
    let judgement = vbspec::judge_host(Proxy::new())
        .protocols([47, 340, 767])
        .cases(CASES)
        .allow_flaky()
        .run()
        .unwrap();
    judgement.assert_conforming();
    assert_eq!(judgement.name(), "proxy 0.1");
    assert_eq!(judgement.protocols(), [47, 340, 767]);
    let passed = judgement.count(VerdictKind::Pass);
    let flaky = judgement.count(VerdictKind::Flaky);
    let skipped = judgement.count(VerdictKind::Skip);
    assert!(passed > 10, "{judgement}");
    assert_eq!(
        passed + flaky + skipped,
        judgement.verdicts().count(),
        "{judgement}"
    );
    assert_eq!(judgement.nowhere(), ["quotas-answer-errors"]);
    let reason = judgement
        .verdicts()
        .find_map(|finished| finished.verdict.reason.as_deref());
    let no_limits = "this host does not offer limits of a plugin that can be set";
    assert_eq!(reason, Some(no_limits));
}

/// It listens where it says, for nobody: the port is given back at once.
struct Deaf;

struct DeafRunning(SocketAddr);

impl HostUnderTest for Deaf {
    type Running = DeafRunning;

    fn about(&self) -> About {
        About::new("deaf", "1", [767])
    }

    async fn start(&self, _setup: HostSetup, _log: HostLog) -> Result<DeafRunning, NotStarted> {
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let address = listener.and_then(|listener| listener.local_addr());
        address
            .map(DeafRunning)
            .map_err(|error| NotStarted::Failed(error.to_string()))
    }
}

impl RunningHost for DeafRunning {
    fn address(&self) -> SocketAddr {
        self.0
    }

    async fn stop(&self, _reason: &str) {}
}

#[test]
fn where_nobody_listens_the_run_ends_and_says_so() {
    let judged = vbspec::judge_host(Deaf).cases("BRG-04").run();
    let Err(Error::Stopped { name, why }) = judged else {
        panic!("it is stopped: {judged:?}");
    };
    assert_eq!(name, "deaf 1");
    let begins = "the host has started, but nobody listens at its address 127.0.0.1:";
    assert!(why.starts_with(begins), "{why}");
}

/// It wants no plugin at all.
struct Refuses;

impl HostUnderTest for Refuses {
    type Running = DeafRunning;

    fn about(&self) -> About {
        About::new("refuses", "1", [767])
    }

    async fn start(&self, _setup: HostSetup, _log: HostLog) -> Result<DeafRunning, NotStarted> {
        Err("no plugins here".into())
    }
}

#[test]
fn a_host_that_refuses_is_no_conforming_one_and_how_to_repeat_it_is_said() {
    let judged = vbspec::judge_host(Refuses).cases("BRG-04").seed(7).run();
    let judgement = judged.unwrap();
    assert!(!judgement.is_conforming());
    let text = judgement.to_string();
    assert!(text.contains("no plugins here"), "{text}");
    let repeat = "repeat   judge_host(..).protocols(767).cases(";
    assert!(text.contains(repeat) && text.contains(".seed(7)"), "{text}");
}
