//! Runs jobs on threads and tells of them in the planned order.

use std::any::Any;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::case::{Job, Lab, Spread};
use crate::event::{CaseFinished, Event, RunFinished, SubjectRefused};
use crate::exit::Exit;
use crate::select::Expectations;
use crate::verdict::{Judged, Verdict, VerdictKind, micros};

/// As many threads as the machine has cores.
#[must_use]
pub fn default_threads() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// How jobs are run.
#[derive(Clone, Copy)]
pub struct Conduct<'a> {
    /// So many at one time.
    pub threads: NonZeroUsize,
    /// Which are expected to fail.
    pub expected: &'a Expectations,
    /// So many that did not pass are tried once more, alone, after all others: where time is real, the machine may be to
    /// blame. With more of them it is not.
    pub second_tries: usize,
    /// Whether one that passes then is as good as one that passed at once.
    pub allow_flaky: bool,
    /// Why the rest cannot be judged, once that is so: the run ends then.
    pub stopped: &'a (dyn Fn() -> Option<SubjectRefused> + Sync),
}

impl<'a> Conduct<'a> {
    /// With every job once, and to the end.
    #[must_use]
    pub fn once(threads: NonZeroUsize, expected: &'a Expectations) -> Self {
        Self {
            threads,
            expected,
            second_tries: 0,
            allow_flaky: false,
            stopped: &|| None,
        }
    }
}

