//! A hash for lines that are compared.

/// FNV-1a with 64 bits: not for security, but easily written in any language that compares lines. Offset and prime are
/// those of the hash's own description (draft-eastlake-fnv).
#[derive(Debug, Clone)]
pub struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Fnv(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    /// Of all these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let mut hash = Self::default();
        hash.write(bytes);
        hash
    }

    /// One that tells the same bytes from another seed's; that of 0 is the hash itself.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        let Self(start) = Self::default();
        Self(start ^ seed)
    }

    /// Takes in more bytes.
    pub fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    /// What it comes to.
    #[must_use]
    pub fn value(&self) -> u64 {
        self.0
    }

    /// What it comes to, in sixteen digits.
    #[must_use]
    pub fn hex(&self) -> String {
        format!("{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Fnv;

    #[test]
    fn it_is_the_hash_that_its_description_gives() {
        for (bytes, hex) in [
            ("", "cbf29ce484222325"),
            ("a", "af63dc4c8601ec8c"),
            ("foobar", "85944171f73967e8"),
        ] {
            assert_eq!(Fnv::of(bytes.as_bytes()).hex(), hex, "{bytes}");
        }
    }
}
