//! Linking: what is not granted is absent.

use super::bindings::infrarust::plugin::{
    config_service, event_bus, log, scheduler, virtual_backend,
};
use super::state::GuestState;
use crate::capability::{Capability, Grants};
use crate::fault::{Fault, Faults};
use wasmtime::Engine;
use wasmtime::component::Linker;

/// A linker that holds what is always there and what is granted. The interfaces `types` and `events` hold no functions,
/// so there is nothing of them to link.
pub(crate) fn linker(
    engine: &Engine,
    grants: &Grants,
    faults: Faults,
) -> wasmtime::Result<Linker<GuestState>> {
    let mut linker = Linker::new(engine);
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
    if faults.has(Fault::InheritsEverything) {
        inherit_environment(&mut linker)?;
    }
    Ok(linker)
}

/// Where WASI has a program look for what it was started with.
pub(super) const ENVIRONMENT: &str = "wasi:cli/environment@0.2.6";

/// For a host that is broken on purpose: hands on what the host itself was started with.
fn inherit_environment(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
    let mut environment = linker.instance(ENVIRONMENT)?;
    environment.func_wrap("get-environment", move |_, ()| {
        let variables = std::env::vars_os().map(|(name, value)| (text(name), text(value)));
        Ok((variables.collect::<Vec<(String, String)>>(),))
    })?;
    environment.func_wrap("get-arguments", move |_, ()| {
        Ok((std::env::args_os().map(text).collect::<Vec<String>>(),))
    })
}
