use super::Packet;
use super::context::{Context, WorldShape};
use crate::layout::{self, LightMasks};
use crate::remark::RemarkKind;
use crate::wire::{DecodeError, DecodeErrorKind, Reader};

/// Bytes of a light array: half a byte for each of 16 by 16 by 16 blocks.
pub(super) const LIGHT_ARRAY: usize = 2048;
/// Sections of light until 754: 16, one below and one above.
const CLASSIC_SECTIONS: usize = 18;
/// Longest bit set in longs, and most light arrays; a world has at most 4064 blocks, 254 sections.
const MAX_LONGS: usize = 4096;

/// What light a chunk has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LightSummary {
    /// Sections with a sky light array.
    pub sky_arrays: usize,
    /// Sections with a block light array.
    pub block_arrays: usize,
    /// Sections said to have no sky light.
    pub empty_sky: usize,
    /// Sections said to have no block light.
    pub empty_block: usize,
    /// Arrays that no mask announces.
    pub left_over: usize,
}

impl LightSummary {
    pub(crate) fn remark(&self) -> Option<RemarkKind> {
        (self.left_over > 0).then_some(RemarkKind::LightArraysLeftOver {
            count: self.left_over,
        })
    }
}

pub(super) fn read_update(r: &mut Reader<'_>, context: &Context) -> Result<Packet, DecodeError> {
    let (x, z) = (r.varint("chunkX")?, r.varint("chunkZ")?);
    let light = read(r, context.world)?;
    Ok(Packet::UpdateLight { x, z, light })
}

/// Masks and arrays. Without a world, masks are not held against its height.
pub(super) fn read(
    r: &mut Reader<'_>,
    world: Option<WorldShape>,
) -> Result<LightSummary, DecodeError> {
    match layout::light(r.version()) {
        LightMasks::VarInts { trust_edges } => {
            if trust_edges {
                r.bool("trustEdges")?;
            }
            varint_masks(r)
        }
        LightMasks::Longs { trust_edges } => {
            if trust_edges {
                r.bool("trustEdges")?;
            }
            listed(r, world, |r, name| r.longs(name, MAX_LONGS))
        }
        LightMasks::Bytes => listed(r, world, |r, name| {
            let bytes = r.prefixed_bytes(name, MAX_LONGS * 8)?;
            Ok(bytes
                .chunks(8)
                .map(|chunk| {
                    let mut long = [0; 8];
                    long[..chunk.len()].copy_from_slice(chunk);
                    u64::from_le_bytes(long)
                })
                .collect())
        }),
    }
}

fn varint_masks(r: &mut Reader<'_>) -> Result<LightSummary, DecodeError> {
    let mut masks = [0; 4];
    for (mask, name) in masks.iter_mut().zip(MASKS) {
        *mask = u64::from(r.varint(name)?.cast_unsigned());
    }
    let [sky, block, empty_sky, empty_block] = masks.map(|mask| ones(&[mask], CLASSIC_SECTIONS));
    for (name, count) in [("skyLight", sky), ("blockLight", block)] {
        r.summarised(
            name,
            |r| {
                for _ in 0..count {
                    array(r)?;
                }
                Ok(())
            },
            |()| format!("{count} arrays"),
        )?;
    }
    Ok(LightSummary {
        sky_arrays: sky,
        block_arrays: block,
        empty_sky,
        empty_block,
        left_over: 0,
    })
}

fn listed(
    r: &mut Reader<'_>,
    world: Option<WorldShape>,
    mut mask: impl FnMut(&mut Reader<'_>, &'static str) -> Result<Vec<u64>, DecodeError>,
) -> Result<LightSummary, DecodeError> {
    let sections = world.map_or(usize::MAX, |world| world.sections() + 2);
    let mut counts = [0; 4];
    for (count, name) in counts.iter_mut().zip(MASKS) {
        *count = ones(&mask(r, name)?, sections);
    }
    let [sky, block, empty_sky, empty_block] = counts;
    let mut left_over = 0;
    for (name, expected) in [("skyLight", sky), ("blockLight", block)] {
        let start = r.offset();
        let found = r.summarised(
            name,
            |r| {
                let count = r.length("count", MAX_LONGS)?;
                for _ in 0..count {
                    array(r)?;
                }
                Ok(count)
            },
            |count| format!("{count} arrays"),
        )?;
        if found < expected {
            return Err(r.error_at(
                start,
                name,
                DecodeErrorKind::CountMismatch {
                    what: "light arrays",
                    found,
                    expected,
                },
            ));
        }
        left_over += found - expected;
    }
    Ok(LightSummary {
        sky_arrays: sky,
        block_arrays: block,
        empty_sky,
        empty_block,
        left_over,
    })
}

/// One array, with its length before it.
fn array(r: &mut Reader<'_>) -> Result<(), DecodeError> {
    let start = r.offset();
    let length = r.prefixed_bytes("array", LIGHT_ARRAY)?.len();
    if length != LIGHT_ARRAY {
        return Err(r.error_at(
            start,
            "array",
            DecodeErrorKind::WrongLength {
                length,
                expected: LIGHT_ARRAY,
            },
        ));
    }
    Ok(())
}

fn ones(mask: &[u64], limit: usize) -> usize {
    mask.iter()
        .enumerate()
        .map(|(index, long)| {
            let below = limit.saturating_sub(index.saturating_mul(64)).min(64);
            let kept = if below == 64 {
                *long
            } else {
                *long & ((1 << below) - 1)
            };
            kept.count_ones() as usize
        })
        .sum()
}

const MASKS: [&str; 4] = [
    "skyLightMask",
    "blockLightMask",
    "emptySkyLightMask",
    "emptyBlockLightMask",
];
