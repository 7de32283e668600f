//! What the client reports.

use bytes::Bytes;
use vb_data::State;

use crate::{Fault, Packet, Remark, Text};

/// Something that happened, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A packet came. It is reported before anything that it causes. Packets in a bundle (762+) come
    /// when the bundle closes, as the game handles them then.
    Received(Received),
    /// A packet was queued for sending.
    Sent(Sent),
    /// The connection changed its state.
    StateChanged {
        /// Before.
        from: State,
        /// After.
        to: State,
    },
    /// The client left "Loading terrain". Comes again after a respawn, another JoinGame or a new configuration phase.
    InWorld(EnteredBy),
    /// Wrong, but a real client goes on.
    Remark(Remark),
    /// A real client disconnects or crashes here, and so does this one: `Closed` follows.
    Fault(Fault),
    /// The server disconnected the client with a reason; `Closed` follows.
    Disconnected {
        /// The state in which it did.
        state: State,
        /// What the player reads.
        reason: Text,
    },
    /// The last event. The driver should close the connection after flushing what is queued.
    Closed(CloseReason),
}

/// A packet from the server.
#[derive(Clone, Debug, PartialEq)]
pub struct Received {
    /// The state in which it was read.
    pub state: State,
    /// Its id.
    pub id: i32,
    /// Its name in the packet tables.
    pub name: &'static str,
    /// Its bytes after the id.
    pub data: Bytes,
    /// What they mean.
    pub packet: Packet,
}

/// A packet to the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The state in which it was sent.
    pub state: State,
    /// Its id.
    pub id: i32,
    /// Its name in the packet tables; none for a raw id that they do not have.
    pub name: Option<&'static str>,
    /// Its bytes after the id.
    pub data: Bytes,
}

/// How the client came to leave "Loading terrain".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnteredBy {
    /// By its protocol's rule.
    Rule,
    /// After 30 s, although something was missing (761+).
    Timeout,
}

/// Why the connection is over.
#[derive(Clone, Debug, PartialEq)]
pub enum CloseReason {
    /// A real client would have disconnected.
    Fault(Fault),
    /// The server said so, with a reason.
    Disconnected(Text),
    /// The server closed the connection without a word.
    Eof,
    /// [`crate::Client::close`] was called.
    Local,
    /// The status was received: nothing more to do.
    StatusDone,
    /// The server sends the client to another one (766+). A real client connects there; this one's stay is over.
    Transferred {
        /// The other server's host.
        host: String,
        /// The other server's port.
        port: i32,
    },
    /// The client did not accept the server's code of conduct (773+): see [`crate::ClientConfig`].
    CodeOfConductDeclined,
    /// The server wants encryption, which an offline client cannot do.
    EncryptionRequested,
}

/// Whether the client is in a world, at any time.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// On the way; this is still missing.
    Joining {
        /// What has not come yet, in the order in which a server would send it.
        missing: Vec<Missing>,
    },
    /// In the world.
    InWorld,
    /// 30 s have passed since the play state or JoinGame, and nothing the client does will bring it into the world.
    Stuck(StuckReason),
    /// A real client disconnected or crashed.
    WouldDisconnect(Fault),
    /// The connection is over.
    Disconnected {
        /// Why.
        reason: CloseReason,
    },
}

/// What a joining client still waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Missing {
    /// Login success.
    LoginSuccess,
    /// The end of the configuration phase (764+).
    FinishConfiguration,
    /// JoinGame, the play state's `login`.
    JoinGame,
    /// The default spawn position (758-764).
    SpawnPosition,
    /// Position-and-look.
    Position,
    /// Game event 13, "start waiting for level chunks" (765+).
    WaitForChunks,
    /// The chunk that the player stands in (758+).
    ChunkUnderPlayer,
    /// The next tick (758-764).
    Tick,
}

impl core::fmt::Display for Missing {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Missing::LoginSuccess => "login success",
            Missing::FinishConfiguration => {
                "the end of the configuration phase (`finish_configuration`)"
            }
            Missing::JoinGame => "JoinGame (`login`)",
            Missing::SpawnPosition => "the default spawn position (`spawn_position`)",
            Missing::Position => "a position-and-look (`position`)",
            Missing::WaitForChunks => {
                "game event 13, \"start waiting for level chunks\" (`game_state_change`)"
            }
            Missing::ChunkUnderPlayer => "the chunk that the player stands in (`map_chunk`)",
            Missing::Tick => "the next tick",
        })
    }
}

/// Why a client will never be in the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StuckReason {
    /// Before JoinGame: the client waits with an empty screen.
    NoJoinGame,
    /// On the terrain screen, for these.
    LoadingTerrain {
        /// What has not come.
        missing: Vec<Missing>,
    },
}

impl core::fmt::Display for StuckReason {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            StuckReason::NoJoinGame => {
                f.write_str("no JoinGame came: the client waits on \"Joining world\"")
            }
            StuckReason::LoadingTerrain { missing } => {
                f.write_str("the client waits on \"Loading terrain\" for ")?;
                for (index, item) in missing.iter().enumerate() {
                    if index > 0 {
                        f.write_str(" and ")?;
                    }
                    write!(f, "{item}")?;
                }
                Ok(())
            }
        }
    }
}
