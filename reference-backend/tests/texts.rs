//! Texts of guests on their way into the host's log, messages and errors: bounded, of one line, and no faster than a plugin
//! may log.

mod support;

use reference_backend::{
    BoxFuture, CUT, DenyReason, Event, EventKind, EventOutcome, HostEvent, Instances, ListenerId,
    NativePlugin, PluginConfig, PluginState, Registrar, SHOWN_BYTES, ServerPreConnectResult, Text,
};
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::raw::RawClient;
use support::wat::{LOG, Wat};
use support::{LONG, Probe, Recorder, builder, component, granted, worst};
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;

/// The lines that this thread logs.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn taken() -> (Self, DefaultGuard) {
        let lines = Self::default();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_writer(lines.clone())
            .finish();
        (lines, tracing::subscriber::set_default(subscriber))
    }

    fn with(&self, part: &str) -> usize {
        let text = self.0.lock().expect("no test panicked");
        let text = String::from_utf8_lossy(&text);
        text.lines().filter(|line| line.contains(part)).count()
    }

    fn bytes(&self) -> usize {
        self.0.lock().expect("no test panicked").len()
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0
            .lock()
            .expect("no test panicked")
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// What a host with these guests tells of them.
async fn told(
    guests: Vec<(&str, Wat, &str, PluginConfig)>,
) -> (reference_backend::Host, Arc<Recorder>) {
    let recorder = Recorder::new();
    let mut builder = builder().observer(recorder.clone());
    for (name, wat, world, config) in guests {
        let bytes = component::bytes(&wat.text(world == BACKEND), world);
        let guest = component::load(&bytes).expect("it loads");
        builder = builder.guest(name, guest, config);
    }
    (builder.start().await.expect("it starts"), recorder)
}

const BACKEND: &str = "virtual-backend-plugin";

/// How many lines the events say were dropped.
fn dropped(recorder: &Recorder) -> u64 {
    let events = recorder.events().into_iter();
    let lines = events.filter_map(|event| match event {
        HostEvent::GuestLogDropped { lines, .. } => Some(lines),
        _ => None,
    });
    lines.sum()
}

#[tokio::test(start_paused = true)]
async fn refusals_count_against_the_plugins_rate() {
    let (lines, _guard) = Lines::taken();
    let mut config = granted();
    config.limits.log_lines = 100;
    config.limits.listeners = 0;
    let (_host, recorder) = told(vec![("flood", worst::refused(), BACKEND, config)]).await;
    // As long as it takes for the first second to be over.
    recorder
        .wait_for(|event| matches!(event, HostEvent::GuestLogDropped { .. }))
        .await;
    tokio::time::sleep(Duration::from_millis(3_500)).await;
    let refused = recorder.count(|event| matches!(event, HostEvent::RegistrationRefused { .. }));
    let written = lines.with("registration refused");
    assert!(refused > 10_000, "an observer sees each: {refused}");
    assert!((300..=600).contains(&written), "{written} written");
    let dropped = dropped(&recorder);
    let in_time = refused as u64 - written as u64;
    // Those of the second that has not ended are not told of yet.
    assert!(dropped > 0 && dropped <= in_time, "{dropped} of {in_time}");
    assert!(lines.bytes() < 200_000, "{}", lines.bytes());
}

#[tokio::test(start_paused = true)]
async fn all_instances_of_a_plugin_have_one_rate() {
    let talks = Wat {
        enable: TALKS_ENABLE,
        ..Wat::default()
    };
    let mut config = granted();
    config.instances = Instances::PerSession;
    config.limits.log_lines = 10;
    let (host, recorder) = told(vec![("talks", talks, BACKEND, config)]).await;
    let mut players = Vec::new();
    for number in 0..5 {
        players.push(RawClient::join(&host, 340, &format!("player{number}")).await);
    }
    for number in 0..5 {
        recorder
            .wait_for_nth(number + 1, |event| {
                matches!(event, HostEvent::SessionStarted { .. })
            })
            .await;
    }
    host.shutdown("over").await;
    let written = recorder.lines().len() as u64;
    assert_eq!((written, dropped(&recorder)), (10, 6 * 8 - 10));
}

/// Registers, and says something eight times.
const TALKS_ENABLE: &str = "
    (call $subscribe (i32.const 3) (i32.const 0) (i32.const 256))
    (call $register (i32.const 32) (i32.const 3) (i32.const 1) (i32.const 256))
    (call $log (i32.const 2) (i32.const 32) (i32.const 3))
    (call $log (i32.const 2) (i32.const 32) (i32.const 3))
    (call $log (i32.const 2) (i32.const 32) (i32.const 3))
    (call $log (i32.const 2) (i32.const 32) (i32.const 3))
    (call $log (i32.const 2) (i32.const 32) (i32.const 3))
    (call $log (i32.const 2) (i32.const 32) (i32.const 3))
    (call $log (i32.const 2) (i32.const 32) (i32.const 3))
    (call $log (i32.const 2) (i32.const 32) (i32.const 3))";

#[tokio::test(start_paused = true)]
async fn bytes_of_lines_have_an_edge() {
    const ENABLE: &str = "
    (call $log (i32.const 2) (i32.const 32) (i32.const 3))
    (call $log (i32.const 2) (i32.const 32) (i32.const 3))
    (call $log (i32.const 2) (i32.const 32) (i32.const 3))";
    for (log_bytes, lines) in [(9, 3), (8, 2), (6, 2), (0, 0)] {
        let mut config = PluginConfig::default();
        config.limits.log_bytes = log_bytes;
        let guest = Wat {
            imports: LOG,
            enable: ENABLE,
            ..Wat::default()
        };
        let (_host, recorder) = told(vec![("talks", guest, "plugin", config)]).await;
        assert_eq!(recorder.lines().len(), lines, "{log_bytes}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_trap_is_written_though_its_plugin_has_used_up_its_rate() {
    let (lines, _guard) = Lines::taken();
    let guest = Wat {
        imports: LOG,
        enable: "(call $log (i32.const 2) (i32.const 32) (i32.const 3)) (unreachable)",
        ..Wat::default()
    };
    let mut config = PluginConfig::default();
    config.limits.log_lines = 0;
    let (_host, recorder) = told(vec![("traps", guest, "plugin", config)]).await;
    recorder
        .wait_for(|event| matches!(event, HostEvent::Trap { .. }))
        .await;
    assert!(recorder.lines().is_empty());
    assert!(lines.with("trap: ") > 0);
}

#[tokio::test(start_paused = true)]
async fn a_reason_of_60_mib_is_refused_and_shuts_the_gate() {
    let (lines, _guard) = Lines::taken();
    let (host, recorder) = told(vec![("long", worst::long_reason(), BACKEND, granted())]).await;
    for player in ["first", "second"] {
        RawClient::refusal(&host, 340, player).await;
    }
    let why = "a reason of `send-to-limbo` has at most 256 bytes, this one has 62914560";
    let denied = recorder
        .wait_for_nth(2, |event| matches!(event, HostEvent::Denied { .. }))
        .await;
    let HostEvent::Denied { reason, .. } = denied else {
        unreachable!()
    };
    assert_eq!(reason, DenyReason::ListenerFailed(why.to_owned()));
    assert!(lines.with(why) > 0 && lines.bytes() < 4_096);
}

#[tokio::test(start_paused = true)]
async fn texts_of_answers_pass_up_to_their_edge() {
    for (answer, bytes, passes) in [
        ("limbo", 256, true),
        ("limbo", 257, false),
        ("connect-to", 255, true),
        ("connect-to", 256, false),
    ] {
        let text = format!("{answer}:{}", "a".repeat(bytes));
        let probe = Probe::start(&[("answer", &text)]).await;
        let mut client = RawClient::connect(&probe.host, 340, "player").await;
        let _ = client.enter().await;
        let decided = |event: &HostEvent| {
            matches!(
                event,
                HostEvent::SessionStarted { .. } | HostEvent::Denied { .. }
            )
        };
        let decided = probe.recorder.wait_for(decided).await;
        let entered = matches!(decided, HostEvent::SessionStarted { .. });
        assert_eq!(entered, passes && answer == "limbo", "{answer} {bytes}");
        let failed = probe.recorder.count(|event| {
            matches!(
                event,
                HostEvent::Denied {
                    reason: DenyReason::ListenerFailed(_),
                    ..
                }
            )
        });
        assert_eq!(failed, usize::from(!passes), "{answer} {bytes}");
    }
}

/// Says something of its own where it fails.
struct Says(String);

impl NativePlugin for Says {
    fn on_enable<'a>(&'a self, registrar: &'a mut Registrar) -> BoxFuture<'a, Result<(), String>> {
        let subscribed = registrar.subscribe(EventKind::ServerPreConnect, 0);
        Box::pin(std::future::ready(
            subscribed.map(drop).map_err(|error| error.to_string()),
        ))
    }

    fn handle_event<'a>(&'a self, _: ListenerId, _: &'a Event) -> BoxFuture<'a, EventOutcome> {
        let text = Text::Json(self.0.clone());
        let result = ServerPreConnectResult::Denied(text);
        Box::pin(std::future::ready(EventOutcome::ServerPreConnect(result)))
    }
}

#[tokio::test(start_paused = true)]
async fn words_of_a_plugin_in_words_of_the_host_are_of_one_line() {
    let recorder = Recorder::new();
    let host = builder()
        .native(
            "says",
            Arc::new(Says("{\n\u{202e}forged".to_owned())),
            granted(),
        )
        .observer(recorder.clone())
        .start()
        .await
        .expect("it starts");
    RawClient::refusal(&host, 340, "player").await;
    let note = recorder
        .wait_for(|event| matches!(event, HostEvent::Note { .. }))
        .await;
    let HostEvent::Note { text, .. } = note else {
        unreachable!()
    };
    assert!(
        text.starts_with("the reason for the player is not valid"),
        "{text}"
    );
    assert!(!text.contains(['\n', '\u{202e}']), "{text}");
}

#[tokio::test(start_paused = true)]
async fn an_error_of_on_enable_is_cut_and_of_one_line() {
    // The error is as long as the memory from here on: zeros, which are text.
    let guest = Wat {
        imports: LOG,
        enable: "
    (i32.store8 (i32.const 160) (i32.const 1))
    (i32.store (i32.const 164) (i32.const 2048))
    (i32.store (i32.const 168) (i32.const 100000))",
        ..Wat::default()
    };
    let (_host, recorder) = told(vec![("off", guest, "plugin", PluginConfig::default())]).await;
    let is_off = |event: &HostEvent| {
        matches!(
            event,
            HostEvent::Plugin {
                state: PluginState::Off { .. },
                ..
            }
        )
    };
    let off = tokio::time::timeout(LONG, recorder.wait_for(is_off)).await;
    let Ok(HostEvent::Plugin {
        state: PluginState::Off { reason },
        ..
    }) = off
    else {
        panic!("{off:?}")
    };
    assert!(
        reason.contains("\\u{0}\\u{0}") && reason.ends_with(CUT),
        "{reason}"
    );
    assert!(reason.len() < SHOWN_BYTES + 64, "{}", reason.len());
}
