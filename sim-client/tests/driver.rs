//! The driver against a scripted server, in virtual time.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;

use std::time::Duration;

use common::{PROTOCOL, Server, clientbound, serverbound};
use sim_client::{CLOSE_DRAIN, Driver, MAX_UNSENT, Record, SendError, Transcript};
use sim_proto::{ClientConfig, CloseReason, Event, FaultKind, Verdict};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::Instant;

const SECOND: Duration = Duration::from_secs(1);

/// Such as a socket has.
const PIPE: usize = 64 * 1024;

fn pair(pipe: usize) -> (Driver<DuplexStream>, Server) {
    let (near, far) = duplex(pipe);
    let config = ClientConfig::new(PROTOCOL, "sim");
    (Driver::new(near, config), Server::new(far))
}

/// A client in the world of a server that does nothing more.
async fn joined(pipe: usize) -> (Driver<DuplexStream>, Server) {
    let (mut driver, mut server) = pair(pipe);
    let (result, _) = tokio::join!(driver.run_until_in_world(SECOND), server.join());
    result.unwrap();
    (driver, server)
}

/// A client may live on a task of its own.
fn may_move<T: Send>(_: &T) {}

fn is_chat(event: &Event) -> bool {
    matches!(event, Event::Received(packet) if packet.name == "chat")
}

#[tokio::test(start_paused = true)]
async fn joins_and_remembers_how() {
    let (driver, _server) = joined(PIPE).await;
    may_move(&driver);
    assert_eq!(driver.verdict(), Verdict::InWorld);
    let names: Vec<_> = driver
        .trace()
        .packets()
        .map(|(_, packet)| packet.name.unwrap())
        .collect();
    assert_eq!(
        names[..5],
        [
            "set_protocol",
            "login_start",
            "success",
            "login",
            "settings"
        ],
        "{names:?}"
    );
    assert!(
        driver
            .trace()
            .entries()
            .all(|entry| entry.at == Duration::ZERO)
    );
}

