//! What guests in other languages find of WASI: clocks, chance and a way into the log, and nothing of the machine.

mod support;

use reference_backend::{Host, HostEvent, LogLevel, PluginConfig, TrapKind};
use std::sync::Arc;
use std::time::Duration;
use support::component::{bytes_with_wasi, load};
use support::wat::Wat;
use support::{Recorder, builder};

const IMPORTS: &str = r#"
  (import "infrarust:plugin/log@0.4.0-vb.1" "log" (func $log (param i32 i32 i32)))
  (import "infrarust:plugin/scheduler@0.4.0-vb.1" "schedule" (func $schedule (param i64 i32)))
  (import "wasi:cli/exit@0.2.6" "exit" (func $exit (param i32)))
  (import "wasi:cli/stdout@0.2.6" "get-stdout" (func $stdout (result i32)))
  (import "wasi:cli/stderr@0.2.6" "get-stderr" (func $stderr (result i32)))
  (import "wasi:clocks/monotonic-clock@0.2.6" "now" (func $now (result i64)))
  (import "wasi:clocks/monotonic-clock@0.2.6" "subscribe-duration" (func $sleep (param i64) (result i32)))
  (import "wasi:clocks/wall-clock@0.2.6" "now" (func $date (param i32)))
  (import "wasi:filesystem/preopens@0.2.6" "get-directories" (func $directories (param i32)))
  (import "wasi:io/streams@0.2.6" "[method]output-stream.blocking-write-and-flush"
    (func $write (param i32 i32 i32 i32)))
  (import "wasi:io/streams@0.2.6" "[method]output-stream.subscribe" (func $subscribe (param i32) (result i32)))
  (import "wasi:io/streams@0.2.6" "[resource-drop]output-stream" (func $close (param i32)))
  (import "wasi:io/poll@0.2.6" "[method]pollable.ready" (func $ready (param i32) (result i32)))
  (import "wasi:random/random@0.2.6" "get-random-bytes" (func $random (param i64 i32)))
  (import "wasi:sockets/instance-network@0.2.6" "instance-network" (func $network (result i32)))"#;

