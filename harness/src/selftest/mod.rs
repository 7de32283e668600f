//! Who tests the tester: every broken guest and host that the specification names, against the cases.
//!
//! A clause is proven when its cases catch each of its killers and name this clause. A case is trusted when it blames
//! no clause on a killer of another, nothing on the lobby and on the unbroken host, and is kept by no killer from saying
//! anything. Both have excuses: a guest that sends no JoinGame leaves little to be judged.
//!
//! | Module | Holds |
//! |---|---|
//! | `excuses` | faults that break more than their own clause, and why |
//! | `report` | what came out, for people and as lines of JSON |

mod excuses;
mod report;

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::OnceLock;
use std::time::Instant;

use reference_backend::Fault;
use serde::Serialize;

pub use report::{Report, write_json, write_text, write_trial};

use crate::case::{self, Case};
use crate::clause::{Clause, Killer, Subject};
use crate::runner::{self, Judged};
use crate::select::Job;
use crate::spec;
use crate::subject::Refusal;
use crate::subject::guest::GuestSubject;
use crate::subject::host::HostSubject;
use crate::subject::options::GuestOptions;
use crate::verdict::VerdictKind;

/// The guest that is broken on request, compiled in so that the command needs no file beside it.
const FAULTY: &[u8] = include_bytes!("../../../fixtures/artifacts/faulty.wasm");
/// The guest that must raise no alarm.
const LOBBY: &[u8] = include_bytes!("../../../fixtures/artifacts/lobby.wasm");
/// How reports and repeat commands call them.
const FAULTY_FILE: &str = "fixtures/artifacts/faulty.wasm";
const LOBBY_FILE: &str = "fixtures/artifacts/lobby.wasm";

/// Protocols that differ most in what is sent: where killers are looked for first.
const FIRST: [i32; 8] = [767, 762, 758, 340, 47, 498, 754, 777];

/// The first protocols of the eras in which most of what is sent to a client stays alike. False alarms are looked for
/// where the killer was caught, and on a protocol of each era, which is another for each killer.
const GUEST_ERAS: [i32; 4] = [4, 393, 759, 764];
/// What a host does changes less: without the configuration phase, and with it.
const HOST_ERAS: [i32; 2] = [4, 764];
/// Of these clauses the killers spin until they are stopped, in every case: one protocol must do.
const SLOW: &str = "RES";

/// What is asked of the matrix.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Clauses and groups; all when empty.
    pub clauses: Vec<String>,
    /// Cases, whose clauses are meant; all when empty.
    pub cases: Vec<String>,
}

impl Selection {
    /// Whether this is the whole matrix.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.clauses.is_empty() && self.cases.is_empty()
    }

    /// Whether a clause is part of it.
    #[must_use]
    pub fn takes(&self, clause: &Clause) -> bool {
        let named = |given: &String| {
            let upper = given.to_uppercase();
            let short = upper.strip_prefix("VB-").unwrap_or(&upper);
            clause.group == short || clause.id.get(3..) == Some(short)
        };
        let in_cases = |given: &String| cases_of(clause).any(|case| case.name == given);
        self.is_all() || self.clauses.iter().any(named) || self.cases.iter().any(in_cases)
    }
}

/// Whether the project owes this clause a case: not yet the switch and the encryption of logins.
#[must_use]
pub fn is_owed(clause: &Clause) -> bool {
    clause.group != "SWI" && clause.id != "VB-LOG-06"
}

/// The cases of a clause.
pub fn cases_of(clause: &Clause) -> impl Iterator<Item = &'static Case> {
    case::all()
        .iter()
        .filter(move |case| case.clauses.contains(&clause.id.as_str()))
}

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
    /// How many verdicts there were of other clauses' cases, and how many of those said nothing.
    pub others: usize,
    /// See `others`.
    pub untestable: usize,
}

