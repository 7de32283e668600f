use super::context::{Context, WorldShape};
use super::light::{self, LIGHT_ARRAY, LightSummary};
use super::section;
use crate::layout::{self, BiomeData, BlockEntities, ChunkLayout, Heightmaps, SectionMask};
use crate::nbt;
use crate::remark::RemarkKind;
use crate::wire::{self, DecodeError, DecodeErrorKind, Reader};

/// Most bytes of a chunk's sections (vanilla: "Chunk Packet trying to allocate too much memory on read").
const MAX_DATA: usize = 1 << 21;
/// Most bytes of a 1.7 column: 16 sections of blocks, metadata, two lights and high bits, and 256 biomes.
const MAX_OLD_COLUMN: usize = 16 * (4096 + 4 * LIGHT_ARRAY) + 256;
/// Most columns of a bulk packet; vanilla sends 10.
const MAX_BULK: usize = 256;
/// Most block entities of a chunk: one for each block of the highest world.
const MAX_BLOCK_ENTITIES: usize = 16 * 16 * 4064;
/// Most heightmaps; there are six kinds.
const MAX_HEIGHTMAPS: usize = 64;
/// Longs of a heightmap: 256 numbers of at most 12 bits.
const MAX_HEIGHTMAP: usize = 256;
/// Most longs of a section mask.
const MAX_MASK: usize = 64;
/// Biomes of a column before they had three dimensions.
const FLAT_BIOMES: usize = 256;
/// Biomes of a section from 573 on.
const SECTION_BIOMES: usize = 64;
/// Biomes of a column on 573 to 754.
const COLUMN_BIOMES: usize = 1024;
/// Sections of a column until 754.
const CLASSIC_SECTIONS: usize = 16;

/// A chunk, of which only a summary is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Chunk {
    /// Chunk coordinates.
    pub x: i32,
    /// Chunk coordinates.
    pub z: i32,
    /// Whether it is the whole column; else it changes one that is there (until 754).
    pub full: bool,
    /// What is in it.
    pub summary: ChunkSummary,
    /// Its light (757+).
    pub light: Option<LightSummary>,
    /// What a client tolerates.
    pub(crate) remarks: Vec<RemarkKind>,
}

/// What is in a chunk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChunkSummary {
    /// Sections that the packet holds.
    pub sections: usize,
    /// Bytes of the sections.
    pub data_len: usize,
    /// Block entities.
    pub block_entities: usize,
}

impl Chunk {
    /// What is wrong with it although a client goes on; the machine reports these itself.
    pub fn remarks(&self) -> &[RemarkKind] {
        &self.remarks
    }

    /// Whether a client until 47 forgets the chunk: a whole column without a section.
    pub(crate) fn is_unload(&self, version: crate::Version) -> bool {
        version.unloads_by_empty_chunk() && self.full && self.summary.sections == 0
    }
}

pub(super) fn read(r: &mut Reader<'_>, context: &Context) -> Result<Chunk, DecodeError> {
    let layout = layout::chunk(r.version());
    let (x, z) = (r.i32("x")?, r.i32("z")?);
    let full = if layout.ground_up {
        r.bool("groundUp")?
    } else {
        true
    };
    if layout.ignore_old_data {
        r.bool("ignoreOldData")?;
    }
    let mask = read_mask(r, layout.mask)?;
    match layout.heightmaps {
        Heightmaps::None => {}
        Heightmaps::Nbt => {
            r.summarised(
                "heightmaps",
                |r| nbt::read_root(r, ""),
                |maps| format!("{} heightmaps", maps.entries.len()),
            )?;
        }
        Heightmaps::Array => {
            r.array("heightmaps", MAX_HEIGHTMAPS, |r| {
                r.varint("type")?;
                r.longs("data", MAX_HEIGHTMAP)
            })?;
        }
    }
    let mut chunk = Chunk {
        x,
        z,
        full,
        summary: ChunkSummary::default(),
        light: None,
        remarks: Vec::new(),
    };
    if full {
        read_biomes(r, context, layout, &mut chunk.remarks)?;
    }
    let sections = section_count(&mask, context.world);
    chunk.summary.sections = sections;
    if layout.mask == SectionMask::ShortsCompressed {
        read_compressed(r, context, &mask, &mut chunk)?;
    } else {
        read_data(r, context, layout, &mut chunk)?;
    }
    chunk.summary.block_entities = read_block_entities(r, layout.block_entities)?;
    if layout.light {
        let light = light::read(r, context.world)?;
        chunk.remarks.extend(light.remark());
        chunk.light = Some(light);
    }
    Ok(chunk)
}

