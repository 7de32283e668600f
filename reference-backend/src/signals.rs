//! How an operator asks a server to stop, and what else the system may say to it.
//!
//! | Signal | What it does |
//! |---|---|
//! | INT (Ctrl-C), TERM, QUIT | the server stops in order: every player is told why, every session ends, within 10 s |
//! | HUP, USR1, USR2 | nothing but a word: no part of the configuration is read again while a server runs |
//! | PIPE, XFSZ | nothing: what could not be written answers an error |
//!
//! The others keep their meaning; KILL and STOP cannot be minded.

use std::io;

/// Signals that the process minds from now on.
pub struct Signals {
    #[cfg(unix)]
    named: [(Meaning, &'static str, tokio::signal::unix::Signal); 6],
    /// Only so that it is not fatal.
    #[cfg(unix)]
    _file_size: tokio::signal::unix::Signal,
}

#[cfg(unix)]
#[derive(Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Stop,
    Nothing,
}

impl Signals {
    /// From now on none of those above ends the process by itself. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// When the system does not let the process wait for them.
    pub fn mind() -> io::Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let named = |meaning, name, kind| Ok::<_, io::Error>((meaning, name, signal(kind)?));
            let file_size = SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw());
            Ok(Self {
                named: [
                    named(Meaning::Stop, "SIGINT", SignalKind::interrupt())?,
                    named(Meaning::Stop, "SIGTERM", SignalKind::terminate())?,
                    named(Meaning::Stop, "SIGQUIT", SignalKind::quit())?,
                    named(Meaning::Nothing, "SIGHUP", SignalKind::hangup())?,
                    named(Meaning::Nothing, "SIGUSR1", SignalKind::user_defined1())?,
                    named(Meaning::Nothing, "SIGUSR2", SignalKind::user_defined2())?,
                ],
                _file_size: signal(file_size)?,
            })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    /// Waits until the process is asked to stop, and answers by which signal. `ignored` is told the name of each that has
    /// come and does nothing.
    ///
    /// # Errors
    /// When the system does not let the process wait for it.
    pub async fn stop_requested(
        &mut self,
        mut ignored: impl FnMut(&'static str),
    ) -> io::Result<&'static str> {
        #[cfg(unix)]
        loop {
            let (meaning, name) = std::future::poll_fn(|context| {
                for (meaning, name, signal) in &mut self.named {
                    if signal.poll_recv(context).is_ready() {
                        return std::task::Poll::Ready((*meaning, *name));
                    }
                }
                std::task::Poll::Pending
            })
            .await;
            match meaning {
                Meaning::Stop => return Ok(name),
                Meaning::Nothing => ignored(name),
            }
        }
        #[cfg(not(unix))]
        {
            let _ = &mut ignored;
            tokio::signal::ctrl_c().await?;
            Ok("Ctrl-C")
        }
    }
}

/// What a signal that does nothing is answered with.
pub const SIGNAL_IGNORED: &str = "nothing is read again while the host runs: to change its configuration, stop it and start it; SIGTERM stops it";
