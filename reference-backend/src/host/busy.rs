//! Whom a connection waits for, so that a host that stops can say it.

use super::services::lock;
use crate::api::Callback;
use std::sync::Mutex;

/// The call of a plugin that is under way for a connection.
#[derive(Default)]
pub(super) struct Busy(Mutex<State>);

#[derive(Default)]
struct State {
    /// Who was called last.
    plugin: String,
    callback: Option<Callback>,
}

/// A call that is under way until this is dropped.
pub(super) struct UnderWay<'a>(&'a Busy);

impl Busy {
    /// The next calls are this plugin's.
    pub fn with(&self, plugin: &str) {
        let mut state = lock(&self.0);
        if state.plugin != plugin {
            plugin.clone_into(&mut state.plugin);
        }
    }

    /// A call begins.
    pub fn calls(&self, callback: Callback) -> UnderWay<'_> {
        lock(&self.0).callback = Some(callback);
        UnderWay(self)
    }

    /// Who is called, and what for; nothing when nobody is.
    pub fn now(&self) -> Option<(String, Callback)> {
        let state = lock(&self.0);
        Some((state.plugin.clone(), state.callback?))
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        lock(&self.0.0).callback = None;
    }
}