/// Which sections are there; all of them from 757 on.
struct Mask {
    sections: Option<Vec<u64>>,
    high_bits: u32,
}

fn read_mask(r: &mut Reader<'_>, kind: SectionMask) -> Result<Mask, DecodeError> {
    let plain = |bits: u64| Mask {
        sections: Some(vec![bits]),
        high_bits: 0,
    };
    Ok(match kind {
        SectionMask::None => Mask {
            sections: None,
            high_bits: 0,
        },
        SectionMask::Short => plain(u64::from(r.u16("bitMap")?)),
        SectionMask::VarInt => plain(u64::from(r.varint("bitMap")?.cast_unsigned())),
        SectionMask::Longs => Mask {
            sections: Some(r.longs("bitMap", MAX_MASK)?),
            high_bits: 0,
        },
        SectionMask::ShortsCompressed => {
            let sections = plain(u64::from(r.u16("bitMap")?));
            Mask {
                high_bits: r.u16("addBitMap")?.count_ones(),
                ..sections
            }
        }
    })
}

fn section_count(mask: &Mask, world: Option<WorldShape>) -> usize {
    let height = world.map_or(CLASSIC_SECTIONS, |world| world.sections());
    let Some(longs) = &mask.sections else {
        return height;
    };
    (0..height.min(longs.len() * 64))
        .filter(|index| longs[index / 64] >> (index % 64) & 1 == 1)
        .count()
}

fn read_biomes(
    r: &mut Reader<'_>,
    context: &Context,
    layout: ChunkLayout,
    remarks: &mut Vec<RemarkKind>,
) -> Result<(), DecodeError> {
    match layout.biomes {
        BiomeData::Bytes | BiomeData::Ints | BiomeData::Paletted => Ok(()),
        BiomeData::Ints3d => r.bytes("biomes", COLUMN_BIOMES * 4).map(|_| ()),
        BiomeData::VarInts => {
            let start = r.offset();
            let biomes = r.summarised(
                "biomes",
                |r| r.array("", MAX_DATA, |r| r.varint("")),
                |biomes| format!("{} biomes", biomes.len()),
            )?;
            let expected = context
                .world
                .map_or(biomes.len(), |world| world.sections() * SECTION_BIOMES);
            if biomes.len() != expected {
                let found = biomes.len();
                let kind = DecodeErrorKind::CountMismatch {
                    what: "biomes",
                    found,
                    expected,
                };
                return Err(r.error_at(start, "biomes", kind));
            }
            if let Some(count) = context.biomes {
                let unknown = biomes
                    .iter()
                    .find(|id| usize::try_from(**id).map_or(true, |id| id >= count));
                remarks.extend(unknown.map(|id| RemarkKind::UnknownBiome { id: *id, count }));
            }
            Ok(())
        }
    }
}

fn read_data(
    r: &mut Reader<'_>,
    context: &Context,
    layout: ChunkLayout,
    chunk: &mut Chunk,
) -> Result<(), DecodeError> {
    let length = r.within("chunkData", |r| r.length("length", MAX_DATA))?;
    chunk.summary.data_len = length;
    let Some(world) = context.world else {
        return r.bytes("chunkData", length).map(|_| ());
    };
    let Chunk {
        remarks,
        summary,
        full,
        x,
        z,
        ..
    } = chunk;
    let ((), bytes) = r.bounded("chunkData", length, |r| {
        read_sections(r, context, summary.sections, remarks, world)?;
        if *full {
            match layout.biomes {
                BiomeData::Bytes => {
                    r.bytes("biomes", FLAT_BIOMES)?;
                }
                BiomeData::Ints => {
                    r.bytes("biomes", FLAT_BIOMES * 4)?;
                }
                BiomeData::Ints3d | BiomeData::VarInts | BiomeData::Paletted => {}
            }
        }
        Ok(())
    })?;
    if bytes > 0 {
        remarks.push(RemarkKind::ChunkLeftOver {
            x: *x,
            z: *z,
            bytes,
        });
    }
    Ok(())
}