/// Whatever is judged here: a guest or a host, broken or not.
pub enum Judge {
    /// A guest.
    Guest(Box<GuestSubject>),
    /// The reference host.
    Host(Box<HostSubject>),
}

impl Judge {
    fn judge(&self, job: Job, seed: u64) -> Judged {
        match self {
            Self::Guest(guest) => guest.judge(job, seed),
            Self::Host(host) => host.judge(job, seed),
        }
    }
}

/// The subject that is broken as a clause's killer says.
///
/// # Errors
/// When nobody has built it, or it does not compile.
pub fn broken(clause: &Clause, killer: &Killer) -> Result<Judge, String> {
    match clause.subject {
        Subject::Guest => {
            let config = [format!("mutant={}", killer.name)];
            let options =
                GuestOptions::new(FAULTY_FILE, &config, &[], &[]).map_err(|e| e.to_string())?;
            Ok(Judge::Guest(Box::new(
                faulty()?.clone().with_options(options),
            )))
        }
        Subject::Host => {
            let fault = Fault::named(&killer.name).ok_or("no host is broken in this way")?;
            let host = HostSubject::broken(fault).map_err(|error| error.to_string())?;
            Ok(Judge::Host(Box::new(host)))
        }
    }
}

/// Compiled once for all mutants.
fn faulty() -> Result<&'static GuestSubject, String> {
    static COMPILED: OnceLock<Result<GuestSubject, String>> = OnceLock::new();
    COMPILED
        .get_or_init(|| guest(FAULTY_FILE, FAULTY).map_err(|error| error.to_string()))
        .as_ref()
        .map_err(Clone::clone)
}

fn guest(file: &str, bytes: &[u8]) -> Result<GuestSubject, Refusal> {
    let options = GuestOptions::new(file, &[], &[], &[]).unwrap_or_else(|error| {
        // Without a line and a capability there is nothing to refuse.
        unreachable!("{error}")
    });
    GuestSubject::unstarted(options, bytes)
}

/// Looks for a case of the clause that catches the killer and names the clause.
///
/// # Errors
/// Why it is not caught.
pub fn catch(clause: &Clause, judge: &Judge, seed: u64) -> Result<Caught, String> {
    let mut seen = Vec::new();
    for case in cases_of(clause) {
        for protocol in by_likelihood(case.protocols(vb_data::supported())) {
            let verdict = judge.judge(Job { case, protocol }, seed).verdict;
            match verdict.failure {
                Some(failure) if failure.clause == clause.id => {
                    return Ok(Caught {
                        case: case.name.to_owned(),
                        protocol,
                        expected: failure.expected.join(", or "),
                        got: failure.got,
                    });
                }
                Some(failure) => seen.push(format!(
                    "{} on {protocol} blames {}: {}",
                    case.name, failure.clause, failure.got
                )),
                None => seen.push(format!(
                    "{} on {protocol}: {}{}",
                    case.name,
                    verdict.kind,
                    verdict
                        .reason
                        .map_or_else(String::new, |why| format!(" ({why})"))
                )),
            }
        }
    }
    Err(match (seen.first(), seen.len()) {
        (None, _) => "the clause has no case".to_owned(),
        (Some(first), 1) => format!("not caught: {first}"),
        (Some(first), count) => format!("not caught in {count} runs: {first}, ..."),
    })
}

fn by_likelihood(mut protocols: Vec<i32>) -> Vec<i32> {
    let place = |protocol: &i32| FIRST.iter().position(|first| first == protocol);
    protocols.sort_by_key(|protocol| place(protocol).unwrap_or(FIRST.len()));
    protocols
}

