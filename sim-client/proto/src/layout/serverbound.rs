use super::row;
use crate::Version;

/// A field of the client's settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SettingsField {
    Locale,
    ViewDistance,
    ChatModeByte,
    ChatMode,
    ChatColours,
    Difficulty,
    ShowCape,
    SkinParts,
    MainHand,
    /// "Do not filter": the inverse of the next (755, 756).
    DisableTextFiltering,
    TextFiltering,
    ServerListing,
    Particles,
}

/// What `login_start` carries besides the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LoginStartLayout {
    Name,
    /// An optional profile key.
    Key,
    /// An optional profile key, an optional UUID.
    KeyAndOptionalUuid,
    /// An optional UUID.
    OptionalUuid,
    /// A UUID.
    Uuid,
}

/// An unsigned chat message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChatLayout {
    /// `chat`: the message alone.
    Plain,
    /// `chat_message`: time, salt, empty signature, "signed preview".
    Signed,
    /// The same and the chain of messages seen.
    SignedWithChain,
    /// Time, salt, optional signature, offset and bit set of messages seen.
    Acknowledging,
    /// The same and a checksum.
    Checksummed,
}

/// An unsigned chat command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CommandLayout {
    /// There is none: commands are chat.
    None,
    /// Time, salt, no argument signatures, "signed preview".
    Signed,
    /// The same and the chain of messages seen.
    SignedWithChain,
    /// Time, salt, no argument signatures, offset and bit set of messages seen.
    Acknowledging,
    /// The command alone.
    Plain,
}

/// The end of a movement packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MovementFlags {
    /// Whether the player is on the ground.
    OnGround,
    /// Bit 0 on the ground, bit 1 against a wall.
    Bits,
}

pub(crate) fn settings(version: Version) -> &'static [SettingsField] {
    use SettingsField::{
        ChatColours, ChatMode, ChatModeByte, Difficulty, DisableTextFiltering, Locale, MainHand,
        Particles, ServerListing, ShowCape, SkinParts, TextFiltering, ViewDistance,
    };
    const TABLE: &[(i32, &[SettingsField])] = &[
        (
            4,
            &[
                Locale,
                ViewDistance,
                ChatModeByte,
                ChatColours,
                Difficulty,
                ShowCape,
            ],
        ),
        (
            47,
            &[Locale, ViewDistance, ChatModeByte, ChatColours, SkinParts],
        ),
        (
            107,
            &[
                Locale,
                ViewDistance,
                ChatMode,
                ChatColours,
                SkinParts,
                MainHand,
            ],
        ),
        (
            755,
            &[
                Locale,
                ViewDistance,
                ChatMode,
                ChatColours,
                SkinParts,
                MainHand,
                DisableTextFiltering,
            ],
        ),
        (
            757,
            &[
                Locale,
                ViewDistance,
                ChatMode,
                ChatColours,
                SkinParts,
                MainHand,
                TextFiltering,
                ServerListing,
            ],
        ),
        (
            768,
            &[
                Locale,
                ViewDistance,
                ChatMode,
                ChatColours,
                SkinParts,
                MainHand,
                TextFiltering,
                ServerListing,
                Particles,
            ],
        ),
    ];
    row(TABLE, version)
}

pub(crate) fn login_start(version: Version) -> LoginStartLayout {
    row(
        &[
            (4, LoginStartLayout::Name),
            (759, LoginStartLayout::Key),
            (760, LoginStartLayout::KeyAndOptionalUuid),
            (761, LoginStartLayout::OptionalUuid),
            (764, LoginStartLayout::Uuid),
        ],
        version,
    )
}

pub(crate) fn chat(version: Version) -> ChatLayout {
    row(
        &[
            (4, ChatLayout::Plain),
            (759, ChatLayout::Signed),
            (760, ChatLayout::SignedWithChain),
            (761, ChatLayout::Acknowledging),
            (770, ChatLayout::Checksummed),
        ],
        version,
    )
}

pub(crate) fn command(version: Version) -> CommandLayout {
    row(
        &[
            (4, CommandLayout::None),
            (759, CommandLayout::Signed),
            (760, CommandLayout::SignedWithChain),
            (761, CommandLayout::Acknowledging),
            (766, CommandLayout::Plain),
        ],
        version,
    )
}

pub(crate) fn movement(version: Version) -> MovementFlags {
    row(
        &[(4, MovementFlags::OnGround), (768, MovementFlags::Bits)],
        version,
    )
}
