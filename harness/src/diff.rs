//! What differs between two runs: for the author of a guest who asks on which protocols another build behaves
//! otherwise.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::event::CaseFinished;
use crate::protocols;
use crate::report::without_numbers;
use crate::verdict::{Verdict, VerdictKind};

/// A run, as far as it is compared.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Ran {
    /// The seed of every random draw.
    pub seed: u64,
    /// How each case came out on each protocol, in the order of the run.
    pub finished: Vec<CaseFinished>,
}

/// What differs between two runs. Displays as a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// The protocols that were compared, ascending.
    pub protocols: Vec<i32>,
    /// How many verdicts of each were.
    pub runs: usize,
    /// What differs, by the least protocol on which it does. No protocol is in two of them.
    pub differences: Vec<Difference>,
    /// Verdicts that only one of the runs has, the old one's and the new one's.
    pub alone: (usize, usize),
    /// Whether it was compared what the guest sent: not when the seeds differ, or a run does not say.
    pub sent_compared: bool,
}

/// Protocols on which the same differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Ascending.
    pub protocols: Vec<i32>,
    /// What differs: verdicts in the order of the run, then packets by name.
    pub changes: Vec<Change>,
}

/// One thing that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// In words.
    pub text: String,
    /// The case in which it was seen first, on the least of the protocols.
    pub case: String,
}

/// How what was sent differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum How {
    Appeared,
    Vanished,
    More,
    Fewer,
    Bytes,
}

impl How {
    const fn words(self) -> &'static str {
        match self {
            Self::Appeared => "sent, and was not",
            Self::Vanished => "not sent any more",
            Self::More => "sent more often",
            Self::Fewer => "sent less often",
            Self::Bytes => "sent with other bytes",
        }
    }
}

impl Ran {
    fn by_place(&self) -> BTreeMap<(i32, &str), &CaseFinished> {
        let place = |finished| -> ((i32, &str), &CaseFinished) {
            let finished: &CaseFinished = finished;
            ((finished.protocol, &finished.case), finished)
        };
        self.finished.iter().map(place).collect()
    }

    fn says_what_was_sent(&self) -> bool {
        let judged = |finished: &&CaseFinished| finished.verdict.kind != VerdictKind::HarnessError;
        let mut judged = self.finished.iter().filter(judged);
        judged.all(|finished| finished.sent.is_some())
    }
}

impl Comparison {
    /// Compares where both have a verdict.
    #[must_use]
    pub fn of(old: &Ran, new: &Ran) -> Self {
        let sent_compared =
            old.seed == new.seed && old.says_what_was_sent() && new.says_what_was_sent();
        let before = old.by_place();
        let pairs: Vec<_> = new
            .finished
            .iter()
            .filter_map(|after| {
                let before = before.get(&(after.protocol, after.case.as_str()))?;
                Some((*before, after))
            })
            .collect();
        let protocols: BTreeSet<i32> = pairs.iter().map(|(_, after)| after.protocol).collect();
        let mut differences: Vec<Difference> = Vec::new();
        for &protocol in &protocols {
            let here: Vec<_> = pairs
                .iter()
                .filter(|(_, after)| after.protocol == protocol)
                .copied()
                .collect();
            let mut changes: Vec<Change> = here.iter().filter_map(verdict_change).collect();
            if sent_compared {
                changes.extend(sent_changes(&here));
            }
            if changes.is_empty() {
                continue;
            }
            let same = |known: &&mut Difference| key(&known.changes) == key(&changes);
            match differences.iter_mut().find(same) {
                Some(known) => known.protocols.push(protocol),
                None => differences.push(Difference {
                    protocols: vec![protocol],
                    changes,
                }),
            }
        }
        Self {
            protocols: protocols.into_iter().collect(),
            runs: pairs.len(),
            differences,
            alone: (
                old.finished.len() - pairs.len(),
                new.finished.len() - pairs.len(),
            ),
            sent_compared,
        }
    }
}

/// Two protocols differ alike when what they say differs in numbers only.
fn key(changes: &[Change]) -> Vec<String> {
    let text = |change: &Change| without_numbers(&change.text);
    changes.iter().map(text).collect()
}

