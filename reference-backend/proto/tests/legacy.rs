//! The server list ping of clients before 1.7, byte by byte.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod support;

use std::time::Duration;

use backend_proto::connection::{LEGACY_PATIENCE, LOGIN_TIMEOUT, MAX_LEGACY_TEXT};
use backend_proto::{CloseReason, Connection, Event, Phase, ServerConfig, TextComponent};
use support::{string, varint};

const MILLI: Duration = Duration::from_millis(1);

/// As clients of 1.6.4 ask, and later ones that fall back: protocol 78, `localhost`, 25565.
fn ping_1_6() -> Vec<u8> {
    let utf16 = |text: &str| -> Vec<u8> {
        let units: Vec<u16> = text.encode_utf16().collect();
        let length = u16::try_from(units.len()).unwrap();
        let units = units.into_iter().flat_map(u16::to_be_bytes);
        length.to_be_bytes().into_iter().chain(units).collect()
    };
    let host = utf16("localhost");
    let rest = u16::try_from(1 + host.len() + 4).unwrap();
    [
        vec![0xfe, 0x01, 0xfa],
        utf16("MC|PingHost"),
        rest.to_be_bytes().to_vec(),
        vec![78],
        host,
        25565_i32.to_be_bytes().to_vec(),
    ]
    .concat()
}

fn config(motd: &str) -> ServerConfig {
    ServerConfig {
        motd: TextComponent::plain(motd).unwrap(),
        max_players: 20,
        ..ServerConfig::default()
    }
}

fn server(config: ServerConfig) -> Connection {
    let mut server = Connection::new(std::sync::Arc::new(config), Duration::ZERO);
    server.set_online_players(3);
    server
}

fn output(server: &mut Connection) -> Vec<u8> {
    std::iter::from_fn(|| server.poll_transmit())
        .flatten()
        .collect()
}

/// The text of the kick packet, which must be all there is, and the events that go with it.
fn answer(server: &mut Connection) -> String {
    assert_eq!(server.poll_event(), Some(Event::LegacyStatusRequested));
    let closed = Event::Closed(CloseReason::StatusAnswered);
    assert_eq!(server.poll_event(), Some(closed));
    assert_eq!(server.poll_event(), None);
    let bytes = output(server);
    assert_eq!(bytes[0], 0xff);
    let units: Vec<u16> = bytes[3..]
        .chunks(2)
        .map(|pair| u16::from_be_bytes(pair.try_into().unwrap()))
        .collect();
    let length = u16::from_be_bytes([bytes[1], bytes[2]]);
    assert_eq!(usize::from(length), units.len());
    assert!(units.len() <= MAX_LEGACY_TEXT, "{}", units.len());
    String::from_utf16(&units).unwrap()
}

fn fields() -> String {
    let supported = vb_data::supported();
    let name = |protocol: i32| *vb_data::release(protocol).unwrap().versions.last().unwrap();
    let (first, last) = (supported[0], supported[supported.len() - 1]);
    let range = format!("{} to {}", name(first), name(last));
    format!("§1\0{}\0{range}\0A §6lobby\0{}\0{}", 127, 3, 20)
}

#[test]
fn the_bytes_of_the_answer_are_those_that_old_clients_know() {
    let mut server = server(config("hi"));
    server.receive(&[0xfe], Duration::ZERO);
    server.handle_timeout(LEGACY_PATIENCE);
    let expected = [
        0xff, 0x00, 0x07, 0, b'h', 0, b'i', 0, 0xa7, 0, b'3', 0, 0xa7, 0, b'2', 0, b'0',
    ];
    assert_eq!(output(&mut server), expected);
}

#[test]
fn each_form_has_its_answer_in_any_split() {
    let ping = ping_1_6();
    for (ping, expected) in [
        (&ping[..1], "A lobby§3§20".to_owned()),
        (&ping[..2], fields()),
        (&ping[..3], fields()),
        (&ping[..], fields()),
    ] {
        for split in 0..=ping.len() {
            let mut server = server(config("A §6lobby"));
            let (first, second) = ping.split_at(split);
            server.receive(first, Duration::ZERO);
            // Shortly before the first part would count as a whole ping.
            let later = LEGACY_PATIENCE - MILLI;
            server.receive(second, later);
            if let Some(due) = server.poll_timeout() {
                assert!(due <= later + LEGACY_PATIENCE, "split at {split}");
                server.handle_timeout(due);
            }
            assert_eq!(answer(&mut server), expected, "split at {split}");
        }
    }
}

