//! `config-service`: the plugin's own table.

use crate::bridge::bindings::infrarust::plugin::config_service::Host;
use crate::bridge::state::GuestState;

impl Host for GuestState {
    fn get(&mut self, key: String) -> wasmtime::Result<Option<String>> {
        self.not_in_metadata()?;
        Ok(self.config.get(&key).cloned())
    }

    fn keys(&mut self) -> wasmtime::Result<Vec<String>> {
        self.not_in_metadata()?;
        Ok(self.config.keys().cloned().collect())
    }
}
