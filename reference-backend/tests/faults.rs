//! Every callback times every fault: what the log names, whose sessions end and what those players read, how long the
//! plugin is down, and that the next instance is well. The documented ends stand in `wit/SPEC.md` under "Traps and
//! restart"; each cell of its table is an assertion here that names callback and fault.

mod support;

use reference_backend::{
    Callback, CpuMeter, DenyReason, EndCause, EventKind, GuestComponent, GuestEngine, Host,
    HostEvent, Instances, Limits, PlayerErrorKind, PlayerId, PluginState, TrapKind,
};
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use support::misbehave::{
    ANSWERS, BORROW, CASE, CPU_MS, EVERYWHERE, FUEL, Fault, Kind, MEMORY, SPIN,
};
use support::raw::RawClient;
use support::{ENGINE, Recorder, builder, component, granted};

const MISBEHAVE: &str = include_str!("../../fixtures/wat/misbehave.wat");

const PROTOCOL: i32 = 340;

/// From the specification.
const MAX_RESTARTS: usize = 5;

fn load(engine: &GuestEngine, text: &str) -> GuestComponent {
    let bytes = component::bytes(text, "virtual-backend-plugin");
    engine
        .load("misbehave", &bytes)
        .expect("the guest of the test loads")
}

static BY_FUEL: LazyLock<GuestComponent> = LazyLock::new(|| load(&ENGINE, MISBEHAVE));

static BY_EPOCH: LazyLock<GuestComponent> = LazyLock::new(|| {
    load(
        &GuestEngine::new(CpuMeter::Epoch).expect("this machine runs guests"),
        MISBEHAVE,
    )
});

/// One host with the guest, and what is expected of one cell.
struct Scene {
    host: Host,
    recorder: Arc<Recorder>,
    cell: String,
}

impl Scene {
    async fn start(
        guest: GuestComponent,
        cell: String,
        instances: Instances,
        settings: &[(&str, char)],
    ) -> Self {
        let recorder = Recorder::new();
        let mut config = granted();
        config.limits.fuel = FUEL;
        config.limits.cpu_ms = CPU_MS;
        config.limits.memory = MEMORY;
        config.instances = instances;
        for (key, letter) in settings {
            config.config.insert((*key).to_owned(), letter.to_string());
        }
        let host = builder()
            .guest("misbehave", guest, config)
            .observer(recorder.clone())
            .start()
            .await
            .unwrap_or_else(|error| panic!("{cell}: {error}"));
        Self {
            host,
            recorder,
            cell,
        }
    }

    async fn join(&self, name: &str) -> RawClient {
        RawClient::join(&self.host, PROTOCOL, name).await
    }

    fn traps(&self) -> Vec<(Callback, TrapKind)> {
        let trap = |event| match event {
            HostEvent::Trap { callback, kind, .. } => Some((callback, kind)),
            _ => None,
        };
        self.recorder
            .events()
            .into_iter()
            .filter_map(trap)
            .collect()
    }

    /// Exactly one error was logged, which names callback and fault.
    fn one_error(&self, callback: Callback, kind: Kind) {
        let traps = self.traps();
        let right = matches!(traps.as_slice(), [(at, found)] if *at == callback && kind.is(found));
        assert!(
            right,
            "{}: expected {kind:?} once, got {traps:?}",
            self.cell
        );
    }

    async fn trapped(&self) {
        let trap = |event: &HostEvent| matches!(event, HostEvent::Trap { .. });
        self.recorder.wait_for(trap).await;
    }

    /// Whose sessions ended so.
    fn ended(&self, cause: &EndCause) -> Vec<u64> {
        let end = |event| match event {
            HostEvent::SessionEnded {
                player, cause: why, ..
            } if why == *cause => Some(player.0),
            _ => None,
        };
        let mut players: Vec<u64> = self.recorder.events().into_iter().filter_map(end).collect();
        players.sort_unstable();
        players
    }

    fn states(&self) -> Vec<PluginState> {
        let state = |event| match event {
            HostEvent::Plugin { state, .. } => Some(state),
            _ => None,
        };
        self.recorder
            .events()
            .into_iter()
            .filter_map(state)
            .collect()
    }

    fn pauses(&self) -> Vec<Duration> {
        let pause = |state| match state {
            PluginState::Restarting { after } => Some(after),
            _ => None,
        };
        self.states().into_iter().filter_map(pause).collect()
    }

