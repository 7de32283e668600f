//! What a verdict says of a killer, and of the case that gave it.

use std::collections::BTreeSet;

use serde::Serialize;

use super::excuses;
use crate::case::Job;
use crate::clause::{Clause, Killer};
use crate::verdict::{Verdict, VerdictKind};

/// Where a killer was caught.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Caught {
    /// By which case.
    pub case: String,
    /// On which protocol.
    pub protocol: i32,
    /// What was expected, in the case's words.
    pub expected: String,
    /// What came instead.
    pub got: String,
}

/// A case that blames a clause on a subject that does not break it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alarm {
    /// The killer; `lobby` or `reference-backend` for what is not broken.
    pub killer: String,
    /// The clause that the killer breaks; none for what is not broken.
    pub breaks: Option<String>,
    /// The clause that was blamed; none for what could not be judged.
    pub blamed: Option<String>,
    /// The case that blamed it.
    pub case: String,
    /// On which protocol.
    pub protocol: i32,
    /// In what words.
    pub got: String,
}

impl Alarm {
    fn new<L>(killer: &str, breaks: Option<&str>, job: Job<L>, verdict: Verdict) -> Self {
        let (blamed, got) = match verdict.failure {
            Some(failure) => (Some(failure.clause), failure.got),
            None => (None, verdict.reason.unwrap_or_default()),
        };
        Self {
            killer: killer.to_owned(),
            breaks: breaks.map(str::to_owned),
            blamed,
            case: job.case.name.to_owned(),
            protocol: job.protocol,
            got,
        }
    }
}

/// The alarm about what is not broken: everything that is not a pass.
pub(super) fn of_unbroken<L>(name: &str, job: Job<L>, verdict: Verdict) -> Option<Alarm> {
    (verdict.kind != VerdictKind::Pass).then(|| Alarm::new(name, None, job, verdict))
}

/// What became of one killer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Trial {
    /// The clause.
    pub clause: String,
    /// Its killer.
    pub killer: String,
    /// Where it was caught; none when it was not.
    pub caught: Option<Caught>,
    /// Why it was not, in a sentence.
    pub missed: Option<String>,
    /// Blame that it does not deserve, excuses taken off.
    pub alarms: Vec<Alarm>,
    /// The excuses that were needed.
    #[serde(skip)]
    pub excused: BTreeSet<excuses::Place>,
    /// How many verdicts alarms were looked for in, and how many of those said nothing.
    pub others: usize,
    /// See `others`.
    pub untestable: usize,
}

impl Trial {
    pub(super) fn new(clause: &Clause, killer: &Killer) -> Self {
        Self {
            clause: clause.id.clone(),
            killer: killer.name.clone(),
            ..Self::default()
        }
    }

    /// A verdict on the killer: an alarm, if it blames another clause or says nothing, and has no excuse.
    pub(super) fn hear<L>(&mut self, job: Job<L>, verdict: Verdict) {
        let silent = says_nothing(verdict.kind);
        self.others += 1;
        self.untestable += usize::from(silent);
        let blamed = verdict.failure.as_ref().map(|failure| &failure.clause);
        let excuse = match (blamed, verdict.kind) {
            (Some(blamed), _) if *blamed == self.clause => return,
            (Some(blamed), _) => excuses::of_blame(&self.killer, blamed),
            // The harness has no excuse.
            (None, VerdictKind::HarnessError) => None,
            (None, _) if silent => excuses::of_silence(&self.killer, job.case.name),
            (None, _) => return,
        };
        if let Some(excuse) = excuse {
            self.excused.insert(excuse);
        } else {
            let alarm = Alarm::new(&self.killer, Some(&self.clause), job, verdict);
            self.alarms.push(alarm);
        }
    }
}

/// Whether a verdict is neither for nor against the subject.
fn says_nothing(kind: VerdictKind) -> bool {
    matches!(
        kind,
        VerdictKind::Untestable | VerdictKind::Skip | VerdictKind::HarnessError
    )
}

