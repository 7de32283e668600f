//! A player of the probe, whose round trips are measured.

use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use sim_proto::wire::{FrameDecoder, FrameEncoder};
use sim_proto::{Intent, Version, serverbound};

/// A protocol without a configuration phase, so that a join costs little beside what is measured.
pub const PROTOCOL: i32 = 47;
const LOGIN_START: i32 = 0;
const LOGIN_SUCCESS: i32 = 2;

/// The packet id that the probe takes for a command.
pub const COMMAND: i32 = 0x7777;
/// A packet id that carries any bytes.
pub const CARRIER: i32 = 0x37;

/// Between two round trips: a game sends twenty packets a second, this is fifty times that.
const PAUSE: Duration = Duration::from_millis(1);

/// What opens a connection.
#[must_use]
pub fn handshake() -> Vec<u8> {
    let handshake = serverbound::handshake(PROTOCOL, "localhost", 25565, Intent::Login);
    FrameEncoder::new().encode(0, &handshake).to_vec()
}

/// What asks for the login.
#[must_use]
pub fn login_start(name: &str) -> Vec<u8> {
    let login = serverbound::login_start(Version::new(PROTOCOL), name, 1);
    FrameEncoder::new().encode(LOGIN_START, &login).to_vec()
}

/// What opens a connection and logs in.
#[must_use]
pub fn opening(name: &str) -> Vec<u8> {
    [handshake(), login_start(name)].concat()
}

/// A player of the probe, over any stream.
pub struct Player<S> {
    stream: S,
    decoder: FrameDecoder,
    encoder: FrameEncoder,
    number: u64,
}

impl<S: Read + Write> Player<S> {
    /// Logs in, on a host without compression.
    ///
    /// # Errors
    /// The stream's, and its end before the login is done.
    pub fn join(mut stream: S, name: &str) -> io::Result<Self> {
        stream.write_all(&opening(name))?;
        let mut player = Self {
            stream,
            decoder: FrameDecoder::new(Version::new(PROTOCOL)),
            encoder: FrameEncoder::new(),
            number: 0,
        };
        player.wait_for(|id, _| id == LOGIN_SUCCESS)?;
        Ok(player)
    }

    /// Tells the probe to do something.
    ///
    /// # Errors
    /// The stream's.
    pub fn command(&mut self, text: &str) -> io::Result<()> {
        self.stream
            .write_all(&self.encoder.encode(COMMAND, text.as_bytes()))
    }

    /// Round trips one after the other for so long, once the probe has been told `echo on`.
    ///
    /// # Errors
    /// The stream's, and its end.
    pub fn trips(&mut self, time: Duration) -> io::Result<Vec<Duration>> {
        let mut trips = Vec::new();
        let began = Instant::now();
        while began.elapsed() < time {
            trips.push(self.trip()?);
            std::thread::sleep(PAUSE);
        }
        Ok(trips)
    }

    /// One round trip.
    ///
    /// # Errors
    /// The stream's, and its end.
    pub fn trip(&mut self) -> io::Result<Duration> {
        self.number += 1;
        let mut data = [0; 64];
        data[..8].copy_from_slice(&self.number.to_be_bytes());
        let sent = Instant::now();
        self.stream
            .write_all(&self.encoder.encode(CARRIER, &data))?;
        self.wait_for(|_, echoed| echoed == data)?;
        Ok(sent.elapsed())
    }

    /// Reads until such a packet has come.
    fn wait_for(&mut self, wanted: impl Fn(i32, &[u8]) -> bool) -> io::Result<()> {
        let mut buffer = [0; 4096];
        loop {
            while let Some(frame) = self.decoder.next_frame().map_err(io::Error::other)? {
                if wanted(frame.id, &frame.data) {
                    return Ok(());
                }
            }
            match self.stream.read(&mut buffer)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => self.decoder.push(&buffer[..count]),
            }
        }
    }
}

/// The 99th of a hundred.
#[must_use]
pub fn percentile(mut trips: Vec<Duration>) -> Duration {
    trips.sort_unstable();
    let place = trips.len().saturating_sub(1) * 99 / 100;
    trips.get(place).copied().unwrap_or_default()
}
