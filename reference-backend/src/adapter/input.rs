//! The thread that reads commands.

use super::message::Command;
use super::output::Output;
use crate::shown::shown_within;
use std::io::{self, BufRead, Read as _};
use tokio::sync::mpsc;

/// Longest line in bytes, without its newline.
pub const LINE_BYTES: usize = 1 << 20;

/// Commands that have been read and not looked at.
const AHEAD: usize = 4;

/// Of a line that is none, what is shown.
const SHOWN: usize = 200;

/// Why no more commands are read.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// A line that is no command.
    #[error(
        "line {number} of standard input is no command: {rubbish}\n  = help: harness/adapter/PROTOCOL.md says what a command looks like"
    )]
    Rubbish {
        /// From 1.
        number: u64,
        /// What it is instead.
        rubbish: Rubbish,
    },
    /// The system says no.
    #[error("standard input cannot be read: {0}")]
    System(#[from] io::Error),
}

/// What is wrong with a line.
#[derive(Debug, thiserror::Error)]
pub enum Rubbish {
    /// It goes on.
    #[error("it is longer than {LINE_BYTES} bytes")]
    Long,
    /// Other JSON, or none.
    #[error("{problem} (column {column}): {line}")]
    Form {
        /// In the words of the reader of JSON.
        problem: String,
        /// From 1, in bytes.
        column: usize,
        /// Its beginning.
        line: String,
    },
}

impl Rubbish {
    fn form(line: &[u8], error: &serde_json::Error) -> Self {
        let problem = error.to_string();
        // There is one line only, and it has another number.
        let words = problem.rsplit_once(" at line ").map(|(words, _)| words);
        Self::Form {
            problem: words.unwrap_or(&problem).to_owned(),
            column: error.column(),
            line: shown_within(SHOWN, String::from_utf8_lossy(line)),
        }
    }
}

/// Reads commands until there are no more, or something that is none. While too much waits to be written it hands none
/// on, so that whoever commands and does not read the answers waits too.
pub(super) fn start(
    mut input: impl BufRead + Send + 'static,
    output: Output,
) -> io::Result<mpsc::Receiver<Result<Command, InputError>>> {
    let (sends, commands) = mpsc::channel(AHEAD);
    let thread = std::thread::Builder::new().name("adapter-input".to_owned());
    thread.spawn(move || {
        for number in 1.. {
            let Some(command) = next(&mut input, number).transpose() else {
                return;
            };
            output.wait_for_room();
            let last = command.is_err();
            if sends.blocking_send(command).is_err() || last {
                return;
            }
        }
    })?;
    Ok(commands)
}

fn next(input: &mut impl BufRead, number: u64) -> Result<Option<Command>, InputError> {
    let rubbish = |rubbish| InputError::Rubbish { number, rubbish };
    let mut line = Vec::new();
    // The newline, or the one byte that is too many.
    let most = LINE_BYTES as u64 + 1;
    input.take(most).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Ok(None);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
    }
    if line.len() > LINE_BYTES {
        return Err(rubbish(Rubbish::Long));
    }
    match Command::parse(&line) {
        Ok(command) => Ok(Some(command)),
        Err(error) => Err(rubbish(Rubbish::form(&line, &error))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A shutdown in a line of so many bytes.
    fn line(bytes: usize) -> Vec<u8> {
        let mut line = br#"{"id":1,"do":"shutdown"}"#.to_vec();
        line.resize(bytes, b' ');
        line
    }

    #[test]
    fn a_line_has_an_edge() {
        for newline in [&b""[..], b"\n"] {
            let read = |bytes| next(&mut [&line(bytes), newline].concat().as_slice(), 1);
            assert!(matches!(read(LINE_BYTES), Ok(Some(_))));
            let told = read(LINE_BYTES + 1).unwrap_err().to_string();
            assert!(
                told.contains("line 1 ") && told.contains("longer than 1048576 bytes"),
                "{told}"
            );
        }
    }

    #[test]
    fn what_is_no_command_is_shown() {
        for (line, part) in [
            (
                "hello",
                "no command: expected value (column 1): hello\n  = help: ",
            ),
            ("", "EOF while parsing a value"),
            ("[]", "invalid length 0"),
            (r#"{"do":"stop"}"#, "missing field `id`"),
            (r#"{"id":-1,"do":"stop"}"#, "invalid value: integer `-1`"),
            (r#"{"id":1,"do":"stop","host":1}"#, "missing field `reason`"),
            (r#"{"id":1,"do":"shutdown"} x"#, "trailing characters"),
            ("\u{1b}[2J", ": \\u{1b}[2J"),
        ] {
            let told = next(&mut format!("{line}\n").as_bytes(), 7).unwrap_err();
            let told = told.to_string();
            assert!(told.starts_with("line 7 of standard input"), "{told}");
            assert!(told.contains(part), "{line}: {told}");
        }
        assert!(next(&mut &b"{\"id\":1,\"do\":\"\xff\"}\n"[..], 1).is_err());
        assert!(matches!(next(&mut &b""[..], 1), Ok(None)));
    }
}