/// Looks for a job whose verdict blames the clause.
///
/// # Errors
/// Why there is none.
pub(super) fn catch<L: 'static>(
    clause: &Clause,
    jobs: impl Iterator<Item = Job<L>>,
    mut judge: impl FnMut(Job<L>) -> Verdict,
) -> Result<Caught, String> {
    let mut seen = Vec::new();
    for job in jobs {
        let (case, protocol) = (job.case.name, job.protocol);
        let verdict = judge(job);
        match verdict.failure {
            Some(failure) if failure.clause == clause.id => {
                return Ok(Caught {
                    case: case.to_owned(),
                    protocol,
                    expected: failure.expected.join(", or "),
                    got: failure.got,
                });
            }
            Some(failure) => seen.push(format!(
                "{case} on {protocol} blames {}: {}",
                failure.clause, failure.got
            )),
            None => seen.push(format!(
                "{case} on {protocol}: {}{}",
                verdict.kind,
                verdict
                    .reason
                    .map_or_else(String::new, |why| format!(" ({why})"))
            )),
        }
    }
    Err(match (seen.first(), seen.len()) {
        (None, _) => "the clause has no case".to_owned(),
        (Some(first), 1) => format!("not caught: {first}"),
        (Some(first), count) => format!("not caught in {count} runs: {first}, ..."),
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::lab::guest::GuestLab;
    use crate::verdict::Failure;
    use crate::{cases, spec};

    fn clause(id: &str) -> &'static Clause {
        spec::registry().get(id).unwrap()
    }

    fn job(name: &str, protocol: i32) -> Job<GuestLab> {
        let case = cases::guest()
            .iter()
            .find(|case| case.name == name)
            .unwrap();
        Job { case, protocol }
    }

    /// A verdict that blames this clause.
    pub fn blames(id: &str) -> Verdict {
        let clause = clause(id);
        Verdict {
            failure: Some(Box::new(Failure {
                clause: clause.id.clone(),
                level: clause.level,
                sentence: clause.sentence.clone(),
                expected: vec!["this".to_owned(), "that".to_owned()],
                got: "neither".to_owned(),
                at_us: None,
                dump: Vec::new(),
            })),
            ..Verdict::because(VerdictKind::Fail, "a reason")
        }
    }

    const CASE: &str = "keep-alive-every-15-seconds";

    fn trial(killer: &str) -> Trial {
        let clause = spec::registry()
            .iter()
            .find(|clause| clause.killers.iter().any(|known| known.name == killer))
            .unwrap();
        let killer = clause.killers.iter().find(|known| known.name == killer);
        Trial::new(clause, killer.unwrap())
    }

    #[test]
    fn blame_is_an_alarm_unless_it_is_deserved_or_excused() {
        let mut heard = trial("no-join-game");
        heard.hear(job(CASE, 47), blames(&heard.clause.clone()));
        heard.hear(job(CASE, 47), Verdict::pass());
        assert_eq!((heard.alarms.len(), heard.excused.len()), (0, 0));
        heard.hear(job(CASE, 47), blames("VB-JOIN-01"));
        assert_eq!((heard.alarms.len(), heard.excused.len()), (0, 1));
        heard.hear(job(CASE, 340), blames("VB-DSP-01"));
        assert_eq!(
            heard.alarms,
            [Alarm {
                killer: "no-join-game".to_owned(),
                breaks: Some(heard.clause.clone()),
                blamed: Some("VB-DSP-01".to_owned()),
                case: CASE.to_owned(),
                protocol: 340,
                got: "neither".to_owned(),
            }]
        );
        assert_eq!((heard.others, heard.untestable), (4, 0));
    }

    #[test]
    fn silence_is_an_alarm_unless_it_is_excused_and_never_the_harness_own() {
        let silent = |kind| Verdict::because(kind, "in vain");
        let alarms = |killer: &str, kind| {
            let mut heard = trial(killer);
            heard.hear(job(CASE, 47), silent(kind));
            assert_eq!(heard.others, 1);
            let got = heard.alarms.first().map(|alarm| alarm.got.clone());
            (got, heard.excused.len(), heard.untestable)
        };
        let alarm = || Some("in vain".to_owned());
        use VerdictKind::{HarnessError, Pass, Skip, Untestable, Warn};
        for kind in [Untestable, Skip] {
            assert_eq!(alarms("traps-on-interact", kind), (alarm(), 0, 1));
            assert_eq!(alarms("no-chunk", kind), (None, 1, 1));
        }
        for killer in ["traps-on-interact", "no-chunk"] {
            assert_eq!(alarms(killer, HarnessError), (alarm(), 0, 1));
            for kind in [Pass, Warn] {
                assert_eq!(alarms(killer, kind), (None, 0, 0));
            }
        }
    }

    #[test]
    fn what_is_not_broken_has_to_pass() {
        assert_eq!(of_unbroken("lobby", job(CASE, 47), Verdict::pass()), None);
        let skipped = Verdict::because(VerdictKind::Skip, "not now");
        let alarm = of_unbroken("lobby", job(CASE, 47), skipped).unwrap();
        assert_eq!((alarm.breaks, alarm.blamed), (None, None));
        assert_eq!((&*alarm.killer, &*alarm.got), ("lobby", "not now"));
    }

    #[test]
    fn a_killer_is_caught_by_the_first_verdict_that_names_its_clause() {
        let jobs = || [4, 47, 340].map(|protocol| job(CASE, protocol)).into_iter();
        let caught = catch(clause("VB-KA-03"), jobs(), |job| match job.protocol {
            4 => blames("VB-KA-04"),
            _ => blames("VB-KA-03"),
        });
        assert_eq!(
            caught,
            Ok(Caught {
                case: CASE.to_owned(),
                protocol: 47,
                expected: "this, or that".to_owned(),
                got: "neither".to_owned(),
            })
        );
    }

    #[test]
    fn what_was_seen_instead_is_said() {
        let said = |count: usize, verdict: fn() -> Verdict| {
            let jobs = (0..count).map(|_| job(CASE, 47));
            catch(clause("VB-KA-03"), jobs, |_| verdict()).unwrap_err()
        };
        assert_eq!(said(0, Verdict::pass), "the clause has no case");
        assert_eq!(
            said(1, || blames("VB-KA-04")),
            format!("not caught: {CASE} on 47 blames VB-KA-04: neither")
        );
        assert_eq!(
            said(2, || Verdict::because(VerdictKind::Skip, "not now")),
            format!("not caught in 2 runs: {CASE} on 47: skip (not now), ...")
        );
    }
}
