//! How an operator asks a server to stop.

use std::io;

/// Waits until the process is asked to stop: Ctrl-C, or on Unix the signal TERM, which service managers send.
///
/// # Errors
/// When the system does not let the process wait for it.
pub async fn stop_requested() -> io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            biased;
            interrupted = tokio::signal::ctrl_c() => interrupted,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}
