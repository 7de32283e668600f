use std::fmt;
use std::io::{self, Write as _};

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use sim_client::{Driver, Piped, Transcript, exit};
use tokio::net::TcpStream;

/// Standard output, line by line, with colours where they are wanted. A reader that leaves changes nothing.
pub(super) struct Output {
    stream: Piped<AutoStream<io::Stdout>>,
}

/// What has gone well.
pub(super) const GOOD: Style = AnsiColor::Green.on_default().bold();

/// What has gone wrong.
pub(super) const BAD: Style = AnsiColor::Red.on_default().bold();

impl Output {
    pub(super) fn stdout() -> Self {
        Output {
            stream: Piped::new(anstream::stdout()),
        }
    }

    /// How a command ends that does nothing but print.
    pub(super) const fn printed(&self) -> u8 {
        if self.stream.is_gone() {
            exit::OUTPUT_CLOSED
        } else {
            exit::OK
        }
    }

    /// Writes a line, which whoever reads a pipe sees at once.
    pub(super) fn line(&mut self, text: fmt::Arguments<'_>) -> io::Result<()> {
        writeln!(self.stream, "{text}")?;
        self.stream.flush()
    }

    /// Writes lines that end in a line feed each.
    pub(super) fn lines(&mut self, text: &str) -> io::Result<()> {
        self.stream.write_all(text.as_bytes())?;
        self.stream.flush()
    }
}

/// Writes an error to standard error; where that is closed, nobody.
pub(super) fn complain(error: &dyn fmt::Display) {
    let _ = writeln!(anstream::stderr(), "{BAD}error:{BAD:#} {error}");
}

/// Follows a trace on the terminal.
pub(super) struct Follower {
    transcript: Transcript,
    packets: bool,
    next: u64,
}

impl Follower {
    /// `verbose`: 0 without packets, 1 with a line for each, 2 and more with their fields.
    pub(super) fn new(transcript: Transcript, verbose: u8) -> Self {
        Follower {
            transcript: transcript.colours(true).dump(verbose >= 2),
            packets: verbose >= 1,
            next: 0,
        }
    }

    /// Writes what is new.
    pub(super) fn follow(
        &mut self,
        driver: &Driver<TcpStream>,
        output: &mut Output,
    ) -> io::Result<()> {
        let transcript = self.transcript.clone().context(driver.client().context());
        for entry in driver.trace().since(self.next) {
            self.next = entry.number + 1;
            if self.packets || !entry.record.is_packet() {
                output.lines(&transcript.entry(entry))?;
            }
        }
        Ok(())
    }
}
