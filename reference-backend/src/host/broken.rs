//! What a host that is broken on purpose does in place of the right thing, where that takes more than leaving something
//! out. Nothing of it happens in a host that is not.

use super::link::Link;
use super::session::HostSession;
use crate::api::{RawPacket, VirtualBackendHandler, VirtualBackendSession};
use crate::fault::{Fault, Faults};
use crate::limbo::{KeepAliveId, Packets};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::task::Poll;
use std::time::Duration;
use tokio::task::{AbortHandle, JoinSet};

/// From one keep-alive of the host's own to the next: within the patience of every client.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(10);

/// The first id of the host's own keep-alives: far from those of handlers.
const FIRST_KEEP_ALIVE: i32 = 0x0070_0000;

/// How the packets of one session are treated.
pub(super) struct Treatment {
    faults: Faults,
    session: HostSession,
    packets: Option<Packets>,
    keep_alive: Arc<AtomicI32>,
    ticker: Option<AbortHandle>,
    callbacks: JoinSet<()>,
}

impl Treatment {
    /// None where packets are treated as they should be.
    pub fn of(faults: Faults, session: &HostSession) -> Option<Self> {
        let any = faults.has(Fault::AnswersForGuest)
            || faults.has(Fault::ReEncodes)
            || faults.has(Fault::SpawnsPerPacket);
        any.then(|| Self::new(faults, session))
    }

    fn new(faults: Faults, session: &HostSession) -> Self {
        let mut treatment = Self {
            faults,
            session: session.clone(),
            packets: None,
            keep_alive: Arc::new(AtomicI32::new(FIRST_KEEP_ALIVE)),
            ticker: None,
            callbacks: JoinSet::new(),
        };
        if faults.has(Fault::AnswersForGuest) || faults.has(Fault::ReEncodes) {
            treatment.packets = Packets::new(session.protocol);
        }
        if faults.has(Fault::AnswersForGuest) {
            treatment.ticker = Some(treatment.tick());
        }
        treatment
    }

    /// Sends keep-alives that no guest has asked for.
    fn tick(&self) -> AbortHandle {
        let (session, id) = (self.session.clone(), Arc::clone(&self.keep_alive));
        tokio::spawn(async move {
            let packets = Packets::new(session.protocol);
            loop {
                tokio::time::sleep(KEEP_ALIVE_INTERVAL).await;
                let id = id.fetch_add(1, Ordering::Relaxed) + 1;
                let packet = packets.as_ref().and_then(|packets| packets.keep_alive(id));
                if packet.is_none_or(|packet| session.send_packet(packet).is_err()) {
                    return;
                }
            }
        })
        .abort_handle()
    }

    /// The packet as the handler gets it; none when it does not.
    pub fn packet(&self, mut packet: RawPacket) -> Option<RawPacket> {
        let Some(packets) = &self.packets else {
            return Some(packet);
        };
        if self.faults.has(Fault::AnswersForGuest) {
            let id = self.keep_alive.load(Ordering::Relaxed);
            return (!packets.is_answer(&packet, id)).then_some(packet);
        }
        if packets.is_keep_alive(&packet) {
            let known = match packets.keep_alive_layout() {
                KeepAliveId::Int => 4,
                KeepAliveId::Long => 8,
                KeepAliveId::VarInt => {
                    let last = packet.data.iter().position(|byte| *byte < 0x80);
                    last.map_or(packet.data.len(), |last| last + 1)
                }
            };
            packet.data.truncate(known);
        }
        Some(packet)
    }

    /// Runs the callback in a task of its own, if that is how this host is broken.
    pub fn spawns(&mut self, handler: &Arc<dyn VirtualBackendHandler>, packet: &RawPacket) -> bool {
        if !self.faults.has(Fault::SpawnsPerPacket) {
            return false;
        }
        let (session, handler) = (self.session.clone(), Arc::clone(handler));
        let packet = packet.clone();
        self.callbacks.spawn(async move {
            let live = |link: Arc<Link>| link.with(|wire| wire.live == Some(session.number));
            if session.link.upgrade().is_some_and(live) {
                handler.on_packet_received(&session, &packet).await;
            }
        });
        true
    }

    /// Before the end callback, so that this comes last all the same.
    pub async fn finish(mut self) {
        if let Some(ticker) = &self.ticker {
            ticker.abort();
        }
        let all = async { while self.callbacks.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(super::link::END_GRACE, all).await;
    }
}

/// Serves a connection for as long as it has packets, whoever else waits.
pub(super) async fn to_the_last_packet<T>(link: &Link, served: impl Future<Output = T>) -> T {
    let mut served = pin!(tokio::task::unconstrained(served));
    poll_fn(|context| {
        loop {
            let taken = link.packets_taken();
            match served.as_mut().poll(context) {
                Poll::Pending if link.packets_taken() > taken => {}
                other => return other,
            }
        }
    })
    .await
}
