//! The binary: exit codes, messages and what it prints.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;

use std::io::Read as _;
use std::net::SocketAddr;
use std::process::{Command, Output, Stdio};

use common::{Server, clientbound, serverbound};
use sim_client::{Behaviour, exit};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sim-client"));
    command.args(args);
    command
}

/// Runs the binary without blocking the server's task.
async fn run(args: &[&str]) -> Output {
    let mut command = command(args);
    tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap()
}

fn code(output: &Output) -> Option<u8> {
    output
        .status
        .code()
        .and_then(|code| u8::try_from(code).ok())
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Serves every connection with `serve`.
async fn serve<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    address
}

async fn unused() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap()
}

#[tokio::test]
async fn wrong_command_lines_are_usage_errors_that_help() {
    for (args, message) in [
        (&["join", "localhost"][..], "--protocol"),
        (&["join", "localhost", "--protocol", "1.20.44"], "1.20.4"),
        (&["join", "localhost", "--protocol", "48"], "47"),
        (&["join", "localhost:0", "--protocol", "47"], "port"),
        (&["join", "::1", "--protocol", "47"], "brackets"),
        (&["join", "h", "--protocol", "47", "--for=-1"], "--for"),
        (
            &["join", "h", "--protocol", "47", "--count", "0"],
            "1..=10000",
        ),
        (
            &["join", "h", "--protocol", "47", "--count", "10001"],
            "1..=10000",
        ),
        (
            &[
                "join",
                "h",
                "--protocol",
                "47",
                "--name",
                "seventeen-letters",
            ],
            "16",
        ),
        (
            &["join", "h", "--protocol", "47", "--behave", "clos"],
            "there is no behaviour `clos`",
        ),
        (
            &["join", "h", "-p", "765", "--behave", "close@known-packs"],
            "protocol 765 has no place for `close@known-packs`",
        ),
        (
            &[
                "join",
                "h",
                "-p",
                "4",
                "--count=2",
                "--behave=compression-bomb",
            ],
            "protocol 4 has no place for `compression-bomb@play`",
        ),
        (&["status"], "HOST:PORT"),
        (&["status", "h", "--legacy", "1.7"], "1.3"),
        (&["status", "h", "--legacy", "-p", "47"], "--legacy"),
        (&["fly"], "fly"),
        (&[], "Usage"),
    ] {
        let output = run(args).await;
        assert_eq!(code(&output), Some(exit::USAGE), "{args:?}");
        assert!(
            stderr(&output).contains(message),
            "{args:?}: {}",
            stderr(&output)
        );
        assert!(stdout(&output).is_empty(), "{args:?}: {}", stdout(&output));
    }
}

#[tokio::test]
async fn help_and_version_are_no_errors() {
    for args in [&["--help"][..], &["--version"], &["join", "--help"]] {
        let output = run(args).await;
        assert_eq!(code(&output), Some(exit::OK), "{args:?}");
        assert!(!stdout(&output).is_empty());
    }
}

#[tokio::test]
async fn a_name_without_an_address_is_a_usage_error() {
    // Reserved for this by RFC 2606: no name server knows it.
    let output = run(&["join", "nowhere.invalid", "--protocol", "47"]).await;
    assert_eq!(code(&output), Some(exit::USAGE));
    assert!(
        stderr(&output).contains("nowhere.invalid"),
        "{}",
        stderr(&output)
    );
}

#[tokio::test]
async fn nobody_there_is_told_from_a_failure() {
    let address = unused().await.to_string();
    for args in [
        &["join", &address, "--protocol", "47"][..],
        &["join", &address, "--protocol", "47", "--count", "3"],
        &["status", &address],
    ] {
        let output = run(args).await;
        assert_eq!(code(&output), Some(exit::NOT_CONNECTED), "{args:?}");
        assert!(
            stderr(&output).contains(&address),
            "{args:?}: {}",
            stderr(&output)
        );
    }
}

#[tokio::test]
async fn protocols_are_listed() {
    let output = run(&["protocols"]).await;
    assert_eq!(code(&output), Some(exit::OK));
    let listed = stdout(&output);
    assert_eq!(listed.lines().count(), vb_data::supported().len());
    assert!(
        listed
            .lines()
            .any(|line| line.contains("47") && line.contains("1.8.9"))
    );
}

