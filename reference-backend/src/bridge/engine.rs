//! The engine that compiles and runs guests.

use crate::config::HostLimits;
use crate::config::limits::{MAX_MEMORY, MAX_TABLE_ELEMENTS};
use crate::fault::Faults;
use std::sync::{Arc, Weak};
use std::time::Duration;
use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

/// How the CPU time of a callback is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CpuMeter {
    /// By counting instructions: the same on every machine. For tests and for judging.
    Fuel,
    /// By the clock of the thread that makes the call, looked at every 10 ms. For serving players.
    Epoch,
}

/// The step of [`CpuMeter::Epoch`]: a call has its budget, and at most two of these more.
pub const EPOCH_TICK: Duration = Duration::from_millis(10);

/// A component is its own core module, the adapter modules of wit-component, and at most a few more.
const CORE_INSTANCES_PER_COMPONENT: u32 = 16;
/// Of a module built by LLVM one is used; the encoder's shim module has another.
const TABLES_PER_COMPONENT: u32 = 4;
/// Bytes of a used slot that stay mapped, so that the next instance in it starts without page faults.
const KEEP_RESIDENT: usize = 64 << 10;

/// An engine could not be made: the configuration does not fit the machine.
#[derive(Debug, thiserror::Error)]
#[error("the WebAssembly engine cannot be made: {0}")]
pub struct EngineError(String);

/// Compiles guests and runs them. Cheap to clone; clones are the same engine.
#[derive(Clone)]
pub struct GuestEngine {
    pub(crate) engine: Engine,
    pub(crate) meter: CpuMeter,
    /// What is broken on purpose where there is no host yet: in loading.
    pub(crate) faults: Faults,
    /// Held so that the ticker stops with the last engine and its last instance.
    _ticker: Option<Arc<Ticker>>,
}

impl GuestEngine {
    /// An engine with this meter and the default limits.
    ///
    /// # Errors
    /// When the machine cannot run wasmtime's compiled code.
    pub fn new(meter: CpuMeter) -> Result<Self, EngineError> {
        Self::with_limits(meter, &HostLimits::default())
    }

    /// An engine with this meter and the stack and the number of instances that `limits` say.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_limits(meter: CpuMeter, limits: &HostLimits) -> Result<Self, EngineError> {
        // A pool wants a large stretch of address space. Where a limit on it forbids that, instances are made one
        // by one, which is slower and otherwise the same.
        let engine = Engine::new(&config(meter, limits, true))
            .or_else(|_| Engine::new(&config(meter, limits, false)))
            .map_err(|error| EngineError(format!("{error:#}")))?;
        let ticker = match meter {
            CpuMeter::Fuel => None,
            CpuMeter::Epoch => Some(Ticker::start(&engine)?),
        };
        Ok(Self {
            engine,
            meter,
            faults: Faults::default(),
            _ticker: ticker,
        })
    }

    /// The same engine, broken in this way.
    #[cfg(feature = "faults")]
    #[must_use]
    pub fn with_fault(mut self, fault: crate::Fault) -> Self {
        self.faults = Faults::only(fault);
        self
    }

    /// How this engine measures CPU time.
    #[must_use]
    pub fn meter(&self) -> CpuMeter {
        self.meter
    }
}

fn config(meter: CpuMeter, limits: &HostLimits, pooling: bool) -> Config {
    let size = |limit: u64| usize::try_from(limit).unwrap_or(usize::MAX);
    let mut config = Config::new();
    config
        .consume_fuel(meter == CpuMeter::Fuel)
        .epoch_interruption(meter == CpuMeter::Epoch)
        .max_wasm_stack(size(limits.stack_bytes))
        // Its bookkeeping triples the cost of a call, and no guest of this contract is asynchronous.
        .concurrency_support(false);
    if pooling {
        let instances = u32::try_from(limits.instances).unwrap_or(u32::MAX);
        let mut pool = PoolingAllocationConfig::new();
        pool.total_component_instances(instances)
            .total_core_instances(instances.saturating_mul(CORE_INSTANCES_PER_COMPONENT))
            .total_memories(instances)
            .total_tables(instances.saturating_mul(TABLES_PER_COMPONENT))
            .max_core_instances_per_component(CORE_INSTANCES_PER_COMPONENT)
            .max_memories_per_component(1)
            .max_tables_per_component(TABLES_PER_COMPONENT)
            .table_elements(size(MAX_TABLE_ELEMENTS))
            .max_memory_size(size(MAX_MEMORY))
            .linear_memory_keep_resident(KEEP_RESIDENT);
        config
            .memory_reservation(MAX_MEMORY)
            .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    }
    config
}

/// The thread that advances the epoch. It holds the engine weakly and ends with it.
pub(crate) struct Ticker {
    thread: std::thread::Thread,
}

impl Ticker {
    fn start(engine: &Engine) -> Result<Arc<Self>, EngineError> {
        let engine = engine.weak();
        let (send, receive) = std::sync::mpsc::channel::<Weak<Self>>();
        let handle = std::thread::Builder::new()
            .name("guest-epoch".to_owned())
            .spawn(move || {
                let Ok(alive) = receive.recv() else { return };
                while alive.strong_count() > 0 {
                    std::thread::park_timeout(EPOCH_TICK);
                    let Some(engine) = engine.upgrade() else {
                        return;
                    };
                    engine.increment_epoch();
                }
            })
            .map_err(|error| EngineError(format!("no thread for the epoch: {error}")))?;
        let ticker = Arc::new(Self {
            thread: handle.thread().clone(),
        });
        // The thread waits for this, so the channel cannot be closed yet.
        let _ = send.send(Arc::downgrade(&ticker));
        Ok(ticker)
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.thread.unpark();
    }
}
