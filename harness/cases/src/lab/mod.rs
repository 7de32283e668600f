//! What a case works with: each gets a runtime, a clock, a door to a host and clients of its own, and the same seed gives
//! the same bytes.

pub mod carried;
pub mod clock;
pub mod door;
pub mod guest;
pub mod host;
pub mod judge;
pub mod native;
pub mod pieces;
pub mod player;
pub mod recorder;
pub mod tap;
pub(crate) mod trail;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// The address that plugins are told their clients have, where client and host are in one process.
pub const PEER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 50_000);
