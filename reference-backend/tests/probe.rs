//! The bridge end to end: a client in bytes on the committed probe, which does what it is told and logs what it sees.

mod support;

use reference_backend::{
    Callback, EndCause, GameProfile, Host, HostConfig, HostEvent, Names, PlayerId, PlayersConfig,
    ProfileProperty, Uuid,
};
use std::time::Duration;
use support::raw::RawClient;
use support::{Probe, Recorder, artifact, builder, granted};
use vb_data::Direction;

/// The newest protocol without, and one with a configuration phase.
const SOME: [i32; 2] = [340, 770];

#[tokio::test(start_paused = true)]
async fn every_protocol_reaches_the_probe_and_back() {
    let probe = Probe::start(&[]).await;
    for protocol in vb_data::supported() {
        let mut client = RawClient::join(&probe.host, *protocol, "probe").await;
        assert_eq!(probe.tell(&mut client, "send 5 0102").await, "ok");
        assert_eq!(
            client.next().await.unwrap(),
            (5, vec![1, 2].into()),
            "{protocol}"
        );
        assert_eq!(probe.tell(&mut client, "message plain hello").await, "ok");
        let (_, data) = client.next().await.unwrap();
        assert!(
            String::from_utf8_lossy(&data).contains("hello"),
            "{protocol}: {data:?}"
        );
        assert_eq!(
            probe.tell(&mut client, "disconnect plain so long").await,
            "ok"
        );
        assert!(client.kicked().await.contains("so long"), "{protocol}");
    }
    let joined = vb_data::supported().len();
    assert_eq!(
        (probe.lines("start "), probe.lines("end ")),
        (joined, joined)
    );
}

#[tokio::test(start_paused = true)]
async fn a_profile_reaches_the_guest_as_it_is() {
    let recorder = Recorder::new();
    let property = |n: usize| ProfileProperty {
        name: format!("name{n}"),
        value: format!("value{n}"),
        signature: n.is_multiple_of(2).then(|| format!("signed{n}")),
    };
    let config = HostConfig {
        compression_threshold: -1,
        players: PlayersConfig {
            names: Names::Any,
            ..PlayersConfig::default()
        },
        ..HostConfig::default()
    };
    let host = Host::builder(config)
        .guest("probe", artifact("probe"), granted())
        .observer(recorder.clone())
        .profiles(move |name| GameProfile {
            uuid: Uuid::from_halves(1, 2),
            name: name.to_owned(),
            properties: (0..20).map(property).collect(),
        })
        .start()
        .await
        .unwrap();
    let _client = RawClient::join(&host, 770, "Ünïcödé").await;
    recorder
        .wait_for(|event| matches!(event, HostEvent::CallbackEnded { .. }))
        .await;
    let lines = recorder.lines();
    let start = lines
        .iter()
        .find(|line| line.starts_with("start "))
        .unwrap();
    for part in [
        "protocol=770 name=Ünïcödé uuid=00000000-0000-0001-0000-000000000002 properties=20",
        "name0=name0 value0=value0 signature0=signed0",
        "name19=name19 value19=value19",
    ] {
        assert!(start.contains(part), "{start}");
    }
}

