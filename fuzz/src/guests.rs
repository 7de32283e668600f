//! The committed guests, and an engine that compiles each once a process.

use std::sync::LazyLock;

use reference_backend::{Capability, CpuMeter, GuestComponent, GuestEngine, PluginConfig};

/// The lobby, the probe and the faulty guest, as they are committed.
pub const ARTIFACTS: [&[u8]; 3] = [
    include_bytes!("../../fixtures/artifacts/lobby.wasm"),
    include_bytes!("../../fixtures/artifacts/probe.wasm"),
    include_bytes!("../../fixtures/artifacts/faulty.wasm"),
];

/// Fuel, so that an endless loop of a guest ends at the same place on every machine.
pub static ENGINE: LazyLock<GuestEngine> =
    LazyLock::new(|| GuestEngine::new(CpuMeter::Fuel).unwrap_or_else(|error| panic!("{error}")));

/// The guest that does what its client tells it.
pub static PROBE: LazyLock<GuestComponent> = LazyLock::new(|| {
    ENGINE
        .load("probe", ARTIFACTS[1])
        .unwrap_or_else(|error| panic!("{error}"))
});

/// The id of the probe's commands.
pub const COMMAND: i32 = 0x7777;

/// Granted what a virtual backend needs.
pub fn granted() -> PluginConfig {
    PluginConfig::with_permissions(&[Capability::VirtualBackend])
}
