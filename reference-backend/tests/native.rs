//! Native plugins and handlers: order, buffering, deadlines, floods, and what each answer does.

mod support;

use reference_backend::{
    BoxFuture, Callback, Capability, DenyReason, EndCause, Event, EventKind, EventOutcome,
    HandlerId, Host, HostConfig, HostEvent, ListenerId, NativePlugin, PlayerErrorKind, PlayerId,
    PluginConfig, PluginState, PreLoginResult, RawPacket, Registrar, RegistrationErrorKind,
    ServerConfig, ServerPreConnectResult, Text, VirtualBackendHandler, VirtualBackendSession,
};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::raw::RawClient;
use support::{Recorder, artifact, builder, granted};
use tokio::sync::Semaphore;

/// A handler that waits for permits, and remembers.
struct Gate {
    starts: Semaphore,
    packets: Semaphore,
    seen: Mutex<Vec<RawPacket>>,
    ends: Mutex<Vec<PlayerId>>,
    session: Mutex<Option<Arc<dyn VirtualBackendSession>>>,
}

impl Gate {
    fn new(starts: usize, packets: usize) -> Arc<Self> {
        Arc::new(Self {
            starts: Semaphore::new(starts),
            packets: Semaphore::new(packets),
            seen: Mutex::default(),
            ends: Mutex::default(),
            session: Mutex::default(),
        })
    }

    fn session(&self) -> Arc<dyn VirtualBackendSession> {
        self.session
            .lock()
            .expect("no test panicked")
            .clone()
            .expect("a session has started")
    }

    fn seen(&self) -> usize {
        self.seen.lock().expect("no test panicked").len()
    }

    fn ends(&self) -> usize {
        self.ends.lock().expect("no test panicked").len()
    }
}

const OPEN: usize = Semaphore::MAX_PERMITS;

impl VirtualBackendHandler for Gate {
    fn name(&self) -> &str {
        "gate"
    }

    fn on_session_start<'a>(&'a self, session: &'a dyn VirtualBackendSession) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            *self.session.lock().expect("no test panicked") = Some(session.handle());
            self.starts.acquire().await.expect("never closed").forget();
        })
    }

    fn on_packet_received<'a>(
        &'a self,
        _session: &'a dyn VirtualBackendSession,
        packet: &'a RawPacket,
    ) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            self.packets.acquire().await.expect("never closed").forget();
            self.seen
                .lock()
                .expect("no test panicked")
                .push(packet.clone());
        })
    }

    fn on_session_end(&self, player: PlayerId) -> BoxFuture<'_, ()> {
        Box::pin(async move { self.ends.lock().expect("no test panicked").push(player) })
    }
}

/// A plugin that answers what it is told to.
struct Answers {
    listeners: Vec<(EventKind, i16)>,
    handler: Option<(HandlerId, Arc<dyn VirtualBackendHandler>)>,
    answer: Box<dyn Fn(&Event) -> EventOutcome + Send + Sync>,
}

impl NativePlugin for Answers {
    fn on_enable<'a>(&'a self, registrar: &'a mut Registrar) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            for (kind, priority) in &self.listeners {
                registrar
                    .subscribe(*kind, *priority)
                    .map_err(|error| error.to_string())?;
            }
            if let Some((id, handler)) = &self.handler {
                registrar
                    .register_virtual_backend_handler(*id, Arc::clone(handler))
                    .map_err(|error| error.to_string())?;
            }
            Ok(())
        })
    }

    fn handle_event<'a>(&'a self, _: ListenerId, event: &'a Event) -> BoxFuture<'a, EventOutcome> {
        Box::pin(async move { (self.answer)(event) })
    }
}

fn pre_connect(priority: i16, result: ServerPreConnectResult) -> Arc<Answers> {
    Arc::new(Answers {
        listeners: vec![(EventKind::ServerPreConnect, priority)],
        handler: None,
        answer: Box::new(move |_| EventOutcome::ServerPreConnect(result.clone())),
    })
}

fn serving(gate: &Arc<Gate>) -> Arc<Answers> {
    Arc::new(Answers {
        listeners: vec![(EventKind::ServerPreConnect, 0)],
        handler: Some((HandlerId(1), Arc::clone(gate) as _)),
        answer: Box::new(|_| {
            EventOutcome::ServerPreConnect(ServerPreConnectResult::VirtualBackend(HandlerId(1)))
        }),
    })
}

