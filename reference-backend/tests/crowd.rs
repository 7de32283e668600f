//! The program with few files under a crowd that says nothing, over TCP.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Of the usual 1,024, and of the half million that a system usually lets a process have.
const FEW: &str = "-n 64";
/// What the program may raise by itself.
const FEW_AT_FIRST: &str = "-Sn 64";
const CROWD: usize = 200;

/// Starts the program in a shell that has lowered its limit of files, and answers what the program says and where it
/// listens.
fn serve(name: &str, ulimit: &str) -> (Child, String, String) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("crowd")
        .join(name);
    std::fs::create_dir_all(folder.join("plugins")).expect("the folder can be made");
    let config = "bind = \"127.0.0.1:0\"\n[limits]\nlogin_timeout_short_ms = 100\n";
    std::fs::write(folder.join("host.toml"), config).expect("it is written");
    let mut child = Command::new("sh")
        .args(["-c", "ulimit $0; exec \"$@\"", ulimit])
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
    let (mut child, log, address) = serve("few", FEW);
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
    stop(child);
}

#[cfg(target_os = "linux")]
#[test]
fn the_limit_of_files_is_raised_to_what_the_configuration_needs() {
    let (child, log, _) = serve("few-at-first", FEW_AT_FIRST);
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", child.id()));
    let limits = limits.expect("the system tells");
    let files = limits
        .lines()
        .find(|line| line.starts_with("Max open files"));
    let soft = files.and_then(|line| line.split_whitespace().nth(3)?.parse::<u64>().ok());
    assert!(soft.is_some_and(|soft| soft > 1024), "{limits}");
    assert!(!log.contains("instead of"), "{log}");
    stop(child);
}

fn stop(mut child: Child) {
    let pid = child.id().to_string();
    let sent = Command::new("kill").args(["-s", "TERM", &pid]).status();
    assert!(sent.expect("kill runs").success());
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}
