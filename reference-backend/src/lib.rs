//! The reference host of the virtual backend: what a proxy does when a plugin plays the part of the server.
//!
//! ```text
//! bytes -> backend-proto -> host::session -> host::dispatch -> NativePlugin | bridge (guest) -> effects -> bytes
//! ```
//!
//! | Module | Holds |
//! |---|---|
//! | [`api`] | the crate `vb-contract`: traits of native plugins, events, configuration, limits, what an [`Observer`] sees |
//! | [`host`] | connections, dispatch of events, sessions, shutdown |
//! | [`bridge`] | WebAssembly guests: loading, linking, calls, limits, restarts |
//! | [`limbo`] | an idle empty world, as a native handler |
//! | [`log`] | the host's log, which makes nobody wait |
//! | [`adapter`] | the host for whoever judges hosts from outside, by lines of JSON |
//! | `shown` | texts of others on their way into a line, cut and escaped |
//! | `clock` | the clock of a thread |
//! | `fault` | what can be broken on purpose, in builds that can |
//! | `descriptors`, `listen` | open files, and the listener's queue |
//! | `signals` | how an operator ends a server, and what else the system says to it |
//!
//! A [`Host`] is built from a [`HostConfig`], guests and native plugins, and takes connections from anywhere:
//! [`Host::serve`] for a listener, [`Host::accept`] for a stream, [`Host::connect`] in memory. Every timer goes
//! through tokio's clock, so a host runs in paused time; a guest's callbacks run on the task of its session.
//!
//! ```
//! use std::time::Duration;
//!
//! use reference_backend::{Capability, CpuMeter, GuestEngine, Host, HostConfig, PluginConfig};
//! use sim_client::Driver;
//! use sim_proto::ClientConfig;
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
//! # runtime.block_on(async {
//! let lobby = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/artifacts/lobby.wasm"))?;
//! let component = GuestEngine::new(CpuMeter::Fuel)?.load("lobby", &lobby)?;
//! let table = PluginConfig {
//!     permissions: vec![Capability::VirtualBackend],
//!     ..PluginConfig::default()
//! };
//! let host = Host::builder(HostConfig::default()).guest("lobby", component, table).start().await?;
//! let peer = ([127, 0, 0, 1], 50_000).into();
//! let mut client = Driver::new(host.connect(peer), ClientConfig::new(767, "Alex"));
//! client.run_until_in_world(Duration::from_secs(30)).await?;
//! host.shutdown("Goodbye.").await;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

pub mod adapter;
pub mod bridge;
mod clock;
mod descriptors;
mod fault;
pub mod host;
pub mod limbo;
mod listen;
pub mod log;
mod shown;
mod signals;

pub use bridge::{
    CpuMeter, DataFolderError, EngineError, GuestComponent, GuestEngine, LoadError,
    MissingCapability,
};
pub use descriptors::FileRoom;
pub use fault::Fault;
#[cfg(feature = "faults")]
pub use fault::parse_broken;
pub use host::{Host, HostBuilder, StartError};
pub use listen::{backlog_limit, listen};
pub use shown::{CUT, SHOWN_BYTES, shown, shown_within};
pub use signals::{SIGNAL_IGNORED, Signals};
pub use vb_contract::{self as api, *};
