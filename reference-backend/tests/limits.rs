//! Limits that the configuration sets, each at its edge and one past it. Those of packets, quotas, memory and size stand
//! with what they limit.

mod support;

use reference_backend::{
    BoxFuture, Callback, CpuMeter, DenyReason, EndCause, Event, EventKind, EventOutcome,
    GuestEngine, HandlerId, Host, HostConfig, HostEvent, HostLimits, Instances, ListenerId,
    NativePlugin, PlayerId, PluginConfig, PluginState, RawPacket, Registrar,
    ServerPreConnectResult, StartError, TrapKind, VirtualBackendHandler, VirtualBackendSession,
    config::limits,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use support::component;
use support::raw::RawClient;
use support::wat::{LOG, Wat};
use support::{Recorder, artifact, builder, granted, peer};
use tokio::io::AsyncReadExt;
use tokio::time::Instant;

/// Takes its time to answer and to start, and sends nothing.
#[derive(Clone, Copy, Default)]
struct Slow {
    listener: Duration,
    start: Duration,
    end: Duration,
}

impl VirtualBackendHandler for Slow {
    fn name(&self) -> &str {
        "slow"
    }

    fn on_session_start<'a>(&'a self, _: &'a dyn VirtualBackendSession) -> BoxFuture<'a, ()> {
        Box::pin(tokio::time::sleep(self.start))
    }

    fn on_packet_received<'a>(
        &'a self,
        _: &'a dyn VirtualBackendSession,
        _: &'a RawPacket,
    ) -> BoxFuture<'a, ()> {
        Box::pin(std::future::ready(()))
    }

    fn on_session_end(&self, _: PlayerId) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(self.end))
    }
}

impl NativePlugin for Slow {
    fn on_enable<'a>(&'a self, registrar: &'a mut Registrar) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            let subscribed = registrar.subscribe(EventKind::ServerPreConnect, 0);
            subscribed.map_err(|error| error.to_string())?;
            registrar
                .register_virtual_backend_handler(HandlerId(1), Arc::new(*self))
                .map_err(|error| error.to_string())
        })
    }

    fn handle_event<'a>(&'a self, _: ListenerId, _: &'a Event) -> BoxFuture<'a, EventOutcome> {
        Box::pin(async move {
            tokio::time::sleep(self.listener).await;
            EventOutcome::ServerPreConnect(ServerPreConnectResult::VirtualBackend(HandlerId(1)))
        })
    }
}

async fn host_of(slow: Slow, change: impl FnOnce(&mut PluginConfig)) -> (Host, Arc<Recorder>) {
    let mut config = granted();
    change(&mut config);
    let recorder = Recorder::new();
    let host = builder()
        .native("slow", Arc::new(slow), config)
        .observer(recorder.clone())
        .start()
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    (host, recorder)
}

const MS: Duration = Duration::from_millis(1);

fn started(event: &HostEvent) -> bool {
    matches!(event, HostEvent::SessionStarted { .. })
}

fn ended(event: &HostEvent) -> bool {
    matches!(event, HostEvent::SessionEnded { .. })
}

/// A stop that takes more than a second says for whom.
#[tokio::test(start_paused = true)]
async fn a_stop_names_those_it_waits_for() {
    for (end, told) in [(MS * 500, 0), (MS * 3_000, 1)] {
        let slow = Slow {
            end,
            ..Slow::default()
        };
        let (host, recorder) = host_of(slow, |_| {}).await;
        let _first = RawClient::join(&host, 340, "first").await;
        let _second = RawClient::join(&host, 340, "second").await;
        recorder.wait_for_nth(2, started).await;
        host.shutdown("over").await;
        let waits = recorder.count(|event| {
            let HostEvent::StopWaits {
                plugin,
                callback: Callback::SessionEnd,
                connections: 2,
            } = event
            else {
                assert!(!matches!(event, HostEvent::StopWaits { .. }), "{event:?}");
                return false;
            };
            plugin == "slow"
        });
        assert_eq!(waits, told);
    }
}

