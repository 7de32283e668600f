//! What the world does to the host's program (the binary `host-faults`), and the player beside it, whom benchmarks of the
//! harness use too.
//!
//! - [`player`]: a player of the probe, whose round trips are measured.
//!
//! The binary's own: `faults` (one function each), `process` (the program as an operator runs it), `crowd` (connections
//! that say nothing).
//!
//! ```
//! // What a player of the probe opens a connection with, on any stream.
//! let opening = host_faults::player::opening("Alex");
//! assert!(opening.ends_with(b"Alex"));
//! ```

#![forbid(unsafe_code)]

pub mod player;
