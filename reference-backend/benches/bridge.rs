//! What the bridge costs: the same session, once with a native handler and once with a guest.
//!
//! ```text
//! cargo bench -p reference-backend
//! ```
//!
//! *In* is one client packet handed to the handler; native and guest both return at once, so that what is measured is
//! the way there. *Out* is one packet that the handler sends: many are sent from one callback, and the client takes them
//! before the next round, outside of the measurement. The tenth percentile of [`ROUNDS`] rounds, in nanoseconds a
//! packet: what it costs while nobody else wants the processor.

#[path = "../tests/support/mod.rs"]
mod support;

use reference_backend::{
    BoxFuture, Capability, CpuMeter, Event, EventKind, EventOutcome, GuestEngine, HandlerId, Host,
    HostConfig, ListenerId, NativePlugin, PlayerId, PluginConfig, RawPacket, Registrar,
    ServerPreConnectResult, VirtualBackendHandler, VirtualBackendSession,
};
use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::time::Instant;
use support::component;
use support::raw::RawClient;
use support::wat::Wat;

/// Rounds are short, so that on a busy machine most of them are not interrupted, and many.
const ROUNDS: usize = 201;

/// Sends its packet as often as its first four bytes say, little-endian; not at all when the id is 0.
const GUEST: &str = "
    (if (local.get $id) (then
      (local.set $n (i32.load align=1 (local.get $data)))
      (loop $again
        (call $send (local.get $session) (local.get $id) (local.get $data) (local.get $len) (i32.const 256))
        (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))
    (call $drop (local.get $session))";

/// Keeps the one session there is, so that it can be used from outside.
#[derive(Default)]
struct Native {
    session: Mutex<Option<Arc<dyn VirtualBackendSession>>>,
}

struct NativeHandler(Arc<Native>);

impl NativePlugin for NativeHandler {
    fn on_enable<'a>(&'a self, registrar: &'a mut Registrar) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            registrar
                .subscribe(EventKind::ServerPreConnect, 0)
                .map_err(|error| error.to_string())?;
            let handler = Arc::new(NativeHandler(Arc::clone(&self.0)));
            registrar
                .register_virtual_backend_handler(HandlerId(1), handler)
                .map_err(|error| error.to_string())
        })
    }

    fn handle_event<'a>(&'a self, _: ListenerId, _: &'a Event) -> BoxFuture<'a, EventOutcome> {
        let answer = ServerPreConnectResult::VirtualBackend(HandlerId(1));
        Box::pin(async { EventOutcome::ServerPreConnect(answer) })
    }
}

impl VirtualBackendHandler for NativeHandler {
    fn name(&self) -> &str {
        "native"
    }

    fn on_session_start<'a>(&'a self, session: &'a dyn VirtualBackendSession) -> BoxFuture<'a, ()> {
        *self.0.session.lock().expect("one thread") = Some(session.handle());
        Box::pin(async {})
    }

    fn on_packet_received<'a>(
        &'a self,
        session: &'a dyn VirtualBackendSession,
        packet: &'a RawPacket,
    ) -> BoxFuture<'a, ()> {
        if packet.packet_id != 0 {
            let count = packet.data[..4]
                .iter()
                .rev()
                .fold(0, |n, byte| n << 8 | u32::from(*byte));
            for _ in 0..count {
                // The guest's packet is a list of its own that the host gets; so is this one.
                let packet = RawPacket {
                    packet_id: packet.packet_id,
                    data: packet.data.to_vec().into(),
                };
                let _ = black_box(session.send_packet(packet));
            }
        }
        Box::pin(async {})
    }

    fn on_session_end(&self, _player: PlayerId) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    println!("ns a packet, tenth percentile of {ROUNDS} rounds");
    println!(
        "{:<8}{:>12}{:>9}{:>9}{:>9}{:>8}",
        "meter", "", "native", "bridge", "more", "ratio"
    );
    for meter in [CpuMeter::Epoch, CpuMeter::Fuel] {
        runtime.block_on(measure(meter));
    }
}

