//! Every limit that holds for a plugin, with the reason for its default and the bounds within which it can be set.

use super::amount::{bounded, bytes, small};
use serde::{Deserialize, Serialize};
use std::time::Duration;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// Linear memory of one instance. A world and a few hundred sessions fit many times over.
pub const DEFAULT_MEMORY: u64 = 64 * MIB;
/// One page of WebAssembly: less cannot hold anything.
pub const MIN_MEMORY: u64 = 64 * KIB;
/// The size of a slot of the pooling allocator.
pub const MAX_MEMORY: u64 = 256 * MIB;

/// CPU time of one callback where it is measured by its thread's clock: two ticks of the game, noticed but not felt.
pub const DEFAULT_CPU_MS: u64 = 100;
/// Below the clock's own step of 10 ms nothing can be measured.
pub const MIN_CPU_MS: u64 = 10;
/// A callback holds its instance, so every other session of it waits as long.
pub const MAX_CPU_MS: u64 = 60_000;

/// Fuel of one callback where it is counted: about 100 ms of compiled code on the machines this was measured on.
pub const DEFAULT_FUEL: u64 = 100_000_000;
/// Enough for a callback that does nothing.
pub const MIN_FUEL: u64 = 1_000;
/// About a minute.
pub const MAX_FUEL: u64 = 100_000_000_000;

/// How long `on_session_start` may take: a client shows its terrain screen meanwhile and gives up after 30 s.
pub const DEFAULT_START_DEADLINE_MS: u64 = 10_000;
/// Anything longer than nothing.
pub const MIN_START_DEADLINE_MS: u64 = 1;
/// The client's own read timeout, past which the session is lost anyhow.
pub const MAX_START_DEADLINE_MS: u64 = 30_000;

/// How long a listener may take. The client waits meanwhile, and gives up after 30 s.
pub const DEFAULT_LISTENER_DEADLINE_MS: u64 = 10_000;
/// Anything longer than nothing.
pub const MIN_LISTENER_DEADLINE_MS: u64 = 1;
/// The client's own read timeout, past which nobody waits.
pub const MAX_LISTENER_DEADLINE_MS: u64 = 30_000;

/// Packets that wait for the client. A join with its chunks is a few hundred.
pub const DEFAULT_QUEUE_PACKETS: u64 = 4096;
/// Bytes that wait for the client: two of the largest packets and a join besides.
pub const DEFAULT_QUEUE_BYTES: u64 = 8 * MIB;
/// One packet at least.
pub const MIN_QUEUE_PACKETS: u64 = 1;
/// Bounds what one session can cost in bookkeeping.
pub const MAX_QUEUE_PACKETS: u64 = 1 << 20;
/// One small packet at least.
pub const MIN_QUEUE_BYTES: u64 = KIB;
/// Bounds what one session can cost in memory.
pub const MAX_QUEUE_BYTES: u64 = 256 * MIB;

/// Client packets kept while a callback is under way; past it the socket is not read.
pub const DEFAULT_BUFFERED_PACKETS: u64 = 256;
/// Client bytes kept while a callback is under way; past it the socket is not read.
pub const DEFAULT_BUFFERED_BYTES: u64 = MIB;
/// One packet at least.
pub const MIN_BUFFERED_PACKETS: u64 = 1;
/// Bounds what one client can cost.
pub const MAX_BUFFERED_PACKETS: u64 = 1 << 16;
/// One byte at least.
pub const MIN_BUFFERED_BYTES: u64 = 1;
/// Bounds what one client can cost.
pub const MAX_BUFFERED_BYTES: u64 = 64 * MIB;

/// Sessions of one plugin at one time: as many as the host takes connections when nothing is said.
pub const DEFAULT_SESSIONS: u64 = 1024;
/// Session handles that a guest keeps at one time: more than players on one instance.
pub const DEFAULT_KEPT_SESSIONS: u64 = 4096;
/// Scheduled tasks that wait at one time: two for each of a thousand players.
pub const DEFAULT_TASKS: u64 = 2048;
/// Listeners of one instance: there are seven kinds of event.
pub const DEFAULT_LISTENERS: u64 = 64;
/// Handlers of one instance: each is a kind of world, not a player.
pub const DEFAULT_HANDLERS: u64 = 64;
/// Elements of one table of WebAssembly: more than the function pointers of any language's runtime.
pub const DEFAULT_TABLE_ELEMENTS: u64 = MAX_TABLE_ELEMENTS;
/// The size of a slot of the pooling allocator.
pub const MAX_TABLE_ELEMENTS: u64 = 1 << 17;

