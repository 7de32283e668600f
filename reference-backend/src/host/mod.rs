//! Connections, dispatch of events, sessions, shutdown.

mod builder;
mod observer;
mod shared;

pub use builder::{HostBuilder, StartError};
pub use observer::{
    Callback, DenyReason, EndCause, HostEvent, LogLevel, Observer, PluginMetadata, PluginState,
    TrapKind,
};
pub use shared::SessionShared;

use crate::config::HostConfig;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::net::TcpListener;

/// A running host. Cheap to clone; clones are the same host.
#[derive(Clone)]
pub struct Host {
    inner: Arc<()>,
}

impl Host {
    /// Starts with a configuration. Only what is handed to the builder runs: files are the caller's business.
    #[must_use]
    pub fn builder(config: HostConfig) -> HostBuilder {
        HostBuilder::new(config)
    }

    /// A connection in memory; `peer` is what plugins see as its address. Must be called within a tokio runtime.
    pub fn connect(&self, peer: SocketAddr) -> DuplexStream {
        let _ = (&self.inner, peer);
        todo!()
    }

    /// Takes over a connection; it runs on a task of its own. Must be called within a tokio runtime.
    pub fn accept<S>(&self, stream: S, peer: SocketAddr)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let _ = (stream, peer);
        todo!()
    }

    /// Takes connections from a listener until the host shuts down.
    ///
    /// # Errors
    /// When the listener fails for good.
    pub async fn serve(&self, listener: TcpListener) -> io::Result<()> {
        let _ = listener;
        todo!()
    }

    /// Tells every player why, ends every session once, disables the plugins. Takes at most 10 s.
    pub async fn shutdown(&self, reason: &str) {
        let _ = reason;
        todo!()
    }

    /// Connections at this moment, in login or beyond.
    #[must_use]
    pub fn connection_count(&self) -> usize {
        todo!()
    }

    /// Sessions at this moment.
    #[must_use]
    pub fn session_count(&self) -> usize {
        todo!()
    }
}