fn verdict_change((old, new): &(&CaseFinished, &CaseFinished)) -> Option<Change> {
    let (before, after) = (told(&old.verdict), told(&new.verdict));
    let kinds = (old.verdict.kind, new.verdict.kind);
    let clauses = (broken(old), broken(new));
    let same_words = without_numbers(&before) == without_numbers(&after);
    if kinds.0 == kinds.1 && clauses.0 == clauses.1 && same_words {
        return None;
    }
    let because = if after.is_empty() {
        String::new()
    } else {
        format!(": {after}")
    };
    let change = if kinds.0 == kinds.1 {
        format!("{} as before, but otherwise", kinds.1)
    } else {
        format!("{}, was {}", kinds.1, kinds.0)
    };
    let clauses = clauses
        .1
        .map_or_else(|| new.clauses.join(", "), str::to_owned);
    Some(Change {
        text: format!("{} ({clauses}): {change}{because}", new.case),
        case: new.case.clone(),
    })
}

/// The clause that is broken.
fn broken(finished: &CaseFinished) -> Option<&str> {
    let failure = finished.verdict.failure.as_ref()?;
    Some(&failure.clause)
}

/// What a verdict says beyond its kind and its clause.
fn told(verdict: &Verdict) -> String {
    match (&verdict.failure, &verdict.reason) {
        (Some(failure), _) => failure.got.clone(),
        (None, reason) => reason.clone().unwrap_or_default(),
    }
}

