//! Which cases a run consists of.

use std::collections::BTreeSet;

use crate::case::{self, Case};
use crate::clause::Subject;
use crate::protocols::{self, SelectionError};
use crate::spec;
use crate::suggest;

/// One case on one protocol.
#[derive(Debug, Clone, Copy)]
pub struct Job {
    /// The case.
    pub case: &'static Case,
    /// The protocol.
    pub protocol: i32,
}

/// A name on the command line that means nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Neither a case, nor a clause, nor a group of clauses.
    #[error("`{given}` is neither a case of a {subject} nor a clause of one.{hint}")]
    Unknown {
        /// What was written.
        given: String,
        /// Whom the run judges.
        subject: Subject,
        /// The nearest known names as a sentence, or empty.
        hint: String,
    },
    /// A clause that no case checks yet.
    #[error("no case checks {0} yet")]
    NoCase(String),
    /// The part behind an `@` is no protocol.
    #[error(transparent)]
    Protocol(#[from] SelectionError),
}

/// The cases that a name means: a case by its name, a clause's by its id (`VB-KA-03`, `ka-03`), a group's by
/// its letters (`KA`).
///
/// # Errors
/// When the name means none of the subject's cases.
pub fn cases(subject: Subject, given: &str) -> Result<Vec<&'static Case>, NameError> {
    let upper = given.to_uppercase();
    let short = upper.strip_prefix("VB-").unwrap_or(&upper);
    let named: Vec<&'static Case> = case::of(subject)
        .filter(|case| {
            case.name == given.to_lowercase()
                || case
                    .clauses()
                    .any(|clause| clause.id.get(3..) == Some(short) || clause.group == short)
        })
        .collect();
    if !named.is_empty() {
        return Ok(named);
    }
    let mut clauses = spec::registry()
        .iter()
        .filter(|clause| clause.subject == subject);
    if let Some(clause) =
        clauses.find(|clause| clause.id.get(3..) == Some(short) || clause.group == short)
    {
        return Err(NameError::NoCase(clause.id.clone()));
    }
    let known = case::of(subject).map(|case| case.name);
    let ids = spec::registry()
        .iter()
        .filter(|clause| clause.subject == subject)
        .map(|clause| clause.id.as_str());
    let hint = suggest::did_you_mean(given, known.chain(ids));
    Err(NameError::Unknown {
        given: given.to_owned(),
        subject,
        hint,
    })
}

/// The jobs that are left when `only` is selected (all when empty) and `without` is taken away: case by case,
/// protocol by protocol.
///
/// # Errors
/// At the first name that means nothing.
pub fn jobs(
    subject: Subject,
    protocols: &[i32],
    only: &[String],
    without: &[String],
) -> Result<Vec<Job>, NameError> {
    let mut wanted = names(subject, only)?;
    if only.is_empty() {
        wanted.extend(case::of(subject).map(|case| case.name));
    }
    let unwanted = names(subject, without)?;
    let chosen = case::of(subject)
        .filter(|case| wanted.contains(case.name) && !unwanted.contains(case.name));
    Ok(chosen
        .flat_map(|case| {
            case.protocols(protocols)
                .into_iter()
                .map(move |protocol| Job { case, protocol })
        })
        .collect())
}

fn names(subject: Subject, given: &[String]) -> Result<BTreeSet<&'static str>, NameError> {
    let mut out = BTreeSet::new();
    for name in given {
        out.extend(cases(subject, name)?.into_iter().map(|case| case.name));
    }
    Ok(out)
}

/// What is expected to fail: cases, each on all protocols or on some.
#[derive(Debug, Clone, Default)]
pub struct Expectations(BTreeSet<(&'static str, i32)>);

impl Expectations {
    /// Reads `NAME`, `CLAUSE` or either with `@PROTOCOLS` behind it, such as `KA-03@47`.
    ///
    /// # Errors
    /// When a name means nothing.
    pub fn parse(subject: Subject, given: &[String]) -> Result<Self, NameError> {
        let mut out = BTreeSet::new();
        for text in given {
            let (name, on) = match text.split_once('@') {
                Some((name, on)) => (name, protocols::select(&[on.to_owned()])?),
                None => (text.as_str(), vb_data::supported().to_vec()),
            };
            for case in cases(subject, name)? {
                out.extend(on.iter().map(|&protocol| (case.name, protocol)));
            }
        }
        Ok(Self(out))
    }

    /// Whether the job is expected to fail.
    #[must_use]
    pub fn expects_failure(&self, job: Job) -> bool {
        self.0.contains(&(job.case.name, job.protocol))
    }
}
