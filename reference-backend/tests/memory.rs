//! What waits for all clients together has a budget, and ends with the connection, whoever keeps its handle. In virtual
//! time, on a heap that is counted.

mod support;

use cap::Cap;
use reference_backend::{
    BoxFuture, Event, EventKind, EventOutcome, HandlerId, Host, HostConfig, HostLimits, ListenerId,
    NativePlugin, PlayerErrorKind, PlayerId, RawPacket, Registrar, ServerPreConnectResult,
    VirtualBackendHandler, VirtualBackendSession,
};
use std::alloc::System;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::granted;
use support::raw::RawClient;

#[global_allocator]
static HEAP: Cap<System> = Cap::new(System, usize::MAX);

/// The tests of this file share the heap and take turns.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

const PACKET: i32 = 0x37;
const MIB: usize = 1 << 20;
/// What one send of these tests has.
const SIZE: usize = 64 << 10;

/// Keeps the handle of every session.
#[derive(Clone, Default)]
struct Keeper {
    sessions: Arc<Mutex<Vec<Arc<dyn VirtualBackendSession>>>>,
}

impl Keeper {
    fn session(&self, index: usize) -> Arc<dyn VirtualBackendSession> {
        Arc::clone(&self.sessions.lock().expect("no test panicked")[index])
    }

    /// Sends until it is refused, and answers how many were taken and in which words the next was not.
    fn fill(&self, index: usize) -> (usize, String) {
        let session = self.session(index);
        for sent in 0.. {
            if let Err(error) = session.send_packet(packet()) {
                assert_eq!(error.kind, PlayerErrorKind::SendFailed);
                return (sent, error.message);
            }
        }
        unreachable!()
    }
}

fn packet() -> RawPacket {
    sized(SIZE)
}

fn sized(size: usize) -> RawPacket {
    RawPacket {
        packet_id: PACKET,
        data: vec![0; size].into(),
    }
}

impl VirtualBackendHandler for Keeper {
    fn name(&self) -> &str {
        "keeper"
    }

    fn on_session_start<'a>(&'a self, session: &'a dyn VirtualBackendSession) -> BoxFuture<'a, ()> {
        self.sessions
            .lock()
            .expect("no test panicked")
            .push(session.handle());
        Box::pin(std::future::ready(()))
    }

    fn on_packet_received<'a>(
        &'a self,
        _: &'a dyn VirtualBackendSession,
        _: &'a RawPacket,
    ) -> BoxFuture<'a, ()> {
        Box::pin(std::future::pending())
    }

    fn on_session_end(&self, _: PlayerId) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

impl NativePlugin for Keeper {
    fn on_enable<'a>(&'a self, registrar: &'a mut Registrar) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            let subscribed = registrar.subscribe(EventKind::ServerPreConnect, 0);
            subscribed.map_err(|error| error.to_string())?;
            registrar
                .register_virtual_backend_handler(HandlerId(1), Arc::new(self.clone()))
                .map_err(|error| error.to_string())
        })
    }

    fn handle_event<'a>(&'a self, _: ListenerId, _: &'a Event) -> BoxFuture<'a, EventOutcome> {
        Box::pin(async move {
            EventOutcome::ServerPreConnect(ServerPreConnectResult::VirtualBackend(HandlerId(1)))
        })
    }
}

async fn host(memory: usize) -> (Host, Keeper) {
    host_with(memory, 8 * MIB).await
}

async fn host_with(memory: usize, queue: usize) -> (Host, Keeper) {
    let keeper = Keeper::default();
    let mut plugin = granted();
    plugin.limits.queue_bytes = queue as u64;
    let config = HostConfig {
        compression_threshold: -1,
        limits: HostLimits {
            memory: memory as u64,
            ..HostLimits::default()
        },
        ..HostConfig::default()
    };
    let host = Host::builder(config)
        .native("keeper", Arc::new(keeper.clone()), plugin)
        .start()
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    (host, keeper)
}

async fn join(host: &Host, count: usize) -> Vec<RawClient> {
    let mut clients = Vec::new();
    for number in 0..count {
        clients.push(RawClient::join(host, 340, &format!("player{number}")).await);
    }
    clients
}