#[tokio::test(start_paused = true)]
async fn events_come_in_order_and_the_start_before_any_packet() {
    let probe = Probe::start(&[]).await;
    let mut client = RawClient::join(&probe.host, 340, "order").await;
    client.command("log first").await;
    client.leave();
    probe
        .line(|line| line.starts_with("event player-disconnect"))
        .await;
    let lines = probe.recorder.lines();
    let words: Vec<String> = lines
        .iter()
        .filter(|line| !line.starts_with("result"))
        .map(|line| {
            line.split(' ')
                .take(if line.starts_with("event") { 2 } else { 1 })
                .collect()
        })
        .collect();
    assert_eq!(
        words,
        [
            "enable",
            "eventpre-login",
            "eventpost-login",
            "eventchoose-initial-server",
            "eventserver-pre-connect",
            "start",
            "packet",
            "first",
            "end",
            "eventplayer-disconnect"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn packets_arrive_byte_for_byte_however_they_are_split() {
    let probe = Probe::start(&[]).await;
    for protocol in SOME {
        let mut client = RawClient::join(&probe.host, protocol, "split").await;
        assert_eq!(probe.tell(&mut client, "echo on").await, "ok");
        for length in [0usize, 1, 100, 70_000, 2_097_150] {
            let data: Vec<u8> = (0..length).map(|n| (n % 251) as u8).collect();
            let frame = support::raw::frame(3, &data);
            let mut rest = &frame[..];
            let mut step = 1;
            while !rest.is_empty() {
                let (now, later) = rest.split_at(step.min(rest.len()));
                client.write(now).await;
                tokio::task::yield_now().await;
                rest = later;
                step = step * 3 + 1;
            }
            let (id, back) = client.next().await.unwrap();
            assert_eq!((id, back.len()), (3, length));
            assert!(back == data, "{protocol}: {length}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn invalid_packets_are_errors_on_the_call_and_the_session_lives() {
    let probe = Probe::start(&[]).await;
    for protocol in SOME {
        let mut client = RawClient::join(&probe.host, protocol, "invalid").await;
        let answer = probe.tell(&mut client, "send -1 00").await;
        assert!(answer.starts_with("err invalid-packet"), "{answer}");
        let answer = probe.tell(&mut client, "fill 1 2097151").await;
        assert!(answer.starts_with("err invalid-packet"), "{answer}");
        assert_eq!(probe.tell(&mut client, "fill 1 2097150").await, "ok");
        assert_eq!(client.next().await.unwrap().1.len(), 2_097_150);
        let answer = probe.tell(&mut client, "batch 1:00 -1:00 1:01").await;
        assert!(answer.starts_with("err invalid-packet index=1"), "{answer}");
        assert_eq!(probe.tell(&mut client, "batch 1:00 2:01 3:").await, "ok");
        for expected in [(1, vec![0]), (2, vec![1]), (3, vec![])] {
            assert_eq!(
                client.next().await.unwrap(),
                (expected.0, expected.1.into())
            );
        }
    }
    let mut client = RawClient::join(&probe.host, 770, "reserved").await;
    let reserved = client.id(Direction::Clientbound, "start_configuration");
    let answer = probe.tell(&mut client, &format!("send {reserved}")).await;
    assert!(answer.starts_with("err invalid-packet"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn bad_text_is_an_error_that_says_where() {
    let probe = Probe::start(&[]).await;
    let mut client = RawClient::join(&probe.host, 767, "text").await;
    let answer = probe
        .tell(&mut client, "message json {\"text\": oops}")
        .await;
    assert!(answer.starts_with("err invalid-component"), "{answer}");
    assert!(answer.contains("offset 9"), "{answer}");
    let answer = probe.tell(&mut client, "disconnect json {}").await;
    assert!(answer.starts_with("err invalid-component"), "{answer}");
    assert_eq!(probe.tell(&mut client, "send 9 07").await, "ok");
    assert_eq!(client.next().await.unwrap().0, 9);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_kept_past_its_end_reaches_nobody() {
    let probe = Probe::start(&[]).await;
    let mut first = RawClient::join(&probe.host, 340, "first").await;
    assert_eq!(probe.tell(&mut first, "acquire").await, "ok kept=1");
    assert_eq!(probe.tell(&mut first, "kept-send 7 01").await, "ok");
    assert_eq!(first.next().await.unwrap().0, 7);
    first.leave();
    probe.line(|line| line.starts_with("end ")).await;
    let mut second = RawClient::join(&probe.host, 340, "first").await;
    for command in [
        "kept-send 7 02",
        "kept-message plain x",
        "kept-disconnect plain x",
        "kept-batch 1:00",
    ] {
        let answer = probe.tell(&mut second, command).await;
        assert!(
            answer.starts_with("err session-ended"),
            "{command}: {answer}"
        );
    }
    assert_eq!(
        probe.tell(&mut second, "kept-info").await,
        "ok player=1 protocol=340 name=first"
    );
    assert_eq!(probe.tell(&mut second, "send 8 03").await, "ok");
    assert_eq!(second.next().await.unwrap(), (8, vec![3].into()));
}

#[tokio::test(start_paused = true)]
async fn a_kept_session_can_be_used_from_another_players_callback() {
    let probe = Probe::start(&[]).await;
    let mut first = RawClient::join(&probe.host, 340, "first").await;
    assert_eq!(probe.tell(&mut first, "acquire").await, "ok kept=1");
    let mut second = RawClient::join(&probe.host, 340, "second").await;
    assert_eq!(probe.tell(&mut second, "kept-send 7 2a").await, "ok");
    assert_eq!(first.next().await.unwrap(), (7, vec![42].into()));
    assert_eq!(
        probe.tell(&mut second, "kept-disconnect plain away").await,
        "ok"
    );
    assert!(first.kicked().await.contains("away"));
    assert_eq!(probe.tell(&mut second, "kept-drop").await, "ok kept=0");
}

#[tokio::test(start_paused = true)]
async fn quotas_are_errors_at_their_edge() {
    let settings = [("handlers", "4"), ("listeners", "2")];
    let probe = Probe::with(&settings, |config| {
        config.limits.kept_sessions = 2;
        config.limits.tasks = 3;
        config.limits.handlers = 3;
        config.limits.listeners = 8;
    })
    .await;
    let lines = probe.recorder.lines();
    let registered: Vec<&String> = lines
        .iter()
        .filter(|line| line.starts_with("result register"))
        .collect();
    assert_eq!(registered.len(), 4, "{lines:#?}");
    assert!(registered[2].ends_with("ok"), "{registered:?}");
    assert!(
        registered[3].contains("err quota-exceeded"),
        "{registered:?}"
    );
    let subscribed: Vec<&String> = lines
        .iter()
        .filter(|line| line.starts_with("result subscribe"))
        .collect();
    // The probe has seven of its own.
    assert!(subscribed[0].contains(" ok"), "{subscribed:?}");
    assert!(
        subscribed[1].contains("err quota-exceeded"),
        "{subscribed:?}"
    );
    for _ in 0..6 {
        probe.result().await;
    }
    let mut client = RawClient::join(&probe.host, 340, "quota").await;
    assert_eq!(
        probe.tell(&mut client, "many 2 acquire").await,
        "ok count=2"
    );
    assert!(
        probe
            .tell(&mut client, "acquire")
            .await
            .starts_with("err quota-exceeded")
    );
    assert_eq!(probe.tell(&mut client, "kept-drop").await, "ok kept=1");
    assert_eq!(probe.tell(&mut client, "acquire").await, "ok kept=2");
    assert_eq!(
        probe.tell(&mut client, "many 3 schedule 100000").await,
        "ok count=3"
    );
    assert!(
        probe
            .tell(&mut client, "schedule 1")
            .await
            .starts_with("err quota-exceeded")
    );
    assert!(
        probe
            .tell(&mut client, "register 9 late")
            .await
            .starts_with("err too-late")
    );
}

#[tokio::test(start_paused = true)]
async fn log_lines_past_the_rate_are_dropped_and_counted() {
    let probe = Probe::with(&[], |config| config.limits.log_lines = 40).await;
    let mut client = RawClient::join(&probe.host, 340, "logger").await;
    client.command("many 100 log spam").await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    client.command("log late").await;
    let dropped = probe
        .recorder
        .wait_for(|event| matches!(event, HostEvent::GuestLogDropped { .. }))
        .await;
    let written = probe
        .recorder
        .lines()
        .iter()
        .filter(|line| *line == "spam")
        .count();
    let HostEvent::GuestLogDropped { lines, .. } = dropped else {
        unreachable!()
    };
    // The result of the command is one more line that was dropped.
    assert_eq!(written as u64 + lines, 101, "{:#?}", probe.recorder.lines());
    assert!(written < 40);
}

#[tokio::test(start_paused = true)]
async fn tasks_run_in_time_and_not_after_cancel() {
    let probe = Probe::start(&[]).await;
    let mut client = RawClient::join(&probe.host, 340, "tasks").await;
    let start = tokio::time::Instant::now();
    assert_eq!(probe.tell(&mut client, "schedule 5000").await, "ok task=1");
    assert_eq!(probe.tell(&mut client, "schedule 60000").await, "ok task=2");
    assert_eq!(
        probe.tell(&mut client, "repeat 1000 2000").await,
        "ok task=3"
    );
    assert!(
        probe
            .tell(&mut client, "repeat 0 9")
            .await
            .starts_with("err invalid-period")
    );
    assert_eq!(probe.tell(&mut client, "cancel 2").await, "ok true");
    assert_eq!(probe.tell(&mut client, "cancel 2").await, "ok false");
    probe.line(|line| line == "task 1").await;
    let elapsed = start.elapsed();
    assert!((5000..5050).contains(&elapsed.as_millis()), "{elapsed:?}");
    tokio::time::sleep(Duration::from_millis(5_100)).await;
    // At 1, 3, 5, 7 and 9 s.
    assert_eq!(probe.lines("task 3"), 5);
    assert_eq!(probe.tell(&mut client, "cancel 3").await, "ok true");
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(
        (
            probe.lines("task 1"),
            probe.lines("task 2"),
            probe.lines("task 3")
        ),
        (1, 0, 5)
    );
    let now: u128 = probe.tell(&mut client, "now").await[3..].parse().unwrap();
    assert_eq!(now, start.elapsed().as_millis());
}

#[tokio::test(start_paused = true)]
async fn a_plugin_reads_its_own_configuration() {
    let probe = Probe::start(&[("b", "2"), ("a", "1")]).await;
    let mut client = RawClient::join(&probe.host, 340, "config").await;
    assert_eq!(probe.tell(&mut client, "keys").await, "ok a b");
    assert_eq!(probe.tell(&mut client, "config a").await, "ok 1");
    assert_eq!(
        probe.tell(&mut client, "config greeting").await,
        "err missing"
    );
}

#[tokio::test(start_paused = true)]
async fn the_configuration_needs_its_capability() {
    let mut config = granted();
    config.deny = vec![reference_backend::Capability::ConfigRead];
    let error = builder()
        .guest("probe", artifact("probe"), config)
        .start()
        .await
        .err()
        .unwrap();
    assert!(
        error.to_string().contains("config-service@0.4.0-vb.1"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn there_is_no_switch_yet_and_the_guest_is_told() {
    let probe = Probe::start(&[]).await;
    let mut client = RawClient::join(&probe.host, 340, "switch").await;
    let answer = probe.tell(&mut client, "switch nowhere").await;
    assert!(answer.starts_with("err unknown-server"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn callbacks_of_a_session_do_not_overlap_and_there_is_one_end() {
    let probe = Probe::start(&[]).await;
    for way in ["leave", "half-close", "disconnect"] {
        let mut client = RawClient::join(&probe.host, 770, &way.replace('-', "_")).await;
        for _ in 0..50 {
            client.send(1, b"x").await;
        }
        match way {
            "leave" => client.leave(),
            "half-close" => client.half_close().await,
            _ => client.command("disconnect plain bye").await,
        }
        let ended = probe.lines("end ") + 1;
        probe
            .recorder
            .wait_for_nth(ended, |event| matches!(event, HostEvent::Closed { .. }))
            .await;
        assert_eq!(probe.lines("end "), ended, "{way}");
    }
    let mut open = None;
    for event in probe.recorder.events() {
        match event {
            HostEvent::CallbackStarted { player, callback } => {
                assert_eq!(open.replace((player, callback)), None);
            }
            HostEvent::CallbackEnded { player, callback } => {
                assert_eq!(open.take(), Some((player, callback)));
            }
            _ => {}
        }
    }
    let packets = probe.recorder.count(|event| {
        matches!(
            event,
            HostEvent::CallbackStarted {
                callback: Callback::PacketReceived,
                ..
            }
        )
    });
    assert_eq!(packets, 151);
}

#[tokio::test(start_paused = true)]
async fn after_an_accepted_disconnect_nothing_is_delivered() {
    let probe = Probe::start(&[]).await;
    let mut client = RawClient::join(&probe.host, 340, "after").await;
    let mut burst = Vec::new();
    for command in ["send 4 01", "disconnect plain bye", "log never"] {
        burst.extend_from_slice(&support::raw::frame(0x7777, command.as_bytes()));
    }
    client.write(&burst).await;
    assert_eq!(client.next().await.unwrap(), (4, vec![1].into()));
    assert!(client.kicked().await.contains("bye"));
    probe.line(|line| line.starts_with("end ")).await;
    assert!(!probe.recorder.lines().contains(&"never".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn malformed_frames_end_the_session_with_a_typed_error() {
    let probe = Probe::start(&[]).await;
    for (nth, bad) in [&b"\xff\xff\xff\xff\x0f"[..], b"\x80\x80\x80\x01", b"\x00"]
        .iter()
        .enumerate()
    {
        let mut client = RawClient::join(&probe.host, 340, "bad").await;
        client.write(bad).await;
        let ended = probe
            .recorder
            .wait_for_nth(nth + 1, |event| {
                matches!(event, HostEvent::SessionEnded { .. })
            })
            .await;
        assert!(
            matches!(
                &ended,
                HostEvent::SessionEnded {
                    cause: EndCause::ClientFault(_),
                    ..
                }
            ),
            "{ended:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn shutdown_tells_every_player_and_disables_the_plugin_last() {
    let probe = Probe::start(&[]).await;
    let mut clients = Vec::new();
    for n in 0..5 {
        clients.push(RawClient::join(&probe.host, 770, &format!("player{n}")).await);
    }
    probe
        .recorder
        .wait_for_nth(5, |event| matches!(event, HostEvent::SessionStarted { .. }))
        .await;
    let start = tokio::time::Instant::now();
    let told = async {
        for client in &mut clients {
            assert!(client.kicked().await.contains("maintenance"));
        }
    };
    tokio::join!(probe.host.shutdown("maintenance"), told);
    assert!(start.elapsed() < Duration::from_secs(10));
    assert_eq!(probe.lines("end "), 5);
    assert_eq!(
        probe.recorder.lines().last().map(String::as_str),
        Some("disable")
    );
    assert_eq!(probe.host.connection_count(), 0);
    let mut late = probe.host.connect(support::peer());
    assert_eq!(
        tokio::io::AsyncReadExt::read(&mut late, &mut [0])
            .await
            .unwrap(),
        0
    );
}

#[tokio::test(start_paused = true)]
async fn a_kick_says_why_and_ends_one_session_once() {
    let probe = Probe::start(&[]).await;
    let mut victim = RawClient::join(&probe.host, 770, "victim").await;
    let mut other = RawClient::join(&probe.host, 770, "other").await;
    assert_eq!(
        probe.tell(&mut victim, "info").await,
        "ok player=1 protocol=770 name=victim"
    );
    assert!(probe.host.kick(PlayerId(1), "behave"));
    assert!(victim.kicked().await.contains("behave"));
    probe.line(|line| line == "end handler=1 player=1").await;
    probe
        .recorder
        .wait_for(|event| {
            matches!(
                event,
                HostEvent::Closed {
                    cause: EndCause::Kicked,
                    ..
                }
            )
        })
        .await;
    assert!(!probe.host.kick(PlayerId(1), "again"));
    assert_eq!(probe.tell(&mut other, "send 7 01").await, "ok");
    assert_eq!(probe.lines("end "), 1);
}

#[tokio::test(start_paused = true)]
async fn shutdown_ends_in_time_when_a_client_does_not_read() {
    let probe = Probe::start(&[]).await;
    let mut client = RawClient::join(&probe.host, 770, "deaf").await;
    assert_eq!(probe.tell(&mut client, "fill 1 1000000").await, "ok");
    let start = tokio::time::Instant::now();
    probe.host.shutdown("maintenance").await;
    assert!(
        start.elapsed() < Duration::from_secs(10),
        "{:?}",
        start.elapsed()
    );
    assert_eq!((probe.lines("end "), probe.lines("disable")), (1, 1));
}
