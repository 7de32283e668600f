//! What makes a real client disconnect or crash.

use core::fmt;

use vb_data::State;

use crate::registry::RegistryFault;
use crate::wire::{DecodeError, DecodeErrorKind, FrameError};

/// Something a real client does not survive: what, where, and what the player sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where.
    pub site: Site,
    /// What.
    pub kind: FaultKind,
}

/// Where something was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// The connection's state.
    pub state: State,
    /// Id and name of the packet, if one could be read.
    pub packet: Option<(i32, &'static str)>,
    /// The field's path in it.
    pub field: Option<String>,
    /// Offset in the packet's data, which starts after the id.
    pub offset: Option<usize>,
}

/// What a real client does not survive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The bytes are no frame, or the compressed frame cannot be unpacked.
    Frame(FrameError),
    /// The protocol has no packet with this id in this state.
    UnknownPacket {
        /// The id.
        id: i32,
    },
    /// The packet cannot be read as its protocol says.
    Decode(DecodeErrorKind),
    /// A packet that acts on the world came before JoinGame.
    NoWorld,
    /// A registry or one of its entries is not what the client needs.
    Registry(RegistryFault),
    /// JoinGame or a respawn names a dimension that the client was not given.
    UnknownDimension {
        /// Name or index as sent.
        dimension: String,
        /// How many the client has.
        known: usize,
    },
    /// More packets between two bundle delimiters than a client takes.
    BundleTooLong {
        /// The most packets that it takes.
        packets: usize,
        /// The most bytes that this client keeps; a real one has no such bound.
        bytes: usize,
    },
    /// A packet that changes the state stands in a bundle (764+): what follows it there would belong to two states.
    StateChangeInBundle,
    /// A chat packet names a chat type that the client was not given (759+).
    UnknownChatType {
        /// Its id.
        id: i32,
        /// How many the client has.
        known: usize,
    },
    /// Tags came without those that the game's own code names (751-757).
    MissingTags {
        /// The registry of the first that is missing.
        registry: &'static str,
        /// The first that is missing, without "#".
        tag: &'static str,
        /// How many are missing.
        count: usize,
    },
    /// The code of conduct came a second time in one configuration phase (773+).
    SecondCodeOfConduct,
    /// Compression was turned on a second time (47).
    SecondCompression,
    /// Nothing came for too long.
    ReadTimeout {
        /// Seconds that the client waits for any packet.
        seconds: u64,
    },
}

impl Fault {
    /// A fault in no packet.
    pub(crate) fn bare(state: State, kind: FaultKind) -> Fault {
        Fault {
            site: Site {
                state,
                packet: None,
                field: None,
                offset: None,
            },
            kind,
        }
    }

    /// A fault in a packet as a whole.
    pub(crate) fn of(state: State, packet: (i32, &'static str), kind: FaultKind) -> Fault {
        Fault {
            site: Site {
                state,
                packet: Some(packet),
                field: None,
                offset: None,
            },
            kind,
        }
    }

    /// A packet that cannot be read.
    pub(crate) fn decode(state: State, packet: (i32, &'static str), error: DecodeError) -> Fault {
        let site = Site {
            state,
            packet: Some(packet),
            field: Some(error.field),
            offset: Some(error.offset),
        };
        Fault {
            site,
            kind: FaultKind::Decode(error.kind),
        }
    }

    /// What a player sees when it happens, as vanilla words it where it is known.
    pub fn client_shows(&self) -> String {
        match &self.kind {
            FaultKind::Frame(error) => {
                format!("\"Internal Exception: io.netty.handler.codec.DecoderException\": {error}")
            }
            FaultKind::UnknownPacket { id } => {
                format!("\"Internal Exception: java.io.IOException: Bad packet id {id}\"")
            }
            FaultKind::Decode(DecodeErrorKind::TrailingBytes { count }) => format!(
                "\"Internal Exception: java.io.IOException: Packet was larger than I expected, found {count} bytes extra\""
            ),
            FaultKind::Decode(DecodeErrorKind::UnexpectedEnd { .. }) => {
                "\"Internal Exception: java.lang.IndexOutOfBoundsException\"".to_owned()
            }
            FaultKind::Decode(DecodeErrorKind::NoSuchId { id, .. }) => {
                format!("\"No value with id {id}\"")
            }
            FaultKind::Decode(_) => {
                "\"Internal Exception: io.netty.handler.codec.DecoderException\"".to_owned()
            }
            FaultKind::NoWorld => {
                "a crash or \"Network Protocol Error\": there is no world yet".to_owned()
            }
            FaultKind::Registry(fault) => fault.client_shows(),
            FaultKind::UnknownDimension { .. } => {
                "a crash or \"Network Protocol Error\" while joining".to_owned()
            }
            FaultKind::BundleTooLong { .. } => "\"Too many packets in a bundle\"".to_owned(),
            FaultKind::StateChangeInBundle => "\"Terminal message received in bundle\"".to_owned(),
            FaultKind::UnknownChatType { .. } => {
                "\"Invalid chat type\", or a decoder exception".to_owned()
            }
            FaultKind::MissingTags { .. } => {
                "\"Incomplete set of tags received from server.\"".to_owned()
            }
            FaultKind::SecondCodeOfConduct => {
                "\"Server sent duplicate Code of Conduct\"".to_owned()
            }
            FaultKind::SecondCompression => {
                "\"Internal Exception: java.lang.ClassCastException\"".to_owned()
            }
            FaultKind::ReadTimeout { .. } => "\"Timed out\"".to_owned(),
        }
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.packet {
            Some((id, name)) => write!(f, "{} packet `{name}` (id {id:#04x})", self.state)?,
            None => write!(f, "{} state", self.state)?,
        }
        if let Some(field) = self.field.as_deref().filter(|field| !field.is_empty()) {
            write!(f, ", field `{field}`")?;
        }
        if let Some(offset) = self.offset {
            write!(f, ", byte {offset}")?;
        }
        Ok(())
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FaultKind::Frame(error) => write!(f, "{error}"),
            FaultKind::UnknownPacket { id } => write!(
                f,
                "the protocol has no clientbound packet with id {id:#04x} here"
            ),
            FaultKind::Decode(error) => write!(f, "{error}"),
            FaultKind::NoWorld => f.write_str("it needs a world, but JoinGame has not come yet"),
            FaultKind::Registry(fault) => write!(f, "{fault}"),
            FaultKind::UnknownDimension { dimension, known } => write!(
                f,
                "dimension {dimension} is none of the {known} dimension types that the client was given"
            ),
            FaultKind::BundleTooLong { packets, bytes } => {
                write!(
                    f,
                    "more than {packets} packets or {bytes} bytes are in one bundle"
                )
            }
            FaultKind::StateChangeInBundle => f.write_str("it changes the state within a bundle"),
            FaultKind::UnknownChatType { id, known } => write!(
                f,
                "it names chat type {id}, but the client was given {known}"
            ),
            FaultKind::MissingTags {
                registry,
                tag,
                count,
            } => write!(
                f,
                "{count} tags are missing that the game needs, the first of them {tag} of {registry}"
            ),
            FaultKind::SecondCodeOfConduct => {
                f.write_str("the code of conduct came already in this configuration phase")
            }
            FaultKind::SecondCompression => {
                f.write_str("compression is on already: this version cannot change its threshold")
            }
            FaultKind::ReadTimeout { seconds } => write!(f, "no packet came for {seconds} s"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {}. A real client shows {}",
            self.site,
            self.kind,
            self.client_shows()
        )
    }
}

impl core::error::Error for Fault {}
