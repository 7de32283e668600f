//! `vbspec`: judges virtual backends, clause by clause.

use std::process::ExitCode;

fn main() -> ExitCode {
    vbspec::command_line().into()
}
