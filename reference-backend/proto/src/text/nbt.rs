//! Text components as NBT, from protocol 765 on. The conversion is that of vanilla's serialisation library: booleans are
//! bytes, whole numbers take the smallest type that holds them, and a list of mixed types becomes a list of compounds
//! in which what is no compound is wrapped under the empty name. Two points are freer than vanilla, and read alike by
//! the client: mixed widths of whole numbers in one list take the widest, and such lists stay lists instead of arrays.

use bytes::{BufMut, BytesMut};
use serde_json::{Map, Number, Value};

use crate::nbt::{NbtExt, Tag};

/// A nameless root, as on the network: type byte and payload.
pub(super) fn put_root(value: &Value, out: &mut BytesMut) {
    let tag = tag_of(value);
    out.put_tag(tag);
    put_payload(value, tag, out);
}

fn tag_of(value: &Value) -> Tag {
    match value {
        // Null is refused before it comes here; an end tag is what vanilla makes of it.
        Value::Null => Tag::End,
        Value::Bool(_) => Tag::Byte,
        Value::Number(number) => number_tag(number),
        Value::String(_) => Tag::String,
        Value::Array(_) => Tag::List,
        Value::Object(_) => Tag::Compound,
    }
}

fn number_tag(number: &Number) -> Tag {
    match number.as_i64() {
        Some(whole) if i8::try_from(whole).is_ok() => Tag::Byte,
        Some(whole) if i16::try_from(whole).is_ok() => Tag::Short,
        Some(whole) if i32::try_from(whole).is_ok() => Tag::Int,
        Some(_) => Tag::Long,
        None => match number.as_f64() {
            #[expect(
                clippy::float_cmp,
                reason = "whether a float holds the very same value"
            )]
            Some(real) if f64::from(real as f32) == real => Tag::Float,
            _ => Tag::Double,
        },
    }
}

/// `tag` is the value's own, or a wider type of whole numbers.
fn put_payload(value: &Value, tag: Tag, out: &mut BytesMut) {
    match value {
        Value::Null => {}
        Value::Bool(flag) => put_whole(i64::from(*flag), tag, out),
        Value::Number(number) => match (tag, number.as_i64()) {
            (Tag::Float, _) => out.put_f32(number.as_f64().unwrap_or_default() as f32),
            (Tag::Double, _) | (_, None) => out.put_f64(number.as_f64().unwrap_or_default()),
            (_, Some(whole)) => put_whole(whole, tag, out),
        },
        Value::String(text) => out.put_nbt_string(text),
        Value::Array(elements) => put_list(elements, out),
        Value::Object(fields) => put_compound(fields, out),
    }
}

fn put_whole(whole: i64, tag: Tag, out: &mut BytesMut) {
    match tag {
        Tag::Byte => out.put_i8(whole as i8),
        Tag::Short => out.put_i16(whole as i16),
        Tag::Int => out.put_i32(whole as i32),
        _ => out.put_i64(whole),
    }
}

/// By the order of their names, so that the bytes do not hang on how the parser keeps them.
fn put_compound(fields: &Map<String, Value>, out: &mut BytesMut) {
    let mut sorted: Vec<_> = fields.iter().collect();
    sorted.sort_unstable_by_key(|(name, _)| *name);
    for (name, value) in sorted {
        let tag = tag_of(value);
        out.put_named(tag, name);
        put_payload(value, tag, out);
    }
    out.put_tag(Tag::End);
}

fn put_list(elements: &[Value], out: &mut BytesMut) {
    match common_tag(elements) {
        Some(tag) => {
            out.put_list(tag, elements.len());
            for element in elements {
                put_payload(element, tag, out);
            }
        }
        None => {
            out.put_list(Tag::Compound, elements.len());
            for element in elements {
                match element {
                    Value::Object(fields) if !is_wrapper(fields) => put_compound(fields, out),
                    other => put_wrapped(other, out),
                }
            }
        }
    }
}

/// The type of all elements; none when they are mixed.
fn common_tag(elements: &[Value]) -> Option<Tag> {
    let mut tags = elements.iter().map(tag_of);
    let first = tags.next().unwrap_or(Tag::End);
    tags.try_fold(first, |common, tag| match (common, tag) {
        (common, tag) if common == tag => Some(common),
        (common, tag) if is_whole(common) && is_whole(tag) => Some(common.max(tag)),
        _ => None,
    })
}

