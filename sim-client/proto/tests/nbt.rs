//! The NBT codec against its inverse, against fastnbt, and at its limits.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use proptest::prelude::*;
use sim_proto::Version;
use sim_proto::nbt::{self, Compound, Kind, List, MAX_DEPTH, MAX_TAGS, NbtError, Tag};
use sim_proto::wire::{DecodeErrorKind, Reader};

const NAMED: Version = Version::new(763);
const NAMELESS: Version = Version::new(764);

fn leaf() -> impl Strategy<Value = Tag> {
    prop_oneof![
        any::<i8>().prop_map(Tag::Byte),
        any::<i16>().prop_map(Tag::Short),
        any::<i32>().prop_map(Tag::Int),
        any::<i64>().prop_map(Tag::Long),
        (-1e9_f32..1e9).prop_map(Tag::Float),
        (-1e9_f64..1e9).prop_map(Tag::Double),
        "\\PC{0,12}".prop_map(Tag::String),
        "[\u{0}\u{7f}\u{80}\u{7ff}\u{800}\u{ffff}\u{1f600}]{0,6}".prop_map(Tag::String),
        prop::collection::vec(any::<i8>(), 0..6).prop_map(Tag::ByteArray),
        prop::collection::vec(any::<i32>(), 0..6).prop_map(Tag::IntArray),
        prop::collection::vec(any::<i64>(), 0..6).prop_map(Tag::LongArray),
    ]
}

fn tag() -> impl Strategy<Value = Tag> {
    leaf().prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(|items| {
                let kind = items.first().map_or(Kind::End, Tag::kind);
                let items = items
                    .into_iter()
                    .filter(|item| item.kind() == kind)
                    .collect();
                Tag::List(List { kind, items })
            }),
            compound_of(inner).prop_map(Tag::Compound),
        ]
    })
}

fn compound_of(inner: impl Strategy<Value = Tag>) -> impl Strategy<Value = Compound> {
    prop::collection::btree_map("[a-z:_]{0,8}", inner, 0..6).prop_map(|entries| {
        let mut compound = Compound::default();
        entries
            .into_iter()
            .for_each(|(name, tag)| compound.push(name, tag));
        compound
    })
}

fn read(data: &[u8], version: Version) -> Result<Compound, DecodeErrorKind> {
    let mut r = Reader::new(data, version);
    let root = nbt::read_root(&mut r, "nbt").map_err(|error| error.kind)?;
    r.finish().map_err(|error| error.kind)?;
    Ok(root)
}

fn same(ours: &Tag, theirs: &fastnbt::Value) -> bool {
    use fastnbt::Value;
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
        (Tag::List(a), Value::List(b)) => {
            a.items.len() == b.len() && a.items.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Tag::Compound(a), Value::Compound(b)) => {
            a.entries.len() == b.len()
                && a.entries
                    .iter()
                    .all(|entry| b.get(&entry.name).is_some_and(|b| same(&entry.tag, b)))
        }
        _ => false,
    }
}

proptest! {
    #[test]
    fn reading_is_the_inverse_of_writing(root in compound_of(tag())) {
        let named = nbt::write_root(&root, Some("x")).unwrap();
        prop_assert_eq!(read(&named, NAMED), Ok(root.clone()));
        let nameless = nbt::write_root(&root, None).unwrap();
        prop_assert_eq!(read(&nameless, NAMELESS), Ok(root));
    }

    #[test]
    fn fastnbt_reads_the_same(root in compound_of(tag())) {
        let named = nbt::write_root(&root, Some("")).unwrap();
        let theirs: fastnbt::Value = fastnbt::from_bytes(&named).unwrap();
        prop_assert!(same(&Tag::Compound(root), &theirs));
    }

    #[test]
    fn what_fastnbt_writes_is_read_the_same(root in compound_of(tag())) {
        let ours = nbt::write_root(&root, Some("")).unwrap();
        let value: fastnbt::Value = fastnbt::from_bytes(&ours).unwrap();
        let theirs = fastnbt::to_bytes(&value).unwrap();
        let read = read(&theirs, NAMED).unwrap();
        prop_assert!(same(&Tag::Compound(read), &value));
    }

    #[test]
    fn truncations_are_errors(root in compound_of(tag()), cut in 0_usize..200) {
        let data = nbt::write_root(&root, None).unwrap();
        let cut = cut.min(data.len() - 1);
        prop_assert!(read(&data[..cut], NAMELESS).is_err());
    }

    #[test]
    fn any_bytes_are_read_or_refused(data in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(&data, NAMED);
        let _ = read(&data, NAMELESS);
        let mut r = Reader::new(&data, NAMELESS);
        let _ = nbt::read_text_root(&mut r, "text");
    }

    #[test]
    fn modified_utf8_comes_back(text in any::<String>()) {
        prop_assert_eq!(nbt::decode_mutf8(&nbt::encode_mutf8(&text)), Some(text));
    }
}

