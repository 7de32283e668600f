//! What the system says to the program while it serves, and files that are none.
#![cfg(unix)]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("signals")
        .join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).expect("what an earlier run left can be removed");
    }
    std::fs::create_dir_all(folder.join("plugins")).expect("the folder can be made");
    std::fs::write(folder.join("host.toml"), "bind = \"127.0.0.1:0\"\n").expect("it is written");
    folder
}

fn program(folder: &Path, command: &str) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_reference-backend"));
    program
        .args([command, "--config", "host.toml"])
        .current_dir(folder)
        .env_remove("RUST_LOG");
    program
}

/// A program that serves, and its log.
struct Serving {
    child: Child,
    log: std::io::Lines<BufReader<std::process::ChildStderr>>,
}

impl Serving {
    fn start(name: &str) -> Self {
        let mut child = program(&folder(name), "serve")
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let log = child.stderr.take().expect("it is piped");
        let mut serving = Self {
            child,
            log: BufReader::new(log).lines(),
        };
        serving.line("listening on ");
        serving
    }

    /// Waits for a line of the log.
    fn line(&mut self, part: &str) {
        let mut lines = Vec::new();
        for line in self.log.by_ref() {
            let line = line.expect("it is text");
            if line.contains(part) {
                return;
            }
            lines.push(line);
        }
        panic!("no {part:?} in {lines:#?}");
    }

    fn send(&self, signal: &str) {
        let sent = Command::new("kill")
            .args(["-s", signal, &self.child.id().to_string()])
            .status();
        assert!(sent.expect("kill runs").success());
    }

    fn code(mut self) -> Option<i32> {
        self.child.wait().expect("it ends").code()
    }
}

#[test]
fn those_that_ask_for_an_end_stop_it_in_order() {
    for signal in ["TERM", "INT", "QUIT"] {
        let mut serving = Serving::start(signal);
        serving.send(signal);
        serving.line(&format!("SIG{signal}"));
        serving.line("stopping");
        assert_eq!(serving.code(), Some(0), "{signal}");
    }
}

#[test]
fn those_that_ask_for_nothing_are_answered_in_the_log() {
    let mut serving = Serving::start("ignored");
    for signal in ["HUP", "USR1", "USR2"] {
        serving.send(signal);
        serving.line(&format!("SIG{signal}: nothing is read again"));
    }
    serving.send("XFSZ");
    serving.send("PIPE");
    serving.send("TERM");
    serving.line("stopping");
    assert_eq!(serving.code(), Some(0));
}

fn pipe(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status();
    assert!(made.expect("mkfifo runs").success());
}

fn fails(folder: &Path, command: &str) -> String {
    let output = program(folder, command).output().expect("the program runs");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{text}");
    text
}

#[test]
fn what_is_no_file_is_refused_at_once() {
    let place = folder("no-file");
    let plugin = place.join("plugins/x.wasm");
    std::fs::write(place.join("host.toml"), "[plugins.x]\n").expect("it is written");
    for command in ["check", "serve"] {
        pipe(&plugin);
        let text = fails(&place, command);
        assert!(
            text.contains("x.wasm: cannot be read: it is a pipe, expected a file"),
            "{text}"
        );
        std::fs::remove_file(&plugin).expect("it is there");
    }
    std::fs::create_dir(&plugin).expect("the folder can be made");
    let text = fails(&place, "check");
    assert!(text.contains("it is a folder, expected a file"), "{text}");

    let config = place.join("host.toml");
    std::fs::remove_file(&config).expect("it is there");
    pipe(&config);
    let text = fails(&place, "serve");
    assert!(
        text.contains("host.toml: cannot be read: it is a pipe, expected a file"),
        "{text}"
    );
}

#[test]
fn a_component_that_is_too_large_is_not_read() {
    let place = folder("sparse");
    std::fs::write(place.join("host.toml"), "[plugins.x]\n").expect("it is written");
    let plugin = std::fs::File::create(place.join("plugins/x.wasm")).expect("it can be made");
    // More than any machine can hold.
    plugin
        .set_len(1 << 42)
        .expect("the system has sparse files");
    let text = fails(&place, "check");
    assert!(
        text.contains(
            "plugin x: 4398046511104 bytes, at most 67108864 are allowed; raise `component_bytes`"
        ),
        "{text}"
    );
}
