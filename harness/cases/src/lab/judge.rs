//! From a case's outcome to a verdict with its evidence.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use super::clock::{Clock, Origin};
use super::door::Need;
use super::guest::{Guest, GuestLab};
use super::recorder::Recorder;
use crate::case::{Job, Lab};
use crate::clause::{Level, Subject};
use crate::protocols;
use crate::rng::Rng;
use crate::sent::Sent;
use crate::shell;
use crate::spec;
use crate::verdict::{Evidence, Failure, Finding, Outcome, Stop, Verdict, VerdictKind};
use crate::verdict::{Judged, micros};

/// What a runaway case says.
fn hangs(clock: Clock, longest: Duration) -> String {
    let kind = match clock {
        Clock::Virtual => " of virtual time",
        Clock::Real => "",
    };
    format!(
        "the case did not end within {} minutes{kind}",
        longest.as_secs() / 60
    )
}

/// Runs one case. `run` gets the origin of its time; `recorder` is what it fills.
pub fn judge<L, F>(
    clock: Clock,
    job: Job<L>,
    repeat: String,
    run: impl FnOnce(Origin) -> (Arc<Recorder>, F),
) -> Judged
where
    L: Lab,
    F: Future<Output = Outcome>,
{
    let longest = clock.longest_case(job.case.takes_minutes);
    let ran = clock.run(async {
        let origin = Origin::now();
        let (recorder, case) = run(origin);
        let outcome = tokio::time::timeout(longest, case).await;
        (outcome, recorder, origin.elapsed())
    });
    match ran {
        Err(error) => harness_error(format!("no runtime: {error}"), Duration::ZERO),
        Ok((Err(_), _, time)) => harness_error(hangs(clock, longest), time),
        Ok((Ok(outcome), recorder, virtual_time)) => Judged {
            sent: sent(clock, job, &recorder),
            verdict: verdict(job, outcome, &recorder, repeat),
            virtual_time,
        },
    }
}

/// Runs a guest's case with a lab of its own. `recorder` counts time from `origin` too.
///
/// # Errors
/// What the case says.
pub async fn with_guest(
    guest: Guest,
    job: Job<GuestLab>,
    seed: u64,
    origin: Origin,
    recorder: Arc<Recorder>,
) -> Outcome {
    let rng = Rng::for_purpose(seed, job.case.name, job.protocol);
    let lab = GuestLab::open(guest, job.protocol, rng, origin, recorder).await?;
    (job.case.run)(&lab).await?;
    if lab.offers(Need::Failures) {
        lab.settle().await;
    }
    lab.untrapped()
}

/// A host's plugins are the case's own, and no host of another program tells what a guest sends.
fn sent<L: Lab>(clock: Clock, job: Job<L>, recorder: &Recorder) -> Option<Sent> {
    (L::SUBJECT == Subject::Guest && clock == Clock::Virtual)
        .then(|| Sent::seen_by(recorder, job.protocol))
}

/// The command that repeats one job, given the words that name the subject.
pub fn repeat_command<L>(subject: &[String], job: Job<L>, seed: u64) -> String {
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
        sent: None,
    }
}

