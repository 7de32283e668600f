//! Everything that can go wrong, sorted by who is at fault.

use crate::connection::Phase;
use crate::wire::WireError;

/// Why a frame cannot be taken apart. The stream ends with it: nothing behind it can be told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The length goes on after its third byte: it is over 2,097,151, negative, or padded beyond what anybody writes.
    #[error("a frame length takes more than 3 bytes")]
    LengthTooLong,
    /// Longer than this state's packets may be.
    #[error("a frame is {found} bytes long, over this state's limit of {limit}")]
    TooLong {
        /// As announced.
        found: usize,
        /// Bytes.
        limit: usize,
    },
    /// No packet id in it.
    #[error("a frame holds no packet")]
    Empty,
    /// The packet id cannot be read.
    #[error("a packet id cannot be read: {0}")]
    PacketId(WireError),
    /// No packet has a negative id.
    #[error("a packet id is negative: {0}")]
    NegativePacketId(i32),
    /// The uncompressed length cannot be read.
    #[error("an uncompressed length cannot be read: {0}")]
    DataLength(WireError),
    /// Compressed although it is too small for that, which vanilla calls badly compressed.
    #[error("a packet of {declared} bytes is compressed below the threshold of {threshold}")]
    BelowThreshold {
        /// As announced.
        declared: usize,
        /// Bytes.
        threshold: usize,
    },
    /// Announces more than a packet may be.
    #[error("a packet of {declared} bytes is over the limit of {limit}")]
    TooLongUncompressed {
        /// As announced.
        declared: usize,
        /// Bytes.
        limit: usize,
    },
    /// The zlib stream is damaged.
    #[error("a compressed packet is corrupt")]
    CorruptStream,
    /// The frame ends before the zlib stream does.
    #[error("a compressed packet ends too early")]
    StreamCutShort,
    /// The zlib stream holds more than was announced.
    #[error("a compressed packet holds more than the {declared} bytes it declares")]
    LargerThanDeclared {
        /// As announced.
        declared: usize,
    },
    /// The zlib stream holds less than was announced.
    #[error("a compressed packet holds {produced} bytes instead of {declared}")]
    SmallerThanDeclared {
        /// As announced.
        declared: usize,
        /// As found.
        produced: usize,
    },
    /// Something follows the zlib stream within the frame.
    #[error("{left} bytes follow a compressed packet in its frame")]
    BytesAfterStream {
        /// How many.
        left: usize,
    },
}

/// What the client did that no client of its protocol does.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeerError {
    /// The stream cannot be split into packets.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// A packet's fields cannot be read.
    #[error("packet {packet} is malformed: {error}")]
    MalformedPacket {
        /// Its name in vb-data.
        packet: &'static str,
        /// [`WireError::Incomplete`] means that the packet ends too early.
        error: WireError,
    },
    /// The packet goes on after its last field.
    #[error("packet {packet} has {left} bytes too many")]
    TrailingBytes {
        /// Its name in vb-data.
        packet: &'static str,
        /// How many.
        left: usize,
    },
    /// A packet that the protocol does not have in this state.
    #[error("there is no packet {id:#04x} in the state {phase}")]
    UnknownPacket {
        /// As received.
        id: i32,
        /// The client's state.
        phase: Phase,
    },
    /// A packet of this state that nobody was waiting for: a second login start, an answer without a question.
    #[error("packet {packet} was not expected in the state {phase}")]
    UnexpectedPacket {
        /// Its name in vb-data.
        packet: &'static str,
        /// The client's state.
        phase: Phase,
    },
    /// The handshake asks for something other than status, login or, where the protocol has it, transfer.
    #[error("the handshake asks for the state {0}")]
    BadNextState(i32),
    /// Not a player name; see [`crate::profile::check_name`].
    #[error("the player name is not valid: {0}")]
    BadName(#[from] crate::profile::NameError),
    /// A keep-alive with an id other than the one that was sent.
    #[error("the keep-alive id is {found} instead of {expected}")]
    WrongKeepAlive {
        /// As sent.
        expected: i64,
        /// As received.
        found: i64,
    },
    /// More packets or bytes than a state before play needs.
    #[error("over {limit} {unit} in the state {phase}")]
    Flood {
        /// The client's state.
        phase: Phase,
        /// `packets` or `bytes`.
        unit: &'static str,
        /// How many are allowed.
        limit: usize,
    },
}

