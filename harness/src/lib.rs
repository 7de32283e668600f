//! vbspec judges virtual backends: does this guest, does this host behave as `wit/SPEC.md` says?
//!
//! As a library it judges from a test of your own. [`test_main!`] is the whole of a plugin's `tests/conformance.rs`;
//! [`judge_guest`] gives the verdicts as values; [`judge_host`] judges a proxy within its own tests, once it implements
//! [`HostUnderTest`]; [`judge_adapter`] asks another program for its hosts.
//!
//! ```
//! let faulty = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/artifacts/faulty.wasm");
//! let judgement = vbspec::judge_guest(faulty)
//!     .config("mutant", "biome-9999")
//!     .protocols("1.21.4")
//!     .cases("JOIN-10")
//!     .run()?;
//! assert!(!judgement.is_conforming());
//! for failure in judgement.failures() {
//!     assert_eq!((failure.case.as_str(), failure.protocol), ("chunks-decode-whole", 769));
//! }
//! // What was expected, what came instead with its bytes, and the command that repeats it.
//! println!("{judgement}");
//! # Ok::<(), vbspec::Error>(())
//! ```
//!
//! Inside:
//!
//! ```text
//! wit/SPEC.md -> spec -> clause ─┐
//!                        cases ──┴─> select -> runner -> subject (one runtime and one virtual clock each) -> verdict
//!                                                 └─> event -> report (terminal, jsonl, junit)
//! cli, builders, test_main ──> judge ──^
//! ```
//!
//! | Module | Holds |
//! |---|---|
//! | `builders`, `judgement`, `error`, `test_main` | the library: what is judged, and how it came out |
//! | `judge` | a run, whoever asks for it |
//! | `vbspec-cases` | clauses, cases and what they work with: [`spec`], [`case`], [`verdict`] |
//! | `subject` | the guest or host that is judged in this process |
//! | `outside`, `adapter` | hosts that are not: anybody's, and those of another program |
//! | `select`, `runner` | which cases run on which protocols, and running them |
//! | `soak` | worlds drawn from seeds, and what must hold in each |
//! | `diff` | what differs between two runs |
//! | [`event`], [`report`] | the stream of events, and the reporters that consume it |
//! | `selftest` | every broken guest and host against the cases |
//! | `cli`, [`exit`] | the command line, and how the process ends |

#![forbid(unsafe_code)]

mod adapter;
mod builders;
mod cli;
mod diff;
mod error;
pub mod event;
pub mod exit;
mod judge;
mod judgement;
mod outside;
pub mod report;
mod test_main;

// For this repository's own tests and benchmarks; nothing that a user should rest on.
#[doc(hidden)]
pub mod runner;
#[doc(hidden)]
pub mod select;
#[cfg(feature = "selftest")]
#[doc(hidden)]
pub mod selftest;
#[doc(hidden)]
pub mod soak;
#[doc(hidden)]
pub mod subject;

pub use builders::{
    AdapterCommand, GuestFile, Hosts, Judging, Words, judge_adapter, judge_guest, judge_host,
};
#[doc(hidden)]
pub use cli::main as command_line;
pub use error::Error;
pub use judgement::Judgement;
pub use outside::{
    About, Feature, HostLog, HostSetup, HostUnderTest, NotStarted, PluginSetup, RunningHost,
};
#[doc(hidden)]
pub use test_main::run_tests;
pub use vbspec_cases::lab::door::Choices;
pub use vbspec_cases::{case, cases, clause, protocols, spec, verdict};
#[doc(hidden)]
pub use vbspec_cases::{dump, lab, rng, sent, shell, suggest};

/// What becomes of a player's second connection, for [`HostSetup::duplicate`].
pub use reference_backend::Duplicate;
/// How loud a line of a log is, for [`HostLog::line`].
pub use reference_backend::LogLevel;
