//! Frames and packets that no client makes, or that it makes only in their place.

use std::sync::LazyLock;

use bytes::Bytes;
use sim_proto::serverbound::{self, Movement};
use sim_proto::wire::FrameEncoder;
use sim_proto::{ClientConfig, Version};
use vb_data::{Direction, State};

/// The id of the keep-alive answer that nobody asked for. No 0, which old clients send unasked, and no likely time.
pub const UNASKED_KEEP_ALIVE: i64 = 0x7662;

/// Ids that no protocol has in any state of a client: the last of one byte, of two, of three and of all.
pub const UNKNOWN_IDS: [i32; 4] = [0x7f, 0x3fff, 0x1f_ffff, i32::MAX];

/// Bytes that a compression bomb inflates to: eight times the largest packet there is.
pub const BOMB_BYTES: usize = 16 << 20;

/// What a compression bomb declares: the largest packet there is.
const BOMB_DECLARES: i32 = 2_097_151;

/// A length of 2,097,152.
pub(crate) const OVERSIZED: &[u8] = &[0x80, 0x80, 0x80, 0x01];
/// A length of -1.
pub(crate) const NEGATIVE: &[u8] = &[0xff, 0xff, 0xff, 0xff, 0x0f];
/// A length of 1 in four bytes, and the packet 0.
pub(crate) const OVERLONG: &[u8] = &[0x81, 0x80, 0x80, 0x00, 0x00];

/// A packet by its id, as it is framed where the server wants this compression.
pub(crate) fn frame(threshold: Option<usize>, id: i32, data: &[u8]) -> Bytes {
    let mut encoder = FrameEncoder::new();
    encoder.set_threshold(threshold);
    encoder.encode(id, data)
}

pub(crate) fn bomb() -> Bytes {
    /// Deflating it takes longer than most sessions do.
    static BOMB: LazyLock<Bytes> = LazyLock::new(|| {
        // One byte of the inflated is the id.
        FrameEncoder::encode_declaring(BOMB_DECLARES, 0, &vec![0; BOMB_BYTES - 1])
    });
    BOMB.clone()
}

/// A packet of one byte less than the threshold, compressed all the same. None where there is nothing below it.
pub(crate) fn below(threshold: usize) -> Option<Bytes> {
    let size = threshold.checked_sub(1).filter(|size| *size > 0)?;
    let declared = i32::try_from(size).ok()?;
    Some(FrameEncoder::encode_declaring(
        declared,
        0,
        &vec![0; size - 1],
    ))
}

/// A packet as it is before framing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plain {
    pub(crate) id: i32,
    pub(crate) name: Option<&'static str>,
    pub(crate) data: Vec<u8>,
}

/// A packet that has no place in this state.
pub(crate) fn of_another_state(config: &ClientConfig, state: State) -> Plain {
    let version = Version::new(config.protocol);
    let play = vb_data::packets(config.protocol, State::Play, Direction::Serverbound);
    if state != State::Play {
        let last = play.and_then(|table| table.iter().max_by_key(|(id, _)| *id));
        return Plain {
            id: last.map_or(i32::from(i8::MAX), |(id, _)| id),
            name: None,
            data: Vec::new(),
        };
    }
    let name = "configuration_acknowledged";
    match play.and_then(|table| table.id(name)) {
        Some(id) => Plain {
            id,
            name: Some(name),
            data: Vec::new(),
        },
        None => login_start(config, version),
    }
}

/// One small packet of a flood in this state; `number` tells it from the others.
pub(crate) fn of_a_flood(config: &ClientConfig, state: State, number: u64) -> Plain {
    let version = Version::new(config.protocol);
    let name = "custom_payload";
    let id = vb_data::packets(config.protocol, state, Direction::Serverbound)
        .and_then(|table| table.id(name));
    match id {
        Some(id) => Plain {
            id,
            name: Some(name),
            data: serverbound::plugin_message(version, "vbspec:flood", &number.to_be_bytes()),
        },
        None => login_start(config, version),
    }
}

/// One of each kind of packet that a client sends in play, where the protocol has it.
pub(crate) fn of_each_kind(config: &ClientConfig) -> Vec<Plain> {
    let version = Version::new(config.protocol);
    let still = Movement {
        position: Some([0.5, 64.0, 0.5]),
        rotation: Some([0.0, 0.0]),
        on_ground: true,
    };
    let candidates = [
        ("settings", serverbound::settings(version, &config.settings)),
        ("custom_payload", serverbound::brand(version, &config.brand)),
        (
            "keep_alive",
            serverbound::keep_alive(version, UNASKED_KEEP_ALIVE),
        ),
        ("pong", serverbound::pong(1)),
        ("teleport_confirm", serverbound::teleport_confirm(1)),
        (
            "chunk_batch_received",
            serverbound::chunk_batch_received(9.0),
        ),
        serverbound::movement(version, &still),
        serverbound::chat(version, "cut"),
        serverbound::chat(version, "/cut"),
    ];
    let table = vb_data::packets(config.protocol, State::Play, Direction::Serverbound);
    candidates
        .into_iter()
        .filter_map(|(name, data)| {
            Some(Plain {
                id: table?.id(name)?,
                name: Some(name),
                data,
            })
        })
        .collect()
}

fn login_start(config: &ClientConfig, version: Version) -> Plain {
    let name = "login_start";
    let id = vb_data::packets(config.protocol, State::Login, Direction::Serverbound)
        .and_then(|table| table.id(name));
    Plain {
        id: id.unwrap_or_default(),
        name: Some(name),
        data: serverbound::login_start(version, &config.name, config.uuid),
    }
}
