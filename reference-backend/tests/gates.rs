//! Who is asked first, and which gates stay shut for whom: before a plugin has come up, while it is down, and when it has
//! come back.

mod support;

use reference_backend::{
    BoxFuture, Capability, DenyReason, Event, EventKind, EventOutcome, HandlerId, Host, HostEvent,
    ListenerId, NativePlugin, PlayerId, PluginConfig, PluginState, RawPacket, Registrar,
    ServerPreConnectResult, VirtualBackendHandler, VirtualBackendSession,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use support::raw::RawClient;
use support::wat::{LOG, Wat};
use support::{Recorder, builder, component, granted};

/// Imports of a guest that subscribes, schedules and reads its configuration.
const IMPORTS: &str = r#"
  (import "infrarust:plugin/event-bus@0.4.0-vb.1" "subscribe" (func $subscribe (param i32 i32 i32)))
  (import "infrarust:plugin/scheduler@0.4.0-vb.1" "schedule" (func $schedule (param i64 i32)))
  (import "infrarust:plugin/config-service@0.4.0-vb.1" "get" (func $get (param i32 i32 i32)))"#;

/// Traps when the configuration has the key `wat`.
macro_rules! trap_if_told {
    () => {
        "(call $get (i32.const 32) (i32.const 3) (i32.const 256))
         (if (i32.load8_u (i32.const 256)) (then (unreachable)))"
    };
}

/// Subscribes to an event, by its number in the contract.
macro_rules! subscribe {
    ($kind:literal) => {
        concat!(
            "(call $subscribe (i32.const ",
            $kind,
            ") (i32.const 0) (i32.const 256))"
        )
    };
}

/// Traps in a task, 5 ms later.
const TRAP_SOON: &str = "(call $schedule (i64.const 5) (i32.const 256))";

const NO_OPINION: &str = "(i32.const 192)";

fn wat(enable: &'static str) -> Wat {
    Wat {
        imports: IMPORTS,
        enable,
        event: NO_OPINION,
        task: "(unreachable)",
        ..Wat::default()
    }
}

fn guest(enable: &'static str) -> reference_backend::GuestComponent {
    component::plain(&wat(enable).text(false))
}

fn told_to_trap() -> PluginConfig {
    let mut config = PluginConfig::default();
    config.config.insert("wat".to_owned(), "trap".to_owned());
    config
}

/// Lets everybody in, to a handler that does nothing.
struct Open;

impl VirtualBackendHandler for Open {
    fn name(&self) -> &str {
        "open"
    }
    fn on_session_start<'a>(&'a self, _: &'a dyn VirtualBackendSession) -> BoxFuture<'a, ()> {
        Box::pin(std::future::ready(()))
    }
    fn on_packet_received<'a>(
        &'a self,
        _: &'a dyn VirtualBackendSession,
        _: &'a RawPacket,
    ) -> BoxFuture<'a, ()> {
        Box::pin(std::future::ready(()))
    }
    fn on_session_end(&self, _: PlayerId) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

impl NativePlugin for Open {
    fn on_enable<'a>(&'a self, registrar: &'a mut Registrar) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            for kind in EventKind::GATES {
                let subscribed = registrar.subscribe(kind, 100);
                subscribed.map_err(|error| error.to_string())?;
            }
            let registered =
                registrar.register_virtual_backend_handler(HandlerId(1), Arc::new(Open));
            registered.map_err(|error| error.to_string())
        })
    }

    fn handle_event<'a>(&'a self, _: ListenerId, event: &'a Event) -> BoxFuture<'a, EventOutcome> {
        let marker = ServerPreConnectResult::VirtualBackend(HandlerId(1));
        Box::pin(std::future::ready(match event {
            Event::ServerPreConnect(_) => EventOutcome::ServerPreConnect(marker),
            _ => EventOutcome::NoOpinion,
        }))
    }
}

/// Does not come up, before it has subscribed to anything.
struct Refuses;

impl NativePlugin for Refuses {
    fn on_enable<'a>(&'a self, _: &'a mut Registrar) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(std::future::ready(Err("no database".to_owned())))
    }
    fn handle_event<'a>(&'a self, _: ListenerId, _: &'a Event) -> BoxFuture<'a, EventOutcome> {
        Box::pin(std::future::ready(EventOutcome::NoOpinion))
    }
}