/// A protocol of each era: the killers of a subject go through all of them in turns.
fn one_an_era(clause: &Clause, killer: &Killer) -> Vec<i32> {
    let eras: &[i32] = match clause.subject {
        Subject::Guest => &GUEST_ERAS,
        Subject::Host => &HOST_ERAS,
    };
    let of_subject = spec::registry()
        .iter()
        .filter(|known| known.subject == clause.subject);
    let turn = of_subject
        .flat_map(|known| &known.killers)
        .take_while(|known| known.name != killer.name)
        .count();
    let ends = eras.iter().skip(1).copied().chain([i32::MAX]);
    eras.iter()
        .zip(ends)
        .filter_map(|(&first, end)| {
            let supported = vb_data::supported().iter();
            let era: Vec<i32> = supported
                .copied()
                .filter(|protocol| (first..end).contains(protocol))
                .collect();
            era.get(turn % era.len().max(1)).copied()
        })
        .collect()
}

/// Runs every case of a subject on some protocols and collects what is blamed: the alarms, how many runs there were,
/// and how many of them said nothing.
fn alarms(
    subject: Subject,
    judge: &Judge,
    protocols: &[i32],
    seed: u64,
    mut alarm: impl FnMut(&'static Case, i32, Judged),
) -> (usize, usize) {
    let (mut runs, mut untestable) = (0, 0);
    for case in case::of(subject) {
        for protocol in case.protocols(protocols) {
            let judged = judge.judge(Job { case, protocol }, seed);
            runs += 1;
            untestable += usize::from(says_nothing(judged.verdict.kind));
            alarm(case, protocol, judged);
        }
    }
    (runs, untestable)
}

/// Whether a verdict is neither for nor against the subject.
fn says_nothing(kind: VerdictKind) -> bool {
    matches!(
        kind,
        VerdictKind::Untestable | VerdictKind::Skip | VerdictKind::HarnessError
    )
}

/// Tries one killer.
fn try_killer(clause: &Clause, killer: &Killer, seed: u64) -> Trial {
    let mut trial = Trial {
        clause: clause.id.clone(),
        killer: killer.name.clone(),
        ..Trial::default()
    };
    let judge = match broken(clause, killer) {
        Ok(judge) => judge,
        Err(why) => {
            trial.missed = Some(why);
            return trial;
        }
    };
    match catch(clause, &judge, seed) {
        Ok(caught) => trial.caught = Some(caught),
        Err(why) => trial.missed = Some(why),
    }
    let caught = trial.caught.as_ref().map(|caught| caught.protocol);
    let protocols: BTreeSet<i32> = match clause.group == SLOW {
        true => caught.into_iter().collect(),
        false => caught
            .into_iter()
            .chain(one_an_era(clause, killer))
            .collect(),
    };
    let protocols: Vec<i32> = protocols.into_iter().collect();
    let (runs, untestable) = alarms(
        clause.subject,
        &judge,
        &protocols,
        seed,
        |case, protocol, judged| {
            let verdict = judged.verdict;
            let blamed = verdict
                .failure
                .as_ref()
                .map(|failure| failure.clause.clone());
            if blamed.as_ref() == Some(&clause.id) {
                return;
            }
            if blamed.is_none() && !says_nothing(verdict.kind) {
                return;
            }
            let excuse = match (&blamed, verdict.kind) {
                (Some(blamed), _) => excuses::of_blame(&killer.name, blamed),
                // The harness has no excuse.
                (None, VerdictKind::HarnessError) => None,
                (None, _) => excuses::of_silence(&killer.name, case.name),
            };
            if let Some(excuse) = excuse {
                trial.excused.insert(excuse);
                return;
            }
            trial.alarms.push(Alarm {
                killer: killer.name.clone(),
                breaks: Some(clause.id.clone()),
                blamed,
                case: case.name.to_owned(),
                protocol,
                got: verdict
                    .failure
                    .map(|failure| failure.got)
                    .or(verdict.reason)
                    .unwrap_or_default(),
            });
        },
    );
    trial.others = runs;
    trial.untestable = untestable;
    trial
}

/// What is not broken raises no alarm: everything that is not a pass is one.
fn try_unbroken(subject: Subject, seed: u64) -> Result<Vec<Alarm>, Refusal> {
    let (name, judge) = match subject {
        Subject::Guest => ("lobby", Judge::Guest(Box::new(guest(LOBBY_FILE, LOBBY)?))),
        Subject::Host => (
            HostSubject::NAME,
            Judge::Host(Box::new(HostSubject::start()?)),
        ),
    };
    let mut found = Vec::new();
    alarms(subject, &judge, &FIRST, seed, |case, protocol, judged| {
        let verdict = judged.verdict;
        if verdict.kind == VerdictKind::Pass {
            return;
        }
        found.push(Alarm {
            killer: name.to_owned(),
            breaks: None,
            blamed: verdict
                .failure
                .as_ref()
                .map(|failure| failure.clause.clone()),
            case: case.name.to_owned(),
            protocol,
            got: verdict
                .failure
                .map(|failure| failure.got)
                .or(verdict.reason)
                .unwrap_or_default(),
        });
    });
    Ok(found)
}

enum Work {
    Unbroken(Subject),
    Killer(&'static Clause, &'static Killer),
}

enum Done {
    Unbroken(Result<Vec<Alarm>, Refusal>),
    Killer(Trial),
}

/// Tries everything that is selected and tells of each killer in the order of the specification.
///
/// # Errors
/// When what is not broken does not start.
pub fn run(
    selection: &Selection,
    seed: u64,
    threads: NonZeroUsize,
    mut tell: impl FnMut(&Trial, usize, usize),
) -> Result<Report, Refusal> {
    let began = Instant::now();
    let clauses: Vec<&'static Clause> = spec::registry()
        .iter()
        .filter(|clause| selection.takes(clause))
        .collect();
    let covered = |clause: &Clause| cases_of(clause).next().is_some();
    let mut report = Report {
        uncovered: clauses
            .iter()
            .filter(|clause| is_owed(clause) && !covered(clause))
            .map(|clause| clause.id.clone())
            .collect(),
        clauses: clauses.iter().filter(|clause| is_owed(clause)).count(),
        ..Report::default()
    };
    let mut work = vec![
        Work::Unbroken(Subject::Guest),
        Work::Unbroken(Subject::Host),
    ];
    for clause in clauses.iter().copied().filter(|clause| covered(clause)) {
        work.extend(
            clause
                .killers
                .iter()
                .map(|killer| Work::Killer(clause, killer)),
        );
    }
    let killers = work.len().saturating_sub(2);
    let mut refused = None;
    runner::in_order(
        &(0..work.len()).collect::<Vec<_>>(),
        threads,
        |index| match work.get(index) {
            Some(Work::Killer(clause, killer)) => {
                Some(Done::Killer(try_killer(clause, killer, seed)))
            }
            Some(Work::Unbroken(subject)) => Some(Done::Unbroken(try_unbroken(*subject, seed))),
            None => None,
        },
        |done| match done {
            Some(Done::Killer(trial)) => {
                tell(&trial, report.trials.len() + 1, killers);
                report.trials.push(trial);
            }
            Some(Done::Unbroken(Ok(alarms))) => report.unbroken.extend(alarms),
            Some(Done::Unbroken(Err(refusal))) => refused = Some(refusal),
            None => {}
        },
    );
    if let Some(refusal) = refused {
        return Err(refusal);
    }
    if selection.is_all() {
        report.unneeded = excuses::unneeded(&report.trials);
    }
    report.seconds = began.elapsed().as_secs_f64();
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clause(id: &str) -> &'static Clause {
        spec::registry().get(id).unwrap()
    }

    #[test]
    fn a_selection_is_of_clauses_groups_and_cases() {
        let by = |clauses: &[&str], cases: &[&str]| Selection {
            clauses: clauses.iter().map(ToString::to_string).collect(),
            cases: cases.iter().map(ToString::to_string).collect(),
        };
        let takes = |selection: &Selection, id| selection.takes(clause(id));
        assert!(takes(&by(&[], &[]), "VB-KA-03"));
        assert!(takes(&by(&["ka-03"], &[]), "VB-KA-03"));
        assert!(takes(&by(&["VB-KA-03"], &[]), "VB-KA-03"));
        assert!(takes(&by(&["KA"], &[]), "VB-KA-03"));
        assert!(!takes(&by(&["KA-04"], &[]), "VB-KA-03"));
        assert!(takes(
            &by(&[], &["keep-alive-every-15-seconds"]),
            "VB-KA-03"
        ));
        assert!(!takes(&by(&[], &["join-game-comes-once"]), "VB-KA-03"));
    }

    /// That killer gives away all at once; each of the clause's cases looks for a part of it.
    #[test]
    fn what_a_guest_may_inherit_is_looked_for_in_each_place() {
        let newest = *vb_data::supported().iter().max().unwrap();
        let sound = HostSubject::start().unwrap();
        let broken = HostSubject::broken(Fault::InheritsEverything).unwrap();
        for (name, found) in [
            ("guests-see-nothing-of-the-machine", "environment"),
            ("files-end-at-the-data-folder", "a file above its folder"),
            ("no-connection-leaves-the-host", "it connected to a port"),
        ] {
            let case = case::of(Subject::Host).find(|case| case.name == name);
            let job = Job {
                case: case.unwrap(),
                protocol: newest,
            };
            assert_eq!(
                sound.judge(job, 1).verdict.kind,
                VerdictKind::Pass,
                "{name}"
            );
            let failure = broken.judge(job, 1).verdict.failure.unwrap();
            assert!(failure.got.contains(found), "{name}: {}", failure.got);
        }
    }

    #[test]
    fn switches_and_encryption_are_not_owed_yet() {
        assert!(is_owed(clause("VB-KA-01")));
        assert!(!is_owed(clause("VB-SWI-01")));
        assert!(!is_owed(clause("VB-LOG-06")));
        assert!(is_owed(clause("VB-LOG-05")));
    }

    #[test]
    fn likely_protocols_come_first_and_none_is_lost() {
        assert_eq!(by_likelihood(vec![4, 47, 759, 767]), [767, 47, 4, 759]);
    }

    #[test]
    fn false_alarms_are_looked_for_in_every_era_and_in_the_end_on_every_protocol() {
        for (subject, eras) in [
            (Subject::Guest, &GUEST_ERAS[..]),
            (Subject::Host, &HOST_ERAS),
        ] {
            let mut seen = BTreeSet::new();
            for clause in spec::registry().iter().filter(|c| c.subject == subject) {
                for killer in &clause.killers {
                    let protocols = one_an_era(clause, killer);
                    let era = |protocol: &i32| eras.iter().rposition(|first| first <= protocol);
                    let of: Vec<_> = protocols.iter().filter_map(era).collect();
                    assert_eq!(of, (0..eras.len()).collect::<Vec<_>>(), "{}", killer.name);
                    seen.extend(protocols);
                }
            }
            assert_eq!(Vec::from_iter(seen), vb_data::supported(), "{subject}");
        }
    }

    #[test]
    fn a_killer_is_caught_by_its_clause_and_by_no_other() {
        let clause = clause("VB-JOIN-04");
        let judge = broken(clause, &clause.killers[0]).unwrap();
        let caught = catch(clause, &judge, 1).unwrap();
        assert_eq!(caught.case, "join-game-comes-once");
        let other = spec::registry().get("VB-JOIN-05").unwrap();
        assert!(catch(other, &judge, 1).unwrap_err().contains("not caught"));
    }

    #[test]
    fn a_killer_that_nobody_has_built_is_said_to_be_so() {
        let killer = Killer {
            name: "not-built".to_owned(),
            about: String::new(),
        };
        let trial = try_killer(clause("VB-DSP-01"), &killer, 1);
        assert_eq!(
            (trial.caught, trial.missed.as_deref()),
            (None, Some("no host is broken in this way"))
        );
    }
}
