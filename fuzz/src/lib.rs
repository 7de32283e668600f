//! What the fuzz targets share.
//!
//! - [`memory`]: how much a run may allocate, held while it runs.
//! - [`split`]: a stream cut into reads, from a seed.
//! - [`wire`]: protocols by a byte, and the packets that lead into a state.
//! - [`texts`]: which text components both sides must read alike.
//! - `guests`, `client`: the committed guests and a client in bytes; with the feature `bridge`.
//!
//! The targets stand in `fuzz_targets`, each with what it holds in its first lines. Seeds are made by
//! `seeds.rs`, dictionaries stand in `dictionaries`.

#[cfg(feature = "bridge")]
pub mod client;
#[cfg(feature = "bridge")]
pub mod guests;
pub mod memory;
pub mod split;
pub mod texts;
pub mod wire;
