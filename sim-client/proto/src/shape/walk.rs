//! A walk along a layout and the bytes of a packet.

use vb_data::{Bits, Count, Field, Key, Layout, NbtForm, Number, PacketLayout};

use super::ids;
use super::scope::{Scope, Value, extract};
use crate::nbt;
use crate::packet::{read_json_text, read_text};
use crate::wire::{DecodeError, DecodeErrorKind, Reader};

/// Deepest nesting of layouts, types included: an item in an item is ten. Real packets need a few dozen; more would
/// be a stack's end.
const MAX_DEPTH: usize = 300;
/// Longest string in UTF-16 units where no reader knows better: what vanilla's `readUtf` takes.
const MAX_STRING: usize = 32_767;
/// The list of a command tree's nodes.
const NODES: &str = "nodes";
/// A node's list of indices.
const CHILDREN: &str = "children";
/// A node's and the tree's single indices.
const POINTERS: &[&str] = &["redirectNode", "rootIndex"];
/// Highest bit of a byte: another element follows.
const MORE: u8 = 0x80;

type Read<T> = Result<T, DecodeError>;

/// A command tree: its layout, and indices of nodes that are there.
pub(super) fn command_tree(reader: &mut Reader<'_>, packet: &PacketLayout) -> Read<()> {
    let mut walk = Walk::new(reader, packet.name);
    walk.tree = Some(Tree::default());
    walk.read(reader, "", packet.layout)?;
    let tree = walk.tree.unwrap_or_default();
    match tree.astray() {
        Some((index, offset)) => {
            let nodes = tree.nodes;
            Err(reader.error_at(
                offset,
                "nodes",
                DecodeErrorKind::NoSuchNode { index, nodes },
            ))
        }
        None => Ok(()),
    }
}

pub(super) fn packet(reader: &mut Reader<'_>, packet: &PacketLayout) -> Read<()> {
    let mut walk = Walk::new(reader, packet.name);
    walk.read(reader, "", packet.layout).map(drop)
}

struct Walk<'a> {
    protocol: i32,
    packet: &'static str,
    scope: Scope<'a>,
    depth: usize,
    tree: Option<Tree>,
    /// Nobody knows how the packet goes on.
    lost: bool,
}

/// What a command tree's indices are held against. One is enough to say what is wrong.
#[derive(Default)]
struct Tree {
    nodes: usize,
    /// The lowest and the highest index with their offsets.
    lowest: Option<(i32, usize)>,
    highest: Option<(i32, usize)>,
}

impl Tree {
    fn point(&mut self, index: i32, offset: usize) {
        if self.lowest.is_none_or(|(lowest, _)| index < lowest) {
            self.lowest = Some((index, offset));
        }
        if self.highest.is_none_or(|(highest, _)| index > highest) {
            self.highest = Some((index, offset));
        }
    }

    /// An index that no node has: clients take such a tree for impossible.
    fn astray(&self) -> Option<(i32, usize)> {
        [self.lowest, self.highest]
            .into_iter()
            .flatten()
            .find(|(index, _)| usize::try_from(*index).map_or(true, |index| index >= self.nodes))
    }
}

