//! A guest's cases as tests of whoever wrote it.

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Completion, Failed, Trial};

use crate::builders::{GuestFile, Judging, judged};
use crate::case::Case;
use crate::error::Error;
use crate::judge::Run;
use crate::judge::subjects::Guest;
use crate::lab::guest::GuestLab;

/// Makes of a guest a program of tests, one for each case, on all its protocols: for a `tests/conformance.rs` with
/// `harness = false` in `Cargo.toml`.
///
/// The argument is the component's path, seen from the package's folder, or a whole builder:
///
/// ```no_run
/// // Not run: these are the programs of a plugin's author.
/// # mod plain {
/// vbspec::test_main!("target/wasm32-unknown-unknown/release/lobby.component.wasm");
/// # }
/// # mod with_more {
/// vbspec::test_main!(vbspec::judge_guest("lobby.wasm").config("greeting", "hello").protocols(764..));
/// # }
/// # fn main() {}
/// ```
///
/// A test is called `VB-KA-03::keep-alive-every-15-seconds`: `cargo test KA-03` runs what checks that clause first of all.
/// `cargo nextest` knows the tests too, and runs each in a process of its own, which compiles the guest anew.
#[macro_export]
macro_rules! test_main {
    ($guest:expr $(,)?) => {
        fn main() -> ::std::process::ExitCode {
            $crate::run_tests($guest)
        }
    };
}

/// What [`test_main!`](crate::test_main) calls: runs the tests that the program's arguments name.
pub fn run_tests(guest: impl Into<Judging<GuestFile>>) -> ExitCode {
    match tests(guest.into()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(FAILED)
        }
    }
}

/// As Rust's own tests end that fail.
const FAILED: u8 = 101;

fn tests(guest: Judging<GuestFile>) -> Result<ExitCode, Error> {
    let arguments = Arguments::from_args();
    let run = Arc::new(guest.prepare()?);
    // A list wants no guest, which may not be built yet.
    let started = match arguments.list {
        true => None,
        false => Some(Arc::new(guest.start()?)),
    };
    let trials = run.cases().iter().map(|&case| {
        let (run, started) = (Arc::clone(&run), started.clone());
        Trial::ignorable_test(name(case), move || match &started {
            Some(started) => test(&run, started, case),
            None => Ok(Completion::Completed),
        })
    });
    Ok(libtest_mimic::run(&arguments, trials.collect()).exit_code())
}

fn name(case: &Case<GuestLab>) -> String {
    let clause = case.clauses.first().copied().unwrap_or_default();
    format!("{clause}::{}", case.name)
}

fn test(
    run: &Run<GuestLab>,
    started: &Guest,
    case: &'static Case<GuestLab>,
) -> Result<Completion, Failed> {
    let judgement = judged(&run.only(case), started)?;
    if !judgement.is_conforming() {
        return Err(Failed::from(judgement.to_string()));
    }
    if judgement.nowhere().is_empty() {
        return Ok(Completion::Completed);
    }
    let skipped = judgement
        .verdicts()
        .find_map(|finished| finished.verdict.reason.clone());
    Ok(Completion::ignored_with(skipped.unwrap_or_default()))
}
