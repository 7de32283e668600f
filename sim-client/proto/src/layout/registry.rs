use crate::Version;

/// What a field of a registry's element must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FieldKind {
    /// A number of any width; also booleans.
    Number,
    String,
    Compound,
    /// Anything, but it must be there.
    Any,
}

/// A field that elements of a registry must have: from a protocol on, until (exclusive) another.
struct Row {
    registry: &'static str,
    from: i32,
    until: i32,
    kind: FieldKind,
    names: &'static [&'static str],
}

/// After the last protocol.
const END: i32 = i32::MAX;

const DIMENSION: &str = "minecraft:dimension_type";
const BIOME: &str = "minecraft:worldgen/biome";
const CHAT: &str = "minecraft:chat_type";
const DAMAGE: &str = "minecraft:damage_type";

const fn row(
    registry: &'static str,
    from: i32,
    until: i32,
    kind: FieldKind,
    names: &'static [&'static str],
) -> Row {
    Row {
        registry,
        from,
        until,
        kind,
        names,
    }
}

/// Fields that every vanilla element has, by the `loginPacket.json` files of minecraft-data, without those that the
/// game's codecs give a default (`effects` of dimensions).
const FIELDS: &[Row] = &[
    row(
        DIMENSION,
        735,
        END,
        FieldKind::Number,
        &[
            "has_skylight",
            "has_ceiling",
            "ambient_light",
            "logical_height",
        ],
    ),
    row(DIMENSION, 735, END, FieldKind::String, &["infiniburn"]),
    row(DIMENSION, 735, 751, FieldKind::Number, &["shrunk"]),
    row(
        DIMENSION,
        735,
        774,
        FieldKind::Number,
        &[
            "natural",
            "ultrawarm",
            "piglin_safe",
            "respawn_anchor_works",
            "bed_works",
            "has_raids",
        ],
    ),
    row(
        DIMENSION,
        751,
        END,
        FieldKind::Number,
        &["coordinate_scale"],
    ),
    row(DIMENSION, 755, END, FieldKind::Number, &["min_y", "height"]),
    row(
        DIMENSION,
        759,
        END,
        FieldKind::Number,
        &["monster_spawn_block_light_limit"],
    ),
    row(
        DIMENSION,
        759,
        END,
        FieldKind::Any,
        &["monster_spawn_light_level"],
    ),
    row(
        BIOME,
        751,
        END,
        FieldKind::Number,
        &["temperature", "downfall"],
    ),
    row(BIOME, 751, END, FieldKind::Compound, &["effects"]),
    row(BIOME, 751, 757, FieldKind::Number, &["depth", "scale"]),
    row(BIOME, 751, 759, FieldKind::String, &["category"]),
    row(BIOME, 751, 762, FieldKind::String, &["precipitation"]),
    row(BIOME, 762, END, FieldKind::Number, &["has_precipitation"]),
    row(CHAT, 760, END, FieldKind::Compound, &["chat", "narration"]),
    row(
        DAMAGE,
        762,
        END,
        FieldKind::String,
        &["message_id", "scaling"],
    ),
    row(DAMAGE, 762, END, FieldKind::Number, &["exhaustion"]),
];

