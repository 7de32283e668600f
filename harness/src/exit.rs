//! What the process says when it ends.

use std::process::ExitCode;

/// Every way `vbspec` ends, as the exit code a script sees. Published: a number never changes its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
#[non_exhaustive]
pub enum Exit {
    /// Everything came out as expected. A SHOULD that is not followed is a warning and does not change this.
    AsExpected = 0,
    /// The subject breaks a MUST, a case could not be judged, or a case expected to fail passed; or two builds differ.
    Nonconforming = 1,
    /// The command line or a configuration is wrong, or names something unknown.
    Usage = 2,
    /// The subject could not be read, loaded or started.
    SubjectDoesNotStart = 3,
    /// The selection left no case to run.
    NothingSelected = 4,
    /// The harness itself failed.
    HarnessFault = 5,
    /// Nobody reads standard output any more, as shells count it (128 + SIGPIPE), and nothing was judged: a list, an
    /// explanation, the help. A verdict does not depend on who reads it.
    OutputClosed = 141,
}

impl Exit {
    /// The number a script sees.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
