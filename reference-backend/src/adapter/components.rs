//! Components, each compiled once: a path always names the same bytes.

use crate::api::{FileError, read_file};
use crate::bridge::{GuestComponent, GuestEngine, LoadError};
use crate::config::Limits;
use crate::host::lock;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tokio::sync::OnceCell;

/// What has been compiled, by path.
pub(super) struct Components {
    engine: GuestEngine,
    kept: Mutex<BTreeMap<PathBuf, Arc<OnceCell<GuestComponent>>>>,
}

impl Components {
    pub fn new(engine: GuestEngine) -> Self {
        Self {
            engine,
            kept: Mutex::default(),
        }
    }

    pub fn engine(&self) -> &GuestEngine {
        &self.engine
    }

    /// The component of this path, compiled by whoever asks first; the others wait for it. What cannot be is told each
    /// time anew, with the name of the plugin that it is for.
    pub async fn get(&self, name: &str, path: &Path) -> Result<GuestComponent, String> {
        let cell = Arc::clone(lock(&self.kept).entry(path.to_owned()).or_default());
        let compile = || async {
            let (engine, name, path) = (self.engine.clone(), name.to_owned(), path.to_owned());
            let compiling = tokio::task::spawn_blocking(move || load(&engine, &name, &path));
            match compiling.await {
                Ok(loaded) => loaded,
                // It cannot be cancelled; what it was panics here as it did there.
                Err(error) => std::panic::resume_unwind(error.into_panic()),
            }
        };
        cell.get_or_try_init(compile).await.cloned()
    }
}

fn load(engine: &GuestEngine, name: &str, path: &Path) -> Result<GuestComponent, String> {
    // A start cannot set those that hold for loading.
    let limits = Limits::default();
    let bytes = read_file(path, limits.component_bytes).map_err(|error| match error {
        FileError::TooBig { size, limit } => LoadError::TooBig {
            name: name.to_owned(),
            size,
            limit,
        }
        .to_string(),
        error => format!("plugin {name}: {}: cannot be read: {error}", path.display()),
    })?;
    let loaded = engine.load_within(name, &bytes, &limits);
    loaded.map_err(|error| error.to_string())
}
