//! Clientbound packets: what they hold, and how they are read, strictly and to the last byte.
//!
//! A packet that the machine has no use for is read by the table of layouts and becomes [`Packet::Other`]. Values that
//! can be read but make no sense are left to the machine, which answers with a fault or a remark.

mod chat;
mod chunk;
mod configuration;
mod context;
mod join;
mod light;
mod login;
mod play;
mod section;

pub use chat::PlayerChat;
pub use chunk::{Chunk, ChunkSummary};
pub use configuration::{KnownPack, RegistryData, RegistryEntry, TagGroup};
pub use context::{Context, WorldShape};
pub use join::{Dimension, JoinGame, Respawn};
pub use light::LightSummary;
pub use login::{EncryptionRequest, LoginSuccess};
pub use play::{Abilities, PluginMessage, Position, ResourcePack, SpawnPosition, SystemChat};

pub(crate) use configuration::read_text;
pub(crate) use login::read_json_text;

pub use crate::wire::DecodeError;

use bytes::Bytes;
use vb_data::{State, Sureness};

use crate::wire::Reader;
use crate::{Text, Version, shape};

/// A clientbound packet.
#[derive(Clone, Debug, PartialEq)]
pub enum Packet {
    /// Status: the server's answer, JSON.
    StatusResponse(String),
    /// Status: the answer to a ping.
    StatusPong(i64),
    /// Login, configuration or play: the server ends the connection, for this reason.
    Disconnect(Text),
    /// Login: the server wants encryption.
    EncryptionRequest(EncryptionRequest),
    /// Login: done.
    LoginSuccess(LoginSuccess),
    /// Login, and play on 47: compression from this many bytes on; negative for none.
    SetCompression(i32),
    /// Login: a question of a plugin's.
    LoginPluginRequest {
        /// To be repeated in the answer.
        id: i32,
        /// An identifier.
        channel: String,
        /// What is asked.
        data: Bytes,
    },
    /// Login, configuration or play (766+): what is under this key?
    CookieRequest {
        /// An identifier.
        key: String,
    },
    /// Configuration or play (766+): to be kept under this key, and sent back when asked for.
    StoreCookie {
        /// An identifier.
        key: String,
        /// At most 5,120 bytes.
        payload: Bytes,
    },
    /// Configuration or play (766+): the client is to connect to another server.
    Transfer {
        /// Its host.
        host: String,
        /// Its port.
        port: i32,
    },
    /// Configuration (773+): rules that the player is to accept.
    CodeOfConduct(String),
    /// Configuration or play.
    PluginMessage(PluginMessage),
    /// Configuration or play: to be answered with the same id.
    KeepAlive(i64),
    /// Configuration or play: to be answered with the same id.
    Ping(i32),
    /// Configuration: the end of it.
    FinishConfiguration,
    /// Configuration: registries.
    RegistryData(RegistryData),
    /// Configuration or play: tags, which replace all tags that the client has.
    Tags(Vec<TagGroup>),
    /// Configuration, and play on 761 to 763.
    FeatureFlags(Vec<String>),
    /// Configuration (766+): the packs that the server has.
    KnownPacks(Vec<KnownPack>),
    /// Configuration or play: a resource pack is offered.
    ResourcePack(ResourcePack),
    /// Play: the player joins a world.
    JoinGame(Box<JoinGame>),
    /// Play: the player moves to another world, or revives.
    Respawn(Box<Respawn>),
    /// Play: where the player is.
    Position(Position),
    /// Play: a chunk.
    Chunk(Box<Chunk>),
    /// Play (4-47): several chunks.
    ChunkBulk(Vec<Chunk>),
    /// Play: the data of a block entity of this type, by its id (766+; opaque before).
    BlockEntity(i32),
    /// Play (107+): a chunk is to be forgotten.
    UnloadChunk {
        /// Chunk coordinates.
        x: i32,
        /// Chunk coordinates.
        z: i32,
    },
    /// Play (477+): light of a chunk.
    UpdateLight {
        /// Chunk coordinates.
        x: i32,
        /// Chunk coordinates.
        z: i32,
        /// What light there is.
        light: LightSummary,
    },
    /// Play: a game event.
    GameEvent {
        /// Which.
        event: u8,
        /// Its value.
        value: f32,
    },
    /// Play: the default spawn position.
    SpawnPosition(SpawnPosition),
    /// Play (477+): the chunk cache centre.
    ViewCentre {
        /// Chunk coordinates.
        x: i32,
        /// Chunk coordinates.
        z: i32,
    },
    /// Play (477+): the view distance in chunks.
    ViewDistance(i32),
    /// Play (757+): the simulation distance in chunks.
    SimulationDistance(i32),
    /// Play: text from the server. Until 758 also players' chat.
    SystemChat(SystemChat),
    /// Play: what a player said (759+), or the server in a player's place (761+).
    PlayerChat(PlayerChat),
    /// Play: what the player may do.
    Abilities(Abilities),
    /// Play: the world's difficulty.
    Difficulty {
        /// 0 to 3.
        difficulty: i32,
        /// Whether it cannot be changed (477+).
        locked: bool,
    },
    /// Play: the age of the world, in ticks.
    Time {
        /// In ticks.
        age: i64,
        /// Time of day in ticks (until 774).
        time: Option<i64>,
    },
    /// Play (764+): chunks follow.
    ChunkBatchStart,
    /// Play (764+): chunks came; to be answered.
    ChunkBatchFinished(i32),
    /// Play (764+): back to the configuration phase; to be answered.
    StartConfiguration,
    /// Play (762+): the packets between two of these are handled together.
    BundleDelimiter,
    /// Anything else: read to the last byte by its layout, but not kept.
    Other,
    /// Bytes that could not be read, or whose id the protocol does not have.
    Opaque,
}

