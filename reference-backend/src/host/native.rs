//! Plugins that are part of the process. They are code of other authors all the same: where the host asks one of them, a
//! panic is an error of that plugin and of nobody else.

use super::dispatch::{PluginDriver, PluginRecord};
use super::services::{Services, lock};
use crate::api::{
    BoxFuture, Event, EventOutcome, HostEvent, ListenerId, LogLevel, NativePlugin, PluginState,
    Registrar,
};
use std::any::Any;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, Weak};
use std::task::Poll;

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
        let enabled = caught(|| self.plugin.on_enable(&mut registrar)).await;
        let enabled = enabled.and_then(|enabled| enabled);
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
        Box::pin(caught(move || self.plugin.handle_event(listener, event)))
    }

    fn disable(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let Some(record) = self.record.upgrade() else {
                return;
            };
            record.set_down(None);
            if std::mem::take(&mut *lock(&self.enabled)) {
                if let Err(why) = caught(|| self.plugin.on_disable()).await {
                    let text = format_args!("on-disable: {why}");
                    self.services
                        .note(&record.name, None, LogLevel::Error, text);
                }
                self.tell(&record, PluginState::Disabled);
            }
        })
    }
}

/// What the plugin answers, or that it panicked and with which words.
pub(super) async fn caught<'a, T>(call: impl FnOnce() -> BoxFuture<'a, T>) -> Result<T, String> {
    // What a panic has left half done is the plugin's own.
    let mut answer = catch_unwind(AssertUnwindSafe(call)).map_err(words)?;
    poll_fn(
        |context| match catch_unwind(AssertUnwindSafe(|| answer.as_mut().poll(context))) {
            Ok(answer) => answer.map(Ok),
            Err(panic) => Poll::Ready(Err(words(panic))),
        },
    )
    .await
}

fn words(panic: Box<dyn Any + Send>) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    match text.or_else(|| panic.downcast_ref::<&str>().copied()) {
        Some(text) => format!("it panicked: {text}"),
        None => "it panicked".to_owned(),
    }
}
