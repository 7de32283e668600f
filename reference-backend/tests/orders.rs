//! The probe misbehaves where and for whom it is told to: what other tests rely on when they blame the host.

mod support;

use reference_backend::{Callback, DenyReason, HostEvent, TrapKind};
use std::time::Duration;
use support::raw::RawClient;
use support::{Probe, Recorder};

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

async fn first_trap(recorder: &Recorder) -> (Callback, TrapKind) {
    recorder
        .wait_for(|event| matches!(event, HostEvent::Trap { .. }))
        .await;
    traps(recorder).remove(0)
}

/// A client that gets as far as it is let.
async fn visit(probe: &Probe, name: &str) -> RawClient {
    let mut client = RawClient::connect(&probe.host, 340, name).await;
    let _ = client.enter().await;
    client
}

#[tokio::test(start_paused = true)]
async fn an_order_is_done_in_its_callback() {
    for (key, callback) in [
        ("in.metadata", Callback::Metadata),
        ("in.enable", Callback::OnEnable),
        ("in.event", Callback::HandleEvent),
        ("in.pre-login", Callback::HandleEvent),
        ("in.player-disconnect", Callback::HandleEvent),
        ("in.start", Callback::SessionStart),
        ("in.packet", Callback::PacketReceived),
        ("in.end", Callback::SessionEnd),
        ("in.task", Callback::OnScheduledTask),
        ("in.disable", Callback::OnDisable),
    ] {
        let probe = Probe::start(&[(key, "trap")]).await;
        match callback {
            Callback::Metadata | Callback::OnEnable => {}
            Callback::OnDisable => probe.host.shutdown("over").await,
            Callback::OnScheduledTask | Callback::PacketReceived => {
                let mut client = visit(&probe, "order").await;
                client.command("schedule 10").await;
                first_trap(&probe.recorder).await;
            }
            _ => visit(&probe, "order").await.leave(),
        }
        let (trapped, kind) = first_trap(&probe.recorder).await;
        assert_eq!(trapped, callback, "{key}: {kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_way_to_fail_is_the_one_that_was_asked_for() {
    for (action, accept) in [
        (
            "trap",
            (|kind| matches!(kind, TrapKind::Trap(_))) as fn(&TrapKind) -> bool,
        ),
        ("spin", |kind| *kind == TrapKind::CpuBudget),
        ("eat", |kind| matches!(kind, TrapKind::MemoryLimit { .. })),
        ("recurse", |kind| *kind == TrapKind::StackOverflow),
    ] {
        let probe = Probe::start(&[]).await;
        let mut client = RawClient::join(&probe.host, 340, "order").await;
        let armed = probe.tell(&mut client, &format!("arm task {action}")).await;
        assert_eq!(armed, "ok");
        client.command("schedule 10").await;
        let (callback, kind) = first_trap(&probe.recorder).await;
        assert_eq!(callback, Callback::OnScheduledTask, "{action}");
        assert!(accept(&kind), "{action}: {kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn only_players_of_the_name_are_concerned() {
    let probe = Probe::start(&[("in.packet", "trap"), ("whose", "bad")]).await;
    let mut good = RawClient::join(&probe.host, 340, "good").await;
    assert_eq!(probe.tell(&mut good, "log alive").await, "ok");
    assert_eq!(traps(&probe.recorder), []);
    let mut bad = RawClient::join(&probe.host, 340, "bad_one").await;
    bad.command("log alive").await;
    let (callback, _) = first_trap(&probe.recorder).await;
    assert_eq!(callback, Callback::PacketReceived);
}

#[tokio::test(start_paused = true)]
async fn an_armed_player_misbehaves_alone() {
    let probe = Probe::start(&[]).await;
    let mut healthy = RawClient::join(&probe.host, 340, "healthy").await;
    let mut armed = RawClient::join(&probe.host, 340, "armed").await;
    assert_eq!(probe.tell(&mut armed, "arm end dead-session").await, "ok");
    let unknown = probe.tell(&mut armed, "arm ends trap").await;
    assert!(unknown.starts_with("err bad-command"), "{unknown}");
    healthy.leave();
    probe.line(|line| line.starts_with("end ")).await;
    let told = |line: &str| line.starts_with("result dead-session");
    assert!(!probe.recorder.lines().iter().any(|line| told(line)));
    armed.leave();
    let line = probe.line(told).await;
    for call in [
        "send-packet",
        "send-packets",
        "send-message",
        "switch-server",
        "disconnect",
        "acquire",
    ] {
        assert!(line.contains(&format!(" {call}=session-ended")), "{line}");
    }
    assert!(line.ends_with("player=2 protocol=340 name=armed"), "{line}");
    assert_eq!(traps(&probe.recorder), []);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_outcome_closes_the_gate() {
    let probe = Probe::start(&[("in.pre-login", "wrong-outcome")]).await;
    RawClient::refusal(&probe.host, 340, "order").await;
    let wrong = |event: &HostEvent| {
        matches!(
            event,
            HostEvent::Denied {
                reason: DenyReason::WrongOutcome(_),
                ..
            }
        )
    };
    probe.recorder.wait_for(wrong).await;
}

#[tokio::test(start_paused = true)]
async fn floods_end_where_the_host_says_so() {
    let probe = Probe::with(&[("in.start", "flood")], |config| {
        config.limits.queue_packets = 100;
    })
    .await;
    let _client = visit(&probe, "order").await;
    let line = probe.line(|line| line.starts_with("result flood")).await;
    assert!(line.contains("err send-failed sent=100 "), "{line}");

    let probe = Probe::start(&[("in.start", "log-flood")]).await;
    let _client = visit(&probe, "order").await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let lines = probe.lines("log-flood ");
    // The default of the limit, in which other lines have a share.
    assert!((990..=1000).contains(&lines), "{lines}");
}
