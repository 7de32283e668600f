//! What the tests of the harness share.
#![allow(dead_code, reason = "each test target uses its part")]

use std::path::PathBuf;
use std::sync::LazyLock;

use vbspec::subject::guest::GuestSubject;
use vbspec::subject::options::GuestOptions;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

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

/// A guest that is written as text.
pub fn text(name: &str) -> String {
    let path = root().join("fixtures/wat").join(name);
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The component of a text, for one of the contract's worlds.
pub fn componentized(text: &str, world: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve
        .push_path(root().join("wit"))
        .expect("the contract parses");
    let world = resolve
        .select_world(&[package], Some(world))
        .expect("the world is there");
    let mut core = wat::parse_str(text).expect("the text is good");
    embed_component_metadata(&mut core, &resolve, world, StringEncoding::UTF8)
        .expect("the metadata fits");
    ComponentEncoder::default()
        .validate(true)
        .module(&core)
        .expect("the module fits")
        .encode()
        .expect("it encodes")
}