impl<'a> Walk<'a> {
    fn new(reader: &Reader<'_>, packet: &'static str) -> Walk<'a> {
        Walk {
            protocol: reader.version().protocol(),
            packet,
            scope: Scope::default(),
            depth: 0,
            tree: None,
            lost: false,
        }
    }

    fn read(
        &mut self,
        r: &mut Reader<'a>,
        name: &'static str,
        layout: &'static Layout,
    ) -> Read<Value<'a>> {
        if self.lost {
            return Ok(Value::None);
        }
        if self.depth >= MAX_DEPTH {
            let kind = DecodeErrorKind::NestedTooDeep { limit: MAX_DEPTH };
            return Err(r.error_at(r.offset(), name, kind));
        }
        self.depth += 1;
        let value = self.read_one(r, name, layout)?;
        self.depth -= 1;
        Ok(value)
    }

    fn read_one(
        &mut self,
        r: &mut Reader<'a>,
        name: &'static str,
        layout: &'static Layout,
    ) -> Read<Value<'a>> {
        match layout {
            Layout::List(count, of) => self.list(r, name, *count, of)?,
            Layout::Option(of) => {
                if r.within(name, |r| r.bool("present"))? {
                    return self.read(r, name, of);
                }
            }
            Layout::Switch { on, cases, other } => {
                let value = self.scope.find(*on);
                let case = cases.iter().find(|(key, _)| value.is(*key));
                return match (case, other) {
                    // What a number is looked up in may be said by its case's name alone.
                    (Some((Key::Name(case), Layout::VarInt)), _) => numbered_case(r, name, case),
                    (Some((_, of)), _) => self.read(r, name, of),
                    (None, Some(of)) => self.read(r, name, of),
                    (None, None) => Err(r.error_at(r.offset(), name, unlisted(on.field, value))),
                };
            }
            Layout::Loop(end, of) => self.until(r, name, *end, of)?,
            Layout::TopBit(of) => self.top_bit(r, name, of)?,
            Layout::Holder(id, of) => {
                let start = r.offset();
                let value = r.within(name, |r| r.varint(id))?;
                match value {
                    0 => return self.read(r, name, of),
                    ..0 => {
                        return Err(r.error_at(
                            start,
                            name,
                            DecodeErrorKind::NegativeLength(value),
                        ));
                    }
                    // A function of its own: this one is as deep in the stack as layouts are nested.
                    _ => return held(r, id, value, start),
                }
            }
            Layout::Holders(tag, ids) => {
                let count = r.within(name, |r| r.length("count", usize::MAX))?;
                match count.checked_sub(1) {
                    None => drop(r.within(name, |r| r.identifier(tag))?),
                    Some(count) => {
                        r.within(name, |r| self.each(r, ids, count, &Layout::VarInt))?;
                    }
                }
            }
            Layout::Container(fields) => self.container(r, name, fields)?,
            Layout::Type(index) => {
                let Some((_, of)) = vb_data::layout_type(self.protocol, *index) else {
                    return Err(r.error_at(r.offset(), name, DecodeErrorKind::Absent));
                };
                return self.read(r, name, of);
            }
            leaf => return self.leaf(r, name, leaf),
        }
        Ok(Value::None)
    }

    fn leaf(
        &mut self,
        r: &mut Reader<'a>,
        name: &'static str,
        layout: &'static Layout,
    ) -> Read<Value<'a>> {
        Ok(match layout {
            Layout::Bool => Value::Number(r.bool(name)?.into()),
            Layout::U8 => Value::Number(r.u8(name)?.into()),
            Layout::U16 => Value::Number(r.u16(name)?.into()),
            Layout::U32 => Value::Number(i64::from(r.i32(name)?.cast_unsigned())),
            Layout::I8 => Value::Number(r.i8(name)?.into()),
            Layout::I16 => Value::Number(r.i16(name)?.into()),
            Layout::I32 => Value::Number(r.i32(name)?.into()),
            Layout::I64 | Layout::U64 => Value::Number(r.i64(name)?),
            Layout::VarInt => {
                let start = r.offset();
                let value = r.varint(name)?;
                if let Some(tree) = &mut self.tree
                    && POINTERS.contains(&name)
                {
                    tree.point(value, start);
                }
                ids::check(r, self.packet, name, value.into(), start)?;
                Value::Number(value.into())
            }
            Layout::VarLong => Value::Number(r.varlong(name)?),
            Layout::F32 => {
                r.f32(name)?;
                Value::None
            }
            Layout::F64 => {
                r.f64(name)?;
                Value::None
            }
            Layout::Uuid => {
                r.uuid(name)?;
                Value::None
            }
            Layout::String => Value::Text(r.string(name, MAX_STRING)?),
            Layout::Identifier => Value::Text(r.identifier(name)?),
            Layout::TextJson => {
                read_json_text(r, name)?;
                Value::None
            }
            Layout::TextNbt => {
                read_text(r, name)?;
                Value::None
            }
            Layout::Nbt(form) => {
                read_nbt(r, name, *form)?;
                Value::None
            }
            Layout::Rest => {
                r.rest(name, usize::MAX)?;
                Value::None
            }
            Layout::Unknown => {
                r.rest(name, usize::MAX)?;
                self.lost = true;
                Value::None
            }
            Layout::Buffer(count) => {
                let count = self.count(r, name, *count)?;
                r.bytes(name, count)?;
                Value::None
            }
            Layout::Map {
                number,
                names,
                open,
            } => map(r, name, *number, names, *open)?,
            Layout::Bits(bits) => read_bits(r, name, bits)?,
            Layout::Flags(number, names) => {
                let value = read_number(r, name, *number)?;
                Value::Flags(names, value.cast_unsigned())
            }
            Layout::LowPrecisionVector => {
                low_precision_vector(r, name)?;
                Value::None
            }
            _ => Value::None,
        })
    }

    fn container(
        &mut self,
        r: &mut Reader<'a>,
        name: &'static str,
        fields: &'static [Field],
    ) -> Read<()> {
        self.scope.open();
        r.within(name, |r| self.fields(r, fields))?;
        self.scope.close();
        Ok(())
    }

    fn fields(&mut self, r: &mut Reader<'a>, fields: &'static [Field]) -> Read<()> {
        for field in fields {
            // A container without a name lends its fields to the one around it.
            if field.name.is_empty()
                && let Layout::Container(lent) = &field.layout
            {
                self.fields(r, lent)?;
                continue;
            }
            let value = self.read(r, field.name, &field.layout)?;
            self.scope.note(field.name, value);
        }
        Ok(())
    }

    fn list(
        &mut self,
        r: &mut Reader<'a>,
        name: &'static str,
        count: Count,
        of: &'static Layout,
    ) -> Read<()> {
        let count = self.count(r, name, count)?;
        if let Some(tree) = &mut self.tree {
            match name {
                NODES => tree.nodes = count,
                CHILDREN => return self.children(r, count),
                _ => {}
            }
        }
        self.each(r, name, count, of)
    }

    fn children(&mut self, r: &mut Reader<'a>, count: usize) -> Read<()> {
        r.within(CHILDREN, |r| {
            for index in 0..count {
                let start = r.offset();
                let child = r.at_index(index, |r| r.varint(""))?;
                if let Some(tree) = &mut self.tree {
                    tree.point(child, start);
                }
            }
            Ok(())
        })
    }

    /// So many of the same, each under its index.
    fn each(
        &mut self,
        r: &mut Reader<'a>,
        name: &'static str,
        count: usize,
        of: &'static Layout,
    ) -> Read<()> {
        r.within(name, |r| {
            for index in 0..count {
                let start = r.offset();
                r.at_index(index, |r| self.read(r, "", of))?;
                // What takes no bytes takes none however often; the count is only a claim.
                if r.offset() == start {
                    break;
                }
            }
            Ok(())
        })
    }

    fn until(
        &mut self,
        r: &mut Reader<'a>,
        name: &'static str,
        end: u8,
        of: &'static Layout,
    ) -> Read<()> {
        r.within(name, |r| {
            for index in 0.. {
                if r.peek() == Some(end) {
                    r.u8("end")?;
                    break;
                }
                let start = r.offset();
                r.at_index(index, |r| self.read(r, "", of))?;
                if r.offset() == start {
                    break;
                }
            }
            Ok(())
        })
    }

    fn top_bit(&mut self, r: &mut Reader<'a>, name: &'static str, of: &'static Layout) -> Read<()> {
        r.within(name, |r| {
            for index in 0.. {
                let more = r.peek().is_some_and(|byte| byte & MORE != 0);
                r.at_index(index, |r| self.read(r, "", of))?;
                if !more {
                    break;
                }
            }
            Ok(())
        })
    }

    fn count(&mut self, r: &mut Reader<'a>, name: &'static str, count: Count) -> Read<usize> {
        let start = r.offset();
        let count = match count {
            Count::Fixed(count) => return Ok(count),
            Count::Prefix(number) => r.within(name, |r| read_number(r, "count", number))?,
            Count::Field(field) => match self.scope.field(0, field) {
                Value::Number(count) => count,
                _ => return Err(r.error_at(start, name, DecodeErrorKind::Absent)),
            },
        };
        usize::try_from(count).map_err(|_| {
            let count = i32::try_from(count).unwrap_or(i32::MIN);
            r.error_at(start, name, DecodeErrorKind::NegativeLength(count))
        })
    }
}

