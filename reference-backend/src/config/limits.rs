//! Every limit that holds for a plugin, with the reason for its default and the bounds within which it can be set.

use serde::{Deserialize, Deserializer, de};
use std::time::Duration;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// Linear memory of one instance. A world and a few hundred sessions fit many times over.
pub const DEFAULT_MEMORY: u64 = 64 * MIB;
/// One page of WebAssembly: less cannot hold anything.
pub const MIN_MEMORY: u64 = 64 * KIB;
/// The size of a slot of the pooling allocator; see [`bridge`](crate::bridge).
pub const MAX_MEMORY: u64 = 256 * MIB;

/// CPU time of one callback where it is measured by the clock: two ticks of the game, noticed but not felt.
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

/// Session handles that a guest keeps at one time: more than players on one instance.
pub const DEFAULT_KEPT_SESSIONS: u64 = 4096;
/// Scheduled tasks that wait at one time: two for each of a thousand players.
pub const DEFAULT_TASKS: u64 = 2048;
/// Listeners of one instance: there are seven kinds of event.
pub const DEFAULT_LISTENERS: u64 = 64;
/// Handlers of one instance: each is a kind of world, not a player.
pub const DEFAULT_HANDLERS: u64 = 64;
/// The most of anything that is counted.
pub const MAX_COUNT: u64 = 1 << 20;

/// Log lines in a second: a guest that logs each packet of a few players stays under it.
pub const DEFAULT_LOG_LINES: u64 = 1000;
/// Longest log line in bytes; what is over is cut. Part of the contract, so it cannot be set.
pub const LOG_LINE_BYTES: usize = 8 << 10;

/// Size of a component. JavaScript and Python guests with their engine are 12 to 18 MiB.
pub const DEFAULT_COMPONENT_BYTES: u64 = 64 * MIB;
/// The smallest component is about a hundred bytes.
pub const MIN_COMPONENT_BYTES: u64 = 64;
/// Compiling takes memory many times the component's size.
pub const MAX_COMPONENT_BYTES: u64 = 256 * MIB;

/// WebAssembly stack. Belongs to the engine, so it cannot be set for one plugin; wasmtime's own default.
pub const STACK_BYTES: usize = 512 << 10;

/// The limits of one plugin. Each has a named default in this module.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Bytes of linear memory of one instance.
    #[serde(deserialize_with = "bounded::<_, MIN_MEMORY, MAX_MEMORY>")]
    pub memory: u64,
    /// Milliseconds of one callback, where the meter is the clock.
    #[serde(deserialize_with = "bounded::<_, MIN_CPU_MS, MAX_CPU_MS>")]
    pub cpu_ms: u64,
    /// Fuel of one callback, where the meter is fuel.
    #[serde(deserialize_with = "bounded::<_, MIN_FUEL, MAX_FUEL>")]
    pub fuel: u64,
    /// Milliseconds that a start callback may take.
    #[serde(deserialize_with = "bounded::<_, MIN_START_DEADLINE_MS, MAX_START_DEADLINE_MS>")]
    pub start_deadline_ms: u64,
    /// Packets that wait for one client.
    #[serde(deserialize_with = "bounded::<_, MIN_QUEUE_PACKETS, MAX_QUEUE_PACKETS>")]
    pub queue_packets: u64,
    /// Bytes that wait for one client.
    #[serde(deserialize_with = "bounded::<_, MIN_QUEUE_BYTES, MAX_QUEUE_BYTES>")]
    pub queue_bytes: u64,
    /// Packets of one client that wait for the handler.
    #[serde(deserialize_with = "bounded::<_, MIN_BUFFERED_PACKETS, MAX_BUFFERED_PACKETS>")]
    pub buffered_packets: u64,
    /// Bytes of one client that wait for the handler.
    #[serde(deserialize_with = "bounded::<_, MIN_BUFFERED_BYTES, MAX_BUFFERED_BYTES>")]
    pub buffered_bytes: u64,
    /// Session handles that a guest keeps at one time.
    #[serde(deserialize_with = "count")]
    pub kept_sessions: u32,
    /// Scheduled tasks that wait at one time.
    #[serde(deserialize_with = "count")]
    pub tasks: u32,
    /// Listeners of one instance.
    #[serde(deserialize_with = "count")]
    pub listeners: u32,
    /// Handlers of one instance.
    #[serde(deserialize_with = "count")]
    pub handlers: u32,
    /// Log lines in a second.
    #[serde(deserialize_with = "count")]
    pub log_lines: u32,
    /// Bytes of the component.
    #[serde(deserialize_with = "bounded::<_, MIN_COMPONENT_BYTES, MAX_COMPONENT_BYTES>")]
    pub component_bytes: u64,
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
            queue_packets: DEFAULT_QUEUE_PACKETS,
            queue_bytes: DEFAULT_QUEUE_BYTES,
            buffered_packets: DEFAULT_BUFFERED_PACKETS,
            buffered_bytes: DEFAULT_BUFFERED_BYTES,
            kept_sessions: DEFAULT_KEPT_SESSIONS as u32,
            tasks: DEFAULT_TASKS as u32,
            listeners: DEFAULT_LISTENERS as u32,
            handlers: DEFAULT_HANDLERS as u32,
            log_lines: DEFAULT_LOG_LINES as u32,
            component_bytes: DEFAULT_COMPONENT_BYTES,
        }
    }
}

impl Limits {
    /// How long a start callback may take.
    #[must_use]
    pub fn start_deadline(&self) -> Duration {
        Duration::from_millis(self.start_deadline_ms)
    }
}

fn bounded<'de, D: Deserializer<'de>, const MIN: u64, const MAX: u64>(
    deserializer: D,
) -> Result<u64, D::Error> {
    let value = i64::deserialize(deserializer)?;
    u64::try_from(value)
        .ok()
        .filter(|value| (MIN..=MAX).contains(value))
        .ok_or_else(|| de::Error::custom(format!("{value} is out of bounds, use {MIN} to {MAX}")))
}

fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let value = bounded::<D, 0, MAX_COUNT>(deserializer)?;
    u32::try_from(value).map_err(de::Error::custom)
}
