//! Cookies: what a server has the client keep, and asks for again (766+).

use std::collections::BTreeMap;

use bytes::Bytes;

/// Most cookies that are kept: this client's own bound, since a real one has none. With the largest that a packet may
/// hold (5,120 bytes) they take 5 MiB.
const MAX_COOKIES: usize = 1024;

/// Cookies by their key, which has its namespace.
#[derive(Debug, Default)]
pub(super) struct Cookies(BTreeMap<String, Bytes>);

impl Cookies {
    /// Those that a client brings along.
    pub(super) fn brought(cookies: &BTreeMap<String, Vec<u8>>) -> Cookies {
        let mut kept = Cookies::default();
        for (key, payload) in cookies {
            kept.keep(key.clone(), Bytes::copy_from_slice(payload));
        }
        kept
    }

    /// Keeps a cookie in place of the one that had its key. Past the bound new keys are not kept.
    pub(super) fn keep(&mut self, key: String, payload: Bytes) {
        if self.0.len() < MAX_COOKIES || self.0.contains_key(&key) {
            self.0.insert(key, payload);
        }
    }

    /// All of them, ascending by key.
    pub(super) fn all(&self) -> BTreeMap<String, Vec<u8>> {
        let owned = |(key, payload): (&String, &Bytes)| (key.clone(), payload.to_vec());
        self.0.iter().map(owned).collect()
    }

    pub(super) fn get(&self, key: &str) -> Option<&[u8]> {
        self.0.get(key).map(AsRef::as_ref)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_cookies_is_bounded_and_known_keys_can_still_be_replaced() {
        let mut cookies = Cookies::default();
        for number in 0..=MAX_COOKIES {
            cookies.keep(format!("a:{number}"), Bytes::from_static(b"x"));
        }
        let last = format!("a:{}", MAX_COOKIES - 1);
        assert_eq!(cookies.get(&last), Some(&b"x"[..]));
        assert_eq!(cookies.get(&format!("a:{MAX_COOKIES}")), None);
        cookies.keep(last.clone(), Bytes::from_static(b"y"));
        assert_eq!(cookies.get(&last), Some(&b"y"[..]));
    }
}
