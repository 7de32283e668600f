//! What holds for every packet that the machine reads or writes, on every protocol, with compression and without: a
//! packet that is cut is malformed, a frame that is cut is incomplete, what follows a packet is noticed, and what is
//! written says what was meant. Reading is by a decoder of this file's own.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod support;

use std::io::Write as _;

use backend_proto::profile::ProfileProperty;
use backend_proto::{
    CloseReason, Event, GameProfile, PeerError, RawPacketRef, ServerConfig, TextComponent, Uuid,
};
use proptest::prelude::*;
use support::{
    Client, handshake_packet, id, login_start_packet, read_string, read_varint, secs, string,
    varint,
};
use vb_data::{Direction, State};

/// A packet that the machine waits for, or takes, at one point of a connection.
struct Awaited {
    name: &'static str,
    state: State,
    reach: fn(&mut Client),
    data: Vec<u8>,
    /// What the machine takes as it comes begins here; None where it reads every field.
    opaque: Option<usize>,
}

/// What varies.
#[derive(Clone, Debug)]
struct Player {
    name: String,
    /// Of a known pack, a brand, a language.
    word: String,
}

fn player() -> impl Strategy<Value = Player> {
    ("[A-Za-z0-9_]{1,16}", "[a-z]{1,16}").prop_map(|(name, word)| Player { name, word })
}

fn protocol() -> impl Strategy<Value = i32> {
    proptest::sample::select(vb_data::supported())
}

fn threshold() -> impl Strategy<Value = Option<u32>> {
    proptest::sample::select(&[None, Some(0), Some(1), Some(24), Some(256)][..])
}

fn client(protocol: i32, compression_threshold: Option<u32>) -> Client {
    let config = ServerConfig {
        compression_threshold,
        ..ServerConfig::default()
    };
    Client::new(protocol, config)
}

fn reach_acknowledgement(client: &mut Client) {
    client.reach_decision();
    let profile = GameProfile::offline("Notch");
    client.server.login(&profile, client.now).unwrap();
    client.collect();
    client.read_login_success();
}

fn reach_configuration(client: &mut Client) {
    client.reach_login();
    client.server.enter_play(client.now).unwrap();
    client.collect();
}

fn reach_finish(client: &mut Client) {
    reach_configuration(client);
    if client.protocol >= 766 {
        client.say(State::Configuration, "select_known_packs", &varint(0));
    }
    let finish = "finish_configuration";
    let finish = id(
        client.protocol,
        State::Configuration,
        Direction::Clientbound,
        finish,
    );
    while client.next().unwrap().0 != finish {}
}

/// The host takes its time, and asks whether the client is still there. The first id is the time in milliseconds.
fn reach_keep_alive(client: &mut Client) {
    client.reach_login();
    client.wait(secs(10));
    let asked = client.expect(State::Configuration, "keep_alive");
    assert_eq!(asked, 10_000_i64.to_be_bytes());
}

fn awaited(protocol: i32, player: &Player) -> Vec<Awaited> {
    let whole = |name, state, reach, data| Awaited {
        name,
        state,
        reach,
        data,
        opaque: None,
    };
    let status = |client: &mut Client| client.handshake(1);
    let word = string(&player.word);
    let mut packets = vec![
        whole(
            "set_protocol",
            State::Handshaking,
            |_| {},
            handshake_packet(protocol, 2),
        ),
        whole("ping_start", State::Status, status, Vec::new()),
        whole("ping", State::Status, status, vec![7; 8]),
        whole(
            "login_start",
            State::Login,
            |client| client.handshake(2),
            login_start_packet(protocol, &player.name),
        ),
    ];
    if protocol >= 764 {
        packets.push(whole(
            "login_acknowledged",
            State::Login,
            reach_acknowledgement,
            Vec::new(),
        ));
        let mut settings = whole(
            "settings",
            State::Configuration,
            reach_configuration,
            [word.clone(), vec![8, 0, 1, 0x7f, 1, 0, 1]].concat(),
        );
        settings.opaque = Some(word.len());
        packets.push(settings);
        let channel = string("minecraft:brand");
        let mut brand = whole(
            "custom_payload",
            State::Configuration,
            reach_configuration,
            [channel.clone(), word.clone()].concat(),
        );
        brand.opaque = Some(channel.len());
        packets.push(brand);
        let id = 10_000_i64.to_be_bytes().to_vec();
        packets.push(whole(
            "keep_alive",
            State::Configuration,
            reach_keep_alive,
            id,
        ));
    }
    if protocol >= 764 {
        packets.push(whole(
            "finish_configuration",
            State::Configuration,
            reach_finish,
            Vec::new(),
        ));
    }
    if protocol >= 766 {
        let pack = [string("minecraft"), word.clone(), word].concat();
        let packs = [varint(2), pack.clone(), pack].concat();
        packets.push(whole(
            "select_known_packs",
            State::Configuration,
            reach_configuration,
            packs,
        ));
    }
    packets
}

