//! A client in bytes: just enough of the protocol to get into play, uncompressed, and then packets as they are.

use super::{LONG, peer};
use bytes::{Buf, BufMut, Bytes, BytesMut};
use reference_backend::Host;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use vb_data::{Direction, State, packets};

pub struct RawClient {
    stream: Option<DuplexStream>,
    input: BytesMut,
    pub protocol: i32,
    state: State,
}

impl RawClient {
    /// Handshake and login start.
    pub async fn connect(host: &Host, protocol: i32, name: &str) -> Self {
        let mut client = Self {
            stream: Some(host.connect(peer())),
            input: BytesMut::new(),
            protocol,
            state: State::Handshaking,
        };
        let mut handshake = BytesMut::new();
        put_varint(&mut handshake, protocol);
        put_string(&mut handshake, "localhost");
        handshake.put_u16(25565);
        put_varint(&mut handshake, 2);
        client.write(&frame(0, &handshake)).await;
        let mut start = BytesMut::new();
        put_string(&mut start, name);
        match protocol {
            ..759 => {}
            759 => start.put_u8(0),
            760 => start.put_u16(0),
            761..764 => start.put_u8(0),
            764.. => start.put_u128(1),
        }
        client.write(&frame(0, &start)).await;
        client.state = State::Login;
        client
    }

    /// Through login and configuration into play.
    pub async fn join(host: &Host, protocol: i32, name: &str) -> Self {
        let mut client = Self::connect(host, protocol, name).await;
        if let Err(told) = client.enter().await {
            panic!("{protocol}: not let in: {told}");
        }
        client
    }

    /// As [`join`](Self::join), after [`connect`](Self::connect). The error is what a disconnect said, as raw text.
    pub async fn enter(&mut self) -> Result<(), String> {
        loop {
            let Some((name, data)) = self.next_named().await else {
                return Err("closed without a word".to_owned());
            };
            match (self.state, name) {
                (State::Login, "success") if self.protocol < 764 => {
                    self.state = State::Play;
                    return Ok(());
                }
                (State::Login, "success") => {
                    self.send_named("login_acknowledged", &[]).await;
                    self.state = State::Configuration;
                }
                (State::Configuration, "select_known_packs") => {
                    self.send_named("select_known_packs", &[0]).await;
                }
                (State::Configuration, "keep_alive") => self.send_named("keep_alive", &data).await,
                (State::Configuration, "finish_configuration") => {
                    self.send_named("finish_configuration", &[]).await;
                    self.state = State::Play;
                    return Ok(());
                }
                (_, "disconnect") => return Err(text_of(&data)),
                _ => {}
            }
        }
    }

    /// Reads on until this packet comes, into the configuration phase where there is one.
    pub async fn until(&mut self, wanted: &str) {
        loop {
            let (name, _) = self.next_named().await.expect("it comes");
            if (self.state, name) == (State::Login, "success") && self.protocol >= 764 {
                self.send_named("login_acknowledged", &[]).await;
                self.state = State::Configuration;
            }
            if name == wanted {
                return;
            }
        }
    }

    /// What a client is told that is turned away: before play or, where there is no configuration phase, in it.
    pub async fn refusal(host: &Host, protocol: i32, name: &str) -> String {
        let mut client = Self::connect(host, protocol, name).await;
        match client.enter().await {
            Err(told) => told,
            Ok(()) => client.kicked().await,
        }
    }

    pub async fn send(&mut self, id: i32, data: &[u8]) {
        self.write(&frame(id, data)).await;
    }

    /// A command to the probe.
    pub async fn command(&mut self, command: &str) {
        self.send(0x7777, command.as_bytes()).await;
    }

    pub async fn write(&mut self, bytes: &[u8]) {
        let stream = self.stream.as_mut().expect("open");
        stream.write_all(bytes).await.expect("the host reads");
    }

    /// The next packet; none when the host has closed the connection.
    pub async fn next(&mut self) -> Option<(i32, Bytes)> {
        loop {
            if let Some(packet) = self.take() {
                return Some(packet);
            }
            let stream = self.stream.as_mut()?;
            let read = tokio::time::timeout(LONG, stream.read_buf(&mut self.input));
            match read.await.expect("the host hangs") {
                Ok(count) if count > 0 => {}
                _ => {
                    assert!(self.input.is_empty(), "the host stopped within a frame");
                    return None;
                }
            }
        }
    }

    /// The text of the disconnect that ends the connection; what comes before it is dropped.
    pub async fn kicked(&mut self) -> String {
        let name = if self.state == State::Play {
            "kick_disconnect"
        } else {
            "disconnect"
        };
        let mut told = None;
        while let Some((id, data)) = self.next().await {
            if self.id(Direction::Clientbound, name) == id {
                told = Some(text_of(&data));
            }
        }
        told.expect("the host says why")
    }

    /// Sends no more, and goes on reading.
    pub async fn half_close(&mut self) {
        self.stream
            .as_mut()
            .expect("open")
            .shutdown()
            .await
            .expect("open");
    }

    pub fn leave(&mut self) {
        self.stream = None;
    }

    pub fn id(&self, direction: Direction, name: &str) -> i32 {
        packets(self.protocol, self.state, direction)
            .and_then(|table| table.id(name))
            .unwrap_or_else(|| panic!("{} has no {name} in {}", self.protocol, self.state))
    }

    pub async fn send_named(&mut self, name: &str, data: &[u8]) {
        let id = self.id(Direction::Serverbound, name);
        self.send(id, data).await;
    }

    async fn next_named(&mut self) -> Option<(&'static str, Bytes)> {
        let (id, data) = self.next().await?;
        let table = packets(self.protocol, self.state, Direction::Clientbound).expect("known");
        Some((table.name(id).unwrap_or("unknown"), data))
    }

    fn take(&mut self) -> Option<(i32, Bytes)> {
        let mut ahead = &self.input[..];
        let length = usize::try_from(get_varint(&mut ahead)?).expect("a length");
        let header = self.input.len() - ahead.len();
        if ahead.len() < length {
            return None;
        }
        self.input.advance(header);
        let mut body = self.input.split_to(length).freeze();
        let id = get_varint(&mut body).expect("a whole packet");
        Some((id, body))
    }
}

pub fn frame(id: i32, data: &[u8]) -> Bytes {
    let mut body = BytesMut::new();
    put_varint(&mut body, id);
    body.put_slice(data);
    let mut frame = BytesMut::new();
    put_varint(&mut frame, i32::try_from(body.len()).expect("a frame"));
    frame.put_slice(&body);
    frame.freeze()
}

/// The printable characters of a text, whether JSON or NBT.
fn text_of(data: &[u8]) -> String {
    String::from_utf8_lossy(data)
        .chars()
        .filter(|c| !c.is_control())
        .collect()
}

fn put_string(out: &mut BytesMut, text: &str) {
    put_varint(out, i32::try_from(text.len()).expect("short"));
    out.put_slice(text.as_bytes());
}

pub fn put_varint(out: &mut BytesMut, value: i32) {
    let mut value = value.cast_unsigned();
    while value >= 0x80 {
        out.put_u8((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.put_u8(value as u8);
}

fn get_varint(input: &mut impl Buf) -> Option<i32> {
    let mut value = 0;
    for shift in (0..35).step_by(7) {
        if !input.has_remaining() {
            return None;
        }
        let byte = input.get_u8();
        value |= u32::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value.cast_signed());
        }
    }
    panic!("a varint of more than five bytes");
}