#[test]
fn what_is_clear_is_answered_at_once_and_the_rest_waited_for() {
    let ping = ping_1_6();
    for (ping, at_once) in [(&ping[..3], true), (&ping[..2], false), (&ping[..1], false)] {
        let mut server = server(config("x"));
        server.receive(ping, Duration::ZERO);
        assert_eq!(server.state() == Phase::Closed, at_once);
        if !at_once {
            assert_eq!(server.poll_timeout(), Some(LEGACY_PATIENCE));
            server.handle_timeout(LEGACY_PATIENCE - MILLI);
            assert_eq!(server.state(), Phase::Handshake);
            server.handle_timeout(LEGACY_PATIENCE);
            assert_eq!(server.state(), Phase::Closed);
        }
    }
}

#[test]
fn a_client_that_says_no_more_is_answered_at_once() {
    for ping in [&[0xfe][..], &[0xfe, 0x01]] {
        let mut server = server(config("x"));
        server.receive(ping, Duration::ZERO);
        server.peer_closed(Duration::ZERO);
        assert!(!answer(&mut server).is_empty());
    }
}

/// A frame of the handshake whose content has so many bytes.
fn handshake(length: usize) -> Vec<u8> {
    let fixed = [varint(0), varint(47), vec![0, 0], varint(1)].concat();
    // Both of these take two bytes for the address's length.
    let address = length - fixed.len() - 2;
    let content = [
        varint(0),
        varint(47),
        string(&"a".repeat(address)),
        vec![0, 0],
        varint(1),
    ]
    .concat();
    assert_eq!(content.len(), length);
    [varint(i32::try_from(length).unwrap()), content].concat()
}

#[test]
fn a_handshake_that_begins_alike_is_one_in_any_split() {
    for length in [254, 250] {
        let request = [handshake(length), vec![1, 0]].concat();
        assert_eq!(request[0] == 0xfe && request[1] == 0x01, length == 254);
        for split in 0..=request.len() {
            let mut server = server(config("x"));
            let (first, second) = request.split_at(split);
            server.receive(first, Duration::ZERO);
            server.handle_timeout(LEGACY_PATIENCE - MILLI);
            server.receive(second, LEGACY_PATIENCE - MILLI);
            let asked = Event::StatusRequested { protocol: 47 };
            assert_eq!(
                server.poll_event(),
                Some(asked),
                "{length} split at {split}"
            );
        }
    }
}

#[test]
fn a_doubt_that_is_over_leaves_the_handshakes_own_limit() {
    let request = handshake(254);
    let mut server = server(config("x"));
    server.receive(&request[..2], Duration::ZERO);
    server.receive(&request[2..100], MILLI);
    server.handle_timeout(LEGACY_PATIENCE);
    assert_eq!(server.poll_timeout(), Some(LOGIN_TIMEOUT));
    server.receive(&request[100..], LEGACY_PATIENCE);
    assert_eq!(server.state(), Phase::Status);
}

#[test]
fn the_description_is_cut_and_cannot_forge_fields() {
    let long = "m".repeat(1000);
    for ping in [&[0xfe][..], &[0xfe, 0x01, 0xfa]] {
        let mut server = server(config(&long));
        server.receive(ping, Duration::ZERO);
        server.handle_timeout(LEGACY_PATIENCE);
        let text = answer(&mut server);
        assert_eq!(text.encode_utf16().count(), MAX_LEGACY_TEXT);
        assert!(
            text.ends_with("§3§20") || text.ends_with("\u{0}3\u{0}20"),
            "{text}"
        );
    }
    for (ping, separator, count) in [(&[0xfe][..], '§', 3), (&[0xfe, 0x01, 0xfa], '\0', 6)] {
        let mut server = server(config("a§b\0c§"));
        server.receive(ping, Duration::ZERO);
        server.handle_timeout(LEGACY_PATIENCE);
        let text = answer(&mut server);
        assert_eq!(text.split(separator).count(), count, "{text:?}");
    }
}

#[test]
fn a_description_in_json_is_told_as_text() {
    let json = r#"[{"text":"A ","color":"red"},{"translate":"k","fallback":"lobby"},{"text":"","extra":["!"]}]"#;
    let config = ServerConfig {
        motd: TextComponent::json(json).unwrap(),
        ..config("")
    };
    let mut server = server(config);
    server.receive(&[0xfe], Duration::ZERO);
    server.handle_timeout(LEGACY_PATIENCE);
    assert_eq!(answer(&mut server), "A lobby!§3§20");
}

#[test]
fn later_in_a_connection_the_bytes_are_a_frames_length() {
    let mut server = server(config("x"));
    server.receive(&handshake(250), Duration::ZERO);
    server.receive(&[0xfe, 0x01, 0xfa], Duration::ZERO);
    server.handle_timeout(LEGACY_PATIENCE);
    assert_eq!(server.state(), Phase::Status);
    assert!(output(&mut server).is_empty());
}
