//! The messages of the adapter protocol: see `harness/adapter/PROTOCOL.md`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The version of the protocol that this speaks.
pub const VERSION: u32 = 1;

/// What vbspec writes: one JSON object on one line.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Command {
    /// Never used twice.
    pub id: u64,
    /// What to do.
    #[serde(flatten)]
    pub order: Order,
}

/// What an adapter is told to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Order {
    /// The first, once.
    Hello {
        /// [`VERSION`].
        protocol: u32,
    },
    /// Starts a host.
    Start(Box<Start>),
    /// Stops a host in peace.
    Stop {
        /// Which.
        host: u64,
        /// What players are told.
        reason: String,
    },
    /// Ends a connection as an operator would.
    Kick {
        /// Of which host.
        host: u64,
        /// The player's name.
        player: String,
        /// What the player is told.
        reason: String,
    },
    /// Gives a plugin's later instances another table.
    Reconfigure {
        /// Of which host.
        host: u64,
        /// The plugin's name.
        plugin: String,
        /// The table.
        config: BTreeMap<String, String>,
    },
    /// Stops every host and ends the adapter.
    Shutdown,
}

/// The host that is wanted.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Start {
    /// By which it is called from now on.
    pub host: u64,
    /// In the order in which they are registered.
    pub plugins: Vec<PluginTable>,
    /// The threshold of compression, -1 for none; left out: the host's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compression: Option<i32>,
    /// `replace`, `refuse` or `allow`; left out: as the host does by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duplicate: Option<String>,
    /// A folder for plugins' files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<PathBuf>,
}

/// A plugin of a host.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PluginTable {
    /// Its name.
    pub name: String,
    /// Where its component lies.
    pub component: PathBuf,
    /// Capabilities, as an operator writes them.
    pub permissions: Vec<String>,
    /// Capabilities that are taken away.
    pub deny: Vec<String>,
    /// What it reads of its configuration.
    pub config: BTreeMap<String, String>,
    /// `per-session`; left out: shared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instances: Option<String>,
    /// Events at which nobody passes while it is down; left out: all until it first comes up, then those it has
    /// subscribed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gates: Option<Vec<String>>,
    /// By name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub limits: BTreeMap<String, u64>,
}

/// What an adapter writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Message {
    /// To a command.
    Answer(Answer),
    /// Of itself.
    Event(Event),
}

/// The answer to a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Answer {
    /// The command's id.
    pub answer: u64,
    /// Why it is not done, in the words that an operator reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// Where clients connect to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// What the adapter says of itself.
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub hello: Option<Hello>,
}

/// What an adapter says of its host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Hello {
    /// The version of the protocol that it speaks.
    pub protocol: u32,
    /// The host's.
    pub name: String,
    /// The host's.
    pub version: String,
    /// The WIT package that its plugins are made for.
    pub contract: String,
    /// Protocols that clients may speak.
    pub protocols: Vec<i32>,
    /// Hosts at one time.
    #[serde(default = "one")]
    pub hosts: u32,
    /// What it offers.
    #[serde(default)]
    pub features: Vec<String>,
    /// Which limits of a plugin can be set.
    #[serde(default)]
    pub limits: Vec<String>,
    /// What it does where the draft leaves the choice.
    #[serde(default)]
    pub choices: DeclaredChoices,
}

const fn one() -> u32 {
    1
}

/// What a host does where the draft leaves the choice.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DeclaredChoices {
    /// Whose answer decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opinion: Option<Opinion>,
    /// Who is asked first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
    /// What a plugin without a capability meets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capability: Option<Gate>,
}

/// Whose answer decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Opinion {
    /// Of the first who has one.
    First,
    /// Of the last who has one.
    Last,
}

/// Who is asked first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Priority {
    /// The listener with the highest.
    HighestFirst,
    /// The listener with the lowest.
    LowestFirst,
}