/// A plugin that does this when it is enabled, and that when its task is due. At 600 it has `data`.
async fn run(
    seed: Option<u64>,
    (enable, task, data): (&'static str, &'static str, &'static str),
    change: impl FnOnce(&mut PluginConfig),
) -> (Host, Arc<Recorder>) {
    let wat = Wat {
        imports: IMPORTS,
        enable,
        task,
        event: "(i32.const 192)",
        start_section: data,
        ..Wat::default()
    };
    let guest = load(&bytes_with_wasi(&wat.text(false), "plugin-with-wasi"));
    let guest = guest.unwrap_or_else(|error| panic!("{error}"));
    let mut config = PluginConfig::default();
    change(&mut config);
    let recorder = Recorder::new();
    let host = builder()
        .guest("other", guest, config)
        .observer(recorder.clone());
    let host = match seed {
        Some(seed) => host.seed(seed),
        None => host,
    };
    let host = host.start().await.unwrap_or_else(|error| panic!("{error}"));
    (host, recorder)
}

/// What the host call said that ended the instance.
fn refusal(recorder: &Recorder) -> String {
    let kinds: Vec<TrapKind> = recorder
        .events()
        .into_iter()
        .filter_map(|event| match event {
            HostEvent::Trap { kind, .. } => Some(kind),
            _ => None,
        })
        .collect();
    match kinds.as_slice() {
        [TrapKind::HostCall(text)] => text.clone(),
        other => panic!("{other:?}"),
    }
}

fn logged(recorder: &Recorder) -> Vec<(LogLevel, String)> {
    recorder
        .events()
        .into_iter()
        .filter_map(|event| match event {
            HostEvent::GuestLog { level, message, .. } => Some((level, message)),
            _ => None,
        })
        .collect()
}

const TALKS: &str = "
    (call $write (call $stdout) (i32.const 600) (i32.const 12) (i32.const 256))
    (call $write (call $stderr) (i32.const 604) (i32.const 4) (i32.const 256))
    (if (i32.ne (call $ready (call $subscribe (call $stdout))) (i32.const 1)) (then (unreachable)))";

#[tokio::test(start_paused = true)]
async fn whole_lines_of_the_streams_go_to_the_log_within_its_rate() {
    let text = r#"(data (i32.const 600) "one\0atwo\0arest")"#;
    let (_host, recorder) = run(None, (TALKS, "", text), |_| {}).await;
    let line = |level, text: &str| (level, text.to_owned());
    let expected = [
        line(LogLevel::Info, "one"),
        line(LogLevel::Info, "two"),
        line(LogLevel::Warn, "two"),
    ];
    assert_eq!(logged(&recorder), expected);

    let (_host, recorder) = run(None, (TALKS, "", text), |config| {
        config.limits.log_lines = 2;
    })
    .await;
    assert_eq!(logged(&recorder), expected[..2]);
}

#[tokio::test(start_paused = true)]
async fn a_line_that_never_ends_is_one_of_8_kib_after_another() {
    let write = "(call $write (call $stdout) (i32.const 2048) (i32.const 8193) (i32.const 256))";
    let (_host, recorder) = run(None, (write, "", ""), |_| {}).await;
    let lengths: Vec<usize> = recorder.lines().iter().map(String::len).collect();
    assert_eq!(lengths, [8192]);
}

#[tokio::test(start_paused = true)]
async fn chance_is_the_same_for_the_same_seed_and_else_it_is_not() {
    // 32 bytes, and the end of a line.
    const DRAWS: &str = "
    (call $random (i64.const 32) (i32.const 256))
    (call $write (call $stdout) (i32.load (i32.const 256)) (i32.load (i32.const 260)) (i32.const 264))
    (call $write (call $stdout) (i32.const 600) (i32.const 1) (i32.const 264))";
    let draw = async |seed| {
        let (_host, recorder) =
            run(seed, (DRAWS, "", r#"(data (i32.const 600) "\0a")"#), |_| {}).await;
        let lines = recorder.lines();
        assert!(!lines.is_empty());
        lines
    };
    let first = draw(Some(7)).await;
    assert_eq!(first, draw(Some(7)).await);
    assert_ne!(first, draw(Some(8)).await);
    assert_ne!(draw(None).await, draw(None).await);
}

#[tokio::test(start_paused = true)]
async fn random_bytes_have_a_limit_with_an_edge() {
    let most = "(call $random (i64.const 65536) (i32.const 256))";
    let (_host, recorder) = run(Some(1), (most, "", ""), |_| {}).await;
    assert_eq!(
        recorder.count(|event| matches!(event, HostEvent::Trap { .. })),
        0
    );
    let past = "(call $random (i64.const 65537) (i32.const 256))";
    let (_host, recorder) = run(Some(1), (past, "", ""), |_| {}).await;
    assert_eq!(refusal(&recorder), "at most 65536 random bytes at a time");
}

#[tokio::test(start_paused = true)]
async fn the_clocks_are_the_hosts() {
    // Virtual time moves in steps of a millisecond, so that a task comes up to one late.
    const SLEEPS: (&str, &str, &str) = (
        "(global.set $then (call $now)) (call $schedule (i64.const 5000) (i32.const 256))",
        "(if (i64.le_u (i64.sub (i64.sub (call $now) (global.get $then)) (i64.const 5000000000)) (i64.const 1000000))
           (then (call $log (i32.const 2) (i32.const 600) (i32.const 4))))
         (call $date (i32.const 256))
         (if (i64.le_u (i64.sub (i64.load (i32.const 256)) (i64.const 1700000005)) (i64.const 1))
           (then (call $log (i32.const 2) (i32.const 604) (i32.const 4))))",
        r#"(global $then (mut i64) (i64.const 0)) (data (i32.const 600) "fivedate")"#,
    );
    let (_host, recorder) = run(Some(1), SLEEPS, |_| {}).await;
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(recorder.lines(), ["five", "date"]);
}

#[tokio::test(start_paused = true)]
async fn there_are_no_folders() {
    let looks = "
    (i32.store (i32.const 260) (i32.const 7))
    (call $directories (i32.const 256))
    (if (i32.load (i32.const 260)) (then (unreachable)))
    (call $log (i32.const 2) (i32.const 600) (i32.const 4))";
    let (_host, recorder) = run(
        None,
        (looks, "", r#"(data (i32.const 600) "none")"#),
        |_| {},
    )
    .await;
    assert_eq!(recorder.lines(), ["none"]);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_had_is_a_trap_that_names_it() {
    for (call, why) in [
        (
            "(drop (call $network))",
            "a guest has no wasi:sockets/instance-network@0.2.6, function `instance-network`",
        ),
        (
            "(drop (call $sleep (i64.const 1)))",
            "a guest has no wasi:clocks/monotonic-clock@0.2.6, function `subscribe-duration`",
        ),
        (
            "(call $exit (i32.const 0))",
            "a guest does not end by itself, but with `on-disable`",
        ),
    ] {
        let (_host, recorder) = run(None, (call, "", ""), |_| {}).await;
        assert_eq!(refusal(&recorder), why);
    }
}

#[tokio::test(start_paused = true)]
async fn handles_count_until_they_are_dropped() {
    let limit = |config: &mut PluginConfig| config.limits.resources = 2;
    let fits = "(call $close (call $stdout)) (drop (call $stdout)) (drop (call $stdout))";
    let (_host, recorder) = run(None, (fits, "", ""), limit).await;
    assert_eq!(
        recorder.count(|event| matches!(event, HostEvent::Trap { .. })),
        0
    );
    let past = "(drop (call $stdout)) (drop (call $stdout)) (drop (call $stdout))";
    let (_host, recorder) = run(None, (past, "", ""), limit).await;
    assert_eq!(refusal(&recorder), "the limit of 2 resources is reached");
}
