//! A headless Minecraft: Java Edition client that notices what a real one would choke on: [`sim_proto`]'s machine on a
//! connection, with tokio's clock. Where that clock is paused, it runs in virtual time.
//!
//! ```text
//! TcpStream, DuplexStream -> Driver -> sim_proto::Client -> Event, Verdict
//!                              |                              |
//!                              |-> Trace -> Transcript (text) |-> describe (words)
//! join_many: a Driver for each name, a Plan, an Outcome each
//! ```
//!
//! - [`Driver`]: one client on one connection: [`Driver::next_event`], [`Driver::run_until`], [`Driver::run_for`],
//!   [`Driver::run_to_end`]; how it can behave badly: [`Driver::send_raw`], [`Driver::reset`], [`Driver::half_close`],
//!   [`Driver::stop_reading`].
//! - [`Behaviour`], [`Deed`], [`Step`]: ways not to behave, by name: [`Driver::behaving`].
//! - [`Stream`], [`Reset`]: what it runs on. [`Target`], [`ConnectError`]: how to get there by TCP.
//! - [`Trace`], [`Transcript`]: what passed, with times, bounded, and how to print it.
//! - [`join_many`], [`Plan`], [`Outcome`]: many clients at once.
//! - [`status`], [`legacy_status`]: what a server says of itself in the server list, and in that of clients before 1.7.
//! - [`describe`]: verdicts, ends and texts in words.
//! - [`jsonl`]: events as lines of JSON.
//! - [`parse_protocol`], [`supported_releases`]: protocols by number or by version of the game.
//! - [`Piped`]: output whose reader may leave.
//! - [`exit`]: the exit codes of the binary, whose command line lives beside `main.rs`.
//!
//! What the client does by itself (log in, answer keep-alives and teleports, tick) and when it counts a fault is the
//! machine's business; see [`sim_proto`]. Nothing here knows a packet's layout.
//!
//! ```
//! use std::time::Duration;
//!
//! use sim_client::Driver;
//! use sim_proto::{ClientConfig, CloseReason};
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
//! # runtime.block_on(async {
//! let (ours, theirs) = tokio::io::duplex(1 << 16);
//! let mut client = Driver::new(ours, ClientConfig::new(767, "Alex"));
//! // A server that goes away at once.
//! drop(theirs);
//! let reason = client.run_to_end(Duration::from_secs(30)).await.expect("an end");
//! assert_eq!(reason, CloseReason::Eof);
//! # });
//! # Ok::<(), std::io::Error>(())
//! ```

pub mod behaviour;
mod clock;
pub mod describe;
mod driver;
pub mod exit;
pub mod jsonl;
mod outgoing;
mod piped;
mod protocol;
mod status;
mod stream;
mod swarm;
mod target;
mod trace;
mod transcript;

pub use behaviour::{Behaviour, BehaviourError, Deed, Step};
pub use driver::{CLOSE_DRAIN, Driver, MAX_UNSENT, NotSeen, READ_BUFFER, SendError};
pub use piped::Piped;
pub use protocol::{
    ProtocolError, SUGGESTIONS, describe_release, parse_protocol, release_named, supported_releases,
};
pub use status::{LegacyStatusError, Status, StatusError, legacy_status, status};
pub use stream::{Reset, Stream};
pub use swarm::{End, MAX_NAME, NameTooLong, Outcome, Plan, join_many, join_one, names};
pub use target::{CONNECT_TIMEOUT, ConnectError, DEFAULT_PORT, MAX_HOST, Target, TargetError};
pub use trace::{
    NoteKind, PacketRecord, Record, TRACE_BYTES, TRACE_FIRST, TRACE_LAST, Trace, TraceEntry,
};
pub use transcript::{DUMP_BYTES, DUMP_LINES, DUMP_VALUE, SUMMARY, Transcript};