/// Keys and values of the plugin's own table together. A guest that asks for its keys gets a copy of each.
pub const DEFAULT_CONFIG_BYTES: u64 = 64 * KIB;
/// Bounds what each instance is handed.
pub const MAX_CONFIG_BYTES: u64 = 16 * MIB;

/// So many restarts within the window, and the next trap is the last: a plugin that fails this often will not heal by
/// itself. From the contract.
pub const DEFAULT_RESTARTS: u64 = 5;
/// The pause doubles each time: with more it would come to more than a day.
pub const MAX_RESTARTS: u64 = 16;
/// The window in which restarts are counted. From the contract.
pub const DEFAULT_RESTART_WINDOW_MS: u64 = 300_000;
/// Anything longer than nothing.
pub const MIN_RESTART_WINDOW_MS: u64 = 1;
/// What happened a day ago says nothing of today.
pub const MAX_RESTART_WINDOW_MS: u64 = 86_400_000;
/// The pause before the first restart; doubled for each that is within the window.
pub const DEFAULT_RESTART_DELAY_MS: u64 = 500;
/// A plugin that traps as it starts must not keep the machine busy with nothing else.
pub const MIN_RESTART_DELAY_MS: u64 = 10;
/// Players wait for it.
pub const MAX_RESTART_DELAY_MS: u64 = 60_000;

/// Handles of WASI that one instance holds: streams, pollables, open files. A runtime holds a handful, and a file has a
/// few at a time.
pub const DEFAULT_RESOURCES: u64 = 1024;
/// Random bytes in one call of WASI: keys and seeds are a few dozen. More is a trap, as it has no other answer.
pub const WASI_RANDOM_BYTES: u64 = 64 * KIB;

/// Bytes of a path: Linux's PATH_MAX. A longer one is an error.
pub const WASI_PATH_BYTES: usize = 4096;
/// Fuel of one call for files, where fuel is counted: some 10 us, about what the system takes for one.
pub const WASI_FILE_CALL_FUEL: u64 = 10_000;

/// Bytes of all files in a plugin's data folder: as much as its memory. What it keeps between runs is less.
pub const DEFAULT_DATA_BYTES: u64 = 64 * MIB;
/// A terabyte: past that somebody should think again.
pub const MAX_DATA_BYTES: u64 = 1 << 40;
/// Files, folders and links in a plugin's data folder: a file for each player of a season.
pub const DEFAULT_DATA_ENTRIES: u64 = 4096;
/// All names of a folder are read at once, which takes a tenth of a second with so many.
pub const MAX_DATA_ENTRIES: u64 = 1 << 16;
/// Files and folders of a plugin that are open at one time, over all its instances. A process has 1,024 in all unless
/// somebody raises it, and connections need theirs.
pub const DEFAULT_DATA_OPEN: u64 = 64;
/// As many as a process has when nobody raises it.
pub const MAX_DATA_OPEN: u64 = 1024;
/// Bytes that one call reads or writes; more is done in several calls. As much as the buffers of most runtimes.
pub const DEFAULT_DATA_CALL_BYTES: u64 = 64 * KIB;
/// What WASI promises that a stream takes at once.
pub const MIN_DATA_CALL_BYTES: u64 = 4 * KIB;
/// The host holds as much for each call under way.
pub const MAX_DATA_CALL_BYTES: u64 = 16 * MIB;
/// Time of one callback in calls for files, where time is measured: disks stall for a second and go on. It does not count
/// as CPU time.
pub const DEFAULT_DATA_MS: u64 = 2_000;
/// The client's own read timeout, past which its sessions are lost anyhow.
pub const MAX_DATA_MS: u64 = 30_000;

/// The most of anything that is counted.
pub const MAX_COUNT: u64 = 1 << 20;

