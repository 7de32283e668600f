//! The sessions of one guest, by their players: which instance has each, and what the guest knows it by.

use super::instance::Instance;
use crate::api::PlayerId;
use crate::host::{HostSession, lock};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// The sessions of all instances of one plugin.
///
/// An entry keeps its instance alive, which holds the plugin and so this: whoever runs the plugin [clears](Self::clear)
/// what is left in the end.
#[derive(Default)]
pub(crate) struct Sessions(Mutex<BTreeMap<PlayerId, Entry>>);

/// One session.
#[derive(Clone)]
pub(crate) struct Entry {
    pub instance: Arc<Instance>,
    pub session: HostSession,
    /// Where it is in the instance's table, once the start callback has come to the instance.
    pub rep: Option<u32>,
}

impl Sessions {
    /// A session belongs to this instance from now on.
    pub fn join(&self, instance: &Arc<Instance>, session: &HostSession) {
        let entry = Entry {
            instance: Arc::clone(instance),
            session: session.clone(),
            rep: None,
        };
        lock(&self.0).insert(session.player(), entry);
    }

    /// The session is in its instance's table.
    pub fn entered(&self, player: PlayerId, rep: u32) {
        if let Some(entry) = lock(&self.0).get_mut(&player) {
            entry.rep = Some(rep);
        }
    }

    pub fn find(&self, player: PlayerId) -> Option<Entry> {
        lock(&self.0).get(&player).cloned()
    }

    pub fn part(&self, player: PlayerId) -> Option<Entry> {
        lock(&self.0).remove(&player)
    }

    /// The sessions that an instance has.
    pub fn of(&self, instance: &Instance) -> Vec<HostSession> {
        lock(&self.0)
            .values()
            .filter(|entry| std::ptr::eq(&*entry.instance, instance))
            .map(|entry| entry.session.clone())
            .collect()
    }

    /// Takes out the sessions that an instance has had.
    pub fn lose(&self, instance: &Instance) -> Vec<HostSession> {
        let lost = self.of(instance);
        let mut sessions = lock(&self.0);
        let parted: Vec<_> = lost
            .iter()
            .map(|session| sessions.remove(&session.player()))
            .collect();
        // Whatever an entry holds is let go of with the table unlocked.
        drop(sessions);
        drop(parted);
        lost
    }

    pub fn clear(&self) {
        let left = std::mem::take(&mut *lock(&self.0));
        drop(left);
    }
}
