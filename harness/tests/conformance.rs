//! Every case on every protocol is one test: the lobby and the reference host keep every clause. Run by nextest each
//! test is a process of its own, so nothing is compiled before a test asks for it.

mod support;

use std::sync::LazyLock;

use libtest_mimic::{Arguments, Failed, Trial};
use vbspec::case::{self, Run};
use vbspec::event::CaseFinished;
use vbspec::protocols;
use vbspec::report::failure_text;
use vbspec::runner::Judged;
use vbspec::select::Job;
use vbspec::subject::host::HostSubject;
use vbspec::verdict::VerdictKind;

static HOST: LazyLock<HostSubject> = LazyLock::new(|| {
    HostSubject::start().unwrap_or_else(|error| panic!("the host does not start: {error}"))
});

const SEED: u64 = 1;

fn main() {
    let arguments = Arguments::from_args();
    let trials = case::all()
        .iter()
        .flat_map(|case| {
            let jobs = case
                .protocols(vb_data::supported())
                .into_iter()
                .map(move |protocol| Job { case, protocol });
            jobs.map(|job| {
                let name = format!(
                    "{}::{}::{}",
                    job.case.subject(),
                    job.case.name,
                    job.protocol
                );
                Trial::test(name, move || judge(job))
            })
        })
        .collect();
    libtest_mimic::run(&arguments, trials).exit();
}

fn judge(job: Job) -> Result<(), Failed> {
    let judged: Judged = match job.case.run {
        Run::Guest(_) => support::LOBBY.judge(job, SEED),
        Run::Host(_) => HOST.judge(job, SEED),
    };
    let good = matches!(judged.verdict.kind, VerdictKind::Pass | VerdictKind::Skip);
    if good {
        return Ok(());
    }
    let finished = CaseFinished {
        index: 0,
        case: job.case.name.to_owned(),
        clauses: job.case.clauses.iter().map(ToString::to_string).collect(),
        protocol: job.protocol,
        minecraft: protocols::minecraft(job.protocol).to_owned(),
        verdict: judged.verdict,
        virtual_us: 0,
        wall_us: 0,
    };
    let text = format!("Error: {}", failure_text(&finished));
    // Where nextest looks for the message of a failure.
    eprintln!("{text}");
    Err(Failed::from(text))
}
