//! The exit codes of the `sim-client` binary.

/// The client came into the world and stayed for as long as it was told to; or the status was answered; or there was
/// nothing to go wrong.
pub const OK: u8 = 0;

/// The client met a fault that a real one would leave or crash on, was stuck, was disconnected or lost the connection.
pub const FAILED: u8 = 1;

/// The command line is wrong: an unknown protocol, an address that is none or cannot be found.
pub const USAGE: u8 = 2;

/// Nobody accepted the connection.
pub const NOT_CONNECTED: u8 = 3;

/// Ctrl-C, as shells count it (128 + SIGINT). The connection was closed first.
pub const INTERRUPTED: u8 = 130;

/// Nobody reads the output any more, as shells count it (128 + SIGPIPE), and there was nothing to do but to print: a
/// list. What a server is told to have done wrong does not depend on who reads of it.
pub const OUTPUT_CLOSED: u8 = 141;
