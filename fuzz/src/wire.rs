//! Protocols by a byte, and the packets that lead into a state. What the server reads is written with the client's
//! codec, and the other way about.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use bytes::Bytes;
use sim_proto::wire::{FrameEncoder, Writer};
use sim_proto::{Intent, Version, serverbound};
use vb_data::{Direction, State, packets};

/// The name that every client here has.
pub const NAME: &str = "Fuzz";
/// The UUID that every client here claims, where the protocol has it.
pub const UUID: u128 = 0x0000_0000_0000_4000_8000_0000_0000_0001;

/// A supported protocol: all of them are reached, and neighbours are neighbours.
pub fn protocol(byte: u8) -> i32 {
    let all = vb_data::supported();
    all[usize::from(byte) % all.len()]
}

/// A threshold of compression: none, everything, packets of a line of text, vanilla's.
pub fn threshold(byte: u8) -> Option<u32> {
    [None, Some(0), Some(64), Some(256)][usize::from(byte & 3)]
}

/// A packet's id by its name.
pub fn id(protocol: i32, state: State, direction: Direction, name: &str) -> Option<i32> {
    packets(protocol, state, direction)?.id(name)
}

/// What a client opens with, uncompressed: handshake and, for the game, login start.
pub fn greeting(protocol: i32, intent: Intent) -> Vec<u8> {
    let encoder = FrameEncoder::new();
    let handshake = serverbound::handshake(protocol, "localhost", 25565, intent);
    let mut out = encoder.encode(0, &handshake).to_vec();
    if intent == Intent::Login {
        let start = serverbound::login_start(Version::new(protocol), NAME, UUID);
        out.extend(encoder.encode(0, &start));
    }
    out
}

/// A login success as a server writes it, without properties.
pub fn login_success(protocol: i32) -> Vec<u8> {
    let mut w = Writer::new();
    match protocol {
        ..5 => w.string(&format!("{UUID:032x}")),
        5..735 => {
            let hex = format!("{UUID:032x}");
            let (a, b, c, d, e) = (
                &hex[..8],
                &hex[8..12],
                &hex[12..16],
                &hex[16..20],
                &hex[20..],
            );
            w.string(&format!("{a}-{b}-{c}-{d}-{e}"))
        }
        735.. => w.uuid(UUID),
    };
    w.string(NAME);
    if protocol >= 759 {
        w.length(0);
    }
    if matches!(protocol, 766 | 767) {
        w.bool(false);
    }
    if protocol >= 776 {
        w.uuid(UUID);
    }
    w.into_bytes()
}

/// What a server sends until the client is logged in: compression as [`threshold`] has it, where the protocol has it,
/// and login success. Made once for each: to compress costs more than a run.
pub fn welcome(protocol: i32, compression: u8) -> &'static [u8] {
    static ALL: LazyLock<BTreeMap<(i32, u8), Vec<u8>>> = LazyLock::new(|| {
        let all = vb_data::supported().iter();
        all.flat_map(|protocol| (0..4).map(|compression| (*protocol, compression)))
            .map(|(protocol, compression)| {
                (
                    (protocol, compression),
                    write_welcome(protocol, threshold(compression)),
                )
            })
            .collect()
    });
    ALL.get(&(protocol, compression & 3))
        .map_or(&[], Vec::as_slice)
}

fn write_welcome(protocol: i32, threshold: Option<u32>) -> Vec<u8> {
    let mut encoder = FrameEncoder::new();
    let mut out = Vec::new();
    let find = |name| id(protocol, State::Login, Direction::Clientbound, name);
    if let (Some(id), Some(threshold)) = (find("compress"), threshold) {
        let mut w = Writer::new();
        w.varint(i32::try_from(threshold).unwrap_or(i32::MAX));
        out.extend(encoder.encode(id, &w.into_bytes()));
        encoder.set_threshold(usize::try_from(threshold).ok());
    }
    if let Some(id) = find("success") {
        out.extend(encoder.encode(id, &login_success(protocol)));
    }
    out
}

/// Tells streams apart: length and CRC of all bytes so far.
#[derive(Debug, Default)]
pub struct Sum(flate2::Crc);

impl Sum {
    /// Adds bytes.
    pub fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Length and CRC.
    pub fn value(&self) -> (u32, u32) {
        (self.0.amount(), self.0.sum())
    }

    /// Of these bytes alone.
    pub fn of(bytes: &Bytes) -> (u32, u32) {
        let mut sum = Self::default();
        sum.add(bytes);
        sum.value()
    }
}