/// A case that is one number.
fn numbered_case<'a>(r: &mut Reader<'a>, name: &str, case: &str) -> Read<Value<'a>> {
    let start = r.offset();
    let value = r.varint(name)?.into();
    ids::check_case(r, case, value, start)?;
    Ok(Value::Number(value))
}

/// The number of a holder with nothing in it but an id.
fn held<'a>(r: &Reader<'a>, name: &str, value: i32, start: usize) -> Read<Value<'a>> {
    ids::check_holder(r, name, i64::from(value) - 1, start)?;
    Ok(Value::None)
}

fn unlisted(what: &'static str, value: Value<'_>) -> DecodeErrorKind {
    let value = match value {
        Value::Number(number) => number.to_string(),
        Value::Name(name) => name.to_owned(),
        Value::Text(text) => text.to_owned(),
        Value::None | Value::Bits(..) | Value::Flags(..) => String::new(),
    };
    DecodeErrorKind::NotListed { what, value }
}

fn read_number(r: &mut Reader<'_>, name: &str, number: Number) -> Read<i64> {
    Ok(match number {
        Number::VarInt => r.varint(name)?.into(),
        Number::U8 => r.u8(name)?.into(),
        Number::U16 => r.u16(name)?.into(),
        Number::U32 => i64::from(r.i32(name)?.cast_unsigned()),
        Number::I8 => r.i8(name)?.into(),
        Number::I16 => r.i16(name)?.into(),
        Number::I32 => r.i32(name)?.into(),
    })
}

