use core::fmt;

use super::context::Context;
use super::light::LIGHT_ARRAY;
use crate::layout::{self, SectionLayout};
use crate::remark::RemarkKind;
use crate::wire::{DecodeError, DecodeErrorKind, Reader};

/// Blocks of a section.
const BLOCKS: usize = 16 * 16 * 16;
/// Biomes of a section: one for 4 by 4 by 4 blocks.
const BIOMES: usize = 4 * 4 * 4;
/// Most entries of a palette; there is nothing more to distinguish.
const MAX_PALETTE: usize = BLOCKS;
/// Most longs of a data array; more than 64 bits for each block are never needed.
const MAX_ARRAY: usize = BLOCKS;
/// Biomes of a client that was not told how many it has: those of most versions.
const USUAL_BIOMES: usize = 64;
/// The registry whose ids a section's biomes are.
const BIOME_REGISTRY: &str = "minecraft:worldgen/biome";

/// Blocks or biomes.
#[derive(Clone, Copy)]
struct Container {
    name: &'static str,
    registry: &'static str,
    size: usize,
    /// How many values there are, where that is known and checked.
    count: Option<usize>,
    /// Smallest and largest number of bits of an index into a palette of fixed size.
    linear: (u8, u8),
    /// Largest number of bits of an index into any palette.
    most: u8,
    /// Bits of an id without a palette.
    direct: u32,
}

/// How a container was written, for a dump.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    Single(i32),
    Palette { bits: u8, entries: usize },
    Direct { bits: u32 },
}

/// How a section was written, for a dump.
#[derive(Clone, Copy, Debug)]
pub(super) struct Summary {
    blocks: Form,
    biomes: Option<Form>,
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Form::Single(id) => write!(f, "all {id}"),
            Form::Palette { bits, entries } => write!(f, "{bits} bits, palette of {entries}"),
            Form::Direct { bits } => write!(f, "{bits} bits, no palette"),
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "blocks: {}", self.blocks)?;
        match &self.biomes {
            Some(biomes) => write!(f, "; biomes: {biomes}"),
            None => Ok(()),
        }
    }
}

/// One section, with its light where the protocol has it there.
pub(super) fn read(
    r: &mut Reader<'_>,
    context: &Context,
    layout: SectionLayout,
    index: usize,
    remarks: &mut Vec<RemarkKind>,
) -> Result<Summary, DecodeError> {
    let version = context.version;
    if layout.block_count {
        r.i16("blockCount")?;
    }
    if layout.fluid_count {
        r.i16("fluidCount")?;
    }
    let states = layout::block_states(version);
    let blocks = Container {
        name: "blocks",
        registry: "the block states",
        size: BLOCKS,
        count: states.count.filter(|_| version.checks_palette_ids()),
        linear: (4, 4),
        most: 8,
        direct: states.bits,
    };
    let blocks = container(r, layout, blocks, index, remarks)?;
    let biomes = Container {
        name: "biomes",
        registry: BIOME_REGISTRY,
        size: BIOMES,
        count: context.biomes,
        linear: (1, 3),
        most: 3,
        direct: ceil_log2(context.biomes.unwrap_or(USUAL_BIOMES)),
    };
    let biomes = layout
        .single_value
        .then(|| container(r, layout, biomes, index, remarks))
        .transpose()?;
    if version.has_light_in_sections() {
        r.take("blockLight", LIGHT_ARRAY)?;
        if context.world.is_some_and(|world| world.sky_light) {
            r.take("skyLight", LIGHT_ARRAY)?;
        }
    }
    Ok(Summary { blocks, biomes })
}

fn container(
    r: &mut Reader<'_>,
    layout: SectionLayout,
    container: Container,
    index: usize,
    remarks: &mut Vec<RemarkKind>,
) -> Result<Form, DecodeError> {
    r.within(container.name, |r| {
        let bits = r.u8("bits")?;
        if layout.single_value && bits == 0 {
            let only = id(r, &container)?;
            array(r, layout, 0, index, remarks)?;
            return Ok(Form::Single(only));
        }
        let (low, high) = container.linear;
        let (form, numbers) = if bits <= container.most {
            let bits = bits.max(low);
            let entries = palette(r, &container, bits, bits <= high)?;
            let below = Some((entries, "the section's palette"));
            (
                Form::Palette { bits, entries },
                Numbers {
                    bits: u32::from(bits),
                    below,
                },
            )
        } else {
            if layout.direct_has_palette {
                r.length("palette", 0)?;
            }
            let bits = container.direct;
            let below = container.count.map(|count| (count, container.registry));
            (Form::Direct { bits }, Numbers { bits, below })
        };
        let start = r.offset();
        let expected = longs(container.size, numbers.bits, layout.spanning);
        let data = array(r, layout, expected, index, remarks)?;
        // Until 756 clients put air where a number means nothing.
        match data.filter(|_| layout.single_value) {
            Some(data) => numbers.check(r, start, data, container.size).map(|()| form),
            None => Ok(form),
        }
    })
}

