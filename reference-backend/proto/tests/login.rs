//! From the handshake to play on every protocol, and the server list.

mod support;

use backend_proto::{
    CloseReason, CommandError, Connection, Event, GameProfile, Phase, ProfileProperty, SendError,
    ServerConfig, TextComponent, Uuid,
};
use support::{Client, handshake_packet, id, read_string, read_varint, string, varint};
use vb_data::{Direction, State};

#[test]
fn every_protocol_gets_into_play() {
    for threshold in [None, Some(0), Some(1), Some(256)] {
        for &protocol in vb_data::supported() {
            let config = ServerConfig {
                compression_threshold: threshold,
                ..ServerConfig::default()
            };
            let mut client = Client::new(protocol, config);
            assert_eq!(client.server.state(), Phase::Handshake);
            assert_eq!(client.server.protocol(), None);
            let Event::LoginStart {
                name,
                claimed_uuid,
                protocol: stated,
            } = client.reach_decision()
            else {
                panic!("no login start");
            };
            assert_eq!((name.as_str(), stated), ("Notch", protocol));
            assert_eq!(claimed_uuid.is_some(), protocol >= 760, "{protocol}");
            assert_eq!(client.server.state(), Phase::Login);
            assert_eq!(client.server.protocol(), Some(protocol));
            client.expect_nothing();

            let mut client = Client::new(protocol, client_config(threshold));
            client.reach_play();
            assert_eq!(client.server.state(), Phase::Play, "{protocol}");
            assert_eq!(client.server.poll_timeout(), None);
        }
    }
}

fn client_config(compression_threshold: Option<u32>) -> ServerConfig {
    ServerConfig {
        compression_threshold,
        ..ServerConfig::default()
    }
}

#[test]
fn login_success_tells_the_client_its_profile() {
    for &protocol in vb_data::supported() {
        let mut client = Client::new(protocol, ServerConfig::default());
        client.reach_decision();
        let mut profile = GameProfile::offline("Other");
        profile.properties.push(ProfileProperty {
            name: "textures".to_owned(),
            value: "x".repeat(300),
            signature: None,
        });
        client.server.login(&profile, client.now).unwrap();
        client.collect();
        let data = client.read_login_success();
        let rest = if protocol < 735 {
            let (uuid, rest) = read_string(&data);
            let dashed = Uuid::offline("Other").to_string();
            let expected = if protocol == 4 {
                dashed.replace('-', "")
            } else {
                dashed
            };
            assert_eq!(uuid, expected);
            rest
        } else {
            let (uuid, rest) = data.split_at(16);
            assert_eq!(uuid, Uuid::offline("Other").0.to_be_bytes());
            rest
        };
        let (name, mut rest) = read_string(rest);
        assert_eq!(name, "Other");
        if protocol >= 759 {
            let (count, properties) = read_varint(rest).unwrap();
            assert_eq!(count, 1);
            let (name, properties) = read_string(properties);
            assert_eq!(name, "textures");
            let (value, properties) = read_string(properties);
            assert_eq!(value.len(), 300);
            assert_eq!(properties[0], 0);
            rest = &properties[1..];
        }
        if (766..768).contains(&protocol) {
            assert_eq!(rest[0], 0);
            rest = &rest[1..];
        }
        if protocol >= 776 {
            assert_eq!(rest.len(), 16, "the session's id");
            rest = &rest[16..];
        }
        assert!(rest.is_empty(), "{protocol}");
    }
}