async fn measure(meter: CpuMeter) {
    let engine = GuestEngine::new(meter).expect("wasmtime runs here");
    let text = Wat {
        packet: GUEST,
        pages: 8,
        ..Wat::default()
    }
    .text(true);
    let guest = engine
        .load("guest", &component::bytes(&text, "virtual-backend-plugin"))
        .unwrap_or_else(|error| panic!("{error}"));
    let mut config = PluginConfig::with_permissions(&[Capability::VirtualBackend]);
    config.limits.queue_packets = 1 << 20;
    config.limits.queue_bytes = 64 << 20;
    let native = Arc::new(Native::default());
    // The guest is asked second and so never; it is here to be called directly.
    let host = Host::builder(HostConfig {
        compression_threshold: -1,
        ..HostConfig::default()
    })
    .native(
        "native",
        Arc::new(NativeHandler(Arc::clone(&native))),
        config.clone(),
    )
    .guest("guest", guest, config)
    .start()
    .await
    .unwrap_or_else(|error| panic!("{error}"));
    let mut client = RawClient::join(&host, 770, "bench").await;
    while host.session_count() == 0 || native.session.lock().expect("one thread").is_none() {
        tokio::task::yield_now().await;
    }
    let session = native
        .session
        .lock()
        .expect("one thread")
        .clone()
        .expect("started");
    let handlers = ["native", "guest"].map(|plugin| {
        host.handler(plugin, HandlerId(1))
            .unwrap_or_else(|| panic!("{plugin} has registered"))
    });
    now(handlers[1].on_session_start(&*session));
    for size in [64, 16 << 10] {
        let ins = handlers
            .each_ref()
            .map(|handler| incoming(&**handler, &*session, size));
        row(meter, &format!("in {size} B"), ins);
        let mut outs = [0.0; 2];
        for (out, handler) in outs.iter_mut().zip(&handlers) {
            *out = outgoing(&**handler, &*session, &mut client, size).await;
        }
        row(meter, &format!("out {size} B"), outs);
    }
}

fn row(meter: CpuMeter, what: &str, [native, bridge]: [f64; 2]) {
    let meter = format!("{meter:?}");
    println!(
        "{meter:<8}{what:>12}{native:>9.0}{bridge:>9.0}{:>9.0}{:>8.2}",
        bridge - native,
        bridge / native
    );
}

fn incoming(
    handler: &dyn VirtualBackendHandler,
    session: &dyn VirtualBackendSession,
    size: usize,
) -> f64 {
    let count = 1_000;
    let packet = RawPacket {
        packet_id: 0,
        data: vec![0x55; size].into(),
    };
    low((0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..count {
                now(handler.on_packet_received(session, black_box(&packet)));
            }
            start.elapsed().as_nanos() as f64 / f64::from(count)
        })
        .collect())
}

async fn outgoing(
    handler: &dyn VirtualBackendHandler,
    session: &dyn VirtualBackendSession,
    client: &mut RawClient,
    size: usize,
) -> f64 {
    let count: u32 = if size > 1024 { 100 } else { 2_000 };
    let mut data = vec![0x55; size];
    data[..4].copy_from_slice(&count.to_le_bytes());
    let packet = RawPacket {
        packet_id: 5,
        data: data.into(),
    };
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let start = Instant::now();
        now(handler.on_packet_received(session, &packet));
        times.push(start.elapsed().as_nanos() as f64 / f64::from(count));
        for _ in 0..count {
            let (_, data) = client.next().await.expect("the session lasts");
            assert_eq!(data.len(), size);
        }
    }
    low(times)
}

fn low(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 10]
}

/// Nothing here has to wait.
fn now(work: impl Future<Output = ()>) {
    let mut work = pin!(work);
    let ready = work
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
        .is_ready();
    assert!(ready, "a callback waits");
}
