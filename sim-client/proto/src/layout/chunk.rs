use super::row;
use crate::Version;

/// `map_chunk` before and after its sections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ChunkLayout {
    /// Whether it says that it is the whole column ("ground up"); else it always is.
    pub(crate) ground_up: bool,
    pub(crate) ignore_old_data: bool,
    pub(crate) mask: SectionMask,
    pub(crate) heightmaps: Heightmaps,
    pub(crate) biomes: BiomeData,
    pub(crate) block_entities: BlockEntities,
    /// Whether light follows, as in `update_light`.
    pub(crate) light: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SectionMask {
    /// Two u16, the second for the high bits of block ids, and zlib data behind an i32 length.
    ShortsCompressed,
    Short,
    VarInt,
    Longs,
    /// All sections are there.
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heightmaps {
    None,
    Nbt,
    Array,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BiomeData {
    /// 256 bytes at the end of the data.
    Bytes,
    /// 256 i32 at the end of the data.
    Ints,
    /// 1024 i32 before the data.
    Ints3d,
    /// A varint array before the data.
    VarInts,
    /// In each section.
    Paletted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BlockEntities {
    None,
    Nbt,
    Packed,
}

/// A section in a chunk's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SectionLayout {
    pub(crate) block_count: bool,
    /// azalea-world 0.16.0 for 26.1 (MIT): a second i16 that its version for 1.21.11 does not have.
    pub(crate) fluid_count: bool,
    /// Whether ids without a palette have an empty palette before them.
    pub(crate) direct_has_palette: bool,
    /// Whether numbers run across the borders of longs.
    pub(crate) spanning: bool,
    /// Whether 0 bits mean a single value.
    pub(crate) single_value: bool,
    /// Whether the data's length is said.
    pub(crate) array_length: bool,
}

/// How light masks are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LightMasks {
    /// Four varints, then the arrays that they announce, without a count.
    VarInts { trust_edges: bool },
    /// Four bit sets of longs, then two counted lists of arrays.
    Longs { trust_edges: bool },
    /// Four bit sets of bytes, lowest first, then two counted lists of arrays.
    Bytes,
}

/// `map_chunk`.
pub(crate) fn chunk(version: Version) -> ChunkLayout {
    row(CHUNK, version)
}

/// The sections in its data; None where they are fixed arrays (4-47).
pub(crate) fn section(version: Version) -> Option<SectionLayout> {
    row(SECTION, version)
}

/// `update_light`, and the light in `map_chunk`.
pub(crate) fn light(version: Version) -> LightMasks {
    row(LIGHT, version)
}

/// How many block states a version has: ids of a palette are below, and ids without a palette take as many bits as
/// the highest needs. From `blocks.json` of minecraft-data; the game before 393 has 13 bits whatever there is.
pub(crate) fn block_states(version: Version) -> BlockStates {
    row(BLOCK_STATES, version)
}

/// How many types of block entities a version has, where a client refuses an id past the last (766+: "No value with
/// id N"). Before, it takes what it does not know for nothing.
pub(crate) fn block_entity_types(version: Version) -> Option<usize> {
    row(BLOCK_ENTITY_TYPES, version)
}

/// What is known of a version's block states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BlockStates {
    /// How many, where that is known.
    pub(crate) count: Option<usize>,
    /// Bits of an id without a palette.
    pub(crate) bits: u32,
}

const fn known(count: usize) -> BlockStates {
    BlockStates {
        count: Some(count),
        bits: usize::BITS - (count - 1).leading_zeros(),
    }
}

const OLDEST: ChunkLayout = ChunkLayout {
    ground_up: true,
    ignore_old_data: false,
    mask: SectionMask::ShortsCompressed,
    heightmaps: Heightmaps::None,
    biomes: BiomeData::Bytes,
    block_entities: BlockEntities::None,
    light: false,
};
const FROM_47: ChunkLayout = ChunkLayout {
    mask: SectionMask::Short,
    ..OLDEST
};
const FROM_107: ChunkLayout = ChunkLayout {
    mask: SectionMask::VarInt,
    ..FROM_47
};
const FROM_110: ChunkLayout = ChunkLayout {
    block_entities: BlockEntities::Nbt,
    ..FROM_107
};
const FROM_393: ChunkLayout = ChunkLayout {
    biomes: BiomeData::Ints,
    ..FROM_110
};
const FROM_477: ChunkLayout = ChunkLayout {
    heightmaps: Heightmaps::Nbt,
    ..FROM_393
};
const FROM_573: ChunkLayout = ChunkLayout {
    biomes: BiomeData::Ints3d,
    ..FROM_477
};
const FROM_735: ChunkLayout = ChunkLayout {
    ignore_old_data: true,
    ..FROM_573
};
const FROM_751: ChunkLayout = ChunkLayout {
    ignore_old_data: false,
    biomes: BiomeData::VarInts,
    ..FROM_735
};
const FROM_755: ChunkLayout = ChunkLayout {
    ground_up: false,
    mask: SectionMask::Longs,
    ..FROM_751
};
const FROM_757: ChunkLayout = ChunkLayout {
    mask: SectionMask::None,
    biomes: BiomeData::Paletted,
    block_entities: BlockEntities::Packed,
    light: true,
    ..FROM_755
};
const FROM_770: ChunkLayout = ChunkLayout {
    heightmaps: Heightmaps::Array,
    ..FROM_757
};

