//! Stands in for the crate `hickory-resolver` 0.25, with which azalea-protocol looks up host names and which it cannot be
//! built without. What that line rests on, hickory-proto 0.25, has the advisories RUSTSEC-2026-0118 and -0119, and the
//! releases without them do not fit azalea-protocol 0.16; the witness joins IP addresses only. Here are the items that
//! azalea-protocol names, written from its use of them, and nothing that speaks DNS.

#![forbid(unsafe_code)]

use std::fmt;
use std::net::IpAddr;

/// Why a name was not found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResolveError(&'static str);

/// What every look-up is answered with.
const UNSUPPORTED: ResolveError = ResolveError("this build looks up no host names");

impl From<&'static str> for ResolveError {
    fn from(why: &'static str) -> Self {
        Self(why)
    }
}

impl fmt::Display for ResolveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for ResolveError {}

/// A host name. None can be made.
#[derive(Clone, Copy, Debug)]
pub enum Name {}

impl Name {
    /// Would read a host name.
    ///
    /// # Errors
    /// Always: look-ups are left out.
    pub fn from_ascii(_: impl AsRef<str>) -> Result<Self, ResolveError> {
        Err(UNSUPPORTED)
    }

    /// The name as text.
    #[must_use]
    pub fn to_ascii(&self) -> String {
        match *self {}
    }
}

/// What is found. Nothing is, so that no value of it can be made.
pub mod lookup {
    use super::{IpAddr, Name};

    /// Addresses of a host.
    #[derive(Clone, Copy, Debug)]
    pub enum LookupIp {}

    impl LookupIp {
        /// The addresses.
        pub fn iter(&self) -> std::iter::Empty<IpAddr> {
            match *self {}
        }
    }

    /// Servers of a service.
    #[derive(Clone, Copy, Debug)]
    pub enum SrvLookup {}

    impl SrvLookup {
        /// The servers.
        pub fn iter(&self) -> std::iter::Empty<Srv> {
            match *self {}
        }
    }

    /// One server of a service.
    #[derive(Clone, Copy, Debug)]
    pub enum Srv {}

    impl Srv {
        /// Its host.
        #[must_use]
        pub fn target(&self) -> &Name {
            match *self {}
        }

        /// Its port.
        #[must_use]
        pub fn port(&self) -> u16 {
            match *self {}
        }
    }
}

/// Where to ask.
pub mod config {
    /// Whom to ask.
    #[derive(Clone, Copy, Debug)]
    pub struct ResolverConfig;

    impl ResolverConfig {
        /// A public service; never asked.
        #[must_use]
        pub fn google() -> Self {
            Self
        }
    }
}

/// How to ask.
pub mod name_server {
    /// Over the runtime's sockets; never used.
    #[derive(Clone, Copy, Debug, Default)]
    pub struct TokioConnectionProvider;
}

/// Looks nothing up.
#[derive(Clone, Copy, Debug)]
pub struct TokioResolver;

/// What a [`TokioResolver`] is made with.
#[derive(Clone, Copy, Debug)]
pub struct ResolverBuilder;

impl ResolverBuilder {
    /// The resolver.
    #[must_use]
    pub fn build(self) -> TokioResolver {
        TokioResolver
    }
}

impl TokioResolver {
    /// With the system's configuration.
    ///
    /// # Errors
    /// Never.
    pub fn builder(
        _: name_server::TokioConnectionProvider,
    ) -> Result<ResolverBuilder, ResolveError> {
        Ok(ResolverBuilder)
    }

    /// With a configuration of its own.
    #[must_use]
    pub fn builder_with_config(
        _: config::ResolverConfig,
        _: name_server::TokioConnectionProvider,
    ) -> ResolverBuilder {
        ResolverBuilder
    }

    /// Would look up a host's addresses.
    ///
    /// # Errors
    /// Always: look-ups are left out.
    pub async fn lookup_ip(&self, name: Name) -> Result<lookup::LookupIp, ResolveError> {
        match name {}
    }

    /// Would look up a service's servers.
    ///
    /// # Errors
    /// Always: look-ups are left out.
    pub async fn srv_lookup(
        &self,
        _: impl AsRef<str> + Send,
    ) -> Result<lookup::SrvLookup, ResolveError> {
        Err(UNSUPPORTED)
    }
}
