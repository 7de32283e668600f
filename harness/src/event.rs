//! The event stream: everything a report is made of. As JSON lines it is an interface: fields are added, never
//! renamed, and `schema` counts the changes that a reader has to know of.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::case::Job;
use crate::clause::Subject;
use crate::protocols;
use crate::sent::Sent;
use crate::verdict::{Verdict, VerdictKind};

/// The version of the stream.
pub const SCHEMA: u32 = 1;

/// One line of the stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Event {
    /// First, once.
    RunStarted(RunStarted),
    /// The subject could not be judged at all. Followed by `run-finished`.
    SubjectRefused(SubjectRefused),
    /// Once for each case and protocol, case by case and protocol by protocol, whatever order they ran in.
    CaseFinished(Box<CaseFinished>),
    /// Last, once.
    RunFinished(RunFinished),
}

/// What is about to be judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RunStarted {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The harness's version.
    pub vbspec: String,
    /// Guest or host.
    pub subject: Subject,
    /// The guest's file, or the host's name.
    pub name: String,
    /// The seed of every random draw.
    pub seed: u64,
    /// The protocols selected, ascending.
    pub protocols: Vec<i32>,
    /// The cases selected, by name.
    pub cases: Vec<String>,
    /// How many `case-finished` follow.
    pub planned: usize,
}

/// Why there is nothing to judge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SubjectRefused {
    /// The guest's file, or the host's name.
    pub name: String,
    /// What is wrong with it.
    pub message: String,
}

/// How one case came out on one protocol.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CaseFinished {
    /// Counted from 0 in the planned order.
    pub index: usize,
    /// The case's name.
    pub case: String,
    /// The clauses it checks.
    pub clauses: Vec<String>,
    /// The protocol.
    pub protocol: i32,
    /// The newest Minecraft version that speaks it.
    pub minecraft: String,
    /// How it came out, and why.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// What the guest sent, as far as the harness remembers it; none for a host, and where the harness failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<Sent>,
    /// How long it took in virtual time, in microseconds.
    pub virtual_us: u64,
    /// How long it took by the clock on the wall, in microseconds. With `run-finished`'s, the only field that
    /// differs between two runs of the same seed.
    pub wall_us: u64,
}

impl CaseFinished {
    /// A verdict on one job, which has taken no time.
    #[must_use]
    pub fn of<L>(job: Job<L>, verdict: Verdict) -> Self {
        Self {
            index: 0,
            case: job.case.name.to_owned(),
            clauses: job.case.clauses.iter().map(ToString::to_string).collect(),
            protocol: job.protocol,
            minecraft: protocols::minecraft(job.protocol).to_owned(),
            verdict,
            sent: None,
            virtual_us: 0,
            wall_us: 0,
        }
    }
}

/// The sum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RunFinished {
    /// How many verdicts of each kind; kinds that did not occur are absent.
    pub counts: BTreeMap<VerdictKind, usize>,
    /// The cases that were skipped on each protocol, by name: of these the subject has not been judged at all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nowhere: Vec<String>,
    /// By the clock on the wall, in microseconds.
    pub wall_us: u64,
    /// The exit code.
    pub exit: u8,
}
