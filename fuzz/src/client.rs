//! A client in bytes: the protocol as far as play, and then packets as they are.

use std::net::SocketAddr;
use std::time::Duration;

use reference_backend::Host;
use sim_proto::wire::{Frame, FrameDecoder, FrameEncoder, Reader};
use sim_proto::{Intent, Version};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use vb_data::{Direction, State, packets};

use crate::wire::{greeting, id};

/// Longer than anything that is waited for, in virtual time.
pub const LONG: Duration = Duration::from_secs(600);

/// A runtime whose clock runs only while everybody waits: what happens does not hang on the machine.
pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap_or_else(|error| panic!("no runtime: {error}"))
}

/// Where clients come from.
pub fn peer() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], 4711))
}

/// One connection.
pub struct RawClient {
    /// None after the client has gone.
    pub stream: Option<DuplexStream>,
    /// What has come and not been looked at.
    pub decoder: FrameDecoder,
    /// For what it sends.
    pub encoder: FrameEncoder,
    /// From which size on packets go compressed, as the server has asked for.
    pub threshold: Option<usize>,
    /// Of the client.
    pub protocol: i32,
    /// As the client sees it.
    pub state: State,
}

impl RawClient {
    /// Connects, and sends handshake and login start.
    pub async fn connect(host: &Host, protocol: i32) -> Self {
        let mut client = Self {
            stream: Some(host.connect(peer())),
            decoder: FrameDecoder::new(Version::new(protocol)),
            encoder: FrameEncoder::new(),
            threshold: None,
            protocol,
            state: State::Login,
        };
        client.write(&greeting(protocol, Intent::Login)).await;
        client
    }

    /// Through login and configuration into play. False when the host says no.
    pub async fn enter(&mut self) -> bool {
        while let Some(frame) = self.next().await {
            let name = packets(self.protocol, self.state, Direction::Clientbound)
                .and_then(|table| table.name(frame.id))
                .unwrap_or_default();
            match (self.state, name) {
                (State::Login, "compress") => {
                    let mut reader = Reader::new(&frame.data, Version::new(self.protocol));
                    let threshold = reader.varint("threshold").ok();
                    self.threshold = threshold.and_then(|n| usize::try_from(n).ok());
                    self.decoder.set_threshold(self.threshold);
                    self.encoder.set_threshold(self.threshold);
                }
                (State::Login, "success") => {
                    if !Version::new(self.protocol).has_configuration_phase() {
                        self.state = State::Play;
                        return true;
                    }
                    self.send_named("login_acknowledged", &[]).await;
                    self.state = State::Configuration;
                }
                (State::Configuration, "select_known_packs") => {
                    self.send_named("select_known_packs", &[0]).await;
                }
                (State::Configuration, "keep_alive") => {
                    self.send_named("keep_alive", &frame.data).await;
                }
                (State::Configuration, "finish_configuration") => {
                    self.send_named("finish_configuration", &[]).await;
                    self.state = State::Play;
                    return true;
                }
                (_, "disconnect") => return false,
                _ => {}
            }
        }
        false
    }

    /// The next packet; none when the host has closed.
    pub async fn next(&mut self) -> Option<Frame> {
        loop {
            let frame = self.decoder.next_frame();
            if let Some(frame) = frame.unwrap_or_else(|error| panic!("the host writes: {error}")) {
                return Some(frame);
            }
            let mut buffer = [0; 4096];
            let stream = self.stream.as_mut()?;
            let read = tokio::time::timeout(LONG, stream.read(&mut buffer)).await;
            match read.unwrap_or_else(|_| panic!("the host hangs")) {
                Ok(count) if count > 0 => self.decoder.push(&buffer[..count]),
                _ => {
                    assert_eq!(self.decoder.pending(), 0, "the host stopped within a frame");
                    return None;
                }
            }
        }
    }

    /// Writes bytes. The host may be gone, which is no error here.
    pub async fn write(&mut self, bytes: &[u8]) {
        if let Some(stream) = &mut self.stream {
            let _ = stream.write_all(bytes).await;
        }
    }

    async fn send_named(&mut self, name: &str, data: &[u8]) {
        if let Some(id) = id(self.protocol, self.state, Direction::Serverbound, name) {
            let frame = self.encoder.encode(id, data);
            self.write(&frame).await;
        }
    }
}
