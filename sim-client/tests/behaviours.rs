//! Each way of misbehaving, against a server that looks at the bytes, in virtual time.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;

use std::time::Duration;

use common::{PROTOCOL, Server, clientbound, frame, serverbound, take_varint, varint};
use sim_client::Driver;
use sim_client::behaviour::{BOMB_BYTES, Behaviour, UNKNOWN_IDS};
use sim_proto::{ClientConfig, CloseReason, Event, Verdict};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::Instant;
use vb_data::{Direction, State};

const SECOND: Duration = Duration::from_secs(1);
const PIPE: usize = 1 << 20;

/// Packets of so many bytes are compressed where a server asks for it.
const THRESHOLD: i32 = 64;

fn pair(behaviours: &str) -> (Driver<DuplexStream>, Server) {
    pair_on(PROTOCOL, behaviours)
}

fn pair_on(protocol: i32, behaviours: &str) -> (Driver<DuplexStream>, Server) {
    let (near, far) = duplex(PIPE);
    let config = ClientConfig {
        send_movement: false,
        unasked_keep_alive: false,
        ..ClientConfig::new(protocol, "sim")
    };
    let behaviours = behaviours
        .split_whitespace()
        .map(|name| name.parse().unwrap());
    (
        Driver::new(near, config).behaving(behaviours),
        Server::new(far),
    )
}

/// What a well-behaved client sends before it is answered.
fn greeting() -> Vec<u8> {
    let mut handshake = varint(PROTOCOL);
    common::put_string(&mut handshake, "localhost");
    handshake.extend(25565_u16.to_be_bytes());
    handshake.extend(varint(2));
    let mut start = Vec::new();
    common::put_string(&mut start, "sim");
    [frame(0, &handshake), frame(0, &start)].concat()
}

/// Everything that comes before the client's end, or before it has nothing more to say for a while.
async fn all_bytes(driver: &mut Driver<DuplexStream>, server: &mut Server) -> Vec<u8> {
    driver.run_for(SECOND).await;
    let mut bytes = Vec::new();
    let _ = tokio::time::timeout(SECOND, server.stream.read_to_end(&mut bytes)).await;
    bytes
}

/// What comes in play, once the client has come into the world and settled there.
async fn in_play(behaviours: &str) -> (Driver<DuplexStream>, Server, Vec<(i32, Vec<u8>)>) {
    let (mut driver, mut server) = pair(behaviours);
    tokio::join!(driver.run_for(SECOND), server.join());
    let packets = packets(&mut server).await;
    (driver, server, packets)
}

async fn packets(server: &mut Server) -> Vec<(i32, Vec<u8>)> {
    let mut packets = Vec::new();
    while let Ok(Some(packet)) = tokio::time::timeout(SECOND, server.read()).await {
        packets.push(packet);
    }
    packets
}

/// The same client that behaves, to tell what is its own.
async fn usual() -> Vec<(i32, Vec<u8>)> {
    in_play("").await.2
}

/// What `behaviours` add to the usual packets, which must be there all the same, in order.
async fn added(behaviours: &str) -> Vec<(i32, Vec<u8>)> {
    let (_, _, found) = in_play(behaviours).await;
    let mut usual = usual().await.into_iter().peekable();
    let added = found
        .into_iter()
        .filter(|packet| usual.next_if_eq(packet).is_none())
        .collect();
    assert_eq!(
        usual.next(),
        None,
        "a packet of the client's own is missing"
    );
    added
}