    /// The client is served, and its end is heard of.
    async fn is_well(&self, name: &str) {
        let mut client = self.join(name).await;
        self.echoes(&mut client).await;
        client.leave();
        let left = |event: &HostEvent| {
            matches!(
                event,
                HostEvent::SessionEnded {
                    cause: EndCause::ClientLeft,
                    notified: true,
                    ..
                }
            )
        };
        self.recorder.wait_for(left).await;
    }

    async fn echoes(&self, client: &mut RawClient) {
        client.send(1, b"x").await;
        loop {
            match client.next().await {
                Some((5, data)) if *data == *b"x" => return,
                Some(_) => {}
                None => panic!("{}: a client that should play on is out", self.cell),
            }
        }
    }

    /// What the client was sent before the trap has come, and then the reason.
    async fn failed(&self, client: &mut RawClient, who: &str) {
        let told = client.kicked().await;
        assert!(
            told.contains("has failed"),
            "{}: {who} reads {told}",
            self.cell
        );
    }
}

/// What the guest calls the callback.
fn letter_of(callback: Callback) -> u8 {
    match callback {
        Callback::HandleEvent => b'v',
        Callback::SessionStart => b's',
        Callback::PacketReceived => b'p',
        Callback::SessionEnd => b'n',
        Callback::OnScheduledTask => b't',
        Callback::OnDisable => b'd',
        other => panic!("{other} cannot be told by a packet"),
    }
}

/// Has the guest misbehave in the next call of the callback, and calls it. Answers the client that came for it.
async fn provoke(
    scene: &Scene,
    callback: Callback,
    fault: char,
    culprit: &mut RawClient,
) -> Option<RawClient> {
    let order = [
        letter_of(callback),
        u8::try_from(fault).expect("a letter is ASCII"),
    ];
    if callback != Callback::PacketReceived {
        culprit.send(0x7777, &order).await;
        scene.echoes(culprit).await;
    }
    match callback {
        Callback::HandleEvent => {
            let told = RawClient::refusal(&scene.host, PROTOCOL, "next").await;
            assert!(
                told.contains("internal error"),
                "{}: the next reads {told}",
                scene.cell
            );
        }
        Callback::SessionStart => return Some(scene.join("next").await),
        Callback::PacketReceived => {
            culprit.send(0x7777, &order).await;
            culprit.send(1, b"x").await;
        }
        Callback::SessionEnd => culprit.leave(),
        Callback::OnDisable => scene.host.shutdown("done").await,
        // The task that was scheduled at the start comes by itself.
        _ => {}
    }
    None
}

/// The fault in the instance that all sessions share.
async fn shared(callback: Callback, (letter, name, kind): Fault, guest: &GuestComponent) {
    let cell = format!("{callback} with {name}");
    let scene = Scene::start(guest.clone(), cell, Instances::Shared, &[]).await;
    let mut culprit = scene.join("culprit").await;
    let mut bystander = scene.join("bystander").await;
    scene.echoes(&mut bystander).await;
    let next = provoke(&scene, callback, letter, &mut culprit).await;
    scene.trapped().await;

    let mut lost = vec![2];
    match callback {
        Callback::SessionEnd => {}
        Callback::OnDisable => {
            let told = bystander.kicked().await;
            assert!(told.contains("done"), "{}: {told}", scene.cell);
            tokio::time::sleep(Duration::from_secs(60)).await;
            scene.one_error(callback, kind);
            assert_eq!(scene.pauses(), [], "{}: restarted at shutdown", scene.cell);
            assert!(
                !scene.states().contains(&PluginState::Disabled),
                "{}",
                scene.cell
            );
            return;
        }
        _ => {
            lost.insert(0, 1);
            scene.failed(&mut culprit, "the culprit").await;
        }
    }
    scene.failed(&mut bystander, "the bystander").await;
    if let Some(mut next) = next {
        lost.push(3);
        scene.failed(&mut next, "the next").await;
    }
    // While the plugin is down its gate stays shut.
    let told = RawClient::refusal(&scene.host, PROTOCOL, "knock").await;
    assert!(
        told.contains("restarting"),
        "{}: who knocks reads {told}",
        scene.cell
    );
    let enabled = |event: &HostEvent| {
        matches!(
            event,
            HostEvent::Plugin {
                state: PluginState::Enabled { .. },
                ..
            }
        )
    };
    scene.recorder.wait_for_nth(2, enabled).await;
    scene.is_well("healthy").await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    scene.one_error(callback, kind);
    assert_eq!(
        scene.ended(&EndCause::PluginFailed),
        lost,
        "{}: whose sessions ended",
        scene.cell
    );
    assert_eq!(
        scene.pauses(),
        [Limits::default().restart_delay(0)],
        "{}: pauses",
        scene.cell
    );
    scene.host.shutdown("done").await;
    assert!(
        scene.states().contains(&PluginState::Disabled),
        "{}",
        scene.cell
    );
}

