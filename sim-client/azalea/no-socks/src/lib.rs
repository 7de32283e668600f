//! Stands in for the crate `socks5-impl`, which azalea-protocol needs for connections through a SOCKS5 proxy and cannot be
//! built without. That crate is GPL-3.0-or-later, which this repository's licence cannot live with; the witness never uses a
//! proxy. Here are the two items that azalea-protocol names, written from its use of them, and nothing that speaks SOCKS5.

#![forbid(unsafe_code)]

/// Who is at the proxy.
pub mod protocol {
    use std::fmt;

    /// A user of a proxy. There is none.
    #[derive(Clone, Debug)]
    pub enum UserKey {}

    impl fmt::Display for UserKey {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            match *self {}
        }
    }
}

/// The connection to the proxy.
pub mod client {
    use std::fmt;
    use std::net::SocketAddr;

    use crate::protocol::UserKey;

    /// Proxies are left out.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Unsupported;

    impl fmt::Display for Unsupported {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("this build cannot use SOCKS5 proxies")
        }
    }

    impl std::error::Error for Unsupported {}

    /// Would have the proxy connect to an address.
    ///
    /// # Errors
    ///
    /// Always: proxies are left out.
    pub async fn connect<S>(
        _stream: &mut S,
        _address: &SocketAddr,
        _user: Option<UserKey>,
    ) -> Result<(), Unsupported> {
        Err(Unsupported)
    }
}
