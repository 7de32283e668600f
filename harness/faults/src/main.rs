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

/// A wrong argument: nothing was tried.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if std::env::var_os(RAISED).is_none() {
        return raise(&arguments);
    }
    let (size, parts) = match read(&arguments) {
        Ok(read) => read,
        Err(why) => {
            eprintln!("{why}\nusage: host-faults [--short | --brief] [PART OF A NAME]...");
            return ExitCode::from(USAGE);
        }
    };
    let wanted = |name: &str| parts.is_empty() || parts.iter().any(|part| name.contains(part));
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

/// How much is tried, and parts of the names of what is tried; each part names something.
fn read(arguments: &[String]) -> Result<(Size, Vec<&str>), String> {
    let mut size = Size::Whole;
    let mut parts = Vec::new();
    for argument in arguments {
        match argument.as_str() {
            "--short" => size = Size::Short,
            "--brief" => size = Size::Brief,
            flag if flag.starts_with('-') => return Err(format!("no such flag: {flag}")),
            part if !faults::ALL.iter().any(|(name, _)| name.contains(part)) => {
                let names = faults::ALL.map(|(name, _)| name).join("\n  ");
                return Err(format!("no fault has {part:?} in its name:\n  {names}"));
            }
            part => parts.push(part),
        }
    }
    Ok((size, parts))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn given(words: &[&str]) -> Result<(Size, usize), String> {
        let words: Vec<String> = words.iter().map(ToString::to_string).collect();
        read(&words).map(|(size, parts)| (size, parts.len()))
    }

    #[test]
    fn what_names_nothing_is_no_success() {
        assert_eq!(given(&[]), Ok((Size::Whole, 0)));
        assert_eq!(given(&["--short", "log", "files"]), Ok((Size::Short, 2)));
        assert_eq!(given(&["--brief"]), Ok((Size::Brief, 0)));
        assert!(given(&["--shrt"]).is_err_and(|why| why.contains("--shrt")));
        let unknown = given(&["log", "nosuch"]).unwrap_err();
        assert!(unknown.contains("a slow disk"), "{unknown}");
    }
}
