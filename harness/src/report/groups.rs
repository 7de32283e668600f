//! What is the same on many protocols is told once.

use crate::event::CaseFinished;

/// Verdicts that say the same about one case, the first in full.
pub struct Group {
    /// The first, with all its evidence.
    pub first: CaseFinished,
    /// The protocols of the others.
    pub others: Vec<i32>,
    key: String,
}

/// Verdicts of one case, grouped by what they say.
#[derive(Default)]
pub struct Groups(Vec<Group>);

impl Groups {
    /// Adds a verdict to the group that says the same, or starts one.
    pub fn add(&mut self, finished: &CaseFinished) {
        let key = key(finished);
        match self.0.iter_mut().find(|group| group.key == key) {
            Some(group) => group.others.push(finished.protocol),
            None => self.0.push(Group {
                first: finished.clone(),
                others: Vec::new(),
                key,
            }),
        }
    }

    /// Takes all groups, in the order in which they were started.
    pub fn take(&mut self) -> Vec<Group> {
        std::mem::take(&mut self.0)
    }
}

/// Two verdicts say the same when they differ in numbers only: ids, times and lengths change with the protocol.
fn key(finished: &CaseFinished) -> String {
    let verdict = &finished.verdict;
    let (clause, text) = match (&verdict.failure, &verdict.reason) {
        (Some(failure), _) => (failure.clause.as_str(), failure.got.as_str()),
        (None, Some(reason)) => ("", reason.as_str()),
        (None, None) => ("", ""),
    };
    let words = text.split_whitespace().map(|word| {
        if word.contains(|c: char| c.is_ascii_digit()) {
            "#"
        } else {
            word
        }
    });
    let text: Vec<&str> = words.collect();
    format!(
        "{} {} {clause} {}",
        finished.case,
        verdict.kind,
        text.join(" ")
    )
}