/// Runs every job with `judge` and hands `tell` one `case-finished` for each, in the order of `jobs`, as soon as it and
/// all before it are done; then one `run-finished`.
///
/// A panic of `judge` is a harness error of its job and ends no other.
pub fn run<L, J>(jobs: &[Job<L>], conduct: Conduct<'_>, judge: J, tell: impl FnMut(Event)) -> Exit
where
    L: Lab,
    J: Fn(Job<L>) -> Judged + Sync,
{
    let began = Instant::now();
    let mut sum = Sum::new(tell);
    // From the first that will be tried again on, so that the order holds.
    let mut held: Vec<CaseFinished> = Vec::new();
    let mut again = 0;
    in_order(
        &order(jobs),
        conduct.threads,
        |index| {
            let job = *jobs.get(index)?;
            let stopped = || (conduct.stopped)().is_some();
            if stopped() {
                return None;
            }
            // What a case saw of a subject that went away meanwhile is no verdict.
            Some(finish(index, job, &judge)).filter(|_| !stopped())
        },
        |finished| {
            let Some(finished) = finished else {
                return;
            };
            again += usize::from(finished.verdict.may_be_chance());
            if conduct.second_tries == 0 || (held.is_empty() && !finished.verdict.may_be_chance()) {
                sum.tell(finished, &conduct, jobs);
            } else {
                held.push(finished);
            }
        },
    );
    let tried_again = again <= conduct.second_tries;
    for mut finished in held {
        let job = jobs.get(finished.index).copied();
        if let Some(job) = job.filter(|_| tried_again && finished.verdict.may_be_chance()) {
            let second = finish(finished.index, job, &judge);
            if !second.verdict.may_be_chance() && (conduct.stopped)().is_none() {
                finished.verdict = finished.verdict.passed_alone();
            }
        }
        sum.tell(finished, &conduct, jobs);
    }
    sum.end(began.elapsed(), (conduct.stopped)())
}

/// What is told, and what it comes to.
struct Sum<T> {
    counts: BTreeMap<VerdictKind, usize>,
    /// Whether each was judged somewhere.
    cases: Vec<(String, bool)>,
    allow_flaky: bool,
    tell: T,
}

impl<T: FnMut(Event)> Sum<T> {
    fn new(tell: T) -> Self {
        Self {
            counts: BTreeMap::new(),
            cases: Vec::new(),
            allow_flaky: false,
            tell,
        }
    }

    fn tell<L>(&mut self, mut finished: CaseFinished, conduct: &Conduct<'_>, jobs: &[Job<L>]) {
        self.allow_flaky = conduct.allow_flaky;
        let job = jobs.get(finished.index);
        if job.is_some_and(|job| conduct.expected.expects_failure(*job)) {
            finished.verdict = finished.verdict.expected_to_fail();
        }
        *self.counts.entry(finished.verdict.kind).or_default() += 1;
        let judged = finished.verdict.kind != VerdictKind::Skip;
        match self
            .cases
            .last_mut()
            .filter(|(name, _)| *name == finished.case)
        {
            Some((_, somewhere)) => *somewhere |= judged,
            None => self.cases.push((finished.case.clone(), judged)),
        }
        (self.tell)(Event::CaseFinished(Box::new(finished)));
    }

    fn end(mut self, took: Duration, stopped: Option<SubjectRefused>) -> Exit {
        let exit = match stopped {
            Some(refused) => {
                (self.tell)(Event::SubjectRefused(refused));
                Exit::SubjectDoesNotStart
            }
            None => exit(&self.counts, self.allow_flaky),
        };
        let nowhere = self.cases.into_iter();
        (self.tell)(Event::RunFinished(RunFinished {
            counts: self.counts,
            nowhere: nowhere
                .filter_map(|(name, somewhere)| (!somewhere).then_some(name))
                .collect(),
            wall_us: micros(took),
            exit: exit.code(),
        }));
        exit
    }
}

/// Does `work` for every index from 0 on, on `threads` threads, and hands each result to `tell` in the order of the
/// indices, as soon as it and all before it are there. `begin` is the order in which they are begun.
pub fn in_order<T: Send>(
    begin: &[usize],
    threads: NonZeroUsize,
    work: impl Fn(usize) -> T + Sync,
    mut tell: impl FnMut(T),
) {
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..threads.get().min(begin.len()) {
            let (sender, next, work) = (sender.clone(), &next, &work);
            scope.spawn(move || {
                while let Some(&index) = begin.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if sender.send((index, work(index))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let mut waiting = BTreeMap::new();
        let mut due = 0;
        for (index, done) in receiver {
            waiting.insert(index, done);
            while let Some(done) = waiting.remove(&due) {
                due += 1;
                tell(done);
            }
        }
    });
}

/// In which order the jobs are begun: first the claims that are looked at on one protocol only, which are the long
/// ones, so that none of them is what everybody waits for in the end.
fn order<L>(jobs: &[Job<L>]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..jobs.len()).collect();
    order.sort_by_key(|&index| {
        jobs.get(index)
            .is_some_and(|job| job.case.spread == Spread::Each)
    });
    order
}

fn finish<L>(index: usize, job: Job<L>, judge: &impl Fn(Job<L>) -> Judged) -> CaseFinished {
    let began = Instant::now();
    let judged = catch_unwind(AssertUnwindSafe(|| judge(job))).unwrap_or_else(|panic| Judged {
        verdict: Verdict::because(
            VerdictKind::HarnessError,
            format!("the harness panicked: {}", panic_message(panic.as_ref())),
        ),
        virtual_time: Duration::ZERO,
        sent: None,
    });
    CaseFinished {
        index,
        sent: judged.sent,
        virtual_us: micros(judged.virtual_time),
        wall_us: micros(began.elapsed()),
        ..CaseFinished::of(job, judged.verdict)
    }
}

/// What a panic said.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("without a message")
}

fn exit(counts: &BTreeMap<VerdictKind, usize>, allow_flaky: bool) -> Exit {
    let any = |kind| {
        let allowed = allow_flaky && kind == VerdictKind::Flaky;
        counts.contains_key(&kind) && !allowed
    };
    if any(VerdictKind::HarnessError) {
        Exit::HarnessFault
    } else if VerdictKind::ALL
        .into_iter()
        .any(|kind| kind.is_red() && any(kind))
    {
        Exit::Nonconforming
    } else if counts.is_empty() {
        Exit::NothingSelected
    } else {
        Exit::AsExpected
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::guest::GuestLab;

    #[test]
    fn results_are_told_in_order_whatever_is_begun_first() {
        for threads in [1, 2, 7] {
            let threads = NonZeroUsize::new(threads).unwrap();
            let mut told = Vec::new();
            in_order(
                &[4, 2, 0, 1, 3],
                threads,
                |index| index * 10,
                |done| told.push(done),
            );
            assert_eq!(told, [0, 10, 20, 30, 40]);
        }
    }

    fn jobs() -> Vec<Job<GuestLab>> {
        let names = ["JOIN-04".to_owned(), "KA-03".to_owned()];
        crate::select::jobs(&[47, 340], &names, &[]).unwrap()
    }

    #[test]
    fn each_job_is_told_once_and_the_sum_last() {
        let jobs = jobs();
        let name = jobs[0].case.name.to_owned();
        let expected = Expectations::parse(jobs[0].case.subject, &[format!("{name}@340")]);
        let judge = |job: Job<GuestLab>| {
            let verdict = match (job.case.name == name, job.protocol) {
                (true, 47) => panic!("of all things"),
                (true, _) => Verdict::because(VerdictKind::Untestable, "so"),
                _ => Verdict::pass(),
            };
            Judged {
                verdict,
                virtual_time: Duration::from_micros(3),
                sent: None,
            }
        };
        let mut told = Vec::new();
        let expected = expected.unwrap();
        let conduct = Conduct::once(NonZeroUsize::MIN, &expected);
        let exit = run(&jobs, conduct, judge, |event| told.push(event));
        assert_eq!(exit, Exit::HarnessFault);
        let Some(Event::RunFinished(sum)) = told.pop() else {
            panic!("a sum");
        };
        assert_eq!(sum.nowhere, Vec::<String>::new());
        let counts = [
            (VerdictKind::Pass, 2),
            (VerdictKind::HarnessError, 1),
            (VerdictKind::Xfail, 1),
        ];
        assert_eq!((sum.counts, sum.exit), (counts.into(), exit.code()));
        let kinds: Vec<_> = told
            .iter()
            .enumerate()
            .map(|(place, event)| {
                let Event::CaseFinished(finished) = event else {
                    panic!("a case");
                };
                let job = jobs[place];
                assert_eq!((finished.index, finished.protocol), (place, job.protocol));
                assert_eq!(finished.case, job.case.name);
                finished.verdict.kind
            })
            .collect();
        assert_eq!(
            kinds,
            [
                VerdictKind::HarnessError,
                VerdictKind::Xfail,
                VerdictKind::Pass,
                VerdictKind::Pass
            ]
        );
        let Event::CaseFinished(first) = &told[0] else {
            panic!("a case");
        };
        let reason = first.verdict.reason.as_deref();
        assert_eq!(reason, Some("the harness panicked: of all things"));
        let Event::CaseFinished(last) = &told[3] else {
            panic!("a case");
        };
        assert_eq!(last.virtual_us, 3);
    }

    #[test]
    fn a_case_that_is_skipped_everywhere_is_told_of() {
        let jobs = jobs();
        let (first, last) = (jobs[0].case.name, jobs[3].case.name);
        let judge = |job: Job<GuestLab>| Judged {
            verdict: match (job.case.name == first, job.protocol) {
                (true, _) | (false, 340) => Verdict::because(VerdictKind::Skip, "so"),
                _ => Verdict::pass(),
            },
            virtual_time: Duration::ZERO,
            sent: None,
        };
        let mut nowhere = Vec::new();
        let expected = Expectations::default();
        let conduct = Conduct::once(NonZeroUsize::MIN, &expected);
        let exit = run(&jobs, conduct, judge, |event| {
            if let Event::RunFinished(sum) = event {
                nowhere = sum.nowhere;
            }
        });
        assert_eq!((exit, nowhere), (Exit::AsExpected, vec![first.to_owned()]));
        assert_ne!(first, last);
    }

    /// A judge whose verdicts on the first job are these, one after the other, and all others are good.
    fn by_turns(
        jobs: &[Job<GuestLab>],
        kinds: &'static [VerdictKind],
    ) -> impl Fn(Job<GuestLab>) -> Judged + Sync {
        let (first, turn) = (jobs[0], AtomicUsize::new(0));
        move |job| {
            let of_first = (job.case.name, job.protocol) == (first.case.name, first.protocol);
            let kind = match of_first {
                true => kinds[turn.fetch_add(1, Ordering::Relaxed)],
                false => VerdictKind::Pass,
            };
            Judged {
                verdict: Verdict {
                    kind,
                    ..Verdict::pass()
                },
                virtual_time: Duration::ZERO,
                sent: None,
            }
        }
    }

    #[test]
    fn what_passes_at_the_second_try_is_flaky_and_told_in_its_place() {
        use VerdictKind::{Fail, Flaky, Pass};
        let jobs = jobs();
        let expected = Expectations::default();
        for (kinds, second_tries, allow_flaky, then, code) in [
            (&[Fail, Pass][..], 1, false, Flaky, Exit::Nonconforming),
            (&[Fail, Pass], 1, true, Flaky, Exit::AsExpected),
            (&[Fail, Fail], 1, true, Fail, Exit::Nonconforming),
            (&[Fail], 0, true, Fail, Exit::Nonconforming),
        ] {
            let conduct = Conduct {
                second_tries,
                allow_flaky,
                ..Conduct::once(NonZeroUsize::MIN, &expected)
            };
            let mut told = Vec::new();
            let exit = run(&jobs, conduct, by_turns(&jobs, kinds), |event| {
                if let Event::CaseFinished(finished) = event {
                    told.push((finished.index, finished.verdict.kind));
                }
            });
            assert_eq!(exit, code, "{kinds:?}");
            assert_eq!(told, [(0, then), (1, Pass), (2, Pass), (3, Pass)]);
        }
    }

    #[test]
    fn with_more_failures_than_second_tries_none_is_tried_again() {
        let jobs = jobs();
        let expected = Expectations::default();
        let conduct = Conduct {
            second_tries: 1,
            ..Conduct::once(NonZeroUsize::MIN, &expected)
        };
        let runs = AtomicUsize::new(0);
        let judge = |_: Job<GuestLab>| {
            runs.fetch_add(1, Ordering::Relaxed);
            Judged {
                verdict: Verdict::because(VerdictKind::Untestable, "so"),
                virtual_time: Duration::ZERO,
                sent: None,
            }
        };
        run(&jobs, conduct, judge, |_| ());
        assert_eq!(runs.into_inner(), jobs.len());
    }

    #[test]
    fn a_subject_that_goes_away_ends_the_run() {
        let jobs = jobs();
        let expected = Expectations::default();
        let runs = AtomicUsize::new(0);
        let stopped = || {
            let refused = SubjectRefused {
                name: "it".to_owned(),
                message: "gone".to_owned(),
            };
            (runs.load(Ordering::Relaxed) > 1).then_some(refused)
        };
        let conduct = Conduct {
            stopped: &stopped,
            ..Conduct::once(NonZeroUsize::MIN, &expected)
        };
        let judge = |_: Job<GuestLab>| {
            runs.fetch_add(1, Ordering::Relaxed);
            Judged {
                verdict: Verdict::pass(),
                virtual_time: Duration::ZERO,
                sent: None,
            }
        };
        let mut told = Vec::new();
        let exit = run(&jobs, conduct, judge, |event| told.push(event));
        assert_eq!(exit, Exit::SubjectDoesNotStart);
        assert_eq!(runs.load(Ordering::Relaxed), 2);
        assert!(
            matches!(&told[..], [Event::CaseFinished(_), Event::SubjectRefused(refused), Event::RunFinished(_)] if refused.message == "gone")
        );
    }

    #[test]
    fn claims_that_are_looked_at_once_are_begun_first() {
        let mut all = jobs();
        let once = crate::cases::guest()
            .iter()
            .find(|case| case.spread != Spread::Each)
            .unwrap();
        all.push(Job {
            case: once,
            protocol: 340,
        });
        assert_eq!(order(&all), [4, 0, 1, 2, 3]);
    }

    #[test]
    fn a_panic_is_told_in_its_words() {
        let caught = |panic: fn()| catch_unwind(panic).unwrap_err();
        assert_eq!(panic_message(caught(|| panic!("plain")).as_ref()), "plain");
        let formatted = caught(|| panic!("number {}", std::hint::black_box(7)));
        assert_eq!(panic_message(formatted.as_ref()), "number 7");
        let odd = caught(|| std::panic::panic_any(7));
        assert!(!panic_message(odd.as_ref()).is_empty());
    }

    #[test]
    fn a_thread_a_core() {
        assert_eq!(
            Ok(default_threads().get()),
            std::thread::available_parallelism()
                .map(NonZeroUsize::get)
                .map_err(|_| ())
        );
    }

    #[test]
    fn each_red_verdict_decides_the_exit_code_and_a_harness_fault_before_all() {
        let with =
            |kinds: &[VerdictKind]| exit(&kinds.iter().map(|kind| (*kind, 1)).collect(), false);
        assert_eq!(with(&[]), Exit::NothingSelected);
        for kind in [
            VerdictKind::Pass,
            VerdictKind::Warn,
            VerdictKind::Skip,
            VerdictKind::Xfail,
        ] {
            assert_eq!(with(&[kind]), Exit::AsExpected, "{kind}");
        }
        for kind in [
            VerdictKind::Fail,
            VerdictKind::Untestable,
            VerdictKind::Xpass,
            VerdictKind::Flaky,
        ] {
            assert_eq!(
                with(&[VerdictKind::Pass, kind]),
                Exit::Nonconforming,
                "{kind}"
            );
            assert_eq!(
                with(&[kind, VerdictKind::HarnessError]),
                Exit::HarnessFault,
                "{kind}"
            );
        }
    }
}
