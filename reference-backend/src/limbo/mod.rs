//! An idle empty world: where players wait when no server stands behind them.

use crate::api::{
    BoxFuture, HandlerId, PlayerId, RawPacket, Text, VirtualBackendHandler, VirtualBackendSession,
};

/// The id under which the host's own handler appears. Ids belong to plugins, and this one to the plugin `limbo`.
pub const HANDLER_ID: HandlerId = HandlerId(0);

/// The handler of `send-to-limbo`.
#[derive(Default)]
pub struct Limbo {}

impl VirtualBackendHandler for Limbo {
    fn name(&self) -> &str {
        "limbo"
    }

    fn on_session_start<'a>(&'a self, session: &'a dyn VirtualBackendSession) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let _ = session.disconnect(&Text::plain("There is no limbo yet."));
        })
    }

    fn on_packet_received<'a>(
        &'a self,
        _session: &'a dyn VirtualBackendSession,
        _packet: &'a RawPacket,
    ) -> BoxFuture<'a, ()> {
        Box::pin(async {})
    }

    fn on_session_end(&self, _player: PlayerId) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}
