//! Plugins that are part of the process.

use super::dispatch::{PluginDriver, PluginRecord};
use super::observer::{HostEvent, PluginState};
use super::services::{Services, lock};
use crate::api::{BoxFuture, Event, EventOutcome, ListenerId, NativePlugin, Registrar};
use std::sync::{Arc, Mutex, Weak};

pub(super) struct NativeDriver {
    /// The record holds the driver.
    record: Weak<PluginRecord>,
    services: Arc<Services>,
    plugin: Arc<dyn NativePlugin>,
    enabled: Mutex<bool>,
}

impl NativeDriver {
    pub fn new(
        record: Weak<PluginRecord>,
        services: Arc<Services>,
        plugin: Arc<dyn NativePlugin>,
    ) -> Self {
        Self {
            record,
            services,
            plugin,
            enabled: Mutex::new(false),
        }
    }

    pub async fn enable(&self) {
        let Some(record) = self.record.upgrade() else {
            return;
        };
        let mut registrar =
            Registrar::new(&record.name, record.grants.clone(), &record.config.limits);
        self.tell(&record, PluginState::Enabling);
        let enabled = self.plugin.on_enable(&mut registrar).await;
        let registrar = Arc::new(Mutex::new(registrar));
        match enabled {
            Ok(()) => {
                *lock(&self.enabled) = true;
                record.set_up(registrar);
                self.tell(
                    &record,
                    PluginState::Enabled {
                        before: None,
                        after: None,
                    },
                );
            }
            Err(reason) => {
                record.set_down(Some(registrar));
                self.tell(&record, PluginState::Off { reason });
            }
        }
    }

    fn tell(&self, record: &PluginRecord, state: PluginState) {
        self.services.tell(HostEvent::Plugin {
            plugin: record.name.clone(),
            incarnation: 1,
            state,
        });
    }
}

impl PluginDriver for NativeDriver {
    fn handle_event<'a>(
        &'a self,
        listener: ListenerId,
        event: &'a Event,
    ) -> BoxFuture<'a, Result<EventOutcome, String>> {
        Box::pin(async move { Ok(self.plugin.handle_event(listener, event).await) })
    }

    fn disable(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let Some(record) = self.record.upgrade() else {
                return;
            };
            record.set_down(None);
            if std::mem::take(&mut *lock(&self.enabled)) {
                self.plugin.on_disable().await;
                self.tell(&record, PluginState::Disabled);
            }
        })
    }
}