fn read_sections(
    r: &mut Reader<'_>,
    context: &Context,
    count: usize,
    remarks: &mut Vec<RemarkKind>,
    world: WorldShape,
) -> Result<(), DecodeError> {
    let Some(layout) = layout::section(context.version) else {
        let light = if world.sky_light {
            2 * LIGHT_ARRAY
        } else {
            LIGHT_ARRAY
        };
        return r
            .bytes("sections", count * (BLOCK_SHORTS + light))
            .map(|_| ());
    };
    let mut index = 0;
    r.repeat("sections", count, |r| {
        let result = r.summarised(
            "",
            |r| section::read(r, context, layout, index, remarks),
            |summary| summary.to_string(),
        );
        index += 1;
        result
    })
    .map(|_| ())
}

/// Two bytes for each block of a section (47).
const BLOCK_SHORTS: usize = 2 * 4096;

fn read_block_entities(r: &mut Reader<'_>, kind: BlockEntities) -> Result<usize, DecodeError> {
    match kind {
        BlockEntities::None => Ok(0),
        BlockEntities::Nbt => r
            .array("blockEntities", MAX_BLOCK_ENTITIES, |r| {
                r.summarised(
                    "nbtData",
                    |r| nbt::read_root(r, ""),
                    |_| "compound".to_owned(),
                )
                .map(|_| ())
            })
            .map(|all| all.len()),
        BlockEntities::Packed => r
            .array("blockEntities", MAX_BLOCK_ENTITIES, |r| {
                r.u8("xz")?;
                r.i16("y")?;
                read_block_entity_type(r, "type")?;
                r.summarised(
                    "nbtData",
                    |r| nbt::read_optional_root(r, ""),
                    |_| "nbt".to_owned(),
                )
                .map(|_| ())
            })
            .map(|all| all.len()),
    }
}

/// `tile_entity_data`, from 766 on: where, what, and its data. Answers what.
pub(super) fn read_block_entity(r: &mut Reader<'_>) -> Result<i32, DecodeError> {
    r.i64("location")?;
    let kind = read_block_entity_type(r, "action")?;
    r.summarised(
        "nbtData",
        |r| nbt::read_optional_root(r, ""),
        |_| "nbt".to_owned(),
    )?;
    Ok(kind)
}

/// A type of block entities, which from 766 on must be one that the game has.
fn read_block_entity_type(r: &mut Reader<'_>, name: &str) -> Result<i32, DecodeError> {
    let start = r.offset();
    let id = r.varint(name)?;
    match layout::block_entity_types(r.version()) {
        Some(count) if usize::try_from(id).map_or(true, |id| id >= count) => {
            let registry = "minecraft:block_entity_type";
            let kind = DecodeErrorKind::NoSuchId {
                id,
                registry,
                count,
            };
            Err(r.error_at(start, name, kind))
        }
        _ => Ok(id),
    }
}

/// 4 and 5: zlib behind an i32 length.
fn read_compressed(
    r: &mut Reader<'_>,
    context: &Context,
    mask: &Mask,
    chunk: &mut Chunk,
) -> Result<(), DecodeError> {
    let start = r.offset();
    let length = r.within("compressedChunkData", |r| r.i32("length"))?;
    let length = usize::try_from(length).map_err(|_| {
        r.error_at(
            start,
            "compressedChunkData",
            DecodeErrorKind::NegativeLength(length),
        )
    })?;
    let data = r.bytes("compressedChunkData", length)?;
    let data = inflate(r, start, data, MAX_OLD_COLUMN)?;
    chunk.summary.data_len = data.len();
    let Some(world) = context.world else {
        return Ok(());
    };
    let expected = old_column(
        chunk.summary.sections,
        mask.high_bits,
        world.sky_light,
        chunk.full,
    );
    chunk
        .remarks
        .extend(too_short(chunk.x, chunk.z, data.len(), expected));
    if data.len() > expected {
        let bytes = data.len() - expected;
        chunk.remarks.push(RemarkKind::ChunkLeftOver {
            x: chunk.x,
            z: chunk.z,
            bytes,
        });
    }
    Ok(())
}

