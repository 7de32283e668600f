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

/// One section, with its light where the protocol has it there.
pub(super) fn read(
    r: &mut Reader<'_>,
    context: &Context,
    layout: SectionLayout,
    index: usize,
    remarks: &mut Vec<RemarkKind>,
) -> Result<(), DecodeError> {
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
    container(r, layout, blocks, index, remarks)?;
    if layout.single_value {
        let count = context.biomes.unwrap_or(usize::MAX);
        let biomes = Container {
            name: "biomes",
            registry: BIOME_REGISTRY,
            size: BIOMES,
            count: Some(count),
            linear: (1, 3),
            most: 3,
            direct: ceil_log2(count),
        };
        container(r, layout, biomes, index, remarks)?;
    }
    if version.has_light_in_sections() {
        r.take("blockLight", LIGHT_ARRAY)?;
        if context.world.is_some_and(|world| world.sky_light) {
            r.take("skyLight", LIGHT_ARRAY)?;
        }
    }
    Ok(())
}

fn container(
    r: &mut Reader<'_>,
    layout: SectionLayout,
    container: Container,
    index: usize,
    remarks: &mut Vec<RemarkKind>,
) -> Result<(), DecodeError> {
    r.within(container.name, |r| {
        let bits = r.u8("bits")?;
        if layout.single_value && bits == 0 {
            id(r, &container)?;
            return array(r, layout, 0, index, remarks).map(|_| ());
        }
        let (low, high) = container.linear;
        if bits <= container.most {
            let bits = bits.max(low);
            let palette = palette(r, &container, bits, bits <= high)?;
            let start = r.offset();
            let expected = longs(container.size, u32::from(bits), layout.spanning);
            let data = array(r, layout, expected, index, remarks)?;
            return check(
                r,
                layout,
                &container,
                start,
                data,
                u32::from(bits),
                palette,
                "the section's palette",
            );
        }
        if layout.direct_has_palette {
            r.length("palette", 0)?;
        }
        let start = r.offset();
        let expected = longs(container.size, container.direct, layout.spanning);
        let data = array(r, layout, expected, index, remarks)?;
        match container.count {
            Some(count) => check(
                r,
                layout,
                &container,
                start,
                data,
                container.direct,
                count,
                container.registry,
            ),
            None => Ok(()),
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

fn id(r: &mut Reader<'_>, container: &Container) -> Result<(), DecodeError> {
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
        _ => Ok(()),
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

/// Every number in the data must be below `count`. Until 756 clients put air where it is not.
#[allow(
    clippy::too_many_arguments,
    reason = "one thing that is checked, and what the error says of it"
)]
fn check(
    r: &Reader<'_>,
    layout: SectionLayout,
    container: &Container,
    start: usize,
    data: Option<&[u8]>,
    bits: u32,
    count: usize,
    registry: &'static str,
) -> Result<(), DecodeError> {
    let Some(data) = data.filter(|_| layout.single_value && bits > 0) else {
        return Ok(());
    };
    let per_long = (u64::BITS / bits) as usize;
    let mask = (1_u64 << bits) - 1;
    let mut left = container.size;
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
            long >>= bits;
        }
        left = left.saturating_sub(per_long);
    }
    Ok(())
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
