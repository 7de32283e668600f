//! As many adapters as hosts are wanted at one time, and the files that they share.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use sim_proto::Fnv;
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::lock;
use super::process::Adapter;
use super::protocol::{Answer, Hello, Order};
use crate::lab::door::Component;

/// The adapters of a run. They are ended with it.
pub struct Pool {
    words: Vec<String>,
    /// What the first has said of itself.
    pub hello: Hello,
    adapters: Mutex<Vec<Slot>>,
    folder: TempDir,
    components: Mutex<BTreeMap<String, PathBuf>>,
    next_host: AtomicU64,
    /// Why the run cannot go on; the first reason stays.
    failure: Mutex<Option<String>>,
}

/// An adapter and the hosts on it.
struct Slot {
    adapter: Arc<Adapter>,
    running: u32,
    /// Told to stop, and perhaps still there.
    stopping: Vec<oneshot::Receiver<Answer>>,
}

impl Slot {
    fn has_room(&mut self) -> bool {
        self.stopping.retain_mut(|stopped| {
            matches!(stopped.try_recv(), Err(oneshot::error::TryRecvError::Empty))
        });
        let stopping = u32::try_from(self.stopping.len()).unwrap_or(u32::MAX);
        self.running.saturating_add(stopping) < self.adapter.hello.hosts.max(1)
    }
}

impl Pool {
    /// Starts the first adapter and hears what it is.
    ///
    /// # Errors
    /// Why there is nothing to judge, in a sentence.
    pub fn start(command: &str) -> Result<Self, String> {
        let words = shlex::split(command).filter(|words| !words.is_empty());
        let words = words.ok_or_else(|| {
            format!("`--adapter {command}` is no command: a quote may be open, or it is empty")
        })?;
        let adapter = Adapter::start(&words)?;
        let folder = tempfile::tempdir().map_err(|error| {
            format!("no folder for components: {error}; TMPDIR names where it is made")
        })?;
        Ok(Self {
            words,
            hello: adapter.hello.clone(),
            adapters: Mutex::new(vec![Slot {
                adapter: Arc::new(adapter),
                running: 0,
                stopping: Vec::new(),
            }]),
            folder,
            components: Mutex::default(),
            next_host: AtomicU64::new(1),
            failure: Mutex::default(),
        })
    }

    /// Why the run cannot go on, if it cannot.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        if let Some(failure) = lock(&self.failure).clone() {
            return Some(failure);
        }
        let adapters = lock(&self.adapters);
        adapters.iter().find_map(|slot| slot.adapter.failure())
    }

    /// The run cannot go on.
    pub fn fail(&self, why: String) {
        lock(&self.failure).get_or_insert(why);
    }

    /// A place for one more host.
    ///
    /// # Errors
    /// Why there is none, which is the end of the run.
    pub fn lease(self: &Arc<Self>) -> Result<Lease, String> {
        if let Some(failure) = self.failure() {
            return Err(failure);
        }
        let mut adapters = lock(&self.adapters);
        let mut index = adapters.iter_mut().position(Slot::has_room);
        if index.is_none() {
            let words = self.words.clone();
            // Its hello needs a runtime of its own, and this may be called within one.
            let started = thread::spawn(move || Adapter::start(&words)).join();
            let started = started.unwrap_or_else(|_| Err("no adapter could be started".to_owned()));
            let adapter = match started {
                Ok(adapter) => Arc::new(adapter),
                Err(why) => {
                    self.fail(why.clone());
                    return Err(why);
                }
            };
            index = Some(adapters.len());
            adapters.push(Slot {
                adapter,
                running: 0,
                stopping: Vec::new(),
            });
        }
        let slot = index.and_then(|index| adapters.get_mut(index));
        let slot = slot.ok_or_else(|| "no adapter is left".to_owned())?;
        slot.running += 1;
        Ok(Lease {
            pool: Arc::clone(self),
            adapter: Arc::clone(&slot.adapter),
            host: self.next_host.fetch_add(1, Ordering::Relaxed),
            over: false,
        })
    }

    /// Where a component lies, by its contents.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn file(&self, name: &str, component: &Component) -> Result<PathBuf, String> {
        let hash = Fnv::of(&component.0);
        let key = format!("{name}-{}-{}", hash.hex(), component.0.len());
        let mut components = lock(&self.components);
        if let Some(path) = components.get(&key) {
            return Ok(path.clone());
        }
        let path = self.folder.path().join(format!("{key}.wasm"));
        fs::write(&path, &component.0)
            .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        components.insert(key, path.clone());
        Ok(path)
    }

    fn back(&self, adapter: &Arc<Adapter>, stopping: Option<oneshot::Receiver<Answer>>) {
        let mut adapters = lock(&self.adapters);
        let slot = adapters
            .iter_mut()
            .find(|slot| Arc::ptr_eq(&slot.adapter, adapter));
        if let Some(slot) = slot {
            slot.running = slot.running.saturating_sub(1);
            slot.stopping.extend(stopping);
        }
    }
}

/// One host's place on an adapter. Dropping it tells the host to stop, if it has started.
pub struct Lease {
    pool: Arc<Pool>,
    /// The adapter.
    pub adapter: Arc<Adapter>,
    /// By which the host is called.
    pub host: u64,
    over: bool,
}

impl Lease {
    /// The host is not there any more, or never was: nobody needs to be told to stop it.
    pub fn is_over(&mut self) {
        self.over = true;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.adapter.forget(self.host);
        let (host, reason) = (self.host, "The case is over.".to_owned());
        let stopping = (!self.over).then(|| self.adapter.send(Order::Stop { host, reason }));
        self.pool.back(&self.adapter, stopping);
    }
}
