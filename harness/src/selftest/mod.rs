//! Who tests the tester: every broken guest and host that the specification names, against the cases.
//!
//! A clause is proven when its cases catch each of its killers and name this clause. A case is trusted when it blames
//! no clause on a killer of another, nothing on the lobby and on the unbroken host, and is kept by no killer from saying
//! anything. Both have excuses: a guest that sends no JoinGame leaves little to be judged.
//!
//! | Module | Holds |
//! |---|---|
//! | `excuses` | faults that break more than their own clause, and why |
//! | `outside` | broken hosts behind an adapter |
//! | `report` | what came out, for people and as lines of JSON |
//! | `trial` | what a verdict says of a killer, and of the case that gave it |

mod excuses;
mod outside;
mod report;
mod trial;

use std::num::NonZeroUsize;
use std::sync::OnceLock;
use std::time::Instant;

use reference_backend::Fault;

pub use outside::{AT_ONCE as AT_ONCE_OUTSIDE, Outside, run as run_outside};
pub use report::{Report, write_json, write_outside, write_text, write_trial};
pub use trial::{Alarm, Caught, Trial};

use crate::case::{Case, Claim, Job};
use crate::cases::{self, Listed};
use crate::clause::{Clause, Killer, Subject};
use crate::runner;
use crate::spec;
use crate::subject::Refusal;
use crate::subject::guest::GuestSubject;
use crate::subject::host::HostSubject;
use crate::subject::options::GuestOptions;
use crate::verdict::Verdict;

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
pub fn cases_of(clause: &Clause) -> impl Iterator<Item = &'static Claim> {
    cases::all()
        .iter()
        .copied()
        .filter(move |case| case.clauses.contains(&clause.id.as_str()))
}

/// Whatever is judged here: a guest or a host, broken or not.
pub enum Judge {
    /// A guest.
    Guest(Box<GuestSubject>),
    /// The reference host.
    Host(Box<HostSubject>),
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
    match judge {
        Judge::Guest(guest) => trial::catch(clause, jobs_of_clause(clause), |job| {
            guest.judge(job, seed).verdict
        }),
        Judge::Host(host) => trial::catch(clause, jobs_of_clause(clause), |job| {
            host.judge(job, seed).verdict
        }),
    }
}

/// Where a clause's killers are looked for, the likeliest protocols first.
fn jobs_of_clause<L: Listed>(clause: &Clause) -> impl Iterator<Item = Job<L>> {
    let of_clause = |case: &&Case<L>| case.clauses.contains(&clause.id.as_str());
    L::cases().iter().filter(of_clause).flat_map(|case| {
        let protocols = by_likelihood(case.protocols(vb_data::supported()));
        protocols
            .into_iter()
            .map(move |protocol| Job { case, protocol })
    })
}

