//! Play packets both ways, byte for byte.

mod support;

use backend_proto::{
    BatchError, CloseReason, Event, MAX_FRAME, PeerError, Phase, RawPacketRef, SendError,
    ServerConfig, TextComponent,
};
use support::{Client, id, read_varint, string};
use vb_data::{Direction, State};

fn in_play(protocol: i32, compression_threshold: Option<u32>) -> Client {
    let config = ServerConfig {
        compression_threshold,
        ..ServerConfig::default()
    };
    let mut client = Client::new(protocol, config);
    client.reach_play();
    client
}

/// Varied, but compressible.
fn payload(len: usize) -> Vec<u8> {
    (0..len).map(|index| (index / 7 % 251) as u8).collect()
}

const SIZES: [usize; 8] = [0, 1, 254, 255, 256, 257, 65_536, MAX_FRAME - 1];

#[test]
fn packets_pass_both_ways_on_every_protocol() {
    for &protocol in vb_data::supported() {
        for threshold in [None, Some(256)] {
            let mut client = in_play(protocol, threshold);
            for size in SIZES {
                let data = payload(size);
                client
                    .server
                    .send_packet(RawPacketRef {
                        id: 0x33,
                        data: &data,
                    })
                    .unwrap();
                client.collect();
                let (packet, received) = client.next().unwrap();
                assert_eq!(packet, 0x33);
                assert!(received == data, "{protocol}: {size} bytes came out wrong");

                client.send(0x34, &data);
                let Event::Packet { id, data: received } = client.event() else {
                    panic!("{protocol}: no packet of {size} bytes");
                };
                assert_eq!(id, 0x34);
                assert!(received == data, "{protocol}: {size} bytes went in wrong");
            }
        }
    }
}

#[test]
fn unknown_ids_pass() {
    let mut client = in_play(767, None);
    for packet in [0x7777, i32::MAX] {
        client.send(packet, b"x");
        assert!(matches!(client.event(), Event::Packet { id, .. } if id == packet));
        client
            .server
            .send_packet(RawPacketRef {
                id: packet,
                data: b"y",
            })
            .unwrap();
        client.collect();
        assert_eq!(client.next(), Some((packet, b"y".to_vec())));
    }
}

#[test]
fn an_invalid_packet_is_refused_and_the_connection_lives() {
    let large = vec![0; MAX_FRAME];
    for &protocol in vb_data::supported() {
        let mut client = in_play(protocol, Some(256));
        let mut refused = |id, data: &[u8], error: SendError| {
            let packet = RawPacketRef { id, data };
            assert_eq!(
                client.server.check_packet(packet),
                Err(error.clone()),
                "{protocol}"
            );
            assert_eq!(client.server.send_packet(packet), Err(error), "{protocol}");
            assert_eq!(client.server.output_len(), 0);
        };
        refused(-1, &[], SendError::NegativeId(-1));
        refused(
            0,
            &large,
            SendError::TooLong {
                size: MAX_FRAME + 1,
                limit: MAX_FRAME,
            },
        );
        refused(
            0x80,
            &large[1..],
            SendError::TooLong {
                size: MAX_FRAME + 1,
                limit: MAX_FRAME,
            },
        );
        for packet in ["set_compression", "start_configuration"] {
            let reserved = vb_data::packets(protocol, State::Play, Direction::Clientbound)
                .unwrap()
                .id(packet);
            assert_eq!(
                reserved.is_some(),
                match packet {
                    "set_compression" => protocol == 47,
                    _ => protocol >= 764,
                }
            );
            if let Some(id) = reserved {
                refused(id, &[1], SendError::Reserved { packet });
            }
        }
        client
            .server
            .send_packet(RawPacketRef {
                id: 1,
                data: b"lives",
            })
            .unwrap();
        client.collect();
        assert_eq!(client.next(), Some((1, b"lives".to_vec())));
    }
}

#[test]
fn a_batch_is_sent_whole_or_not_at_all() {
    let mut client = in_play(767, Some(256));
    let packet = |id, data| RawPacketRef { id, data };
    let bad = [
        packet(1, b"a".as_slice()),
        packet(2, b"b"),
        packet(-3, b"c"),
        packet(-4, b"d"),
    ];
    let error = BatchError {
        index: 2,
        error: SendError::NegativeId(-3),
    };
    assert_eq!(client.server.send_packets(&bad), Err(error));
    assert_eq!(client.server.output_len(), 0);
    assert_eq!(client.server.send_packets(&[]), Ok(()));
    client.server.send_packets(&bad[..2]).unwrap();
    client.collect();
    assert_eq!(client.next(), Some((1, b"a".to_vec())));
    assert_eq!(client.next(), Some((2, b"b".to_vec())));
    client.expect_nothing();
}

