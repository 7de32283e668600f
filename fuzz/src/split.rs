//! A stream cut into reads.

/// The largest reads by the two lowest bits of a seed: single bytes, inside of headers, about a packet, as a socket's.
const LARGEST: [u64; 4] = [1, 7, 64, 16 << 10];

/// Cuts `data` into pieces of 1 byte to a largest size, both from the seed. The same seed cuts the same way.
pub fn split(data: &[u8], seed: u8) -> impl Iterator<Item = &[u8]> {
    let largest = LARGEST[usize::from(seed & 3)];
    let mut state = u64::from(seed) << 1 | 1;
    let mut rest = data;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        // Knuth's generator for 64 bits; the upper half is the good one.
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let size = usize::try_from((state >> 33) % largest).unwrap_or(0) + 1;
        let (piece, left) = rest.split_at(size.min(rest.len()));
        rest = left;
        Some(piece)
    })
}
