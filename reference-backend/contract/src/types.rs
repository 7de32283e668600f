//! Ids, profiles, packets and text.

use bytes::Bytes;
use std::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id! {
    /// One connection of one client, for the life of the host. Counted up from 1, never used again.
    PlayerId(u64)
}
id! {
    /// Chosen by the plugin, unique within it. Looked up among the plugin's own handlers and nowhere else.
    HandlerId(u32)
}
id! {
    /// A listener of one plugin. Chosen by the host, never used again within one instance.
    ListenerId(u32)
}
id! {
    /// A scheduled task of one plugin. Chosen by the host, never used again within one instance.
    TaskId(u64)
}

/// A UUID, in the byte order in which it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Uuid(pub [u8; 16]);

impl Uuid {
    /// The UUID whose halves these are.
    #[must_use]
    pub fn from_halves(most: u64, least: u64) -> Self {
        Self(((u128::from(most) << 64) | u128::from(least)).to_be_bytes())
    }

    /// The most and the least significant 64 bits.
    #[must_use]
    pub fn halves(self) -> (u64, u64) {
        let value = u128::from_be_bytes(self.0);
        // The cast keeps the lower half, which is the point.
        #[allow(clippy::cast_possible_truncation)]
        ((value >> 64) as u64, value as u64)
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

/// A signed property of a profile, `textures` for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileProperty {
    /// The key.
    pub name: String,
    /// The value, mostly base64.
    pub value: String,
    /// Mojang's signature of the value, base64.
    pub signature: Option<String>,
}

/// Who a player is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GameProfile {
    /// The account, or the offline-mode UUID of the name.
    pub uuid: Uuid,
    /// 1 to 16 UTF-16 units.
    pub name: String,
    /// Signed properties, in the order in which they came.
    pub properties: Vec<ProfileProperty>,
}

/// One packet of the play state, uncompressed and without its frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawPacket {
    /// Of the session's protocol; never negative when it comes from the host.
    pub packet_id: i32,
    /// Everything that follows the packet id.
    pub data: Bytes,
}

/// Text for a player: the contract's `component`, under a name that does not clash with a WebAssembly component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Text {
    /// Shown as it is; `§` and braces have no meaning.
    Plain(String),
    /// A JSON text component, as in vanilla's `/tellraw`.
    Json(String),
}

impl Text {
    /// Plain text.
    #[must_use]
    pub fn plain(text: impl Into<String>) -> Self {
        Self::Plain(text.into())
    }

    /// The text or the JSON, as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Plain(text) | Self::Json(text) => text,
        }
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuid_halves_and_text() {
        let uuid = Uuid::from_halves(0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210);
        assert_eq!(
            uuid.halves(),
            (0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210)
        );
        assert_eq!(uuid.to_string(), "01234567-89ab-cdef-fedc-ba9876543210");
    }
}