#[tokio::test(start_paused = true)]
async fn without_behaviours_the_greeting_is_as_ever() {
    let (mut driver, mut server) = pair("");
    assert_eq!(all_bytes(&mut driver, &mut server).await, greeting());
    assert!(driver.misdeeds().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_close_comes_right_after_its_step() {
    let greeting = greeting();
    let handshake = usize::from(greeting[0]) + 1;
    for (step, sent) in [
        ("connected", 0),
        ("handshake", handshake),
        ("login-start", greeting.len()),
    ] {
        for deed in ["close", "half-close"] {
            let behaviour = format!("{deed}@{step}");
            let (mut driver, mut server) = pair(&behaviour);
            let bytes = all_bytes(&mut driver, &mut server).await;
            assert_eq!(bytes, greeting[..sent], "{behaviour}");
            // Only one of them does not listen any more.
            let answer = frame(clientbound::LOGIN_SUCCESS, &common::login_success("sim"));
            let _ = server.stream.write_all(&answer).await;
            driver.run_for(SECOND).await;
            let listened = driver
                .trace()
                .packets()
                .any(|(_, packet)| packet.direction == Direction::Clientbound);
            assert_eq!(listened, deed == "half-close", "{behaviour}");
            if deed == "close" {
                assert_eq!(driver.closed(), Some(&CloseReason::Local));
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_close_can_wait_for_the_world() {
    for step in ["play", "join-game", "in-world"] {
        let (driver, _, _) = in_play(&format!("close@{step}")).await;
        assert_eq!(driver.closed(), Some(&CloseReason::Local), "{step}");
        let came = driver.trace().received();
        let expected = match step {
            "play" => 1..=1,
            "join-game" => 2..=2,
            _ => 3..=3,
        };
        assert!(expected.contains(&came), "{step}: {came} packets came");
        assert_eq!(driver.misdeeds().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn malformed_lengths_are_the_last_bytes() {
    for (name, bytes) in [
        ("oversized-length", &[0x80, 0x80, 0x80, 0x01][..]),
        ("negative-length", &[0xff, 0xff, 0xff, 0xff, 0x0f]),
        ("overlong-length", &[0x81, 0x80, 0x80, 0x00, 0x00]),
        ("negative-id", &[0x05, 0xff, 0xff, 0xff, 0xff, 0x0f]),
    ] {
        let greeting = greeting();
        let handshake = usize::from(greeting[0]) + 1;
        for (step, before) in [
            ("connected", 0),
            ("handshake", handshake),
            ("login-start", greeting.len()),
        ] {
            let (mut driver, mut server) = pair(&format!("{name}@{step}"));
            let found = all_bytes(&mut driver, &mut server).await;
            assert_eq!(
                found,
                [&greeting[..before], bytes].concat(),
                "{name}@{step}"
            );
            assert_eq!(driver.closed(), None, "it waits for the server's end");
        }
        let (mut driver, mut server) = pair(name);
        tokio::join!(driver.run_for(SECOND), server.join());
        let found = all_bytes(&mut driver, &mut server).await;
        assert_eq!(found, bytes, "{name} in play");
    }
}

#[tokio::test(start_paused = true)]
async fn splitting_and_dripping_take_one_byte_at_a_time() {
    for (name, interval) in [("split", SECOND / 1000), ("drip", SECOND)] {
        let (mut driver, mut server) = pair(name);
        let began = Instant::now();
        let watch = async {
            for (index, expected) in greeting().into_iter().enumerate() {
                let mut bytes = [0; 2];
                let read = server.stream.read(&mut bytes).await.unwrap();
                assert_eq!(bytes[..read], [expected]);
                let due = interval * u32::try_from(index).unwrap();
                // Timers are as fine as a millisecond.
                let late = began.elapsed().saturating_sub(due);
                assert!(
                    late <= (SECOND / 1000) * 2 * (index as u32 + 1),
                    "{index}: {late:?}"
                );
                assert!(began.elapsed() >= due, "{index}");
            }
        };
        // A client gives up after 30 s without a word from the server.
        let enough = 29 * SECOND;
        tokio::select! {
            biased;
            () = watch => {}
            _ = driver.run_for(enough) => assert_eq!(name, "drip", "the greeting takes too long"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_split_arrives_all_the_same() {
    let (mut driver, mut server) = pair("split");
    let (in_world, name) = tokio::join!(driver.run_until_in_world(10 * SECOND), server.join());
    in_world.unwrap();
    assert_eq!(name, "sim");
}

#[tokio::test(start_paused = true)]
async fn keep_alives_are_answered_badly() {
    for (name, answers) in [
        ("keep-alive-never", &[][..]),
        ("keep-alive-wrong", &[(0, 8)]),
        ("keep-alive-twice", &[(0, 7), (0, 7)]),
        ("keep-alive-late", &[(10, 7)]),
        ("keep-alive-late=3", &[(3, 7)]),
    ] {
        let (mut driver, mut server, _) = in_play(name).await;
        server
            .write(clientbound::KEEP_ALIVE, &varint(7))
            .await
            .unwrap();
        let asked = Instant::now();
        let mut found = Vec::new();
        let listen = async {
            while let Some(answer) = server.read_until(serverbound::KEEP_ALIVE).await {
                let id = take_varint(&mut answer.as_slice());
                found.push((asked.elapsed().as_secs(), id));
            }
        };
        tokio::select! {
            biased;
            () = listen => {}
            _ = driver.run_for(15 * SECOND) => {}
        }
        assert_eq!(found, answers, "{name}");
        assert_eq!(driver.verdict(), Verdict::InWorld);
    }
}

#[tokio::test(start_paused = true)]
async fn an_unasked_answer_comes_once() {
    assert_eq!(
        added("keep-alive-unasked").await,
        [(serverbound::KEEP_ALIVE, varint(0x7662))]
    );
}

#[tokio::test(start_paused = true)]
async fn unknown_ids_are_sent_without_payload_and_exist_nowhere() {
    let expected: Vec<_> = UNKNOWN_IDS.iter().map(|id| (*id, Vec::new())).collect();
    assert_eq!(added("unknown-ids@in-world").await, expected);
    for protocol in vb_data::supported() {
        for state in [
            State::Handshaking,
            State::Status,
            State::Login,
            State::Configuration,
            State::Play,
        ] {
            let table = vb_data::packets(*protocol, state, Direction::Serverbound);
            for (id, name) in table.iter().flat_map(|table| table.iter()) {
                assert!(!UNKNOWN_IDS.contains(&id), "{protocol} has {name}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_packet_of_another_state_comes_out_of_place() {
    let greeting = greeting();
    let (mut driver, mut server) = pair("wrong-state@login-start");
    let bytes = all_bytes(&mut driver, &mut server).await;
    // Resource pack status, the last of protocol 47's 26 serverbound play packets.
    assert_eq!(bytes, [greeting.as_slice(), &frame(0x19, &[])].concat());
    let mut start = Vec::new();
    common::put_string(&mut start, "sim");
    assert_eq!(added("wrong-state@play").await, [(0, start)]);
}

#[tokio::test(start_paused = true)]
async fn the_steps_own_packet_is_cut_and_the_last() {
    let greeting = greeting();
    let handshake = usize::from(greeting[0]) + 1;
    // Without length and id.
    let (first, second) = (&greeting[2..handshake], &greeting[handshake + 2..]);
    for length in 0..first.len() {
        let (mut driver, mut server) = pair(&format!("truncated={length}@handshake"));
        let bytes = all_bytes(&mut driver, &mut server).await;
        assert_eq!(bytes, frame(0, &first[..length]), "{length}");
    }
    for length in 0..second.len() {
        let (mut driver, mut server) = pair(&format!("truncated={length}@login-start"));
        let bytes = all_bytes(&mut driver, &mut server).await;
        let cut = frame(0, &second[..length]);
        assert_eq!(bytes, [&greeting[..handshake], &cut].concat(), "{length}");
    }
    let (mut driver, mut server) = pair("truncated@login-start");
    let cut = frame(0, &second[..second.len() - 1]);
    let bytes = all_bytes(&mut driver, &mut server).await;
    assert_eq!(bytes, [&greeting[..handshake], &cut].concat());
    // There is nothing to cut: all goes its way, and the driver says that nothing was done.
    let (mut driver, mut server) = pair(&format!("truncated={}@login-start", second.len()));
    let bytes = all_bytes(&mut driver, &mut server).await;
    assert_eq!(bytes, greeting);
    assert!(driver.misdeeds().is_empty());
}

#[tokio::test(start_paused = true)]
async fn in_play_every_packet_is_cut_to_every_length() {
    let found = added("truncated").await;
    let chat: Vec<_> = found
        .iter()
        .filter(|(id, _)| *id == serverbound::CHAT)
        .map(|(_, data)| data.as_slice())
        .collect();
    let (whole, command) = (b"\x03cut", b"\x04/cut");
    let expected: Vec<&[u8]> = (0..4)
        .map(|length| &whole[..length])
        .chain((0..5).map(|length| &command[..length]))
        .collect();
    assert_eq!(chat, expected);
    let kinds: std::collections::BTreeSet<_> = found.iter().map(|(id, _)| *id).collect();
    assert_eq!(kinds.len(), 5, "{kinds:?}");
    let at_two = added("truncated=2").await;
    assert!(at_two.iter().all(|(_, data)| data.len() == 2), "{at_two:?}");
    assert!(at_two.contains(&(serverbound::CHAT, whole[..2].to_vec())));
}

#[tokio::test(start_paused = true)]
async fn a_flood_has_the_rate_that_was_asked_for() {
    for (name, rate) in [("flood", 10_000), ("flood=500", 500), ("flood=3", 3)] {
        let (mut driver, mut server) = pair(name);
        tokio::join!(driver.run_until_in_world(SECOND), server.join())
            .0
            .unwrap();
        let count = async {
            let deadline = Instant::now() + 2 * SECOND;
            let mut floods = 0;
            let mut last = None;
            while let Ok(packet) = tokio::time::timeout_at(deadline, server.read()).await {
                let (id, data) = packet.unwrap();
                if id == 0x17 && data.starts_with(b"\x0cvbspec:flood") {
                    let number = u64::from_be_bytes(data[13..].try_into().unwrap());
                    assert_eq!(number, last.map_or(0, |last: u64| last + 1));
                    last = Some(number);
                    floods += 1;
                }
            }
            floods
        };
        let floods = tokio::select! {
            biased;
            floods = count => floods,
            _ = driver.run_for(10 * SECOND) => unreachable!("the count ends first"),
        };
        let expected = rate * 2;
        // What is due at the very end may or may not come in time.
        let slack = (rate / 100).max(1);
        assert!(
            (expected - slack..=expected + slack).contains(&floods),
            "{name}: {floods}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_flood_into_a_server_that_does_not_read_has_a_bound() {
    let (near, far) = duplex(1024);
    let config = ClientConfig::new(PROTOCOL, "sim");
    let flood: Behaviour = "flood=1000000@connected".parse().unwrap();
    let mut driver = Driver::new(near, config).behaving([flood]);
    driver.run_for(20 * SECOND).await;
    assert!(driver.unsent() < 512 * 1024, "{}", driver.unsent());
    drop(far);
}

#[tokio::test(start_paused = true)]
async fn who_never_reads_answers_nothing_and_lives_on() {
    let (mut driver, mut server, _) = in_play("never-read@in-world").await;
    server
        .write(clientbound::KEEP_ALIVE, &varint(7))
        .await
        .unwrap();
    driver.run_for(120 * SECOND).await;
    assert_eq!(packets(&mut server).await, []);
    assert_eq!(driver.closed(), None);
}

/// A login with compression, after which the client says what it was told to.
async fn compressed(behaviour: &str, threshold: i32) -> (Driver<DuplexStream>, Vec<u8>) {
    let (mut driver, mut server) = pair(behaviour);
    let serve = async {
        server.read().await.unwrap();
        server.read().await.unwrap();
        server.write(3, &varint(threshold)).await.unwrap();
        let mut success = varint(0);
        success.extend(varint(clientbound::LOGIN_SUCCESS));
        success.extend(common::login_success("sim"));
        let mut framed = varint(i32::try_from(success.len()).unwrap());
        framed.extend(success);
        server.stream.write_all(&framed).await.unwrap();
    };
    tokio::join!(driver.run_for(SECOND), serve);
    let bytes = all_bytes(&mut driver, &mut server).await;
    (driver, bytes)
}

/// Declared size and the rest of the only frame.
fn only_frame(bytes: &[u8]) -> (i32, Vec<u8>) {
    let mut rest = bytes;
    let length = take_varint(&mut rest);
    assert_eq!(usize::try_from(length).unwrap(), rest.len());
    let declared = take_varint(&mut rest);
    (declared, rest.to_vec())
}

#[tokio::test(start_paused = true)]
async fn compression_is_abused_where_it_is_on() {
    let (driver, bytes) = compressed("compression-bomb", THRESHOLD).await;
    assert_eq!(driver.misdeeds().len(), 1);
    let (declared, stream) = only_frame(&bytes);
    assert_eq!(declared, 2_097_151);
    assert!(
        stream.len() < 32 * 1024,
        "{} bytes are no bomb",
        stream.len()
    );
    let (driver, bytes) = compressed("compressed-below-threshold", THRESHOLD).await;
    assert_eq!(driver.misdeeds().len(), 1);
    assert_eq!(only_frame(&bytes).0, THRESHOLD - 1);
    // No size is below 1.
    let (driver, bytes) = compressed("compressed-below-threshold", 1).await;
    assert!(driver.misdeeds().is_empty());
    assert!(bytes.is_empty());
    let (driver, _, _) = in_play("compression-bomb compressed-below-threshold").await;
    assert!(driver.misdeeds().is_empty(), "nothing is compressed here");
    const { assert!(BOMB_BYTES == 16_777_216) };
}

#[tokio::test(start_paused = true)]
async fn several_are_done_in_order() {
    let (driver, _, _) =
        in_play("unknown-ids@in-world keep-alive-twice split@in-world close@in-world").await;
    let done: Vec<_> = driver
        .misdeeds()
        .iter()
        .map(|(_, done)| done.to_string())
        .collect();
    assert_eq!(
        done,
        [
            "keep-alive-twice",
            "unknown-ids@in-world",
            "split@in-world",
            "close@in-world"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn steps_that_a_protocol_lacks_never_come() {
    let (driver, _) = pair_on(763, "close@login-acknowledged split@known-packs drip");
    let done: Vec<_> = driver
        .misdeeds()
        .iter()
        .map(|(_, done)| done.to_string())
        .collect();
    assert_eq!(done, ["drip@connected"]);
}

#[tokio::test(start_paused = true)]
async fn the_trace_says_what_was_done() {
    let (mut driver, mut server) = pair("truncated=1@login-start");
    let mut sent = Vec::new();
    let watch = driver.run_until(
        |event| {
            if let Event::Sent(packet) = event {
                sent.push(packet.data.len());
            }
            false
        },
        SECOND,
    );
    watch.await.unwrap_err();
    assert_eq!(sent.last(), Some(&1), "the packet is told of as it went");
    let text = sim_client::Transcript::new(driver.version()).trace(driver.trace());
    assert!(
        text.contains("misbehaves: truncated=1@login-start"),
        "{text}"
    );
    assert!(server.read().await.is_some());
}
