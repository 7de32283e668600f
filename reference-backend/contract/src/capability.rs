//! What a plugin may use. A capability that is not granted is absent from the linker: there is nothing to call.

use crate::nearest::nearest;
use serde::{Deserialize, Deserializer, de};
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// One thing a plugin may be allowed to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Capability {
    /// Hear of events and answer them.
    EventBus,
    /// Read what is known of players.
    PlayerRead,
    /// Act on players.
    PlayerWrite,
    /// Register commands.
    Command,
    /// Run tasks later.
    Scheduler,
    /// Read the plugin's own configuration.
    ConfigRead,
    /// Play the part of the server. Not in the baseline: it holds a player's whole connection.
    VirtualBackend,
}

impl Capability {
    /// Every capability there is.
    pub const ALL: [Self; 7] = [
        Self::EventBus,
        Self::PlayerRead,
        Self::PlayerWrite,
        Self::Command,
        Self::Scheduler,
        Self::ConfigRead,
        Self::VirtualBackend,
    ];

    /// What every plugin has unless `deny` takes it away.
    pub const BASELINE: [Self; 6] = [
        Self::EventBus,
        Self::PlayerRead,
        Self::PlayerWrite,
        Self::Command,
        Self::Scheduler,
        Self::ConfigRead,
    ];

    /// The name in the configuration. Names are exact.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::EventBus => "event-bus",
            Self::PlayerRead => "player-read",
            Self::PlayerWrite => "player-write",
            Self::Command => "command",
            Self::Scheduler => "scheduler",
            Self::ConfigRead => "config-read",
            Self::VirtualBackend => "virtual-backend",
        }
    }

    /// The sentence that tells an operator which line of the configuration grants this.
    #[must_use]
    pub fn how_to_grant(self, plugin: &str) -> String {
        if Self::BASELINE.contains(&self) {
            format!(
                "the capability \"{self}\" is denied to the plugin {plugin}; remove \"{self}\" from `deny` under [plugins.{plugin}]"
            )
        } else {
            format!(
                "the plugin {plugin} lacks the capability \"{self}\"; grant it with `permissions = [\"{self}\"]` under [plugins.{plugin}]"
            )
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no capability.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown capability \"{name}\"{}", hint(*.suggestion))]
pub struct UnknownCapability {
    /// As it was written.
    pub name: String,
    /// The nearest name, when one is near.
    pub suggestion: Option<Capability>,
}

fn hint(suggestion: Option<Capability>) -> String {
    match suggestion {
        Some(near) => format!(", did you mean \"{near}\"?"),
        None => {
            let names = Capability::ALL.map(Capability::name);
            format!("; known are {}", names.join(", "))
        }
    }
}

impl FromStr for Capability {
    type Err = UnknownCapability;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|known| known.name() == name)
            .ok_or_else(|| {
                let suggestion = nearest(name, Self::ALL.iter().map(|known| known.name()))
                    .and_then(|near| Self::ALL.into_iter().find(|known| known.name() == near));
                UnknownCapability {
                    name: name.to_owned(),
                    suggestion,
                }
            })
    }
}

impl<'de> Deserialize<'de> for Capability {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

/// What one plugin may use: baseline and permissions, without what is denied.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Grants(BTreeSet<Capability>);

impl Grants {
    /// `deny` beats `permissions`.
    #[must_use]
    pub fn new(permissions: &[Capability], deny: &[Capability]) -> Self {
        let mut granted: BTreeSet<_> = Capability::BASELINE.into_iter().collect();
        granted.extend(permissions);
        granted.retain(|capability| !deny.contains(capability));
        Self(granted)
    }

    /// Whether it may be used.
    #[must_use]
    pub fn allows(&self, capability: Capability) -> bool {
        self.0.contains(&capability)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_baseline_is_granted_and_virtual_backend_is_not() {
        let grants = Grants::new(&[], &[]);
        for capability in Capability::ALL {
            assert_eq!(
                grants.allows(capability),
                capability != Capability::VirtualBackend,
                "{capability}"
            );
        }
    }

    #[test]
    fn permissions_add_and_deny_beats_them() {
        let allowed = Grants::new(&[Capability::VirtualBackend], &[]);
        assert!(allowed.allows(Capability::VirtualBackend));
        let denied = Grants::new(&[Capability::VirtualBackend], &[Capability::VirtualBackend]);
        assert!(!denied.allows(Capability::VirtualBackend));
        let fewer = Grants::new(&[], &[Capability::Scheduler]);
        assert!(!fewer.allows(Capability::Scheduler));
        assert!(fewer.allows(Capability::EventBus));
    }

    #[test]
    fn names_are_exact_and_near_ones_are_suggested() {
        assert_eq!("virtual-backend".parse(), Ok(Capability::VirtualBackend));
        for wrong in ["virtual_backend", "Virtual-Backend", "virtualbackend"] {
            let error = wrong.parse::<Capability>().unwrap_err();
            assert_eq!(
                error.suggestion,
                Some(Capability::VirtualBackend),
                "{wrong}"
            );
        }
        let error = "filesystem".parse::<Capability>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "unknown capability \"filesystem\"; known are event-bus, player-read, player-write, command, scheduler, config-read, virtual-backend"
        );
    }
}
