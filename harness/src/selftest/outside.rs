//! Broken hosts behind an adapter: which of them show from outside, and whether the cases blame the right clause there.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::trial::{self, Trial};
use super::{Selection, by_likelihood, cases_of, is_owed, jobs_of_subject};
use crate::adapter::AdapterHost;
use crate::case::Job;
use crate::clause::{Clause, Killer, Subject};
use crate::exit::Exit;
use crate::judge::Judge as _;
use crate::lab::host::HostLab;
use crate::outside::Outside as Hosts;
use crate::runner;
use crate::spec;
use crate::verdict::{Verdict, VerdictKind};

/// How many cases run at once unless told otherwise: those of three broken hosts, which mostly wait.
pub const AT_ONCE: NonZeroUsize = NonZeroUsize::MIN.saturating_add(191);

/// What came out.
#[derive(Debug, Default)]
pub struct Outside {
    /// Every killer that can be told from outside, in the order of the specification.
    pub trials: Vec<Trial>,
    /// Killers of clauses whose cases need what no adapter offers, and why.
    pub untold: Vec<(String, String)>,
    /// Killers that no case could catch from outside, and why, as `HIDDEN` says.
    pub hidden: Vec<(String, &'static str)>,
    /// Of `HIDDEN`, those that were caught after all.
    pub found: Vec<String>,
    /// By the clock on the wall.
    pub seconds: f64,
}

/// A broken host whose cases run from outside, and which nevertheless does not show there as what it is.
struct Hidden {
    killer: &'static str,
    why: &'static str,
    /// The clauses that it breaks too, and that are rightly blamed from there.
    shows_as: &'static [&'static str],
}

impl Hidden {
    const fn new(killer: &'static str, why: &'static str) -> Self {
        Self {
            killer,
            why,
            shows_as: &[],
        }
    }

    const fn showing_as(mut self, clauses: &'static [&'static str]) -> Self {
        self.shows_as = clauses;
        self
    }
}

const HIDDEN: &[Hidden] = &[
    Hidden::new(
        "marker-falls-through",
        "without servers, `allowed` ends in a denial that can be read, as the marker has to",
    ),
    Hidden::new(
        "two-ends-on-kick",
        "what calls the reference's guests has let go of the session at the first end, and calls nobody at the second",
    ),
    Hidden::new(
        "late-packet",
        "what calls the reference's guests has let go of the session at its end, and hands over nothing after it",
    ),
    Hidden::new(
        "truncates-properties",
        "an adapter's hosts take profiles from where they do, and offline ones have no properties",
    ),
    Hidden::new(
        "silent-configuration",
        "no guest can think for 15 s, and no client is waited for longer, so that no keep-alive is ever due",
    ),
    Hidden::new(
        "global-lock",
        "all callbacks of guests are short, so that one lock for all of them shows in no bound that is wide enough for a busy machine",
    ),
    Hidden::new(
        "table-survives-restart",
        "the handler that is kept belongs to an instance that is gone, so that its player is disconnected all the same",
    ),
    Hidden::new(
        "spawns-per-packet",
        "what calls the reference's guests lets one callback in at a time, so that callbacks side by side show as packets out of order",
    )
    .showing_as(&[
        "VB-DSP-03", "VB-DSP-04", "VB-DSP-05", "VB-DSP-08", "VB-BRG-05", "VB-BRG-12",
    ]),
];

/// Broken hosts that show on one protocol only.
const ONLY_ON: &[(&str, i32)] = &[("no-variants", 770)];

impl Outside {
    /// How many were caught by their own clause.
    #[must_use]
    pub fn caught(&self) -> usize {
        let caught = self.trials.iter().filter(|trial| trial.caught.is_some());
        caught.count()
    }

    /// How many blamed another clause.
    #[must_use]
    pub fn alarms(&self) -> usize {
        self.trials.iter().map(|trial| trial.alarms.len()).sum()
    }

    /// How the process should end.
    #[must_use]
    pub fn exit(&self) -> Exit {
        if self.trials.is_empty() && self.untold.is_empty() {
            return Exit::NothingSelected;
        }
        let good =
            self.caught() == self.trials.len() && self.alarms() == 0 && self.found.is_empty();
        match good {
            true => Exit::AsExpected,
            false => Exit::Nonconforming,
        }
    }
}

/// A killer on its way through the cases.
struct Attempt {
    clause: &'static Clause,
    killer: &'static Killer,
    jobs: Vec<Job<HostLab>>,
    subject: Mutex<Option<Result<Arc<Hosts<AdapterHost>>, String>>>,
    left: AtomicUsize,
}

impl Attempt {
    fn new(clause: &'static Clause, killer: &'static Killer) -> Option<Self> {
        let protocols = cases_of(clause).flat_map(|case| case.protocols(vb_data::supported()));
        let likely = by_likelihood(protocols.collect()).first().copied();
        let only = ONLY_ON.iter().find(|(name, _)| *name == killer.name);
        let protocol = only.map(|(_, protocol)| *protocol).or(likely)?;
        let jobs: Vec<Job<HostLab>> = jobs_of_subject(&[protocol]).collect();
        Some(Self {
            clause,
            killer,
            left: AtomicUsize::new(jobs.len()),
            jobs,
            subject: Mutex::default(),
        })
    }

