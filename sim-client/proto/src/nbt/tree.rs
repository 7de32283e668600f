use core::fmt;

use super::NbtError;

/// The type of a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    /// 0: the end of a compound, or of nothing.
    End = 0,
    /// 1: one byte.
    Byte = 1,
    /// 2: two bytes.
    Short = 2,
    /// 3: four bytes.
    Int = 3,
    /// 4: eight bytes.
    Long = 4,
    /// 5: four bytes.
    Float = 5,
    /// 6: eight bytes.
    Double = 6,
    /// 7: bytes.
    ByteArray = 7,
    /// 8: modified UTF-8.
    String = 8,
    /// 9: elements of one type.
    List = 9,
    /// 10: named tags.
    Compound = 10,
    /// 11: four-byte numbers.
    IntArray = 11,
    /// 12: eight-byte numbers.
    LongArray = 12,
}

impl Kind {
    /// A type by its number.
    ///
    /// # Errors
    ///
    /// [`NbtError::UnknownType`] from 13 on.
    pub fn from_id(id: u8) -> Result<Kind, NbtError> {
        Ok(match id {
            0 => Kind::End,
            1 => Kind::Byte,
            2 => Kind::Short,
            3 => Kind::Int,
            4 => Kind::Long,
            5 => Kind::Float,
            6 => Kind::Double,
            7 => Kind::ByteArray,
            8 => Kind::String,
            9 => Kind::List,
            10 => Kind::Compound,
            11 => Kind::IntArray,
            12 => Kind::LongArray,
            other => return Err(NbtError::UnknownType(other)),
        })
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::End => "end",
            Kind::Byte => "byte",
            Kind::Short => "short",
            Kind::Int => "int",
            Kind::Long => "long",
            Kind::Float => "float",
            Kind::Double => "double",
            Kind::ByteArray => "byte array",
            Kind::String => "string",
            Kind::List => "list",
            Kind::Compound => "compound",
            Kind::IntArray => "int array",
            Kind::LongArray => "long array",
        })
    }
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Tag {
    /// One byte; also booleans.
    Byte(i8),
    /// Two bytes.
    Short(i16),
    /// Four bytes.
    Int(i32),
    /// Eight bytes.
    Long(i64),
    /// Four bytes.
    Float(f32),
    /// Eight bytes.
    Double(f64),
    /// Bytes.
    ByteArray(Vec<i8>),
    /// Text.
    String(String),
    /// Elements of one type.
    List(List),
    /// Named tags.
    Compound(Compound),
    /// Four-byte numbers.
    IntArray(Vec<i32>),
    /// Eight-byte numbers.
    LongArray(Vec<i64>),
}

impl Tag {
    /// Its type.
    pub fn kind(&self) -> Kind {
        match self {
            Tag::Byte(_) => Kind::Byte,
            Tag::Short(_) => Kind::Short,
            Tag::Int(_) => Kind::Int,
            Tag::Long(_) => Kind::Long,
            Tag::Float(_) => Kind::Float,
            Tag::Double(_) => Kind::Double,
            Tag::ByteArray(_) => Kind::ByteArray,
            Tag::String(_) => Kind::String,
            Tag::List(_) => Kind::List,
            Tag::Compound(_) => Kind::Compound,
            Tag::IntArray(_) => Kind::IntArray,
            Tag::LongArray(_) => Kind::LongArray,
        }
    }

    /// The compound, if it is one.
    pub fn as_compound(&self) -> Option<&Compound> {
        if let Tag::Compound(compound) = self {
            Some(compound)
        } else {
            None
        }
    }

    /// The list, if it is one.
    pub fn as_list(&self) -> Option<&List> {
        if let Tag::List(list) = self {
            Some(list)
        } else {
            None
        }
    }

    /// The text, if it is a string.
    pub fn as_str(&self) -> Option<&str> {
        if let Tag::String(text) = self {
            Some(text)
        } else {
            None
        }
    }

    /// A whole number of any width.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Tag::Byte(value) => Some(i64::from(*value)),
            Tag::Short(value) => Some(i64::from(*value)),
            Tag::Int(value) => Some(i64::from(*value)),
            Tag::Long(value) => Some(*value),
            _ => None,
        }
    }

    /// Whether it is a number of any kind.
    pub fn is_number(&self) -> bool {
        matches!(
            self,
            Tag::Byte(_)
                | Tag::Short(_)
                | Tag::Int(_)
                | Tag::Long(_)
                | Tag::Float(_)
                | Tag::Double(_)
        )
    }
}

/// Elements of one type.
#[derive(Clone, Debug, PartialEq)]
pub struct List {
    /// The elements' type; an empty list has one too.
    pub kind: Kind,
    /// All of this type.
    pub items: Vec<Tag>,
}

/// Named tags in the order in which they came.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Compound {
    /// The entries. A name may come twice: the last one counts, as in vanilla.
    pub entries: Vec<Entry>,
}

impl Compound {
    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<&Tag> {
        self.entries
            .iter()
            .rev()
            .find(|entry| entry.name == name)
            .map(|entry| &entry.tag)
    }

    /// Adds an entry, for building compounds.
    pub fn push(&mut self, name: impl Into<String>, tag: Tag) {
        self.entries.push(Entry {
            name: name.into(),
            offset: 0,
            len: 0,
            tag,
        });
    }
}

/// A named tag.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Where it started when it was read: offset of its type byte.
    pub offset: usize,
    /// Its length in bytes when it was read: type, name and value.
    pub len: usize,
    /// Its value.
    pub tag: Tag,
}

/// Where an entry was read does not make it another.
impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.tag == other.tag
    }
}
