//! Who tests the tester: for every clause that has a case, each deliberately broken guest or host that the
//! specification names must be caught by one of the clause's cases, on one of its protocols at least.

mod support;

use libtest_mimic::{Arguments, Failed, Trial};
use reference_backend::Fault;
use vbspec::case;
use vbspec::clause::{Clause, Subject};
use vbspec::runner::Judged;
use vbspec::select::Job;
use vbspec::spec;
use vbspec::subject::host::HostSubject;

/// Killers that cannot show themselves yet, and why.
const NOT_YET: &[(&str, &str)] = &[
    (
        "joins-anything",
        "the host speaks no protocol that the guest does not",
    ),
    (
        "traps-on-20-properties",
        "a host in offline mode knows no properties",
    ),
];

const SEED: u64 = 1;

fn main() {
    let arguments = Arguments::from_args();
    let with_case = |clause: &&Clause| {
        case::all()
            .iter()
            .any(|case| case.clauses.contains(&clause.id.as_str()))
    };
    let trials = spec::registry()
        .iter()
        .filter(with_case)
        .flat_map(|clause| {
            clause.killers.iter().map(move |killer| {
                let name = format!("{}::{}", clause.id, killer.name);
                let not_yet = NOT_YET.iter().any(|(name, _)| *name == killer.name);
                Trial::test(name, move || catches(clause, &killer.name)).with_ignored_flag(not_yet)
            })
        })
        .collect();
    libtest_mimic::run(&arguments, trials).exit();
}

fn catches(clause: &'static Clause, killer: &str) -> Result<(), Failed> {
    let judge: Box<dyn Fn(Job) -> Judged> = match clause.subject {
        Subject::Guest => {
            let guest = support::mutant(killer);
            Box::new(move |job| guest.judge(job, SEED))
        }
        Subject::Host => {
            let fault = Fault::named(killer).ok_or("Error: no host is broken in this way")?;
            let host = HostSubject::broken(fault).map_err(|error| error.to_string())?;
            Box::new(move |job| host.judge(job, SEED))
        }
    };
    let mut seen = Vec::new();
    for case in case::all()
        .iter()
        .filter(|case| case.clauses.contains(&clause.id.as_str()))
    {
        for protocol in case.protocols(vb_data::supported()) {
            let verdict = judge(Job { case, protocol }).verdict;
            match &verdict.failure {
                Some(failure) if failure.clause == clause.id => return Ok(()),
                _ => seen.push(format!(
                    "{} on {protocol}: {} {:?}",
                    case.name, verdict.kind, verdict.reason
                )),
            }
        }
    }
    Err(Failed::from(format!(
        "Error: no case of {} catches {killer}:\n{}",
        clause.id,
        seen.join("\n")
    )))
}
