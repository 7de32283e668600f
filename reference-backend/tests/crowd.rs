//! The program with few files under a crowd that says nothing, over TCP.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// `ulimit -n`: 64 of the usual 1,024.
const FILES: &str = "64";
const CROWD: usize = 200;

/// Starts the program in a shell that has lowered its limit for good, and answers where it listens.
fn serve() -> (Child, String, String) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("crowd");
    std::fs::create_dir_all(folder.join("plugins")).expect("the folder can be made");
    let config = "bind = \"127.0.0.1:0\"\n[limits]\nlogin_timeout_short_ms = 100\n";
    std::fs::write(folder.join("host.toml"), config).expect("it is written");
    let mut child = Command::new("sh")
        .args(["-c", "ulimit -n \"$0\"; exec \"$@\"", FILES])
        .arg(env!("CARGO_BIN_EXE_reference-backend"))
        .args(["serve", "--config", "host.toml"])
        .current_dir(folder)
        .env_remove("RUST_LOG")
        .stderr(Stdio::piped())
        .spawn()
        .expect("sh runs");
    let mut log = BufReader::new(child.stderr.take().expect("it is piped")).lines();
    let mut before = String::new();
    let address = loop {
        let line = log.next().expect("it listens").expect("it is text");
        if let Some((_, address)) = line.split_once("listening on ") {
            break address.to_owned();
        }
        before.push_str(&line);
    };
    // Nobody reads what comes then, which must not matter.
    std::mem::forget(log);
    (child, before, address)
}

/// What a player reads who logs in to a host without plugins and servers: bytes of a text, or nothing.
fn told(address: &str) -> String {
    let login = [
        // Handshake: protocol 47, "host", port 1, login. Login start: "late".
        &[0x0a, 0x00, 47, 4, b'h', b'o', b's', b't', 0, 1, 2][..],
        &[0x06, 0x00, 4, b'l', b'a', b't', b'e'],
    ];
    let mut stream = TcpStream::connect(address).expect("the host listens");
    // Either may fail where the host has closed the connection already.
    let _ = stream.write_all(&login.concat());
    let mut read = Vec::new();
    let _ = stream.read_to_end(&mut read);
    String::from_utf8_lossy(&read).into_owned()
}

#[test]
fn with_few_files_a_crowd_that_says_nothing_neither_ends_the_host_nor_keeps_players_out() {
    let (mut child, log, address) = serve();
    assert!(
        log.contains("connections at one time instead of the 1024 of `max_connections`")
            && log.contains("may open 64 files"),
        "{log}"
    );
    let crowd: Vec<_> = (0..CROWD)
        .map(|_| TcpStream::connect(&address).expect("the host listens"))
        .collect();
    loop {
        let told = told(&address);
        if !told.is_empty() && !told.contains("logging in") && !told.contains("is full") {
            assert!(told.contains("text"), "{told}");
            break;
        }
        let ended = child.try_wait().expect("it can be asked");
        assert_eq!(ended, None, "the host has ended");
    }
    drop(crowd);
    let pid = child.id().to_string();
    let sent = Command::new("kill").args(["-s", "TERM", &pid]).status();
    assert!(sent.expect("kill runs").success());
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}