/// Bytes of a 1.7 column.
fn old_column(sections: usize, high_bits: u32, sky_light: bool, full: bool) -> usize {
    let halves = 2 + usize::from(sky_light);
    sections * (4096 + halves * LIGHT_ARRAY)
        + high_bits as usize * LIGHT_ARRAY
        + if full { FLAT_BIOMES } else { 0 }
}

/// Clients have their decompressor fill an array that is large enough for what the masks announce: what is missing is
/// zeros, what is over is not looked at.
fn inflate(
    r: &Reader<'_>,
    start: usize,
    data: &[u8],
    limit: usize,
) -> Result<Vec<u8>, DecodeError> {
    wire::inflate(data, limit)
        .map_err(|_| r.error_at(start, "compressedChunkData", DecodeErrorKind::Zlib))
}

/// What is wrong with data of 4 and 5 that are shorter than the masks announce.
fn too_short(x: i32, z: i32, found: usize, expected: usize) -> Option<RemarkKind> {
    (found < expected).then_some(RemarkKind::ChunkShort {
        x,
        z,
        found,
        expected,
    })
}

/// Several columns at once: what a server of 4 to 47 sends around the player.
pub(super) fn read_bulk(r: &mut Reader<'_>, context: &Context) -> Result<Vec<Chunk>, DecodeError> {
    if layout::has_short_lengths(r.version()) {
        return read_compressed_bulk(r, context);
    }
    let sky_light = r.bool("skyLightSent")?;
    let columns = r.array("meta", MAX_BULK, |r| {
        Ok((r.i32("x")?, r.i32("z")?, r.u16("bitMap")?))
    })?;
    let light = if sky_light {
        2 * LIGHT_ARRAY
    } else {
        LIGHT_ARRAY
    };
    columns
        .into_iter()
        .map(|(x, z, mask)| {
            let sections = mask.count_ones() as usize;
            let length = sections * (BLOCK_SHORTS + light) + FLAT_BIOMES;
            r.bytes("data", length)?;
            Ok(column(x, z, sections, length))
        })
        .collect()
}

fn read_compressed_bulk(r: &mut Reader<'_>, _: &Context) -> Result<Vec<Chunk>, DecodeError> {
    let start = r.offset();
    let count = r.i16("chunkColumnCount")?;
    let count = usize::try_from(count).map_err(|_| {
        r.error_at(
            start,
            "chunkColumnCount",
            DecodeErrorKind::NegativeLength(i32::from(count)),
        )
    })?;
    let length = r.i32("dataLength")?;
    let length = usize::try_from(length)
        .map_err(|_| r.error_at(start, "dataLength", DecodeErrorKind::NegativeLength(length)))?;
    let sky_light = r.bool("skyLightSent")?;
    let at = r.offset();
    let data = r.bytes("compressedChunkData", length)?;
    let data = inflate(r, at, data, MAX_BULK.min(count) * MAX_OLD_COLUMN)?;
    let mut columns = r.repeat("meta", count, |r| {
        let (x, z) = (r.i32("x")?, r.i32("z")?);
        let (mask, high) = (r.u16("bitMap")?, r.u16("addBitMap")?);
        let sections = mask.count_ones() as usize;
        Ok(column(
            x,
            z,
            sections,
            old_column(sections, high.count_ones(), sky_light, true),
        ))
    })?;
    let expected = columns.iter().map(|column| column.summary.data_len).sum();
    if let Some(last) = columns.last_mut() {
        last.remarks
            .extend(too_short(last.x, last.z, data.len(), expected));
    }
    Ok(columns)
}

fn column(x: i32, z: i32, sections: usize, data_len: usize) -> Chunk {
    let summary = ChunkSummary {
        sections,
        data_len,
        block_entities: 0,
    };
    Chunk {
        x,
        z,
        full: true,
        summary,
        light: None,
        remarks: Vec::new(),
    }
}