async fn host(gate: &Arc<Gate>, config: PluginConfig) -> (Host, Arc<Recorder>) {
    let recorder = Recorder::new();
    let host = builder()
        .native("gate", serving(gate), config)
        .observer(recorder.clone())
        .start()
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    (host, recorder)
}

#[tokio::test(start_paused = true)]
async fn packets_that_come_during_the_start_come_after_it_in_order() {
    let gate = Gate::new(0, OPEN);
    let (host, recorder) = host(&gate, granted()).await;
    let mut client = RawClient::join(&host, 340, "early").await;
    for n in 0..200u8 {
        client.send(1, &[n]).await;
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(gate.seen(), 0);
    gate.starts.add_permits(1);
    recorder
        .wait_for_nth(200, |event| matches!(event, HostEvent::PacketIn { .. }))
        .await;
    client.leave();
    recorder
        .wait_for(|event| matches!(event, HostEvent::Closed { .. }))
        .await;
    let seen: Vec<u8> = gate
        .seen
        .lock()
        .unwrap()
        .iter()
        .map(|packet| packet.data[0])
        .collect();
    assert_eq!(seen, (0..200).collect::<Vec<u8>>());
}

#[tokio::test(start_paused = true)]
async fn past_the_buffer_the_socket_is_not_read_and_nothing_is_lost() {
    let gate = Gate::new(0, OPEN);
    let mut config = granted();
    config.limits.buffered_packets = 4;
    let (host, recorder) = host(&gate, config).await;
    let mut client = RawClient::join(&host, 340, "flood").await;
    // More than buffers and pipe hold: the client is held up until the start returns.
    let sending = async {
        for n in 0..2000u32 {
            client
                .send(1, &[&n.to_le_bytes()[..], &[0; 200]].concat())
                .await;
        }
    };
    let release = async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(gate.seen(), 0);
        gate.starts.add_permits(1);
    };
    let start = tokio::time::Instant::now();
    tokio::join!(sending, release);
    assert!(start.elapsed() >= Duration::from_secs(3));
    recorder
        .wait_for_nth(2000, |event| matches!(event, HostEvent::PacketIn { .. }))
        .await;
    client.leave();
    recorder
        .wait_for(|event| matches!(event, HostEvent::Closed { .. }))
        .await;
    let seen = gate.seen.lock().unwrap();
    assert!(
        seen.iter()
            .enumerate()
            .all(|(n, packet)| packet.data[..4] == (n as u32).to_le_bytes())
    );
    assert_eq!(seen.len(), 2000);
}

#[tokio::test(start_paused = true)]
async fn what_a_waiting_start_sends_is_delivered_meanwhile() {
    let gate = Gate::new(0, OPEN);
    let (host, _recorder) = host(&gate, granted()).await;
    let mut client = RawClient::join(&host, 770, "eager").await;
    tokio::time::sleep(Duration::from_millis(1)).await;
    let packet = RawPacket {
        packet_id: 3,
        data: vec![1, 2].into(),
    };
    gate.session().send_packet(packet).unwrap();
    assert_eq!(client.next().await.unwrap(), (3, vec![1, 2].into()));
}