#[test]
fn known_modified_utf8() {
    assert_eq!(nbt::encode_mutf8("\0"), [0xc0, 0x80]);
    assert_eq!(
        nbt::encode_mutf8("\u{1f600}"),
        [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80]
    );
    // Plain UTF-8 of four bytes is none, nor is a lone continuation.
    assert_eq!(nbt::decode_mutf8("\u{1f600}".as_bytes()), None);
    assert_eq!(nbt::decode_mutf8(&[0x80]), None);
    // Half of a pair is what Java can hold and Rust cannot.
    assert_eq!(
        nbt::decode_mutf8(&[0xed, 0xa0, 0xbd]).as_deref(),
        Some("\u{fffd}")
    );
}

#[test]
fn entries_keep_their_order_and_offsets() {
    let mut root = Compound::default();
    root.push("b", Tag::Int(1));
    root.push("a", Tag::Byte(2));
    let data = nbt::write_root(&root, None).unwrap();
    let read = read(&data, NAMELESS).unwrap();
    let found: Vec<_> = read
        .entries
        .iter()
        .map(|entry| (entry.name.as_str(), entry.offset, entry.len))
        .collect();
    assert_eq!(found, [("b", 1, 8), ("a", 9, 5)]);
}

#[test]
fn the_last_of_two_entries_of_a_name_counts() {
    let mut root = Compound::default();
    root.push("a", Tag::Int(1));
    root.push("a", Tag::Int(2));
    assert_eq!(root.get("a"), Some(&Tag::Int(2)));
}

/// A root compound in which so many compounds are nested, itself included.
fn nested(depth: usize) -> Vec<u8> {
    let mut data = vec![10];
    for _ in 1..depth {
        data.extend([10, 0, 0]);
    }
    data.extend(std::iter::repeat_n(0, depth));
    data
}

#[test]
fn nesting_is_bounded_at_512() {
    assert!(read(&nested(MAX_DEPTH), NAMELESS).is_ok());
    assert_eq!(
        read(&nested(MAX_DEPTH + 1), NAMELESS),
        Err(DecodeErrorKind::Nbt(NbtError::TooDeep))
    );
}

#[test]
fn the_number_of_tags_is_bounded() {
    // The root and the list are tags too.
    for (count, fits) in [(MAX_TAGS - 2, true), (MAX_TAGS - 1, false)] {
        let mut data = vec![10, 9, 0, 0, 1];
        data.extend(i32::try_from(count).unwrap().to_be_bytes());
        data.extend(std::iter::repeat_n(0, count + 1));
        assert_eq!(read(&data, NAMELESS).is_ok(), fits, "{count}");
    }
}

#[test]
fn what_is_wrong_is_said() {
    let kind = |data: &[u8]| match read(data, NAMELESS) {
        Err(DecodeErrorKind::Nbt(error)) => error,
        other => panic!("{other:?}"),
    };
    assert_eq!(kind(&[13]), NbtError::UnknownType(13));
    assert_eq!(kind(&[0]), NbtError::RootNotCompound(Kind::End));
    assert_eq!(kind(&[1, 5]), NbtError::RootNotCompound(Kind::Byte));
    assert_eq!(
        kind(&[10, 9, 0, 0, 0, 0, 0, 0, 1]),
        NbtError::UntypedList(1)
    );
    assert_eq!(
        kind(&[10, 11, 0, 0, 0xff, 0xff, 0xff, 0xff]),
        NbtError::NegativeLength(-1)
    );
    assert_eq!(kind(&[10, 8, 0, 0, 0, 1, 0x80]), NbtError::InvalidString);
    // A length that the data do not have takes no memory.
    assert!(matches!(
        read(&[10, 12, 0, 0, 0x7f, 0xff, 0xff, 0xff], NAMELESS),
        Err(DecodeErrorKind::UnexpectedEnd { .. })
    ));
}

#[test]
fn what_nbt_cannot_hold_is_not_written() {
    let mixed = Tag::List(List {
        kind: Kind::Int,
        items: vec![Tag::Byte(1)],
    });
    assert!(nbt::write_payload(&mixed).is_err());
    assert!(nbt::write_payload(&Tag::String("x".repeat(65_535))).is_ok());
    assert!(nbt::write_payload(&Tag::String("x".repeat(65_536))).is_err());
}

#[test]
fn every_element_of_the_data_is_read_whole() {
    for protocol in vb_data::supported() {
        for registry in vb_data::registries(*protocol) {
            for entry in registry.entries {
                let version = Version::new(*protocol);
                if !version.has_nameless_nbt() {
                    let mut r = Reader::new(entry.element, version);
                    nbt::read_compound_payload(&mut r, "element").unwrap();
                    r.finish().unwrap();
                    continue;
                }
                let root = [&[registry.element_kind().type_id()], entry.element].concat();
                let mut r = Reader::new(&root, version);
                nbt::read_element_root(&mut r, "element").unwrap();
                r.finish().unwrap();
            }
        }
    }
}
