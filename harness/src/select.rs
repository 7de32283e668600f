//! Which cases a run consists of.

use std::collections::{BTreeMap, BTreeSet};

use crate::case::{Case, Claim, Job, Lab};
use crate::cases::{self, Listed};
use crate::clause::Subject;
use crate::protocols::{self, SelectionError};
use crate::spec;
use crate::suggest;

/// A name on the command line that means nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
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
pub fn claims(subject: Subject, given: &str) -> Result<Vec<&'static Claim>, NameError> {
    let upper = given.to_uppercase();
    let short = upper.strip_prefix("VB-").unwrap_or(&upper);
    let named: Vec<&'static Claim> = cases::of(subject)
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
    let known = cases::of(subject).map(|case| case.name);
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
pub fn jobs<L: Listed>(
    protocols: &[i32],
    only: &[String],
    without: &[String],
) -> Result<Vec<Job<L>>, NameError> {
    let chosen = chosen(only, without)?;
    Ok(plan(&chosen, protocols, |_| true))
}

/// Each case on its protocols, where the subject serves those that `serves` says. It is asked about the protocols that
/// matter, each once.
pub fn plan<L: Lab>(
    cases: &[&'static Case<L>],
    protocols: &[i32],
    mut serves: impl FnMut(i32) -> bool,
) -> Vec<Job<L>> {
    let mut known: BTreeMap<i32, bool> = BTreeMap::new();
    let mut serves = |protocol| *known.entry(protocol).or_insert_with(|| serves(protocol));
    let on = |case: &&'static Case<L>| {
        let case = *case;
        let protocols = case.protocols_served(protocols, &mut serves);
        protocols
            .into_iter()
            .map(move |protocol| Job { case, protocol })
    };
    cases.iter().flat_map(on).collect()
}

/// The cases that are left when `only` is selected (all when empty) and `without` is taken away.
///
/// # Errors
/// At the first name that means nothing.
pub fn chosen<L: Listed>(
    only: &[String],
    without: &[String],
) -> Result<Vec<&'static Case<L>>, NameError> {
    let mut wanted = names(L::SUBJECT, only)?;
    if only.is_empty() {
        wanted.extend(L::cases().iter().map(|case| case.name));
    }
    let unwanted = names(L::SUBJECT, without)?;
    Ok(L::cases()
        .iter()
        .filter(|case| wanted.contains(case.name) && !unwanted.contains(case.name))
        .collect())
}