/// The fault in an instance that one session has for itself.
async fn alone(callback: Callback, (letter, name, kind): Fault) {
    let cell = format!("{callback} with {name}, an instance a session");
    let scene = Scene::start(BY_FUEL.clone(), cell, Instances::PerSession, &[]).await;
    let mut bystander = scene.join("bystander").await;
    let mut culprit = scene.join("culprit").await;
    scene.echoes(&mut bystander).await;
    match callback {
        // Of a session's own instance it is called at the session's end.
        Callback::OnDisable => {
            let order = [
                letter_of(callback),
                u8::try_from(letter).expect("a letter is ASCII"),
            ];
            culprit.send(0x7777, &order).await;
            scene.echoes(&mut culprit).await;
            culprit.leave();
        }
        _ => {
            provoke(&scene, callback, letter, &mut culprit).await;
        }
    }
    scene.trapped().await;
    let own = match callback {
        Callback::SessionEnd | Callback::OnDisable => vec![],
        _ => {
            scene.failed(&mut culprit, "the culprit").await;
            vec![2]
        }
    };
    // At once, the gates being as they were.
    scene.is_well("next").await;
    scene.echoes(&mut bystander).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    scene.echoes(&mut bystander).await;
    scene.one_error(callback, kind);
    assert_eq!(scene.ended(&EndCause::PluginFailed), own, "{}", scene.cell);
    assert_eq!(scene.pauses(), [], "{}: restarted", scene.cell);
}

/// The fault in every instance there is: no instance gets to run.
async fn from_the_start(callback: Callback, fault: Fault, guest: &GuestComponent, key: &str) {
    let (letter, name, kind) = fault;
    let cell = format!("{callback} ({key}) with {name}");
    let (guest, settings) = match key {
        "first" => {
            let global = |value: u32| format!("(global $first (mut i32) (i32.const {value}))");
            let text = MISBEHAVE.replace(&global(0), &global(u32::from(letter)));
            assert_ne!(text, MISBEHAVE);
            (load(&guest_engine(guest), &text), vec![])
        }
        key => (guest.clone(), vec![(key, letter)]),
    };
    let scene = Scene::start(guest, cell, Instances::Shared, &settings).await;
    let told = RawClient::refusal(&scene.host, PROTOCOL, "knock").await;
    // One that never came up keeps every gate shut, wherever it got to.
    let expected = "restarting";
    assert!(
        told.contains(expected),
        "{}: who knocks reads {told}",
        scene.cell
    );
    let quarantined = |event: &HostEvent| {
        matches!(
            event,
            HostEvent::Plugin {
                state: PluginState::Quarantined,
                ..
            }
        )
    };
    scene.recorder.wait_for(quarantined).await;
    tokio::time::sleep(Duration::from_secs(600)).await;
    let told = RawClient::refusal(&scene.host, PROTOCOL, "knock").await;
    assert!(
        told.contains(expected),
        "{}: who knocks reads {told}",
        scene.cell
    );
    let traps = scene.traps();
    assert!(
        traps.len() == MAX_RESTARTS + 1
            && traps
                .iter()
                .all(|(at, found)| *at == callback && kind.is(found)),
        "{}: expected {kind:?} six times, got {traps:?}",
        scene.cell
    );
    let expected: Vec<Duration> = (0..MAX_RESTARTS)
        .map(|within| Limits::default().restart_delay(within))
        .collect();
    assert_eq!(scene.pauses(), expected, "{}", scene.cell);
}

fn guest_engine(guest: &GuestComponent) -> GuestEngine {
    if std::ptr::eq(guest, &*BY_EPOCH) {
        return GuestEngine::new(CpuMeter::Epoch).expect("this machine runs guests");
    }
    ENGINE.clone()
}