/// Every case of a subject on some protocols.
fn jobs_of_subject<L: Listed>(protocols: &[i32]) -> impl Iterator<Item = Job<L>> {
    L::cases().iter().flat_map(|case| {
        let protocols = case.protocols(protocols);
        protocols
            .into_iter()
            .map(move |protocol| Job { case, protocol })
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

/// Tries one killer.
fn try_killer(clause: &Clause, killer: &Killer, seed: u64) -> Trial {
    match broken(clause, killer) {
        Ok(Judge::Guest(guest)) => trial_of(clause, killer, |job| guest.judge(job, seed).verdict),
        Ok(Judge::Host(host)) => trial_of(clause, killer, |job| host.judge(job, seed).verdict),
        Err(why) => Trial {
            missed: Some(why),
            ..Trial::new(clause, killer)
        },
    }
}

fn trial_of<L: Listed>(
    clause: &Clause,
    killer: &Killer,
    judge: impl Fn(Job<L>) -> Verdict,
) -> Trial {
    let mut trial = Trial::new(clause, killer);
    match trial::catch(clause, jobs_of_clause(clause), &judge) {
        Ok(caught) => trial.caught = Some(caught),
        Err(why) => trial.missed = Some(why),
    }
    let mut protocols = Vec::from_iter(trial.caught.as_ref().map(|caught| caught.protocol));
    if clause.group != SLOW {
        protocols.extend(one_an_era(clause, killer));
    }
    protocols.sort_unstable();
    protocols.dedup();
    for job in jobs_of_subject(&protocols) {
        trial.hear(job, judge(job));
    }
    trial
}

/// What is not broken raises no alarm: everything that is not a pass is one.
fn try_unbroken(subject: Subject, seed: u64) -> Result<Vec<Alarm>, Refusal> {
    match subject {
        Subject::Guest => {
            let lobby = guest(LOBBY_FILE, LOBBY)?;
            Ok(alarms_of("lobby", |job| lobby.judge(job, seed).verdict))
        }
        Subject::Host => {
            let host = HostSubject::start()?;
            let judge = |job| host.judge(job, seed).verdict;
            Ok(alarms_of(HostSubject::NAME, judge))
        }
    }
}

fn alarms_of<L: Listed>(name: &str, judge: impl Fn(Job<L>) -> Verdict) -> Vec<Alarm> {
    jobs_of_subject(&FIRST)
        .filter_map(|job| trial::of_unbroken(name, job, judge(job)))
        .collect()
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
    tell: impl FnMut(&Trial, usize, usize),
) -> Result<Report, Refusal> {
    run_with(
        selection,
        threads,
        tell,
        |clause, killer| try_killer(clause, killer, seed),
        |subject| try_unbroken(subject, seed),
    )
}

fn run_with(
    selection: &Selection,
    threads: NonZeroUsize,
    mut tell: impl FnMut(&Trial, usize, usize),
    killer_of: impl Fn(&Clause, &Killer) -> Trial + Sync,
    unbroken: impl Fn(Subject) -> Result<Vec<Alarm>, Refusal> + Sync,
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
            Some(Work::Killer(clause, killer)) => Some(Done::Killer(killer_of(clause, killer))),
            Some(Work::Unbroken(subject)) => Some(Done::Unbroken(unbroken(*subject))),
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
    use std::collections::BTreeSet;
    use std::sync::Mutex;

    use super::*;
    use crate::lab::guest::GuestLab;
    use crate::selftest::trial::tests::blames;
    use crate::verdict::VerdictKind;

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
            let case = cases::host().iter().find(|case| case.name == name);
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
        assert_eq!((&*trial.clause, &*trial.killer), ("VB-DSP-01", "not-built"));
        assert_eq!(
            (trial.caught, trial.missed.as_deref()),
            (None, Some("no host is broken in this way"))
        );
    }

    #[test]
    fn a_trial_looks_for_its_killer_and_then_for_alarms_in_every_era() {
        let clause = clause("VB-KA-03");
        let own = cases_of(clause).next().unwrap();
        let heard = Mutex::new(Vec::new());
        let trial = trial_of(clause, &clause.killers[0], |job: Job<GuestLab>| {
            heard.lock().unwrap().push(job.protocol);
            match job.case.name == own.name {
                true => blames(&clause.id),
                false => Verdict::pass(),
            }
        });
        let heard = heard.into_inner().unwrap();
        let caught = trial.caught.unwrap();
        assert_eq!(
            (caught.case.as_str(), caught.protocol),
            (own.name, heard[0])
        );
        let mut protocols = one_an_era(clause, &clause.killers[0]);
        protocols.push(caught.protocol);
        assert_eq!(
            BTreeSet::from_iter(heard[1..].iter().copied()),
            BTreeSet::from_iter(protocols)
        );
        assert_eq!((trial.others, trial.untestable), (heard.len() - 1, 0));
        assert_eq!((trial.alarms.len(), trial.missed), (0, None));
    }

    #[test]
    fn alarms_of_slow_killers_are_looked_for_where_they_were_caught() {
        let clause = spec::registry().iter().find(|clause| clause.group == SLOW);
        let clause = clause.unwrap();
        let heard = Mutex::new(BTreeSet::new());
        let trial = trial_of(clause, &clause.killers[0], |job: Job<GuestLab>| {
            heard.lock().unwrap().insert(job.protocol);
            blames(&clause.id)
        });
        let protocol = trial.caught.unwrap().protocol;
        assert_eq!(heard.into_inner().unwrap(), BTreeSet::from([protocol]));
    }

    #[test]
    fn the_whole_matrix_is_tried_and_told_in_order() {
        let killers: Vec<(&str, &str)> = spec::registry()
            .iter()
            .filter(|clause| cases_of(clause).next().is_some())
            .flat_map(|clause| clause.killers.iter().map(|k| (&*clause.id, &*k.name)))
            .collect();
        let owed = spec::registry().iter().filter(|clause| is_owed(clause));
        let threads = NonZeroUsize::new(2).unwrap();
        let alarm = |subject| Alarm {
            killer: format!("{subject}"),
            breaks: None,
            blamed: None,
            case: String::new(),
            protocol: 4,
            got: String::new(),
        };
        let mut told = Vec::new();
        let report = run_with(
            &Selection::default(),
            threads,
            |trial, number, of| told.push((trial.killer.clone(), number, of)),
            Trial::new,
            |subject| Ok(vec![alarm(subject)]),
        );
        let report = report.unwrap();
        let tried = report.trials.iter().map(|t| (&*t.clause, &*t.killer));
        assert_eq!(Vec::from_iter(tried), killers);
        let numbers = told.iter().map(|(_, number, _)| *number);
        assert_eq!(Vec::from_iter(numbers), Vec::from_iter(1..=killers.len()));
        assert!(told.iter().all(|(_, _, of)| *of == killers.len()));
        assert_eq!(
            report.unbroken,
            [alarm(Subject::Guest), alarm(Subject::Host)]
        );
        assert_eq!((report.clauses, report.uncovered.len()), (owed.count(), 0));
        // Nothing was excused, and so no excuse was needed.
        assert!(!report.unneeded.is_empty());
    }

    #[test]
    fn a_part_of_the_matrix_says_nothing_of_excuses_and_counts_what_has_no_case() {
        let part = Selection {
            clauses: vec!["KA-03".to_owned(), "SWI-01".to_owned()],
            cases: Vec::new(),
        };
        let threads = NonZeroUsize::MIN;
        let none = |_| Ok(Vec::new());
        let report = run_with(&part, threads, |_, _, _| {}, Trial::new, none).unwrap();
        let killers = clause("VB-KA-03").killers.len();
        assert_eq!((report.trials.len(), report.clauses), (killers, 1));
        assert_eq!((report.uncovered.len(), report.unneeded.len()), (0, 0));
        let refuses = |_| {
            GuestSubject::unstarted(GuestOptions::new("x", &[], &[], &[]).unwrap(), b"x")
                .map(|_| Vec::new())
        };
        assert!(run_with(&part, threads, |_, _, _| {}, Trial::new, refuses).is_err());
    }
}
