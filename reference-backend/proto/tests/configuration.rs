//! The configuration phase, in virtual time.

#![allow(clippy::unwrap_used, reason = "helpers beside the tests")]

mod support;

use backend_proto::connection::{
    ACKNOWLEDGE_TIMEOUT, KEEP_ALIVE_INTERVAL, MAX_CONFIGURATION_PACKETS,
};
use backend_proto::{CloseReason, Deadline, Event, PeerError, Phase, ServerConfig};
use support::{Client, read_string, read_varint, secs, string, varint};
use vb_data::State;

const CONFIGURATION: State = State::Configuration;

fn configured() -> impl Iterator<Item = i32> {
    let protocols: Vec<_> = vb_data::supported()
        .iter()
        .copied()
        .filter(|protocol| *protocol >= 764)
        .collect();
    assert!(!protocols.is_empty());
    protocols.into_iter()
}

fn with_packs() -> impl Iterator<Item = i32> {
    configured().filter(|protocol| *protocol >= 766)
}

/// A client in the configuration phase, before the host has decided.
fn idle(protocol: i32) -> Client {
    let mut client = Client::new(protocol, ServerConfig::default());
    client.reach_login();
    assert_eq!(client.server.state(), Phase::Configuration);
    client
}

fn started(protocol: i32) -> Client {
    let mut client = idle(protocol);
    client.server.enter_play(client.now).unwrap();
    client.collect();
    client
}

fn number(data: &[u8]) -> i64 {
    i64::from_be_bytes(data.try_into().unwrap())
}

#[test]
fn everything_comes_in_order() {
    for protocol in configured() {
        let mut client = started(protocol);
        let brand = client.expect(CONFIGURATION, "custom_payload");
        assert_eq!(
            brand,
            [string("minecraft:brand"), string("vbspec")].concat()
        );
        let flags = client.expect(CONFIGURATION, "feature_flags");
        assert_eq!(flags, [varint(1), string("minecraft:vanilla")].concat());
        let registries = vb_data::registries(protocol);
        if protocol >= 766 {
            let packs = client.expect(CONFIGURATION, "select_known_packs");
            let (count, rest) = read_varint(&packs).unwrap();
            assert_eq!(count as usize, vb_data::known_packs(protocol).len());
            let (namespace, _) = read_string(rest);
            assert_eq!(namespace, "minecraft");
            client.expect_nothing();
            client.say(CONFIGURATION, "select_known_packs", &packs);
            for registry in registries {
                let data = client.expect(CONFIGURATION, "registry_data");
                let (name, rest) = read_string(&data);
                assert_eq!(name, registry.name);
                let (count, mut rest) = read_varint(rest).unwrap();
                assert_eq!(count as usize, registry.entries.len());
                for entry in registry.entries {
                    let (name, element) = read_string(rest);
                    assert_eq!(name, entry.name);
                    assert_eq!(&element[..2], [1, registry.element_kind().type_id()]);
                    let (element, after) = element[2..].split_at(entry.element.len());
                    assert_eq!(element, entry.element);
                    rest = after;
                }
                assert!(rest.is_empty());
            }
        } else {
            let data = client.expect(CONFIGURATION, "registry_data");
            assert_eq!(data[0], 10);
        }
        let tags = client.expect(CONFIGURATION, "tags");
        let (count, _) = read_varint(&tags).unwrap();
        assert_eq!(count as usize, vb_data::tags(protocol).len());
        assert!(
            client
                .expect(CONFIGURATION, "finish_configuration")
                .is_empty()
        );
        client.expect_nothing();
        assert!(client.events.is_empty());
        client.say(CONFIGURATION, "finish_configuration", &[]);
        assert_eq!(client.event(), Event::InPlay);
    }
}

#[test]
fn a_slow_host_costs_no_client() {
    for protocol in configured() {
        let mut client = idle(protocol);
        let mut last = 0;
        for _ in 0..60 {
            client.wait(KEEP_ALIVE_INTERVAL);
            let id = number(&client.expect(CONFIGURATION, "keep_alive"));
            client.expect_nothing();
            assert!(id > last);
            last = id;
            client.say(CONFIGURATION, "keep_alive", &id.to_be_bytes());
        }
        assert!(client.events.is_empty());
        client.server.enter_play(client.now).unwrap();
        client.collect();
        client.configure();
        assert_eq!(client.event(), Event::InPlay);
    }
}

#[test]
fn a_client_may_use_its_time() {
    for protocol in with_packs() {
        let mut client = started(protocol);
        client.wait(ACKNOWLEDGE_TIMEOUT - secs(1));
        while let Some((_, data)) = client.next() {
            if data.len() == 8 {
                client.say(CONFIGURATION, "keep_alive", &data);
            }
        }
        client.say(CONFIGURATION, "select_known_packs", &varint(0));
        while client.next().is_some() {}
        client.wait(ACKNOWLEDGE_TIMEOUT - secs(1));
        // No keep-alive once the client may read play.
        client.expect_nothing();
        client.say(CONFIGURATION, "finish_configuration", &[]);
        assert_eq!(client.event(), Event::InPlay);
    }
}

