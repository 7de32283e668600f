//! The host behind the adapter protocol: whoever judges hosts from outside starts and stops this one by lines of JSON.
//! `harness/adapter/PROTOCOL.md` says what the lines are.
//!
//! | Module | Holds |
//! |---|---|
//! | `message` | commands, answers and events, as they stand in a line |
//! | `input` | the thread that reads commands |
//! | `output` | what waits to be written, its bounds, and the thread that writes |
//! | `desk` | commands on their way to hosts, and what is offered |
//! | `host` | one host, from its start to its stop |
//! | `config` | a start as the configuration that an operator would have written |
//! | `components` | components, each compiled once |
//! | `watch` | what a host tells, as events |
//!
//! ```text
//! standard input -> input -> desk -> host (a task each) -> output -> standard output
//!                                      host's observer ------^
//! ```
//!
//! Nobody waits for a reader who has stopped but the next command: events for which there is no room are counted and told.

mod components;
mod config;
mod desk;
mod host;
mod input;
mod message;
mod output;
mod watch;

pub use input::{InputError, LINE_BYTES, Rubbish};
pub use output::WAITING_BYTES;

use crate::bridge::{CpuMeter, EngineError, GuestEngine};
use crate::config::HostLimits;
use desk::{Desk, Next};
use message::Reply;
use output::Output;
use std::io::{self, BufRead, Write};
use std::time::Duration;

/// Hosts that run at one time.
pub const HOSTS: usize = 256;

/// Instances of guests over all hosts: several plugins in each, and some of them with an instance a session.
const INSTANCES: u64 = 8 * HOSTS as u64;

/// How long all hosts together have to stop at the end: each has its own bound of 10 s.
const STOP: Duration = Duration::from_secs(15);

/// How long what waits to be written is waited for at the end.
const FLUSH: Duration = Duration::from_secs(2);

/// Why the adapter ended otherwise than it was told to.
#[derive(Debug, thiserror::Error)]
pub enum AdapterError {
    /// A command that is none.
    #[error(transparent)]
    Input(#[from] InputError),
    /// Nobody takes the answers.
    #[error("standard output takes no more: {0}")]
    Output(io::Error),
    /// The system has no thread for it.
    #[error("no thread to read or to write: {0}")]
    Thread(io::Error),
}

/// What hosts are made with.
pub struct Adapter {
    engine: GuestEngine,
}

impl Adapter {
    /// With an engine of its own for all hosts. It counts fuel: what is judged must not depend on how busy the machine is.
    ///
    /// # Errors
    /// When the machine cannot run guests.
    pub fn new() -> Result<Self, EngineError> {
        let limits = HostLimits {
            instances: INSTANCES,
            ..HostLimits::default()
        };
        let engine = GuestEngine::with_limits(CpuMeter::Fuel, &limits)?;
        Ok(Self { engine })
    }

    /// The same, with every host broken in this way.
    #[cfg(feature = "faults")]
    #[must_use]
    pub fn broken(self, fault: crate::Fault) -> Self {
        Self {
            engine: self.engine.with_fault(fault),
        }
    }

    /// Obeys until the input ends or says `shutdown`; all hosts have stopped then. Must be called within a tokio runtime
    /// of several threads.
    ///
    /// # Errors
    /// See [`AdapterError`]. All hosts have stopped then, too.
    pub async fn run(
        self,
        input: impl BufRead + Send + 'static,
        output: impl Write + Send + 'static,
    ) -> Result<(), AdapterError> {
        let (output, mut broken) = Output::start(output).map_err(AdapterError::Thread)?;
        let mut commands = input::start(input, output.clone()).map_err(AdapterError::Thread)?;
        let mut desk = Desk::new(self.engine, output.clone());
        let ended = loop {
            tokio::select! {
                biased;
                error = &mut broken => {
                    let error = error.unwrap_or_else(|_| io::Error::other("its writer is gone"));
                    break Err(AdapterError::Output(error));
                }
                () = desk.host_ended() => {}
                command = commands.recv() => match command {
                    None => break Ok(None),
                    Some(Err(error)) => break Err(error.into()),
                    Some(Ok(command)) => match desk.obey(command) {
                        Next::GoOn => {}
                        Next::Shutdown(id) => break Ok(Some(id)),
                    },
                },
            }
        };
        if tokio::time::timeout(STOP, desk.stop_all()).await.is_err() {
            tracing::warn!("some hosts did not stop in time");
        }
        if let Ok(Some(id)) = ended {
            output.answer(id, &Reply::done());
        }
        output.flush(FLUSH);
        ended.map(|_| ())
    }
}
