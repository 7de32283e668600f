//! What a bridge that is broken on purpose does in place of the right thing, where that takes more than leaving something
//! out. In a build that cannot be broken `whole` stands in its place.

use super::instance::Instance;
use super::plugin::PluginShared;
use super::state::{GuestState, SessionHandle};
use crate::api::{Callback, PlayerId};
use crate::fault::Fault;
use crate::host::{HostSession, PluginRecord, SharedRegistrar, lock};
use std::sync::{Arc, Mutex};

/// What a broken host keeps of one plugin.
#[derive(Default)]
pub(crate) struct OfPlugin {
    /// Players whose sessions a trap has ended.
    lost: Mutex<Vec<PlayerId>>,
}

/// The instance of this session has trapped, in a callback for `player`. Answers whether the session hangs.
pub(super) fn hangs(
    plugin: &PluginShared,
    player: Option<PlayerId>,
    session: &HostSession,
) -> bool {
    let (faults, lost) = (plugin.services.faults, session.player());
    if faults.has(Fault::EndIntoSuccessor) {
        lock(&plugin.broken.lost).push(lost);
    }
    faults.has(Fault::HangsTheRest) && player.is_some_and(|player| player != lost)
}

/// A new instance brings its registrations. Those of the last one stay.
pub(super) fn succeeds(plugin: &PluginShared, record: &PluginRecord, registrar: &SharedRegistrar) {
    if plugin.services.faults.has(Fault::TableSurvivesRestart) {
        record.keep_handlers(registrar);
    }
}

/// A new instance runs. It is told of the end of sessions that it never had.
pub(super) async fn running(plugin: &PluginShared, instance: &Instance) {
    if !plugin.services.faults.has(Fault::EndIntoSuccessor) {
        return;
    }
    let lost = std::mem::take(&mut *lock(&plugin.broken.lost));
    let first = lock(&instance.registrar).handlers.keys().next().copied();
    let Some(handler) = first else { return };
    for player in lost {
        instance
            .call(Callback::SessionEnd, |cell| match &cell.handler {
                Some(guest) => {
                    guest.call_virtual_backend_on_session_end(&mut cell.store, handler.0, player.0)
                }
                None => Ok(()),
            })
            .await;
    }
}

/// A session is about to enter the table: kept handles of sessions that have ended come to mean it.
pub(super) fn enters(state: &mut GuestState, session: &HostSession) {
    if !state.plugin.services.faults.has(Fault::ReusesSlots) {
        return;
    }
    let handles = state.table.iter_mut();
    for handle in handles.filter_map(|entry| entry.downcast_mut::<SessionHandle>()) {
        let player = handle.session.player();
        if handle.kept && state.plugin.sessions.find(player).is_none() {
            handle.session = session.clone();
        }
    }
}

/// Whether tasks go on after the end.
pub(super) fn leaks_tasks(plugin: &PluginShared) -> bool {
    plugin.services.faults.has(Fault::LeaksTasks)
}

/// An instance that is kept for as long as its tasks run.
pub(super) fn leaked(instance: &Arc<Instance>) -> Option<Arc<Instance>> {
    leaks_tasks(instance.plugin()).then(|| Arc::clone(instance))
}
