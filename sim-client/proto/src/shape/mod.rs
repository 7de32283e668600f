//! The packets that no part of the machine depends on, read by the table of layouts in `vb_data`: strictly, to the
//! last byte, and with the checks that a client makes on the way.
//!
//! The table is one for all protocols; what a client checks besides (texts, identifiers, NBT) is what the readers
//! that are written by hand use. Nothing is kept but the fields of the containers that are open, so the heap holds no
//! more than the layout is deep.

mod scope;
mod walk;

use vb_data::PacketLayout;

use crate::wire::{DecodeError, Reader};

/// Reads a packet by its layout.
pub(crate) fn read(reader: &mut Reader<'_>, layout: &PacketLayout) -> Result<(), DecodeError> {
    match layout.name {
        "declare_commands" => walk::command_tree(reader, layout.layout),
        _ => walk::packet(reader, layout.layout),
    }
}
