//! What is judged, in process and in virtual time: each job gets a runtime, a clock, a host and clients of its own,
//! and the same seed gives the same bytes.

pub mod guest;
pub mod host;
pub mod in_process;
pub mod network;
pub mod options;

use reference_backend::bridge::MissingCapability;
use reference_backend::{EngineError, LoadError, StartError, TrapKind};

/// An option that cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OptionsError {
    /// Not `KEY=VALUE`.
    #[error("`--config {0}`: a line of configuration is written KEY=VALUE")]
    Config(String),
    /// Not a capability.
    #[error("`--{option} {given}`: {fault}")]
    Capability {
        /// `grant` or `deny`.
        option: &'static str,
        /// What was written.
        given: String,
        /// What is wrong with it, with the nearest known name.
        fault: String,
    },
}

/// Why there is nothing to judge.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The file cannot be read.
    #[error("cannot read {path}: {error}")]
    Unreadable {
        /// As it was given.
        path: String,
        /// The system's words.
        error: std::io::Error,
    },
    /// The machine cannot run guests.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// It is no guest.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A plugin of the contract, but not one that can play server.
    #[error(
        "plugin {0}: no virtual backend: it does not export virtual-backend-handler, so it has nothing to be \
         called with when a client joins"
    )]
    NoHandler(String),
    /// It imports what it may not have.
    #[error(
        "plugin {}: imports {}, which needs the capability {}, and may not have it: {} {}",
        missing.plugin, missing.interface, missing.capability,
        if *denied { "leave out --deny" } else { "give it with --grant" },
        missing.capability
    )]
    Capability {
        /// What is missing, and to whom.
        missing: MissingCapability,
        /// Whether an option takes it away; else none gives it.
        denied: bool,
    },
    /// The host cannot run it.
    #[error(transparent)]
    Start(#[from] StartError),
    /// It trapped before it was enabled.
    #[error("plugin {plugin}: {what} in {callback}")]
    Trap {
        /// The plugin.
        plugin: String,
        /// What happened.
        what: TrapKind,
        /// What it was doing.
        callback: &'static str,
    },
    /// It said no, or something that the contract forbids.
    #[error("plugin {plugin} stays off: {reason}")]
    Off {
        /// The plugin.
        plugin: String,
        /// Why.
        reason: String,
    },
    /// The adapter is of no use.
    #[error("{0}")]
    Adapter(String),
    /// The host runs it, and lets nobody through to it.
    #[error(
        "plugin {plugin}: no client gets through this host to it: {told}. Where the plugin needs configuration or \
         capabilities to let players in, give it with --config and --grant"
    )]
    NobodyComesIn {
        /// The plugin.
        plugin: String,
        /// How clients fared, and on which protocols.
        told: String,
    },
    /// A case's host does not start.
    #[error("{0}")]
    Lab(String),
    /// There is no room for its data.
    #[error("no folder for the guest's data: {0}; TMPDIR names where it is made")]
    Folder(std::io::Error),
    /// There is no runtime to run it in.
    #[error("no runtime: {0}")]
    Runtime(std::io::Error),
}
