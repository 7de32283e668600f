//! Bytes: reading with offsets, writing, and frames.
//!
//! - [`Reader`], [`Writer`]: the protocol's primitives. Every error of a [`Reader`] says where: [`DecodeError`].
//! - [`FrameDecoder`], [`FrameEncoder`]: length prefixes and compression, from the client's side.

mod error;
mod frame;
mod json;
mod reader;
mod writer;
mod zlib;

pub use error::{DecodeError, DecodeErrorKind, FrameError};
pub use frame::{Frame, FrameDecoder, FrameEncoder, FrameNote, MAX_FILLED, MAX_FRAME};
pub(crate) use json::{JsonReading, parse_json};
pub(crate) use reader::is_identifier;
pub use reader::{Field, Reader};
pub use writer::Writer;
pub(crate) use zlib::inflate;

/// Most bytes of a varint.
pub const MAX_VARINT_BYTES: usize = 5;
/// Most bytes of a varlong.
pub const MAX_VARLONG_BYTES: usize = 10;
/// Longest identifier in UTF-16 units (vanilla's `readUtf` default).
pub const MAX_IDENTIFIER: usize = 32_767;