/// Log lines in a second: a guest that logs each packet of a few players stays under it.
pub const DEFAULT_LOG_LINES: u64 = 1000;
/// Bytes of text in a second, in log lines of a guest and in those that the host writes on its account: a quarter of what
/// the reference's log takes in all.
pub const DEFAULT_LOG_BYTES: u64 = 256 * KIB;
/// As many lines as are allowed without a limit of their own, each as long as a line may be.
pub const MAX_LOG_BYTES: u64 = 8 * MIB;
/// Longest log line in bytes; what is over is cut. Part of the contract, so it cannot be set.
pub const LOG_LINE_BYTES: usize = 8 << 10;

/// Size of a component. JavaScript and Python guests with their engine are 12 to 18 MiB.
pub const DEFAULT_COMPONENT_BYTES: u64 = 64 * MIB;
/// Compiling a component. Those with a language's engine in them take some 10 s on two cores.
pub const DEFAULT_COMPILE_MS: u64 = 60_000;
/// Anything longer than nothing.
pub const MIN_COMPILE_MS: u64 = 1;
/// Nobody waits for more than 10 minutes for a host to start.
pub const MAX_COMPILE_MS: u64 = 600_000;

/// The smallest component is about a hundred bytes.
pub const MIN_COMPONENT_BYTES: u64 = 64;
/// Compiling takes memory many times the component's size.
pub const MAX_COMPONENT_BYTES: u64 = 256 * MIB;

/// What a component declares and makes the host build: types, imports, exports, instances, aliases, functions, each as
/// often as it is built, some hundred bytes a time. A guest with files in Rust has 11,000, one with an engine for JavaScript
/// and all of WASI 6,000.
pub const DEFAULT_COMPONENT_ITEMS: u64 = 200_000;
/// The smallest guest has a few dozen.
pub const MIN_COMPONENT_ITEMS: u64 = 16;
/// A gigabyte, as the largest component takes to compile.
pub const MAX_COMPONENT_ITEMS: u64 = 1_000_000;
/// What its core modules declare: functions, types, imports, exports, globals, segments. JavaScript and Python engines
/// have some 30,000.
pub const DEFAULT_MODULE_ITEMS: u64 = 250_000;
/// The smallest guest has a few dozen.
pub const MIN_MODULE_ITEMS: u64 = 16;
/// A few gigabytes of compiled functions.
pub const MAX_MODULE_ITEMS: u64 = 10_000_000;

/// Bytes of the host that one call of a guest fills at most: strings and bytes by their length, each entry of a list by
/// what the host keeps of it (32 bytes for a packet). As much as its memory, so that what is passed byte for byte has no
/// other limit.
pub const DEFAULT_CALL_BYTES: u64 = 64 * MIB;
/// The largest packet and what comes with it.
pub const MIN_CALL_BYTES: u64 = 4 * MIB;
/// Four times the largest memory that an instance may have.
pub const MAX_CALL_BYTES: u64 = 1024 * MIB;

/// Handles of one instance besides those that have limits of their own: of resources that the guest makes itself.
/// wasmtime's own default. A guest with a handle for each entity of a world has some thousands.
pub const OWN_HANDLES: usize = 100_000;

