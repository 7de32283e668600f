//! What the tests of the harness share.
#![allow(dead_code, reason = "each test target uses its part")]

use std::path::PathBuf;
use std::sync::LazyLock;

use vbspec::subject::guest::GuestSubject;
use vbspec::subject::options::GuestOptions;

/// A committed component.
pub fn artifact(name: &str) -> PathBuf {
    root().join("fixtures/artifacts").join(name)
}

/// The repository.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The lobby, compiled when a test first asks for it.
pub static LOBBY: LazyLock<GuestSubject> = LazyLock::new(|| guest("lobby.wasm", &[]));

/// A committed guest with lines of configuration.
pub fn guest(name: &str, config: &[&str]) -> GuestSubject {
    let config: Vec<String> = config.iter().map(|line| (*line).to_owned()).collect();
    let path = artifact(name);
    let options = GuestOptions::new(&path.to_string_lossy(), &config, &[], &[])
        .expect("the options are good");
    GuestSubject::start(options).unwrap_or_else(|error| panic!("{name}: {error}"))
}