/// The fields that elements of a registry must have.
pub(crate) fn registry_fields(
    version: Version,
    registry: &str,
) -> impl Iterator<Item = (&'static str, FieldKind)> + use<'_> {
    FIELDS
        .iter()
        .filter(move |row| {
            row.registry == registry && version.from(row.from) && !version.from(row.until)
        })
        .flat_map(|row| row.names.iter().map(|name| (*name, row.kind)))
}

/// Whether an element of the registry may be a list: a block transformer is a compound or a list of them (26.3).
pub(crate) fn has_list_elements(version: Version, registry: &str) -> bool {
    version.from(777) && registry == "minecraft:block_transformer"
}

/// Registries that a game synchronizes besides those of `vb_data`, from a protocol on.
const ALSO_KNOWN: &[(i32, &str)] = &[
    (767, "minecraft:enchantment"),
    (770, "minecraft:test_environment"),
    (770, "minecraft:test_instance"),
];

/// Whether the game synchronizes a registry. From 766 on the client's loader asks what came for each registry that it
/// has, and so never sees another (protocol-facts, section 8; NeoForge #3481, fabric-api #3999).
pub(crate) fn knows_registry(version: Version, registry: &str) -> bool {
    let is = |known: &vb_data::Registry| known.name == registry;
    vb_data::registries(version.protocol()).iter().any(is)
        || ALSO_KNOWN
            .iter()
            .any(|(from, name)| version.from(*from) && *name == registry)
}

/// Registries that must be there and not be empty: from a protocol on, until (exclusive) another.
///
/// Source: protocol-facts, sections 3 and 6, and from 766 on which registries the games' own lists of those that are
/// synchronized mark as not to be empty: none on 766 (1.20.5), `wolf_variant` and `painting_variant` from 767 on, the
/// variants of the others from 770 on. `chat_type` is needed once a packet names a chat type. Banner patterns,
/// instruments, songs, materials and clocks (775+) are what the components of the client's own items are built from.
const REQUIRED: &[(i32, i32, &[&str])] = &[
    (735, END, &[DIMENSION]),
    (751, END, &[BIOME]),
    (762, END, &[DAMAGE]),
    (
        767,
        END,
        &["minecraft:painting_variant", "minecraft:wolf_variant"],
    ),
    (
        770,
        END,
        &[
            "minecraft:cat_variant",
            "minecraft:chicken_variant",
            "minecraft:cow_variant",
            "minecraft:frog_variant",
            "minecraft:pig_variant",
            "minecraft:wolf_sound_variant",
        ],
    ),
    (774, END, &["minecraft:zombie_nautilus_variant"]),
    (
        775,
        END,
        &[
            "minecraft:cat_sound_variant",
            "minecraft:chicken_sound_variant",
            "minecraft:cow_sound_variant",
            "minecraft:pig_sound_variant",
            "minecraft:banner_pattern",
            "minecraft:instrument",
            "minecraft:jukebox_song",
            "minecraft:trim_material",
            "minecraft:world_clock",
        ],
    ),
];

/// The registries that a client cannot do without.
pub(crate) fn required_registries(version: Version) -> impl Iterator<Item = &'static str> {
    REQUIRED
        .iter()
        .filter(move |(from, until, _)| version.from(*from) && !version.from(*until))
        .flat_map(|(_, _, names)| names.iter().copied())
}

/// Entries that the client looks up by name: from a protocol on. The damage types are those from which the game builds
/// its damage sources when it makes a world; plains is what every chunk section starts with.
const ENTRIES: &[(i32, &str, &[&str])] = &[
    (757, BIOME, &["minecraft:plains"]),
    (
        762,
        DAMAGE,
        &[
            "minecraft:in_fire",
            "minecraft:lightning_bolt",
            "minecraft:on_fire",
            "minecraft:lava",
            "minecraft:hot_floor",
            "minecraft:in_wall",
            "minecraft:cramming",
            "minecraft:drown",
            "minecraft:starve",
            "minecraft:cactus",
            "minecraft:fall",
            "minecraft:fly_into_wall",
            "minecraft:out_of_world",
            "minecraft:generic",
            "minecraft:magic",
            "minecraft:wither",
            "minecraft:dragon_breath",
            "minecraft:dry_out",
            "minecraft:sweet_berry_bush",
            "minecraft:freeze",
            "minecraft:stalagmite",
        ],
    ),
    (
        763,
        DAMAGE,
        &["minecraft:outside_border", "minecraft:generic_kill"],
    ),
];

/// The entries that a client looks up by name, with their registries.
pub(crate) fn required_entries(
    version: Version,
) -> impl Iterator<Item = (&'static str, &'static str)> {
    ENTRIES
        .iter()
        .filter(move |(from, ..)| version.from(*from))
        .flat_map(|(_, registry, names)| names.iter().map(|name| (*registry, *name)))
}