/// Which wait came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Deadline {
    /// The handshake did not come.
    #[error("the handshake")]
    Handshake,
    /// No status request or no ping.
    #[error("the status request")]
    Status,
    /// Login start did not come.
    #[error("login start")]
    LoginStart,
    /// Login success was not acknowledged.
    #[error("the login's acknowledgement")]
    LoginAcknowledged,
    /// The known packs were not answered.
    #[error("the known packs")]
    KnownPacks,
    /// The end of configuration was not acknowledged.
    #[error("the configuration's acknowledgement")]
    FinishConfiguration,
    /// A keep-alive of the configuration phase was not answered.
    #[error("the keep-alive")]
    KeepAlive,
}

/// Why a connection has ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CloseReason {
    /// The client broke the protocol. It has been sent a disconnect where its state has one.
    #[error("the client broke the protocol: {0}")]
    PeerMisbehaved(#[from] PeerError),
    /// The client closed the connection, `unread` bytes into a frame.
    #[error("the client closed the connection")]
    PeerClosed {
        /// Bytes of a frame that never became whole.
        unread: usize,
    },
    /// The client did not answer in time. It has been sent a disconnect where its state has one.
    #[error("the client did not answer in time: waited for {0}")]
    TimedOut(Deadline),
    /// A protocol without packet tables wanted to log in. It has been told so.
    #[error("protocol {protocol} is not supported")]
    UnsupportedProtocol {
        /// As stated in the handshake.
        protocol: i32,
    },
    /// The server list has what it wanted.
    #[error("the status request has been answered")]
    StatusAnswered,
    /// [`Connection::disconnect`](crate::Connection::disconnect).
    #[error("disconnected by the host")]
    HostDisconnected,
    /// [`Connection::close`](crate::Connection::close).
    #[error("closed by the host")]
    HostClosed,
    /// The host went on passing bytes in although [`Connection::wants_input`](crate::Connection::wants_input) said no.
    #[error("over {limit} bytes of input are waiting")]
    InputOverflow {
        /// Bytes.
        limit: usize,
    },
    /// The packet tables lack a packet that the protocol needs, or a packet of this crate's own is over the frame limit:
    /// a fault of the data, which the tests look for.
    #[error("the data of protocol {protocol} is not usable: {packet}")]
    BadData {
        /// The client's protocol.
        protocol: i32,
        /// The packet at fault, by its name in vb-data.
        packet: &'static str,
    },
}

/// Why a packet or a message was not sent. Nothing of it has been, and the connection goes on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Packet ids start at 0.
    #[error("the packet id is negative: {0}")]
    NegativeId(i32),
    /// Id and payload together are over the frame limit.
    #[error("the packet is {size} bytes long, over the limit of {limit}")]
    TooLong {
        /// Bytes of id and payload.
        size: usize,
        /// Bytes.
        limit: usize,
    },
    /// The packet would change the protocol's state or framing behind the host's back.
    #[error("the packet {packet} is the host's alone")]
    Reserved {
        /// Its name in vb-data.
        packet: &'static str,
    },
    /// Only play packets can be sent from outside.
    #[error("the connection is in the state {0}, not in play")]
    NotInPlay(Phase),
}

/// Why a batch was not sent. Nothing of it has been.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("packet {index} of the batch: {error}")]
pub struct BatchError {
    /// Of the first packet at fault, counted from 0.
    pub index: usize,
    /// What is wrong with it.
    #[source]
    pub error: SendError,
}

/// A command that the connection cannot carry out: the host's fault, or the client has gone in between.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// The command belongs to another moment.
    #[error("{command} does not belong in the state {phase}")]
    WrongPhase {
        /// The method's name.
        command: &'static str,
        /// Where the connection is.
        phase: Phase,
    },
    /// The profile's name would be refused by the client.
    #[error(transparent)]
    BadName(#[from] crate::profile::NameError),
}
