//! Every limit that holds for the host as a whole, with the reason for its default and the bounds within which it can
//! be set.

use super::amount::{bounded, bytes};
use serde::{Deserialize, Serialize};
use std::time::Duration;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// WebAssembly stack of one call: wasmtime's own default. Belongs to the engine, so that it cannot be set for one plugin.
pub const DEFAULT_STACK_BYTES: u64 = 512 * KIB;
/// Less does not hold the frames of a language's own allocator and formatter.
pub const MIN_STACK_BYTES: u64 = 64 * KIB;
/// Half of the 2 MiB that a worker thread of the runtime has: the host's own frames need the rest.
pub const MAX_STACK_BYTES: u64 = 1024 * KIB;

/// Instances of guests alive at one time: an order above any sensible number of plugins, and enough for one instance a
/// session where a few hundred players ask for it. Address space is all that an unused one costs.
pub const DEFAULT_INSTANCES: u64 = 256;
/// A host with one plugin.
pub const MIN_INSTANCES: u64 = 1;
/// Each keeps 256 MiB of addresses: with more they would not fit the 128 TiB that a process has, guard pages included.
pub const MAX_INSTANCES: u64 = 4096;

/// A client that takes nothing for this long while something waits for it is dropped: the client's own read timeout.
pub const DEFAULT_CLIENT_STALL_MS: u64 = 30_000;
/// How long a client may take for each step before the configuration phase: vanilla gives its login 600 ticks.
pub const DEFAULT_LOGIN_TIMEOUT_MS: u64 = 30_000;
/// How long a client may take for each answer in the configuration phase: vanilla's interval between keep-alives, by
/// which the last one must have been answered.
pub const DEFAULT_ANSWER_TIMEOUT_MS: u64 = 15_000;
/// Connections taken from the listener in a second: more than two cores can bring into the world, so that nobody waits for
/// it, and few enough that those who play notice nothing. Each costs some 50 us before it has said who it is.
pub const DEFAULT_CONNECTIONS_PER_SECOND: u64 = 4_000;
/// Anything more than nothing.
pub const MIN_CONNECTIONS_PER_SECOND: u64 = 1;
/// More than a system hands out.
pub const MAX_CONNECTIONS_PER_SECOND: u64 = 1_000_000;
/// Bytes that wait for clients and for handlers, of all connections together: a thousand players who join at once need half
/// of it, and a machine of 1 GiB has it.
pub const DEFAULT_MEMORY: u64 = 256 * MIB;
/// Room for a few of the largest packets.
pub const MIN_MEMORY: u64 = 16 * MIB;
/// A terabyte: past that somebody should think again.
pub const MAX_MEMORY: u64 = 1 << 40;

/// Connections that the system keeps waiting for the host: what Linux allows when nobody changes it. A thousand who come
/// back at once wait there for their turn.
pub const DEFAULT_BACKLOG: u64 = 4_096;
/// One at least.
pub const MIN_BACKLOG: u64 = 1;
/// The largest that Linux can keep.
pub const MAX_BACKLOG: u64 = 65_535;

/// Connections from one address at one time, in login or beyond: a quarter of the usual places. As many play behind the
/// address of a school; a machine that wants them all needs three more.
pub const DEFAULT_CONNECTIONS_PER_ADDRESS: u64 = 256;
/// One player.
pub const MIN_CONNECTIONS_PER_ADDRESS: u64 = 1;
/// As many as can be told apart by their ports.
pub const MAX_CONNECTIONS_PER_ADDRESS: u64 = 65_535;

/// Of a hundred places, those that connections may hold before they have logged in: whoever says nothing leaves a quarter
/// to those who play.
pub const DEFAULT_LOGIN_SHARE: u64 = 75;
/// One place of a hundred; it is never less than one place.
pub const MIN_LOGIN_SHARE: u64 = 1;
/// All of them.
pub const MAX_LOGIN_SHARE: u64 = 100;

/// How long a client may say nothing in its login while places are short. A client of the game says at once who it is:
/// this is several round trips to the other side of the world.
pub const DEFAULT_LOGIN_TIMEOUT_SHORT_MS: u64 = 2_000;
/// One such round trip.
pub const MIN_LOGIN_TIMEOUT_SHORT_MS: u64 = 100;