fn names(subject: Subject, given: &[String]) -> Result<BTreeSet<&'static str>, NameError> {
    let mut out = BTreeSet::new();
    for name in given {
        out.extend(claims(subject, name)?.into_iter().map(|case| case.name));
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
            for case in claims(subject, name)? {
                out.extend(on.iter().map(|&protocol| (case.name, protocol)));
            }
        }
        Ok(Self(out))
    }

    /// Whether the job is expected to fail.
    #[must_use]
    pub fn expects_failure<L>(&self, job: Job<L>) -> bool {
        self.0.contains(&(job.case.name, job.protocol))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::Spread;
    use crate::lab::guest::GuestLab;

    fn texts(of: &[&str]) -> Vec<String> {
        of.iter().map(ToString::to_string).collect()
    }

    fn names_of(subject: Subject, given: &str) -> Vec<&'static str> {
        let named = claims(subject, given).unwrap();
        named.iter().map(|case| case.name).collect()
    }

    #[test]
    fn a_case_is_named_by_itself_its_clause_and_its_group() {
        let wanted = ["keep-alive-every-15-seconds"];
        for given in [
            "keep-alive-every-15-seconds",
            "Keep-Alive-Every-15-Seconds",
            "VB-KA-03",
            "vb-ka-03",
            "KA-03",
        ] {
            assert_eq!(names_of(Subject::Guest, given), wanted, "{given}");
        }
        let group = names_of(Subject::Guest, "ka");
        assert!(group.len() > 5 && group.contains(&wanted[0]), "{group:?}");
        assert!(!group.contains(&"join-game-comes-once"));
    }

    #[test]
    fn what_names_no_case_says_what_is_near() {
        let refused = |subject, given| claims(subject, given).unwrap_err();
        for given in ["SWI-01", "vb-swi-01", "SWI"] {
            assert_eq!(
                refused(Subject::Host, given),
                NameError::NoCase("VB-SWI-01".to_owned())
            );
        }
        // A clause and a case of the other subject are none.
        for (subject, given, near) in [
            (Subject::Host, "keep-alive-every-15-seconds", None),
            (Subject::Guest, "SWI-01", None),
            (
                Subject::Guest,
                "join-game-comes-onc",
                Some("join-game-comes-once"),
            ),
            (Subject::Guest, "VB-META-09", Some("VB-META-0")),
            (Subject::Host, "VB-DSP-199", Some("VB-DSP-19")),
        ] {
            let NameError::Unknown {
                given: told,
                subject: of,
                hint,
            } = refused(subject, given)
            else {
                panic!("{given} is unknown");
            };
            assert_eq!((told.as_str(), of), (given, subject));
            match near {
                Some(near) => assert!(hint.contains(near), "{given}: {hint}"),
                None => assert!(!hint.contains(given), "{given}: {hint}"),
            }
        }
    }

    #[test]
    fn jobs_are_what_is_wanted_and_not_unwanted() {
        let planned = |only: &[&str], without: &[&str]| {
            let jobs = jobs::<GuestLab>(&[47, 340], &texts(only), &texts(without)).unwrap();
            let plan: Vec<_> = jobs
                .iter()
                .map(|job| (job.case.name, job.protocol))
                .collect();
            plan
        };
        let once = "join-game-comes-once";
        assert_eq!(planned(&["JOIN-04"], &[]), [(once, 47), (once, 340)]);
        assert_eq!(planned(&["JOIN-04"], &[once]), []);
        let all = planned(&[], &[]);
        let rest = planned(&[], &["KA"]);
        assert!(all.contains(&(once, 340)) && rest.contains(&(once, 340)));
        let of_group: Vec<_> = names_of(Subject::Guest, "KA");
        assert!(all.iter().any(|(name, _)| of_group.contains(name)));
        assert!(rest.iter().all(|(name, _)| !of_group.contains(name)));
        let without = jobs::<GuestLab>(&[47], &[], &texts(&["no-such-case"]));
        assert!(matches!(without, Err(NameError::Unknown { .. })));
    }

    #[test]
    fn what_is_served_is_asked_once() {
        let cases = chosen::<GuestLab>(&[], &[]).unwrap();
        let mut asked = Vec::new();
        let jobs = plan(&cases, &[4, 47, 340, 777], |protocol| {
            asked.push(protocol);
            protocol == 47
        });
        asked.sort_unstable();
        assert_eq!(asked, [4, 47, 340, 777]);
        for job in jobs {
            let once = job.case.spread != Spread::Each;
            assert!(!once || job.protocol == 47, "{}", job.case.name);
        }
    }

    #[test]
    fn a_failure_is_expected_where_it_was_said() {
        let expected =
            Expectations::parse(Subject::Guest, &texts(&["JOIN-04@47", "KA-03"])).unwrap();
        let expects = |name, protocol| {
            let case = chosen::<GuestLab>(&texts(&[name]), &[]).unwrap()[0];
            expected.expects_failure(Job { case, protocol })
        };
        assert!(expects("JOIN-04", 47) && !expects("JOIN-04", 340));
        assert!(expects("KA-03", 47) && expects("KA-03", 340));
        assert!(!expects("JOIN-01", 47));
        let wrong = Expectations::parse(Subject::Guest, &texts(&["JOIN-04@3"]));
        assert!(matches!(wrong, Err(NameError::Protocol(_))));
    }
}
