//! Bytes from a client, as the server's side takes them apart. Held, whatever the bytes:
//!
//! - no panic, and the same events and the same answers however the stream is cut into reads;
//! - memory by what has come, never by what is announced: a length of 2 MiB costs nothing, a compressed packet its own
//!   declared size once;
//! - events in the order of a connection's life, one end, and nothing after it.
//!
//! The input: protocol, how far the connection has come, compression, how to cut, then the stream.
#![no_main]

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use backend_proto::connection::MAX_INPUT;
use backend_proto::{Connection, Event, GameProfile, MAX_UNCOMPRESSED, Phase, ServerConfig};
use libfuzzer_sys::fuzz_target;
use sim_proto::Intent;
use sim_proto::wire::FrameEncoder;
use vb_data::{Direction, State};
use vbspec_fuzz::memory;
use vbspec_fuzz::split::split;
use vbspec_fuzz::wire::{Sum, greeting, id, protocol, threshold};

/// Beyond what the bytes themselves take: the machine, its answers, and this target's lists.
const ALLOWANCE: usize = 256 << 10;

static CONFIGS: LazyLock<[Arc<ServerConfig>; 4]> = LazyLock::new(|| {
    [0, 1, 2, 3].map(|byte| {
        Arc::new(ServerConfig {
            compression_threshold: threshold(byte),
            ..ServerConfig::default()
        })
    })
});

fuzz_target!(init: warm_up(), |data: &[u8]| {
    let [protocol_byte, start, compression, seed, stream @ ..] = data else {
        return;
    };
    let begin = || Machine::new(protocol(*protocol_byte), *start, *compression);
    let inflated = if compression & 3 == 0 { 0 } else { MAX_UNCOMPRESSED + 1 };
    // Twice over: the buffer grows by doubling.
    let bound = ALLOWANCE + 2 * inflated + 16 * stream.len();
    let whole = memory::bounded(bound, || begin().run(std::iter::once(stream)));
    let pieces = memory::bounded(bound, || begin().run(split(stream, *seed)));
    assert_eq!(whole, pieces, "the way of cutting makes a difference");
});

/// Makes what is made once: tables, configurations, zlib's states.
fn warm_up() {
    for compression in 0..4 {
        Machine::new(47, 2, compression).run(std::iter::once(&[0xff; 4][..]));
        Machine::new(47, 0, compression).run(std::iter::once(&greeting(47, Intent::Status)[..]));
        Machine::new(3, 0, compression).run(std::iter::once(&greeting(3, Intent::Login)[..]));
    }
    let _ = Sum::default();
}

/// An event, with a packet's data as its length and sum.
#[derive(Debug, PartialEq)]
enum Seen {
    Packet(i32, (u32, u32)),
    Other(Event),
}

/// All that can be told from outside.
#[derive(Debug, PartialEq)]
struct Transcript {
    seen: Vec<Seen>,
    sent: (u32, u32),
}

struct Machine {
    connection: Connection,
    seen: Vec<Seen>,
    sent: Sum,
}

impl Machine {
    /// A connection that has come some way: new, after its handshake, or logged in (in play or, from 764 on, in the
    /// configuration phase).
    fn new(protocol: i32, start: u8, compression: u8) -> Self {
        let config = Arc::clone(&CONFIGS[usize::from(compression & 3)]);
        let mut machine = Self {
            connection: Connection::new(config, Duration::ZERO),
            seen: Vec::new(),
            sent: Sum::default(),
        };
        match start % 3 {
            0 => {}
            1 => machine.take(&greeting(protocol, Intent::Status)),
            _ => {
                machine.take(&greeting(protocol, Intent::Login));
                if let Some(id) = id(
                    protocol,
                    State::Login,
                    Direction::Serverbound,
                    "login_acknowledged",
                ) {
                    let mut encoder = FrameEncoder::new();
                    encoder.set_threshold(
                        threshold(compression).and_then(|n| usize::try_from(n).ok()),
                    );
                    machine.take(&encoder.encode(id, &[]));
                }
                assert!(matches!(
                    machine.connection.state(),
                    Phase::Play | Phase::Configuration
                ));
            }
        }
        machine
    }

    fn run<'a>(mut self, pieces: impl Iterator<Item = &'a [u8]>) -> Transcript {
        for piece in pieces {
            self.take(piece);
        }
        self.connection.peer_closed(Duration::ZERO);
        self.drain();
        assert!(
            self.connection.is_closed(),
            "nothing more can come, and it waits"
        );
        let closed = |seen: &Seen| matches!(seen, Seen::Other(Event::Closed(_)));
        assert_eq!(self.seen.iter().position(closed), Some(self.seen.len() - 1));
        Transcript {
            seen: self.seen,
            sent: self.sent.value(),
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.connection.receive(bytes, Duration::ZERO);
        assert!(self.connection.input_len() <= MAX_INPUT);
        self.drain();
    }

    /// Does what a host does: admits everybody at once.
    fn drain(&mut self) {
        while let Some(event) = self.connection.poll_event() {
            match &event {
                Event::LoginStart { name, .. } => {
                    let profile = GameProfile::offline(name.as_str());
                    // Fails only when the connection has ended in between.
                    let _ = self.connection.login(&profile, Duration::ZERO);
                }
                // The registries of a configuration phase would be most of the work of every run.
                Event::LoggedIn if self.connection.state() == Phase::Play => {
                    let _ = self.connection.enter_play(Duration::ZERO);
                }
                Event::Packet { .. } => {
                    assert!(
                        self.seen.contains(&Seen::Other(Event::InPlay)),
                        "a packet before play"
                    );
                }
                _ => {}
            }
            self.seen.push(match event {
                Event::Packet { id, data } => Seen::Packet(id, Sum::of(&data)),
                other => Seen::Other(other),
            });
        }
        while let Some(bytes) = self.connection.poll_transmit() {
            self.sent.add(&bytes);
        }
    }
}
