//! The lobby and the reference host keep every clause: each case is one test, on all its protocols. Run by nextest
//! each test is a process of its own, which compiles the guest that it needs (about a quarter of a second) and nothing
//! before a test asks for it; that is why a test is a case and not a case on one protocol.

mod support;

use std::sync::LazyLock;

use libtest_mimic::{Arguments, Failed, Trial};
use vbspec::case::Job;
use vbspec::case::{Case, Run};
use vbspec::cases;
use vbspec::event::CaseFinished;
use vbspec::report::failure_text;
use vbspec::subject::host::HostSubject;
use vbspec::verdict::VerdictKind;

static HOST: LazyLock<HostSubject> = LazyLock::new(|| {
    HostSubject::start().unwrap_or_else(|error| panic!("the host does not start: {error}"))
});

const SEED: u64 = 1;

fn main() {
    let arguments = Arguments::from_args();
    let trials = cases::all()
        .iter()
        .map(|case| {
            Trial::test(format!("{}::{}", case.subject(), case.name), move || {
                judge(case)
            })
        })
        .collect();
    libtest_mimic::run(&arguments, trials).exit();
}

fn judge(case: &'static Case) -> Result<(), Failed> {
    let jobs = case
        .protocols(vb_data::supported())
        .into_iter()
        .map(|protocol| Job { case, protocol });
    let failures: Vec<String> = jobs.filter_map(failure).collect();
    if failures.is_empty() {
        return Ok(());
    }
    let text = format!("Error: {}", failures.join("\n"));
    // Where nextest looks for the message of a failure.
    eprintln!("{text}");
    Err(Failed::from(text))
}

fn failure(job: Job) -> Option<String> {
    let judged = match job.case.run {
        Run::Guest(_) => support::LOBBY.judge(job, SEED),
        Run::Host(_) => HOST.judge(job, SEED),
    };
    // The lobby does everything that a case can ask for, so that a skip too would hide something.
    if judged.verdict.kind == VerdictKind::Pass {
        return None;
    }
    let finished = CaseFinished::of(job, judged.verdict);
    Some(failure_text(&finished))
}
