use thiserror::Error;

use super::{Compound, Kind, Tag, mutf8};

/// A tree that NBT cannot hold.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NbtWriteError {
    /// A name or text above 65,535 bytes.
    #[error("a string of {0} bytes is longer than 65535")]
    StringTooLong(usize),
    /// A list or an array above `i32::MAX`.
    #[error("{0} elements are more than a list can have")]
    TooManyElements(usize),
    /// A list whose elements differ in type.
    #[error("a list of {expected} holds a {found}")]
    MixedList {
        /// The list's type.
        expected: Kind,
        /// The element's.
        found: Kind,
    },
}

/// A root compound with a name (until 763) or without (764+).
///
/// # Errors
///
/// What NBT cannot hold.
pub fn write_root(root: &Compound, name: Option<&str>) -> Result<Vec<u8>, NbtWriteError> {
    let mut out = vec![Kind::Compound as u8];
    if let Some(name) = name {
        write_text(&mut out, name)?;
    }
    write_compound(&mut out, root)?;
    Ok(out)
}

/// A value without type or name.
///
/// # Errors
///
/// What NBT cannot hold.
pub fn write_payload(tag: &Tag) -> Result<Vec<u8>, NbtWriteError> {
    let mut out = Vec::new();
    write_tag(&mut out, tag)?;
    Ok(out)
}

fn write_tag(out: &mut Vec<u8>, tag: &Tag) -> Result<(), NbtWriteError> {
    match tag {
        Tag::Byte(value) => out.extend(value.to_be_bytes()),
        Tag::Short(value) => out.extend(value.to_be_bytes()),
        Tag::Int(value) => out.extend(value.to_be_bytes()),
        Tag::Long(value) => out.extend(value.to_be_bytes()),
        Tag::Float(value) => out.extend(value.to_be_bytes()),
        Tag::Double(value) => out.extend(value.to_be_bytes()),
        Tag::String(text) => write_text(out, text)?,
        Tag::ByteArray(values) => {
            write_length(out, values.len())?;
            out.extend(values.iter().map(|value| value.cast_unsigned()));
        }
        Tag::IntArray(values) => {
            write_length(out, values.len())?;
            values
                .iter()
                .for_each(|value| out.extend(value.to_be_bytes()));
        }
        Tag::LongArray(values) => {
            write_length(out, values.len())?;
            values
                .iter()
                .for_each(|value| out.extend(value.to_be_bytes()));
        }
        Tag::List(list) => {
            out.push(list.kind as u8);
            write_length(out, list.items.len())?;
            for item in &list.items {
                if item.kind() != list.kind {
                    return Err(NbtWriteError::MixedList {
                        expected: list.kind,
                        found: item.kind(),
                    });
                }
                write_tag(out, item)?;
            }
        }
        Tag::Compound(compound) => write_compound(out, compound)?,
    }
    Ok(())
}

fn write_compound(out: &mut Vec<u8>, compound: &Compound) -> Result<(), NbtWriteError> {
    for entry in &compound.entries {
        out.push(entry.tag.kind() as u8);
        write_text(out, &entry.name)?;
        write_tag(out, &entry.tag)?;
    }
    out.push(Kind::End as u8);
    Ok(())
}

fn write_text(out: &mut Vec<u8>, text: &str) -> Result<(), NbtWriteError> {
    let bytes = mutf8::encode(text);
    let length =
        u16::try_from(bytes.len()).map_err(|_| NbtWriteError::StringTooLong(bytes.len()))?;
    out.extend(length.to_be_bytes());
    out.extend(bytes);
    Ok(())
}

fn write_length(out: &mut Vec<u8>, length: usize) -> Result<(), NbtWriteError> {
    let length = i32::try_from(length).map_err(|_| NbtWriteError::TooManyElements(length))?;
    out.extend(length.to_be_bytes());
    Ok(())
}