/// The limits of one plugin. Each has a named default in this module.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Bytes of linear memory of one instance.
    #[serde(deserialize_with = "bytes::<_, MIN_MEMORY, MAX_MEMORY>")]
    pub memory: u64,
    /// Milliseconds of CPU time of one callback, where the meter is its thread's clock.
    #[serde(deserialize_with = "bounded::<_, MIN_CPU_MS, MAX_CPU_MS>")]
    pub cpu_ms: u64,
    /// Fuel of one callback, where the meter is fuel.
    #[serde(deserialize_with = "bounded::<_, MIN_FUEL, MAX_FUEL>")]
    pub fuel: u64,
    /// Milliseconds that a start callback may take.
    #[serde(deserialize_with = "bounded::<_, MIN_START_DEADLINE_MS, MAX_START_DEADLINE_MS>")]
    pub start_deadline_ms: u64,
    /// Milliseconds that a listener may take.
    #[serde(deserialize_with = "bounded::<_, MIN_LISTENER_DEADLINE_MS, MAX_LISTENER_DEADLINE_MS>")]
    pub listener_deadline_ms: u64,
    /// Packets that wait for one client.
    #[serde(deserialize_with = "bounded::<_, MIN_QUEUE_PACKETS, MAX_QUEUE_PACKETS>")]
    pub queue_packets: u64,
    /// Bytes that wait for one client.
    #[serde(deserialize_with = "bytes::<_, MIN_QUEUE_BYTES, MAX_QUEUE_BYTES>")]
    pub queue_bytes: u64,
    /// Packets of one client that wait for the handler.
    #[serde(deserialize_with = "bounded::<_, MIN_BUFFERED_PACKETS, MAX_BUFFERED_PACKETS>")]
    pub buffered_packets: u64,
    /// Bytes of one client that wait for the handler.
    #[serde(deserialize_with = "bytes::<_, MIN_BUFFERED_BYTES, MAX_BUFFERED_BYTES>")]
    pub buffered_bytes: u64,
    /// Sessions at one time, over all instances.
    #[serde(deserialize_with = "small::<_, 0, MAX_COUNT>")]
    pub sessions: u32,
    /// Session handles that a guest keeps at one time.
    #[serde(deserialize_with = "small::<_, 0, MAX_COUNT>")]
    pub kept_sessions: u32,
    /// Handles of WASI that one instance holds: streams, pollables, open files.
    #[serde(deserialize_with = "small::<_, 0, MAX_COUNT>")]
    pub resources: u32,
    /// Bytes of all files in the data folder.
    #[serde(deserialize_with = "bytes::<_, 0, MAX_DATA_BYTES>")]
    pub data_bytes: u64,
    /// Files, folders and links in the data folder.
    #[serde(deserialize_with = "bounded::<_, 0, MAX_DATA_ENTRIES>")]
    pub data_entries: u64,
    /// Files and folders of it that are open at one time, over all instances.
    #[serde(deserialize_with = "bounded::<_, 0, MAX_DATA_OPEN>")]
    pub data_open: u64,
    /// Bytes that one call reads or writes.
    #[serde(deserialize_with = "bytes::<_, MIN_DATA_CALL_BYTES, MAX_DATA_CALL_BYTES>")]
    pub data_call_bytes: u64,
    /// Milliseconds of one callback in calls for files, where the meter is the clock.
    #[serde(deserialize_with = "bounded::<_, 0, MAX_DATA_MS>")]
    pub data_ms: u64,
    /// Scheduled tasks that wait at one time.
    #[serde(deserialize_with = "small::<_, 0, MAX_COUNT>")]
    pub tasks: u32,
    /// Listeners of one instance.
    #[serde(deserialize_with = "small::<_, 0, MAX_COUNT>")]
    pub listeners: u32,
    /// Handlers of one instance.
    #[serde(deserialize_with = "small::<_, 0, MAX_COUNT>")]
    pub handlers: u32,
    /// Log lines in a second, over all instances; those count too that the host writes on the plugin's account.
    #[serde(deserialize_with = "small::<_, 0, MAX_COUNT>")]
    pub log_lines: u32,
    /// Bytes of text of these lines in a second.
    #[serde(deserialize_with = "bytes::<_, 0, MAX_LOG_BYTES>")]
    pub log_bytes: u64,
    /// Elements of one table of WebAssembly.
    #[serde(deserialize_with = "bounded::<_, 0, MAX_TABLE_ELEMENTS>")]
    pub table_elements: u64,
    /// Bytes of the plugin's own table, keys and values together.
    #[serde(deserialize_with = "bytes::<_, 0, MAX_CONFIG_BYTES>")]
    pub config_bytes: u64,
    /// Restarts within the window before quarantine.
    #[serde(deserialize_with = "bounded::<_, 0, MAX_RESTARTS>")]
    pub restarts: u64,
    /// Milliseconds for which a restart counts.
    #[serde(deserialize_with = "bounded::<_, MIN_RESTART_WINDOW_MS, MAX_RESTART_WINDOW_MS>")]
    pub restart_window_ms: u64,
    /// Milliseconds before the first restart.
    #[serde(deserialize_with = "bounded::<_, MIN_RESTART_DELAY_MS, MAX_RESTART_DELAY_MS>")]
    pub restart_delay_ms: u64,
    /// Bytes of the component.
    #[serde(deserialize_with = "bytes::<_, MIN_COMPONENT_BYTES, MAX_COMPONENT_BYTES>")]
    pub component_bytes: u64,
    /// What the component declares, each as often as it is built.
    #[serde(deserialize_with = "bounded::<_, MIN_COMPONENT_ITEMS, MAX_COMPONENT_ITEMS>")]
    pub component_items: u64,
    /// What the component's core modules declare.
    #[serde(deserialize_with = "bounded::<_, MIN_MODULE_ITEMS, MAX_MODULE_ITEMS>")]
    pub module_items: u64,
    /// Milliseconds that compiling the component may take.
    #[serde(deserialize_with = "bounded::<_, MIN_COMPILE_MS, MAX_COMPILE_MS>")]
    pub compile_ms: u64,
    /// Bytes of the host that one call of the guest fills.
    #[serde(deserialize_with = "bytes::<_, MIN_CALL_BYTES, MAX_CALL_BYTES>")]
    pub call_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        // Each constant is far below the type's own bound.
        #[allow(clippy::cast_possible_truncation)]
        Self {
            memory: DEFAULT_MEMORY,
            cpu_ms: DEFAULT_CPU_MS,
            fuel: DEFAULT_FUEL,
            start_deadline_ms: DEFAULT_START_DEADLINE_MS,
            listener_deadline_ms: DEFAULT_LISTENER_DEADLINE_MS,
            queue_packets: DEFAULT_QUEUE_PACKETS,
            queue_bytes: DEFAULT_QUEUE_BYTES,
            buffered_packets: DEFAULT_BUFFERED_PACKETS,
            buffered_bytes: DEFAULT_BUFFERED_BYTES,
            sessions: DEFAULT_SESSIONS as u32,
            kept_sessions: DEFAULT_KEPT_SESSIONS as u32,
            resources: DEFAULT_RESOURCES as u32,
            data_bytes: DEFAULT_DATA_BYTES,
            data_entries: DEFAULT_DATA_ENTRIES,
            data_open: DEFAULT_DATA_OPEN,
            data_call_bytes: DEFAULT_DATA_CALL_BYTES,
            data_ms: DEFAULT_DATA_MS,
            tasks: DEFAULT_TASKS as u32,
            listeners: DEFAULT_LISTENERS as u32,
            handlers: DEFAULT_HANDLERS as u32,
            log_lines: DEFAULT_LOG_LINES as u32,
            log_bytes: DEFAULT_LOG_BYTES,
            table_elements: DEFAULT_TABLE_ELEMENTS,
            config_bytes: DEFAULT_CONFIG_BYTES,
            restarts: DEFAULT_RESTARTS,
            restart_window_ms: DEFAULT_RESTART_WINDOW_MS,
            restart_delay_ms: DEFAULT_RESTART_DELAY_MS,
            component_bytes: DEFAULT_COMPONENT_BYTES,
            component_items: DEFAULT_COMPONENT_ITEMS,
            module_items: DEFAULT_MODULE_ITEMS,
            compile_ms: DEFAULT_COMPILE_MS,
            call_bytes: DEFAULT_CALL_BYTES,
        }
    }
}