fn sent_changes(here: &[(&CaseFinished, &CaseFinished)]) -> Vec<Change> {
    let mut changes: BTreeMap<(&str, How), &str> = BTreeMap::new();
    let mut reordered: Option<&str> = None;
    for (old, new) in here {
        let (Some(before), Some(after)) = (&old.sent, &new.sent) else {
            continue;
        };
        if before.packets == after.packets {
            if before.order != after.order {
                reordered.get_or_insert(&new.case);
            }
            continue;
        }
        let names: BTreeSet<&String> = before.packets.keys().chain(after.packets.keys()).collect();
        for name in names {
            let how = match (before.packets.get(name), after.packets.get(name)) {
                (None, _) => How::Appeared,
                (_, None) => How::Vanished,
                (Some(before), Some(after)) if before == after => continue,
                (Some(before), Some(after)) => match before.count.cmp(&after.count) {
                    std::cmp::Ordering::Less => How::More,
                    std::cmp::Ordering::Greater => How::Fewer,
                    std::cmp::Ordering::Equal => How::Bytes,
                },
            };
            changes.entry((name, how)).or_insert(&new.case);
        }
    }
    let packets = changes.into_iter().map(|((name, how), case)| Change {
        text: format!("{name} {}", how.words()),
        case: case.to_owned(),
    });
    let order = reordered.map(|case| Change {
        text: "the same packets at other times, or in another order".to_owned(),
        case: case.to_owned(),
    });
    packets.chain(order).collect()
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Difference { protocols, changes } in &self.differences {
            writeln!(f, "on {}", protocols::spans(protocols, &self.protocols))?;
            for Change { text, case } in changes {
                let seen = if text.starts_with(case.as_str()) {
                    String::new()
                } else {
                    format!(" (first in {case})")
                };
                writeln!(f, "  {text}{seen}")?;
            }
        }
        if !self.sent_compared {
            writeln!(
                f,
                "what was sent is not compared: the seeds differ, or a run was made by a vbspec that does not say"
            )?;
        }
        match self.alone {
            (0, 0) => {}
            (old, new) => writeln!(
                f,
                "not compared: {old} verdicts that only the old run has, {new} that only the new one has"
            )?,
        }
        let differing: usize = self
            .differences
            .iter()
            .map(|some| some.protocols.len())
            .sum();
        let all = self.protocols.len();
        match differing {
            0 => write!(f, "nothing differs on {all} protocols")?,
            _ => write!(f, "{differing} of {all} protocols differ")?,
        }
        write!(f, "; {} verdicts compared", self.runs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sent::{Digest, Sent};

    fn digest(count: u64, hash: &str) -> Digest {
        let hash = hash.to_owned();
        Digest { count, hash }
    }

    fn finished(
        case: &str,
        protocol: i32,
        sent: &[(&str, u64, &str)],
        order: &str,
    ) -> CaseFinished {
        let packets = sent
            .iter()
            .map(|(name, count, hash)| ((*name).to_owned(), digest(*count, hash)))
            .collect();
        CaseFinished {
            index: 0,
            case: case.to_owned(),
            clauses: vec!["VB-KA-03".to_owned()],
            protocol,
            minecraft: String::new(),
            verdict: Verdict::pass(),
            sent: Some(Sent {
                packets,
                order: order.to_owned(),
            }),
            virtual_us: 0,
            wall_us: 0,
        }
    }

    /// Two cases on four protocols.
    fn ran() -> Ran {
        let protocols = [4, 5, 47, 340].into_iter();
        let both = protocols.flat_map(|protocol| {
            let join = [("login", 1, "a"), ("map_chunk", 9, "b")];
            [
                finished("joins", protocol, &join, "x"),
                finished("stays", protocol, &[("keep_alive", 3, "c")], "y"),
            ]
        });
        Ran {
            seed: 1,
            finished: both.collect(),
        }
    }

    fn changed(protocols: &[i32], case: &str, change: impl Fn(&mut CaseFinished)) -> String {
        let mut new = ran();
        for finished in &mut new.finished {
            if protocols.contains(&finished.protocol) && finished.case == case {
                change(finished);
            }
        }
        Comparison::of(&ran(), &new).to_string()
    }

    fn sent(finished: &mut CaseFinished) -> &mut Sent {
        finished.sent.as_mut().expect("it says")
    }

    #[test]
    fn a_run_does_not_differ_from_itself_however_long_it_took() {
        let told = changed(&[4, 340], "joins", |finished| finished.wall_us = 7);
        assert_eq!(told, "nothing differs on 4 protocols; 8 verdicts compared");
    }

    #[test]
    fn what_differs_alike_is_told_once_for_all_its_protocols() {
        let told = changed(&[4, 5, 340], "stays", |finished| {
            let reason = format!("no {} answers", finished.protocol);
            finished.verdict = Verdict::because(VerdictKind::Untestable, reason);
        });
        let due = "on 4-5, 340\n  stays (VB-KA-03): untestable, was pass: no 4 answers\n3 of 4 protocols differ; 8 verdicts compared";
        assert_eq!(told, due);
    }

    #[test]
    fn each_way_to_send_otherwise_has_its_words() {
        for (packets, words) in [
            (&[("login", 1, "a")][..], "map_chunk not sent any more"),
            (
                &[("login", 1, "a"), ("map_chunk", 9, "b"), ("ping", 1, "d")],
                "ping sent, and was not",
            ),
            (
                &[("login", 1, "a"), ("map_chunk", 10, "e")],
                "map_chunk sent more often",
            ),
            (
                &[("login", 1, "a"), ("map_chunk", 8, "e")],
                "map_chunk sent less often",
            ),
            (
                &[("login", 1, "z"), ("map_chunk", 9, "b")],
                "login sent with other bytes",
            ),
        ] {
            let told = changed(&[47], "joins", |finished| {
                *finished = super::tests::finished("joins", 47, packets, "z");
            });
            let due = format!(
                "on 47\n  {words} (first in joins)\n1 of 4 protocols differ; 8 verdicts compared"
            );
            assert_eq!(told, due);
        }
        let told = changed(&[47], "stays", |finished| {
            sent(finished).order = "z".to_owned();
        });
        assert!(
            told.contains("at other times, or in another order (first in stays)"),
            "{told}"
        );
    }

    #[test]
    fn the_same_verdict_for_another_reason_differs() {
        let fails = |reason: &str| {
            let mut run = ran();
            run.finished[0].verdict = Verdict::because(VerdictKind::Untestable, reason);
            run
        };
        let told = |old, new| Comparison::of(&fails(old), &fails(new)).to_string();
        assert!(told("at 5 s", "at 7 s").starts_with("nothing differs"));
        let otherwise = told("at 5 s", "never");
        assert!(
            otherwise.contains("untestable as before, but otherwise: never"),
            "{otherwise}"
        );
    }

    #[test]
    fn what_cannot_be_compared_is_told() {
        let other_seed = Ran { seed: 2, ..ran() };
        let mut silent = ran();
        silent.finished[3].sent = None;
        for other in [other_seed, silent] {
            let mut other = other;
            sent(&mut other.finished[0]).order = "z".to_owned();
            let comparison = Comparison::of(&ran(), &other);
            assert_eq!(
                (comparison.differences.len(), comparison.sent_compared),
                (0, false)
            );
            let told = comparison.to_string();
            assert!(told.starts_with("what was sent is not compared"), "{told}");
        }
        let mut fewer = ran();
        fewer.finished.truncate(7);
        let told = Comparison::of(&ran(), &fewer).to_string();
        assert!(
            told.contains("1 verdicts that only the old run has, 0 that"),
            "{told}"
        );
        assert!(told.ends_with("; 7 verdicts compared"), "{told}");
        assert_eq!(Comparison::of(&ran(), &Ran::default()).runs, 0);
    }
}
