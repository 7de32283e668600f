use thiserror::Error;

use crate::nbt::NbtError;
use crate::text::TextError;

/// A packet that could not be read: what, and where.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{kind} (field `{field}`, byte {offset})")]
pub struct DecodeError {
    /// The field, as a path: `worldNames[2]`. Empty for the packet as a whole.
    pub field: String,
    /// Offset in the packet's data, which starts after the id.
    pub offset: usize,
    /// What is wrong.
    pub kind: DecodeErrorKind,
}

/// What is wrong with a packet's bytes.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DecodeErrorKind {
    /// The packet ends within a field.
    #[error("the packet ends too early: {wanted} bytes are wanted, {left} are left")]
    UnexpectedEnd {
        /// Bytes that the field needs.
        wanted: usize,
        /// Bytes that are there.
        left: usize,
    },
    /// Bytes follow the last field.
    #[error("{count} bytes are left over after the last field")]
    TrailingBytes {
        /// How many.
        count: usize,
    },
    /// A varint goes on past its last possible byte.
    #[error("the varint is longer than {max} bytes")]
    VarIntTooLong {
        /// 5 or 10.
        max: usize,
    },
    /// A length below zero.
    #[error("the length {0} is negative")]
    NegativeLength(i32),
    /// A length above what a client reads.
    #[error("the length {length} is above the limit of {limit}")]
    LengthOverLimit {
        /// What the packet says.
        length: usize,
        /// What a client reads.
        limit: usize,
    },
    /// A length other than the only one that is possible.
    #[error("the length is {length}, not {expected}")]
    WrongLength {
        /// What the packet says.
        length: usize,
        /// What it must be.
        expected: usize,
    },
    /// Not UTF-8.
    #[error("the string is not UTF-8")]
    InvalidUtf8,
    /// Not an identifier: `namespace:path` of a-z 0-9 _ . - (and / in the path).
    #[error("`{0}` is not a valid identifier (a-z 0-9 _ . - and / in the path, at most one `:`)")]
    InvalidIdentifier(String),
    /// Not a UUID's text.
    #[error("`{0}` is not a UUID")]
    InvalidUuid(String),
    /// NBT that cannot be read.
    #[error("NBT: {0}")]
    Nbt(#[from] NbtError),
    /// A text component that cannot be read.
    #[error("text component: {0}")]
    Text(#[from] TextError),
    /// Bytes that are not zlib, or not of the stated size (4, 5 chunks).
    #[error("the compressed data cannot be read")]
    Zlib,
    /// A number or a name that stands for nothing.
    #[error("`{value}` is no {what} that the client knows")]
    NotListed {
        /// The field.
        what: &'static str,
        /// Its value.
        value: String,
    },
    /// A command tree that points to a node which it does not have.
    #[error("the tree points to node {index}, but has {nodes}")]
    NoSuchNode {
        /// The node's index.
        index: i32,
        /// How many there are.
        nodes: usize,
    },
    /// Things in things, further than is followed.
    #[error("it is nested deeper than {limit} parts")]
    NestedTooDeep {
        /// How deep parts are followed.
        limit: usize,
    },
    /// Something that must be there is absent.
    #[error("it is absent, but a client needs it")]
    Absent,
    /// A palette with more entries than its bits can index.
    #[error("the palette has {length} entries, but {bits} bits index only {limit}")]
    PaletteTooLong {
        /// Entries it says to have.
        length: usize,
        /// Bits of an index.
        bits: u8,
        /// Entries those bits allow.
        limit: usize,
    },
    /// An id that the client's registry does not have.
    #[error("no value with id {id} in {registry}: it has {count} entries, 0 to {}", count.saturating_sub(1))]
    NoSuchId {
        /// The id.
        id: i32,
        /// Which registry: `minecraft:worldgen/biome`, `block states`.
        registry: &'static str,
        /// How many entries it has.
        count: usize,
    },
    /// A chunk with another number of sections, light arrays or biomes than the world's height asks for.
    #[error("{found} {what}, but the world's height asks for {expected}")]
    CountMismatch {
        /// `biomes`, `light arrays`.
        what: &'static str,
        /// What the packet holds.
        found: usize,
        /// What it must hold.
        expected: usize,
    },
}

/// Bytes that are no frame, or a frame whose contents cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FrameError {
    /// The length prefix is longer than three bytes.
    #[error("the frame's length takes more than 3 bytes")]
    LengthTooLong,
    /// The uncompressed length in a compressed frame cannot be read.
    #[error("the uncompressed length in the frame cannot be read")]
    BadUncompressedLength,
    /// A compressed packet below the threshold.
    #[error(
        "badly compressed packet: its size of {size} is below the server's threshold of {threshold}"
    )]
    BelowThreshold {
        /// Stated uncompressed size in bytes.
        size: usize,
        /// The threshold that the server set.
        threshold: usize,
    },
    /// A compressed packet above the maximum.
    #[error("badly compressed packet: its size of {size} is above the maximum of {max}")]
    TooLarge {
        /// Stated uncompressed size in bytes.
        size: usize,
        /// The most that the client takes.
        max: usize,
    },
    /// The data are no zlib stream.
    #[error("the compressed packet is no zlib stream")]
    Zlib,
    /// The data decompress to less than stated (764+; before, zeros follow what is there).
    #[error("badly compressed packet: it has {actual} bytes, not the stated {stated}")]
    SizeMismatch {
        /// What was stated.
        stated: usize,
        /// What came out, which is less.
        actual: usize,
    },
    /// A frame without contents (773+).
    #[error("the frame's length is zero")]
    Empty,
    /// The packet id is no varint.
    #[error("the packet id cannot be read")]
    BadPacketId,
}
