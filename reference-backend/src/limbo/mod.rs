//! An idle empty world: where players wait when no server stands behind them.
//!
//! A native handler like any other. It serves `send-to-limbo`, and keeps the native path in use.

mod layout;
mod packets;

use crate::api::{
    BoxFuture, HandlerId, PlayerId, RawPacket, Text, VirtualBackendHandler, VirtualBackendSession,
};
use crate::host::lock;
#[cfg(feature = "faults")]
pub(crate) use layout::KeepAliveId;
pub(crate) use packets::Packets;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::AbortHandle;

/// The id under which the host's own handler appears. Ids belong to plugins, and this one to the plugin `limbo`.
pub const HANDLER_ID: HandlerId = HandlerId(0);

/// From one keep-alive to the next: a third of the client's read timeout of 30 s.
pub const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(10);

/// Keep-alives that may go unanswered one after the other. Some clients answer late, when their window thaws.
const MAX_UNANSWERED: u32 = 3;

/// The handler of `send-to-limbo`.
#[derive(Default)]
pub struct Limbo {
    players: Mutex<BTreeMap<PlayerId, Player>>,
}

struct Player {
    state: Arc<Mutex<KeepAlive>>,
    packets: Arc<Packets>,
    task: AbortHandle,
}

#[derive(Default)]
struct KeepAlive {
    /// Of the last one sent.
    id: i32,
    unanswered: u32,
}

impl Limbo {
    fn start(&self, session: &dyn VirtualBackendSession) {
        let packets = Packets::new(session.protocol_version()).map(Arc::new);
        let Some((packets, join)) = packets.and_then(|it| it.join().map(|join| (it, join))) else {
            refused(session.disconnect(&Text::plain("There is no limbo for your version.")));
            return;
        };
        if let Err(error) = session.send_packets(join) {
            tracing::debug!(player = %session.player_id(), "limbo cannot send: {error}");
            return;
        }
        let state = Arc::new(Mutex::new(KeepAlive::default()));
        let task = tokio::spawn(keep_alive(
            session.handle(),
            Arc::clone(&packets),
            Arc::clone(&state),
        ));
        let player = Player {
            state,
            packets,
            task: task.abort_handle(),
        };
        lock(&self.players).insert(session.player_id(), player);
    }

    fn receive(&self, player: PlayerId, packet: &RawPacket) {
        let players = lock(&self.players);
        if let Some(player) = players.get(&player) {
            let mut state = lock(&player.state);
            if player.packets.is_answer(packet, state.id) {
                state.unanswered = 0;
            }
        }
    }

    fn end(&self, player: PlayerId) {
        if let Some(player) = lock(&self.players).remove(&player) {
            player.task.abort();
        }
    }
}

async fn keep_alive(
    session: Arc<dyn VirtualBackendSession>,
    packets: Arc<Packets>,
    state: Arc<Mutex<KeepAlive>>,
) {
    loop {
        tokio::time::sleep(KEEP_ALIVE_INTERVAL).await;
        let id = {
            let mut state = lock(&state);
            if state.unanswered >= MAX_UNANSWERED {
                refused(session.disconnect(&Text::plain("Timed out.")));
                return;
            }
            state.unanswered += 1;
            state.id = state.id.wrapping_add(1);
            state.id
        };
        if let Some(packet) = packets.keep_alive(id) {
            refused(session.send_packet(packet));
        }
    }
}

/// The session has ended in between; its end callback stops everything.
fn refused(call: Result<(), crate::api::PlayerError>) {
    if let Err(error) = call {
        tracing::debug!("limbo: {error}");
    }
}

impl VirtualBackendHandler for Limbo {
    fn name(&self) -> &str {
        "limbo"
    }

    fn on_session_start<'a>(&'a self, session: &'a dyn VirtualBackendSession) -> BoxFuture<'a, ()> {
        Box::pin(async move { self.start(session) })
    }

    fn on_packet_received<'a>(
        &'a self,
        session: &'a dyn VirtualBackendSession,
        packet: &'a RawPacket,
    ) -> BoxFuture<'a, ()> {
        Box::pin(async move { self.receive(session.player_id(), packet) })
    }

    fn on_session_end(&self, player: PlayerId) -> BoxFuture<'_, ()> {
        Box::pin(async move { self.end(player) })
    }
}
