//! Reading is the inverse of writing; limits hold at their edge and one past; nothing panics.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use proptest::prelude::*;
use sim_proto::Version;
use sim_proto::wire::{DecodeErrorKind, Reader, Writer};

const VERSION: Version = Version::new(775);

fn bytes(write: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut w = Writer::new();
    write(&mut w);
    w.into_bytes()
}

proptest! {
    #[test]
    fn numbers_come_back(a: i8, b: u16, c: i32, d: i64, e: f32, f: f64, g: u128, h: bool, i: i16) {
        let data = bytes(|w| {
            w.i8(a).u16(b).i32(c).i64(d).f32(e).f64(f).uuid(g).bool(h).i16(i);
        });
        let mut r = Reader::new(&data, VERSION);
        prop_assert_eq!(r.i8("")?, a);
        prop_assert_eq!(r.u16("")?, b);
        prop_assert_eq!(r.i32("")?, c);
        prop_assert_eq!(r.i64("")?, d);
        prop_assert_eq!(r.f32("")?.to_bits(), e.to_bits());
        prop_assert_eq!(r.f64("")?.to_bits(), f.to_bits());
        prop_assert_eq!(r.uuid("")?, g);
        prop_assert_eq!(r.bool("")?, h);
        prop_assert_eq!(r.i16("")?, i);
        prop_assert!(r.finish().is_ok());
    }

    #[test]
    fn varints_come_back(value: i32, long: i64) {
        let data = bytes(|w| { w.varint(value).varlong(long); });
        let mut r = Reader::new(&data, VERSION);
        prop_assert_eq!(r.varint("")?, value);
        prop_assert_eq!(r.varlong("")?, long);
        prop_assert_eq!(r.left(), 0);
    }

    #[test]
    fn strings_come_back(text in "\\PC{0,40}") {
        let data = bytes(|w| { w.string(&text); });
        let mut r = Reader::new(&data, VERSION);
        prop_assert_eq!(r.string("", 200)?, text);
    }

    #[test]
    fn longs_come_back(longs in prop::collection::vec(any::<i64>(), 0..20)) {
        let data = bytes(|w| {
            w.length(longs.len());
            longs.iter().for_each(|long| { w.i64(*long); });
        });
        let mut r = Reader::new(&data, VERSION);
        let read: Vec<i64> = r.longs("", 20)?.into_iter().map(u64::cast_signed).collect();
        prop_assert_eq!(read, longs);
    }

    #[test]
    fn truncated_data_are_errors(text in "[a-z]{1,30}", value: i64, cut in 0_usize..30) {
        let data = bytes(|w| { w.string(&text).i64(value); });
        let cut = cut.min(data.len() - 1);
        let mut r = Reader::new(&data[..cut], VERSION);
        prop_assert!(r.string("", 100).and_then(|_| r.i64("")).is_err());
    }
}

#[test]
fn known_varints() {
    // From the protocol's own description.
    for (value, expected) in [
        (0, &[0][..]),
        (127, &[0x7f]),
        (128, &[0x80, 0x01]),
        (25_565, &[0xdd, 0xc7, 0x01]),
        (2_097_151, &[0xff, 0xff, 0x7f]),
        (i32::MAX, &[0xff, 0xff, 0xff, 0xff, 0x07]),
        (-1, &[0xff, 0xff, 0xff, 0xff, 0x0f]),
        (i32::MIN, &[0x80, 0x80, 0x80, 0x80, 0x08]),
    ] {
        assert_eq!(
            bytes(|w| {
                w.varint(value);
            }),
            expected
        );
    }
}

#[test]
fn a_varint_has_at_most_five_bytes() {
    let mut r = Reader::new(&[0x80, 0x80, 0x80, 0x80, 0x00], VERSION);
    assert_eq!(r.varint("").unwrap(), 0);
    let mut r = Reader::new(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x00], VERSION);
    assert_eq!(
        r.varint("n").unwrap_err().kind,
        DecodeErrorKind::VarIntTooLong { max: 5 }
    );
    let mut r = Reader::new(&[0xff; 11], VERSION);
    assert_eq!(
        r.varlong("n").unwrap_err().kind,
        DecodeErrorKind::VarIntTooLong { max: 10 }
    );
}

#[test]
fn a_string_has_at_most_so_many_utf16_units() {
    for (text, limit, fits) in [
        ("abc", 3, true),
        ("abcd", 3, false),
        ("\u{1f600}", 2, true),
        ("\u{1f600}", 1, false),
    ] {
        let data = bytes(|w| {
            w.string(text);
        });
        assert_eq!(
            Reader::new(&data, VERSION).string("", limit).is_ok(),
            fits,
            "{text} {limit}"
        );
    }
}

#[test]
fn a_strings_length_is_bounded_before_its_bytes_are_read() {
    // 3 bytes a unit from 755 on, 4 before.
    for (protocol, edge) in [(754, 64), (755, 48)] {
        for (length, fits) in [(edge, true), (edge + 1, false)] {
            let data = bytes(|w| {
                w.length(length);
            });
            let error = Reader::new(&data, Version::new(protocol))
                .string("", 16)
                .unwrap_err();
            let too_long = matches!(error.kind, DecodeErrorKind::LengthOverLimit { .. });
            assert_eq!(!too_long, fits, "{protocol} {length}");
        }
    }
}

#[test]
fn negative_lengths_are_errors() {
    let data = bytes(|w| {
        w.varint(-1);
    });
    let error = Reader::new(&data, VERSION).string("name", 16).unwrap_err();
    assert_eq!(error.kind, DecodeErrorKind::NegativeLength(-1));
    assert_eq!(error.field, "name");
}

#[test]
fn identifiers_are_checked_from_393_on() {
    for (text, valid) in [
        ("minecraft:overworld", true),
        ("overworld", true),
        ("a:b/c.d-e_f9", true),
        ("Overworld", false),
        ("a:b:c", false),
        ("a/b:c", false),
        ("a b", false),
        (":x", true),
    ] {
        let data = bytes(|w| {
            w.string(text);
        });
        assert_eq!(
            Reader::new(&data, Version::new(393)).identifier("").is_ok(),
            valid,
            "{text}"
        );
        assert!(
            Reader::new(&data, Version::new(340)).identifier("").is_ok(),
            "{text}"
        );
    }
}

#[test]
fn an_error_says_where_it_is() {
    let data = bytes(|w| {
        w.varint(3).varint(1).varint(2);
    });
    let mut r = Reader::new(&data, VERSION);
    let error = r
        .within("outer", |r| r.array("list", 9, |r| r.varint("item")))
        .unwrap_err();
    assert_eq!(
        (error.field.as_str(), error.offset),
        ("outer.list[2].item", 3)
    );
    assert_eq!(
        error.kind,
        DecodeErrorKind::UnexpectedEnd { wanted: 1, left: 0 }
    );
}