/// What a plugin without a capability meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Gate {
    /// It is not started.
    Link,
    /// Each call is refused.
    Call,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// A guest has logged a line.
    Log {
        /// In which host.
        host: u64,
        /// Which plugin.
        plugin: String,
        /// How loud.
        #[serde(default)]
        level: Level,
        /// The line.
        text: String,
    },
    /// Lines of a guest were dropped by the host's rate.
    Dropped {
        /// In which host.
        host: u64,
        /// Whose.
        plugin: String,
        /// How many.
        lines: u64,
    },
    /// Nobody got past a gate.
    Denied {
        /// In which host.
        host: u64,
        /// Who, where that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        player: Option<String>,
        /// For the log.
        reason: String,
    },
    /// A plugin has failed: it has trapped, or went over a limit.
    Failed {
        /// In which host.
        host: u64,
        /// Which plugin.
        plugin: String,
        /// What it was doing: a callback by its name in the contract, where the host knows.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        callback: Option<String>,
        /// What happened.
        text: String,
    },
    /// Whatever the host logs.
    Note {
        /// Which host.
        host: u64,
        /// What it says.
        text: String,
    },
    /// An event of a later version.
    #[serde(other)]
    Unknown,
}

/// How loud a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Everything.
    Trace,
    /// For who debugs the plugin.
    Debug,
    /// For the operator.
    #[default]
    Info,
    /// Something is odd.
    Warn,
    /// Something is wrong.
    Error,
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn schema() -> String {
        let commands = schemars::schema_for!(Command);
        let messages = schemars::schema_for!(Message);
        let both = serde_json::json!({
            "$comment": "Made of the types in harness/src/adapter/protocol.rs; PROTOCOL.md says what it means.",
            "version": VERSION,
            "command": commands,
            "message": messages,
        });
        let text = serde_json::to_string_pretty(&both).unwrap();
        format!("{text}\n")
    }

    /// `UPDATE_SCHEMA=1` writes it anew.
    #[test]
    fn the_published_schema_is_that_of_the_types() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("adapter/schema.json");
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            std::fs::write(&path, schema()).unwrap();
        }
        let published = std::fs::read_to_string(&path).unwrap();
        assert!(
            published == schema(),
            "harness/adapter/schema.json is not that of the types; UPDATE_SCHEMA=1 writes it anew"
        );
    }

    /// The first exchange of the page, line by line.
    #[test]
    fn the_exchange_of_the_page_is_of_these_types() {
        let page = include_str!("../../adapter/PROTOCOL.md");
        let exchange = page.split("```text").nth(1).unwrap();
        let exchange = exchange.split("```").next().unwrap();
        let (mut commands, mut messages) = (0, 0);
        for line in exchange.lines().filter(|line| !line.trim().is_empty()) {
            if let Some(command) = line.strip_prefix("> ") {
                let read: Command = serde_json::from_str(command).expect(command);
                // Nothing of it is lost on the way, and nothing is added.
                let again = serde_json::to_value(&read).unwrap();
                let value: serde_json::Value = serde_json::from_str(command).unwrap();
                assert_eq!(again, value);
                commands += 1;
            } else {
                let read = serde_json::from_str::<Message>(line.trim());
                assert!(!matches!(read.expect(line), Message::Event(Event::Unknown)));
                messages += 1;
            }
        }
        assert_eq!((commands, messages), (4, 6));
    }

    #[test]
    fn what_a_later_version_adds_is_left_alone() {
        let read = |text: &str| serde_json::from_str::<Message>(text).unwrap();
        let event = read(r#"{"event":"weather","host":1,"rain":true}"#);
        assert_eq!(event, Message::Event(Event::Unknown));
        let Message::Answer(answer) =
            read(r#"{"answer":3,"address":"127.0.0.1:1","colour":"red"}"#)
        else {
            panic!("an answer");
        };
        assert_eq!((answer.answer, answer.hello), (3, None));
        assert_eq!(answer.address.as_deref(), Some("127.0.0.1:1"));
    }
}
