//! `vbspec host --adapter` and what goes wrong with an adapter half-way.
#![cfg(unix)]

mod support;

use std::process::{Command, Output};

/// An adapter for the shell that answers as it is told: `HELLO` to `hello`, `START` to `start`, and everything else.
fn adapter(on_start: &str) -> String {
    let program = format!(
        r#"while read -r line; do
             id=$(printf %s "$line" | sed "s/.*.id.:\([0-9]*\).*/\1/")
             case $line in
             *hello*) echo "{{\"answer\":$id,\"protocol\":1,\"name\":\"shell\",\"version\":\"1\",\"contract\":\"c\",\"protocols\":[47,767],\"hosts\":8}}" ;;
             *start*) {on_start} ;;
             *) echo "{{\"answer\":$id}}" ;;
             esac
           done"#
    );
    format!("sh -c {}", vbspec::shell::quote(&program))
}

fn judged(on_start: &str, more: &[&str]) -> (Option<i32>, String) {
    let Output { status, stdout, .. } = Command::new(env!("CARGO_BIN_EXE_vbspec"))
        .args([
            "host",
            "-p",
            "767",
            "-c",
            "BRG-04",
            "--adapter",
            &adapter(on_start),
        ])
        .args(more)
        .current_dir(support::root())
        .output()
        .expect("vbspec runs");
    let text = String::from_utf8_lossy(&stdout).into_owned();
    (status.code(), text)
}

#[test]
fn an_adapter_that_fails_half_way_ends_the_run_with_one_sentence() {
    for (on_start, sentence) in [
        (
            "echo dying >&2; exit 9",
            "shell 1 does not start: the adapter has ended (exit status: 9)",
        ),
        (
            "echo what",
            "shell 1 does not start: the adapter wrote a line that is no message of the protocol: \"what\"",
        ),
        (
            r#"echo "{\"answer\":$id,\"address\":\"127.0.0.1:1\"}""#,
            "shell 1 does not start: the adapter answered the address 127.0.0.1:1, where nobody listens",
        ),
        (
            r#"echo "{\"answer\":$id,\"address\":\"somewhere\"}""#,
            "shell 1 does not start: the adapter's answer to `start` has neither `refused` nor an `address`",
        ),
    ] {
        let (code, text) = judged(on_start, &[]);
        assert_eq!(code, Some(3), "{on_start}: {text}");
        assert!(text.contains(sentence), "{on_start}: {text}");
        assert!(!text.contains("fail "), "{on_start}: {text}");
    }
}

#[test]
fn a_host_that_refuses_every_plan_is_untestable_and_no_hang() {
    let refuse = r#"echo "{\"answer\":$id,\"refused\":\"no plugins here\"}""#;
    let (code, text) = judged(refuse, &["--format", "jsonl"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("no plugins here"), "{text}");
    assert!(!text.contains("harness-error"), "{text}");
}

#[test]
fn a_guest_to_which_nobody_gets_is_not_judged() {
    for (on_start, told) in [
        (
            r#"echo "{\"answer\":$id,\"refused\":\"no plugins here\"}""#,
            "lobby.wasm does not start: the host does not start: no plugins here",
        ),
        (
            "exit 9",
            "lobby.wasm does not start: the adapter has ended (exit status: 9)",
        ),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_vbspec"))
            .args(["guest", "fixtures/artifacts/lobby.wasm", "-c", "JOIN-04"])
            .args(["--adapter", &adapter(on_start)])
            .current_dir(support::root())
            .output()
            .expect("vbspec runs");
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(3), "{text}");
        assert!(text.contains(told), "{told}: {text}");
        assert!(!text.contains("join-game-comes-once"), "{text}");
    }
}

#[test]
fn what_only_real_time_knows_wants_an_adapter() {
    for option in ["--long", "--allow-flaky"] {
        let output = Command::new(env!("CARGO_BIN_EXE_vbspec"))
            .args(["guest", "fixtures/artifacts/lobby.wasm", option])
            .current_dir(support::root())
            .output()
            .expect("vbspec runs");
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains("--adapter"), "{text}");
    }
}

#[test]
fn protocols_that_the_host_does_not_take_are_not_judged() {
    let refuse = r#"echo "{\"answer\":$id,\"refused\":\"no\"}""#;
    let output = Command::new(env!("CARGO_BIN_EXE_vbspec"))
        .args(["host", "-c", "BRG-04", "--format", "jsonl", "--adapter"])
        .arg(adapter(refuse))
        .output()
        .expect("vbspec runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains(r#""protocols":[47,767]"#), "{text}");
}

#[test]
fn a_command_that_is_none_is_told_so() {
    for (command, sentence) in [
        (
            "'open",
            "is no command: a quote may be open, or it is empty",
        ),
        ("", "is no command: a quote may be open, or it is empty"),
        (
            "/nowhere/adapter",
            "the adapter `/nowhere/adapter` does not start",
        ),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_vbspec"))
            .args(["host", "-p", "767", "-c", "BRG-04", "--adapter", command])
            .output()
            .expect("vbspec runs");
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(3), "{command}: {text}");
        assert!(text.contains(sentence), "{command}: {text}");
    }
}