const CHUNK: &[(i32, ChunkLayout)] = &[
    (4, OLDEST),
    (47, FROM_47),
    (107, FROM_107),
    (110, FROM_110),
    (393, FROM_393),
    (477, FROM_477),
    (573, FROM_573),
    (735, FROM_735),
    (751, FROM_751),
    (755, FROM_755),
    (757, FROM_757),
    (770, FROM_770),
];

const SECTION_107: SectionLayout = SectionLayout {
    block_count: false,
    fluid_count: false,
    direct_has_palette: true,
    spanning: true,
    single_value: false,
    array_length: true,
};
const SECTION_393: SectionLayout = SectionLayout {
    direct_has_palette: false,
    ..SECTION_107
};
const SECTION_477: SectionLayout = SectionLayout {
    block_count: true,
    ..SECTION_393
};
const SECTION_735: SectionLayout = SectionLayout {
    spanning: false,
    ..SECTION_477
};
const SECTION_757: SectionLayout = SectionLayout {
    single_value: true,
    ..SECTION_735
};
const SECTION_770: SectionLayout = SectionLayout {
    array_length: false,
    ..SECTION_757
};
const SECTION_775: SectionLayout = SectionLayout {
    fluid_count: true,
    ..SECTION_770
};

const SECTION: &[(i32, Option<SectionLayout>)] = &[
    (4, None),
    (107, Some(SECTION_107)),
    (393, Some(SECTION_393)),
    (477, Some(SECTION_477)),
    (735, Some(SECTION_735)),
    (757, Some(SECTION_757)),
    (770, Some(SECTION_770)),
    (775, Some(SECTION_775)),
];

const LIGHT: &[(i32, LightMasks)] = &[
    (477, LightMasks::VarInts { trust_edges: false }),
    (735, LightMasks::VarInts { trust_edges: true }),
    (755, LightMasks::Longs { trust_edges: true }),
    (763, LightMasks::Longs { trust_edges: false }),
    // protocol-facts, section 3.
    (777, LightMasks::Bytes),
];

/// azalea-registry (MIT) for 1.21.1, 1.21.4, 1.21.5, 1.21.8, 1.21.11 and 26.1, and what the games themselves register in
/// 1.20.6, 1.21.7, 26.1.2 and 26.3; that 768 and 773 begin what 769 and 774 have is by the blocks of minecraft-data
/// (`creaking_heart`; `copper_golem_statue` and the shelves). 776 got `potent_sulfur`, and the beds' was gone by 777:
/// which of the two had both is not seen, so 776 is given the benefit of the doubt.
const BLOCK_ENTITY_TYPES: &[(i32, Option<usize>)] = &[
    (4, None),
    (766, Some(44)),
    (768, Some(45)),
    (770, Some(47)),
    (773, Some(49)),
    (776, Some(50)),
    (777, Some(49)),
];

const BLOCK_STATES: &[(i32, BlockStates)] = &[
    (
        107,
        BlockStates {
            count: None,
            bits: 13,
        },
    ),
    (393, known(8582)),
    (401, known(8599)),
    (477, known(11_271)),
    (573, known(11_337)),
    (735, known(17_104)),
    (751, known(17_112)),
    (755, known(20_342)),
    (759, known(21_448)),
    (761, known(23_232)),
    (762, known(23_725)),
    (763, known(24_135)),
    (765, known(26_644)),
    (766, known(26_684)),
    (768, known(27_318)),
    (769, known(27_866)),
    (770, known(27_914)),
    (771, known(27_946)),
    (773, known(29_671)),
    (775, known(29_873)),
    // Not in minecraft-data; 777's 16 bits: protocol-facts, section 3.
    (
        776,
        BlockStates {
            count: None,
            bits: 15,
        },
    ),
    (
        777,
        BlockStates {
            count: None,
            bits: 16,
        },
    ),
];
