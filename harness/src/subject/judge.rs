//! From a case's outcome to a verdict with its evidence.

use std::future::Future;
use std::time::Duration;

use super::clock::{LONGEST_CASE, Origin, in_virtual_time};
use super::recorder::Recorder;
use crate::clause::Level;
use crate::protocols;
use crate::runner::{Judged, micros};
use crate::select::Job;
use crate::shell;
use crate::spec;
use crate::verdict::{Evidence, Failure, Finding, Outcome, Stop, Verdict, VerdictKind};

/// How long a runaway case may take is [`LONGEST_CASE`]; what it says then.
const HANGS: &str = "the case did not end within an hour of virtual time";

/// Runs one case in virtual time. `run` gets the origin of its time; `recorder` is what it fills.
pub fn judge<F>(
    job: Job,
    repeat: String,
    run: impl FnOnce(Origin) -> (std::sync::Arc<Recorder>, F),
) -> Judged
where
    F: Future<Output = Outcome>,
{
    let ran = in_virtual_time(async {
        let origin = Origin::now();
        let (recorder, case) = run(origin);
        let outcome = tokio::time::timeout(LONGEST_CASE, case).await;
        (outcome, recorder, origin.elapsed())
    });
    match ran {
        Err(error) => harness_error(format!("no runtime: {error}"), Duration::ZERO),
        Ok((Err(_), _, time)) => harness_error(HANGS.to_owned(), time),
        Ok((Ok(outcome), recorder, virtual_time)) => Judged {
            verdict: verdict(job, outcome, &recorder, repeat),
            virtual_time,
        },
    }
}

/// The command that repeats one job, given the words that name the subject.
pub fn repeat_command(subject: &[String], job: Job, seed: u64) -> String {
    let protocol = job.protocol.to_string();
    let seed = seed.to_string();
    let words = subject.iter().map(String::as_str);
    let rest = [
        "--protocol",
        &protocol,
        "--case",
        job.case.name,
        "--seed",
        &seed,
    ];
    shell::join(["vbspec"].into_iter().chain(words).chain(rest))
}

fn harness_error(reason: String, virtual_time: Duration) -> Judged {
    Judged {
        verdict: Verdict::because(VerdictKind::HarnessError, reason),
        virtual_time,
    }
}

fn verdict(job: Job, outcome: Outcome, recorder: &Recorder, repeat: String) -> Verdict {
    let (log, log_left_out) = recorder.log_lines();
    let evidence = |trace, trace_left_out| {
        Some(Box::new(Evidence {
            trace,
            trace_left_out,
            log,
            log_left_out,
            repeat,
        }))
    };
    match outcome {
        Ok(()) => Verdict::pass(),
        Err(Stop::Skip(reason)) => Verdict::because(VerdictKind::Skip, reason),
        Err(Stop::Untestable(reason, trace)) => Verdict {
            evidence: evidence(trace, 0),
            ..Verdict::because(VerdictKind::Untestable, reason)
        },
        Err(Stop::Broken(finding)) => {
            let Finding {
                clause,
                expected,
                got,
                at,
                dump,
                trace,
                trace_left_out,
            } = *finding;
            let Some(clause) = spec::registry().get(clause) else {
                return Verdict::because(
                    VerdictKind::HarnessError,
                    format!(
                        "the case {} speaks of {clause}, which is no clause: {got}",
                        job.case.name
                    ),
                );
            };
            if !clause.protocols.contains(job.protocol) {
                return Verdict::because(
                    VerdictKind::HarnessError,
                    format!(
                        "the case {} judged {} on protocol {} ({}), where it does not hold: {got}",
                        job.case.name,
                        clause.id,
                        job.protocol,
                        protocols::minecraft(job.protocol)
                    ),
                );
            }
            let kind = match clause.level {
                Level::Must => VerdictKind::Fail,
                Level::Should => VerdictKind::Warn,
            };
            let failure = Failure {
                clause: clause.id.clone(),
                level: clause.level,
                sentence: clause.sentence.clone(),
                expected,
                got,
                at_us: at.map(micros),
                dump,
            };
            Verdict {
                kind,
                reason: None,
                failure: Some(Box::new(failure)),
                evidence: evidence(trace, trace_left_out),
            }
        }
    }
}
