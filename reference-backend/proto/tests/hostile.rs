//! Clients that break the protocol, or say nothing.

mod support;

use backend_proto::connection::{LOGIN_TIMEOUT, MAX_LOGIN_PACKET};
use backend_proto::{
    CloseReason, Deadline, Event, FrameError, Names, PeerError, Phase, ServerConfig, WireError,
};
use proptest::prelude::*;
use support::{Client, handshake_packet, login_start_packet, secs, string, varint};
use vb_data::State;

fn client(protocol: i32) -> Client {
    Client::new(protocol, ServerConfig::default())
}

fn misbehaved(client: &mut Client) -> PeerError {
    match client.event() {
        Event::Closed(CloseReason::PeerMisbehaved(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn malformed_frames_end_the_connection_in_every_state() {
    let frames: [(&[u8], FrameError); 3] = [
        (&[0], FrameError::Empty),
        (&[0xff, 0xff, 0xff], FrameError::LengthTooLong),
        (&[0xff, 0xff, 0xff, 0xff, 0x0f], FrameError::LengthTooLong),
    ];
    for &protocol in vb_data::supported() {
        for (bytes, error) in frames {
            for step in 0..4 {
                let mut client = client(protocol);
                match step {
                    0 => {}
                    1 => client.handshake(1),
                    2 => client.handshake(2),
                    _ => client.reach_play(),
                }
                client.send_bytes(bytes);
                assert_eq!(
                    misbehaved(&mut client),
                    PeerError::Frame(error),
                    "{protocol}, {step}"
                );
                match step {
                    2 => drop(client.expect(State::Login, "disconnect")),
                    3 => drop(client.expect(State::Play, "kick_disconnect")),
                    _ => {}
                }
                client.expect_nothing();
                // Whatever follows is not looked at.
                client.send_bytes(&[1, 0]);
                assert!(client.events.is_empty());
            }
        }
    }
}

#[test]
fn compressed_frames_are_checked_in_play() {
    let mut client = client(340);
    client.reach_play();
    client.send_bytes(&[3, 10, 0x78, 0x9c]);
    let error = FrameError::BelowThreshold {
        declared: 10,
        threshold: 256,
    };
    assert_eq!(misbehaved(&mut client), PeerError::Frame(error));
}

#[test]
fn packets_before_play_are_small() {
    for protocol in [47, 767] {
        let mut client = client(protocol);
        let len = varint(MAX_LOGIN_PACKET as i32 + 1);
        client.send_bytes(&len);
        let error = FrameError::TooLong {
            found: MAX_LOGIN_PACKET + 1,
            limit: MAX_LOGIN_PACKET,
        };
        assert_eq!(misbehaved(&mut client), PeerError::Frame(error));
    }
}

#[test]
fn a_second_login_start_ends_the_connection() {
    for &protocol in vb_data::supported() {
        let mut client = client(protocol);
        client.reach_decision();
        client.login_start("Notch");
        let error = PeerError::UnexpectedPacket {
            packet: "login_start",
            phase: Phase::Login,
        };
        assert_eq!(misbehaved(&mut client), error);
        client.expect(State::Login, "disconnect");
    }
}

#[test]
fn two_login_starts_at_once_are_told_apart() {
    let mut client = client(47);
    let login = client.frame(0, &login_start_packet(47, "Notch"));
    let bytes = [
        client.frame(0, &handshake_packet(47, 2)),
        login.clone(),
        login,
    ]
    .concat();
    client.send_bytes(&bytes);
    assert!(matches!(client.events.remove(0), Event::LoginStart { .. }));
    assert!(matches!(
        misbehaved(&mut client),
        PeerError::UnexpectedPacket { .. }
    ));
}

#[test]
fn packets_of_another_state_end_the_login() {
    for &protocol in vb_data::supported() {
        // A chat message, a settings packet: ids that login does not have.
        for packet in [0x1a, 0x7f] {
            let mut client = client(protocol);
            client.handshake(2);
            client.send(packet, b"");
            let error = PeerError::UnknownPacket {
                id: packet,
                phase: Phase::Login,
            };
            assert_eq!(misbehaved(&mut client), error);
            client.expect(State::Login, "disconnect");
        }
        let mut client = client(protocol);
        client.handshake(2);
        client.say(State::Login, "encryption_begin", &[0, 0]);
        let error = PeerError::UnexpectedPacket {
            packet: "encryption_begin",
            phase: Phase::Login,
        };
        assert_eq!(misbehaved(&mut client), error);
    }
}

#[test]
fn names_are_checked() {
    for &protocol in vb_data::supported() {
        for name in ["", "a b", "a\u{7}b", "a\u{85}"] {
            let mut client = client(protocol);
            client.handshake(2);
            client.login_start(name);
            assert!(
                matches!(misbehaved(&mut client), PeerError::BadName(_)),
                "{name:?}"
            );
            client.expect(State::Login, "disconnect");
        }
        let mut client = client(protocol);
        client.handshake(2);
        client.login_start("seventeen_letters");
        let packet = "login_start";
        let error = WireError::TooLong {
            found: 17,
            limit: 16,
        };
        assert_eq!(
            misbehaved(&mut client),
            PeerError::MalformedPacket { packet, error }
        );
        for name in [
            "a",
            "sixteen_letters_",
            "ÄÖÜßéèñç",
            "𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞",
            "中中中中中中中中中中中中中中中中",
        ] {
            let any = ServerConfig {
                names: Names::Any,
                ..ServerConfig::default()
            };
            let mut client = Client::new(protocol, any);
            client.handshake(2);
            client.login_start(name);
            assert!(
                matches!(client.event(), Event::LoginStart { name: found, .. } if found == name)
            );
            let mut client = self::client(protocol);
            client.handshake(2);
            client.login_start(name);
            match client.event() {
                Event::LoginStart { name: found, .. } => assert!(name.is_ascii() && found == name),
                Event::Closed(CloseReason::PeerMisbehaved(PeerError::BadName(_))) => {
                    assert!(!name.is_ascii());
                    client.expect(State::Login, "disconnect");
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn handshakes_are_checked() {
    let error = |client: &mut Client, data: &[u8]| {
        client.send(0, data);
        misbehaved(client)
    };
    for next in [0, 4, -1] {
        let found = error(&mut client(767), &handshake_packet(767, next));
        assert_eq!(found, PeerError::BadNextState(next));
    }
    let long = [varint(767), string(&"a".repeat(256)), vec![0, 0], varint(2)].concat();
    assert!(matches!(
        error(&mut client(767), &long),
        PeerError::MalformedPacket { .. }
    ));
    let trailing = [handshake_packet(767, 2), vec![0]].concat();
    assert!(matches!(
        error(&mut client(767), &trailing),
        PeerError::TrailingBytes { left: 1, .. }
    ));
    let mut other = client(767);
    other.send(1, &handshake_packet(767, 2));
    let unknown = PeerError::UnknownPacket {
        id: 1,
        phase: Phase::Handshake,
    };
    assert_eq!(misbehaved(&mut other), unknown);
}

#[test]
fn the_server_list_asks_once() {
    let mut client = client(767);
    client.handshake(1);
    client.send(0, &[]);
    client.events.clear();
    client.send(0, &[]);
    assert!(matches!(
        misbehaved(&mut client),
        PeerError::UnexpectedPacket {
            packet: "ping_start",
            ..
        }
    ));
}

#[test]
fn silence_ends_each_wait() {
    let just_before = LOGIN_TIMEOUT - secs(1);
    for &protocol in vb_data::supported() {
        for (step, deadline) in [
            Deadline::Handshake,
            Deadline::Status,
            Deadline::LoginStart,
            Deadline::LoginAcknowledged,
        ]
        .into_iter()
        .enumerate()
        {
            if deadline == Deadline::LoginAcknowledged && protocol < 764 {
                continue;
            }
            let mut client = client(protocol);
            // Each step has its own time.
            client.wait(if step == 0 { secs(0) } else { just_before });
            match step {
                0 => {}
                1 => client.handshake(1),
                2 => client.handshake(2),
                _ => {
                    client.reach_decision();
                    // The host may take as long as it likes.
                    client.wait(secs(300));
                    let profile = backend_proto::GameProfile::offline("Notch");
                    client.server.login(&profile, client.now).unwrap();
                    client.collect();
                    client.read_login_success();
                }
            }
            client.wait(just_before);
            assert!(
                client.events.is_empty(),
                "{protocol}, {step}: {:?}",
                client.events
            );
            client.wait(secs(1));
            assert_eq!(
                client.event(),
                Event::Closed(CloseReason::TimedOut(deadline))
            );
            match deadline {
                Deadline::LoginStart => drop(client.expect(State::Login, "disconnect")),
                Deadline::LoginAcknowledged => {
                    drop(client.expect(State::Configuration, "disconnect"))
                }
                _ => {}
            }
            client.expect_nothing();
        }
    }
}

#[test]
fn a_trickle_is_no_answer() {
    let mut client = client(47);
    let frame = client.frame(0, &handshake_packet(47, 2));
    for byte in &frame[..frame.len() - 1] {
        client.send_bytes(&[*byte]);
        client.wait(secs(2));
    }
    assert_eq!(
        client.event(),
        Event::Closed(CloseReason::TimedOut(Deadline::Handshake))
    );
}

proptest! {
    #[test]
    fn arbitrary_bytes_end_in_a_typed_error_or_wait(
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
        stage in 0_usize..4,
        protocol in proptest::sample::select(vb_data::supported()),
        step in 1_usize..100,
    ) {
        let mut client = client(protocol);
        match stage {
            0 => {}
            1 => client.handshake(2),
            2 => client.reach_login(),
            _ => client.reach_play(),
        }
        for part in bytes.chunks(step) {
            client.send_bytes(part);
        }
        let closed = client.events.iter().filter(|event| matches!(event, Event::Closed(_))).count();
        prop_assert!(closed <= 1);
        prop_assert_eq!(closed == 1, client.server.is_closed());
        if closed == 1 {
            prop_assert!(matches!(client.events.last(), Some(Event::Closed(_))));
        }
        client.wait(secs(60));
        prop_assert!(client.server.input_len() <= bytes.len());
    }

    #[test]
    fn the_same_bytes_make_the_same_bytes(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        protocol in proptest::sample::select(vb_data::supported()),
    ) {
        let run = || {
            let mut client = client(protocol);
            client.reach_login();
            client.server.enter_play(client.now).unwrap();
            client.send_bytes(&bytes);
            client.wait(secs(60));
            (client.events.clone(), client.unread().to_vec())
        };
        prop_assert_eq!(run(), run());
    }
}
