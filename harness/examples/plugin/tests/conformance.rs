//! Whether the plugin behaves as the specification says: a test for each case, on every protocol that has it.

vbspec::test_main!("waiting-room.wasm");
