//! The whole of a plugin's conformance test, for the lobby; `.ci/plugin` has one outside of the workspace.

vbspec::test_main!(
    vbspec::judge_guest("../fixtures/artifacts/lobby.wasm")
        .config("greeting", "hello")
        .protocols([47, 767])
        .cases(["META", "KA-03"])
);