#[tokio::test(start_paused = true)]
async fn a_start_that_never_returns_ends_with_a_reason() {
    let gate = Gate::new(0, OPEN);
    let (host, recorder) = host(&gate, granted()).await;
    let start = tokio::time::Instant::now();
    let mut client = RawClient::join(&host, 770, "patient").await;
    assert!(client.kicked().await.contains("did not start in time"));
    assert_eq!(start.elapsed().as_secs(), 10);
    recorder
        .wait_for(|event| {
            matches!(
                event,
                HostEvent::SessionEnded {
                    cause: EndCause::StartDeadline,
                    notified: true,
                    ..
                }
            )
        })
        .await;
    recorder
        .wait_for(|event| matches!(event, HostEvent::Closed { .. }))
        .await;
    assert_eq!(gate.ends(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_callback_that_hangs_does_not_keep_an_ended_session() {
    let gate = Gate::new(OPEN, 0);
    let (host, recorder) = host(&gate, granted()).await;
    let mut client = RawClient::join(&host, 340, "gone").await;
    client.send(1, b"x").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let left = tokio::time::Instant::now();
    client.leave();
    recorder
        .wait_for(|event| matches!(event, HostEvent::SessionEnded { .. }))
        .await;
    assert!(
        left.elapsed() <= Duration::from_secs(1),
        "{:?}",
        left.elapsed()
    );
    assert_eq!((gate.seen(), gate.ends()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_reads_fills_its_queue_and_is_dropped() {
    let gate = Gate::new(OPEN, OPEN);
    let mut config = granted();
    config.limits.queue_packets = 100;
    let (host, recorder) = host(&gate, config).await;
    let _client = RawClient::join(&host, 340, "deaf").await;
    recorder
        .wait_for(|event| matches!(event, HostEvent::SessionStarted { .. }))
        .await;
    tokio::task::yield_now().await;
    let session = gate.session();
    let packet = || RawPacket {
        packet_id: 3,
        data: vec![0; 10_000].into(),
    };
    // Without a turn for the pump none is taken out, so the edge is exact.
    for n in 0..100 {
        session
            .send_packet(packet())
            .unwrap_or_else(|error| panic!("{n}: {error}"));
    }
    let error = session.send_packet(packet()).unwrap_err();
    assert_eq!(error.kind, PlayerErrorKind::SendFailed, "{error}");
    let start = tokio::time::Instant::now();
    let ended = recorder
        .wait_for(|event| matches!(event, HostEvent::SessionEnded { .. }))
        .await;
    assert!(
        matches!(
            ended,
            HostEvent::SessionEnded {
                cause: EndCause::ClientStalled,
                ..
            }
        ),
        "{ended:?}"
    );
    assert_eq!(start.elapsed().as_secs(), 30);
    let error = session.send_packet(packet()).unwrap_err();
    assert_eq!(error.kind, PlayerErrorKind::SessionEnded, "{error}");
    assert_eq!(gate.ends(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_queue_is_bounded_in_bytes_too() {
    let gate = Gate::new(OPEN, OPEN);
    let mut config = granted();
    config.limits.queue_bytes = 1024;
    let (host, recorder) = host(&gate, config).await;
    let mut client = RawClient::join(&host, 340, "small").await;
    recorder
        .wait_for(|event| matches!(event, HostEvent::SessionStarted { .. }))
        .await;
    tokio::task::yield_now().await;
    let packet = |size: usize| RawPacket {
        packet_id: 3,
        data: vec![0; size].into(),
    };
    let session = gate.session();
    assert!(session.send_packet(packet(1025)).is_err());
    session.send_packet(packet(1024)).unwrap();
    let batch = session
        .send_packets(vec![packet(1), packet(1)])
        .unwrap_err();
    assert_eq!(
        (batch.index, batch.error.kind),
        (0, PlayerErrorKind::SendFailed)
    );
    assert_eq!(client.next().await.unwrap().1.len(), 1024);
    let batch = session
        .send_packets(vec![packet(600), packet(600)])
        .unwrap_err();
    assert_eq!(
        (batch.index, batch.error.kind),
        (1, PlayerErrorKind::SendFailed)
    );
    session
        .send_packets(vec![packet(500), packet(500)])
        .unwrap();
    assert_eq!(client.next().await.unwrap().1.len(), 500);
}

#[tokio::test(start_paused = true)]
async fn a_flooding_client_delays_no_other_session() {
    let gate = Gate::new(OPEN, OPEN);
    let (host, _recorder) = host(&gate, granted()).await;
    let mut flood = RawClient::join(&host, 340, "flood").await;
    let mut calm = RawClient::join(&host, 340, "calm").await;
    let flooding = tokio::spawn(async move {
        for _ in 0..20_000u32 {
            flood.send(1, &[0; 8]).await;
        }
        flood
    });
    tokio::task::yield_now().await;
    let before = gate.seen();
    calm.send(2, b"calm").await;
    loop {
        let seen = gate.seen.lock().unwrap().clone();
        if seen.iter().any(|packet| packet.packet_id == 2) {
            break;
        }
        // The flood may not get through whole before one packet of somebody else.
        assert!(seen.len() < before + 5_000, "{}", seen.len());
        tokio::task::yield_now().await;
    }
    flooding.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn each_answer_does_what_it_says() {
    let cases = [
        (
            ServerPreConnectResult::Allowed,
            DenyReason::NoServer,
            "no server available",
        ),
        (
            ServerPreConnectResult::ConnectTo("nowhere".to_owned()),
            DenyReason::UnknownServer("nowhere".to_owned()),
            "does not exist",
        ),
        (
            ServerPreConnectResult::ConnectTo("survival".to_owned()),
            DenyReason::NoConnector("survival".to_owned()),
            "cannot be reached",
        ),
        (
            ServerPreConnectResult::Denied(Text::plain("go away")),
            DenyReason::ByPlugin,
            "go away",
        ),
        (
            ServerPreConnectResult::VirtualBackend(HandlerId(9)),
            DenyReason::UnknownHandler(HandlerId(9)),
            "internal error",
        ),
    ];
    for (result, expected, text) in cases {
        for protocol in [47, 770] {
            let recorder = Recorder::new();
            let mut config = HostConfig {
                compression_threshold: -1,
                ..HostConfig::default()
            };
            let server = ServerConfig {
                address: "127.0.0.1:1".to_owned(),
            };
            config.servers.insert("survival".to_owned(), server);
            let host = Host::builder(config)
                .native("answers", pre_connect(0, result.clone()), granted())
                .observer(recorder.clone())
                .start()
                .await
                .unwrap();
            let mut client = RawClient::connect(&host, protocol, "asks").await;
            let told = match client.enter().await {
                Err(told) => told,
                Ok(()) => client.kicked().await,
            };
            assert!(told.contains(text), "{told}");
            let denied = recorder
                .wait_for(|event| matches!(event, HostEvent::Denied { .. }))
                .await;
            let HostEvent::Denied { reason, .. } = denied else {
                unreachable!()
            };
            assert_eq!(reason, expected);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_login_can_be_denied_and_the_client_reads_why() {
    let plugin = Arc::new(Answers {
        listeners: vec![(EventKind::PreLogin, 0)],
        handler: None,
        answer: Box::new(|_| {
            EventOutcome::PreLogin(PreLoginResult::Denied(Text::Json(
                "{\"text\":\"not you\"}".to_owned(),
            )))
        }),
    });
    let recorder = Recorder::new();
    let host = builder()
        .native("door", plugin, PluginConfig::default())
        .observer(recorder.clone())
        .start()
        .await
        .unwrap();
    for protocol in vb_data::supported() {
        assert!(
            RawClient::refusal(&host, *protocol, "you")
                .await
                .contains("not you")
        );
    }
    // Nobody got as far as post-login, so nobody's end is told.
    assert_eq!(
        recorder.count(|event| {
            matches!(
                event,
                HostEvent::EventFired {
                    event: Event::PlayerDisconnect(_),
                    ..
                }
            )
        }),
        0
    );
}

#[tokio::test(start_paused = true)]
async fn priority_decides_and_the_rest_are_not_asked() {
    let recorder = Recorder::new();
    let denied = |text: &str| ServerPreConnectResult::Denied(Text::plain(text));
    let silent = Arc::new(Answers {
        listeners: vec![(EventKind::ServerPreConnect, 100)],
        handler: None,
        answer: Box::new(|_| EventOutcome::NoOpinion),
    });
    let host = builder()
        .native("low", pre_connect(-5, denied("low")), granted())
        .native("first", pre_connect(10, denied("first")), granted())
        .native("second", pre_connect(10, denied("second")), granted())
        .native("silent", silent, granted())
        .observer(recorder.clone())
        .start()
        .await
        .unwrap();
    let mut client = RawClient::connect(&host, 770, "asks").await;
    assert!(client.enter().await.unwrap_err().contains("first"));
    let asked: Vec<String> = recorder
        .events()
        .into_iter()
        .filter_map(|event| match event {
            HostEvent::ListenerAnswered { plugin, .. } => Some(plugin),
            _ => None,
        })
        .collect();
    assert_eq!(asked, ["silent", "first"]);
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_never_answers_shuts_the_gate() {
    struct Silent;
    impl NativePlugin for Silent {
        fn on_enable<'a>(
            &'a self,
            registrar: &'a mut Registrar,
        ) -> BoxFuture<'a, Result<(), String>> {
            Box::pin(async move {
                registrar
                    .subscribe(EventKind::PreLogin, 0)
                    .map(drop)
                    .map_err(|error| error.to_string())
            })
        }
        fn handle_event<'a>(&'a self, _: ListenerId, _: &'a Event) -> BoxFuture<'a, EventOutcome> {
            Box::pin(std::future::pending())
        }
    }
    let host = builder()
        .native("silent", Arc::new(Silent), granted())
        .guest("probe", artifact("probe"), granted())
        .start()
        .await
        .unwrap();
    let told = RawClient::refusal(&host, 340, "waits").await;
    assert!(told.contains("internal error"), "{told}");
}

/// Panics where it is told to: at once or once it has waited.
struct Panics {
    enable: bool,
    waits: bool,
}

impl NativePlugin for Panics {
    fn on_enable<'a>(&'a self, registrar: &'a mut Registrar) -> BoxFuture<'a, Result<(), String>> {
        assert!(!self.enable, "told to");
        Box::pin(async move {
            let subscribed = registrar.subscribe(EventKind::ServerPreConnect, 1);
            subscribed.map(drop).map_err(|error| error.to_string())
        })
    }

    fn handle_event<'a>(&'a self, _: ListenerId, _: &'a Event) -> BoxFuture<'a, EventOutcome> {
        assert!(self.waits, "at once");
        Box::pin(async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            panic!("after {} ms", 1)
        })
    }

    fn on_disable(&self) -> BoxFuture<'_, ()> {
        panic!("told to")
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_a_native_plugin_is_its_own() {
    for (waits, words) in [(false, "at once"), (true, "after 1 ms")] {
        let panics = |enable| Arc::new(Panics { enable, waits });
        let gate = Gate::new(OPEN, OPEN);
        let recorder = Recorder::new();
        let guards_nothing = PluginConfig {
            required: Some(false),
            ..granted()
        };
        let host = builder()
            .native("off", panics(true), guards_nothing)
            .native("panics", panics(false), granted())
            .native("open", serving(&gate), granted())
            .observer(recorder.clone())
            .start()
            .await
            .unwrap();
        let off = |event: &HostEvent| matches!(event, HostEvent::Plugin { plugin, state: PluginState::Off { reason }, .. } if plugin == "off" && reason == "it panicked: told to");
        assert_eq!(recorder.count(off), 1);
        // The gate stays shut, for the first player and for the next.
        for _ in 0..2 {
            let told = RawClient::refusal(&host, 340, "p").await;
            assert!(!told.is_empty());
        }
        let failed = DenyReason::ListenerFailed(format!("it panicked: {words}"));
        let denied = |event: &HostEvent| matches!(event, HostEvent::Denied { plugin: Some(plugin), reason, .. } if plugin == "panics" && *reason == failed);
        assert_eq!(recorder.count(denied), 2);
        assert_eq!(gate.ends(), 0);
        host.shutdown("over").await;
        let disabled = |event: &HostEvent| matches!(event, HostEvent::Plugin { plugin, state: PluginState::Disabled, .. } if plugin == "panics" || plugin == "open");
        assert_eq!(recorder.count(disabled), 2);
    }
}

/// Panics in one callback of the player `victim`, at once or once it has waited.
struct PanicsIn {
    callback: Callback,
    waits: bool,
    victim: Mutex<Option<PlayerId>>,
    packets: Mutex<u32>,
}

impl PanicsIn {
    fn work(&self, callback: Callback, player: PlayerId) -> BoxFuture<'_, ()> {
        let due = callback == self.callback
            && *self.victim.lock().expect("no test panicked") == Some(player);
        assert!(self.waits || !due, "at once");
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(1)).await;
            assert!(!due, "after {} ms", 1);
        })
    }
}

impl VirtualBackendHandler for PanicsIn {
    fn name(&self) -> &str {
        "panics"
    }

    fn on_session_start<'a>(&'a self, session: &'a dyn VirtualBackendSession) -> BoxFuture<'a, ()> {
        if session.profile().name == "victim" {
            *self.victim.lock().expect("no test panicked") = Some(session.player_id());
        }
        self.work(Callback::SessionStart, session.player_id())
    }

    fn on_packet_received<'a>(
        &'a self,
        session: &'a dyn VirtualBackendSession,
        _: &'a RawPacket,
    ) -> BoxFuture<'a, ()> {
        *self.packets.lock().expect("no test panicked") += 1;
        self.work(Callback::PacketReceived, session.player_id())
    }

    fn on_session_end(&self, player: PlayerId) -> BoxFuture<'_, ()> {
        self.work(Callback::SessionEnd, player)
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_a_native_handler_ends_its_session_with_a_reason_and_no_other() {
    use Callback::{PacketReceived, SessionEnd, SessionStart};
    for callback in [SessionStart, PacketReceived, SessionEnd] {
        for waits in [false, true] {
            let handler = Arc::new(PanicsIn {
                callback,
                waits,
                victim: Mutex::default(),
                packets: Mutex::default(),
            });
            let plugin = Answers {
                listeners: vec![(EventKind::ServerPreConnect, 0)],
                handler: Some((HandlerId(1), Arc::clone(&handler) as _)),
                answer: Box::new(|_| {
                    EventOutcome::ServerPreConnect(ServerPreConnectResult::VirtualBackend(
                        HandlerId(1),
                    ))
                }),
            };
            let recorder = Recorder::new();
            let host = builder()
                .native("panics", Arc::new(plugin), granted())
                .observer(recorder.clone())
                .start()
                .await
                .unwrap();
            let mut other = RawClient::join(&host, 340, "other").await;
            let mut victim = RawClient::join(&host, 340, "victim").await;
            match callback {
                SessionEnd => victim.leave(),
                _ => {
                    victim.send(0x03, &[0]).await;
                    let told = victim.kicked().await;
                    assert!(told.contains("This server has failed"), "{told}");
                }
            }
            let player = handler.victim.lock().unwrap().expect("it has started");
            let closed = |event: &HostEvent| matches!(event, HostEvent::Closed { player: of, .. } if *of == player);
            recorder.wait_for(closed).await;
            let ended = recorder.events().into_iter().find_map(|event| match event {
                HostEvent::SessionEnded {
                    player: of, cause, ..
                } if of == player => Some(cause),
                _ => None,
            });
            let cause = match callback {
                SessionEnd => EndCause::ClientLeft,
                _ => EndCause::PluginFailed,
            };
            assert_eq!(ended, Some(cause), "{callback:?}");
            let ends = |event: &HostEvent| matches!(event, HostEvent::CallbackStarted { player: of, callback: SessionEnd } if *of == player);
            assert_eq!(recorder.count(ends), 1);
            // Everybody else's goes on, and the next player comes in.
            let before = *handler.packets.lock().unwrap();
            other.send(0x03, &[0]).await;
            RawClient::join(&host, 340, "next").await;
            tokio::time::sleep(Duration::from_secs(1)).await;
            assert_eq!(*handler.packets.lock().unwrap(), before + 1);
            host.shutdown("over").await;
            assert_eq!((host.connection_count(), host.session_count()), (0, 0));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_belongs_to_the_plugin_that_registered_it() {
    let gate = Gate::new(OPEN, OPEN);
    let recorder = Recorder::new();
    // "other" is asked first and answers with the id that only "gate" has.
    let host = builder()
        .native("gate", serving(&gate), granted())
        .native(
            "other",
            pre_connect(1, ServerPreConnectResult::VirtualBackend(HandlerId(1))),
            granted(),
        )
        .observer(recorder.clone())
        .start()
        .await
        .unwrap();
    let mut client = RawClient::connect(&host, 770, "asks").await;
    assert!(client.enter().await.unwrap_err().contains("internal error"));
    assert!(gate.session.lock().unwrap().is_none());
    let denied = recorder
        .wait_for(|event| matches!(event, HostEvent::Denied { .. }))
        .await;
    assert!(
        matches!(&denied, HostEvent::Denied { plugin: Some(plugin), reason: DenyReason::UnknownHandler(_), .. } if plugin == "other"),
        "{denied:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_native_plugin_needs_the_capabilities_as_a_guest_does() {
    let gate = Gate::new(OPEN, OPEN);
    let cases = [
        (PluginConfig::default(), "virtual-backend"),
        (
            PluginConfig {
                deny: vec![Capability::EventBus],
                ..granted()
            },
            "event-bus",
        ),
    ];
    for (config, named) in cases {
        let (_host, recorder) = host(&gate, config).await;
        let off = recorder
            .wait_for(|event| {
                matches!(
                    event,
                    HostEvent::Plugin {
                        state: PluginState::Off { .. },
                        ..
                    }
                )
            })
            .await;
        assert!(format!("{off:?}").contains(named), "{off:?}");
    }
    // A marker from a plugin without the capability.
    let recorder = Recorder::new();
    let marker = pre_connect(0, ServerPreConnectResult::VirtualBackend(HandlerId(1)));
    let host = builder()
        .native("marker", marker, PluginConfig::default())
        .observer(recorder.clone())
        .start()
        .await
        .unwrap();
    let mut client = RawClient::connect(&host, 770, "asks").await;
    assert!(client.enter().await.is_err());
    let denied = recorder
        .wait_for(|event| matches!(event, HostEvent::Denied { .. }))
        .await;
    assert!(
        matches!(
            denied,
            HostEvent::Denied {
                reason: DenyReason::NotGranted,
                ..
            }
        ),
        "{denied:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn native_quotas_have_edges() {
    struct Greedy(Mutex<Vec<RegistrationErrorKind>>);
    impl NativePlugin for Greedy {
        fn on_enable<'a>(
            &'a self,
            registrar: &'a mut Registrar,
        ) -> BoxFuture<'a, Result<(), String>> {
            Box::pin(async move {
                let mut refused = Vec::new();
                for _ in 0..3 {
                    if let Err(error) = registrar.subscribe(EventKind::PostLogin, 0) {
                        refused.push(error.kind);
                    }
                }
                let gate = Gate::new(0, 0);
                for id in [1, 1, 2] {
                    let handler = Arc::clone(&gate) as _;
                    if let Err(error) =
                        registrar.register_virtual_backend_handler(HandlerId(id), handler)
                    {
                        refused.push(error.kind);
                    }
                }
                *self.0.lock().expect("no test panicked") = refused;
                Ok(())
            })
        }
        fn handle_event<'a>(&'a self, _: ListenerId, _: &'a Event) -> BoxFuture<'a, EventOutcome> {
            Box::pin(async { EventOutcome::NoOpinion })
        }
    }
    let greedy = Arc::new(Greedy(Mutex::default()));
    let mut config = granted();
    config.limits.listeners = 2;
    config.limits.handlers = 1;
    builder()
        .native("greedy", greedy.clone(), config)
        .start()
        .await
        .unwrap();
    assert_eq!(
        *greedy.0.lock().unwrap(),
        [
            RegistrationErrorKind::QuotaExceeded,
            // The id, and then the name that the second one shares.
            RegistrationErrorKind::AlreadyRegistered,
            RegistrationErrorKind::AlreadyRegistered,
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn limbo_lets_every_protocol_in_and_keeps_it_alive() {
    let recorder = Recorder::new();
    let limbo = pre_connect(
        0,
        ServerPreConnectResult::SendToLimbo(vec!["test".to_owned()]),
    );
    let host = builder()
        .native("limbo-sender", limbo, granted())
        .observer(recorder.clone())
        .start()
        .await
        .unwrap();
    for (index, protocol) in vb_data::supported().iter().enumerate() {
        let mut client = RawClient::join(&host, *protocol, "idle").await;
        let answer = client.id(vb_data::Direction::Serverbound, "keep_alive");
        let keep_alive = client.id(vb_data::Direction::Clientbound, "keep_alive");
        let login = client.id(vb_data::Direction::Clientbound, "login");
        assert_eq!(client.next().await.unwrap().0, login, "{protocol}");
        let mut seen = 0;
        while seen < 6 {
            let (id, data) = client.next().await.unwrap();
            if id == keep_alive {
                client.send(answer, &data).await;
                seen += 1;
            }
        }
        // From here on it is silent, and is let go.
        let silent = tokio::time::Instant::now();
        assert!(client.kicked().await.contains("Timed out"), "{protocol}");
        assert_eq!(silent.elapsed().as_secs(), 40, "{protocol}");
        recorder
            .wait_for_nth(index + 1, |event| matches!(event, HostEvent::Closed { .. }))
            .await;
    }
    assert_eq!(host.session_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn more_connections_than_allowed_are_closed_at_once() {
    let config = HostConfig {
        max_connections: 2,
        compression_threshold: -1,
        ..HostConfig::default()
    };
    let gate = Gate::new(OPEN, OPEN);
    let host = Host::builder(config)
        .native("gate", serving(&gate), granted())
        .start()
        .await
        .unwrap();
    let mut first = RawClient::join(&host, 340, "first").await;
    let _second = RawClient::join(&host, 340, "second").await;
    let mut stream = host.connect(support::peer());
    let mut byte = [0];
    assert_eq!(
        tokio::io::AsyncReadExt::read(&mut stream, &mut byte)
            .await
            .unwrap(),
        0
    );
    first.leave();
    tokio::time::sleep(Duration::from_secs(2)).await;
    RawClient::join(&host, 340, "third").await;
}
