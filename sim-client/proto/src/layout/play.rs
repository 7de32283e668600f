use super::row;
use crate::Version;

/// The number in a keep-alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeepAliveId {
    Int,
    VarInt,
    Long,
}

/// `position`, the server's position-and-look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PositionLayout {
    /// Ends with "on ground".
    OnGround,
    /// Ends with flags of what is relative.
    Flags,
    /// Flags, then the teleport's id.
    TeleportId,
    /// Flags, the id, "dismount".
    Dismount,
    /// The id first, then also velocity; flags are an i32.
    Velocity,
}

/// The default spawn position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SpawnLayout {
    /// Three i32.
    Ints,
    /// A packed position.
    Packed,
    /// A packed position and an angle.
    Angle,
    /// Dimension, packed position, yaw, pitch.
    Global,
}

/// Login success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ProfileLayout {
    pub(crate) uuid: UuidForm,
    pub(crate) properties: bool,
    pub(crate) strict_errors: bool,
    pub(crate) session: bool,
}

/// How login success writes the UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UuidForm {
    Undashed,
    Dashed,
    Binary,
}

/// Messages that are not players' signed chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MessageLayout {
    /// `chat`: text.
    Text,
    /// `chat`: text, position i8.
    Position,
    /// `chat`: text, position i8, sender.
    Sender,
    /// `system_chat`: text, type varint.
    Type,
    /// `system_chat`: text, whether it goes above the hot bar.
    Overlay,
}

/// `update_time`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeLayout {
    Ages,
    Ticking,
    Clocks,
}

/// `tags`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TagsLayout {
    /// So many lists, of fixed registries.
    Fixed(&'static [&'static str]),
    /// Lists with their registries' names.
    Named,
}

/// The request for a resource pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PackLayout {
    /// Url, hash; the answer carries the hash.
    Hash,
    /// Url, hash; the answer does not carry the hash.
    Plain,
    /// Also "forced" and a prompt.
    Prompt,
    /// A UUID before them; the answer carries it.
    Uuid,
}

pub(crate) fn keep_alive_id(version: Version) -> KeepAliveId {
    row(
        &[
            (4, KeepAliveId::Int),
            (47, KeepAliveId::VarInt),
            (340, KeepAliveId::Long),
        ],
        version,
    )
}

pub(crate) fn position(version: Version) -> PositionLayout {
    row(
        &[
            (4, PositionLayout::OnGround),
            (47, PositionLayout::Flags),
            (107, PositionLayout::TeleportId),
            (755, PositionLayout::Dismount),
            (762, PositionLayout::TeleportId),
            (768, PositionLayout::Velocity),
        ],
        version,
    )
}

pub(crate) fn spawn_position(version: Version) -> SpawnLayout {
    row(
        &[
            (4, SpawnLayout::Ints),
            (47, SpawnLayout::Packed),
            (755, SpawnLayout::Angle),
            (773, SpawnLayout::Global),
        ],
        version,
    )
}

/// Whether packed positions are x, y, z (until 404) instead of x, z, y.
pub(crate) fn packed_y_in_middle(version: Version) -> bool {
    row(&[(4, true), (477, false)], version)
}

pub(crate) fn profile(version: Version) -> ProfileLayout {
    const OLDEST: ProfileLayout = ProfileLayout {
        uuid: UuidForm::Undashed,
        properties: false,
        strict_errors: false,
        session: false,
    };
    const DASHED: ProfileLayout = ProfileLayout {
        uuid: UuidForm::Dashed,
        ..OLDEST
    };
    const BINARY: ProfileLayout = ProfileLayout {
        uuid: UuidForm::Binary,
        ..OLDEST
    };
    const PROPERTIES: ProfileLayout = ProfileLayout {
        properties: true,
        ..BINARY
    };
    row(
        &[
            (4, OLDEST),
            (5, DASHED),
            (735, BINARY),
            (759, PROPERTIES),
            (
                766,
                ProfileLayout {
                    strict_errors: true,
                    ..PROPERTIES
                },
            ),
            (768, PROPERTIES),
            // protocol-facts, section 3.
            (
                776,
                ProfileLayout {
                    session: true,
                    ..PROPERTIES
                },
            ),
        ],
        version,
    )
}

/// Whether the server's request for encryption says whether to authenticate.
pub(crate) fn encryption_says_authenticate(version: Version) -> bool {
    row(&[(4, false), (766, true)], version)
}

/// `player_chat`, before what shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PlayerChatLayout {
    /// Content as a component, then its type, who and when.
    Signed,
    /// With the signature of the message before, and of those that were seen.
    Chained,
    /// With a number for each message of its sender; signatures have a fixed length.
    Indexed,
    /// With a number for each message that the client was sent, too.
    GloballyIndexed,
}

pub(crate) fn player_chat(version: Version) -> PlayerChatLayout {
    row(
        &[
            (759, PlayerChatLayout::Signed),
            (760, PlayerChatLayout::Chained),
            (761, PlayerChatLayout::Indexed),
            (770, PlayerChatLayout::GloballyIndexed),
        ],
        version,
    )
}

/// Whether a chat type is its id plus one, or 0 and the type itself.
pub(crate) fn has_chat_type_holder(version: Version) -> bool {
    row(&[(759, false), (767, true)], version)
}

/// Whether a system message names a chat type (759).
pub(crate) fn system_chat_names_type(version: Version) -> bool {
    message(version) == MessageLayout::Type
}

pub(crate) fn message(version: Version) -> MessageLayout {
    row(
        &[
            (4, MessageLayout::Text),
            (47, MessageLayout::Position),
            (735, MessageLayout::Sender),
            (759, MessageLayout::Type),
            (760, MessageLayout::Overlay),
        ],
        version,
    )
}

pub(crate) fn time(version: Version) -> TimeLayout {
    row(
        &[
            (4, TimeLayout::Ages),
            (768, TimeLayout::Ticking),
            (775, TimeLayout::Clocks),
        ],
        version,
    )
}

pub(crate) fn tags(version: Version) -> TagsLayout {
    row(
        &[
            (
                393,
                TagsLayout::Fixed(&["minecraft:block", "minecraft:item", "minecraft:fluid"]),
            ),
            (
                477,
                TagsLayout::Fixed(&[
                    "minecraft:block",
                    "minecraft:item",
                    "minecraft:fluid",
                    "minecraft:entity_type",
                ]),
            ),
            (755, TagsLayout::Named),
        ],
        version,
    )
}

pub(crate) fn resource_pack(version: Version) -> PackLayout {
    row(
        &[
            (47, PackLayout::Hash),
            (210, PackLayout::Plain),
            (755, PackLayout::Prompt),
            (765, PackLayout::Uuid),
        ],
        version,
    )
}

/// Whether `difficulty` is followed by "locked".
pub(crate) fn difficulty_locks(version: Version) -> bool {
    row(&[(47, false), (477, true)], version)
}

/// Whether `difficulty` is a varint.
pub(crate) fn difficulty_is_varint(version: Version) -> bool {
    row(&[(47, false), (771, true)], version)
}

/// Whether `unload_chunk` has z before x.
pub(crate) fn unload_is_z_first(version: Version) -> bool {
    row(&[(107, false), (764, true)], version)
}

/// Whether byte arrays have an i16 length before them (4, 5): keys, a plugin message's data.
pub(crate) fn has_short_lengths(version: Version) -> bool {
    row(&[(4, true), (47, false)], version)
}

/// Highest game event that clients know.
pub(crate) fn last_game_event(version: Version) -> u8 {
    row(
        &[(4, 8), (47, 10), (573, 11), (764, 12), (765, 13)],
        version,
    )
}
