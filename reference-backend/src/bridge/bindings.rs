//! What `bindgen!` makes of the contract.

#![allow(missing_docs)]

wasmtime::component::bindgen!({
    path: "../wit",
    world: "virtual-backend-plugin",
    imports: { default: trappable },
    with: {
        "infrarust:plugin/virtual-backend.virtual-backend-session": super::state::SessionHandle,
    },
});
