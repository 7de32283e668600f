//! `virtual-backend`: sessions, and the registration of handlers.

use crate::api::{
    HandlerId, HostEvent, PlayerError, PlayerErrorKind, RawPacket, RegistrationError,
    RegistrationErrorKind, VirtualBackendSession,
};
use crate::bridge::bindings::infrarust::plugin::types::{
    self, ComponentResult, GameProfileResult, RawPacketResult,
};
use crate::bridge::bindings::infrarust::plugin::virtual_backend::{
    Host, HostVirtualBackendSession,
};
use crate::bridge::convert::{batch_error, player_error, profile, registration_error};
use crate::bridge::state::{GuestState, Phase, SessionHandle};
use crate::host::lock;
use std::sync::Arc;
use wasmtime::component::Resource;

type Answer = wasmtime::Result<Result<(), types::PlayerError>>;

impl HostVirtualBackendSession for GuestState {
    fn player_id(&mut self, handle: Resource<SessionHandle>) -> wasmtime::Result<u64> {
        Ok(self.session(&handle)?.player_id().0)
    }

    fn profile(&mut self, handle: Resource<SessionHandle>) -> wasmtime::Result<GameProfileResult> {
        Ok(profile(self.session(&handle)?.profile()))
    }

    fn protocol_version(&mut self, handle: Resource<SessionHandle>) -> wasmtime::Result<i32> {
        Ok(self.session(&handle)?.protocol_version())
    }

    fn send_packet(&mut self, handle: Resource<SessionHandle>, packet: RawPacketResult) -> Answer {
        let sent = self.session(&handle)?.send_packet(packet.into());
        Ok(sent.map_err(player_error))
    }

    fn send_packets(
        &mut self,
        handle: Resource<SessionHandle>,
        packets: Vec<RawPacketResult>,
    ) -> wasmtime::Result<Result<(), types::BatchError>> {
        let packets = packets.into_iter().map(RawPacket::from).collect();
        Ok(self
            .session(&handle)?
            .send_packets(packets)
            .map_err(batch_error))
    }

    fn send_message(
        &mut self,
        handle: Resource<SessionHandle>,
        message: ComponentResult,
    ) -> Answer {
        Ok(self
            .session(&handle)?
            .send_message(&message.into())
            .map_err(player_error))
    }

    fn switch_server(&mut self, handle: Resource<SessionHandle>, target: String) -> Answer {
        Ok(self
            .session(&handle)?
            .switch_server(&target)
            .map_err(player_error))
    }

    fn disconnect(&mut self, handle: Resource<SessionHandle>, reason: ComponentResult) -> Answer {
        Ok(self
            .session(&handle)?
            .disconnect(&reason.into())
            .map_err(player_error))
    }

    fn acquire(
        &mut self,
        handle: Resource<SessionHandle>,
    ) -> wasmtime::Result<Result<Resource<SessionHandle>, types::PlayerError>> {
        let session = self.session(&handle)?.clone();
        if let Err(ended) = session.lasts() {
            return Ok(Err(player_error(ended)));
        }
        let limit = self.plugin.config.limits.kept_sessions;
        if self.kept >= limit {
            return Ok(Err(player_error(PlayerError::new(
                PlayerErrorKind::QuotaExceeded,
                format!("the limit of {limit} kept sessions is reached"),
            ))));
        }
        self.kept += 1;
        Ok(Ok(self.table.push(SessionHandle {
            session,
            kept: true,
        })?))
    }

    fn drop(&mut self, handle: Resource<SessionHandle>) -> wasmtime::Result<()> {
        // Only handles made by `acquire` are the guest's own; those of callbacks are borrowed, and never come here.
        if self.table.delete(handle)?.kept {
            self.kept -= 1;
        }
        Ok(())
    }
}

impl Host for GuestState {
    fn register_virtual_backend_handler(
        &mut self,
        name: String,
        handler: u32,
    ) -> wasmtime::Result<Result<(), types::RegistrationError>> {
        self.not_in_metadata()?;
        let id = HandlerId(handler);
        let registered = if self.phase == Phase::Enabling {
            let handler = Arc::new(self.handler(id, name));
            lock(&self.registrar).register_virtual_backend_handler(id, handler)
        } else {
            Err(RegistrationError::new(
                RegistrationErrorKind::TooLate,
                "handlers are registered during `on-enable`".to_owned(),
            ))
        };
        Ok(registered.map_err(|error| {
            self.plugin.services.tell(HostEvent::RegistrationRefused {
                plugin: self.plugin.name.clone(),
                error: error.clone(),
            });
            registration_error(error)
        }))
    }
}
