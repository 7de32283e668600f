//! What is wrong although a real client goes on.

use core::fmt;

use crate::Site;
use crate::wire::{DecodeErrorKind, FrameNote};

/// Something wrong that a real client tolerates.
#[derive(Clone, Debug, PartialEq)]
pub struct Remark {
    /// Where.
    pub site: Site,
    /// What.
    pub kind: RemarkKind,
}

/// What a real client tolerates.
#[derive(Clone, Debug, PartialEq)]
pub enum RemarkKind {
    /// An odd frame.
    Frame(FrameNote),
    /// A frame without contents, which clients skip.
    EmptyFrame,
    /// JoinGame came again without a configuration phase between.
    SecondJoinGame,
    /// No such game mode; clients take it for survival.
    GameMode(i32),
    /// No such previous game mode; clients take it for none.
    PreviousGameMode(i32),
    /// View distance outside 2 to 32 chunks.
    ViewDistance(i32),
    /// Simulation distance outside 2 to 32 chunks.
    SimulationDistance(i32),
    /// JoinGame lists no world.
    NoWorldNames,
    /// JoinGame puts the player into a world that it does not list.
    WorldNotListed(String),
    /// No such difficulty, 0 to 3.
    Difficulty(i32),
    /// The login success names another player than the client.
    OtherName(String),
    /// A position or rotation that is not finite.
    PositionNotFinite,
    /// A position outside the world: further than 30,000,000 blocks out or 20,000,000 up.
    PositionOutsideWorld,
    /// A pitch beyond 90 degrees.
    Pitch(f32),
    /// No such game event.
    GameEvent(u8),
    /// A chunk outside the range around the chunk cache centre, which the client ignores (477+).
    ChunkOutOfRange {
        /// Chunk coordinates.
        x: i32,
        /// Chunk coordinates.
        z: i32,
    },
    /// Bytes follow the last section in a chunk's data; clients ignore them.
    ChunkLeftOver {
        /// Chunk coordinates.
        x: i32,
        /// Chunk coordinates.
        z: i32,
        /// How many bytes.
        bytes: usize,
    },
    /// A chunk's compressed data hold less than its masks announce: the client takes what is missing for zeros (4, 5).
    ChunkShort {
        /// Chunk coordinates; of several columns, the last one's.
        x: i32,
        /// Chunk coordinates.
        z: i32,
        /// Bytes that came.
        found: usize,
        /// Bytes that the masks announce.
        expected: usize,
    },
    /// A section's data array has another length than its bits ask for: the client throws it away and shows nothing
    /// but the palette's first entry (until 769).
    SectionArray {
        /// Which section, from the bottom.
        section: usize,
        /// Longs that it has.
        found: usize,
        /// Longs that it should have.
        expected: usize,
    },
    /// A biome id that the registry does not have, which the client replaces (751-756).
    UnknownBiome {
        /// The id.
        id: i32,
        /// How many the registry has.
        count: usize,
    },
    /// A registry entry came without data that the data here do not have: a client without it refuses the registry.
    UnknownRegistryEntry {
        /// The registry's identifier.
        registry: String,
        /// The entry's identifier.
        entry: String,
    },
    /// A registry that the game does not have, which clients do not look at (766+).
    UnknownRegistry {
        /// Its identifier.
        registry: String,
    },
    /// The brand cannot be read (until 763).
    Brand,
    /// More light arrays than the masks announce.
    LightArraysLeftOver {
        /// How many too many.
        count: usize,
    },
    /// The packet cannot be read by a layout that only minecraft-data states: a real client leaves, if that is right.
    Stated(DecodeErrorKind),
    /// The server insists on a resource pack, which this client declines; a real one would ask its player.
    ResourcePackRequired,
}

