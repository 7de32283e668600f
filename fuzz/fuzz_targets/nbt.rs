//! NBT as the client's side reads it. Held, whatever the bytes:
//!
//! - no panic, nothing deeper than 512 and no more tags than the bound, memory by the bytes that are there;
//! - what was read can be written, what was written reads as the same tree, and writing it again gives the same bytes;
//! - every entry says where it was, inside of the bytes, entries of one compound one after the other;
//! - fastnbt, which nobody here wrote, takes what is written here and reads the same tree, and of what is read here,
//!   where a string may be no proper modified UTF-8, what it takes it reads as the same tree.
//!
//! The input: protocol (roots have a name until 763), then the bytes.
#![no_main]

use fastnbt::{DeOpts, Value};
use libfuzzer_sys::fuzz_target;
use sim_proto::Version;
use sim_proto::nbt::{self, Compound, Kind, List, MAX_DEPTH, MAX_TAGS, Tag};
use sim_proto::wire::Reader;
use vbspec_fuzz::memory;
use vbspec_fuzz::wire::protocol;

/// Heap for a byte: an empty compound in a list takes one, and is a tag here.
const PER_BYTE: usize = 512;
const ALLOWANCE: usize = 256 << 10;
/// fastnbt recurses without a bound of its own.
const ORACLE_DEPTH: usize = 128;

fuzz_target!(|data: &[u8]| {
    let Some((byte, bytes)) = data.split_first() else {
        return;
    };
    let version = Version::new(protocol(*byte));
    memory::bounded(ALLOWANCE + PER_BYTE * bytes.len(), || run(version, bytes));
});

fn run(version: Version, bytes: &[u8]) {
    let mut reader = Reader::new(bytes, version);
    let root = match nbt::read_optional_root(&mut reader, "root") {
        Ok(Some(root)) => root,
        Ok(None) => return,
        Err(error) => {
            assert!(error.offset <= bytes.len(), "{error}");
            return;
        }
    };
    let read = &bytes[..reader.offset()];
    let mut shape = Shape::default();
    shape.compound(&root, 1, 0..read.len());
    assert!(shape.depth <= MAX_DEPTH && shape.tags <= MAX_TAGS);

    let name = root_name(version, read);
    let write = |root: &Compound| {
        nbt::write_root(root, name.as_deref()).unwrap_or_else(|error| panic!("{error}"))
    };
    let written = write(&root);
    let mut reader = Reader::new(&written, version);
    let again = nbt::read_root(&mut reader, "root").unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(reader.left(), 0);
    assert_eq!(write(&again), written, "writing it again gives other bytes");
    if shape.depth <= ORACLE_DEPTH {
        ask_fastnbt(version, read, &written, &root);
    }
}

/// The root's name, where the protocol has one.
fn root_name(version: Version, read: &[u8]) -> Option<String> {
    if version.has_nameless_nbt() {
        return None;
    }
    let (_, rest) = read.split_first()?;
    let (length, rest) = rest.split_first_chunk()?;
    nbt::decode_mutf8(rest.get(..usize::from(u16::from_be_bytes(*length)))?)
}

fn ask_fastnbt(version: Version, read: &[u8], written: &[u8], root: &Compound) {
    let options = || {
        if version.has_nameless_nbt() {
            DeOpts::network_nbt()
        } else {
            DeOpts::new()
        }
    };
    let theirs = fastnbt::from_bytes_with_opts::<Value>(written, options())
        .unwrap_or_else(|error| panic!("fastnbt takes nothing of it: {error}"));
    assert!(
        same(&Tag::Compound(root.clone()), &theirs),
        "{root:?} against {theirs:?}"
    );
    // Strings in improper form are read and not written so. fastnbt reads some of them too.
    if read != written
        && let Ok(theirs) = fastnbt::from_bytes_with_opts::<Value>(read, options())
    {
        assert!(
            same(&Tag::Compound(root.clone()), &theirs),
            "{root:?} against {theirs:?}"
        );
    }
}

/// Whether it is the same tree. A name may come twice, and the last one counts for both.
fn same(ours: &Tag, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Tag::Byte(a), Value::Byte(b)) => a == b,
        (Tag::Short(a), Value::Short(b)) => a == b,
        (Tag::Int(a), Value::Int(b)) => a == b,
        (Tag::Long(a), Value::Long(b)) => a == b,
        (Tag::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits(),
        (Tag::Double(a), Value::Double(b)) => a.to_bits() == b.to_bits(),
        (Tag::String(a), Value::String(b)) => a == b,
        (Tag::ByteArray(a), Value::ByteArray(b)) => a[..] == b[..],
        (Tag::IntArray(a), Value::IntArray(b)) => a[..] == b[..],
        (Tag::LongArray(a), Value::LongArray(b)) => a[..] == b[..],
        (Tag::List(List { items, .. }), Value::List(list)) => {
            items.len() == list.len() && items.iter().zip(list).all(|(a, b)| same(a, b))
        }
        (Tag::Compound(compound), Value::Compound(map)) => {
            compound
                .entries
                .iter()
                .all(|entry| map.contains_key(&entry.name))
                && map
                    .iter()
                    .all(|(name, theirs)| compound.get(name).is_some_and(|ours| same(ours, theirs)))
        }
        _ => false,
    }
}

/// What a tree measures.
#[derive(Default)]
struct Shape {
    tags: usize,
    depth: usize,
}

impl Shape {
    fn compound(&mut self, compound: &Compound, depth: usize, within: core::ops::Range<usize>) {
        self.tags += 1;
        self.depth = self.depth.max(depth);
        let mut from = within.start;
        for entry in &compound.entries {
            let end = entry.offset + entry.len;
            assert!(
                from < entry.offset && end <= within.end,
                "entry {}",
                entry.name
            );
            self.tag(&entry.tag, depth, entry.offset..end);
            from = end - 1;
        }
    }

    fn tag(&mut self, tag: &Tag, depth: usize, within: core::ops::Range<usize>) {
        match tag {
            Tag::Compound(compound) => self.compound(compound, depth + 1, within),
            Tag::List(List { kind, items }) => {
                self.tags += 1;
                self.depth = self.depth.max(depth + 1);
                assert!(items.is_empty() || *kind != Kind::End);
                for item in items {
                    assert_eq!(item.kind(), *kind);
                    self.tag(item, depth + 1, within.clone());
                }
            }
            _ => self.tags += 1,
        }
    }
}
