//! The client side of the Minecraft: Java Edition protocol, protocols 4 to 777, and the model of how a real client
//! fails: bytes and the time go in; packets, events, bytes and deadlines come out. No socket, runtime or clock.
//!
//! ```text
//! bytes -> wire::FrameDecoder -> Packet (packet::decode) -> Client (states, answers) -> Event
//!                                                          |-> world (terrain rule) -> Verdict
//!                                                          |-> registry (checks)    -> Fault, Remark
//!                  |-> shape (the rest, by the table of layouts) -> Fault, or Remark where that is only stated
//! Client -> serverbound::* -> wire::FrameEncoder -> bytes
//! ```
//!
//! - [`Client`], [`ClientConfig`]: the machine and how it behaves.
//! - [`Event`], [`Packet`], [`Verdict`]: what it reports.
//! - [`Fault`]: what makes a real client disconnect or crash. [`Remark`]: what it tolerates although it is wrong.
//! - [`annotate()`]: a packet's bytes field by field, for dumps.
//! - [`serverbound`]: encoders for what a client sends, per protocol.
//! - [`legacy`]: the server list ping of clients before 1.7.
//! - [`nbt`], [`wire`]: the codecs beneath.
//! - [`Version`]: what a protocol has, by name. Comparisons of protocol numbers live there and in `layout`, nowhere
//!   else.
//!
//! ```
//! use std::time::Duration;
//!
//! use sim_proto::{Client, ClientConfig, Verdict};
//!
//! let mut client = Client::new(ClientConfig::new(767, "Alex"), Duration::ZERO);
//! let opening = client.poll_transmit().expect("a handshake and a login start");
//! assert!(opening.windows(9).any(|bytes| bytes == b"localhost"));
//! // No frame is so long: a real client would disconnect, and so does this one.
//! client.receive(&[0xff, 0xff, 0xff, 0xff], Duration::from_secs(1));
//! assert!(matches!(client.verdict(), Verdict::WouldDisconnect(_)));
//! ```

mod annotate;
mod client;
mod config;
mod event;
mod fault;
mod fnv;
mod layout;
pub mod legacy;
pub mod nbt;
mod packet;
mod registry;
mod remark;
pub mod serverbound;
mod shape;
mod text;
mod version;
pub mod wire;

pub use annotate::{Annotated, annotate, annotate_in};
pub use client::{Client, SendError};
pub use config::{ClientConfig, Intent, KeepAlivePolicy, Settings};
pub use event::{CloseReason, EnteredBy, Event, Missing, Received, Sent, StuckReason, Verdict};
pub use fault::{Fault, FaultKind, Site};
pub use fnv::Fnv;
pub use layout::required_packets;
pub use packet::{
    Abilities, Chunk, ChunkSummary, Context, Dimension, EncryptionRequest, JoinGame, KnownPack,
    LightSummary, LoginSuccess, Packet, PlayerChat, PluginMessage, Position, RegistryData,
    RegistryEntry, ResourcePack, Respawn, SpawnPosition, SystemChat, TagGroup, WorldShape, decode,
    decode_by_layout,
};
pub use registry::{ElementProblem, RegistryFault};
pub use remark::{Remark, RemarkKind};
pub use text::{Text, TextError, TextForm};
pub use version::{RegistrySource, TeleportAnswer, TerrainRule, Version};

/// Time since an origin of the driver's choosing. The machine never asks for it.
pub type Now = core::time::Duration;