fn map<'a>(
    r: &mut Reader<'_>,
    name: &'static str,
    number: Number,
    names: &'static [(i32, &'static str)],
    open: bool,
) -> Read<Value<'a>> {
    let start = r.offset();
    let value = r.muted(|r| read_number(r, name, number))?;
    let index = names.binary_search_by_key(&value, |(known, _)| i64::from(*known));
    match index.ok().and_then(|index| names.get(index)) {
        Some((_, known)) => {
            r.record(name, start, format_args!("{value} ({known})"));
            Ok(Value::Name(known))
        }
        None if open => {
            r.record(name, start, value);
            Ok(Value::Number(value))
        }
        None => Err(r.error_at(start, name, unlisted(name, Value::Number(value)))),
    }
}

fn read_bits<'a>(r: &mut Reader<'_>, name: &'static str, bits: &'static [Bits]) -> Read<Value<'a>> {
    let start = r.offset();
    let size: u32 = bits.iter().map(|bit| bit.size).sum();
    let mut raw = 0_u64;
    for byte in r.take(name, size.div_ceil(8) as usize)? {
        raw = raw << 8 | u64::from(*byte);
    }
    if r.is_recording() {
        let mut left = size;
        let parts: Vec<String> = bits
            .iter()
            .map(|bit| {
                left = left.saturating_sub(bit.size);
                format!("{} {}", bit.name, extract(raw, left, bit))
            })
            .collect();
        r.record(name, start, parts.join(", "));
    }
    Ok(Value::Bits(bits, raw))
}

/// Components of fifteen bits each and a scale, of which all but two bits follow when it is long.
fn low_precision_vector(r: &mut Reader<'_>, name: &'static str) -> Read<()> {
    const LONG: u8 = 4;
    r.within(name, |r| {
        let first = r.u8("low")?;
        if first == 0 {
            return Ok(());
        }
        r.u8("middle")?;
        r.i32("high")?;
        if first & LONG != 0 {
            r.varint("scale")?;
        }
        Ok(())
    })
}

fn read_nbt(r: &mut Reader<'_>, name: &'static str, form: NbtForm) -> Read<()> {
    let start = r.offset();
    match form {
        NbtForm::Named => drop(nbt::read_root(r, name)?),
        NbtForm::NamedOrNone => drop(nbt::read_optional_root(r, name)?),
        NbtForm::Nameless => drop(nbt::read_element_root(r, name)?),
        NbtForm::NamelessOrNone => drop(nbt::read_text_root(r, name)?),
        NbtForm::Compressed => {
            // -1 for none; what is in the gzip is not looked at.
            let length = r.within(name, |r| r.i16("length"))?;
            r.bytes(name, usize::try_from(length).unwrap_or(0))?;
            return Ok(());
        }
    }
    if r.is_recording() {
        r.record(name, start, "NBT");
    }
    Ok(())
}