/// A round trip to the other side of the world, and a busy client.
pub const MIN_TIMEOUT_MS: u64 = 1_000;
/// A connection that does nothing holds its place for no longer than this.
pub const MAX_TIMEOUT_MS: u64 = 600_000;

/// The limits of the host as a whole: the table `[limits]`. Each has a named default in this module.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct HostLimits {
    /// Bytes that wait for clients and for handlers, of all connections together.
    #[serde(deserialize_with = "bytes::<_, MIN_MEMORY, MAX_MEMORY>")]
    pub memory: u64,
    /// Bytes of the WebAssembly stack of one call.
    #[serde(deserialize_with = "bytes::<_, MIN_STACK_BYTES, MAX_STACK_BYTES>")]
    pub stack_bytes: u64,
    /// Instances of all guests at one time.
    #[serde(deserialize_with = "bounded::<_, MIN_INSTANCES, MAX_INSTANCES>")]
    pub instances: u64,
    /// Milliseconds in which a client may take nothing of what waits for it.
    #[serde(deserialize_with = "bounded::<_, MIN_TIMEOUT_MS, MAX_TIMEOUT_MS>")]
    pub client_stall_ms: u64,
    /// Milliseconds for each step of a client in handshake, status and login.
    #[serde(deserialize_with = "bounded::<_, MIN_TIMEOUT_MS, MAX_TIMEOUT_MS>")]
    pub login_timeout_ms: u64,
    /// Milliseconds for each answer of a client in the configuration phase.
    #[serde(deserialize_with = "bounded::<_, MIN_TIMEOUT_MS, MAX_TIMEOUT_MS>")]
    pub answer_timeout_ms: u64,
    /// Connections taken from a listener in a second; the others wait in the system's queue.
    #[serde(
        deserialize_with = "bounded::<_, MIN_CONNECTIONS_PER_SECOND, MAX_CONNECTIONS_PER_SECOND>"
    )]
    pub connections_per_second: u64,
    /// Connections that the system keeps waiting for the host, if its own limit allows so many.
    #[serde(deserialize_with = "bounded::<_, MIN_BACKLOG, MAX_BACKLOG>")]
    pub backlog: u64,
    /// Connections from one address at one time; of IPv6, from one network of 64 bits.
    #[serde(
        deserialize_with = "bounded::<_, MIN_CONNECTIONS_PER_ADDRESS, MAX_CONNECTIONS_PER_ADDRESS>"
    )]
    pub connections_per_address: u64,
    /// Percent of `max_connections` that may be held by connections that have not logged in.
    #[serde(deserialize_with = "bounded::<_, MIN_LOGIN_SHARE, MAX_LOGIN_SHARE>")]
    pub login_share: u64,
    /// Milliseconds after which a client that says nothing in its login loses its place to a newcomer who finds none.
    #[serde(deserialize_with = "bounded::<_, MIN_LOGIN_TIMEOUT_SHORT_MS, MAX_TIMEOUT_MS>")]
    pub login_timeout_short_ms: u64,
}

impl Default for HostLimits {
    fn default() -> Self {
        Self {
            memory: DEFAULT_MEMORY,
            stack_bytes: DEFAULT_STACK_BYTES,
            instances: DEFAULT_INSTANCES,
            client_stall_ms: DEFAULT_CLIENT_STALL_MS,
            login_timeout_ms: DEFAULT_LOGIN_TIMEOUT_MS,
            answer_timeout_ms: DEFAULT_ANSWER_TIMEOUT_MS,
            connections_per_second: DEFAULT_CONNECTIONS_PER_SECOND,
            backlog: DEFAULT_BACKLOG,
            connections_per_address: DEFAULT_CONNECTIONS_PER_ADDRESS,
            login_share: DEFAULT_LOGIN_SHARE,
            login_timeout_short_ms: DEFAULT_LOGIN_TIMEOUT_SHORT_MS,
        }
    }
}

impl HostLimits {
    /// How long a login may be silent while places are short.
    #[must_use]
    pub fn login_timeout_short(&self) -> Duration {
        Duration::from_millis(self.login_timeout_short_ms)
    }

    /// Connections that the system keeps waiting for the host.
    #[must_use]
    pub fn backlog(&self) -> u32 {
        u32::try_from(self.backlog).unwrap_or(u32::MAX)
    }

    /// How long a client may take nothing of what waits for it.
    #[must_use]
    pub fn client_stall(&self) -> Duration {
        Duration::from_millis(self.client_stall_ms)
    }
}
