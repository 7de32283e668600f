//! Guests written as WebAssembly text, made components of the contract.

use super::ENGINE;
use reference_backend::{GuestComponent, LoadError};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// The folder of the contract.
pub fn wit() -> String {
    format!("{}/../wit", env!("CARGO_MANIFEST_DIR"))
}

/// A core module in text, componentized for a world of the contract.
pub fn bytes(text: &str, world: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(wit()).expect("the contract parses");
    bytes_of(text, &resolve, package, world)
}

/// The same for a contract given as text.
pub fn bytes_of_other(text: &str, contract: &str, world: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let package = resolve
        .push_str("other.wit", contract)
        .expect("the contract parses");
    bytes_of(text, &resolve, package, world)
}

fn bytes_of(text: &str, resolve: &Resolve, package: wit_parser::PackageId, world: &str) -> Vec<u8> {
    let mut core = wat::parse_str(text).unwrap_or_else(|error| panic!("{error}"));
    let world = resolve
        .select_world(&[package], Some(world))
        .expect("the world is there");
    embed_component_metadata(&mut core, resolve, world, StringEncoding::UTF8)
        .expect("the metadata fits");
    ComponentEncoder::default()
        .validate(true)
        .module(&core)
        .expect("the module fits the world")
        .encode()
        .unwrap_or_else(|error| panic!("{error:#}"))
}

/// A guest of the world `virtual-backend-plugin`.
pub fn backend(text: &str) -> GuestComponent {
    load(&bytes(text, "virtual-backend-plugin")).unwrap_or_else(|error| panic!("{error}"))
}

/// A guest of the world `plugin`.
pub fn plain(text: &str) -> GuestComponent {
    load(&bytes(text, "plugin")).unwrap_or_else(|error| panic!("{error}"))
}

pub fn load(bytes: &[u8]) -> Result<GuestComponent, LoadError> {
    ENGINE.load("guest", bytes)
}
