use super::*;

use azalea_protocol::packets::game::{
    ClientboundForgetLevelChunk, ServerboundMovePlayerPosRot, ServerboundPlayerLoaded,
};
use azalea_protocol::packets::login::{ServerboundHello, ServerboundLoginAcknowledged};
use azalea_protocol::packets::{ClientIntention, handshake::ServerboundIntention};
use azalea_protocol::write::serialize_packet;

use Direction::{Clientbound, Serverbound};

/// Packet id and payload, with the length before them.
fn frame(packet: &[u8]) -> Vec<u8> {
    let length = u8::try_from(packet.len()).unwrap();
    assert!(length < 0x80);
    [&[length], packet].concat()
}

/// A packet as azalea writes it.
fn written<P: ProtocolPacket + Debug>(packet: impl azalea_protocol::packets::Packet<P>) -> Vec<u8> {
    frame(&serialize_packet(&packet.into_variant()).unwrap())
}

fn session(clientbound: State, serverbound: State) -> Session {
    let mut session = Session::new(true);
    session.clientbound.state = clientbound;
    session.serverbound.state = serverbound;
    session
}

fn playing() -> Session {
    session(State::Play, State::Play)
}

fn lines(session: &mut Session, direction: Direction, bytes: &[u8]) -> Vec<Value> {
    let mut lines = Vec::new();
    session
        .receive(direction, bytes, Duration::from_millis(7), &mut lines)
        .unwrap();
    lines
}

fn error(session: &mut Session, direction: Direction, bytes: &[u8]) -> String {
    session
        .receive(direction, bytes, Duration::ZERO, &mut Vec::new())
        .unwrap_err()
}

/// A chunk with nothing in it, not even sections: its content is not looked into here.
fn empty_chunk(x: i32, z: i32) -> Vec<u8> {
    let mut packet = vec![0x2d];
    packet.extend(x.to_be_bytes());
    packet.extend(z.to_be_bytes());
    packet.extend([0; 9]);
    frame(&packet)
}

fn moved(x: f64, z: f64) -> Vec<u8> {
    let mut packet = vec![0x1f];
    for number in [x, 64.0, z] {
        packet.extend(number.to_be_bytes());
    }
    packet.extend([0; 9]);
    frame(&packet)
}

#[test]
fn a_keep_alive_is_shown_and_counted() {
    let mut session = playing();
    let id = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe];
    let received = lines(
        &mut session,
        Clientbound,
        &frame(&[&[0x2c][..], &id].concat()),
    );
    let mut hash = Fnv::default();
    hash.write(&[0x2c, 0, 0, 0]);
    hash.write(&id);
    assert_eq!(
        received,
        [json!({
            "t_ms": 7,
            "dir": "clientbound",
            "state": "play",
            "id": 0x2c,
            "len": 8,
            "hash": hash.hex(),
            "name": "keep_alive",
            "fields": { "keepAliveId": "-2" },
        })]
    );
    let sent = lines(
        &mut session,
        Serverbound,
        &frame(&[&[0x1c][..], &id].concat()),
    );
    assert_eq!(sent[0]["fields"]["keepAliveId"], "-2");
    let counts = session.counts();
    assert_eq!((counts.keep_alives_in, counts.keep_alives_out), (1, 1));
    assert_eq!((counts.received, counts.sent), (1, 1));
}

#[test]
fn states_follow_each_direction_on_its_own() {
    let mut session = Session::new(true);
    let out = [
        written(ServerboundIntention {
            protocol_version: 775,
            hostname: "localhost".to_owned(),
            port: 25565,
            intention: ClientIntention::Login,
        }),
        written(ServerboundHello {
            name: "azalea".to_owned(),
            profile_id: Default::default(),
        }),
    ]
    .concat();
    // However the bytes are cut, the packets are the same.
    let mut names = Vec::new();
    for byte in &out {
        for line in lines(&mut session, Serverbound, &[*byte]) {
            names.push((line["state"].clone(), line["name"].clone()));
        }
    }
    assert_eq!(
        names,
        [
            ("handshaking".into(), "set_protocol".into()),
            ("login".into(), "login_start".into())
        ]
    );

    // UUID, name `a`, no properties; then a configuration keep-alive before the client has acknowledged.
    let mut success = vec![0x02];
    success.extend([0; 16]);
    success.extend([1, b'a', 0]);
    let keep_alive = frame(&[0x04, 0, 0, 0, 0, 0, 0, 0, 1]);
    let received = lines(
        &mut session,
        Clientbound,
        &[frame(&success), keep_alive].concat(),
    );
    assert_eq!(received[0]["name"], "success");
    assert_eq!(received[1]["state"], "configuration");
    let sent = lines(
        &mut session,
        Serverbound,
        &written(ServerboundLoginAcknowledged),
    );
    assert_eq!(sent[0]["state"], "login");

    // finish_configuration and its acknowledgement.
    lines(&mut session, Clientbound, &frame(&[0x03]));
    assert_eq!(session.clientbound.state, State::Play);
    assert_eq!(session.serverbound.state, State::Configuration);
    lines(&mut session, Serverbound, &frame(&[0x03]));
    assert_eq!(session.serverbound.state, State::Play);

    // start_configuration and its acknowledgement.
    lines(&mut session, Clientbound, &frame(&[0x76]));
    assert_eq!(session.clientbound.state, State::Configuration);
    lines(&mut session, Serverbound, &frame(&[0x10]));
    assert_eq!(session.serverbound.state, State::Configuration);
}

