//! A server of protocol 47 that speaks bytes, written without the client's codec.

#![allow(dead_code, reason = "each test binary uses its part")]

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream};

pub const PROTOCOL: i32 = 47;

/// Ids of protocol 47.
pub mod clientbound {
    pub const LOGIN_SUCCESS: i32 = 0x02;
    pub const KEEP_ALIVE: i32 = 0x00;
    pub const JOIN_GAME: i32 = 0x01;
    pub const CHAT: i32 = 0x02;
    pub const POSITION: i32 = 0x08;
    pub const KICK: i32 = 0x40;
}

pub mod serverbound {
    pub const KEEP_ALIVE: i32 = 0x00;
    pub const CHAT: i32 = 0x01;
}

pub struct Server<S = DuplexStream> {
    pub stream: S,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Server<S> {
    pub fn new(stream: S) -> Self {
        Server { stream }
    }

    /// The next packet, or none at the end.
    pub async fn read(&mut self) -> Option<(i32, Vec<u8>)> {
        let length = self.read_varint().await?;
        let mut packet = vec![0; usize::try_from(length).unwrap()];
        self.stream.read_exact(&mut packet).await.ok()?;
        let mut rest = packet.as_slice();
        let id = take_varint(&mut rest);
        Some((id, rest.to_vec()))
    }

    /// Reads until a packet with this id comes; none at the end.
    pub async fn read_until(&mut self, wanted: i32) -> Option<Vec<u8>> {
        loop {
            match self.read().await? {
                (id, data) if id == wanted => return Some(data),
                _ => {}
            }
        }
    }

    /// How many packets come before the end.
    pub async fn read_to_end(&mut self) -> usize {
        let mut packets = 0;
        while self.read().await.is_some() {
            packets += 1;
        }
        packets
    }

    pub async fn write(&mut self, id: i32, data: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(&frame(id, data)).await
    }

    /// Handshake and login, as far as login success.
    pub async fn login(&mut self) -> String {
        let (_, handshake) = self.read().await.unwrap();
        assert_eq!(take_varint(&mut handshake.as_slice()), PROTOCOL);
        let (_, start) = self.read().await.unwrap();
        let name = take_string(&mut start.as_slice());
        self.write(clientbound::LOGIN_SUCCESS, &login_success(&name))
            .await
            .unwrap();
        name
    }

    /// Everything until the client is in the world.
    pub async fn join(&mut self) -> String {
        let name = self.login().await;
        for (id, data) in world() {
            self.write(id, &data).await.unwrap();
        }
        name
    }

    async fn read_varint(&mut self) -> Option<i32> {
        let mut value = 0;
        for shift in (0..35).step_by(7) {
            let byte = self.stream.read_u8().await.ok()?;
            value |= i32::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        panic!("a length of more than 5 bytes");
    }
}

/// Logs a client in, and then reads and answers nothing but the end.
pub async fn joins<S: AsyncRead + AsyncWrite + Unpin>(stream: S) -> usize {
    let mut server = Server::new(stream);
    server.join().await;
    server.read_to_end().await
}

pub fn login_success(name: &str) -> Vec<u8> {
    let mut data = Vec::new();
    put_string(&mut data, "00000000-0000-3000-8000-000000000001");
    put_string(&mut data, name);
    data
}

/// JoinGame and position-and-look.
pub fn world() -> [(i32, Vec<u8>); 2] {
    let mut join = vec![0, 0, 0, 1, 1, 0, 1, 20];
    put_string(&mut join, "default");
    join.push(0);
    let mut position = Vec::new();
    for coordinate in [0.5f64, 65.0, 0.5] {
        position.extend(coordinate.to_be_bytes());
    }
    position.extend([0; 9]);
    [
        (clientbound::JOIN_GAME, join),
        (clientbound::POSITION, position),
    ]
}

pub fn chat(text: &str) -> Vec<u8> {
    let mut data = Vec::new();
    put_string(&mut data, &format!("{{\"text\":\"{text}\"}}"));
    data.push(1);
    data
}

pub fn reason(text: &str) -> Vec<u8> {
    let mut data = Vec::new();
    put_string(&mut data, &format!("{{\"text\":\"{text}\"}}"));
    data
}

pub fn frame(id: i32, data: &[u8]) -> Vec<u8> {
    let mut body = varint(id);
    body.extend(data);
    let mut frame = varint(i32::try_from(body.len()).unwrap());
    frame.extend(body);
    frame
}

pub fn varint(value: i32) -> Vec<u8> {
    let mut value = u32::from_ne_bytes(value.to_ne_bytes());
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

pub fn put_string(data: &mut Vec<u8>, text: &str) {
    data.extend(varint(i32::try_from(text.len()).unwrap()));
    data.extend(text.as_bytes());
}

pub fn take_varint(data: &mut &[u8]) -> i32 {
    let mut value = 0;
    for shift in (0..35).step_by(7) {
        let byte = data[0];
        *data = &data[1..];
        value |= i32::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
    }
    value
}

pub fn take_string(data: &mut &[u8]) -> String {
    let length = usize::try_from(take_varint(data)).unwrap();
    let (text, rest) = data.split_at(length);
    *data = rest;
    String::from_utf8(text.to_vec()).unwrap()
}
