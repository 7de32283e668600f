//! The client machine.

use std::collections::VecDeque;

use bytes::Bytes;
use thiserror::Error;
use vb_data::State;

use crate::packet::Context;
use crate::{ClientConfig, Event, Now, Verdict, Version};

/// A packet that cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SendError {
    /// The connection is over.
    #[error("the connection is over")]
    Closed,
    /// The connection is not in the play state.
    #[error("there is no chat before the play state")]
    NotInPlay,
    /// The protocol has no packet tables here.
    #[error("protocol {0} has no packet tables")]
    NoTables(i32),
}

/// A simulated client: feed it bytes and time, and drain its events and its output.
///
/// Time is a duration since an origin of the driver's choosing; it must not go backwards.
#[derive(Debug)]
pub struct Client {
    config: ClientConfig,
    version: Version,
    events: VecDeque<Event>,
    output: VecDeque<Bytes>,
    state: State,
}

impl Client {
    /// A client that has just connected: its handshake is queued.
    pub fn new(config: ClientConfig, _now: Now) -> Client {
        let version = Version::new(config.protocol);
        Client {
            config,
            version,
            events: VecDeque::new(),
            output: VecDeque::new(),
            state: State::Handshaking,
        }
    }

    /// Bytes from the server, in any split.
    pub fn receive(&mut self, _bytes: &[u8], _now: Now) {}

    /// What happened next. Call until None after each of the other methods.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Bytes for the server. Call until None after each of the other methods.
    pub fn poll_transmit(&mut self) -> Option<Bytes> {
        self.output.pop_front()
    }

    /// When [`Client::handle_timeout`] wants to be called next.
    pub fn poll_timeout(&self) -> Option<Now> {
        None
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, _now: Now) {}

    /// The server closed the connection.
    pub fn connection_closed(&mut self, _now: Now) {}

    /// Sends a packet as it is, in the connection's state.
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`].
    pub fn send_raw(&mut self, _id: i32, _data: &[u8]) -> Result<(), SendError> {
        Err(SendError::Closed)
    }

    /// Sends a chat message; with a leading "/" a command, where the protocol has them (759+).
    ///
    /// # Errors
    ///
    /// Outside the play state.
    pub fn chat(&mut self, _text: &str) -> Result<(), SendError> {
        Err(SendError::NotInPlay)
    }

    /// Ends the connection from this side.
    pub fn close(&mut self) {}

    /// Whether the client is in the world, now.
    pub fn verdict(&self) -> Verdict {
        Verdict::Joining {
            missing: Vec::new(),
        }
    }

    /// Whether the chunk that the player stands in is there.
    pub fn chunk_under_player(&self) -> bool {
        false
    }

    /// The connection's state.
    pub fn state(&self) -> State {
        self.state
    }

    /// The protocol.
    pub fn version(&self) -> Version {
        self.version
    }

    /// How the client was told to behave.
    pub fn config(&self) -> &ClientConfig {
        &self.config
    }

    /// What the client knows for reading packets, for [`crate::annotate_in`].
    pub fn context(&self) -> Context {
        Context::new(self.version)
    }
}