    fn subject(&self, command: &str, seed: u64) -> Result<Arc<Hosts<AdapterHost>>, String> {
        let mut subject = self.subject.lock().unwrap_or_else(PoisonError::into_inner);
        let start = || {
            let command = format!("{command} --fault {}", self.killer.name);
            Hosts::adapter(&command, seed, false).map(Arc::new)
        };
        subject.get_or_insert_with(start).clone()
    }

    fn judge(&self, command: &str, job: Job<HostLab>, seed: u64) -> Result<Verdict, String> {
        let subject = self.subject(command, seed)?;
        let mut verdict = subject.judge(job).verdict;
        // What the machine may have caused, it does not cause twice.
        if verdict.may_be_chance() && !self.is_blamed(&verdict) {
            verdict = subject.judge(job).verdict;
        }
        let failure = subject.stopped();
        if self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            // The adapter goes with the last job.
            *self.subject.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
        match failure {
            Some(failure) => Err(failure),
            None => Ok(verdict),
        }
    }

    fn is_blamed(&self, verdict: &Verdict) -> bool {
        let failure = verdict.failure.as_ref();
        failure.is_some_and(|failure| failure.clause == self.clause.id)
    }
}

/// Tries the killers of hosts that are selected: `command` with ` --fault KILLER` behind it answers for a host that is
/// broken so. Tells of each as soon as all its cases are judged.
pub fn run(
    selection: &Selection,
    command: &str,
    seed: u64,
    threads: NonZeroUsize,
    mut tell: impl FnMut(&Trial),
) -> Outside {
    let began = Instant::now();
    let clauses = spec::registry().iter().filter(|clause| {
        clause.subject == Subject::Host && is_owed(clause) && selection.takes(clause)
    });
    let attempts: Vec<Attempt> = clauses
        .flat_map(|clause| clause.killers.iter().map(move |killer| (clause, killer)))
        .filter_map(|(clause, killer)| Attempt::new(clause, killer))
        .collect();
    let work: Vec<(usize, Job<HostLab>)> = attempts
        .iter()
        .enumerate()
        .flat_map(|(index, attempt)| attempt.jobs.iter().map(move |job| (index, *job)))
        .collect();
    let mut outside = Outside::default();
    let mut heard: Vec<(Job<HostLab>, Result<Verdict, String>)> = Vec::new();
    runner::in_order(
        &(0..work.len()).collect::<Vec<_>>(),
        threads,
        |place| {
            let (index, job) = *work.get(place)?;
            let attempt = attempts.get(index)?;
            Some((index, job, attempt.judge(command, job, seed)))
        },
        |done| {
            let Some((index, job, verdict)) = done else {
                return;
            };
            heard.push((job, verdict));
            let Some(attempt) = attempts
                .get(index)
                .filter(|it| it.jobs.len() == heard.len())
            else {
                return;
            };
            outside.take(attempt, std::mem::take(&mut heard), &mut tell);
        },
    );
    outside.seconds = began.elapsed().as_secs_f64();
    outside
}

impl Outside {
    fn take(
        &mut self,
        attempt: &Attempt,
        heard: Vec<(Job<HostLab>, Result<Verdict, String>)>,
        tell: &mut impl FnMut(&Trial),
    ) {
        let (clause, killer) = (attempt.clause, attempt.killer);
        let of_clause = |job: &Job<HostLab>| job.case.clauses.contains(&clause.id.as_str());
        let own: Vec<(Job<HostLab>, Verdict)> = heard
            .iter()
            .filter(|(job, _)| of_clause(job))
            .filter_map(|(job, verdict)| Some((*job, verdict.clone().ok()?)))
            .collect();
        let skipped = |(_, verdict): &(Job<HostLab>, Verdict)| verdict.kind == VerdictKind::Skip;
        if !own.is_empty() && own.iter().all(skipped) {
            let why = own.into_iter().find_map(|(_, verdict)| verdict.reason);
            self.untold
                .push((killer.name.clone(), why.unwrap_or_default()));
            return;
        }
        let mut trial = Trial::new(clause, killer);
        let verdict_of = |job: Job<HostLab>| {
            let found = own.iter().find(|(of, _)| of.case.name == job.case.name);
            found.map_or_else(Verdict::pass, |(_, verdict)| verdict.clone())
        };
        let jobs = own.iter().map(|(job, _)| *job).collect::<Vec<_>>();
        match trial::catch(clause, jobs.into_iter(), verdict_of) {
            Ok(caught) => trial.caught = Some(caught),
            Err(why) => trial.missed = Some(why),
        }
        for (job, verdict) in heard {
            match verdict {
                Ok(verdict) if verdict.kind == VerdictKind::Skip => {}
                Ok(verdict) => trial.hear(job, verdict),
                Err(why) => trial.missed = trial.missed.or(Some(why)),
            }
        }
        if let Some(hidden) = HIDDEN.iter().find(|hidden| hidden.killer == killer.name) {
            let is_right = |clause: &str| hidden.shows_as.contains(&clause);
            trial
                .alarms
                .retain(|alarm| !alarm.blamed.as_deref().is_some_and(is_right));
            match &trial.caught {
                None if trial.alarms.is_empty() => {
                    self.hidden.push((hidden.killer.to_owned(), hidden.why));
                    return;
                }
                None => {}
                Some(_) => self.found.push(hidden.killer.to_owned()),
            }
        }
        tell(&trial);
        self.trials.push(trial);
    }
}