/// A plugin `gate` that is a guest, and one that lets everybody in and is asked before it.
async fn with_guest(enable: &'static str, config: PluginConfig) -> (Host, Arc<Recorder>) {
    let recorder = Recorder::new();
    let host = builder()
        .guest("gate", guest(enable), config)
        .native("open", Arc::new(Open), granted())
        .observer(recorder.clone())
        .start()
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    (host, recorder)
}

async fn with_native(plugin: Arc<dyn NativePlugin>, config: PluginConfig) -> (Host, Arc<Recorder>) {
    let recorder = Recorder::new();
    let host = builder()
        .native("gate", plugin, config)
        .native("open", Arc::new(Open), granted())
        .observer(recorder.clone())
        .start()
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    (host, recorder)
}

fn of_state(wanted: impl Fn(&PluginState) -> bool) -> impl Fn(&HostEvent) -> bool {
    move |event| matches!(event, HostEvent::Plugin { plugin, state, .. } if plugin == "gate" && wanted(state))
}

fn enabled() -> impl Fn(&HostEvent) -> bool {
    of_state(|state| matches!(state, PluginState::Enabled { .. }))
}

fn restarting() -> impl Fn(&HostEvent) -> bool {
    of_state(|state| matches!(state, PluginState::Restarting { .. }))
}

/// Which event turned a player away and why; none when there is a session.
async fn knock(host: &Host, recorder: &Recorder) -> Option<(EventKind, DenyReason)> {
    let mark = recorder.events().len();
    let mut client = RawClient::connect(host, 770, "knock").await;
    let entered = client.enter().await;
    client.leave();
    let denied = recorder
        .events()
        .into_iter()
        .skip(mark)
        .find_map(|event| match event {
            HostEvent::EventDecided {
                event,
                outcome: Err(reason),
                ..
            } => Some((event, reason)),
            _ => None,
        });
    assert_eq!(denied.is_none(), entered.is_ok(), "{entered:?}");
    denied
}

const PRE_LOGIN: Option<(EventKind, DenyReason)> =
    Some((EventKind::PreLogin, DenyReason::HeldShut));
const PRE_CONNECT: Option<(EventKind, DenyReason)> =
    Some((EventKind::ServerPreConnect, DenyReason::HeldShut));

fn stated(table: &str) -> PluginConfig {
    let text = format!("[plugins.gate]\n{table}");
    let mut config = reference_backend::HostConfig::parse(&text, "host.toml")
        .unwrap_or_else(|error| panic!("{error}"));
    config.plugins.remove("gate").expect("it is there")
}

