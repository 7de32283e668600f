//! Text components, JSON and NBT, both sides. Held, whatever the text:
//!
//! - no panic on either side, whatever the depth;
//! - what the server's side takes as JSON and makes fit, the client's side reads, as JSON on protocols until 764 and as
//!   NBT from 765 on, and shows the same to the player in either form where it is sent as it was given;
//! - plain text arrives as it was given, and what the host cuts fits every protocol;
//! - an error of the server's side points into the text.
//!
//! The input: one byte that says what follows it: JSON, plain text, or NBT as the client would get it.
#![no_main]

use backend_proto::{Connection, Event, GameProfile, ServerConfig, TextComponent, TextError};
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use sim_proto::wire::{FrameDecoder, Reader};
use sim_proto::{Context, Intent, Packet, Text, Version, decode, nbt};
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use vb_data::{Direction, State, packets};
use vbspec_fuzz::memory;
use vbspec_fuzz::texts::shows_alike;
use vbspec_fuzz::wire::greeting;

/// What a text of this length may cost in all: its tree, its NBT, and the client's tree of that.
const PER_BYTE: usize = 512;
const ALLOWANCE: usize = 512 << 10;

/// The last protocol with JSON in play, and one with NBT that is got into play without a configuration phase: there is
/// none, so the text is looked for in what a disconnect in configuration writes.
const JSON: i32 = 763;
const NBT: i32 = 765;
/// These two, and the oldest and newest forms of what is in a component.
const FORMS: [i32; 4] = [5, JSON, NBT, 777];

static CONFIG: LazyLock<Arc<ServerConfig>> = LazyLock::new(|| {
    Arc::new(ServerConfig {
        compression_threshold: None,
        ..ServerConfig::default()
    })
});

fuzz_target!(init: run(b"\0\"warm\""), |data: &[u8]| {
    memory::bounded(ALLOWANCE + PER_BYTE * data.len(), || run(data));
});

fn run(data: &[u8]) {
    let Some((kind, rest)) = data.split_first() else {
        return;
    };
    match kind % 3 {
        0 => json(&String::from_utf8_lossy(rest)),
        1 => plain(&String::from_utf8_lossy(rest)),
        _ => tag(rest),
    }
}

fn json(text: &str) {
    match TextComponent::json(text) {
        Ok(component) => {
            assert_eq!(component.as_json(), text);
            let value: Value = serde_json::from_str(text).unwrap_or_default();
            let shown = FORMS.map(|protocol| made_fit(&component, protocol));
            if let [_, Some(json), Some(nbt), _] = shown
                && shows_alike(&value)
            {
                assert_eq!(json, nbt);
            }
        }
        Err(TextError::Syntax { offset, .. } | TextError::TooDeep { offset }) => {
            assert!(offset <= text.len(), "{offset} is outside of the text");
        }
        Err(TextError::TooLong { .. } | TextError::Structure { .. }) => {}
    }
}

/// What clients of this protocol read of it, whether they are sent it as it is meant or as near as they can read: both
/// have to be read. What they are shown when it is sent as it was given.
fn made_fit(component: &TextComponent, protocol: i32) -> Option<String> {
    let version = backend_proto::Version::new(protocol);
    if let Ok(nearest) = component.clone().nearest(version) {
        received(&nearest, protocol);
    }
    let fit = component.clone().fit(version).ok()?;
    let shown = received(&fit, protocol);
    (fit == *component).then_some(shown)
}

fn plain(text: &str) {
    if let Ok(component) = TextComponent::plain(text) {
        assert_eq!(received(&component, JSON), text);
        assert_eq!(received(&component, NBT), text);
    }
    let cut = TextComponent::cut(text);
    assert!(text.starts_with(&received(&cut, JSON)));
    assert!(text.starts_with(&received(&cut, NBT)));
}

/// What a client reads of a disconnect with this text, written by a connection of this protocol.
fn received(text: &TextComponent, protocol: i32) -> String {
    let mut connection = Connection::new(Arc::clone(&CONFIG), Duration::ZERO);
    connection.receive(&greeting(protocol, Intent::Login), Duration::ZERO);
    while let Some(event) = connection.poll_event() {
        match event {
            Event::LoginStart { name, .. } => {
                let profile = GameProfile::offline(name);
                assert_eq!(connection.login(&profile, Duration::ZERO), Ok(()));
            }
            Event::LoggedIn => assert_eq!(connection.enter_play(Duration::ZERO), Ok(())),
            _ => {}
        }
    }
    connection.disconnect(text, Duration::ZERO);
    let version = Version::new(protocol);
    let mut decoder = FrameDecoder::new(version);
    while let Some(bytes) = connection.poll_transmit() {
        decoder.push(&bytes);
    }
    let mut last = None;
    while let Some(frame) = decoder
        .next_frame()
        .unwrap_or_else(|error| panic!("{error}"))
    {
        last = Some(frame);
    }
    let frame = last.unwrap_or_else(|| panic!("nothing was sent"));
    // The client understands configuration from its login success on.
    let state = if version.has_configuration_phase() {
        State::Configuration
    } else {
        State::Play
    };
    let name = packets(protocol, state, Direction::Clientbound)
        .and_then(|table| table.name(frame.id))
        .unwrap_or("(unknown)");
    match decode(&Context::new(version), state, name, &frame.data) {
        Ok(Packet::Disconnect(text)) => text.plain,
        other => panic!("{protocol}: {name}: {other:?}"),
    }
}

/// NBT from anywhere: read or refused.
fn tag(data: &[u8]) {
    let version = Version::new(NBT);
    let mut reader = Reader::new(data, version);
    let Ok(Some(tag)) = nbt::read_text_root(&mut reader, "text") else {
        return;
    };
    let read = Text::from_nbt(version, &tag).ok().map(|text| text.plain);
    // The same through the packet that carries it.
    let payload = Bytes::copy_from_slice(&data[..reader.offset()]);
    let packet = decode(
        &Context::new(version),
        State::Configuration,
        "disconnect",
        &payload,
    );
    match (packet, read) {
        (Ok(Packet::Disconnect(text)), Some(read)) => assert_eq!(text.plain, read),
        (Err(_), None) => {}
        (packet, read) => panic!("{packet:?} against {read:?}"),
    }
}
