//! The server side of the Minecraft: Java Edition protocol, without input or output of its own.
//!
//! A [`Connection`] is one client. Bytes and the time go in, events, bytes and a deadline come out:
//!
//! ```text
//! receive(bytes, now) ──> frame ──> compression ──> connection ──> poll_event()      what happened
//! handle_timeout(now) ─────────────────────────────────┤   └─────> poll_timeout()    when to call again
//! login, enter_play,  ─────────────────────────────────┘
//! send_packet, ...                                     └──> frame ──> poll_transmit()  what to write
//! ```
//!
//! - [`connection`]: the machine, from the handshake to play; one file for each phase.
//! - `frame`, `output`, `compression`, `wire`: bytes to packets and back.
//! - `packets`, `registry`: what is inside, outside of play. `layout` says which protocol has which layout, [`version`]
//!   what a protocol can do, `ids` where its packets are.
//! - [`text`], `nbt`: text components.
//! - [`profile`], [`config`], [`error`]: the vocabulary; [`fault`]: what can be broken on purpose.
//!
//! The play state's packets are passed through as they are; who makes some writes them with [`WriteExt`] and [`NbtExt`]. The
//! tables of ids and the registries come from vb-data.
//!
//! ```
//! use std::time::Duration;
//!
//! use backend_proto::{Connection, Event, ServerConfig};
//!
//! let mut connection = Connection::new(ServerConfig::default().into(), Duration::ZERO);
//! // A handshake of protocol 767 (0xff 0x05) on the way to the server list (1), and its question.
//! connection.receive(b"\x10\x00\xff\x05\x09localhost\x63\xdd\x01", Duration::ZERO);
//! connection.receive(b"\x01\x00", Duration::ZERO);
//! assert_eq!(connection.poll_event(), Some(Event::StatusRequested { protocol: 767 }));
//! assert!(connection.poll_transmit().is_some());
//! ```

mod compression;
pub mod config;
pub mod connection;
pub mod error;
pub mod fault;
mod frame;
mod ids;
mod layout;
mod nbt;
mod output;
mod packets;
pub mod profile;
mod registry;
pub mod text;
pub mod version;
mod wire;

pub use config::ServerConfig;
pub use connection::{CheckedPacket, Connection, Event, Now, Phase, RawPacketRef};
pub use error::{
    BatchError, CloseReason, CommandError, Deadline, FrameError, PeerError, SendError,
};
pub use fault::{Fault, Faults};
pub use frame::{MAX_FRAME, MAX_UNCOMPRESSED};
pub use ids::{MissingPacket, required_packets};
pub use nbt::{NbtExt, Tag};
pub use output::MAX_CHUNK;
pub use profile::{GameProfile, Names, ProfileProperty, Uuid};
pub use registry::put_registries;
pub use text::{TextComponent, TextError};
pub use version::Version;
pub use wire::{WireError, WriteExt};