#[test]
fn each_answer_has_a_deadline() {
    let timed_out = |deadline| Event::Closed(CloseReason::TimedOut(deadline));
    for protocol in with_packs() {
        let mut client = started(protocol);
        while client.next().is_some() {}
        client.wait(KEEP_ALIVE_INTERVAL);
        let id = client.expect(CONFIGURATION, "keep_alive");
        client.say(CONFIGURATION, "keep_alive", &id);
        client.wait(ACKNOWLEDGE_TIMEOUT - KEEP_ALIVE_INTERVAL - secs(1));
        assert!(client.events.is_empty());
        client.wait(secs(1));
        assert_eq!(client.event(), timed_out(Deadline::KnownPacks));
        client.expect(CONFIGURATION, "disconnect");
        client.expect_nothing();
    }
    for protocol in configured() {
        let mut client = started(protocol);
        if protocol >= 766 {
            client.say(CONFIGURATION, "select_known_packs", &varint(0));
        }
        while client.next().is_some() {}
        client.wait(ACKNOWLEDGE_TIMEOUT - secs(1));
        assert!(client.events.is_empty());
        client.wait(secs(1));
        assert_eq!(client.event(), timed_out(Deadline::FinishConfiguration));
        // By now the client reads play packets.
        client.expect(State::Play, "kick_disconnect");

        let mut client = idle(protocol);
        client.wait(KEEP_ALIVE_INTERVAL + ACKNOWLEDGE_TIMEOUT - secs(1));
        client.expect(CONFIGURATION, "keep_alive");
        client.expect_nothing();
        client.wait(secs(1));
        assert_eq!(client.event(), timed_out(Deadline::KeepAlive));
        client.expect(CONFIGURATION, "disconnect");
    }
}

fn misbehaved(client: &mut Client) -> PeerError {
    match client.event() {
        Event::Closed(CloseReason::PeerMisbehaved(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn keep_alive_answers_are_checked() {
    for protocol in configured() {
        let mut client = idle(protocol);
        client.wait(KEEP_ALIVE_INTERVAL);
        let expected = number(&client.expect(CONFIGURATION, "keep_alive"));
        client.say(CONFIGURATION, "keep_alive", &(expected + 1).to_be_bytes());
        let error = PeerError::WrongKeepAlive {
            expected,
            found: expected + 1,
        };
        assert_eq!(misbehaved(&mut client), error);
        client.expect(CONFIGURATION, "disconnect");

        let mut client = idle(protocol);
        client.say(CONFIGURATION, "keep_alive", &0_i64.to_be_bytes());
        let phase = Phase::Configuration;
        let error = PeerError::UnexpectedPacket {
            packet: "keep_alive",
            phase,
        };
        assert_eq!(misbehaved(&mut client), error);
    }
}

#[test]
fn answers_without_a_question_end_the_connection() {
    for protocol in configured() {
        let mut client = idle(protocol);
        client.say(CONFIGURATION, "finish_configuration", &[]);
        let phase = Phase::Configuration;
        let packet = "finish_configuration";
        assert_eq!(
            misbehaved(&mut client),
            PeerError::UnexpectedPacket { packet, phase }
        );
    }
    for protocol in with_packs() {
        let mut client = started(protocol);
        client.say(CONFIGURATION, "select_known_packs", &varint(0));
        client.say(CONFIGURATION, "select_known_packs", &varint(0));
        let phase = Phase::Configuration;
        let packet = "select_known_packs";
        assert_eq!(
            misbehaved(&mut client),
            PeerError::UnexpectedPacket { packet, phase }
        );

        let mut client = started(protocol);
        client.say(CONFIGURATION, "select_known_packs", &varint(65));
        assert!(matches!(
            misbehaved(&mut client),
            PeerError::MalformedPacket { .. }
        ));
    }
}

#[test]
fn what_a_client_sends_unasked_is_taken() {
    for protocol in configured() {
        let mut client = idle(protocol);
        client.say(
            CONFIGURATION,
            "custom_payload",
            &[string("minecraft:brand"), string("vanilla")].concat(),
        );
        client.say(
            CONFIGURATION,
            "settings",
            &[string("en_us"), vec![10, 0, 1, 127, 1, 0, 1]].concat(),
        );
        client.say(CONFIGURATION, "pong", &[0; 4]);
        assert!(client.events.is_empty());
        client.send(0x7f, &[]);
        let phase = Phase::Configuration;
        assert_eq!(
            misbehaved(&mut client),
            PeerError::UnknownPacket { id: 0x7f, phase }
        );
    }
}

#[test]
fn a_flood_is_cut_off() {
    for protocol in configured() {
        let mut client = idle(protocol);
        let message = string("c:x");
        for _ in 0..MAX_CONFIGURATION_PACKETS {
            client.say(CONFIGURATION, "custom_payload", &message);
        }
        assert!(client.events.is_empty());
        client.say(CONFIGURATION, "custom_payload", &message);
        assert!(matches!(
            misbehaved(&mut client),
            PeerError::Flood {
                unit: "packets",
                ..
            }
        ));

        let mut client = idle(protocol);
        let message = [string("c:x"), vec![0; 32_767]].concat();
        for _ in 0..31 {
            client.say(CONFIGURATION, "custom_payload", &message);
        }
        assert!(client.events.is_empty());
        client.say(CONFIGURATION, "custom_payload", &message);
        assert!(matches!(
            misbehaved(&mut client),
            PeerError::Flood { unit: "bytes", .. }
        ));
    }
}