const fn is_whole(tag: Tag) -> bool {
    matches!(tag, Tag::Byte | Tag::Short | Tag::Int | Tag::Long)
}

/// A compound that looks like a wrapper must be wrapped itself, or the client unwraps too much.
fn is_wrapper(fields: &Map<String, Value>) -> bool {
    fields.len() == 1 && fields.contains_key("")
}

fn put_wrapped(value: &Value, out: &mut BytesMut) {
    let tag = tag_of(value);
    out.put_named(tag, "");
    put_payload(value, tag, out);
    out.put_tag(Tag::End);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::TextComponent;

    fn nbt(json: &str) -> Vec<u8> {
        let mut out = BytesMut::new();
        TextComponent::json(json).unwrap().put_nbt(&mut out);
        out.to_vec()
    }

    /// The payload of one field `x` beside an empty text.
    fn field(json: &str) -> Vec<u8> {
        let all = nbt(&format!("{{\"text\":\"\",\"x\":{json}}}"));
        let head = b"\x0a\x08\0\x04text\0\0";
        assert_eq!(&all[..head.len()], head);
        let rest = &all[head.len()..];
        assert_eq!(&rest[1..4], b"\0\x01x");
        assert_eq!(rest.last(), Some(&0));
        [&rest[..1], &rest[4..rest.len() - 1]].concat()
    }

    #[test]
    fn plain_text_is_a_string() {
        let mut out = BytesMut::new();
        TextComponent::plain("hé").unwrap().put_nbt(&mut out);
        assert_eq!(&out[..], b"\x08\0\x03h\xc3\xa9");
        assert_eq!(nbt(r#""hi""#), b"\x08\0\x02hi");
    }

    #[test]
    fn an_object_is_a_compound_sorted_by_name() {
        assert_eq!(
            nbt(r#"{"text":"a","bold":true}"#),
            b"\x0a\x01\0\x04bold\x01\x08\0\x04text\0\x01a\0"
        );
    }

    #[test]
    fn numbers_take_the_smallest_type() {
        assert_eq!(field("-128"), b"\x01\x80");
        assert_eq!(field("128"), b"\x02\0\x80");
        assert_eq!(field("32767"), b"\x02\x7f\xff");
        assert_eq!(field("32768"), b"\x03\0\0\x80\0");
        assert_eq!(field("2147483648"), b"\x04\0\0\0\0\x80\0\0\0");
        assert_eq!(field("0.5"), b"\x05\x3f\0\0\0");
        assert_eq!(field("0.1"), b"\x06\x3f\xb9\x99\x99\x99\x99\x99\x9a");
        assert_eq!(field("18446744073709551615"), b"\x05\x5f\x80\0\0");
        assert_eq!(field("false"), b"\x01\0");
    }

    #[test]
    fn lists_of_one_type_stay_as_they_are() {
        assert_eq!(field("[]"), b"\x09\0\0\0\0\0");
        assert_eq!(field(r#"["a","b"]"#), b"\x09\x08\0\0\0\x02\0\x01a\0\x01b");
        assert_eq!(field("[1,-2]"), b"\x09\x01\0\0\0\x02\x01\xfe");
        assert_eq!(
            field("[[1],[]]"),
            b"\x09\x09\0\0\0\x02\x01\0\0\0\x01\x01\0\0\0\0\0"
        );
    }

    #[test]
    fn whole_numbers_of_a_list_take_the_widest_type() {
        assert_eq!(field("[1,300]"), b"\x09\x02\0\0\0\x02\0\x01\x01\x2c");
        assert_eq!(
            field("[100000,1]"),
            b"\x09\x03\0\0\0\x02\0\x01\x86\xa0\0\0\0\x01"
        );
    }

    #[test]
    fn a_mixed_list_wraps_what_is_no_compound() {
        assert_eq!(
            nbt(r#"["a",{"text":"b"}]"#),
            b"\x09\x0a\0\0\0\x02\x08\0\0\0\x01a\0\x08\0\x04text\0\x01b\0"
        );
        // A compound of the wrapper's own form is wrapped too.
        assert_eq!(
            field(r#"["a",{"":1}]"#),
            b"\x09\x0a\0\0\0\x02\x08\0\0\0\x01a\0\x0a\0\0\x01\0\0\x01\0\0"
        );
        assert_eq!(
            field("[1,0.5]"),
            b"\x09\x0a\0\0\0\x02\x01\0\0\x01\0\x05\0\0\x3f\0\0\0\0"
        );
    }
}