fn verdict<L>(job: Job<L>, outcome: Outcome, recorder: &Recorder, repeat: String) -> Verdict {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases;
    use crate::verdict::TraceLine;

    fn job(protocol: i32) -> Job<GuestLab> {
        let case = &cases::guest()[0];
        Job { case, protocol }
    }

    fn judged(protocol: i32, outcome: Outcome) -> Verdict {
        let repeat = "again".to_owned();
        let judged = judge(Clock::Virtual, job(protocol), repeat, |origin| {
            (Recorder::new(origin), async move {
                tokio::time::sleep(Duration::from_secs(2)).await;
                outcome
            })
        });
        assert_eq!(judged.virtual_time, Duration::from_secs(2));
        judged.verdict
    }

    fn line() -> TraceLine {
        TraceLine {
            at_us: 1,
            last_us: 1,
            repeats: 0,
            direction: "note".to_owned(),
            state: String::new(),
            id: 0,
            name: "seen".to_owned(),
            len: 0,
        }
    }

    #[test]
    fn a_pass_says_nothing_and_a_skip_says_why() {
        assert_eq!(judged(47, Ok(())), Verdict::pass());
        let skip = judged(47, Err(Stop::Skip("not asked".to_owned())));
        assert_eq!(skip, Verdict::because(VerdictKind::Skip, "not asked"));
    }

    #[test]
    fn what_cannot_be_tested_says_why_and_what_was_seen() {
        let stop = Stop::Untestable("no join".to_owned(), vec![line()]);
        let verdict = judged(47, Err(stop));
        assert_eq!(verdict.kind, VerdictKind::Untestable);
        assert_eq!(verdict.reason.as_deref(), Some("no join"));
        assert_eq!(verdict.failure, None);
        let evidence = verdict.evidence.unwrap();
        assert_eq!((evidence.trace, evidence.trace_left_out), (vec![line()], 0));
        assert_eq!(evidence.repeat, "again");
    }

    #[test]
    fn a_broken_clause_is_as_bad_as_it_is_binding() {
        for (clause, kind, level) in [
            ("VB-KA-10", VerdictKind::Fail, Level::Must),
            ("VB-KA-11", VerdictKind::Warn, Level::Should),
        ] {
            let finding = Finding {
                at: Some(Duration::from_millis(5)),
                trace: vec![line()],
                trace_left_out: 7,
                dump: vec!["0 | 00".to_owned()],
                ..Finding::new(clause, "this", "that")
            };
            let verdict = judged(47, Err(finding.into()));
            assert_eq!((verdict.kind, verdict.reason), (kind, None));
            let failure = verdict.failure.unwrap();
            let known = spec::registry().get(clause).unwrap();
            let expected = Failure {
                clause: clause.to_owned(),
                level,
                sentence: known.sentence.clone(),
                expected: vec!["this".to_owned()],
                got: "that".to_owned(),
                at_us: Some(5_000),
                dump: vec!["0 | 00".to_owned()],
            };
            assert_eq!(*failure, expected);
            let evidence = verdict.evidence.unwrap();
            assert_eq!((evidence.trace, evidence.trace_left_out), (vec![line()], 7));
            assert_eq!(evidence.repeat, "again");
        }
    }

    #[test]
    fn a_case_that_blames_what_does_not_hold_is_at_fault_itself() {
        for (clause, protocol, words) in [
            (
                "VB-KA-99",
                47,
                "speaks of VB-KA-99, which is no clause: that",
            ),
            (
                "VB-KA-08",
                340,
                "judged VB-KA-08 on protocol 340 (1.12.2), where it does not hold: that",
            ),
        ] {
            let finding = Finding::new(clause, "this", "that");
            let verdict = judged(protocol, Err(finding.into()));
            assert_eq!(verdict.kind, VerdictKind::HarnessError);
            let reason = verdict.reason.unwrap();
            assert!(reason.contains(words), "{reason}");
            assert_eq!(verdict.failure, None);
        }
    }

    #[test]
    fn a_case_that_never_ends_is_the_harness_fault() {
        let judged = judge(Clock::Virtual, job(47), String::new(), |origin| {
            (Recorder::new(origin), std::future::pending())
        });
        assert_eq!(
            judged.verdict,
            Verdict::because(
                VerdictKind::HarnessError,
                "the case did not end within 60 minutes of virtual time"
            )
        );
        assert_eq!(judged.virtual_time, Clock::Virtual.longest_case(false));
    }

    #[test]
    fn a_job_is_repeated_by_a_command() {
        let subject = ["guest".to_owned(), "a file.wasm".to_owned()];
        let job = job(340);
        let name = job.case.name;
        assert_eq!(
            repeat_command(&subject, job, 7),
            format!("vbspec guest 'a file.wasm' --protocol 340 --case {name} --seed 7")
        );
    }
}