#[test]
fn compression_starts_after_its_announcement() {
    let mut session = session(State::Login, State::Login);
    lines(&mut session, Clientbound, &frame(&[0x03, 0x80, 0x02]));
    // A length of 0 says that the packet is below the threshold of 256.
    let received = lines(
        &mut session,
        Clientbound,
        &frame(&[0, 0x05, 3, b'a', b':', b'b']),
    );
    assert_eq!(received[0]["name"], "cookie_request");
    assert_eq!(
        lines(&mut session, Serverbound, &frame(&[0, 0x03]))[0]["name"],
        "login_acknowledged"
    );
}

#[test]
fn a_negative_threshold_means_no_compression() {
    let mut session = session(State::Login, State::Login);
    lines(
        &mut session,
        Clientbound,
        &frame(&[0x03, 0xff, 0xff, 0xff, 0xff, 0x0f]),
    );
    let received = lines(
        &mut session,
        Clientbound,
        &frame(&[0x05, 3, b'a', b':', b'b']),
    );
    assert_eq!(received[0]["name"], "cookie_request");
}

#[test]
fn packets_that_cannot_be_read_to_their_end_are_counted() {
    for packet in [
        // A keep-alive with a byte too few, and one too many.
        &[0x2c, 0, 0, 0, 0, 0, 0, 0][..],
        &[0x2c, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        // An id that the protocol does not have.
        &[0xff, 0x01],
    ] {
        let mut session = playing();
        let received = lines(&mut session, Clientbound, &frame(packet));
        assert_eq!(received[0]["event"], "undecodable", "{packet:?}");
        assert!(received[0]["error"].is_string());
        assert_eq!(session.counts().undecodable, 1);
        // The stream goes on after it.
        assert_eq!(
            lines(&mut session, Clientbound, &frame(&[0x00]))[0]["name"],
            "bundle_delimiter"
        );
    }
}

#[test]
fn frames_longer_than_the_protocol_permits_are_not_waited_for() {
    let mut session = playing();
    // The longest frame: 2^21 - 1 bytes, all but the first of which are no part of the packet.
    let mut bytes = vec![0xff, 0xff, 0x7f];
    bytes.resize(3 + (1 << 21) - 2, 0);
    assert!(lines(&mut session, Clientbound, &bytes).is_empty());
    assert_eq!(lines(&mut session, Clientbound, &[0]).len(), 1);
    let error = error(&mut session, Clientbound, &[0xff, 0xff, 0xff]);
    assert_eq!(
        error,
        "broken clientbound frame: its length has more than 3 bytes"
    );
}

#[test]
fn a_packet_without_an_id_breaks_the_stream() {
    assert!(error(&mut playing(), Serverbound, &[0]).contains("without an id"));
}

#[test]
fn encryption_is_refused_with_a_readable_reason() {
    let mut session = session(State::Login, State::Login);
    let request = frame(&[0x01, 0, 1, 0, 1, 0, 1]);
    assert!(error(&mut session, Clientbound, &request).contains("online mode"));
}

#[test]
fn the_reason_for_a_kick_is_kept() {
    let mut session = playing();
    // A text component that is an NBT string.
    let received = lines(
        &mut session,
        Clientbound,
        &frame(&[0x20, 8, 0, 3, b'b', b'y', b'e']),
    );
    assert_eq!(received[0]["name"], "kick_disconnect");
    assert_eq!(
        session.kicked().map(|reason| &reason["text"]),
        Some(&"bye".into())
    );
}

#[test]
fn being_in_the_world_takes_a_chunk_of_ones_own() {
    let loaded = written(ServerboundPlayerLoaded);
    let mut session = playing();
    lines(&mut session, Serverbound, &moved(-0.5, 16.0));
    lines(&mut session, Clientbound, &empty_chunk(0, 1));
    lines(&mut session, Serverbound, &loaded);
    assert_eq!(session.in_world(), None);
    let received = lines(&mut session, Clientbound, &empty_chunk(-1, 1));
    assert_eq!(received[1]["event"], "in-world");
    assert_eq!(session.in_world(), Some(Duration::from_millis(7)));
}

#[test]
fn a_chunk_that_was_forgotten_does_not_count() {
    let mut session = playing();
    lines(&mut session, Clientbound, &empty_chunk(0, 0));
    lines(
        &mut session,
        Clientbound,
        &written(ClientboundForgetLevelChunk {
            pos: azalea_core::position::ChunkPos::new(0, 0),
        }),
    );
    lines(
        &mut session,
        Serverbound,
        &written(ServerboundMovePlayerPosRot {
            pos: azalea_core::position::Vec3::ZERO,
            look_direction: Default::default(),
            flags: Default::default(),
        }),
    );
    lines(&mut session, Serverbound, &written(ServerboundPlayerLoaded));
    assert_eq!(session.in_world(), None);
}

#[test]
fn a_quiet_session_only_counts() {
    let mut session = Session::new(false);
    session.clientbound.state = State::Play;
    assert!(lines(&mut session, Clientbound, &frame(&[0x00])).is_empty());
    assert_eq!(session.counts().received, 1);
}