#[tokio::test(start_paused = true)]
async fn ten_minutes_of_keep_alives_are_answered() {
    let (mut driver, mut server) = joined(PIPE).await;
    let serving = async {
        for id in 1..=60 {
            tokio::time::sleep(10 * SECOND).await;
            server
                .write(clientbound::KEEP_ALIVE, &common::varint(id))
                .await
                .unwrap();
            loop {
                let answer = server.read_until(serverbound::KEEP_ALIVE).await.unwrap();
                // Unasked ones are 0.
                if common::take_varint(&mut answer.as_slice()) == id {
                    break;
                }
            }
        }
    };
    let (lasted, ()) = tokio::join!(driver.run_for(600 * SECOND), serving);
    assert!(
        lasted,
        "{}",
        Transcript::new(driver.version()).trace(driver.trace())
    );
    assert_eq!(driver.now(), 600 * SECOND);
    assert!(
        driver.trace().omitted() > 0,
        "ten minutes of ticks do not fit"
    );
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_is_a_fault_after_half_a_minute() {
    let (mut driver, mut server) = joined(PIPE).await;
    let (result, _) = tokio::join!(driver.run_to_end(60 * SECOND), server.read_to_end());
    let CloseReason::Fault(fault) = result.unwrap() else {
        panic!("{:?}", driver.verdict());
    };
    assert_eq!(fault.kind, FaultKind::ReadTimeout { seconds: 30 });
    assert_eq!(driver.now(), 30 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn what_does_not_come_is_waited_for_exactly_as_long_as_said() {
    let (mut driver, _server) = joined(PIPE).await;
    let not_seen = driver.run_until(is_chat, 7 * SECOND).await.unwrap_err();
    assert_eq!(not_seen.waited, 7 * SECOND);
    assert_eq!(not_seen.verdict, Verdict::InWorld);
    assert!(!not_seen.ended);
    assert!(not_seen.to_string().contains("7.000 s"), "{not_seen}");
}

#[tokio::test(start_paused = true)]
async fn what_comes_before_the_limit_is_seen_and_after_it_is_not() {
    let tick = Duration::from_millis(1);
    for (delay, seen) in [(SECOND - tick, true), (SECOND + tick, false)] {
        let (mut driver, mut server) = joined(PIPE).await;
        let serving = async {
            tokio::time::sleep(delay).await;
            server
                .write(clientbound::CHAT, &common::chat("hello"))
                .await
                .unwrap();
        };
        let (result, ()) = tokio::join!(driver.run_until(is_chat, SECOND), serving);
        assert_eq!(result.is_ok(), seen, "{delay:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_dropped_wait_loses_nothing() {
    let mut bytes = common::frame(clientbound::LOGIN_SUCCESS, &common::login_success("sim"));
    for (id, data) in common::world() {
        bytes.extend(common::frame(id, &data));
    }
    bytes.extend(common::frame(clientbound::CHAT, &common::chat("hello")));
    let (mut driver, mut server) = pair(PIPE);
    let mut seen = Vec::new();
    for byte in bytes {
        server.stream.write_all(&[byte]).await.unwrap();
        // The wait is dropped as soon as it would block.
        loop {
            let event = tokio::select! {
                biased;
                event = driver.next_event() => event.unwrap(),
                () = std::future::ready(()) => break,
            };
            if let Event::Received(packet) = event {
                seen.push(packet.name);
            }
        }
    }
    assert_eq!(seen, ["success", "login", "position", "chat"]);
    assert_eq!(driver.verdict(), Verdict::InWorld);
}

#[tokio::test(start_paused = true)]
async fn same_server_same_transcript() {
    async fn transcript() -> String {
        let (mut driver, mut server) = joined(PIPE).await;
        let serving = async {
            server
                .write(clientbound::KICK, &common::reason("bye"))
                .await
                .unwrap();
            server.read_to_end().await
        };
        let (result, _) = tokio::join!(driver.run_to_end(SECOND), serving);
        assert!(matches!(result, Ok(CloseReason::Disconnected(text)) if text.plain == "bye"));
        Transcript::new(driver.version())
            .dump(true)
            .trace(driver.trace())
    }
    let first = transcript().await;
    assert_eq!(first, transcript().await);
    assert!(first.contains("bye"), "{first}");
    assert!(!first.contains('\u{1b}'), "no colours unless asked for");
}

#[tokio::test(start_paused = true)]
async fn after_the_end_there_is_nothing_more() {
    let (mut driver, server) = joined(PIPE).await;
    drop(server);
    assert_eq!(driver.run_to_end(SECOND).await, Ok(CloseReason::Eof));
    assert_eq!(driver.next_event().await, None);
    assert_eq!(driver.next_event().await, None);
    assert_eq!(driver.run_to_end(SECOND).await, Ok(CloseReason::Eof));
    let not_seen = driver.run_until(is_chat, SECOND).await.unwrap_err();
    assert!(not_seen.ended);
    assert_eq!(not_seen.waited, Duration::ZERO);
    assert!(!driver.run_for(SECOND).await);
}

#[tokio::test(start_paused = true)]
async fn half_closed_it_still_reads() {
    let (mut driver, mut server) = joined(PIPE).await;
    driver.chat("last words").unwrap();
    driver.half_close();
    let serving = async {
        let said = server.read_until(serverbound::CHAT).await.unwrap();
        assert_eq!(common::take_string(&mut said.as_slice()), "last words");
        assert_eq!(server.read_to_end().await, 0);
        server
            .write(clientbound::CHAT, &common::chat("heard"))
            .await
            .unwrap();
    };
    let (event, ()) = tokio::join!(driver.run_until(is_chat, SECOND), serving);
    event.unwrap();
    // It goes on ticking, into the void.
    assert!(driver.run_for(5 * SECOND).await);
    assert_eq!(driver.unsent(), 0);
}

#[tokio::test(start_paused = true)]
async fn closing_writes_what_is_queued_and_ends() {
    let (mut driver, mut server) = joined(PIPE).await;
    driver.chat("goodbye").unwrap();
    let serving = async {
        let said = server.read_until(serverbound::CHAT).await.unwrap();
        assert_eq!(common::take_string(&mut said.as_slice()), "goodbye");
        server.read_to_end().await;
        drop(server);
    };
    tokio::join!(driver.close(), serving);
    assert_eq!(driver.closed(), Some(&CloseReason::Local));
    assert_eq!(driver.now(), Duration::ZERO);
    assert_eq!(driver.next_event().await, None);
}

#[tokio::test(start_paused = true)]
async fn closing_does_not_wait_for_a_server_that_is_dead() {
    let (mut driver, _server) = joined(256).await;
    driver.send_raw(0x17, &[0; 4096]).unwrap();
    let started = Instant::now();
    driver.close().await;
    assert!(started.elapsed() <= 2 * CLOSE_DRAIN);
    assert_eq!(driver.closed(), Some(&CloseReason::Local));
}

#[tokio::test(start_paused = true)]
async fn reset_loses_what_is_queued() {
    let (mut driver, mut server) = joined(PIPE).await;
    driver.run_for(Duration::ZERO).await;
    driver.chat("never said").unwrap();
    let trace = driver.reset();
    assert_eq!(server.read_until(serverbound::CHAT).await, None);
    assert!(matches!(
        trace.entries().last().unwrap().record,
        Record::Note { .. }
    ));
    assert!(
        server
            .write(clientbound::CHAT, &common::chat("?"))
            .await
            .is_err()
    );
}

#[tokio::test(start_paused = true)]
async fn a_frozen_client_reads_nothing_and_does_not_lose_patience() {
    let (mut driver, mut server) = joined(256).await;
    driver.stop_reading();
    let before = driver.trace().received();
    let sent = driver.trace().sent();
    let hello = common::frame(clientbound::CHAT, &common::chat(&"h".repeat(512)));
    let serving = tokio::spawn(async move {
        server.stream.write_all(&hello).await.unwrap();
        server.read_to_end().await
    });
    assert!(driver.run_for(120 * SECOND).await);
    assert_eq!(driver.trace().received(), before);
    assert_eq!(driver.trace().sent(), sent);
    driver.resume();
    driver.run_until(is_chat, SECOND).await.unwrap();
    assert_eq!(driver.now(), 120 * SECOND);
    drop(driver);
    serving.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_read_costs_bounded_memory_and_is_still_heard() {
    const PACKET: usize = 1 << 20;
    let (mut driver, mut server) = joined(256).await;
    let refused = loop {
        match driver.send_raw(0x17, &vec![0; PACKET]) {
            Ok(()) => assert!(driver.unsent() < MAX_UNSENT + PACKET + 16),
            Err(error) => break error,
        }
    };
    assert_eq!(
        refused,
        SendError::QueueFull {
            unsent: driver.unsent()
        }
    );
    assert!(driver.unsent() >= MAX_UNSENT);
    // Full, it does not read; with room again it does.
    let serving = async {
        server
            .write(clientbound::CHAT, &common::chat("hello"))
            .await
            .unwrap();
        server.read_to_end().await
    };
    let waiting = async {
        driver.run_until(is_chat, SECOND).await.unwrap();
        driver.run_until_flushed(SECOND).await.unwrap();
        driver.close().await;
    };
    let (packets, ()) = tokio::join!(serving, waiting);
    assert!(packets >= MAX_UNSENT / PACKET);
}

#[tokio::test(start_paused = true)]
async fn both_sides_may_write_much_at_once() {
    const EACH: i32 = 5000;
    let (mut driver, server) = joined(64).await;
    let (mut from_client, mut to_client) = tokio::io::split(server.stream);
    // The server reads nothing until it has written everything.
    let serving = async {
        for id in 1..=EACH {
            let bytes = common::frame(clientbound::KEEP_ALIVE, &common::varint(id));
            to_client.write_all(&bytes).await.unwrap();
        }
        let mut bytes = Vec::new();
        from_client.read_to_end(&mut bytes).await.unwrap();
        bytes
    };
    let waiting = async {
        let last = |event: &Event| {
            matches!(event, Event::Received(packet)
                if packet.name == "keep_alive" && packet.data[..] == common::varint(EACH)[..])
        };
        driver.run_until(last, SECOND).await.unwrap();
        driver.half_close();
        driver.run_until_flushed(SECOND).await.unwrap();
        driver.run_for(Duration::ZERO).await;
    };
    let (bytes, ()) = tokio::join!(serving, waiting);
    let answers = common::frame(serverbound::KEEP_ALIVE, &common::varint(EACH));
    assert!(bytes.windows(answers.len()).any(|window| window == answers));
}

#[tokio::test(start_paused = true)]
async fn a_flood_does_not_keep_the_limit_from_being_kept() {
    let (mut driver, mut server) = joined(PIPE).await;
    let flood = tokio::spawn(async move {
        let bytes = common::frame(clientbound::CHAT, &common::chat("spam")).repeat(100);
        while server.stream.write_all(&bytes).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    assert!(driver.run_for(SECOND).await);
    assert_eq!(driver.now(), SECOND);
    assert!(driver.trace().received() > 90_000);
    drop(driver);
    flood.await.unwrap();
}