impl Limits {
    /// How long a start callback may take.
    #[must_use]
    pub fn start_deadline(&self) -> Duration {
        Duration::from_millis(self.start_deadline_ms)
    }

    /// How long a listener may take.
    #[must_use]
    pub fn listener_deadline(&self) -> Duration {
        Duration::from_millis(self.listener_deadline_ms)
    }

    /// How long one callback may spend in calls for files.
    #[must_use]
    pub fn data_time(&self) -> Duration {
        Duration::from_millis(self.data_ms)
    }

    /// Handles of any kind that one instance may have at one time.
    #[must_use]
    pub fn handles(&self) -> usize {
        let limited = u64::from(self.kept_sessions) + u64::from(self.resources);
        OWN_HANDLES.saturating_add(usize::try_from(limited).unwrap_or(usize::MAX))
    }

    /// For how long a restart counts.
    #[must_use]
    pub fn restart_window(&self) -> Duration {
        Duration::from_millis(self.restart_window_ms)
    }

    /// The pause before the next restart when so many are within the window.
    #[must_use]
    pub fn restart_delay(&self, within: usize) -> Duration {
        let doubled = u32::try_from(within).unwrap_or(u32::MAX);
        let times = 2_u32.saturating_pow(doubled);
        Duration::from_millis(self.restart_delay_ms).saturating_mul(times)
    }
}
