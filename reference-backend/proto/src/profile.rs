//! Who a player is.

use core::fmt;

use md5::{Digest, Md5};

use crate::wire::utf16_len;

/// The longest player name, in UTF-16 units: the bound of the field in login start, for all protocols.
pub const MAX_NAME: usize = 16;

/// How many properties a client takes with its login success from protocol 766 on (vanilla's codec; older clients have
/// no bound of their own). More of them are left out of that packet.
pub const MAX_LOGIN_PROPERTIES: usize = 16;

/// A UUID, big-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid(pub u128);

impl Uuid {
    /// What a server without authentication gives to a name: version 3 of `OfflinePlayer:` and the name.
    pub fn offline(name: &str) -> Self {
        let digest = Md5::new()
            .chain_update(b"OfflinePlayer:")
            .chain_update(name)
            .finalize();
        let hash = u128::from_be_bytes(digest.into());
        Self(hash & !(0xf << 76) & !(0x3 << 62) | (0x3 << 76) | (0x2 << 62))
    }

    /// The upper 64 bits.
    pub const fn most_significant(self) -> u64 {
        (self.0 >> 64) as u64
    }

    /// The lower 64 bits.
    pub const fn least_significant(self) -> u64 {
        self.0 as u64
    }
}

/// Lower-case, with dashes.
impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(bits) = *self;
        write!(
            f,
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            bits >> 96,
            (bits >> 80) & 0xffff,
            (bits >> 64) & 0xffff,
            (bits >> 48) & 0xffff,
            bits & 0xffff_ffff_ffff
        )
    }
}

/// A signed property of a profile, `textures` for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileProperty {
    /// What it is.
    pub name: String,
    /// Usually base64.
    pub value: String,
    /// By the session servers.
    pub signature: Option<String>,
}

/// Who a player is, as the host has decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GameProfile {
    /// Of the account, or [`Uuid::offline`].
    pub uuid: Uuid,
    /// 1 to [`MAX_NAME`] UTF-16 units; see [`check_name`].
    pub name: String,
    /// From protocol 759 on the client hears of them, of the first [`MAX_LOGIN_PROPERTIES`] from 766 on.
    pub properties: Vec<ProfileProperty>,
}

impl GameProfile {
    /// What a server without authentication makes of a name.
    pub fn offline(name: impl Into<String>) -> Self {
        let name = name.into();
        Self {
            uuid: Uuid::offline(&name),
            name,
            properties: Vec::new(),
        }
    }
}

/// Why a name cannot be a player's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// No characters.
    #[error("it is empty")]
    Empty,
    /// Over [`MAX_NAME`].
    #[error("it has {found} UTF-16 units, over the limit of {MAX_NAME}")]
    TooLong {
        /// UTF-16 units.
        found: usize,
    },
    /// White space or a control character.
    #[error("it holds the character {found:?}")]
    BadCharacter {
        /// The first of them.
        found: char,
    },
    /// Something else than an account's name has, where only those may log in.
    #[error("it holds the character {found:?}; use the letters a to z and A to Z, digits and _")]
    NotOfAccounts {
        /// The first of them.
        found: char,
    },
}

/// Which names may log in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Names {
    /// 1 to [`MAX_NAME`] letters a-z and A-Z, digits and `_`: what accounts are called.
    #[default]
    Strict,
    /// All that [`check_name`] takes.
    Any,
}

impl Names {
    /// Whether this name may log in.
    pub fn check(self, name: &str) -> Result<(), NameError> {
        check_name(name)?;
        let other = |c: &char| !c.is_ascii_alphanumeric() && *c != '_';
        match name.chars().find(other) {
            Some(found) if self == Self::Strict => Err(NameError::NotOfAccounts { found }),
            _ => Ok(()),
        }
    }
}

/// Whether a name can be a player's at all: 1 to [`MAX_NAME`] UTF-16 units, no white space, no control characters.
///
/// Wider than what accounts can be called, and than vanilla (printable ASCII since 1.18): servers without
/// authentication have players with other names, and what stands behind the host has to cope with them.
pub fn check_name(name: &str) -> Result<(), NameError> {
    let found = utf16_len(name);
    if found == 0 {
        return Err(NameError::Empty);
    }
    if found > MAX_NAME {
        return Err(NameError::TooLong { found });
    }
    match name.chars().find(|c| c.is_control() || c.is_whitespace()) {
        Some(found) => Err(NameError::BadCharacter { found }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offline_uuids_are_those_of_java() {
        // UUID.nameUUIDFromBytes("OfflinePlayer:Notch".getBytes(UTF_8)), known from countless server logs.
        assert_eq!(
            Uuid::offline("Notch").to_string(),
            "b50ad385-829d-3141-a216-7e7d7539ba7f"
        );
    }

    #[test]
    fn the_halves_of_a_uuid() {
        let uuid = Uuid(0x0011_2233_4455_6677_8899_aabb_ccdd_eeff);
        assert_eq!(uuid.most_significant(), 0x0011_2233_4455_6677);
        assert_eq!(uuid.least_significant(), 0x8899_aabb_ccdd_eeff);
        assert_eq!(uuid.to_string(), "00112233-4455-6677-8899-aabbccddeeff");
    }

    #[test]
    fn accounts_have_letters_digits_and_underscores() {
        for name in ["a", "sixteen_letters_", "AZaz09_"] {
            assert_eq!(Names::Strict.check(name), Ok(()));
        }
        for found in [
            '-', '.', '@', '[', '`', '{', '/', ':', 'ä', 'а', '§', '\u{202e}', '😀', '\u{200b}',
        ] {
            let name = format!("a{found}b");
            assert_eq!(
                Names::Strict.check(&name),
                Err(NameError::NotOfAccounts { found })
            );
            assert_eq!(Names::Any.check(&name), Ok(()), "{found:?}");
        }
        assert_eq!(Names::Strict.check(""), Err(NameError::Empty));
        assert_eq!(
            Names::Any.check("a b"),
            Err(NameError::BadCharacter { found: ' ' })
        );
    }

    #[test]
    fn names_at_the_edges() {
        assert_eq!(check_name(""), Err(NameError::Empty));
        assert_eq!(check_name("a"), Ok(()));
        assert_eq!(check_name("sixteen_letters_"), Ok(()));
        assert_eq!(
            check_name("seventeen_letters"),
            Err(NameError::TooLong { found: 17 })
        );
        assert_eq!(check_name("ÄÖÜßéèñ中"), Ok(()));
        assert_eq!(check_name("𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞"), Ok(()));
        assert_eq!(
            check_name("𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞a"),
            Err(NameError::TooLong { found: 17 })
        );
        assert_eq!(
            check_name("a b"),
            Err(NameError::BadCharacter { found: ' ' })
        );
        assert_eq!(
            check_name("a\n"),
            Err(NameError::BadCharacter { found: '\n' })
        );
    }
}
