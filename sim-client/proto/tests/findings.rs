//! What fuzzing found, or reading what is fuzzed: each input with the rule that it broke.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod common;

use common::Duel;
use sim_proto::nbt::{Compound, Kind, List, Tag};
use sim_proto::{
    Client, ClientConfig, Context, Event, FaultKind, RemarkKind, Text, TextError, Version,
    WorldShape, annotate_in,
};
use std::time::Duration;
use vb_data::{Direction, State};

fn events(reads: &[&[u8]]) -> Vec<Event> {
    let mut client = Client::new(ClientConfig::new(47, "Steve"), Duration::ZERO);
    for read in reads {
        client.receive(read, Duration::ZERO);
    }
    std::iter::from_fn(|| client.poll_event()).collect()
}

#[test]
fn an_empty_frame_is_remarked_where_it_came() {
    // Set compression (to none), then a frame of no bytes.
    let stream = [
        0x06, 0x03, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x00, 0x02, 0x03, 0x00,
    ];
    let whole = events(&[&stream]);
    let bytes: Vec<&[u8]> = stream.chunks(1).collect();
    assert_eq!(events(&bytes), whole);
    let place = whole.iter().position(
        |event| matches!(event, Event::Remark(remark) if remark.kind == RemarkKind::EmptyFrame),
    );
    assert!(matches!(whole[place.unwrap() + 1], Event::Received(_)));
}

#[test]
fn nothing_is_remarked_after_the_end() {
    let all = events(&[&[0x00, 0xff, 0xff, 0xff, 0xff]]);
    assert!(matches!(all.last(), Some(Event::Closed(_))), "{all:?}");
    let empty = |event: &&Event| matches!(event, Event::Remark(remark) if remark.kind == RemarkKind::EmptyFrame);
    assert_eq!(all.iter().filter(empty).count(), 1);
}

#[test]
fn a_bundle_does_not_reach_over_a_change_of_state() {
    let mut duel = Duel::new(770);
    duel.join()
        .send("bundle_delimiter", &[])
        .send("start_configuration", &[]);
    assert_eq!(
        duel.fault().map(|fault| &fault.kind),
        Some(&FaultKind::StateChangeInBundle)
    );
}

fn compound(name: &str, tag: Tag) -> Tag {
    let mut compound = Compound::default();
    compound.push(name, tag);
    Tag::Compound(compound)
}

fn text(text: &str) -> Tag {
    Tag::String(text.to_owned())
}

/// `{"translate":"k","with":[ITEMS]}`.
fn translation(items: Vec<Tag>) -> Tag {
    let mut translation = Compound::default();
    translation.push("translate", text("k"));
    let kind = Kind::Compound;
    translation.push("with", Tag::List(List { kind, items }));
    Tag::Compound(translation)
}

#[test]
fn a_number_among_the_arguments_of_a_translation_may_be_wrapped() {
    let with = vec![compound("", Tag::Byte(1)), compound("text", text("b"))];
    let read = Text::from_nbt(Version::new(765), &translation(with)).unwrap();
    assert_eq!(read.plain, "k(1, b)");
}

#[test]
fn only_elements_of_a_list_are_unwrapped_and_only_once() {
    let refused = |read: Result<Text, TextError>, place: &str| {
        assert!(
            matches!(&read, Err(TextError::NoContent { at, .. }) if at == place),
            "{read:?}"
        );
    };
    let nbt = |tag: &Tag| Text::from_nbt(Version::new(765), tag);
    let json = |json: &str| Text::from_json(Version::new(765), json);
    refused(nbt(&compound("", text("a"))), "component");
    let twice = translation(vec![compound("", compound("", text("a")))]);
    refused(nbt(&twice), "component.with[0]");
    refused(json("{\"\":\"a\"}"), "component");
    refused(json("[{\"\":\"a\"}]"), "component[0]");
}

#[test]
fn a_dump_shows_what_the_sections_of_a_chunk_leave_over() {
    // Coordinates, no whole column, no section, and seven bytes for them all the same.
    let chunk = [
        0xff, 0xff, 0xff, 0x3d, 0xff, 0xff, 0xff, 0xd1, 0, 0, 0, 7, 0xff, 0xff, 0xff, 0xff, 0, 0, 0,
    ];
    let mut context = Context::new(Version::new(47));
    context.world = Some(WorldShape::CLASSIC);
    let dump = annotate_in(&context, State::Play, Direction::Clientbound, 0x21, &chunk);
    assert_eq!((dump.name, &dump.error), (Some("map_chunk"), &None));
    let left_over = dump
        .fields
        .iter()
        .find(|field| field.path == "chunkData.(left over)");
    let place = left_over.map(|field| (field.offset, field.len));
    assert_eq!(place, Some((12, 7)), "{}", dump.render());
}
