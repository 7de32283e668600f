//! What a host that is broken on purpose does in place of the right thing, where that takes more than leaving something
//! out. In a build that cannot be broken `whole` stands in its place.

use super::dispatch::{Decision, PluginRecord};
use super::link::{Incoming, Link, Wire};
use super::memory::Share;
use super::script::{Backend, Script};
use super::services::Services;
use super::session::HostSession;
use crate::api::{
    EndCause, GameProfile, HandlerEntry, HandlerId, RawPacket, Text, VirtualBackendHandler,
    VirtualBackendSession,
};
use crate::fault::{Fault, Faults};
use crate::limbo::{KeepAliveId, Packets};
use backend_proto::TextComponent;
use bytes::Bytes;
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::task::{AbortHandle, JoinSet};

/// From one keep-alive of the host's own to the next: within the patience of every client.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(10);

/// The first id of the host's own keep-alives: far from those of handlers.
const FIRST_KEEP_ALIVE: i32 = 0x0070_0000;

/// How the packets of one session are treated; nothing where they are as they should be.
pub(super) struct Treatment(Option<Treated>);

struct Treated {
    faults: Faults,
    session: HostSession,
    packets: Option<Packets>,
    keep_alive: Arc<AtomicI32>,
    ticker: Option<AbortHandle>,
    callbacks: JoinSet<()>,
}

impl Treatment {
    pub fn of(session: &HostSession) -> Self {
        let faults = session.services.faults;
        let any = faults.has(Fault::AnswersForGuest)
            || faults.has(Fault::ReEncodes)
            || faults.has(Fault::SpawnsPerPacket);
        Self(any.then(|| Treated::new(faults, session)))
    }

    /// The packet as the handler is to get it; none when it does not, or has got it already.
    pub fn packet(
        &mut self,
        handler: &Arc<dyn VirtualBackendHandler>,
        packet: RawPacket,
    ) -> Option<RawPacket> {
        match &mut self.0 {
            None => Some(packet),
            Some(treated) => treated
                .packet(packet)
                .filter(|packet| !treated.spawns(handler, packet)),
        }
    }

    /// Before the end callback, so that this comes last all the same.
    pub async fn finish(self) {
        if let Some(treated) = self.0 {
            treated.finish().await;
        }
    }
}

