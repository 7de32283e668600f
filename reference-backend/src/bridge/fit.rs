//! Whether a component fits the contract in every type, which names alone do not show. Nothing of it runs.

use super::GuestEngine;
use super::bindings::exports::infrarust::plugin::guest::PluginMetadata;
use super::bindings::infrarust::plugin::events::{Event, EventOutcome};
use super::bindings::infrarust::plugin::types::RawPacketParam;
use super::linker::linker;
use super::load::{GUEST, HANDLER, qualified};
use super::state::SessionHandle;
use crate::capability::{Capability, Grants};
use wasmtime::Engine;
use wasmtime::component::types::{Component as ComponentType, ComponentItem};
use wasmtime::component::{Component, ComponentNamedList, Lift, Lower, Resource};
use wasmtime::error::Context;

/// What the host calls a session's callbacks with.
type Session = Resource<SessionHandle>;

/// Holds every import against what the host has, whoever may have it, and every export against what the host calls.
pub(super) fn check(
    engine: &GuestEngine,
    component: &Component,
    exports_handler: bool,
) -> wasmtime::Result<()> {
    let linker = linker(engine, component, &Grants::new(&Capability::ALL, &[]))?;
    let ty = linker.substituted_component_type(component)?;
    let guest = Exports {
        engine: &engine.engine,
        ty: &ty,
        interface: qualified(GUEST),
    };
    guest.function::<(), (PluginMetadata,)>("metadata")?;
    guest.function::<(), (Result<(), String>,)>("on-enable")?;
    guest.function::<(), ()>("on-disable")?;
    guest.function::<(u32, Event<'_>), (EventOutcome,)>("handle-event")?;
    guest.function::<(u64,), ()>("on-scheduled-task")?;
    if exports_handler {
        let handler = Exports {
            interface: qualified(HANDLER),
            ..guest
        };
        handler.function::<(u32, Session), ()>("virtual-backend-on-session-start")?;
        handler.function::<(u32, Session, RawPacketParam<'_>), ()>(
            "virtual-backend-on-packet-received",
        )?;
        handler.function::<(u32, u64), ()>("virtual-backend-on-session-end")?;
    }
    Ok(())
}

/// One exported interface.
struct Exports<'a> {
    engine: &'a Engine,
    ty: &'a ComponentType,
    interface: String,
}

impl Exports<'_> {
    fn function<Params, Return>(&self, name: &str) -> wasmtime::Result<()>
    where
        Params: ComponentNamedList + Lower,
        Return: ComponentNamedList + Lift,
    {
        let interface = &self.interface;
        let Some(exported) = self.ty.get_export(self.engine, interface) else {
            wasmtime::bail!("no export {interface}");
        };
        let ComponentItem::ComponentInstance(instance) = exported.ty else {
            wasmtime::bail!("the export {interface} is no interface");
        };
        let function = instance
            .get_export(self.engine, name)
            .map(|exported| exported.ty);
        let Some(ComponentItem::ComponentFunc(function)) = function else {
            wasmtime::bail!("{interface} has no function `{name}`");
        };
        function
            .typecheck::<Params, Return>(&self.ty.instance_type())
            .with_context(|| format!("{interface}, function `{name}`"))
    }
}
