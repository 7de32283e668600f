//! JUnit's XML: a test suite for each case, a test for each protocol of it.

use std::io::{self, Write};
use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::Reporter;
use super::failure::verdict_text;
use crate::event::{CaseFinished, Event};
use crate::verdict::VerdictKind;

pub struct Junit {
    out: Box<dyn Write>,
    report: Report,
}

impl Junit {
    pub fn new(out: Box<dyn Write>) -> Self {
        Self {
            out,
            report: Report::new("vbspec"),
        }
    }

    fn add(&mut self, finished: &CaseFinished) {
        let mut test = TestCase::new(
            format!("{}::{}", finished.case, finished.protocol),
            status(finished),
        );
        test.set_classname(finished.clauses.join(" "));
        test.set_time(Duration::from_micros(finished.wall_us));
        match self
            .report
            .test_suites
            .last_mut()
            .filter(|suite| suite.name.as_str() == finished.case)
        {
            Some(suite) => {
                suite.add_test_case(test);
            }
            None => {
                let mut suite = TestSuite::new(finished.case.clone());
                suite.add_test_case(test);
                self.report.add_test_suite(suite);
            }
        }
    }
}

impl Reporter for Junit {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        match event {
            Event::RunStarted(_) => Ok(()),
            Event::SubjectRefused(refused) => {
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
                status.set_message(format!("the subject does not start: {}", refused.message));
                let mut suite = TestSuite::new("subject");
                suite.add_test_case(TestCase::new("starts", status));
                self.report.add_test_suite(suite);
                Ok(())
            }
            Event::CaseFinished(finished) => {
                self.add(finished);
                Ok(())
            }
            Event::RunFinished(finished) => {
                self.report
                    .set_time(Duration::from_micros(finished.wall_us));
                self.report
                    .serialize(&mut self.out)
                    .map_err(io::Error::other)?;
                self.out.flush()
            }
        }
    }
}

fn status(finished: &CaseFinished) -> TestCaseStatus {
    let verdict = &finished.verdict;
    let mut status = match verdict.kind {
        VerdictKind::Pass | VerdictKind::Xfail => return TestCaseStatus::success(),
        // JUnit knows no warning: the test passes, and its output tells.
        VerdictKind::Warn => {
            let mut status = TestCaseStatus::skipped();
            status.set_message("warning: a SHOULD is not followed");
            status
        }
        VerdictKind::Skip => TestCaseStatus::skipped(),
        VerdictKind::Fail | VerdictKind::Xpass | VerdictKind::Flaky => {
            TestCaseStatus::non_success(NonSuccessKind::Failure)
        }
        VerdictKind::Untestable | VerdictKind::HarnessError => {
            TestCaseStatus::non_success(NonSuccessKind::Error)
        }
    };
    status.set_type(verdict.kind.name());
    if let Some(failure) = &verdict.failure {
        status.set_message(format!(
            "{} {}: {}",
            failure.clause, failure.level, failure.got
        ));
    } else if let Some(reason) = &verdict.reason {
        status.set_message(reason.clone());
    }
    status.set_description(verdict_text(finished));
    status
}