/// The number of entries of a palette, each checked.
fn palette(
    r: &mut Reader<'_>,
    container: &Container,
    bits: u8,
    fixed: bool,
) -> Result<usize, DecodeError> {
    let start = r.offset();
    let length = r.length("palette", MAX_PALETTE)?;
    let limit = 1 << bits;
    if fixed && length > limit {
        return Err(r.error_at(
            start,
            "palette",
            DecodeErrorKind::PaletteTooLong {
                length,
                bits,
                limit,
            },
        ));
    }
    for _ in 0..length {
        id(r, container)?;
    }
    Ok(length)
}

fn id(r: &mut Reader<'_>, container: &Container) -> Result<i32, DecodeError> {
    let start = r.offset();
    let id = r.varint("palette")?;
    match container.count {
        Some(count) if usize::try_from(id).map_or(true, |id| id >= count) => Err(r.error_at(
            start,
            "palette",
            DecodeErrorKind::NoSuchId {
                id,
                registry: container.registry,
                count,
            },
        )),
        _ => Ok(id),
    }
}

/// The data array; None if the client throws it away because its length is wrong.
fn array<'a>(
    r: &mut Reader<'a>,
    layout: SectionLayout,
    expected: usize,
    section: usize,
    remarks: &mut Vec<RemarkKind>,
) -> Result<Option<&'a [u8]>, DecodeError> {
    if !layout.array_length {
        return r.take("data", expected * 8).map(Some);
    }
    let found = r.length("data", MAX_ARRAY)?;
    let data = r.take("data", found * 8)?;
    if found == expected {
        return Ok(Some(data));
    }
    remarks.push(RemarkKind::SectionArray {
        section,
        found,
        expected,
    });
    Ok(None)
}

/// The numbers in a data array.
#[derive(Clone, Copy)]
struct Numbers {
    bits: u32,
    /// Each must be below this; and what has so many entries.
    below: Option<(usize, &'static str)>,
}

impl Numbers {
    fn check(
        self,
        r: &Reader<'_>,
        start: usize,
        data: &[u8],
        size: usize,
    ) -> Result<(), DecodeError> {
        let Some((count, registry)) = self.below.filter(|_| self.bits > 0) else {
            return Ok(());
        };
        let per_long = (u64::BITS / self.bits) as usize;
        let mask = (1_u64 << self.bits) - 1;
        let mut left = size;
        for chunk in data.as_chunks::<8>().0 {
            let mut long = u64::from_be_bytes(*chunk);
            for _ in 0..per_long.min(left) {
                let number = long & mask;
                if number >= count as u64 {
                    let id = i32::try_from(number).unwrap_or(i32::MAX);
                    return Err(r.error_at(
                        start,
                        "data",
                        DecodeErrorKind::NoSuchId {
                            id,
                            registry,
                            count,
                        },
                    ));
                }
                long >>= self.bits;
            }
            left = left.saturating_sub(per_long);
        }
        Ok(())
    }
}

/// Longs of `size` numbers of so many bits.
fn longs(size: usize, bits: u32, spanning: bool) -> usize {
    if bits == 0 {
        return 0;
    }
    if spanning {
        (size * bits as usize).div_ceil(64)
    } else {
        size.div_ceil((u64::BITS / bits) as usize)
    }
}

/// Bits that tell `count` values apart.
fn ceil_log2(count: usize) -> u32 {
    count.max(1).next_power_of_two().trailing_zeros()
}

#[cfg(test)]
mod tests {
    use super::{ceil_log2, longs};

    #[test]
    fn bits_tell_all_values_apart() {
        assert_eq!(
            [1, 2, 3, 4, 5, 64, 65].map(ceil_log2),
            [0, 1, 2, 2, 3, 6, 7]
        );
    }

    #[test]
    fn spanning_numbers_waste_nothing() {
        assert_eq!(longs(4096, 13, true), 832);
        assert_eq!(longs(4096, 14, true), 896);
        assert_eq!(longs(4096, 15, false), 1024);
        assert_eq!(longs(4096, 5, false), 342);
        assert_eq!(longs(64, 6, false), 7);
        assert_eq!(longs(64, 0, false), 0);
    }
}
