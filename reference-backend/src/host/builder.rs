//! Putting a host together.

use super::{Host, Observer};
use crate::api::NativePlugin;
use crate::bridge::{GuestComponent, MissingCapability};
use crate::config::{HostConfig, PluginConfig};
use std::sync::Arc;

/// Why a host did not start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// A guest imports what it may not have; it was not instantiated.
    #[error(transparent)]
    MissingCapability(#[from] MissingCapability),
    /// wasmtime cannot link the guest: a function of an interface has another type than the contract's.
    #[error("plugin {plugin}: cannot be linked: {message}")]
    Link {
        /// The plugin.
        plugin: String,
        /// wasmtime's words.
        message: String,
    },
    /// Two plugins have one name.
    #[error("two plugins are named {0}")]
    DuplicateName(String),
}

/// A host before it starts.
pub struct HostBuilder {
    config: HostConfig,
    guests: Vec<(String, GuestComponent, PluginConfig)>,
    natives: Vec<(String, Arc<dyn NativePlugin>, PluginConfig)>,
    observer: Option<Arc<dyn Observer>>,
}

impl HostBuilder {
    pub(super) fn new(config: HostConfig) -> Self {
        Self { config, guests: Vec::new(), natives: Vec::new(), observer: None }
    }

    /// Adds a guest. The plugin's configuration is this one, whatever the host's configuration has under its name.
    #[must_use]
    pub fn guest(
        mut self,
        name: impl Into<String>,
        component: GuestComponent,
        config: PluginConfig,
    ) -> Self {
        self.guests.push((name.into(), component, config));
        self
    }

    /// Adds a native plugin.
    #[must_use]
    pub fn native(
        mut self,
        name: impl Into<String>,
        plugin: Arc<dyn NativePlugin>,
        config: PluginConfig,
    ) -> Self {
        self.natives.push((name.into(), plugin, config));
        self
    }

    /// Whom to tell what happens.
    #[must_use]
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Enables the plugins, in the order in which they were added, and starts the host. A plugin whose `on-enable`
    /// fails or traps does not keep the host from starting; the observer and the log tell.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start(self) -> Result<Host, StartError> {
        let _ = (self.config, self.guests, self.natives, self.observer);
        todo!()
    }
}