#[test]
fn the_host_can_refuse_before_and_after_login() {
    let text = TextComponent::plain("not today").unwrap();
    for &protocol in vb_data::supported() {
        let mut client = Client::new(protocol, ServerConfig::default());
        client.reach_decision();
        client.server.disconnect(&text, client.now);
        client.collect();
        let data = client.expect(State::Login, "disconnect");
        assert_eq!(data, string(r#"{"text":"not today"}"#));
        assert_eq!(client.event(), Event::Closed(CloseReason::HostDisconnected));

        let mut client = Client::new(protocol, ServerConfig::default());
        client.reach_login();
        client.server.disconnect(&text, client.now);
        client.collect();
        let data = match protocol {
            ..764 => client.expect(State::Play, "kick_disconnect"),
            _ => client.expect(State::Configuration, "disconnect"),
        };
        assert_eq!(data, encoded(protocol));
        assert_eq!(client.event(), Event::Closed(CloseReason::HostDisconnected));
        client.expect_nothing();

        let mut client = Client::new(protocol, ServerConfig::default());
        client.reach_play();
        client.server.disconnect(&text, client.now);
        client.server.disconnect(&text, client.now);
        client.collect();
        assert_eq!(
            client.expect(State::Play, "kick_disconnect"),
            encoded(protocol)
        );
        client.expect_nothing();
        assert_eq!(client.event(), Event::Closed(CloseReason::HostDisconnected));
        assert_eq!(client.server.state(), Phase::Closed);
    }
}

fn encoded(protocol: i32) -> Vec<u8> {
    match protocol {
        ..765 => string(r#"{"text":"not today"}"#),
        _ => b"\x08\0\x09not today".to_vec(),
    }
}

#[test]
fn a_disconnect_between_login_success_and_its_acknowledgement_is_understood() {
    for &protocol in vb_data::supported()
        .iter()
        .filter(|protocol| **protocol >= 764)
    {
        let mut client = Client::new(protocol, ServerConfig::default());
        client.reach_decision();
        client
            .server
            .login(&GameProfile::offline("Notch"), client.now)
            .unwrap();
        client.collect();
        client.read_login_success();
        assert_eq!(client.server.state(), Phase::Login);
        client
            .server
            .disconnect(&TextComponent::plain("not today").unwrap(), client.now);
        client.collect();
        // The client reads configuration packets from login success on.
        assert_eq!(
            client.expect(State::Configuration, "disconnect"),
            encoded(protocol)
        );
    }
}

#[test]
fn status_answers_any_protocol() {
    for protocol in [-1, 0, 3, 4, 47, 766, 775, 99_999, 0x4000_0100] {
        let mut client = Client::new(protocol, ServerConfig::default());
        client.server.set_online_players(7);
        client.handshake(1);
        assert_eq!(client.server.state(), Phase::Status);
        client.send(0, &[]);
        assert_eq!(client.event(), Event::StatusRequested { protocol });
        let (packet, data) = client.next().unwrap();
        let (json, rest) = read_string(&data);
        let json: serde_json::Value = serde_json::from_str(json).unwrap();
        assert_eq!((packet, rest.len()), (0, 0));
        assert_eq!(json["players"]["online"], 7);
        assert_eq!(json["description"]["text"], "A virtual backend");
        let answered = json["version"]["protocol"].as_i64().unwrap() as i32;
        assert!(vb_data::supported().contains(&answered));
        if vb_data::supported().contains(&protocol) {
            assert_eq!(answered, protocol);
        }
        client.send(1, &42_i64.to_be_bytes());
        assert_eq!(client.next(), Some((1, 42_i64.to_be_bytes().to_vec())));
        assert_eq!(client.event(), Event::Closed(CloseReason::StatusAnswered));
    }
}

#[test]
fn an_unknown_protocol_is_refused_with_the_supported_versions() {
    for next in [2, 3] {
        for protocol in [-1, 0, 46, 48, 99_999] {
            let mut client = Client::new(protocol, ServerConfig::default());
            client.handshake(next);
            assert_eq!(
                client.event(),
                Event::Closed(CloseReason::UnsupportedProtocol { protocol })
            );
            let (packet, data) = client.next().unwrap();
            assert_eq!(packet, 0);
            let (json, _) = read_string(&data);
            let json: serde_json::Value = serde_json::from_str(json).unwrap();
            let text = json["text"].as_str().unwrap();
            for supported in vb_data::supported() {
                let name = vb_data::release(*supported)
                    .unwrap()
                    .versions
                    .last()
                    .unwrap();
                assert!(text.contains(name), "{text} lacks {name}");
            }
            client.expect_nothing();
        }
    }
}

#[test]
fn a_transfer_is_a_login_where_the_protocol_has_it() {
    for &protocol in vb_data::supported() {
        let mut client = Client::new(protocol, ServerConfig::default());
        client.handshake(3);
        if protocol >= 766 {
            client.login_start("Notch");
            assert!(matches!(client.event(), Event::LoginStart { .. }));
        } else {
            assert!(
                matches!(
                    client.event(),
                    Event::Closed(CloseReason::PeerMisbehaved(_))
                ),
                "{protocol}"
            );
        }
    }
}

#[test]
fn commands_at_the_wrong_moment_are_errors_and_change_nothing() {
    let wrong = |command, phase| Err(CommandError::WrongPhase { command, phase });
    let profile = GameProfile::offline("Notch");
    let mut client = Client::new(47, ServerConfig::default());
    let now = client.now;
    assert_eq!(
        client.server.login(&profile, now),
        wrong("login", Phase::Handshake)
    );
    client.reach_decision();
    assert_eq!(
        client.server.enter_play(now),
        wrong("enter_play", Phase::Login)
    );
    assert!(matches!(
        client.server.login(&GameProfile::offline(""), now),
        Err(CommandError::BadName(_))
    ));
    let text = TextComponent::plain("x").unwrap();
    assert_eq!(
        client.server.send_message(&text),
        Err(SendError::NotInPlay(Phase::Login))
    );
    client.server.login(&profile, now).unwrap();
    assert_eq!(
        client.server.login(&profile, now),
        wrong("login", Phase::Play)
    );
    client.server.enter_play(now).unwrap();
    assert_eq!(
        client.server.enter_play(now),
        wrong("enter_play", Phase::Play)
    );
    client.server.close();
    assert_eq!(
        client.server.enter_play(now),
        wrong("enter_play", Phase::Closed)
    );
}

#[test]
fn a_client_that_leaves_is_noticed_wherever_it_is() {
    let closed = |unread| Event::Closed(CloseReason::PeerClosed { unread });
    for steps in 0..4 {
        let mut client = Client::new(47, ServerConfig::default());
        match steps {
            0 => {}
            1 => client.handshake(2),
            2 => drop(client.reach_decision()),
            _ => client.reach_login(),
        }
        client.server.peer_closed(client.now);
        client.collect();
        assert_eq!(client.event(), closed(0), "{steps}");
    }
    let mut client = Client::new(47, ServerConfig::default());
    client.reach_play();
    let half = &client.frame(1, b"whole")[..3].to_vec();
    let whole = client.frame(1, b"whole");
    client
        .server
        .receive(&[whole.as_slice(), half].concat(), client.now);
    client.server.peer_closed(client.now);
    client.collect();
    assert!(matches!(
        client.events.remove(0),
        Event::Packet { id: 1, .. }
    ));
    assert_eq!(client.event(), closed(3));
}

#[test]
fn the_walk_is_the_same_however_the_bytes_are_split() {
    for &protocol in vb_data::supported() {
        for step in [1, 2, 3, 7] {
            let mut client = Client::new(protocol, ServerConfig::default());
            let login = support::login_start_packet(protocol, "Notch");
            let start = id(
                protocol,
                State::Login,
                Direction::Serverbound,
                "login_start",
            );
            let bytes = [
                client.frame(0, &handshake_packet(protocol, 2)),
                client.frame(start, &login),
            ]
            .concat();
            for part in bytes.chunks(step) {
                client.send_bytes(part);
            }
            assert!(matches!(client.event(), Event::LoginStart { .. }));
        }
    }
}

#[test]
fn input_before_play_is_held_for_the_host_and_delivered_in_order() {
    let mut client = Client::new(340, ServerConfig::default());
    client.reach_login();
    assert!(client.server.wants_input());
    let mut sent = Vec::new();
    while client.server.wants_input() {
        let data = varint(sent.len() as i32).repeat(50);
        client.send(5, &data);
        sent.push(data);
    }
    assert!(client.server.input_len() < backend_proto::connection::MAX_HELD_INPUT + 1024);
    assert!(client.events.is_empty());
    client.server.enter_play(client.now).unwrap();
    client.collect();
    assert_eq!(client.events.remove(0), Event::InPlay);
    let received = client.events.drain(..).map(|event| match event {
        Event::Packet { id: 5, data } => data.to_vec(),
        other => panic!("{other:?}"),
    });
    assert_eq!(received.collect::<Vec<_>>(), sent);
}

#[test]
fn a_driver_that_does_not_ask_is_bounded() {
    let mut connection = Client::new(47, ServerConfig::default());
    connection.reach_login();
    let server: &mut Connection = &mut connection.server;
    let limit = backend_proto::connection::MAX_INPUT;
    server.receive(&vec![0; limit], connection.now);
    assert_eq!(server.poll_event(), None);
    server.receive(&[0], connection.now);
    assert_eq!(
        server.poll_event(),
        Some(Event::Closed(CloseReason::InputOverflow { limit }))
    );
    assert_eq!(server.input_len(), 0);
}
