//! Protocols by what people call them.

use thiserror::Error;
use vb_data::Release;

/// How many near misses an error names.
pub const SUGGESTIONS: usize = 3;

/// In characters, of a version's name.
const LONGEST_NAME: usize = 32;

/// Why a protocol could not be chosen. The text says what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProtocolError {
    /// Neither a protocol number nor a version of the game.
    #[error("there is no protocol `{given}`; nearest: {}", list(.nearest))]
    Unknown {
        /// As it was written.
        given: String,
        /// At most [`SUGGESTIONS`], the best first.
        nearest: Vec<&'static Release>,
    },
    /// A release whose packets are not described.
    #[error("protocol {} has no packet tables here; nearest that has: {}", describe_release(.release), list(.nearest))]
    Unsupported {
        /// What was asked for.
        release: &'static Release,
        /// At most [`SUGGESTIONS`], the best first.
        nearest: Vec<&'static Release>,
    },
}

/// The release that `given` names, supported or not: by the number of its protocol (`765`) or a version of the game
/// (`1.20.4`).
#[must_use]
pub fn release_named(given: &str) -> Option<&'static Release> {
    match given.parse::<i32>() {
        Ok(number) => vb_data::release(number),
        Err(_) => vb_data::releases()
            .iter()
            .find(|release| release.versions.contains(&given)),
    }
}

/// The supported protocol that `given` names: its number (`765`) or a version of the game (`1.20.4`).
pub fn parse_protocol(given: &str) -> Result<&'static Release, ProtocolError> {
    let given = given.trim();
    match release_named(given) {
        Some(release) if is_supported(release) => Ok(release),
        Some(release) => Err(ProtocolError::Unsupported {
            release,
            nearest: nearest_to_number(release.protocol),
        }),
        None => Err(ProtocolError::Unknown {
            given: given.to_owned(),
            nearest: match given.parse::<i32>() {
                Ok(number) => nearest_to_number(number),
                Err(_) => nearest_to_name(given),
            },
        }),
    }
}

/// The protocols that can be played, ascending.
pub fn supported_releases() -> impl Iterator<Item = &'static Release> {
    vb_data::releases()
        .iter()
        .filter(|release| is_supported(release))
}

/// `765 (1.20.3, 1.20.4)`.
pub fn describe_release(release: &Release) -> String {
    format!("{} ({})", release.protocol, release.versions.join(", "))
}

fn is_supported(release: &Release) -> bool {
    vb_data::supported()
        .binary_search(&release.protocol)
        .is_ok()
}

fn list(releases: &[&'static Release]) -> String {
    releases
        .iter()
        .map(|release| describe_release(release))
        .collect::<Vec<_>>()
        .join(", ")
}

fn nearest_to_number(number: i32) -> Vec<&'static Release> {
    nearest_by(|release| usize::try_from(release.protocol.abs_diff(number)).unwrap_or(usize::MAX))
}

/// Only the beginning of `name` counts: no version is longer than that.
fn nearest_to_name(name: &str) -> Vec<&'static Release> {
    let name: String = name.chars().take(LONGEST_NAME).collect();
    nearest_by(|release| {
        release
            .versions
            .iter()
            .map(|version| strsim::levenshtein(&name, version))
            .min()
            .unwrap_or(usize::MAX)
    })
}

/// Equal ones stay in the order of their protocols, so that the same mistake always gets the same answer.
fn nearest_by(distance: impl Fn(&Release) -> usize) -> Vec<&'static Release> {
    let mut all: Vec<_> = supported_releases().collect();
    all.sort_by_key(|release| distance(release));
    all.truncate(SUGGESTIONS);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_are_the_same_release() {
        for release in supported_releases() {
            assert_eq!(parse_protocol(&release.protocol.to_string()), Ok(release));
            for version in release.versions {
                assert_eq!(parse_protocol(version), Ok(release));
            }
        }
    }

    #[test]
    fn a_typing_error_is_answered_with_what_was_meant() {
        let Err(ProtocolError::Unknown { nearest, .. }) = parse_protocol("1.20.44") else {
            panic!("1.20.44 is no version");
        };
        assert!(nearest[0].versions.contains(&"1.20.4"), "{nearest:?}");
        let error = parse_protocol("766666").unwrap_err().to_string();
        assert!(error.contains("`766666`"), "{error}");
        let Err(ProtocolError::Unknown { nearest, .. }) = parse_protocol("764000") else {
            panic!("764000 is no protocol");
        };
        assert_eq!(nearest.len(), SUGGESTIONS);
        assert_eq!(
            Some(nearest[0]),
            supported_releases().last(),
            "the highest is nearest to something higher still"
        );
    }

    #[test]
    fn nothing_is_no_protocol() {
        for given in [
            "",
            " ",
            "-1",
            "protocol",
            &"9".repeat(4000),
            &"x".repeat(4000),
        ] {
            assert!(matches!(
                parse_protocol(given),
                Err(ProtocolError::Unknown { .. })
            ));
        }
    }
}