impl Treated {
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
    fn packet(&self, mut packet: RawPacket) -> Option<RawPacket> {
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
    fn spawns(&mut self, handler: &Arc<dyn VirtualBackendHandler>, packet: &RawPacket) -> bool {
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

    async fn finish(mut self) {
        if let Some(ticker) = &self.ticker {
            ticker.abort();
        }
        let all = async { while self.callbacks.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(super::link::END_GRACE, all).await;
    }
}

/// What a broken host keeps of one connection.
#[derive(Default)]
pub(super) struct OnWire {
    /// Packets that have left the inbox.
    taken: u64,
    /// What goes out after the disconnect.
    overtaken: VecDeque<Bytes>,
    end_forgotten: bool,
    /// What came of an event that was fired too early.
    early: Option<Decision>,
}

impl OnWire {
    pub fn took_packet(&mut self) {
        self.taken += 1;
    }

    pub fn next_overtaken(&mut self) -> Option<Bytes> {
        self.overtaken.pop_front()
    }
}

/// What a broken host keeps for all of its connections.
#[derive(Default)]
pub(crate) struct OfHost {
    all_guests: tokio::sync::Mutex<()>,
}

fn has(link: &Link, fault: Fault) -> bool {
    link.with(|wire| wire.faults.has(fault))
}

/// Lets the disconnect go before what was queued.
pub(super) fn before_disconnect(wire: &mut Wire, cause: &EndCause) {
    if wire.faults.has(Fault::DisconnectsFirst) && *cause == EndCause::ByHandler {
        let queued = std::iter::from_fn(|| wire.conn.poll_transmit());
        wire.broken.overtaken.extend(queued);
    }
}

/// As a host does that keeps packets of different kinds apart: of the packets that have come since there were `before`,
/// the first two neighbours of two kinds change places.
pub(super) fn arrived(faults: Faults, inbox: &mut VecDeque<Incoming>, before: usize) {
    if !faults.has(Fault::SwapsTwo) {
        return;
    }
    let kind = |at: usize| match inbox.get(at) {
        Some(Incoming::Packet(packet)) => Some(packet.packet_id),
        _ => None,
    };
    let apart =
        |at: &usize| matches!((kind(at - 1), kind(*at)), (Some(one), Some(other)) if one != other);
    if let Some(at) = (before + 1..inbox.len()).find(apart) {
        inbox.swap(at - 1, at);
    }
}

/// The client sends no more. A pipe in memory that was broken differs from one that was ended by the write alone.
pub(super) async fn half_closed<W: AsyncWrite + Unpin>(link: &Link, writer: &mut W) {
    if has(link, Fault::NoEndOnReset) && writer.write(&[]).await.is_err() {
        reset(link);
    }
}

/// The connection was reset.
pub(super) fn reset(link: &Link) {
    if has(link, Fault::NoEndOnReset) {
        link.with(|wire| wire.broken.end_forgotten = true);
    }
}

/// Whether the end callback does not come.
pub(super) fn forgets_end(link: &Link) -> bool {
    link.with(|wire| wire.broken.end_forgotten)
}

/// Fires `server-pre-connect` before the login.
pub(super) async fn ask_early(
    script: &Script,
    profile: &GameProfile,
    protocol: i32,
) -> Result<(), EndCause> {
    if script.faults().has(Fault::PreConnectBeforeLogin) {
        let early = script.pre_connect(profile, protocol, None).await?;
        script.link.with(|wire| wire.broken.early = Some(early));
    }
    Ok(())
}

/// What came of that.
pub(super) fn early(link: &Link) -> Option<Decision> {
    link.with(|wire| wire.broken.early.take())
}

/// A handler in place of one that the plugin has not.
pub(super) fn another<'a>(
    script: &'a Script,
    plugin: &'a Arc<PluginRecord>,
    id: HandlerId,
) -> Option<(&'a Arc<PluginRecord>, HandlerId, HandlerEntry)> {
    let mut others = script.host.plugins().iter();
    let elsewhere = others.find_map(|other| Some((other, id, other.handler(id).ok()?)));
    if script.faults().has(Fault::OneGlobalTable) {
        return elsewhere;
    }
    let first = script.faults().has(Fault::FirstHandler) && elsewhere.is_none();
    let (first, entry) = first.then(|| plugin.first_handler())??;
    Some((plugin, first, entry))
}

/// The start callback has returned.
pub(super) async fn started(script: &Script, backend: &Backend, session: &HostSession) {
    if script.faults().has(Fault::StartsTwice) {
        // Only begun, so that nothing but the call itself differs.
        let again = backend.handler.on_session_start(session);
        let _ = tokio::time::timeout(Duration::ZERO, again).await;
    }
    if script.faults().has(Fault::DropsEarlyPackets) {
        while waiting_packet(&script.link).is_some() {}
    }
}

/// The end callback has returned.
pub(super) async fn ended(
    script: &Script,
    backend: &Backend,
    session: &HostSession,
    cause: &EndCause,
) {
    if script.faults().has(Fault::TwoEndsOnKick) && *cause == EndCause::Kicked {
        script.end(backend).await;
    }
    if script.faults().has(Fault::LatePacket)
        && let Some(packet) = waiting_packet(&script.link)
    {
        script.deliver(backend, session, &packet).await;
    }
}

/// The packet that waits longest, if any, whether or not the connection has ended.
fn waiting_packet(link: &Link) -> Option<RawPacket> {
    let taken = link.with(Wire::take);
    link.wake_pump();
    match taken {
        Some(Incoming::Packet(packet)) => Some(packet),
        _ => None,
    }
}

/// Makes all calls of guests under one lock.
pub(super) async fn alone<T>(services: &Services, call: impl Future<Output = T>) -> T {
    let _alone = match services.faults.has(Fault::GlobalLock) {
        true => Some(services.broken.all_guests.lock().await),
        false => None,
    };
    call.await
}

/// Drops all connections without a word. Answers whether this host stops like this.
pub(super) async fn kills(services: &Services, open: &[Arc<Link>]) -> bool {
    if !services.faults.has(Fault::ShutdownKills) {
        return false;
    }
    open.iter().for_each(|link| link.lost(EndCause::Shutdown));
    // The end callbacks have this one turn.
    tokio::task::yield_now().await;
    true
}

/// Asks those last that were restarted most.
pub(super) fn restarted_last<T>(faults: Faults, listeners: &mut [(T, Arc<PluginRecord>)]) {
    if faults.has(Fault::RestartedLast) {
        listeners.sort_by_key(|(_, plugin)| plugin.times_up());
    }
}

/// JSON that nobody has looked at.
pub(super) fn component(faults: Faults, text: &Text) -> Option<TextComponent> {
    match text {
        Text::Json(json) if faults.has(Fault::RawJson) => Some(TextComponent::unchecked(json)),
        _ => None,
    }
}

/// What is left of a packet's data.
pub(super) fn cut<'a>(services: &Services, data: &'a [u8]) -> &'a [u8] {
    /// A buffer that was just large enough.
    const KEPT: usize = 64 << 10;
    let faulty =
        services.faults.has(Fault::SplitsAt64Kib) && services.config.compression_threshold < 0;
    match data.get(..KEPT) {
        Some(kept) if faulty => kept,
        _ => data,
    }
}

/// Takes memory as a host does that bounds each queue alone, or whose connections take what is left. Answers whether it
/// has.
pub(super) fn takes_freely(faults: Faults, share: &Share, more: u64) -> bool {
    faults.has(Fault::UnsummedQueues) || faults.has(Fault::FirstCome) && more <= share.free()
}

/// There is no room in the queue for a packet of this size. Answers whether it goes there all the same.
pub(super) fn overfills(
    wire: &mut Wire,
    size: usize,
    full: (usize, String),
) -> Result<(), (usize, String)> {
    if !wire.faults.has(Fault::UnboundedQueue) {
        return Err(full);
    }
    wire.take_memory(std::iter::once(size))
        .map_err(|why| (0, why))
}

/// Serves a connection; one that is broken so for as long as it has packets, whoever else waits.
pub(super) async fn serve<T>(link: &Link, served: impl Future<Output = T>) -> T {
    if !has(link, Fault::UnfairSelect) {
        return served.await;
    }
    let taken = || link.with(|wire| wire.broken.taken);
    let mut served = pin!(tokio::task::unconstrained(served));
    poll_fn(|context| {
        loop {
            let before = taken();
            match served.as_mut().poll(context) {
                Poll::Pending if taken() > before => {}
                other => return other,
            }
        }
    })
    .await
}
