//! The program: what it says of mistakes, and its exit codes.

use std::path::PathBuf;
use std::process::{Command, Output};

/// A folder with a configuration, and with the lobby under the name `lobby`.
fn folder(name: &str, config: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(folder.join("plugins")).expect("the files can be written");
    let artifact = format!(
        "{}/../fixtures/artifacts/lobby.wasm",
        env!("CARGO_MANIFEST_DIR")
    );
    std::fs::copy(artifact, folder.join("plugins/lobby.wasm")).expect("the files can be written");
    std::fs::write(folder.join("host.toml"), config).expect("the files can be written");
    folder
}

fn run(arguments: &[&str], folder: &PathBuf) -> (Option<i32>, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(env!("CARGO_BIN_EXE_reference-backend"))
        .args(arguments)
        .current_dir(folder)
        .env_remove("RUST_LOG")
        .output()
        .expect("the program runs");
    let text = [stdout, stderr].concat();
    (status.code(), String::from_utf8_lossy(&text).into_owned())
}

fn check(name: &str, config: &str) -> (Option<i32>, String) {
    run(&["check", "--config", "host.toml"], &folder(name, config))
}

#[test]
fn a_good_configuration_is_good() {
    let (code, text) = check(
        "good",
        "[plugins.lobby]\npermissions = [\"virtual-backend\"]\n",
    );
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("host.toml: good"), "{text}");
    for part in [
        "lobby: good; ",
        " of 200000 items, ",
        "memory at the limits: 64 MiB in guests, 256 MiB waiting between them and 1024 clients: 320 MiB",
        "files at the limits: 1024 connections, 0 in data folders, ",
    ] {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
}

#[test]
fn every_plugin_that_is_wrong_is_told() {
    let (code, text) = check(
        "all-wrong",
        "[plugins.lobby]\n[plugins.other]\n[plugins.third]\n",
    );
    assert_eq!(code, Some(2), "{text}");
    for part in [
        "plugins_dir must hold other.wasm",
        "plugins_dir must hold third.wasm",
        "permissions = [\"virtual-backend\"]",
    ] {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
    assert!(!text.contains("host.toml: good"), "{text}");
}

#[test]
fn what_is_found_does_not_depend_on_who_reads_it() {
    let unread = |folder: &PathBuf| {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let status = Command::new(env!("CARGO_BIN_EXE_reference-backend"))
            .args(["check", "--config", "host.toml"])
            .current_dir(folder)
            .stderr(writer.try_clone().expect("a pipe"))
            .stdout(writer)
            .status();
        status.expect("the program runs").code()
    };
    let table = "[plugins.lobby]\npermissions = [\"virtual-backend\"]\n";
    assert_eq!(unread(&folder("unread", table)), Some(0));
    let wrong = "[plugins.lobby]\npermission = []\n";
    assert_eq!(unread(&folder("unread-wrong", wrong)), Some(2));
}

#[test]
fn mistakes_exit_with_2_and_say_how_to_mend_them() {
    let cases = [
        (
            "unknown",
            "[plugins.lobby]\npermission = []\n",
            "did you mean `permissions`?",
        ),
        (
            "missing",
            "[plugins.other]\n",
            "plugins_dir must hold other.wasm",
        ),
        (
            "denied",
            "[plugins.lobby]\n",
            "permissions = [\"virtual-backend\"]",
        ),
        (
            "small",
            "[plugins.lobby.limits]\ncomponent_bytes = 1000\n",
            "raise `component_bytes`",
        ),
    ];
    for (name, config, help) in cases {
        let (code, text) = check(name, config);
        assert_eq!(code, Some(2), "{text}");
        assert!(
            text.contains("Error: ") && text.contains(help),
            "{name}: {text}"
        );
    }
    let (code, text) = run(&["check"], &folder("usage", ""));
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("--config"), "{text}");
}

#[test]
fn a_data_folder_that_cannot_be_exits_with_2() {
    let folder = folder("data", "data_dir = \"host.toml\"\n[plugins.files]\n");
    let artifact = format!(
        "{}/../fixtures/artifacts/files.wasm",
        env!("CARGO_MANIFEST_DIR")
    );
    std::fs::copy(artifact, folder.join("plugins/files.wasm")).expect("the files can be written");
    for command in ["check", "serve"] {
        let (code, text) = run(&[command, "--config", "host.toml"], &folder);
        assert_eq!(code, Some(2), "{text}");
        assert!(
            text.contains("Error: plugin files: its data folder host.toml/files cannot be made: host.toml is no folder")
                && text.contains("set `data_dir` to a folder"),
            "{text}"
        );
    }
}

#[test]
fn an_address_that_is_none_exits_with_2() {
    for (bind, help) in [
        ("127.0.0.1", "write it as \"127.0.0.1:25565\""),
        (
            "127.0.0.1:99999",
            "use 1 to 65535, or 0 for any that is free",
        ),
    ] {
        let config = format!("bind = \"{bind}\"\n");
        let (code, text) = run(
            &["serve", "--config", "host.toml"],
            &folder("none", &config),
        );
        assert_eq!(code, Some(2), "{text}");
        assert!(text.contains(help), "{text}");
    }
}

#[test]
fn an_address_that_this_machine_does_not_have_exits_with_3() {
    // Reserved for documentation.
    let folder = folder("elsewhere", "bind = \"192.0.2.1:25565\"\n");
    let (code, text) = run(&["serve", "--config", "host.toml"], &folder);
    assert_eq!(code, Some(3), "{text}");
    assert!(
        text.contains("cannot listen on 192.0.2.1:25565")
            && text.contains("an address that this machine has"),
        "{text}"
    );
}

#[test]
fn an_address_that_is_taken_exits_with_3() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let config = format!("bind = \"{}\"\n", taken.local_addr().unwrap());
    let (code, text) = run(
        &["serve", "--config", "host.toml"],
        &folder("taken", &config),
    );
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("cannot listen on 127.0.0.1"), "{text}");
}
