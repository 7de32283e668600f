//! What `bindgen!` makes of the contract. Borrowing, so that a packet goes into a guest without being copied first.

#![allow(missing_docs)]

wasmtime::component::bindgen!({
    path: "../wit",
    world: "virtual-backend-plugin",
    imports: { default: trappable },
    ownership: Borrowing { duplicate_if_necessary: true },
    with: {
        "infrarust:plugin/virtual-backend.virtual-backend-session": super::state::SessionHandle,
    },
});
