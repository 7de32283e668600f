//! What the world does to the host: the real program over TCP, with few files, a log that cannot be written, many
//! players at once, signals at every step of a join, a time that stands still or jumps, a slow disk. Beside each a
//! healthy player, whose round trips and whose end are measured, quiet and under the fault, in one run.
//!
//! Printed are the 99th percentiles, their ratio, and what held. A promise that does not hold (the host ends, a player
//! is lost, a stop does not come within the 10 s of SPEC.md) makes the exit code 1; a time alone never does.
//!
//! Arguments name the faults that are tried, by a part of their names; all without. `--short` takes smaller numbers, as
//! `.ci/run` does; `--brief` takes the large ones, but does not let a crowd stay for its ten minutes. Wants the other
//! programs of the release build beside it.

#![forbid(unsafe_code)]

mod crowd;
mod faults;
mod process;

use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use faults::Size;

/// Set where this program has raised its own limit of files already.
const RAISED: &str = "VBSPEC_FAULTS_RAISED";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if std::env::var_os(RAISED).is_none() {
        return raise(&arguments);
    }
    let given = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let size = match (given("--short"), given("--brief")) {
        (true, _) => Size::Short,
        (false, true) => Size::Brief,
        (false, false) => Size::Whole,
    };
    let parts = || arguments.iter().filter(|part| !part.starts_with("--"));
    let wanted =
        |name: &str| parts().count() == 0 || parts().any(|part| name.contains(part.as_str()));
    println!(
        "{:<46} {:>9} {:>9} {:>6}  what held",
        "fault", "quiet p99", "p99", "ratio"
    );
    let mut broken = 0;
    for (name, fault) in faults::ALL.iter().filter(|(name, _)| wanted(name)) {
        match fault(size) {
            Ok(held) => println!("{name:<46} {held}"),
            Err(why) => {
                broken += 1;
                println!("{name:<46} BROKEN: {why}");
            }
        }
    }
    if broken == 0 {
        println!("every promise held");
        ExitCode::SUCCESS
    } else {
        println!("{broken} broken");
        ExitCode::FAILURE
    }
}

/// The same again with as many files as the system allows: the clients of a crowd need one each.
fn raise(arguments: &[String]) -> ExitCode {
    let this = std::env::current_exe().unwrap_or_default();
    let error = Command::new("sh")
        .args(["-c", "ulimit -n \"$(ulimit -Hn)\"; exec \"$@\"", "sh"])
        .arg(this)
        .args(arguments)
        .env(RAISED, "yes")
        .exec();
    eprintln!("sh cannot be run: {error}");
    ExitCode::FAILURE
}
