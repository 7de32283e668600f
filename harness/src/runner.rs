//! Runs jobs on threads and tells of them in the planned order.

use std::any::Any;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::case::Spread;
use crate::event::{CaseFinished, Event, RunFinished};
use crate::exit::Exit;
use crate::protocols;
use crate::select::{Expectations, Job};
use crate::verdict::{Verdict, VerdictKind};

/// How one job came out.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// The verdict.
    pub verdict: Verdict,
    /// How long it took in virtual time.
    pub virtual_time: Duration,
}

/// As many threads as the machine has cores.
#[must_use]
pub fn default_threads() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// Runs every job with `judge` on `threads` threads and hands `tell` one `case-finished` for each, in the order
/// of `jobs`, as soon as it and all before it are done; then one `run-finished`.
///
/// A panic of `judge` is a harness error of its job and ends no other.
pub fn run<J>(
    jobs: &[Job],
    threads: NonZeroUsize,
    expected: &Expectations,
    judge: J,
    mut tell: impl FnMut(Event),
) -> Exit
where
    J: Fn(Job) -> Judged + Sync,
{
    let began = Instant::now();
    let mut counts: BTreeMap<VerdictKind, usize> = BTreeMap::new();
    in_order(
        &order(jobs),
        threads,
        |index| Some(finish(index, *jobs.get(index)?, expected, &judge)),
        |finished| {
            if let Some(finished) = finished {
                *counts.entry(finished.verdict.kind).or_default() += 1;
                tell(Event::CaseFinished(Box::new(finished)));
            }
        },
    );
    let exit = exit(&counts);
    tell(Event::RunFinished(RunFinished {
        counts,
        wall_us: micros(began.elapsed()),
        exit: exit.code(),
    }));
    exit
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

/// Microseconds, as the event stream counts them.
#[must_use]
pub fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// In which order the jobs are begun: first the claims that are looked at on one protocol only, which are the long
/// ones, so that none of them is what everybody waits for in the end.
fn order(jobs: &[Job]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..jobs.len()).collect();
    order.sort_by_key(|&index| {
        jobs.get(index)
            .is_some_and(|job| job.case.spread == Spread::Each)
    });
    order
}

fn finish(
    index: usize,
    job: Job,
    expected: &Expectations,
    judge: &impl Fn(Job) -> Judged,
) -> CaseFinished {
    let began = Instant::now();
    let judged = catch_unwind(AssertUnwindSafe(|| judge(job))).unwrap_or_else(|panic| Judged {
        verdict: Verdict::because(
            VerdictKind::HarnessError,
            format!("the harness panicked: {}", panic_message(panic.as_ref())),
        ),
        virtual_time: Duration::ZERO,
    });
    let verdict = if expected.expects_failure(job) {
        judged.verdict.expected_to_fail()
    } else {
        judged.verdict
    };
    CaseFinished {
        index,
        case: job.case.name.to_owned(),
        clauses: job.case.clauses.iter().map(ToString::to_string).collect(),
        protocol: job.protocol,
        minecraft: protocols::minecraft(job.protocol).to_owned(),
        verdict,
        virtual_us: micros(judged.virtual_time),
        wall_us: micros(began.elapsed()),
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

fn exit(counts: &BTreeMap<VerdictKind, usize>) -> Exit {
    let any = |kind| counts.contains_key(&kind);
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

    #[test]
    fn each_red_verdict_decides_the_exit_code_and_a_harness_fault_before_all() {
        let with = |kinds: &[VerdictKind]| exit(&kinds.iter().map(|kind| (*kind, 1)).collect());
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
