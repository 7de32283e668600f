//! Clauses: the sentences a subject is judged by.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::protocols::Ranges;

/// How binding a clause is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Level {
    /// Breaking it is a failure.
    #[serde(rename = "MUST")]
    Must,
    /// Breaking it is a warning.
    #[serde(rename = "SHOULD")]
    Should,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Must => "MUST",
            Self::Should => "SHOULD",
        })
    }
}

/// Whom a clause binds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Subject {
    /// The plugin that plays server.
    Guest,
    /// The proxy that runs it.
    Host,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Guest => "guest",
            Self::Host => "host",
        })
    }
}

/// A deliberately broken subject, by which the cases of a clause prove that they notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Killer {
    /// Its name, as the broken subject's configuration knows it.
    pub name: String,
    /// What it does wrong.
    pub about: String,
}

/// One clause of `wit/SPEC.md`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Clause {
    /// Stable once published, such as `VB-KA-03`.
    pub id: String,
    /// The middle of the id, such as `KA`.
    pub group: String,
    /// How binding it is.
    pub level: Level,
    /// Whom it binds.
    pub subject: Subject,
    /// For which protocols it holds.
    pub protocols: Ranges,
    /// What its cases must catch; never empty.
    pub killers: Vec<Killer>,
    /// The normative sentence.
    pub sentence: String,
    /// The reason.
    pub why: String,
    /// Where the reason can be checked.
    pub source: String,
}
