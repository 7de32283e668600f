//! What a protocol number means, as named features. The only comparisons of protocol numbers in this crate are here
//! and in the module `layout`.

use core::fmt;

/// A protocol number as the client states it in its handshake. Any number; [`Version::is_supported`] tells which ones
/// this crate can carry past the status request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(i32);

impl Version {
    /// Wraps whatever number the client sent.
    pub const fn new(protocol: i32) -> Self {
        Self(protocol)
    }

    /// The number itself.
    pub const fn protocol(self) -> i32 {
        self.0
    }

    /// Whether there are packet tables for it.
    pub fn is_supported(self) -> bool {
        vb_data::supported().binary_search(&self.0).is_ok()
    }

    /// The login can turn compression on (1.8).
    pub const fn has_compression(self) -> bool {
        self.0 >= 47
    }

    /// A configuration phase stands between login and play (1.20.2).
    pub const fn has_configuration_phase(self) -> bool {
        self.0 >= 764
    }

    /// Text components are NBT in configuration and play (1.20.3). The login's stay JSON.
    pub const fn has_nbt_text(self) -> bool {
        self.0 >= 765
    }

    /// Server and client compare data packs, and each registry has a packet of its own (1.20.5).
    pub const fn has_known_packs(self) -> bool {
        self.0 >= 766
    }

    /// A client may arrive by a transfer from another server (1.20.5).
    pub const fn has_transfer(self) -> bool {
        self.0 >= 766
    }

    /// The release with which each animal's looks became a registry (1.21.5).
    pub const fn brings_animal_variants(self) -> bool {
        self.0 == 770
    }

    /// System messages have a packet of their own, apart from chat (1.19).
    pub const fn has_system_chat(self) -> bool {
        self.0 >= 759
    }

    /// The client refuses a login success with more than
    /// [`MAX_LOGIN_PROPERTIES`](crate::profile::MAX_LOGIN_PROPERTIES) properties (1.20.5).
    pub const fn limits_profile_properties(self) -> bool {
        self.0 >= 766
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
