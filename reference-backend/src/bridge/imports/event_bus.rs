//! `event-bus`: listeners.

use crate::api::{EventKind, HostEvent, ListenerId};
use crate::bridge::bindings::infrarust::plugin::event_bus::Host;
use crate::bridge::bindings::infrarust::plugin::events::EventKind as WitKind;
use crate::bridge::bindings::infrarust::plugin::types::RegistrationError;
use crate::bridge::convert::registration_error;
use crate::bridge::state::GuestState;
use crate::host::lock;

impl Host for GuestState {
    fn subscribe(
        &mut self,
        kind: WitKind,
        priority: i16,
    ) -> wasmtime::Result<Result<u32, RegistrationError>> {
        self.not_in_metadata()?;
        let subscribed = lock(&self.registrar).subscribe(kind.into(), priority);
        Ok(subscribed.map(|listener| listener.0).map_err(|error| {
            self.plugin.services.tell(HostEvent::RegistrationRefused {
                plugin: self.plugin.name.clone(),
                error: error.clone(),
            });
            registration_error(error)
        }))
    }

    fn unsubscribe(&mut self, listener: u32) -> wasmtime::Result<bool> {
        self.not_in_metadata()?;
        Ok(lock(&self.registrar).unsubscribe(ListenerId(listener)))
    }
}

impl From<WitKind> for EventKind {
    fn from(kind: WitKind) -> Self {
        match kind {
            WitKind::PreLogin => Self::PreLogin,
            WitKind::PostLogin => Self::PostLogin,
            WitKind::ChooseInitialServer => Self::ChooseInitialServer,
            WitKind::ServerPreConnect => Self::ServerPreConnect,
            WitKind::KickedFromServer => Self::KickedFromServer,
            WitKind::SwitchFailed => Self::SwitchFailed,
            WitKind::PlayerDisconnect => Self::PlayerDisconnect,
        }
    }
}
