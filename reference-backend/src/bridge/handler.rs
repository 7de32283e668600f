//! A guest's handler as a native one: each callback goes to the export of the same name.

use super::instance::{Cell, Failure, Instance};
use super::plugin::PluginShared;
use super::sessions::Entry;
use crate::api::{
    BoxFuture, Callback, EndCause, HandlerId, LogLevel, PlayerId, RawPacket, VirtualBackendHandler,
    VirtualBackendSession,
};
use crate::bridge::bindings::infrarust::plugin::types::RawPacketParam;
use crate::config::Instances;
use crate::host::HostSession;
use std::sync::Weak;
use wasmtime::component::Resource;

/// What a player reads whose own instance did not start.
const NO_INSTANCE: &str = "This server could not be started for you. Please try again in a moment.";

pub(crate) struct WasmHandler {
    /// Of the instance that registered it, which holds the handler in turn.
    main: Weak<Instance>,
    /// An instance of a session's own outlives the one that registered the handler, which may trap at an event.
    plugin: Weak<PluginShared>,
    id: HandlerId,
    name: String,
}

impl WasmHandler {
    pub fn new(
        main: Weak<Instance>,
        plugin: Weak<PluginShared>,
        id: HandlerId,
        name: String,
    ) -> Self {
        Self {
            main,
            plugin,
            id,
            name,
        }
    }

    /// What there is of a player's session.
    fn session(&self, player: PlayerId) -> Option<Entry> {
        self.plugin.upgrade()?.sessions.find(player)
    }

    async fn start(&self, session: &HostSession) {
        let Some(main) = self.main.upgrade() else {
            return session.fail(EndCause::PluginFailed, NO_INSTANCE);
        };
        let instance = match main.plugin().config.instances {
            Instances::Shared => main,
            Instances::PerSession => match main.plugin().start_for_session().await {
                Ok(started) => started.instance,
                Err(failure) => {
                    if let Failure::Refused(why) = failure {
                        let plugin = main.plugin();
                        let text = format_args!("no instance: {why}");
                        let player = Some(session.player());
                        let services = &plugin.services;
                        services.note(&plugin.name, player, LogLevel::Error, text);
                    }
                    return session.fail(EndCause::PluginFailed, NO_INSTANCE);
                }
            },
        };
        instance.join(session);
        instance
            .call_for(Some(session.player()), Callback::SessionStart, |cell| {
                let rep = cell.store.data_mut().enter(session.clone())?;
                let Cell { store, handler, .. } = cell;
                exported(handler)?.call_virtual_backend_on_session_start(
                    store,
                    self.id.0,
                    Resource::new_borrow(rep),
                )
            })
            .await;
    }

    async fn receive(&self, player: PlayerId, packet: &RawPacket) {
        let Some(Entry { instance, rep, .. }) = self.session(player) else {
            return;
        };
        instance
            .call_for(Some(player), Callback::PacketReceived, |cell| {
                let Some(rep) = rep else {
                    // The start callback was given up before it came to this instance.
                    return Ok(());
                };
                let Cell { store, handler, .. } = cell;
                exported(handler)?.call_virtual_backend_on_packet_received(
                    store,
                    self.id.0,
                    Resource::new_borrow(rep),
                    RawPacketParam {
                        packet_id: packet.packet_id,
                        data: &packet.data,
                    },
                )
            })
            .await;
    }

    async fn end(&self, player: PlayerId) {
        let Some(Entry { instance, rep, .. }) = self.part(player) else {
            return;
        };
        instance
            .call_for(Some(player), Callback::SessionEnd, |cell| {
                let Some(rep) = rep else {
                    // The start callback was given up before it came to this instance: no start, no end.
                    return Ok(());
                };
                let Cell { store, handler, .. } = cell;
                let ended = exported(handler)?.call_virtual_backend_on_session_end(
                    &mut *store,
                    self.id.0,
                    player.0,
                );
                store.data_mut().leave(rep);
                ended
            })
            .await;
        if instance.is_for_one_session() {
            instance.disable().await;
        }
    }

    fn part(&self, player: PlayerId) -> Option<Entry> {
        self.plugin.upgrade()?.sessions.part(player)
    }
}

/// Loading has refused a guest that imports sessions without exporting this.
fn exported<T>(handler: &Option<T>) -> wasmtime::Result<&T> {
    match handler {
        Some(handler) => Ok(handler),
        None => wasmtime::bail!("the guest does not export virtual-backend-handler"),
    }
}

impl VirtualBackendHandler for WasmHandler {
    fn name(&self) -> &str {
        &self.name
    }

    fn on_session_start<'a>(&'a self, session: &'a dyn VirtualBackendSession) -> BoxFuture<'a, ()> {
        let session: Option<&HostSession> = session.host_side().downcast_ref();
        match session {
            Some(session) => Box::pin(self.start(session)),
            // Another host's: nothing of it could be reached through this one's tables.
            None => Box::pin(std::future::ready(())),
        }
    }

    fn on_packet_received<'a>(
        &'a self,
        session: &'a dyn VirtualBackendSession,
        packet: &'a RawPacket,
    ) -> BoxFuture<'a, ()> {
        Box::pin(self.receive(session.player_id(), packet))
    }

    fn on_session_end(&self, player: PlayerId) -> BoxFuture<'_, ()> {
        Box::pin(self.end(player))
    }

    fn is_alive(&self, player: PlayerId) -> bool {
        let alive = self
            .session(player)
            .is_some_and(|entry| !entry.instance.is_dead());
        if !alive {
            // The end callback, which would let go of it, does not come.
            self.part(player);
        }
        alive
    }
}