#[tokio::test]
async fn behaviours_are_listed_as_they_are_written() {
    let output = run(&["behaviours"]).await;
    assert_eq!(code(&output), Some(exit::OK));
    let listed = stdout(&output);
    let names: Vec<_> = listed
        .lines()
        .filter_map(|line| line.split_whitespace().next()?.parse::<Behaviour>().ok())
        .collect();
    assert_eq!(names, Behaviour::usual().collect::<Vec<_>>(), "{listed}");
}

#[tokio::test]
async fn a_client_that_misbehaves_says_so() {
    let address = serve(async |stream| {
        common::joins(stream).await;
    })
    .await;
    let output = run(&[
        "join",
        &address.to_string(),
        "-p",
        "47",
        "--behave",
        "unknown-ids@in-world",
        "--behave",
        "close@in-world",
        "-v",
    ])
    .await;
    let text = stdout(&output);
    assert_eq!(code(&output), Some(exit::FAILED), "{text}");
    for part in [
        "misbehaves: unknown-ids@in-world",
        "(unknown)",
        "misbehaves: close@in-world",
        "closed by the client",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[tokio::test]
async fn events_are_lines_of_json_when_asked_for() {
    let address = serve(async |stream| {
        let mut server = Server::new(stream);
        server.join().await;
        server
            .write(clientbound::KICK, &common::reason("enough"))
            .await
            .unwrap();
        server.read_to_end().await;
    })
    .await
    .to_string();
    let output = run(&["join", &address, "-p", "47", "--jsonl", "--for", "5"]).await;
    let text = stdout(&output);
    assert_eq!(code(&output), Some(exit::FAILED), "{text}");
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let named = |name: &str| lines.iter().find(|line| line["name"] == name).unwrap();
    assert_eq!(lines[0]["name"], "set_protocol");
    assert_eq!(lines[0]["dir"], "serverbound");
    assert_eq!(named("success")["fields"]["username"], "sim");
    assert_eq!(named("login")["fields"]["worldState"]["gamemode"], 1);
    assert_eq!(named("position")["fields"]["y"], 65.0);
    let event = |name: &str| lines.iter().find(|line| line["event"] == name).unwrap();
    assert_eq!(event("in-world")["by"], "in the world");
    assert_eq!(event("disconnected")["reason"]["text"], "enough");
    let last = lines.last().unwrap();
    assert_eq!(
        (&last["event"], &last["ok"]),
        (&"summary".into(), &false.into())
    );
    assert_eq!(last["received"], 4);
}

#[tokio::test]
async fn a_reader_that_has_gone_is_no_panic() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let child = command(&["protocols"])
        .stdout(writer)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let output = tokio::task::spawn_blocking(|| child.wait_with_output().unwrap())
        .await
        .unwrap();
    assert_eq!(code(&output), Some(exit::OUTPUT_CLOSED));
    assert_eq!(stderr(&output), "");
}

/// Runs the binary with an output that nobody reads.
async fn run_unread(args: &[&str]) -> Output {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = command(args);
    let command = move || command.stdout(writer).output().unwrap();
    tokio::task::spawn_blocking(command).await.unwrap()
}

#[tokio::test]
async fn a_join_ends_as_it_went_whoever_reads_of_it() {
    let works = serve(async |stream| {
        let mut server = Server::new(stream);
        server.join().await;
        server.read_to_end().await;
    });
    let turns_away = serve(async |stream| {
        let mut server = Server::new(stream);
        server.login().await;
        let reason = common::reason("not today");
        server.write(clientbound::KICK, &reason).await.unwrap();
        server.read_to_end().await;
    });
    for (address, ends) in [(works.await, exit::OK), (turns_away.await, exit::FAILED)] {
        let address = address.to_string();
        for more in [&["-vv"][..], &["--jsonl"], &["--count", "2"]] {
            let args = ["join", &address, "--protocol", "47"];
            let output = run_unread(&[&args[..], more].concat()).await;
            assert_eq!(code(&output), Some(ends), "{more:?} {}", stderr(&output));
            assert_eq!(stderr(&output), "");
        }
    }
}

#[tokio::test]
async fn a_join_that_works() {
    let address = serve(async |stream| {
        let mut server = Server::new(stream);
        assert_eq!(server.join().await, "tester");
        server.read_until(serverbound::CHAT).await.unwrap();
        let hello = common::chat("hello there");
        server.write(clientbound::CHAT, &hello).await.unwrap();
        server.read_to_end().await;
    })
    .await
    .to_string();
    let args = [
        "join",
        &address,
        "--protocol",
        "1.8.9",
        "--name",
        "tester",
        "--chat",
        "hi",
        "--for",
        "0.2",
    ];
    let output = run(&args).await;
    let text = stdout(&output);
    assert_eq!(code(&output), Some(exit::OK), "{text}");
    assert!(text.contains("login -> play"), "{text}");
    assert!(text.contains("in the world"), "{text}");
    assert!(!text.contains("keep_alive"), "{text}");
    assert!(!text.contains('\u{1b}'), "a pipe has no colours");

    let output = run(&[&args[..], &["-v"]].concat()).await;
    let lines = stdout(&output).lines().count();
    for line in [
        "-> login         login_start",
        "<- play          login",
        "-> play          chat",
    ] {
        assert!(stdout(&output).contains(line), "{}", stdout(&output));
    }
    let output = run(&[&args[..], &["-vv"]].concat()).await;
    assert!(stdout(&output).lines().count() > lines);
    assert!(stdout(&output).contains(" | "), "{}", stdout(&output));
}

#[tokio::test]
async fn being_turned_away_is_a_failure_with_the_reason() {
    let address = serve(async |stream| {
        let mut server = Server::new(stream);
        server.login().await;
        let reason = common::reason("not \\u001b[2J today");
        server.write(clientbound::KICK, &reason).await.unwrap();
        server.read_to_end().await;
    })
    .await
    .to_string();
    let output = run(&["join", &address, "--protocol", "47"]).await;
    let text = stdout(&output);
    assert_eq!(code(&output), Some(exit::FAILED), "{text}");
    assert!(text.contains("not \\u{1b}[2J today"), "{text}");
}

#[tokio::test]
async fn a_client_that_never_gets_there_is_a_failure() {
    let address = serve(async |stream| {
        let mut server = Server::new(stream);
        server.login().await;
        server.read_to_end().await;
    })
    .await
    .to_string();
    let output = run(&["join", &address, "--protocol", "47", "--timeout", "0.3"]).await;
    let text = stdout(&output);
    assert_eq!(code(&output), Some(exit::FAILED), "{text}");
    assert!(text.contains("not in the world"), "{text}");
    assert!(text.contains("JoinGame"), "{text}");
}

#[tokio::test]
async fn a_swarm_is_counted() {
    let address = serve(async |stream| {
        common::joins(stream).await;
    })
    .await
    .to_string();
    let output = run(&[
        "join",
        &address,
        "--protocol",
        "47",
        "--count",
        "20",
        "--name",
        "bee",
    ])
    .await;
    let text = stdout(&output);
    assert_eq!(code(&output), Some(exit::OK), "{text}");
    assert!(text.contains("20 of 20 in the world"), "{text}");
    assert!(text.contains("bee20"), "{text}");
}

#[tokio::test]
async fn a_swarm_of_which_one_fails_has_failed() {
    let address = serve(async |stream| {
        let mut server = Server::new(stream);
        if server.login().await == "sim2" {
            return;
        }
        for (id, data) in common::world() {
            server.write(id, &data).await.unwrap();
        }
        server.read_to_end().await;
    })
    .await
    .to_string();
    let output = run(&["join", &address, "--protocol", "47", "--count", "3", "-v"]).await;
    let text = stdout(&output);
    assert_eq!(code(&output), Some(exit::FAILED), "{text}");
    assert!(text.contains("2 of 3 in the world"), "{text}");
    assert_eq!(
        text.matches("login_start").count(),
        1,
        "only the failed one's packets: {text}"
    );
}

#[tokio::test]
async fn a_status_is_shown() {
    let address = serve(|stream| status(stream, true)).await.to_string();
    let output = run(&["status", &address, "--protocol", "47"]).await;
    let text = stdout(&output);
    assert_eq!(code(&output), Some(exit::OK), "{text}{}", stderr(&output));
    for part in ["vbspec 1.8", "47", "3 of 20", "A server"] {
        assert!(text.contains(part), "{text}");
    }
    assert!(text.contains("ping"), "{text}");
}

#[tokio::test]
async fn a_status_that_stays_out_is_a_failure() {
    let address = serve(|stream| status(stream, false)).await.to_string();
    let output = run(&["status", &address, "--protocol", "47", "--timeout", "0.3"]).await;
    assert_eq!(code(&output), Some(exit::FAILED), "{}", stdout(&output));
}

#[tokio::test]
async fn an_old_clients_status_is_shown() {
    for (form, request, answer, parts) in [
        (
            &["--legacy"][..],
            &[0xfe, 0x01, 0xfa][..],
            "§1\u{0}127\u{0}1.7.2 to 26.3\0A §6server\u{1b}\u{0}3\u{0}20",
            &["1.7.2 to 26.3", "127", "3 of 20", "A §6server\\u{1b}"][..],
        ),
        (
            &["--legacy", "1.5"],
            &[0xfe, 0x01],
            "§1\u{0}127\0x\0y\u{0}3\u{0}20",
            &["127"],
        ),
        (
            &["--legacy", "1.3"],
            &[0xfe],
            "A server§3§20",
            &["3 of 20", "A server"],
        ),
    ] {
        let address = serve(move |mut stream| async move {
            let mut begin = vec![0; request.len()];
            stream.read_exact(&mut begin).await.unwrap();
            assert_eq!(begin, request);
            let units: Vec<u16> = answer.encode_utf16().collect();
            let mut bytes = vec![0xff, 0, u8::try_from(units.len()).unwrap()];
            bytes.extend(units.into_iter().flat_map(u16::to_be_bytes));
            // The client reads on until it has the whole of it.
            for byte in bytes {
                stream.write_all(&[byte]).await.unwrap();
            }
            // The rest of its question must not turn the end into a reset.
            let _ = stream.read_to_end(&mut Vec::new()).await;
        })
        .await
        .to_string();
        let output = run(&[&["status", &address], form].concat()).await;
        let text = stdout(&output);
        assert_eq!(code(&output), Some(exit::OK), "{text}{}", stderr(&output));
        for part in parts {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}

#[tokio::test]
async fn an_old_clients_status_that_cannot_be_read_is_a_failure() {
    for (answer, part) in [
        (&[][..], "after 0 bytes"),
        (&[0xff, 0], "after 2 bytes"),
        (&[0x0a, 0], "0x0a"),
    ] {
        let address = serve(move |mut stream| async move {
            stream.read_exact(&mut [0; 2]).await.unwrap();
            stream.write_all(answer).await.unwrap();
        })
        .await
        .to_string();
        let output = run(&["status", &address, "--legacy=1.5"]).await;
        let text = stdout(&output);
        assert_eq!(code(&output), Some(exit::FAILED), "{text}");
        assert!(text.contains(part), "{part}: {text}");
    }
}

async fn status(stream: TcpStream, answers: bool) {
    let mut server = Server::new(stream);
    let (_, handshake) = server.read().await.unwrap();
    assert_eq!(handshake.last(), Some(&1));
    assert_eq!(server.read().await, Some((0, Vec::new())));
    if answers {
        let mut data = Vec::new();
        common::put_string(
            &mut data,
            r#"{"version":{"name":"vbspec 1.8","protocol":47},"players":{"max":20,"online":3},"description":{"text":"A server"}}"#,
        );
        server.write(0x00, &data).await.unwrap();
        let (id, ping) = server.read().await.unwrap();
        server.write(id, &ping).await.unwrap();
    }
    server.read_to_end().await;
}

#[cfg(unix)]
#[tokio::test]
async fn an_interrupt_is_an_orderly_end() {
    let (joined, mut seen) = tokio::sync::mpsc::channel(1);
    let (left, mut gone) = tokio::sync::mpsc::channel(1);
    let address = serve(move |stream| {
        let (joined, left) = (joined.clone(), left.clone());
        async move {
            let mut server = Server::new(stream);
            server.join().await;
            server.read_until(0x06).await.unwrap();
            joined.send(()).await.unwrap();
            server.read_to_end().await;
            left.send(()).await.unwrap();
        }
    })
    .await
    .to_string();
    let mut child = command(&["join", &address, "--protocol", "47", "--for", "600"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    seen.recv().await.unwrap();
    let pid = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &pid])
            .status()
            .unwrap()
            .success()
    );
    gone.recv().await.unwrap();
    let status = tokio::task::spawn_blocking(move || {
        let status = child.wait().unwrap();
        let mut text = String::new();
        child
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
        (status, text)
    })
    .await
    .unwrap();
    assert_eq!(
        status.0.code(),
        Some(i32::from(exit::INTERRUPTED)),
        "{}",
        status.1
    );
    assert!(status.1.contains("closed by the client"), "{}", status.1);
}
