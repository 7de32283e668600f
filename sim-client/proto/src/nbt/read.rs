use super::{Compound, Entry, Kind, List, MAX_DEPTH, MAX_TAGS, NbtError, Tag, mutf8};
use crate::wire::{DecodeError, Reader};

type Read<T> = Result<T, DecodeError>;

/// A root compound, with its name where the protocol has one.
///
/// # Errors
///
/// Anything else than a whole compound within the bounds.
pub fn read_root(reader: &mut Reader<'_>, name: &'static str) -> Read<Compound> {
    let start = reader.offset();
    match read_optional_root(reader, name)? {
        Some(compound) => Ok(compound),
        None => Err(reader.error_at(start, name, NbtError::RootNotCompound(Kind::End))),
    }
}

/// Like [`read_root`]; a lone End is None.
///
/// # Errors
///
/// As [`read_root`].
pub fn read_optional_root(reader: &mut Reader<'_>, name: &'static str) -> Read<Option<Compound>> {
    let start = reader.offset();
    match read_any_root(reader, name)? {
        None => Ok(None),
        Some(Tag::Compound(compound)) => Ok(Some(compound)),
        Some(other) => Err(reader.error_at(start, name, NbtError::RootNotCompound(other.kind()))),
    }
}

/// The root of a text component (765+): any tag, without a name.
///
/// # Errors
///
/// As [`read_root`], but strings and lists are roots too.
pub fn read_text_root(reader: &mut Reader<'_>, name: &'static str) -> Read<Option<Tag>> {
    read_any_root(reader, name)
}

/// A compound's payload: named tags, then End. That is how `vb_data` holds its elements.
///
/// # Errors
///
/// As [`read_root`].
pub fn read_compound_payload(reader: &mut Reader<'_>, name: &'static str) -> Read<Compound> {
    let mut walk = Walk { name, tags: 0 };
    walk.compound(reader, 1)
}

fn read_any_root(reader: &mut Reader<'_>, name: &'static str) -> Read<Option<Tag>> {
    let mut walk = Walk { name, tags: 0 };
    let kind = walk.kind(reader)?;
    if kind == Kind::End {
        return Ok(None);
    }
    if !reader.version().has_nameless_nbt() {
        walk.text(reader)?;
    }
    walk.payload(reader, kind, 0).map(Some)
}

struct Walk {
    name: &'static str,
    tags: usize,
}

impl Walk {
    fn kind(&mut self, reader: &mut Reader<'_>) -> Read<Kind> {
        let start = reader.offset();
        let id = reader.take(self.name, 1)?[0];
        Kind::from_id(id).map_err(|error| reader.error_at(start, self.name, error))
    }

    fn payload(&mut self, reader: &mut Reader<'_>, kind: Kind, depth: usize) -> Read<Tag> {
        self.tags += 1;
        if self.tags > MAX_TAGS {
            return Err(self.error(reader, NbtError::TooManyTags));
        }
        Ok(match kind {
            Kind::End => return Err(self.error(reader, NbtError::UnknownType(0))),
            Kind::Byte => Tag::Byte(i8::from_be_bytes(self.fixed(reader)?)),
            Kind::Short => Tag::Short(i16::from_be_bytes(self.fixed(reader)?)),
            Kind::Int => Tag::Int(i32::from_be_bytes(self.fixed(reader)?)),
            Kind::Long => Tag::Long(i64::from_be_bytes(self.fixed(reader)?)),
            Kind::Float => Tag::Float(f32::from_be_bytes(self.fixed(reader)?)),
            Kind::Double => Tag::Double(f64::from_be_bytes(self.fixed(reader)?)),
            Kind::ByteArray => {
                let length = self.length(reader)?;
                let bytes = reader.take(self.name, length)?;
                Tag::ByteArray(bytes.iter().map(|byte| byte.cast_signed()).collect())
            }
            Kind::String => Tag::String(self.text(reader)?),
            Kind::List => Tag::List(self.list(reader, depth + 1)?),
            Kind::Compound => Tag::Compound(self.compound(reader, depth + 1)?),
            Kind::IntArray => {
                let length = self.length(reader)?;
                let bytes = reader.take(self.name, length.saturating_mul(4))?;
                Tag::IntArray(
                    bytes
                        .as_chunks::<4>()
                        .0
                        .iter()
                        .map(|chunk| i32::from_be_bytes(*chunk))
                        .collect(),
                )
            }
            Kind::LongArray => {
                let length = self.length(reader)?;
                let bytes = reader.take(self.name, length.saturating_mul(8))?;
                Tag::LongArray(
                    bytes
                        .as_chunks::<8>()
                        .0
                        .iter()
                        .map(|chunk| i64::from_be_bytes(*chunk))
                        .collect(),
                )
            }
        })
    }

    fn list(&mut self, reader: &mut Reader<'_>, depth: usize) -> Read<List> {
        self.check_depth(reader, depth)?;
        let kind = self.kind(reader)?;
        let length = self.length(reader)?;
        if kind == Kind::End && length > 0 {
            let length = i32::try_from(length).unwrap_or(i32::MAX);
            return Err(self.error(reader, NbtError::UntypedList(length)));
        }
        let mut items = Vec::with_capacity(length.min(reader.left()).min(1024));
        for _ in 0..length {
            items.push(self.payload(reader, kind, depth)?);
        }
        Ok(List { kind, items })
    }

    fn compound(&mut self, reader: &mut Reader<'_>, depth: usize) -> Read<Compound> {
        self.check_depth(reader, depth)?;
        let mut entries = Vec::new();
        loop {
            let offset = reader.offset();
            let kind = self.kind(reader)?;
            if kind == Kind::End {
                return Ok(Compound { entries });
            }
            let name = self.text(reader)?;
            let tag = self.payload(reader, kind, depth)?;
            entries.push(Entry {
                name,
                offset,
                len: reader.offset() - offset,
                tag,
            });
        }
    }

    fn text(&mut self, reader: &mut Reader<'_>) -> Read<String> {
        let start = reader.offset();
        let length = u16::from_be_bytes(self.fixed(reader)?);
        let bytes = reader.take(self.name, usize::from(length))?;
        mutf8::decode(bytes)
            .ok_or_else(|| reader.error_at(start, self.name, NbtError::InvalidString))
    }

    fn length(&mut self, reader: &mut Reader<'_>) -> Read<usize> {
        let length = i32::from_be_bytes(self.fixed(reader)?);
        usize::try_from(length).map_err(|_| self.error(reader, NbtError::NegativeLength(length)))
    }

    fn fixed<const N: usize>(&mut self, reader: &mut Reader<'_>) -> Read<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(reader.take(self.name, N)?);
        Ok(array)
    }

    fn check_depth(&self, reader: &Reader<'_>, depth: usize) -> Read<()> {
        if depth > MAX_DEPTH {
            Err(self.error(reader, NbtError::TooDeep))
        } else {
            Ok(())
        }
    }

    fn error(&self, reader: &Reader<'_>, error: NbtError) -> DecodeError {
        reader.error_at(reader.offset(), self.name, error)
    }
}
