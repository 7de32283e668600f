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
//! | [`clause`], [`spec`] | the clauses, read from the text that states them |
//! | [`case`], [`cases`] | what checks them: one file for each claim |
//! | [`subject`] | the guest or host that is judged, its clients, and what was seen of them |
//! | [`select`], [`runner`] | which cases run on which protocols, and running them |
//! | [`verdict`] | how a case came out, and the evidence |
//! | [`soak`] | worlds drawn from seeds, and what must hold in each |
//! | [`sent`], [`diff`] | what a guest sent, and what differs between two runs |
//! | [`event`], [`report`] | the stream of events, and the reporters that consume it |
//! | [`protocols`] | sets of protocols |
//! | `selftest` | every broken guest and host against the cases |
//! | [`cli`], [`exit`] | the command line, and how the process ends |

#![forbid(unsafe_code)]

pub mod case;
pub mod cases;
pub mod clause;
pub mod cli;
pub mod diff;
pub mod event;
pub mod exit;
pub mod protocols;
pub mod report;
pub mod rng;
pub mod runner;
pub mod select;
#[cfg(feature = "selftest")]
pub mod selftest;
pub mod sent;
pub mod shell;
pub mod soak;
pub mod spec;
pub mod subject;
mod suggest;
pub mod verdict;
