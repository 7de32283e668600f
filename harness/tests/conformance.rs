//! The lobby and the reference host keep every clause: each case is one test, on all its protocols. Run by nextest
//! each test is a process of its own, which compiles the guest that it needs (about a quarter of a second) and nothing
//! before a test asks for it; that is why a test is a case and not a case on one protocol.

mod support;

use std::sync::LazyLock;

use libtest_mimic::{Arguments, Failed, Trial};
use vbspec::case::{Case, Job};
use vbspec::cases::Listed;
use vbspec::event::CaseFinished;
use vbspec::report::failure_text;
use vbspec::subject::host::HostSubject;
use vbspec::verdict::{Judged, VerdictKind};

static HOST: LazyLock<HostSubject> = LazyLock::new(|| {
    HostSubject::start().unwrap_or_else(|error| panic!("the host does not start: {error}"))
});

const SEED: u64 = 1;

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = trials(|job| support::LOBBY.judge(job, SEED));
    trials.extend(self::trials(|job| HOST.judge(job, SEED)));
    libtest_mimic::run(&arguments, trials).exit();
}

fn trials<L: Listed>(judge: fn(Job<L>) -> Judged) -> Vec<Trial> {
    let cases = L::cases().iter();
    cases
        .map(|case| {
            Trial::test(format!("{}::{}", case.subject, case.name), move || {
                passes(case, judge)
            })
        })
        .collect()
}

fn passes<L: Listed>(case: &'static Case<L>, judge: fn(Job<L>) -> Judged) -> Result<(), Failed> {
    let jobs = case
        .protocols(vb_data::supported())
        .into_iter()
        .map(|protocol| Job { case, protocol });
    let failures: Vec<String> = jobs.filter_map(|job| failure(job, judge(job))).collect();
    if failures.is_empty() {
        return Ok(());
    }
    let text = format!("Error: {}", failures.join("\n"));
    // Where nextest looks for the message of a failure.
    eprintln!("{text}");
    Err(Failed::from(text))
}

fn failure<L>(job: Job<L>, judged: Judged) -> Option<String> {
    // The lobby does everything that a case can ask for, so that a skip too would hide something.
    if judged.verdict.kind == VerdictKind::Pass {
        return None;
    }
    let finished = CaseFinished::of(job, judged.verdict);
    Some(failure_text(&finished))
}
