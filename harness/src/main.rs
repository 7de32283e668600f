//! `vbspec`: judges virtual backends, clause by clause.

use std::process::ExitCode;

fn main() -> ExitCode {
    vbspec::cli::main().into()
}