#[tokio::test(start_paused = true)]
async fn until_it_has_once_come_up_a_plugin_keeps_every_gate_shut() {
    let (host, recorder) = with_guest(trap_if_told!(), told_to_trap()).await;
    assert_eq!(knock(&host, &recorder).await, PRE_LOGIN);
    recorder.wait_for_nth(2, restarting()).await;
    assert_eq!(knock(&host, &recorder).await, PRE_LOGIN);
    host.set_plugin_table("gate", BTreeMap::new())
        .expect("it fits");
    recorder.wait_for(enabled()).await;
    assert_eq!(knock(&host, &recorder).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_plugin_in_quarantine_that_never_came_up_lets_nobody_in() {
    let (host, recorder) = with_guest("(unreachable)", PluginConfig::default()).await;
    recorder
        .wait_for(of_state(|state| *state == PluginState::Quarantined))
        .await;
    assert_eq!(knock(&host, &recorder).await, PRE_LOGIN);
}

#[tokio::test(start_paused = true)]
async fn one_that_came_up_holds_what_it_had_subscribed_to_and_no_more() {
    // Comes up without a listener, and traps.
    let (host, recorder) = with_guest(TRAP_SOON, PluginConfig::default()).await;
    recorder.wait_for(restarting()).await;
    assert_eq!(knock(&host, &recorder).await, None);
}

#[tokio::test(start_paused = true)]
async fn the_table_says_which_gates_are_shut_while_the_plugin_is_down() {
    for (table, shut) in [
        ("gates = [\"pre-login\"]", PRE_LOGIN),
        ("gates = [\"server-pre-connect\"]", PRE_CONNECT),
        ("gates = [\"server-pre-connect\", \"pre-login\"]", PRE_LOGIN),
        ("gates = []", None),
        ("required = true", PRE_LOGIN),
        ("required = false", None),
    ] {
        // Before it has come up, and when it has fallen.
        for enable in ["(unreachable)", TRAP_SOON] {
            let (host, recorder) = with_guest(enable, stated(table)).await;
            recorder.wait_for(restarting()).await;
            assert_eq!(knock(&host, &recorder).await, shut, "{table}: {enable}");
        }
        // While it is up it says itself what it holds.
        let (host, recorder) = with_guest("", stated(table)).await;
        assert_eq!(knock(&host, &recorder).await, None, "{table}");
        let (host, recorder) = with_native(Arc::new(Refuses), stated(table)).await;
        assert_eq!(knock(&host, &recorder).await, shut, "{table}: native");
    }
}

#[tokio::test(start_paused = true)]
async fn no_gates_in_the_table_does_not_open_one_that_was_subscribed_to() {
    const SUBSCRIBED: &str = concat!(subscribe!(3), "(unreachable)");
    let mut config = stated("gates = []");
    let recorder = Recorder::new();
    config.permissions.clear();
    let host = builder()
        .guest("gate", guest(SUBSCRIBED), config)
        .observer(recorder.clone())
        .start()
        .await
        .unwrap();
    let denied = knock(&host, &recorder).await;
    assert_eq!(
        denied,
        Some((EventKind::ServerPreConnect, DenyReason::PluginDown))
    );
}

#[tokio::test(start_paused = true)]
async fn one_that_does_not_come_back_leaves_its_own_gates_and_its_predecessors_shut() {
    // The first instance holds the second gate, its successors get as far as the first.
    const ENABLE: &str = concat!(
        "(call $get (i32.const 32) (i32.const 3) (i32.const 256))
         (if (i32.load8_u (i32.const 256)) (then ",
        subscribe!(0),
        "(unreachable)))",
        subscribe!(3),
        "(call $schedule (i64.const 5) (i32.const 256))"
    );
    let recorder = Recorder::new();
    let host = builder()
        .guest("gate", guest(ENABLE), PluginConfig::default())
        .observer(recorder.clone())
        .start()
        .await
        .unwrap();
    recorder.wait_for(restarting()).await;
    let second = Some((EventKind::ServerPreConnect, DenyReason::PluginDown));
    assert_eq!(knock(&host, &recorder).await, second);
    host.set_plugin_table("gate", told_to_trap().config)
        .expect("it fits");
    recorder.wait_for_nth(2, restarting()).await;
    let first = Some((EventKind::PreLogin, DenyReason::PluginDown));
    assert_eq!(knock(&host, &recorder).await, first);
    // What comes up again holds what it says itself.
    host.set_plugin_table("gate", BTreeMap::new())
        .expect("it fits");
    recorder.wait_for_nth(3, restarting()).await;
    recorder.wait_for_nth(2, enabled()).await;
    recorder.wait_for_nth(4, restarting()).await;
    assert_eq!(knock(&host, &recorder).await, second);
}

#[tokio::test(start_paused = true)]
async fn a_plugin_that_cannot_listen_holds_no_gate_unless_its_table_says_so() {
    let deaf = Wat {
        imports: LOG,
        enable: "(unreachable)",
        event: NO_OPINION,
        ..Wat::default()
    };
    for (table, shut) in [("", None), ("required = true", PRE_LOGIN)] {
        let recorder = Recorder::new();
        let host = builder()
            .guest("gate", component::plain(&deaf.text(false)), stated(table))
            .native("open", Arc::new(Open), granted())
            .observer(recorder.clone())
            .start()
            .await
            .unwrap();
        assert_eq!(knock(&host, &recorder).await, shut, "{table}");
        let mut config = stated(table);
        config.deny = vec![Capability::EventBus];
        let (host, recorder) = with_native(Arc::new(Refuses), config).await;
        assert_eq!(knock(&host, &recorder).await, shut, "{table}: native");
    }
}

/// Who was asked at server-pre-connect since a mark, in order.
fn asked(recorder: &Recorder, mark: usize) -> Vec<(String, u32)> {
    let events = recorder.events().into_iter().skip(mark);
    events
        .filter_map(|event| match event {
            HostEvent::ListenerAnswered {
                plugin,
                listener,
                event: EventKind::ServerPreConnect,
                ..
            } => Some((plugin, listener.0)),
            _ => None,
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_plugin_that_comes_back_stands_where_it_stood() {
    // Each has two listeners of one priority, and no opinion.
    const TWICE: &str = concat!(subscribe!(3), subscribe!(3));
    const TWICE_AND_TRAP: &str = concat!(
        subscribe!(3),
        subscribe!(3),
        "(call $schedule (i64.const 5) (i32.const 256))"
    );
    let recorder = Recorder::new();
    let host = builder()
        .same_ids()
        .guest("before", guest(TWICE), PluginConfig::default())
        .guest("gate", guest(TWICE_AND_TRAP), PluginConfig::default())
        .guest("after", guest(TWICE), PluginConfig::default())
        .observer(recorder.clone())
        .start()
        .await
        .unwrap();
    let order = |of: &[&str]| -> Vec<(String, u32)> {
        let twice = |plugin: &&str| [1, 2].map(|listener| ((*plugin).to_owned(), listener));
        of.iter().flat_map(twice).collect()
    };
    for restarts in 0..3 {
        if restarts > 0 {
            recorder.wait_for_nth(restarts, restarting()).await;
            recorder.wait_for_nth(restarts + 1, enabled()).await;
        }
        let mark = recorder.events().len();
        let mut client = RawClient::connect(&host, 770, "order").await;
        let told = client.enter().await;
        assert!(told.is_err_and(|told| told.contains("no server available")));
        assert_eq!(
            asked(&recorder, mark),
            order(&["before", "gate", "after"]),
            "{restarts}"
        );
        // Down, it is in its place too.
        recorder.wait_for_nth(restarts + 1, restarting()).await;
        let mark = recorder.events().len();
        RawClient::connect(&host, 770, "down")
            .await
            .enter()
            .await
            .unwrap_err();
        let upto_gate = &order(&["before", "gate"])[..3];
        assert_eq!(asked(&recorder, mark), upto_gate, "{restarts}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_is_subscribed_late_stands_with_its_plugin() {
    let late = Wat {
        task: subscribe!(3),
        ..wat(concat!(
            subscribe!(3),
            "(call $schedule (i64.const 5) (i32.const 256))"
        ))
    };
    let recorder = Recorder::new();
    let host = builder()
        .same_ids()
        .guest(
            "gate",
            component::plain(&late.text(false)),
            PluginConfig::default(),
        )
        .guest("other", guest(subscribe!(3)), PluginConfig::default())
        .observer(recorder.clone())
        .start()
        .await
        .unwrap();
    let task = |event: &HostEvent| matches!(event, HostEvent::TaskRun { .. });
    recorder.wait_for(task).await;
    let mark = recorder.events().len();
    RawClient::connect(&host, 770, "late")
        .await
        .enter()
        .await
        .unwrap_err();
    let order = [("gate", 1), ("gate", 2), ("other", 1)];
    assert_eq!(
        asked(&recorder, mark),
        order.map(|(plugin, listener)| (plugin.to_owned(), listener))
    );
}

/// Takes a second at pre-login, and has no opinion.
struct Slow;

impl NativePlugin for Slow {
    fn on_enable<'a>(&'a self, registrar: &'a mut Registrar) -> BoxFuture<'a, Result<(), String>> {
        let subscribed = registrar.subscribe(EventKind::PreLogin, 100).map(drop);
        Box::pin(std::future::ready(
            subscribed.map_err(|error| error.to_string()),
        ))
    }
    fn handle_event<'a>(&'a self, _: ListenerId, _: &'a Event) -> BoxFuture<'a, EventOutcome> {
        Box::pin(async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            EventOutcome::NoOpinion
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_listener_of_an_instance_that_is_gone_is_not_asked_of_its_successor() {
    const SUBSCRIBE: &str = subscribe!(0);
    const TRAP_ONCE: &str = concat!(
        subscribe!(0),
        "(call $get (i32.const 32) (i32.const 3) (i32.const 256))
         (if (i32.load8_u (i32.const 256))
           (then (call $schedule (i64.const 100) (i32.const 256))))"
    );
    for (enable, denied) in [
        (SUBSCRIBE, None),
        (
            TRAP_ONCE,
            Some((EventKind::PreLogin, DenyReason::PluginDown)),
        ),
    ] {
        let recorder = Recorder::new();
        let host = builder()
            .native("slow", Arc::new(Slow), PluginConfig::default())
            .guest("gate", guest(enable), told_to_trap())
            .native("open", Arc::new(Open), granted())
            .observer(recorder.clone())
            .start()
            .await
            .unwrap();
        host.set_plugin_table("gate", BTreeMap::new())
            .expect("it fits");
        // Comes to the guest's listener when the guest has been restarted in between.
        assert_eq!(knock(&host, &recorder).await, denied);
        assert_eq!(knock(&host, &recorder).await, None);
    }
}
