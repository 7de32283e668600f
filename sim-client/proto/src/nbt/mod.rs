//! NBT as it travels: ordered, bounded in depth and number, with the offset of every compound entry.
//!
//! - [`read_root`], [`read_optional_root`]: from a [`Reader`](crate::wire::Reader), with the root's name (until 763) or without (764+).
//! - [`Tag`], [`Compound`], [`List`]: the tree, entries in the order in which they came.
//! - [`write_root`]: the inverse.

mod mutf8;
mod read;
mod tree;
mod write;

pub use mutf8::{decode as decode_mutf8, encode as encode_mutf8};
pub use read::{
    read_compound_payload, read_element_root, read_optional_root, read_root, read_text_root,
};
pub use tree::{Compound, Entry, Kind, List, Tag};
pub use write::{NbtWriteError, write_payload, write_root};

use thiserror::Error;

/// Deepest nesting of compounds and lists that a client reads (vanilla's accounter).
pub const MAX_DEPTH: usize = 512;

/// Most tags in one root: vanilla accounts at least 9 bytes for each and stops at 2 MiB.
pub const MAX_TAGS: usize = 2_097_152 / 9;

/// NBT that a client cannot read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NbtError {
    /// A type byte that is none.
    #[error("tag type {0} does not exist (0 to 12)")]
    UnknownType(u8),
    /// Compounds and lists nested too deep.
    #[error("nested deeper than {MAX_DEPTH}")]
    TooDeep,
    /// Too many tags.
    #[error("more than {MAX_TAGS} tags")]
    TooManyTags,
    /// A list or an array of negative length.
    #[error("the length {0} is negative")]
    NegativeLength(i32),
    /// A list of type End that is not empty.
    #[error("a list of {0} elements has no element type")]
    UntypedList(i32),
    /// A string that is not modified UTF-8.
    #[error("a string is not modified UTF-8")]
    InvalidString,
    /// Something else stands where a compound must.
    #[error("the root is a {0}, not a compound")]
    RootNotCompound(Kind),
}