/// A call on a session that has ended is an error of the call and nothing else.
async fn dead_session(callback: Callback) {
    let cell = format!("{callback} with a call on a session that has ended");
    let scene = Scene::start(BY_FUEL.clone(), cell, Instances::Shared, &[]).await;
    let mut ghost = scene.join("ghost").await;
    let mut culprit = scene.join("culprit").await;
    scene.echoes(&mut culprit).await;
    ghost.send(0x7777, &[letter_of(callback), b'd']).await;
    if callback != Callback::PacketReceived {
        scene.echoes(&mut ghost).await;
    }
    ghost.leave();
    let gone = |event: &HostEvent| {
        matches!(
            event,
            HostEvent::Closed {
                player: PlayerId(1),
                ..
            }
        )
    };
    scene.recorder.wait_for(gone).await;
    match callback {
        Callback::HandleEvent | Callback::SessionStart => scene.is_well("next").await,
        Callback::PacketReceived => scene.echoes(&mut culprit).await,
        Callback::OnScheduledTask => tokio::time::sleep(Duration::from_secs(2)).await,
        Callback::OnDisable => scene.host.shutdown("done").await,
        _ => {}
    }
    let refused = |event: &HostEvent| matches!(event, HostEvent::CallRefused { player: PlayerId(1), error } if error.kind == PlayerErrorKind::SessionEnded);
    assert_eq!(scene.recorder.count(refused), 1, "{}", scene.cell);
    assert_eq!(scene.traps(), [], "{}", scene.cell);
    if callback != Callback::OnDisable {
        scene.echoes(&mut culprit).await;
        scene.is_well("healthy").await;
    }
}

/// A row of the table.
macro_rules! row {
    ($name:ident, $callback:expr, $more:expr) => {
        #[tokio::test(start_paused = true)]
        async fn $name() {
            for fault in EVERYWHERE.into_iter().chain($more) {
                shared($callback, fault, &BY_FUEL).await;
            }
            shared($callback, SPIN, &BY_EPOCH).await;
            dead_session($callback).await;
        }
    };
}

row!(
    an_event,
    Callback::HandleEvent,
    ANSWERS.into_iter().chain([CASE])
);
row!(a_start, Callback::SessionStart, [BORROW]);
row!(a_packet, Callback::PacketReceived, [BORROW]);
row!(an_end, Callback::SessionEnd, []);
row!(a_task, Callback::OnScheduledTask, []);
row!(a_disable, Callback::OnDisable, []);

#[tokio::test(start_paused = true)]
async fn the_first_metadata() {
    for fault in EVERYWHERE.into_iter().chain(ANSWERS) {
        from_the_start(Callback::Metadata, fault, &BY_FUEL, "first").await;
    }
    from_the_start(Callback::Metadata, SPIN, &BY_EPOCH, "first").await;
}

#[tokio::test(start_paused = true)]
async fn the_metadata_after_an_enable() {
    for fault in EVERYWHERE.into_iter().chain(ANSWERS) {
        from_the_start(Callback::Metadata, fault, &BY_FUEL, "metadata").await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_enable() {
    for fault in EVERYWHERE.into_iter().chain(ANSWERS).chain([CASE]) {
        from_the_start(Callback::OnEnable, fault, &BY_FUEL, "enable").await;
    }
    from_the_start(Callback::OnEnable, SPIN, &BY_EPOCH, "enable").await;
}

#[tokio::test(start_paused = true)]
async fn one_player_alone() {
    for fault in EVERYWHERE {
        for callback in [
            Callback::PacketReceived,
            Callback::SessionEnd,
            Callback::OnScheduledTask,
            Callback::OnDisable,
        ] {
            alone(callback, fault).await;
        }
    }
    alone(Callback::PacketReceived, BORROW).await;
}

/// No trap: the gate stays shut for this connection, and everybody else plays on.
#[tokio::test(start_paused = true)]
async fn an_outcome_of_another_kind() {
    let cell = "handle-event with an outcome of another kind".to_owned();
    let scene = Scene::start(BY_FUEL.clone(), cell, Instances::Shared, &[]).await;
    let mut culprit = scene.join("culprit").await;
    provoke(&scene, Callback::HandleEvent, 'w', &mut culprit).await;
    scene.echoes(&mut culprit).await;
    scene.is_well("next").await;
    assert_eq!(scene.traps(), []);
    let denied = |event: &HostEvent| {
        matches!(
            event,
            HostEvent::Denied {
                reason: DenyReason::WrongOutcome(EventKind::PreLogin),
                ..
            }
        )
    };
    assert_eq!(scene.recorder.count(denied), 1);
}