/// The client at that point, with nothing to tell.
fn reached(protocol: i32, threshold: Option<u32>, packet: &Awaited) -> Client {
    let mut client = client(protocol, threshold);
    (packet.reach)(&mut client);
    client.events.clear();
    client
}

/// What the machine says of a client that broke the protocol; None when it has not.
fn refused(client: &Client) -> Option<PeerError> {
    match client.events.last() {
        Some(Event::Closed(CloseReason::PeerMisbehaved(error))) => Some(error.clone()),
        _ => None,
    }
}

fn is_accepted(client: &Client) -> bool {
    !client.server.is_closed()
        || client.events.last() == Some(&Event::Closed(CloseReason::StatusAnswered))
}

fn frame(client: &Client, packet: &Awaited, data: &[u8]) -> Vec<u8> {
    let id = id(
        client.protocol,
        packet.state,
        Direction::Serverbound,
        packet.name,
    );
    client.frame(id, data)
}

/// NBT's text: UTF-16 units, each as UTF-8 would have it, and NUL in two bytes.
fn modified_utf8(bytes: &[u8]) -> String {
    let mut units = Vec::new();
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        let (unit, used) = match first {
            0x01..=0x7f => (u16::from(*first), 0),
            0xc0..=0xdf => (u16::from(first & 0x1f) << 6 | u16::from(tail[0] & 0x3f), 1),
            0xe0..=0xef => {
                let upper = u16::from(first & 0x0f) << 12 | u16::from(tail[0] & 0x3f) << 6;
                (upper | u16::from(tail[1] & 0x3f), 2)
            }
            other => panic!("{other:#04x} begins no character"),
        };
        units.push(unit);
        rest = &tail[used..];
    }
    String::from_utf16(&units).unwrap()
}