#[tokio::test(start_paused = true)]
async fn sessions_of_a_plugin() {
    let (host, recorder) = host_of(Slow::default(), |config| config.limits.sessions = 2).await;
    let first = RawClient::join(&host, 340, "first").await;
    let mut second = RawClient::join(&host, 340, "second").await;
    recorder.wait_for_nth(2, started).await;
    let told = RawClient::refusal(&host, 340, "third").await;
    assert!(told.contains("This server is full"), "{told}");
    let full = |event: &HostEvent| {
        matches!(
            event,
            HostEvent::Denied {
                reason: DenyReason::Full(2),
                ..
            }
        )
    };
    assert_eq!(recorder.count(full), 1);
    second.leave();
    recorder.wait_for(ended).await;
    tokio::time::sleep(MS).await;
    let _fourth = RawClient::join(&host, 340, "fourth").await;
    recorder.wait_for_nth(3, started).await;
    drop(first);
}

#[tokio::test(start_paused = true)]
async fn a_listeners_time() {
    for (takes, passes) in [(99, true), (101, false)] {
        let slow = Slow {
            listener: takes * MS,
            ..Slow::default()
        };
        let (host, recorder) =
            host_of(slow, |config| config.limits.listener_deadline_ms = 100).await;
        if passes {
            let _client = RawClient::join(&host, 340, "waits").await;
            recorder.wait_for(started).await;
            continue;
        }
        let begun = Instant::now();
        RawClient::refusal(&host, 340, "waits").await;
        assert_eq!(begun.elapsed(), 100 * MS);
        let denied = recorder
            .wait_for(|event| matches!(event, HostEvent::Denied { .. }))
            .await;
        assert!(
            format!("{denied:?}").contains("no answer in 100 ms"),
            "{denied:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_starts_time() {
    for (takes, passes) in [(99, true), (101, false)] {
        let slow = Slow {
            start: takes * MS,
            ..Slow::default()
        };
        let (host, recorder) = host_of(slow, |config| config.limits.start_deadline_ms = 100).await;
        let _client = RawClient::join(&host, 340, "waits").await;
        tokio::time::sleep(200 * MS).await;
        assert_eq!(recorder.count(ended), usize::from(!passes), "{takes} ms");
    }
}

/// A host that waits for its clients as long as `change` says.
async fn waiting(change: impl FnOnce(&mut HostLimits)) -> (Host, Arc<Recorder>) {
    let mut config = HostConfig {
        compression_threshold: -1,
        ..HostConfig::default()
    };
    change(&mut config.limits);
    let recorder = Recorder::new();
    let host = Host::builder(config)
        .guest("probe", artifact("probe"), granted())
        .observer(recorder.clone())
        .start()
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    (host, recorder)
}

#[tokio::test(start_paused = true)]
async fn a_silent_clients_time() {
    let (host, _) = waiting(|limits| limits.login_timeout_ms = 1_500).await;
    let mut silent = host.connect(peer());
    let begun = Instant::now();
    let mut rest = Vec::new();
    silent.read_to_end(&mut rest).await.unwrap();
    assert_eq!(begun.elapsed(), 1_500 * MS);
}

/// Each answer in the configuration phase has a time of its own, from its question on.
#[tokio::test(start_paused = true)]
async fn an_answers_time() {
    for (takes, left_out) in [
        (1_499, "the configuration's acknowledgement"),
        (1_500, "the known packs"),
    ] {
        let (host, recorder) = waiting(|limits| limits.answer_timeout_ms = 1_500).await;
        let mut client = RawClient::connect(&host, 767, "slow").await;
        client.until("select_known_packs").await;
        let mut asked = Instant::now();
        tokio::time::sleep(takes * MS).await;
        if takes < 1_500 {
            client.send_named("select_known_packs", &[0]).await;
            client.until("finish_configuration").await;
            asked = Instant::now();
        }
        while client.next().await.is_some() {}
        assert_eq!(asked.elapsed(), 1_500 * MS);
        client.leave();
        let closed = |event: &HostEvent| matches!(event, HostEvent::Closed { .. });
        let HostEvent::Closed { cause, .. } = recorder.wait_for(closed).await else {
            unreachable!()
        };
        let text = format!("the client did not answer in time: waited for {left_out}");
        assert_eq!(cause, EndCause::ClientTimedOut(text));
        assert_eq!(recorder.count(started), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_deaf_clients_time() {
    let (host, recorder) = waiting(|limits| limits.client_stall_ms = 2_500).await;
    let mut deaf = RawClient::join(&host, 340, "deaf").await;
    // More than the connection holds, so that some waits.
    deaf.command("fill 7 1000000").await;
    recorder
        .wait_for(|event| matches!(event, HostEvent::PacketOut { .. }))
        .await;
    let begun = Instant::now();
    let end = recorder.wait_for(ended).await;
    assert_eq!(begun.elapsed(), 2_500 * MS);
    assert!(
        matches!(
            end,
            HostEvent::SessionEnded {
                cause: EndCause::ClientStalled,
                ..
            }
        ),
        "{end:?}"
    );
}

/// Calls itself as often as a client's packet says, eight bytes of arguments at a time.
const DEEP: &str = "(func $deep (param i64) (result i64)
    (if (result i64) (i64.eqz (local.get 0))
      (then (i64.const 0))
      (else (i64.add (i64.const 1) (call $deep (i64.sub (local.get 0) (i64.const 1)))))))";

#[tokio::test(start_paused = true)]
async fn the_stack_of_a_call() {
    let wat = Wat {
        start_section: DEEP,
        packet: "(call $drop (local.get $session)) (drop (call $deep (i64.const 4000)))",
        ..Wat::default()
    };
    let bytes = component::bytes(&wat.text(true), "virtual-backend-plugin");
    for (stack_bytes, fits) in [(64 << 10, false), (1 << 20, true)] {
        let limits = HostLimits {
            stack_bytes,
            ..HostLimits::default()
        };
        let engine = GuestEngine::with_limits(CpuMeter::Fuel, &limits).unwrap();
        let recorder = Recorder::new();
        let host = builder()
            .guest("deep", engine.load("deep", &bytes).unwrap(), granted())
            .observer(recorder.clone())
            .start()
            .await
            .unwrap();
        let mut client = RawClient::join(&host, 340, "deep").await;
        client.send(1, b"x").await;
        tokio::time::sleep(MS).await;
        let overflow = |event: &HostEvent| {
            matches!(
                event,
                HostEvent::Trap {
                    kind: TrapKind::StackOverflow,
                    ..
                }
            )
        };
        assert_eq!(
            recorder.count(overflow),
            usize::from(!fits),
            "{stack_bytes}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn instances_of_all_guests() {
    let limits = HostLimits {
        instances: 2,
        ..HostLimits::default()
    };
    let engine = GuestEngine::with_limits(CpuMeter::Fuel, &limits).unwrap();
    let bytes = component::bytes(&Wat::default().text(true), "virtual-backend-plugin");
    let mut config = granted();
    config.instances = Instances::PerSession;
    let recorder = Recorder::new();
    let host = builder()
        .guest("own", engine.load("own", &bytes).unwrap(), config)
        .observer(recorder.clone())
        .start()
        .await
        .unwrap();
    // The plugin's own instance, and this one's.
    let mut first = RawClient::join(&host, 340, "first").await;
    recorder.wait_for_nth(1, started).await;
    let mut second = RawClient::join(&host, 340, "second").await;
    let told = second.kicked().await;
    assert!(told.contains("could not be started for you"), "{told}");
    let full = |event| match event {
        HostEvent::Trap { kind, .. } => Some(kind.to_string()),
        _ => None,
    };
    let full: Vec<String> = recorder.events().into_iter().filter_map(full).collect();
    assert!(
        full.len() == 1
            && full[0].contains("limit of 2")
            && full[0].contains("`instances` under [limits]"),
        "{full:?}"
    );
    first.leave();
    recorder.wait_for_nth(2, ended).await;
    tokio::time::sleep(MS).await;
    let mut third = RawClient::join(&host, 340, "third").await;
    third.send(1, b"x").await;
    tokio::time::sleep(MS).await;
    assert_eq!((recorder.count(started), recorder.count(ended)), (3, 2));
}

/// Also where a program sets it: when the host is built, and when it runs.
#[tokio::test(start_paused = true)]
async fn a_plugins_own_table() {
    let table = |bytes: usize| BTreeMap::from([("key".to_owned(), "x".repeat(bytes - 3))]);
    let build = |bytes: usize| {
        let mut config = granted();
        config.limits.config_bytes = 8;
        config.config = table(bytes);
        builder().guest("probe", artifact("probe"), config)
    };
    let host = build(8).start().await.unwrap();
    assert_eq!(host.set_plugin_table("probe", table(8)), Ok(true));
    assert_eq!(host.set_plugin_table("nobody", table(9)), Ok(false));
    let too_large = host.set_plugin_table("probe", table(9)).unwrap_err();
    assert_eq!(
        too_large.to_string(),
        "plugins.probe.config holds 9 bytes, at most 8 are allowed\n  = help: raise `config_bytes` under [plugins.probe.limits]"
    );
    let Err(error) = build(9).start().await else {
        panic!("it started");
    };
    assert_eq!(error, StartError::Table(too_large));
}

#[tokio::test(start_paused = true)]
async fn restarts_within_a_window() {
    let recorder = Recorder::new();
    let wat = Wat {
        enable: "(unreachable)",
        ..Wat::default()
    };
    let mut config = granted();
    config.limits.restarts = 2;
    config.limits.restart_delay_ms = 40;
    let host = builder()
        .guest("wat", component::backend(&wat.text(true)), config.clone())
        .observer(recorder.clone())
        .start()
        .await
        .unwrap();
    recorder
        .wait_for(|event| {
            matches!(
                event,
                HostEvent::Plugin {
                    state: PluginState::Quarantined,
                    ..
                }
            )
        })
        .await;
    let pauses: Vec<Duration> = recorder
        .events()
        .into_iter()
        .filter_map(|event| match event {
            HostEvent::Plugin {
                state: PluginState::Restarting { after },
                ..
            } => Some(after),
            _ => None,
        })
        .collect();
    assert_eq!(pauses, [40 * MS, 80 * MS]);
    drop(host);

    // In a window shorter than the pauses there is never more than the last restart, so that none is the last.
    config.limits.restart_window_ms = 39;
    let recorder = Recorder::new();
    let host = builder()
        .guest("wat", component::backend(&wat.text(true)), config)
        .observer(recorder.clone())
        .start()
        .await
        .unwrap();
    let again = |event: &HostEvent| {
        matches!(
            event,
            HostEvent::Plugin {
                state: PluginState::Restarting { .. },
                ..
            }
        )
    };
    recorder.wait_for_nth(10, again).await;
    drop(host);
}

/// A text counts by its bytes; one more than the limit is a trap that says which limit it was.
#[tokio::test(start_paused = true)]
async fn what_one_call_hands_over_has_an_edge() {
    let traps = async |enable: &'static str| {
        let text = Wat {
            imports: LOG,
            enable,
            pages: 65,
            ..Wat::default()
        };
        let mut config = PluginConfig::default();
        config.limits.call_bytes = limits::MIN_CALL_BYTES;
        let recorder = Recorder::new();
        let host = builder()
            .guest("wat", component::plain(&text.text(false)), config)
            .observer(recorder.clone())
            .start()
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        host.shutdown("over").await;
        let trap = |event| match event {
            HostEvent::Trap { kind, .. } => Some(kind),
            _ => None,
        };
        recorder.events().into_iter().find_map(trap)
    };
    assert_eq!(
        traps("(call $log (i32.const 2) (i32.const 0) (i32.const 4194304))").await,
        None
    );
    let trap = traps("(call $log (i32.const 2) (i32.const 0) (i32.const 4194305))").await;
    assert_eq!(trap, Some(TrapKind::CallBytes { limit: 4 << 20 }));
}