impl fmt::Display for RemarkKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RemarkKind::Frame(FrameNote::Uncompressed { size, threshold }) => {
                write!(
                    f,
                    "its {size} bytes are not compressed, although the threshold is {threshold}"
                )
            }
            RemarkKind::Frame(FrameNote::CompressedBelowThreshold { size, threshold }) => {
                write!(
                    f,
                    "its {size} bytes are compressed, although the threshold is {threshold}"
                )
            }
            RemarkKind::Frame(FrameNote::LongerThanStated { stated }) => {
                write!(
                    f,
                    "more came out of its compression than the stated {stated} bytes: the client drops the rest"
                )
            }
            RemarkKind::Frame(FrameNote::ShorterThanStated { stated, actual }) => {
                write!(
                    f,
                    "{actual} bytes came out of its compression, not the stated {stated}: the client fills them up with zeros"
                )
            }
            RemarkKind::Frame(FrameNote::LongPrefix) => {
                f.write_str("its length takes more bytes than needed")
            }
            RemarkKind::EmptyFrame => f.write_str("a frame has no contents"),
            RemarkKind::SecondJoinGame => f.write_str("JoinGame came a second time"),
            RemarkKind::GameMode(mode) => write!(f, "game mode {mode} does not exist (0 to 3)"),
            RemarkKind::PreviousGameMode(mode) => {
                write!(f, "previous game mode {mode} does not exist (-1 to 3)")
            }
            RemarkKind::ViewDistance(chunks) => {
                write!(f, "view distance {chunks} is outside 2 to 32")
            }
            RemarkKind::SimulationDistance(chunks) => {
                write!(f, "simulation distance {chunks} is outside 2 to 32")
            }
            RemarkKind::NoWorldNames => f.write_str("the list of worlds is empty"),
            RemarkKind::WorldNotListed(name) => {
                write!(f, "the world `{name}` is not in the list of worlds")
            }
            RemarkKind::Difficulty(difficulty) => {
                write!(f, "difficulty {difficulty} does not exist (0 to 3)")
            }
            RemarkKind::OtherName(name) => {
                write!(f, "the login success names another player: {name:?}")
            }
            RemarkKind::PositionNotFinite => f.write_str("the position or rotation is not finite"),
            RemarkKind::PositionOutsideWorld => f.write_str("the position is outside the world"),
            RemarkKind::Pitch(pitch) => write!(f, "pitch {pitch} is beyond 90 degrees"),
            RemarkKind::GameEvent(event) => write!(f, "game event {event} does not exist"),
            RemarkKind::ChunkOutOfRange { x, z } => {
                write!(
                    f,
                    "the client ignores chunk {x}, {z}: it is out of range of the chunk cache centre"
                )
            }
            RemarkKind::ChunkLeftOver { x, z, bytes } => {
                write!(
                    f,
                    "{bytes} bytes follow the last section in the data of chunk {x}, {z}"
                )
            }
            RemarkKind::ChunkShort {
                x,
                z,
                found,
                expected,
            } => {
                write!(
                    f,
                    "the data of chunk {x}, {z} hold {found} bytes where its masks announce {expected}"
                )
            }
            RemarkKind::SectionArray {
                section,
                found,
                expected,
            } => {
                write!(
                    f,
                    "section {section} has {found} longs of data where its bits ask for {expected}"
                )
            }
            RemarkKind::UnknownBiome { id, count } => {
                write!(f, "biome {id} does not exist: the registry has {count}")
            }
            RemarkKind::UnknownRegistryEntry { registry, entry } => {
                write!(
                    f,
                    "registry {registry}, entry {entry} came without data, and is not known here"
                )
            }
            RemarkKind::UnknownRegistry { registry } => {
                write!(
                    f,
                    "the game has no registry {registry}: the client does not look at it"
                )
            }
            RemarkKind::Brand => f.write_str("the brand cannot be read"),
            RemarkKind::LightArraysLeftOver { count } => {
                write!(f, "{count} more light arrays than the masks announce")
            }
            RemarkKind::Stated(error) => {
                write!(f, "{error}. The packet's layout is only stated, not proved")
            }
            RemarkKind::ResourcePackRequired => {
                f.write_str("the server insists on a resource pack")
            }
        }
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.site, self.kind)
    }
}
