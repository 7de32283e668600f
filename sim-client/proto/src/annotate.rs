//! A packet's bytes field by field, for people.

use core::fmt::Write as _;

use vb_data::{Direction, State};

use crate::packet::{self, Context, DecodeError};
use crate::wire::{Field, Reader};
use crate::{Version, serverbound};

/// Bytes of a field that are shown in hexadecimal digits; the rest is left out.
const SHOWN_BYTES: usize = 8;
/// Columns of the byte column: two digits and a space for each, and an ellipsis.
const BYTES_WIDTH: usize = SHOWN_BYTES * 3;

/// A packet, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotated {
    /// The packet's name; None for an id that the protocol does not have.
    pub name: Option<&'static str>,
    /// The packet's id.
    pub id: i32,
    /// Its bytes after the id.
    pub data: Vec<u8>,
    /// Its fields, in order, as far as they could be read. Fields of a field follow it.
    pub fields: Vec<Field>,
    /// Why the rest could not be read.
    pub error: Option<DecodeError>,
}

/// Takes a packet apart. Sections of a chunk are not, since that needs the world: see [`annotate_in`].
pub fn annotate(
    version: Version,
    state: State,
    direction: Direction,
    id: i32,
    data: &[u8],
) -> Annotated {
    annotate_in(&Context::new(version), state, direction, id, data)
}

/// Takes a packet apart, knowing the world.
pub fn annotate_in(
    context: &Context,
    state: State,
    direction: Direction,
    id: i32,
    data: &[u8],
) -> Annotated {
    let name = vb_data::packets(context.version.protocol(), state, direction)
        .and_then(|table| table.name(id));
    let mut reader = Reader::recording(data, context.version);
    let error = match (name, direction) {
        (Some(name), Direction::Clientbound) => {
            let failure = packet::read(&mut reader, context, state, name).err();
            failure.map(|failure| failure.error)
        }
        (Some(name), Direction::Serverbound) => serverbound::read(&mut reader, state, name).err(),
        (None, _) => None,
    };
    let rest = reader.offset();
    let mut fields = reader.into_fields();
    if error.is_none() && rest < data.len() {
        let len = data.len() - rest;
        fields.push(Field {
            offset: rest,
            len,
            path: "(not read)".to_owned(),
            value: format!("{len} bytes"),
        });
    }
    fields.sort_by_key(|field| (field.offset, usize::MAX - field.len));
    Annotated {
        name,
        id,
        data: data.to_vec(),
        fields,
        error,
    }
}

impl Annotated {
    /// The dump: a line for the packet, then one a field, `offset | bytes | field = value`, then the error.
    pub fn render(&self) -> String {
        let mut out = String::new();
        let name = self.name.unwrap_or("(no such packet)");
        let _ = writeln!(
            out,
            "{name} (id {:#04x}), {} bytes",
            self.id,
            self.data.len()
        );
        for field in &self.fields {
            let bytes = self
                .data
                .get(field.offset..field.offset + field.len)
                .unwrap_or_default();
            let path = if field.path.is_empty() {
                "(value)"
            } else {
                &field.path
            };
            let _ = writeln!(
                out,
                "{:>6} | {:<BYTES_WIDTH$} | {path} = {}",
                field.offset,
                hex(bytes),
                field.value
            );
        }
        if let Some(error) = &self.error {
            let bytes = self.data.get(error.offset..).unwrap_or_default();
            let _ = writeln!(
                out,
                "{:>6} | {:<BYTES_WIDTH$} ! {}: {}",
                error.offset,
                hex(bytes),
                error.field,
                error.kind
            );
        }
        out
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut out = String::new();
    for (index, byte) in bytes.iter().take(SHOWN_BYTES).enumerate() {
        if index > 0 {
            out.push(' ');
        }
        let _ = write!(out, "{byte:02x}");
    }
    if bytes.len() > SHOWN_BYTES {
        out.push('…');
    }
    out
}
