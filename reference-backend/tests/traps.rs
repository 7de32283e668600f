//! What a trap takes with it, and what it does not.

mod support;

use reference_backend::{
    Callback, CpuMeter, EndCause, GuestEngine, HostEvent, Instances, PluginConfig, PluginState,
    TrapKind,
};
use std::time::Duration;
use support::raw::RawClient;
use support::wat::Wat;
use support::{LONG, Probe, Recorder, artifact, builder, component, granted, probe_config};

/// The defaults.
const MAX_RESTARTS: usize = 5;
const RESTART_WINDOW: Duration = Duration::from_secs(300);
const FIRST_RESTART_DELAY: Duration = Duration::from_millis(500);

fn traps(recorder: &Recorder) -> Vec<(Callback, TrapKind)> {
    recorder
        .events()
        .into_iter()
        .filter_map(|event| match event {
            HostEvent::Trap { callback, kind, .. } => Some((callback, kind)),
            _ => None,
        })
        .collect()
}

fn enabled(event: &HostEvent) -> bool {
    matches!(
        event,
        HostEvent::Plugin {
            state: PluginState::Enabled { .. },
            ..
        }
    )
}

#[tokio::test(start_paused = true)]
async fn a_trap_flushes_ends_every_session_once_and_is_never_called_again() {
    let probe = Probe::start(&[]).await;
    let mut bystander = RawClient::join(&probe.host, 770, "bystander").await;
    let mut client = RawClient::join(&probe.host, 340, "culprit").await;
    let mut burst = Vec::new();
    for command in ["send 5 aa", "trap", "log never"] {
        burst.extend_from_slice(&support::raw::frame(0x7777, command.as_bytes()));
    }
    client.write(&burst).await;
    assert_eq!(client.next().await.unwrap(), (5, vec![0xaa].into()));
    assert!(client.kicked().await.contains("has failed"));
    assert!(bystander.kicked().await.contains("has failed"));
    let ended = |event: &HostEvent| {
        matches!(
            event,
            HostEvent::SessionEnded {
                cause: EndCause::PluginFailed,
                notified: false,
                ..
            }
        )
    };
    probe.recorder.wait_for_nth(2, ended).await;
    probe.recorder.wait_for_nth(2, enabled).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(probe.lines("end "), 0);
    assert!(!probe.recorder.lines().contains(&"never".to_owned()));
    assert_eq!(probe.lines("enable"), 2);
    let traps = traps(&probe.recorder);
    assert_eq!(traps.len(), 1);
    assert_eq!(traps[0].0, Callback::PacketReceived);
    assert!(
        matches!(&traps[0].1, TrapKind::Trap(text) if text.contains("unreachable")),
        "{traps:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_loop_and_a_memory_bomb_are_named_and_take_their_own_plugin_only() {
    for (command, expected) in [
        ("spin", TrapKind::CpuBudget),
        ("eat", TrapKind::MemoryLimit { limit: 4 << 20 }),
    ] {
        let recorder = Recorder::new();
        let other = probe_config(&[], |_| {});
        let bad = probe_config(&[("priority", "100")], |config| {
            config.limits.memory = 4 << 20;
        });
        let host = builder()
            .same_ids()
            .guest("bad", artifact("probe"), bad)
            .guest("other", artifact("probe"), other)
            .observer(recorder.clone())
            .start()
            .await
            .unwrap();
        let mut culprit = RawClient::join(&host, 340, "culprit").await;
        culprit.command(command).await;
        assert!(culprit.kicked().await.contains("has failed"));
        assert_eq!(traps(&recorder), [(Callback::PacketReceived, expected)]);
        // While "bad" is down its gate stays shut, though "other" would let the player in.
        let told = RawClient::refusal(&host, 340, "next").await;
        assert!(told.contains("restarting"), "{told}");
        recorder.wait_for_nth(3, enabled).await;
        let mut client = RawClient::join(&host, 340, "back").await;
        client.command("log alive").await;
        recorder
            .wait_for(|event| matches!(event, HostEvent::GuestLog { plugin, message, .. } if plugin == "bad" && message == "alive"))
            .await;
    }
}

#[tokio::test(start_paused = true)]
async fn another_plugins_session_notices_nothing() {
    let recorder = Recorder::new();
    let good = || probe_config(&[], |_| {});
    let host = builder()
        .same_ids()
        .guest("good", artifact("probe"), good())
        .guest(
            "bad",
            artifact("probe"),
            probe_config(&[("initial", "spin")], |config| {
                config.limits.fuel = 1_000_000;
            }),
        )
        .observer(recorder.clone())
        .start()
        .await
        .unwrap();
    // At choose-initial-server, which is no gate, "bad" uses up its budget. "good" answers server-pre-connect first.
    let mut client = RawClient::join(&host, 340, "first").await;
    client.command("log alive").await;
    recorder
        .wait_for(
            |event| matches!(event, HostEvent::GuestLog { message, .. } if message == "alive"),
        )
        .await;
    assert_eq!(
        traps(&recorder),
        [(Callback::HandleEvent, TrapKind::CpuBudget)]
    );
    recorder.wait_for_nth(3, enabled).await;
    client.command("send 7 01").await;
    assert_eq!(client.next().await.unwrap(), (7, vec![1].into()));
}

#[tokio::test(start_paused = true)]
async fn restarts_come_with_growing_pauses_and_then_never_again() {
    let probe = Probe::start(&[("pre-login", "trap")]).await;
    for n in 0..=MAX_RESTARTS {
        probe.recorder.wait_for_nth(n + 1, enabled).await;
        let told = RawClient::refusal(&probe.host, 340, "knock").await;
        assert!(told.contains("internal error"), "{told}");
    }
    let quarantined = |event: &HostEvent| {
        matches!(
            event,
            HostEvent::Plugin {
                state: PluginState::Quarantined,
                ..
            }
        )
    };
    probe.recorder.wait_for(quarantined).await;
    tokio::time::sleep(2 * RESTART_WINDOW).await;
    let told = RawClient::refusal(&probe.host, 340, "knock").await;
    assert!(told.contains("restarting"), "{told}");
    assert_eq!(probe.lines("enable"), MAX_RESTARTS + 1);
    let pauses: Vec<Duration> = probe
        .recorder
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
    let expected: Vec<Duration> = (0..5).map(|n| FIRST_RESTART_DELAY * (1 << n)).collect();
    assert_eq!(pauses, expected);
}

#[tokio::test(start_paused = true)]
async fn traps_that_are_far_apart_are_forgiven() {
    let probe = Probe::start(&[("pre-login", "trap")]).await;
    for n in 0..3 * MAX_RESTARTS {
        probe.recorder.wait_for_nth(n + 1, enabled).await;
        tokio::time::sleep(RESTART_WINDOW / 4).await;
        RawClient::refusal(&probe.host, 340, "knock").await;
    }
    assert_eq!(traps(&probe.recorder).len(), 3 * MAX_RESTARTS);
}

#[tokio::test(start_paused = true)]
async fn each_callback_has_its_budget() {
    const SPIN: &str = "(loop $l (br $l))";
    let cases = [
        (
            Callback::OnEnable,
            Wat {
                enable: SPIN,
                ..Wat::default()
            },
        ),
        (
            Callback::Instantiate,
            Wat {
                start_section: "(func $spin (loop $l (br $l))) (start $spin)",
                ..Wat::default()
            },
        ),
        (
            Callback::HandleEvent,
            Wat {
                event: "(loop $l (br $l)) (unreachable)",
                ..Wat::default()
            },
        ),
        (
            Callback::SessionStart,
            Wat {
                start: SPIN,
                ..Wat::default()
            },
        ),
        (
            Callback::PacketReceived,
            Wat {
                packet: SPIN,
                ..Wat::default()
            },
        ),
        (
            Callback::SessionEnd,
            Wat {
                end: SPIN,
                ..Wat::default()
            },
        ),
        (
            Callback::OnDisable,
            Wat {
                disable: SPIN,
                ..Wat::default()
            },
        ),
        (
            Callback::OnScheduledTask,
            Wat {
                enable: "
    (call $subscribe (i32.const 3) (i32.const 0) (i32.const 256))
    (call $register (i32.const 32) (i32.const 3) (i32.const 1) (i32.const 256))
    (call $schedule (i64.const 5) (i32.const 256))",
                task: SPIN,
                ..Wat::default()
            },
        ),
    ];
    for (callback, wat) in cases {
        let recorder = Recorder::new();
        let mut config = granted();
        config.limits.fuel = 100_000;
        let host = builder()
            .guest("wat", component::backend(&wat.text(true)), config)
            .observer(recorder.clone())
            .start()
            .await
            .unwrap();
        if !matches!(
            callback,
            Callback::OnEnable | Callback::Instantiate | Callback::OnScheduledTask
        ) {
            let mut client = RawClient::connect(&host, 340, "budget").await;
            if client.enter().await.is_ok() {
                client.send(1, b"x").await;
                tokio::time::sleep(Duration::from_secs(1)).await;
                client.leave();
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            host.shutdown("done").await;
        }
        let trap = recorder
            .wait_for(|event| matches!(event, HostEvent::Trap { .. }))
            .await;
        let HostEvent::Trap {
            callback: at, kind, ..
        } = trap
        else {
            unreachable!()
        };
        assert_eq!((at, kind), (callback, TrapKind::CpuBudget));
    }
}

#[tokio::test(start_paused = true)]
async fn the_stack_is_bounded() {
    let wat = Wat {
        start_section: "(func $deep (param i64) (call $deep (local.get 0)) (call $deep (local.get 0)))",
        packet: "(call $deep (i64.const 1))",
        ..Wat::default()
    };
    let recorder = Recorder::new();
    let host = builder()
        .guest("wat", component::backend(&wat.text(true)), granted())
        .observer(recorder.clone())
        .start()
        .await
        .unwrap();
    let mut client = RawClient::join(&host, 340, "deep").await;
    client.send(1, b"x").await;
    client.kicked().await;
    assert_eq!(
        traps(&recorder),
        [(Callback::PacketReceived, TrapKind::StackOverflow)]
    );
}

#[tokio::test(start_paused = true)]
async fn memory_at_the_limit_is_given_and_past_it_refused_without_a_trap() {
    // Grows by one page and sends 1 when that was refused, else 0.
    let wat = Wat {
        packet: "
    (i32.store8 (i32.const 300) (i32.eq (memory.grow (i32.const 1)) (i32.const -1)))
    (call $send (local.get $session) (i32.const 9) (i32.const 300) (i32.const 1) (i32.const 256))
    (call $drop (local.get $session))",
        pages: 2,
        ..Wat::default()
    };
    let mut config = granted();
    config.limits.memory = 3 << 16;
    let recorder = Recorder::new();
    let host = builder()
        .guest("wat", component::backend(&wat.text(true)), config.clone())
        .observer(recorder.clone())
        .start()
        .await
        .unwrap();
    let mut client = RawClient::join(&host, 340, "memory").await;
    for refused in [0, 1, 1] {
        client.send(1, b"x").await;
        assert_eq!(client.next().await.unwrap(), (9, vec![refused].into()));
    }
    assert!(traps(&recorder).is_empty());

    // One that wants more from the start is not instantiated.
    config.limits.memory = 1 << 16;
    let recorder = Recorder::new();
    let host = builder()
        .guest("wat", component::backend(&wat.text(true)), config)
        .observer(recorder.clone())
        .start();
    host.await.unwrap();
    assert_eq!(
        traps(&recorder)[0],
        (
            Callback::Instantiate,
            TrapKind::MemoryLimit { limit: 1 << 16 }
        )
    );
}

#[tokio::test(start_paused = true)]
async fn a_borrow_that_is_not_dropped_is_a_trap() {
    let wat = Wat {
        start: "",
        ..Wat::default()
    };
    let recorder = Recorder::new();
    let host = builder()
        .guest("wat", component::backend(&wat.text(true)), granted())
        .observer(recorder.clone())
        .start()
        .await
        .unwrap();
    let mut client = RawClient::join(&host, 340, "borrow").await;
    client.kicked().await;
    let traps = traps(&recorder);
    assert_eq!(
        (traps.len(), traps[0].0),
        (1, Callback::SessionStart),
        "{traps:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_outcome_of_another_kind_shuts_the_gate() {
    let probe = Probe::start(&[("answer", "wrong-kind")]).await;
    let told = RawClient::refusal(&probe.host, 340, "wrong").await;
    assert!(told.contains("internal error"), "{told}");
    assert!(traps(&probe.recorder).is_empty());
}

#[tokio::test(start_paused = true)]
async fn with_an_instance_a_session_a_trap_takes_one_player() {
    let probe = Probe::with(&[], |config: &mut PluginConfig| {
        config.instances = Instances::PerSession
    })
    .await;
    let mut victim = RawClient::join(&probe.host, 340, "victim").await;
    let mut other = RawClient::join(&probe.host, 340, "other").await;
    probe
        .line(|line| line.starts_with("start handler=1 player=2"))
        .await;
    victim.command("trap").await;
    assert!(victim.kicked().await.contains("has failed"));
    assert_eq!(probe.tell(&mut other, "send 7 01").await, "ok");
    assert_eq!(other.next().await.unwrap(), (7, vec![1].into()));
    // The gate is as it was, at once.
    let mut third = RawClient::join(&probe.host, 340, "third").await;
    assert_eq!(probe.tell(&mut third, "schedule 1000").await, "ok task=1");
    probe.line(|line| line == "task 1").await;
    third.leave();
    other.leave();
    probe
        .recorder
        .wait_for_nth(3, |event| matches!(event, HostEvent::Closed { .. }))
        .await;
    assert_eq!((probe.lines("end "), probe.lines("disable")), (2, 2));
    tokio::time::timeout(LONG, probe.host.shutdown("done"))
        .await
        .unwrap();
    assert_eq!((probe.lines("enable"), probe.lines("disable")), (4, 3));
    assert_eq!(traps(&probe.recorder).len(), 1);
}

/// The instance that answers events has trapped; those who have one of their own play on, and their ends are told.
#[tokio::test(start_paused = true)]
async fn with_an_instance_a_session_a_trap_at_an_event_takes_nobody() {
    let orders = [("in.player-disconnect", "trap"), ("whose", "bad")];
    let probe = Probe::with(&orders, |config: &mut PluginConfig| {
        config.instances = Instances::PerSession
    })
    .await;
    let mut player = RawClient::join(&probe.host, 340, "player").await;
    RawClient::join(&probe.host, 340, "bad").await.leave();
    let trap = |event: &HostEvent| matches!(event, HostEvent::Trap { .. });
    probe.recorder.wait_for(trap).await;
    assert_eq!(probe.tell(&mut player, "send 7 01").await, "ok");
    assert_eq!(player.next().await.unwrap(), (7, vec![1].into()));
    // The gates are those of the instance that has trapped, and shut until there is another.
    let told = RawClient::refusal(&probe.host, 340, "knock").await;
    assert!(told.contains("restarting"), "{told}");
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(probe.tell(&mut player, "send 7 02").await, "ok");
    RawClient::join(&probe.host, 340, "next").await.leave();
    player.leave();
    probe.line(|line| line == "end handler=1 player=1").await;
    assert_eq!(traps(&probe.recorder).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_enable_that_traps_leaves_the_gates_it_had_shut() {
    let wat = Wat {
        enable: "
    (call $subscribe (i32.const 3) (i32.const 0) (i32.const 256))
    (unreachable)",
        ..Wat::default()
    };
    let recorder = Recorder::new();
    let host = builder()
        .guest("wat", component::backend(&wat.text(true)), granted())
        .guest("probe", artifact("probe"), granted())
        .observer(recorder.clone())
        .start()
        .await
        .unwrap();
    let told = RawClient::refusal(&host, 340, "knock").await;
    assert!(told.contains("restarting"), "{told}");
}

#[tokio::test]
async fn a_clock_stops_a_loop_too() {
    let engine = GuestEngine::new(CpuMeter::Epoch).unwrap();
    let wat = Wat {
        packet: "(loop $l (br $l))",
        ..Wat::default()
    };
    let guest = engine
        .load(
            "wat",
            &component::bytes(&wat.text(true), "virtual-backend-plugin"),
        )
        .unwrap();
    let mut config = granted();
    // Real time, and more than a callback that does nothing waits for its turn on a busy machine.
    config.limits.cpu_ms = 300;
    let recorder = Recorder::new();
    let host = builder()
        .guest("wat", guest, config)
        .observer(recorder.clone())
        .start()
        .await
        .unwrap();
    let mut client = RawClient::join(&host, 340, "clock").await;
    client.send(1, b"x").await;
    assert!(client.kicked().await.contains("has failed"));
    assert_eq!(
        traps(&recorder),
        [(Callback::PacketReceived, TrapKind::CpuBudget)]
    );
}
