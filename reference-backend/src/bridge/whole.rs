//! What stands in the places of `broken` in a bridge that cannot be broken: nothing.

use super::instance::Instance;
use super::plugin::PluginShared;
use super::state::GuestState;
use crate::api::PlayerId;
use crate::host::{HostSession, PluginRecord, SharedRegistrar};
use std::sync::Arc;

pub(super) fn hangs(_: &PluginShared, _: Option<PlayerId>, _: &HostSession) -> bool {
    false
}

pub(super) fn succeeds(_: &PluginShared, _: &PluginRecord, _: &SharedRegistrar) {}

pub(super) async fn running(_: &PluginShared, _: &Instance) {}

pub(super) fn enters(_: &mut GuestState, _: &HostSession) {}

pub(super) fn leaks_tasks(_: &PluginShared) -> bool {
    false
}

pub(super) fn leaked(_: &Arc<Instance>) -> Option<Arc<Instance>> {
    None
}