/// Until nobody has anything to do but to wait.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

async fn all_gone(host: &Host) {
    while host.connection_count() > 0 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_kept_handle_of_an_ended_session_keeps_nothing_of_the_connection() {
    let _alone = ALONE.lock().await;
    let (host, keeper) = host(256 * MIB).await;
    // The first of everything takes memory that stays.
    drop(join(&host, 1).await);
    all_gone(&host).await;
    let before = HEAP.allocated();
    const SESSIONS: usize = 16;
    let clients = join(&host, SESSIONS).await;
    for index in 1..=SESSIONS {
        assert!(keeper.fill(index).0 * SIZE > 7 * MIB);
    }
    assert!(HEAP.allocated() - before > SESSIONS * 7 * MIB);
    drop(clients);
    all_gone(&host).await;
    assert_eq!(host.waiting_bytes(), 0);
    let left = HEAP.allocated().saturating_sub(before);
    assert!(left < SESSIONS * 4096, "{left} bytes are left");
    for index in 1..=SESSIONS {
        let session = keeper.session(index);
        assert_eq!(session.profile().name, format!("player{}", index - 1));
        assert_eq!(session.protocol_version(), 340);
        let refused = session.send_packet(packet()).unwrap_err();
        assert_eq!(refused.kind, PlayerErrorKind::SessionEnded);
    }
}

#[tokio::test(start_paused = true)]
async fn clients_that_never_read_share_the_budget_and_leave_room_for_others() {
    let _alone = ALONE.lock().await;
    let (host, keeper) = host(32 * MIB).await;
    let before = HEAP.allocated();
    const SESSIONS: usize = 15;
    let clients = join(&host, SESSIONS).await;
    // They take turns, as guests do.
    let mut taken = [0; SESSIONS];
    let mut more = true;
    while std::mem::take(&mut more) {
        for (index, taken) in taken.iter_mut().enumerate() {
            if keeper.session(index).send_packet(packet()).is_ok() {
                *taken += 1;
                more = true;
            }
        }
        settle().await;
    }
    // A sixteenth for each, and a sixteenth that is free.
    for taken in taken {
        let bytes = taken * SIZE;
        assert!((MIB..=3 * MIB).contains(&bytes), "{taken} packets");
    }
    let waiting = host.waiting_bytes() as usize;
    assert!(waiting <= 32 * MIB && waiting > 28 * MIB, "{waiting}");
    let heap = HEAP.allocated() - before;
    assert!(heap < 36 * MIB, "{heap} bytes");
    let (_, why) = keeper.fill(0);
    assert!(
        why.contains("wait for all clients and handlers already"),
        "{why}"
    );

    // Who holds little is served as if nobody else were there.
    let mut player = RawClient::join(&host, 340, "healthy").await;
    for _ in 0..100 {
        keeper.session(SESSIONS).send_packet(packet()).unwrap();
        let (id, data) = player.next().await.unwrap();
        assert_eq!((id, data.len()), (PACKET, SIZE));
    }
    // Of a batch that is more than what is free the first that finds none is named.
    let free = 32 * MIB - host.waiting_bytes() as usize;
    let batch = vec![packet(); 8 * MIB / SIZE - 1];
    let refused = keeper.session(SESSIONS).send_packets(batch).unwrap_err();
    assert_eq!(refused.error.kind, PlayerErrorKind::SendFailed);
    let fit = refused.index as usize * SIZE;
    // Besides, each has a floor of its own.
    assert!(
        (free / 2..=2 * free).contains(&fit),
        "{refused:?}, {free} free"
    );
    drop(clients);
    player.leave();
    drop(player);
    all_gone(&host).await;
    assert_eq!(host.waiting_bytes(), 0);
}

#[tokio::test(start_paused = true)]
async fn those_who_come_first_and_never_read_leave_their_floor_to_all_who_come_after() {
    let _alone = ALONE.lock().await;
    let (host, keeper) = host(32 * MIB).await;
    const SESSIONS: usize = 24;
    let mut clients = Vec::new();
    for index in 0..SESSIONS {
        let name = format!("player{index}");
        clients.push(RawClient::join(&host, 340, &name).await);
        // All that it gets before the next one comes, to the last byte.
        for size in [SIZE, 1 << 10, 1] {
            while keeper.session(index).send_packet(sized(size)).is_ok() {}
        }
    }
    // A quarter of 32 MiB for 1,024 connections is 8 KiB for each.
    let mut player = RawClient::join(&host, 340, "healthy").await;
    for _ in 0..100 {
        keeper
            .session(SESSIONS)
            .send_packet(sized(4 << 10))
            .unwrap();
        assert_eq!(player.next().await.unwrap().1.len(), 4 << 10);
    }
    let waiting = host.waiting_bytes() as usize;
    assert!((32 * MIB..=40 * MIB).contains(&waiting), "{waiting}");
}

#[tokio::test(start_paused = true)]
async fn one_session_alone_may_hold_half_of_the_budget() {
    let _alone = ALONE.lock().await;
    let (host, keeper) = host_with(16 * MIB, 64 * MIB).await;
    let _client = join(&host, 1).await;
    let batch: Vec<_> = (0..127).map(|_| packet()).collect();
    keeper.session(0).send_packets(batch).unwrap();
    // What the pump has moved into the client's pipe is not the host's any more.
    settle().await;
    let held = host.waiting_bytes() as usize;
    // Its floor, a quarter of an equal share of 1,024 connections, does not count.
    let room = 16 * MIB - 2 * (held - 16 * MIB / 4 / 1024);
    let over = RawPacket {
        packet_id: PACKET,
        data: vec![0; room - 15].into(),
    };
    let refused = keeper.session(0).send_packets(vec![over]).unwrap_err();
    assert_eq!(refused.index, 0);
    assert_eq!(refused.error.kind, PlayerErrorKind::SendFailed);
    assert_eq!(host.waiting_bytes() as usize, held, "nothing is queued");
    let fits = RawPacket {
        packet_id: PACKET,
        data: vec![0; room - 16].into(),
    };
    keeper.session(0).send_packet(fits).unwrap();
}

#[tokio::test(start_paused = true)]
async fn clients_that_outrun_their_handlers_share_it_too() {
    let _alone = ALONE.lock().await;
    let (host, _keeper) = host(16 * MIB).await;
    let before = HEAP.allocated();
    // Each may have 1 MiB in its inbox, and a packet of 2 MiB besides that has not come whole.
    let mut clients = join(&host, 40).await;
    let mut tasks = Vec::new();
    for mut client in clients.drain(..) {
        tasks.push(tokio::spawn(async move {
            for _ in 0..100 {
                client.send(1, &[0; 30_000]).await;
            }
        }));
    }
    tokio::time::sleep(Duration::from_secs(10)).await;
    let waiting = host.waiting_bytes() as usize;
    assert!(waiting > 12 * MIB && waiting <= 18 * MIB, "{waiting}");
    let heap = HEAP.allocated() - before;
    assert!(heap < 40 * MIB, "{heap} bytes");
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
    // Nobody reads those any more whose handlers never return.
    host.shutdown("").await;
    assert_eq!(host.waiting_bytes(), 0);
}

#[tokio::test(start_paused = true)]
async fn who_goes_in_the_middle_of_a_packet_does_not_hold_memory_for_ever() {
    let _alone = ALONE.lock().await;
    let (host, _keeper) = host(16 * MIB).await;
    let mut clients = join(&host, 40).await;
    let mut tasks = Vec::new();
    for mut client in clients.drain(..) {
        tasks.push(tokio::spawn(async move {
            // The length of a packet of 2 MiB, and half of it.
            client.write(&[0xff, 0xff, 0x7f]).await;
            client.write(&vec![0; MIB]).await;
        }));
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(host.waiting_bytes() as usize > 12 * MIB);
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
    // As long as a client may take nothing, and the end.
    tokio::time::sleep(Duration::from_secs(32)).await;
    assert_eq!((host.connection_count(), host.waiting_bytes()), (0, 0));
}
