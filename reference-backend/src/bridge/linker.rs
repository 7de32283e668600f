//! Linking: what is not granted is absent.

use super::GuestEngine;
use super::bindings::infrarust::plugin::{
    config_service, event_bus, log, scheduler, virtual_backend,
};
use super::state::GuestState;
use super::wasi;
use crate::capability::{Capability, Grants};
use wasmtime::component::{Component, Linker};

/// A linker that holds what is always there, what is granted, and what the component imports of WASI. The interfaces `types` and `events` hold no functions,
/// so there is nothing of them to link.
pub(crate) fn linker(
    engine: &GuestEngine,
    component: &Component,
    grants: &Grants,
) -> wasmtime::Result<Linker<GuestState>> {
    let mut linker = Linker::new(&engine.engine);
    log::add_to_linker::<_, GuestState>(&mut linker, |state| state)?;
    if grants.allows(Capability::EventBus) {
        event_bus::add_to_linker::<_, GuestState>(&mut linker, |state| state)?;
    }
    if grants.allows(Capability::Scheduler) {
        scheduler::add_to_linker::<_, GuestState>(&mut linker, |state| state)?;
    }
    if grants.allows(Capability::ConfigRead) {
        config_service::add_to_linker::<_, GuestState>(&mut linker, |state| state)?;
    }
    if grants.allows(Capability::VirtualBackend) {
        virtual_backend::add_to_linker::<_, GuestState>(&mut linker, |state| state)?;
    }
    wasi::link(&mut linker, engine, component)?;
    Ok(linker)
}
