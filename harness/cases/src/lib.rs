//! What a virtual backend is judged by: the clauses, the cases that check them, and what a case works with.
//!
//! ```text
//! wit/SPEC.md -> spec -> clause ─┐
//!                        cases ──┴─> lab -> door -> a guest or a host, wherever it runs
//!                                     └─> verdict
//! ```
//!
//! | Module | Holds |
//! |---|---|
//! | [`clause`], [`spec`] | the clauses, read from the text that states them |
//! | [`case`], [`cases`] | what checks them: one file for each claim |
//! | [`lab`] | what a case works with: the [door](lab::door) to a host, clients, and what was seen of both |
//! | [`verdict`] | how a case came out, and the evidence |
//! | [`sent`], [`dump`] | what a guest sent, in few words and byte for byte |
//! | [`protocols`], [`rng`], [`shell`], [`suggest`] | sets of protocols, draws from a seed, words of a command line, nearest names |
//!
//! Nothing here knows a host: not the reference, and no engine for WebAssembly.
//!
//! ```
//! let clause = vbspec_cases::spec::registry().get("VB-KA-03").expect("a clause of the text");
//! assert!(clause.sentence.contains("keep-alive"));
//! let checked = vbspec_cases::cases::all().iter().any(|case| case.clauses.contains(&"VB-KA-03"));
//! assert!(checked);
//! ```

#![forbid(unsafe_code)]

pub mod case;
pub mod cases;
pub mod clause;
pub mod dump;
pub mod lab;
pub mod protocols;
pub mod rng;
pub mod sent;
pub mod shell;
pub mod spec;
pub mod suggest;
pub mod verdict;
