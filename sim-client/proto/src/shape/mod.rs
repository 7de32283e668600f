//! The packets that no part of the machine depends on, read by the table of layouts in `vb_data`: strictly, to the
//! last byte, and with the checks that a client makes on the way.
//!
//! Ids are held against the registries that the game brings with it, where a client does so and their sizes are known.
//!
//! The table is one for all protocols; what a client checks besides (texts, identifiers, NBT) is what the readers
//! that are written by hand use. Nothing is kept but the fields of the containers that are open, so the heap holds no
//! more than the layout is deep.

mod ids;
mod scope;
mod walk;

use vb_data::PacketLayout;

use crate::Version;
use crate::wire::{DecodeError, DecodeErrorKind, Reader};

/// Reads a packet by its layout.
pub(crate) fn read(reader: &mut Reader<'_>, layout: &PacketLayout) -> Result<(), DecodeError> {
    match layout.name {
        "declare_commands" => walk::command_tree(reader, layout),
        _ => walk::packet(reader, layout),
    }
}

/// Whether what was found is no less sure than the packet's layout: not an id past the end of a registry whose size one
/// source alone states.
pub(crate) fn is_sure(version: Version, kind: &DecodeErrorKind) -> bool {
    ids::is_sure(version, kind)
}
