//! Commands, answers and events, as they stand in a line. Keys that are not known are left alone.

use crate::shown::CUT;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The version of the protocol that this adapter speaks.
pub(super) const PROTOCOL: u64 = 1;

/// Most bytes of a refusal: a few lines, and one of the configuration besides.
const REFUSED_BYTES: usize = 64 << 10;

/// A command.
#[derive(Debug)]
pub(super) struct Command {
    pub id: u64,
    pub request: Request,
}

/// What it wants.
#[derive(Debug)]
pub(super) enum Request {
    Hello(Hello),
    Start(Start),
    Stop(Stop),
    Kick(Kick),
    Reconfigure(Reconfigure),
    Shutdown,
    /// A word that is not known.
    Other,
}

#[derive(Debug, Deserialize)]
pub(super) struct Hello {
    pub protocol: u64,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Start {
    pub host: u64,
    pub plugins: Vec<Plugin>,
    /// As an operator's number, which may be out of bounds.
    pub compression: Option<serde_json::Number>,
    pub duplicate: Option<String>,
    pub files: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Plugin {
    pub name: String,
    pub component: PathBuf,
    #[serde(default)]
    pub permissions: Vec<String>,
    #[serde(default)]
    pub deny: Vec<String>,
    #[serde(default)]
    pub config: BTreeMap<String, String>,
    pub instances: Option<String>,
    pub gates: Option<Vec<String>>,
    #[serde(default)]
    pub limits: BTreeMap<String, serde_json::Number>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Stop {
    pub host: u64,
    pub reason: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Kick {
    pub host: u64,
    pub player: String,
    pub reason: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Reconfigure {
    pub host: u64,
    pub plugin: String,
    pub config: BTreeMap<String, String>,
}

impl Command {
    /// Of a line.
    pub fn parse(line: &[u8]) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        struct Envelope {
            id: u64,
            #[serde(rename = "do")]
            word: String,
        }
        let Envelope { id, word } = serde_json::from_slice(line)?;
        let request = match word.as_str() {
            "hello" => Request::Hello(serde_json::from_slice(line)?),
            "start" => Request::Start(serde_json::from_slice(line)?),
            "stop" => Request::Stop(serde_json::from_slice(line)?),
            "kick" => Request::Kick(serde_json::from_slice(line)?),
            "reconfigure" => Request::Reconfigure(serde_json::from_slice(line)?),
            "shutdown" => Request::Shutdown,
            _ => Request::Other,
        };
        Ok(Self { id, request })
    }
}

/// What stands in an answer beside its `answer`.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Reply {
    Done {},
    Offer(Box<Offer>),
    Started { address: String },
    Refused { refused: String },
}

/// The answer to `hello`.
#[derive(Debug, Serialize)]
pub(super) struct Offer {
    pub protocol: u64,
    pub name: &'static str,
    pub version: &'static str,
    pub contract: String,
    pub protocols: &'static [i32],
    pub hosts: usize,
    pub features: &'static [&'static str],
    pub limits: &'static [&'static str],
}

impl Reply {
    pub fn done() -> Self {
        Self::Done {}
    }

    pub fn refused(text: impl ToString) -> Self {
        let mut refused = text.to_string();
        if refused.len() > REFUSED_BYTES {
            refused.truncate(refused.floor_char_boundary(REFUSED_BYTES));
            refused.push_str(CUT);
        }
        Self::Refused { refused }
    }

    /// The line, with its newline.
    pub fn line(&self, id: u64) -> String {
        #[derive(Serialize)]
        struct Answer<'a> {
            answer: u64,
            #[serde(flatten)]
            reply: &'a Reply,
        }
        line(&Answer {
            answer: id,
            reply: self,
        })
    }
}

/// An event.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub(super) enum Event<'a> {
    Log {
        host: u64,
        plugin: &'a str,
        level: &'static str,
        text: &'a str,
    },
    Dropped {
        host: u64,
        plugin: &'a str,
        lines: u64,
    },
    Denied {
        host: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        player: Option<&'a str>,
        reason: String,
    },
    Failed {
        host: u64,
        plugin: &'a str,
        callback: &'static str,
        text: String,
    },
    Note {
        host: u64,
        text: String,
    },
}

impl Event<'_> {
    pub fn host(&self) -> u64 {
        match self {
            Self::Log { host, .. }
            | Self::Dropped { host, .. }
            | Self::Denied { host, .. }
            | Self::Failed { host, .. }
            | Self::Note { host, .. } => *host,
        }
    }

    /// The line, with its newline.
    pub fn line(&self) -> String {
        line(self)
    }
}

fn line(message: &impl Serialize) -> String {
    // Texts, numbers and lists of them, which JSON can always hold.
    let mut line = serde_json::to_string(message).unwrap_or_default();
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_and_events_stand_on_one_line_each() {
        assert_eq!(Reply::done().line(3), "{\"answer\":3}\n");
        assert_eq!(
            Reply::refused("a\n  = help: b").line(4),
            "{\"answer\":4,\"refused\":\"a\\n  = help: b\"}\n"
        );
        let denied = Event::Denied {
            host: 1,
            player: None,
            reason: "x".to_owned(),
        };
        assert_eq!(
            denied.line(),
            "{\"event\":\"denied\",\"host\":1,\"reason\":\"x\"}\n"
        );
    }

    #[test]
    fn a_refusal_has_an_end() {
        let Reply::Refused { refused } = Reply::refused("ß".repeat(REFUSED_BYTES)) else {
            unreachable!();
        };
        assert!(refused.ends_with(CUT));
        assert_eq!(refused.len(), REFUSED_BYTES + CUT.len());
    }

    #[test]
    fn unknown_keys_are_left_alone_and_unknown_words_are_commands() {
        let stop =
            Command::parse(br#"{"id":1,"do":"stop","host":2,"reason":"x","new":[1]}"#).unwrap();
        assert!(matches!(stop.request, Request::Stop(Stop { host: 2, .. })));
        let other = Command::parse(br#"{"id":1,"do":"dance"}"#).unwrap();
        assert!(matches!(other.request, Request::Other));
    }
}
