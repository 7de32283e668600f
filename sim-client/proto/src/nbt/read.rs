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

/// The root of a registry's element (766+): mostly a compound, but any tag except a lone End.
///
/// # Errors
///
/// As [`read_root`], but strings and lists are roots too.
pub fn read_element_root(reader: &mut Reader<'_>, name: &'static str) -> Read<Tag> {
    let start = reader.offset();
    read_any_root(reader, name)?
        .ok_or_else(|| reader.error_at(start, name, NbtError::RootNotCompound(Kind::End)))
}

/// A compound's payload: named tags, then End. That is how `vb_data` holds its elements.
///
/// # Errors
///
/// As [`read_root`].
pub fn read_compound_payload(reader: &mut Reader<'_>, name: &'static str) -> Read<Compound> {
    match Walk::new(name).value(reader, Kind::Compound)? {
        Tag::Compound(compound) => Ok(compound),
        other => Err(reader.error_at(
            reader.offset(),
            name,
            NbtError::RootNotCompound(other.kind()),
        )),
    }
}

fn read_any_root(reader: &mut Reader<'_>, name: &'static str) -> Read<Option<Tag>> {
    let mut walk = Walk::new(name);
    let kind = walk.kind(reader)?;
    if kind == Kind::End {
        return Ok(None);
    }
    if !reader.version().has_nameless_nbt() {
        walk.text(reader)?;
    }
    walk.value(reader, kind).map(Some)
}

/// A walk through one root. It keeps its own stack: NBT may nest deeper than a thread's stack would like.
struct Walk {
    name: &'static str,
    tags: usize,
    open: Vec<Open>,
}

/// A list or a compound whose end has not been reached.
enum Open {
    List {
        kind: Kind,
        left: usize,
        items: Vec<Tag>,
    },
    Compound {
        entries: Vec<Entry>,
        /// Name and offset of the entry whose value is being read.
        name: String,
        offset: usize,
    },
}

/// What is to be read next.
enum Next {
    Value(Kind),
    Nothing(Tag),
}

impl Walk {
    fn new(name: &'static str) -> Walk {
        Walk {
            name,
            tags: 0,
            open: Vec::new(),
        }
    }

    /// A value of this type, with all that is in it.
    fn value(&mut self, reader: &mut Reader<'_>, kind: Kind) -> Read<Tag> {
        let mut next = Next::Value(kind);
        loop {
            next = match next {
                Next::Value(kind) => self.begin(reader, kind)?,
                Next::Nothing(tag) => match self.attach(reader, tag) {
                    Some(whole) => return Ok(whole),
                    None => self.go_on(reader)?,
                },
            };
        }
    }

    fn begin(&mut self, reader: &mut Reader<'_>, kind: Kind) -> Read<Next> {
        self.tags += 1;
        if self.tags > MAX_TAGS {
            return Err(self.error(reader, NbtError::TooManyTags));
        }
        match kind {
            Kind::List => {
                let (kind, left) = self.list_head(reader)?;
                // No room for what is only claimed: lists within lists would claim it again at every depth.
                let items = Vec::new();
                self.open(reader, Open::List { kind, left, items })
            }
            Kind::Compound => self.open(
                reader,
                Open::Compound {
                    entries: Vec::new(),
                    name: String::new(),
                    offset: 0,
                },
            ),
            leaf => self.leaf(reader, leaf).map(Next::Nothing),
        }
    }

    fn open(&mut self, reader: &mut Reader<'_>, what: Open) -> Read<Next> {
        if self.open.len() == MAX_DEPTH {
            return Err(self.error(reader, NbtError::TooDeep));
        }
        self.open.push(what);
        self.go_on(reader)
    }

    /// Puts a finished value where it belongs; answers it if that is nowhere.
    fn attach(&mut self, reader: &Reader<'_>, tag: Tag) -> Option<Tag> {
        match self.open.last_mut() {
            None => return Some(tag),
            Some(Open::List { items, .. }) => items.push(tag),
            Some(Open::Compound {
                entries,
                name,
                offset,
            }) => {
                let (name, offset) = (std::mem::take(name), *offset);
                entries.push(Entry {
                    name,
                    offset,
                    len: reader.offset() - offset,
                    tag,
                });
            }
        }
        None
    }

    /// What comes next in the innermost list or compound, or that it is at its end.
    fn go_on(&mut self, reader: &mut Reader<'_>) -> Read<Next> {
        match self.open.pop() {
            Some(Open::List {
                kind,
                left: 0,
                items,
            }) => Ok(Next::Nothing(Tag::List(List { kind, items }))),
            Some(Open::List { kind, left, items }) => {
                self.open.push(Open::List {
                    kind,
                    left: left - 1,
                    items,
                });
                Ok(Next::Value(kind))
            }
            Some(Open::Compound { entries, .. }) => {
                let offset = reader.offset();
                let kind = self.kind(reader)?;
                if kind == Kind::End {
                    return Ok(Next::Nothing(Tag::Compound(Compound { entries })));
                }
                let name = self.text(reader)?;
                self.open.push(Open::Compound {
                    entries,
                    name,
                    offset,
                });
                Ok(Next::Value(kind))
            }
            // Only called while something is open.
            None => Err(self.error(reader, NbtError::UnknownType(0))),
        }
    }

    fn leaf(&mut self, reader: &mut Reader<'_>, kind: Kind) -> Read<Tag> {
        Ok(match kind {
            // Lists of these cannot be opened, and compounds end at them.
            Kind::End | Kind::List | Kind::Compound => {
                return Err(self.error(reader, NbtError::UnknownType(kind as u8)));
            }
            Kind::Byte => Tag::Byte(i8::from_be_bytes(self.fixed(reader)?)),
            Kind::Short => Tag::Short(i16::from_be_bytes(self.fixed(reader)?)),
            Kind::Int => Tag::Int(i32::from_be_bytes(self.fixed(reader)?)),
            Kind::Long => Tag::Long(i64::from_be_bytes(self.fixed(reader)?)),
            Kind::Float => Tag::Float(f32::from_be_bytes(self.fixed(reader)?)),
            Kind::Double => Tag::Double(f64::from_be_bytes(self.fixed(reader)?)),
            Kind::String => Tag::String(self.text(reader)?),
            Kind::ByteArray => {
                let length = self.length(reader)?;
                let bytes = reader.take(self.name, length)?;
                Tag::ByteArray(bytes.iter().map(|byte| byte.cast_signed()).collect())
            }
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

    fn list_head(&mut self, reader: &mut Reader<'_>) -> Read<(Kind, usize)> {
        let kind = self.kind(reader)?;
        let length = self.length(reader)?;
        if kind == Kind::End && length > 0 {
            let length = i32::try_from(length).unwrap_or(i32::MAX);
            return Err(self.error(reader, NbtError::UntypedList(length)));
        }
        Ok((kind, length))
    }

    fn kind(&mut self, reader: &mut Reader<'_>) -> Read<Kind> {
        let start = reader.offset();
        let id = reader.take(self.name, 1)?[0];
        Kind::from_id(id).map_err(|error| reader.error_at(start, self.name, error))
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

    fn error(&self, reader: &Reader<'_>, error: NbtError) -> DecodeError {
        reader.error_at(reader.offset(), self.name, error)
    }
}