/// Reads a packet to the last byte.
///
/// # Errors
///
/// What no client of this protocol reads: see [`DecodeError`].
pub fn decode(
    context: &Context,
    state: State,
    name: &str,
    data: &Bytes,
) -> Result<Packet, DecodeError> {
    let mut reader = Reader::new(data, context.version);
    read(&mut reader, context, state, name).map_err(|failure| failure.error)
}

/// Reads a packet to the last byte by the table of layouts alone, as all packets are that the machine has no use for.
///
/// # Errors
///
/// What does not fit the layout. A packet that the protocol does not have has none, and fits.
pub fn decode_by_layout(
    version: Version,
    state: State,
    name: &str,
    data: &[u8],
) -> Result<(), DecodeError> {
    let Some(layout) = vb_data::layout(version.protocol(), state, name) else {
        return Ok(());
    };
    let mut reader = Reader::new(data, version);
    shape::read(&mut reader, &layout)?;
    reader.finish()
}

/// A packet that could not be read.
pub(crate) struct Failure {
    /// Why.
    pub error: DecodeError,
    /// Whether that is a real client's end: not if nobody but minecraft-data says how the packet goes.
    pub sure: bool,
}

/// Reads a packet to the last byte, by whatever reader.
pub(crate) fn read(
    reader: &mut Reader<'_>,
    context: &Context,
    state: State,
    name: &str,
) -> Result<Packet, Failure> {
    let packet = read_by_hand(reader, context, state, name);
    if !matches!(packet, Ok(Packet::Opaque)) {
        let whole = packet.and_then(|packet| reader.finish().map(|()| packet));
        return whole.map_err(|error| Failure { error, sure: true });
    }
    let Some(layout) = vb_data::layout(context.version.protocol(), state, name) else {
        return Ok(Packet::Opaque);
    };
    match shape::read(reader, &layout).and_then(|()| reader.finish()) {
        Ok(()) => Ok(Packet::Other),
        Err(error) => Err(Failure {
            sure: layout.sureness() == Sureness::Proved
                && shape::is_sure(context.version, &error.kind),
            error,
        }),
    }
}

/// Reads what the machine has a use for; the rest is [`Packet::Opaque`].
fn read_by_hand(
    reader: &mut Reader<'_>,
    context: &Context,
    state: State,
    name: &str,
) -> Result<Packet, DecodeError> {
    match state {
        State::Handshaking => Ok(Packet::Opaque),
        State::Status => login::read_status(reader, name),
        State::Login => login::read_login(reader, name),
        State::Configuration => configuration::read(reader, name),
        State::Play => play::read(reader, context, name),
    }
}