/// A text component of plain text in the form of the state and protocol, and what follows it.
fn read_text(nbt: bool, data: &[u8]) -> (String, &[u8]) {
    if !nbt {
        let (json, rest) = read_string(data);
        let value: serde_json::Value = serde_json::from_str(json).unwrap();
        return (value["text"].as_str().unwrap().to_owned(), rest);
    }
    let [8, high, low, rest @ ..] = data else {
        panic!("no string tag: {data:02x?}");
    };
    let (text, rest) = rest.split_at(usize::from(u16::from_be_bytes([*high, *low])));
    (modified_utf8(text), rest)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_whole_packet_is_taken_and_a_cut_one_is_malformed(
        protocol in protocol(), threshold in threshold(), player in player(),
    ) {
        for packet in awaited(protocol, &player) {
            let mut client = reached(protocol, threshold, &packet);
            let bytes = frame(&client, &packet, &packet.data);
            client.send_bytes(&bytes);
            prop_assert!(is_accepted(&client), "{}: {:?}", packet.name, client.events);
            let fields = packet.opaque.unwrap_or(packet.data.len());
            for length in 0..fields {
                let mut client = reached(protocol, threshold, &packet);
                let bytes = frame(&client, &packet, &packet.data[..length]);
                client.send_bytes(&bytes);
                match refused(&client) {
                    Some(PeerError::MalformedPacket { packet: name, .. }) => {
                        prop_assert_eq!(name, packet.name);
                    }
                    other => prop_assert!(false, "{} cut to {length}: {other:?}", packet.name),
                }
            }
        }
    }

    #[test]
    fn bytes_after_a_packet_are_noticed(
        protocol in protocol(),
        threshold in threshold(),
        player in player(),
        more in proptest::collection::vec(any::<u8>(), 1..20),
    ) {
        for packet in awaited(protocol, &player) {
            if packet.opaque.is_some() {
                continue;
            }
            let mut client = reached(protocol, threshold, &packet);
            let bytes = frame(&client, &packet, &[packet.data.as_slice(), &more].concat());
            client.send_bytes(&bytes);
            let expected = PeerError::TrailingBytes { packet: packet.name, left: more.len() };
            prop_assert_eq!(refused(&client), Some(expected));
        }
    }

    #[test]
    fn a_cut_frame_is_waited_for(
        protocol in protocol(), threshold in threshold(), player in player(),
    ) {
        for packet in awaited(protocol, &player) {
            let bytes = frame(&reached(protocol, threshold, &packet), &packet, &packet.data);
            for length in 0..bytes.len() {
                let mut client = reached(protocol, threshold, &packet);
                client.send_bytes(&bytes[..length]);
                prop_assert_eq!(&client.events, &[], "{} after {} bytes", packet.name, length);
                prop_assert!(!client.server.is_closed());
                client.send_bytes(&bytes[length..]);
                prop_assert!(is_accepted(&client), "{}: {:?}", packet.name, client.events);
            }
        }
    }

    #[test]
    fn play_packets_come_out_as_they_went_in_whole_or_not_at_all(
        protocol in protocol(),
        threshold in threshold(),
        packet in 0x40_i32..0x7fff,
        data in proptest::collection::vec(any::<u8>(), 0..600),
        cut in any::<proptest::sample::Index>(),
    ) {
        // No protocol has so many, so that none of them means anything to the machine.
        let packet = packet + 0x1000;
        let mut client = client(protocol, threshold);
        client.reach_play();
        let bytes = client.frame(packet, &data);
        let (first, second) = bytes.split_at(cut.index(bytes.len()));
        client.send_bytes(first);
        prop_assert_eq!(&client.events, &[]);
        client.send_bytes(second);
        prop_assert_eq!(client.event(), Event::Packet { id: packet, data: data.clone().into() });
        client.server.send_packet(RawPacketRef { id: packet, data: &data }).unwrap();
        client.collect();
        prop_assert_eq!(client.next(), Some((packet, data)));
        client.expect_nothing();
    }

    #[test]
    fn a_compressed_packet_is_what_it_declares_or_refused(
        protocol in protocol().prop_filter("has compression", |protocol| *protocol >= 47),
        data in proptest::collection::vec(any::<u8>(), 2..600),
        less in 1_usize..600,
        more in proptest::collection::vec(any::<u8>(), 1..20),
    ) {
        let plain = [vec![0], data].concat();
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        zlib.write_all(&plain).unwrap();
        let stream = zlib.finish().unwrap();
        let less_of = |whole: usize| whole - 1 - (less - 1) % (whole - 1);
        let frame = |declared: usize, stream: &[u8]| {
            let content = [varint(declared as i32), stream.to_vec()].concat();
            [varint(content.len() as i32), content].concat()
        };
        let whole = plain.len();
        let wrong = [
            frame(less_of(whole), &stream),
            frame(whole + more.len(), &stream),
            frame(whole, &stream[..less_of(stream.len())]),
            frame(whole, &[stream.as_slice(), &more].concat()),
        ];
        let mut client = client(protocol, Some(1));
        client.reach_play();
        client.send_bytes(&frame(whole, &stream));
        prop_assert_eq!(client.event(), Event::Packet { id: 0, data: plain[1..].to_vec().into() });
        for bytes in wrong {
            let mut client = self::client(protocol, Some(1));
            client.reach_play();
            client.send_bytes(&bytes);
            let refusal = refused(&client);
            prop_assert!(matches!(refusal, Some(PeerError::Frame(_))), "{refusal:?}");
        }
    }

    #[test]
    fn login_success_says_who_the_client_is(
        protocol in protocol(),
        threshold in threshold(),
        name in "[A-Za-z0-9_]{1,16}",
        uuid: u128,
        properties in proptest::collection::vec(
            ("[a-z]{1,8}", "[a-z=+]{0,90}", proptest::option::of("[a-z]{1,40}")), 0..=16,
        ),
    ) {
        let mut client = client(protocol, threshold);
        client.reach_decision();
        let profile = GameProfile {
            uuid: Uuid(uuid),
            name: name.clone(),
            properties: properties.iter().map(|(name, value, signature)| ProfileProperty {
                name: name.clone(),
                value: value.clone(),
                signature: signature.clone(),
            }).collect(),
        };
        client.server.login(&profile, client.now).unwrap();
        client.collect();
        let data = client.read_login_success();
        let rest = if protocol < 735 {
            let (text, rest) = read_string(&data);
            prop_assert_eq!(text.contains('-'), protocol > 4);
            prop_assert_eq!(u128::from_str_radix(&text.replace('-', ""), 16), Ok(uuid));
            rest
        } else {
            prop_assert_eq!(&data[..16], &uuid.to_be_bytes()[..]);
            &data[16..]
        };
        let (found, mut rest) = read_string(rest);
        prop_assert_eq!(found, name);
        if protocol >= 759 {
            let (count, mut tail) = read_varint(rest).unwrap();
            let mut found = Vec::new();
            for _ in 0..count {
                let (name, more) = read_string(tail);
                let (value, more) = read_string(more);
                let (signed, more) = more.split_first().unwrap();
                let (signature, more) = match signed {
                    0 => (None, more),
                    _ => {
                        let (signature, more) = read_string(more);
                        (Some(signature.to_owned()), more)
                    }
                };
                found.push((name.to_owned(), value.to_owned(), signature));
                tail = more;
            }
            prop_assert_eq!(found, properties);
            rest = tail;
        }
        let flag = usize::from((766..768).contains(&protocol));
        let session = if protocol >= 776 { 16 } else { 0 };
        prop_assert_eq!(rest.len(), flag + session);
    }

    #[test]
    fn texts_say_what_the_host_said(
        protocol in protocol(), threshold in threshold(), text in "\\PC{1,60}",
    ) {
        let component = TextComponent::plain(text.clone()).unwrap();
        let mut client = client(protocol, threshold);
        client.reach_decision();
        client.server.disconnect(&component, client.now);
        client.collect();
        let data = client.expect(State::Login, "disconnect");
        prop_assert_eq!(read_text(false, &data), (text.clone(), &[][..]));

        let mut client = self::client(protocol, threshold);
        client.reach_play();
        let nbt = protocol >= 765;
        client.server.send_message(&component).unwrap();
        client.server.disconnect(&component, client.now);
        client.collect();
        let name = if protocol >= 759 { "system_chat" } else { "chat" };
        let data = client.expect(State::Play, name);
        let (found, rest) = read_text(nbt, &data);
        prop_assert_eq!(&found, &text);
        let position = match protocol {
            ..47 => 0,
            47..735 => 1,
            735..759 => 17,
            _ => 1,
        };
        prop_assert_eq!(rest.len(), position);
        let data = client.expect(State::Play, "kick_disconnect");
        prop_assert_eq!(read_text(nbt, &data), (text, &[][..]));
    }

    #[test]
    fn the_status_says_what_the_host_is_configured_to(
        protocol in protocol(), motd in "\\PC{1,60}", online: u32, max_players: u32, time: i64,
    ) {
        let config = ServerConfig {
            motd: TextComponent::plain(motd.clone()).unwrap(),
            max_players,
            ..ServerConfig::default()
        };
        let mut client = Client::new(protocol, config);
        client.server.set_online_players(online);
        client.handshake(1);
        client.send(0, &[]);
        client.send(1, &time.to_be_bytes());
        let (_, data) = client.next().unwrap();
        let (json, rest) = read_string(&data);
        prop_assert!(rest.is_empty());
        let status: serde_json::Value = serde_json::from_str(json).unwrap();
        prop_assert_eq!(&status["version"]["protocol"], protocol);
        prop_assert_eq!(&status["players"]["online"], online);
        prop_assert_eq!(&status["players"]["max"], max_players);
        prop_assert_eq!(status["description"]["text"].as_str(), Some(motd.as_str()));
        prop_assert_eq!(client.next(), Some((1, time.to_be_bytes().to_vec())));
    }
}
