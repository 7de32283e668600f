//! What stands in the places of `broken` in a host that cannot be broken: nothing.

use super::dispatch::{Decision, PluginRecord};
use super::link::{Incoming, Link, Wire};
use super::memory::Share;
use super::script::{Backend, Script};
use super::services::Services;
use super::session::HostSession;
use crate::api::{
    EndCause, GameProfile, HandlerEntry, HandlerId, RawPacket, Text, VirtualBackendHandler,
};
use crate::fault::Faults;
use backend_proto::TextComponent;
use bytes::Bytes;
use std::collections::VecDeque;
use std::future::Future;
use std::sync::Arc;

pub(super) struct Treatment;

impl Treatment {
    pub fn of(_: &HostSession) -> Self {
        Self
    }

    pub fn packet(
        &mut self,
        _: &Arc<dyn VirtualBackendHandler>,
        packet: RawPacket,
    ) -> Option<RawPacket> {
        Some(packet)
    }

    pub async fn finish(self) {}
}

#[derive(Default)]
pub(super) struct OnWire {}

impl OnWire {
    pub fn took_packet(&mut self) {}

    pub fn next_overtaken(&mut self) -> Option<Bytes> {
        None
    }
}

pub(super) fn before_disconnect(_: &mut Wire, _: &EndCause) {}

pub(super) fn arrived(_: Faults, _: &mut VecDeque<Incoming>, _: usize) {}

pub(super) async fn half_closed<W>(_: &Link, _: &mut W) {}

pub(super) fn reset(_: &Link) {}

pub(super) fn forgets_end(_: &Link) -> bool {
    false
}

pub(super) async fn ask_early(_: &Script, _: &GameProfile, _: i32) -> Result<(), EndCause> {
    Ok(())
}

pub(super) fn early(_: &Link) -> Option<Decision> {
    None
}

pub(super) fn another<'a>(
    _: &'a Script,
    _: &'a Arc<PluginRecord>,
    _: HandlerId,
) -> Option<(&'a Arc<PluginRecord>, HandlerId, HandlerEntry)> {
    None
}

pub(super) async fn started(_: &Script, _: &Backend, _: &HostSession) {}

pub(super) async fn ended(_: &Script, _: &Backend, _: &HostSession, _: &EndCause) {}

pub(super) async fn alone<T>(_: &Services, call: impl Future<Output = T>) -> T {
    call.await
}

pub(super) async fn kills(_: &Services, _: &[Arc<Link>]) -> bool {
    false
}

pub(super) fn restarted_last<T>(_: Faults, _: &mut [(T, Arc<PluginRecord>)]) {}

pub(super) fn component(_: Faults, _: &Text) -> Option<TextComponent> {
    None
}

pub(super) fn cut<'a>(_: &Services, data: &'a [u8]) -> &'a [u8] {
    data
}

pub(super) fn takes_freely(_: Faults, _: &Share, _: u64) -> bool {
    false
}

pub(super) fn overfills(
    _: &mut Wire,
    _: usize,
    full: (usize, String),
) -> Result<(), (usize, String)> {
    Err(full)
}

pub(super) async fn serve<T>(_: &Link, served: impl Future<Output = T>) -> T {
    served.await
}
