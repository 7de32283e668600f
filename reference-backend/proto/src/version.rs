//! What a protocol number means, as named features. The only comparisons of protocol numbers in this crate are here
//! and in the module `layout`.

use core::fmt;

/// A protocol number as the client states it in its handshake. Any number; [`Version::is_supported`] tells which ones
/// this crate can carry past the status request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(i32);

/// How the hover events of text components are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoverForm {
    /// `hoverEvent` with `value`, a component; items and entities are SNBT in its text (until 1.15).
    Value,
    /// `hoverEvent` with `contents` (1.16).
    Contents {
        /// Bad SNBT ends the connection (1.20.3); before, nothing is shown.
        strict: bool,
        /// Items have components instead of a tag (1.20.5).
        components: bool,
    },
    /// `hover_event`, with an action's fields beside it (1.21.5).
    Inline,
}

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

    /// Text can be a score or a selector (1.8).
    pub const fn has_score_and_selector_text(self) -> bool {
        self.0 >= 47
    }

    /// Items have names instead of numbers (1.8).
    pub const fn names_items(self) -> bool {
        self.0 >= 47
    }

    /// Text can name a key (1.12; ViaBackwards #474).
    pub const fn has_keybind_text(self) -> bool {
        self.0 >= 335
    }

    /// Text can be a value in the NBT of a block or an entity (1.14).
    pub const fn has_nbt_contents(self) -> bool {
        self.0 >= 477
    }

    /// Text can be a value in a storage (1.15).
    pub const fn has_storage_text(self) -> bool {
        self.0 >= 573
    }

    /// A click can fill the clipboard (1.15).
    pub const fn has_clipboard_clicks(self) -> bool {
        self.0 >= 573
    }

    /// Text has fonts, and colours of 24 bits (1.16).
    pub const fn has_fonts(self) -> bool {
        self.0 >= 735
    }

    /// Text has shadows of any colour (1.21.4).
    pub const fn has_text_shadows(self) -> bool {
        self.0 >= 769
    }

    /// The events of text are `click_event` and `hover_event`, in which each action has its own fields (1.21.5).
    pub const fn has_inline_events(self) -> bool {
        self.0 >= 770
    }

    /// A click can show a dialog or send a custom payload (1.21.6).
    pub const fn has_dialogs(self) -> bool {
        self.0 >= 771
    }

    /// Text can be a sprite or a player's head (1.21.9; ViaVersion #4803).
    pub const fn has_object_text(self) -> bool {
        self.0 >= 773
    }

    /// How hover events are written.
    pub const fn hover_form(self) -> HoverForm {
        match self.0 {
            ..735 => HoverForm::Value,
            735..770 => HoverForm::Contents {
                strict: self.has_nbt_text(),
                components: self.0 >= 766,
            },
            770.. => HoverForm::Inline,
        }
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
