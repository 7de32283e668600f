//! The names of gates in a plugin's table.

use crate::events::EventKind;
use crate::nearest::nearest;
use serde::{Deserialize, Deserializer, de};
use std::collections::BTreeSet;

/// For a key that is there: one that is not leaves the field as it is by default.
pub(super) fn gates<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<BTreeSet<EventKind>>, D::Error> {
    let gates = Vec::<Gate>::deserialize(deserializer)?;
    Ok(Some(gates.into_iter().map(|Gate(kind)| kind).collect()))
}

struct Gate(EventKind);

impl<'de> Deserialize<'de> for Gate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        named(&name).map(Self).map_err(de::Error::custom)
    }
}

/// The gate of this name. The error says how to mend it.
fn named(name: &str) -> Result<EventKind, String> {
    let names = || EventKind::GATES.map(EventKind::name);
    match EventKind::ALL.into_iter().find(|kind| kind.name() == name) {
        Some(kind) if kind.is_gate() => Ok(kind),
        Some(_) => Err(format!(
            "the event \"{name}\" is no gate; the gates are {}",
            names().join(", ")
        )),
        None => Err(match nearest(name, names()) {
            Some(near) => format!("unknown gate \"{name}\", did you mean \"{near}\"?"),
            None => format!("unknown gate \"{name}\"; known are {}", names().join(", ")),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_exact_and_the_nearest_is_suggested() {
        assert_eq!(named("pre-login"), Ok(EventKind::PreLogin));
        assert_eq!(named("server-pre-connect"), Ok(EventKind::ServerPreConnect));
        for (name, said) in [
            ("pre_login", "did you mean \"pre-login\"?"),
            ("Pre-Login", "did you mean \"pre-login\"?"),
            ("prelogin", "did you mean \"pre-login\"?"),
            ("pre-connect", "known are pre-login, server-pre-connect"),
            ("server-preconnect", "did you mean \"server-pre-connect\"?"),
            ("", "known are"),
            (
                "post-login",
                "is no gate; the gates are pre-login, server-pre-connect",
            ),
        ] {
            let told = named(name).expect_err(name);
            assert!(told.contains(said), "{name}: {told}");
        }
    }
}
