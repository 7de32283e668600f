//! vbspec judges virtual backends: does this guest, does this host behave as `wit/SPEC.md` says?
//!
//! ```text
//! wit/SPEC.md -> spec -> clause ─┐
//!                        cases ──┴─> select -> runner -> subject (one runtime and one virtual clock each) -> verdict
//!                                                 └─> event -> report (terminal, jsonl, junit)
//! ```
//!
//! | Module | Holds |
//! |---|---|
//! | `vbspec-cases` | clauses, cases and what they work with: [`spec`], [`case`], [`lab`], [`verdict`] |
//! | [`subject`] | the guest or host that is judged, and the doors to hosts |
//! | [`adapter`] | the door to hosts of another program |
//! | [`select`], [`runner`] | which cases run on which protocols, and running them |
//! | [`soak`] | worlds drawn from seeds, and what must hold in each |
//! | [`diff`] | what differs between two runs |
//! | [`event`], [`report`] | the stream of events, and the reporters that consume it |
//! | `selftest` | every broken guest and host against the cases |
//! | [`cli`], [`exit`] | the command line, and how the process ends |

#![forbid(unsafe_code)]

pub mod adapter;
mod builders;
pub mod cli;
pub mod diff;
mod error;
pub mod event;
pub mod exit;
mod judge;
mod judgement;
mod outside;
pub mod report;
pub mod runner;
pub mod select;
#[cfg(feature = "selftest")]
pub mod selftest;
pub mod soak;
pub mod subject;
mod test_main;

pub use builders::{
    AdapterCommand, GuestFile, Hosts, Judging, Words, judge_adapter, judge_guest, judge_host,
};
pub use error::Error;
pub use judgement::Judgement;
pub use outside::{
    About, Feature, HostLog, HostSetup, HostUnderTest, NotStarted, PluginSetup, RunningHost,
};
pub use test_main::run_tests;
pub use vbspec_cases::{
    case, cases, clause, dump, lab, protocols, rng, sent, shell, spec, suggest, verdict,
};