#[test]
fn a_batch_whose_last_packet_does_not_fit_once_compressed_leaves_nothing() {
    let mut client = in_play(767, Some(256));
    // Nothing for zlib to find.
    let mut state = 1_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 56) as u8
    })
    .take(MAX_FRAME - 1)
    .collect();
    let packet = |data| RawPacketRef { id: 1, data };
    let error = SendError::TooLong {
        size: MAX_FRAME,
        limit: MAX_FRAME,
    };
    let batch = [packet(b"a".as_slice()), packet(&noise)];
    assert_eq!(
        client.server.send_packets(&batch),
        Err(BatchError { index: 1, error })
    );
    assert_eq!(client.server.output_len(), 0);
    client.server.send_packet(packet(b"lives")).unwrap();
    client.collect();
    assert_eq!(client.next(), Some((1, b"lives".to_vec())));
    client.expect_nothing();
}

#[test]
fn system_messages_are_encoded_for_the_protocol() {
    let text = TextComponent::json(r#"{"text":"a","bold":true}"#).unwrap();
    for &protocol in vb_data::supported() {
        let mut client = in_play(protocol, None);
        client.server.send_message(&text).unwrap();
        client.collect();
        let json = string(r#"{"text":"a","bold":true}"#);
        let nbt = b"\x0a\x01\0\x04bold\x01\x08\0\x04text\0\x01a\0".to_vec();
        let (name, expected) = match protocol {
            ..47 => ("chat", json),
            47..735 => ("chat", [json, vec![1]].concat()),
            735..759 => ("chat", [json, vec![1], vec![0; 16]].concat()),
            759 => ("system_chat", [json, vec![1]].concat()),
            760..765 => ("system_chat", [json, vec![0]].concat()),
            _ => ("system_chat", [nbt, vec![0]].concat()),
        };
        assert_eq!(client.expect(State::Play, name), expected, "{protocol}");
    }
}

#[test]
fn what_was_sent_comes_before_the_disconnect() {
    let mut client = in_play(765, Some(256));
    client
        .server
        .send_packet(RawPacketRef {
            id: 1,
            data: b"first",
        })
        .unwrap();
    client
        .server
        .disconnect(&TextComponent::plain("bye").unwrap(), client.now);
    let late = RawPacketRef {
        id: 1,
        data: b"late",
    };
    assert_eq!(
        client.server.send_packet(late),
        Err(SendError::NotInPlay(Phase::Closed))
    );
    client.collect();
    assert_eq!(client.next(), Some((1, b"first".to_vec())));
    client.expect(State::Play, "kick_disconnect");
    client.expect_nothing();
}

#[test]
fn an_acknowledgement_of_nothing_ends_the_connection() {
    for &protocol in vb_data::supported()
        .iter()
        .filter(|protocol| **protocol >= 764)
    {
        let mut client = in_play(protocol, None);
        client.say(State::Play, "configuration_acknowledged", &[]);
        let error = PeerError::UnexpectedPacket {
            packet: "configuration_acknowledged",
            phase: Phase::Play,
        };
        assert_eq!(
            client.event(),
            Event::Closed(CloseReason::PeerMisbehaved(error))
        );
        client.expect(State::Play, "kick_disconnect");
    }
}

#[test]
fn input_is_taken_apart_only_as_it_is_asked_for() {
    let mut client = in_play(47, None);
    let frame = client.frame(1, &[0; 100]);
    client.server.receive(&frame.repeat(10), client.now);
    assert!(!client.server.wants_input());
    assert!(matches!(
        client.server.poll_event(),
        Some(Event::Packet { .. })
    ));
    assert_eq!(client.server.input_len(), 9 * frame.len());
    client.collect();
    assert_eq!(client.events.len(), 9);
    assert!(client.server.wants_input());
}

#[test]
fn the_output_is_counted_until_it_is_taken() {
    let mut client = in_play(47, None);
    client
        .server
        .send_packet(RawPacketRef {
            id: 1,
            data: &[0; 100_000],
        })
        .unwrap();
    let queued = client.server.output_len();
    assert_eq!(queued, 3 + 1 + 100_000);
    let chunk = client.server.poll_transmit().unwrap();
    assert_eq!(client.server.output_len(), queued - chunk.len());
    let (len, _) = read_varint(&chunk).unwrap();
    assert_eq!(len, 100_001);
}

#[test]
fn a_keep_alive_in_play_is_nobodys_but_the_guests() {
    for &protocol in vb_data::supported() {
        let mut client = in_play(protocol, None);
        client.wait(support::secs(600));
        client.expect_nothing();
        let keep_alive = id(protocol, State::Play, Direction::Serverbound, "keep_alive");
        client.send(keep_alive, &[0]);
        assert!(matches!(client.event(), Event::Packet { id, .. } if id == keep_alive));
    }
}
