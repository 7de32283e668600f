//! Files that are none, and files that are too large: refused at once, whichever command is given one.

use std::path::PathBuf;
use std::process::Command;

use vbspec::exit::Exit;

fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
        .join("unreadable")
        .join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).expect("what an earlier run left can be removed");
    }
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    folder
}

/// Each command that takes a component says this of it, and that it does not start.
fn every_command(file: &str, said: &str) {
    for arguments in [
        ["guest", file].as_slice(),
        &["serve", file],
        &["diff", file, file],
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_vbspec"))
            .args(arguments)
            .output()
            .expect("the program runs");
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        let code = i32::from(Exit::SubjectDoesNotStart.code());
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
        assert!(text.contains(said), "{arguments:?}: {text}");
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_that_nobody_writes_to_is_named() {
    let pipe = folder("pipe").join("x.wasm");
    let made = Command::new("mkfifo").arg(&pipe).status();
    assert!(made.expect("mkfifo runs").success());
    let pipe = pipe.to_str().expect("UTF-8");
    every_command(pipe, "it is a pipe, expected a file");
}

#[test]
fn a_file_that_is_larger_than_any_memory_is_not_read() {
    let path = folder("sparse").join("x.wasm");
    let file = std::fs::File::create(&path).expect("the file can be made");
    file.set_len(1 << 42).expect("the system has sparse files");
    let path = path.to_str().expect("UTF-8");
    every_command(path, "4398046511104 bytes");
}
