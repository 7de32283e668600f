//! Seeded randomness: the same seed gives the same run, byte for byte, on every machine.

use sim_proto::Fnv;

/// `SplitMix64` (Steele, Lea and Flood, 2014): small, fast, and each seed gives an independent sequence.
#[derive(Debug, Clone)]
pub struct Rng {
    state: u64,
}

impl Rng {
    /// A sequence of its own for every seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// A sequence for one purpose within a run, so that a draw more in one case changes no other.
    #[must_use]
    pub fn for_purpose(seed: u64, purpose: &str, protocol: i32) -> Self {
        let mut hash = Fnv::of(purpose.as_bytes());
        hash.write(&protocol.to_le_bytes());
        Self::new(seed ^ hash.value())
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Less than `bound`; 0 when `bound` is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        // The bias of the remainder is below 2^-32 for every bound used here.
        let bound = bound as u64;
        if bound == 0 {
            0
        } else {
            usize::try_from(self.next_u64() % bound).unwrap_or(0)
        }
    }

    /// A valid player name of `len` ASCII letters, digits and underscores (the client allows 1 to 16).
    pub fn name(&mut self, len: usize) -> String {
        const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
        (0..len)
            .map(|_| {
                LETTERS
                    .get(self.below(LETTERS.len()))
                    .map_or('x', |&b| char::from(b))
            })
            .collect()
    }

    /// `len` bytes.
    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(len);
        while out.len() < len {
            let word = self.next_u64().to_le_bytes();
            let left = len - out.len();
            out.extend_from_slice(word.get(..left).unwrap_or(&word));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first values of the reference implementation (https://prng.di.unimi.it/splitmix64.c) for seed 1234567.
    #[test]
    fn is_splitmix64() {
        let mut rng = Rng::new(1_234_567);
        assert_eq!(rng.next_u64(), 6_457_827_717_110_365_317);
        assert_eq!(rng.next_u64(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn draws_what_was_asked_for() {
        let mut rng = Rng::for_purpose(1, "x", 47);
        assert_eq!(rng.name(16).len(), 16);
        assert_eq!(rng.bytes(13).len(), 13);
        assert_eq!(rng.below(0), 0);
        assert_ne!(
            Rng::for_purpose(1, "x", 47).next_u64(),
            Rng::for_purpose(1, "x", 340).next_u64()
        );
    }
}
