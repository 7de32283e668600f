//! Why nothing could be judged.

use std::fmt;

use crate::judge::SelectError;
use crate::protocols::SelectionError;
use crate::select::NameError;
use crate::subject::{OptionsError, Refusal};

/// Why nothing could be judged.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// A word given to `protocols` is no protocol, or behind an `@` of `xfail`.
    Protocol(SelectionError),
    /// A word given to `cases`, `exclude` or `xfail` is no case and no clause.
    Name(NameError),
    /// The selection leaves no case.
    NothingSelected,
    /// A key given to `config` that cannot be written as `KEY=VALUE`, as the command that repeats a failure does.
    Config {
        /// What was given.
        key: String,
    },
    /// A word given to `grant` or `deny` is no capability.
    Capability {
        /// `grant` or `deny`.
        call: &'static str,
        /// What was given.
        given: String,
        /// What is wrong with it, with the nearest known name.
        fault: String,
    },
    /// The guest or host cannot be read, loaded or started.
    DoesNotStart {
        /// The guest's file, or the host's name.
        name: String,
        /// Why.
        why: Box<Refusal>,
    },
    /// Nothing more could be judged half-way: the adapter has ended, or nobody listens where the host is.
    Stopped {
        /// The host's name.
        name: String,
        /// Why.
        why: String,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Protocol(error) => error.fmt(f),
            Self::Name(error) => error.fmt(f),
            Self::NothingSelected => SelectError::Nothing.fmt(f),
            Self::Config { key } => write!(
                f,
                "config({key:?}, ..): a key is not empty and has no `=`: key and value are two arguments"
            ),
            Self::Capability { call, given, fault } => write!(f, "{call}({given:?}): {fault}"),
            Self::DoesNotStart { name, why } => match &**why {
                Refusal::Capability { missing, denied } => {
                    let mend = if *denied {
                        "leave out deny"
                    } else {
                        "give it with grant"
                    };
                    let missing_of = (&missing.plugin, &missing.interface, missing.capability);
                    let (plugin, interface, capability) = missing_of;
                    write!(
                        f,
                        "{name} does not start: plugin {plugin}: imports {interface}, which needs the capability \
                         {capability}, and may not have it: {mend}(\"{capability}\")"
                    )
                }
                why => write!(f, "{name} does not start: {why}"),
            },
            Self::Stopped { name, why } => write!(f, "{name} cannot be judged to the end: {why}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Protocol(error) => Some(error),
            Self::Name(error) => Some(error),
            Self::DoesNotStart { why, .. } => Some(why),
            Self::NothingSelected
            | Self::Config { .. }
            | Self::Capability { .. }
            | Self::Stopped { .. } => None,
        }
    }
}

impl From<SelectError> for Error {
    fn from(error: SelectError) -> Self {
        match error {
            SelectError::Protocol(error) => Self::Protocol(error),
            SelectError::Name(NameError::Protocol(error)) => Self::Protocol(error),
            SelectError::Name(error) => Self::Name(error),
            SelectError::Nothing => Self::NothingSelected,
        }
    }
}

impl From<OptionsError> for Error {
    fn from(error: OptionsError) -> Self {
        match error {
            OptionsError::Capability {
                option,
                given,
                fault,
            } => Self::Capability {
                call: option,
                given,
                fault,
            },
            OptionsError::Config(key) => Self::Config { key },
        }
    }
}
