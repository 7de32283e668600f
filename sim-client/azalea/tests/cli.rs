//! The program as a harness runs it: exit codes and messages.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::net::TcpListener;
use std::process::{Command, Output};

fn witness(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_azalea-witness"))
        .args(args)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn a_refused_connection_is_an_error_that_says_so() {
    // The port is free once the listener is gone.
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let output = witness(&[&address.to_string(), "--name", "nobody"]);
    assert_eq!(output.status.code(), Some(1));
    let error = text(&output.stderr);
    assert!(
        error.starts_with(&format!("nobody: cannot connect to {address}: ")),
        "{error}"
    );
    assert!(!error.contains("panicked"), "{error}");
    let lines = text(&output.stdout);
    assert!(lines.contains(r#""event":"not-connected""#), "{lines}");
    assert!(lines.contains(r#""end":"not-connected""#), "{lines}");
}

#[test]
fn a_server_that_closes_at_once_is_an_error_that_says_so() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || drop(listener.accept().unwrap()));
    let output = witness(&[&address.to_string()]);
    server.join().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).starts_with("azalea: "),
        "{}",
        text(&output.stderr)
    );
    assert!(text(&output.stdout).contains(r#""event":"disconnected""#));
}

#[test]
fn a_record_that_cannot_be_written_is_an_error_that_says_so() {
    let output = witness(&["127.0.0.1:1", "--record", "no/such/folder/session"]);
    assert_eq!(output.status.code(), Some(1));
    let error = text(&output.stderr);
    assert!(
        error.starts_with("error: cannot record to no/such/folder/session: "),
        "{error}"
    );
}

#[test]
fn a_wrong_command_line_is_told_from_a_failure() {
    for args in [
        &[][..],
        &["host:0"],
        &["127.0.0.1", "--count", "0"],
        &["127.0.0.1", "--count", "201"],
        &["127.0.0.1", "--for", "-1"],
        &["127.0.0.1", "--name", "with space"],
        &["127.0.0.1", "--name", "sixteen_letters_", "--count", "2"],
        &["127.0.0.1", "--record", "session", "--count", "2"],
        &["host.invalid"],
    ] {
        let output = witness(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(text(&output.stderr).starts_with("error: "), "{args:?}");
    }
}
