//! A client written by hand, byte by byte, that shares nothing with the crate but its public face. It knows what each
//! range of protocols looks like by the numbers of minecraft-data, not by the crate's own layouts.

#![allow(dead_code, reason = "each test binary uses its own part of it")]
#![allow(clippy::unwrap_used, reason = "only tests use it")]

use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Duration;

use backend_proto::{Connection, Event, GameProfile, ServerConfig};
use vb_data::{Direction, State};

pub fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub fn varint(value: i32) -> Vec<u8> {
    let mut rest = value as u32;
    let mut out = Vec::new();
    loop {
        let byte = (rest & 0x7f) as u8;
        rest >>= 7;
        if rest == 0 {
            out.push(byte);
            return out;
        }
        out.push(byte | 0x80);
    }
}

/// The value and the rest; none when the bytes end before it does.
pub fn read_varint(bytes: &[u8]) -> Option<(i32, &[u8])> {
    let mut value = 0_u32;
    for (index, byte) in bytes.iter().enumerate().take(5) {
        value |= u32::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value as i32, &bytes[index + 1..]));
        }
    }
    None
}

pub fn string(text: &str) -> Vec<u8> {
    [varint(text.len() as i32), text.as_bytes().to_vec()].concat()
}

pub fn read_string(bytes: &[u8]) -> (&str, &[u8]) {
    let (len, rest) = read_varint(bytes).unwrap();
    let (text, rest) = rest.split_at(len as usize);
    (std::str::from_utf8(text).unwrap(), rest)
}

pub fn id(protocol: i32, state: State, direction: Direction, name: &str) -> i32 {
    vb_data::packets(protocol, state, direction)
        .and_then(|table| table.id(name))
        .unwrap_or_else(|| panic!("{protocol}: no {direction} {name} in {state}"))
}

pub fn handshake_packet(protocol: i32, next: i32) -> Vec<u8> {
    [
        varint(protocol),
        string("localhost"),
        vec![0x63, 0xdd],
        varint(next),
    ]
    .concat()
}

pub fn login_start_packet(protocol: i32, name: &str) -> Vec<u8> {
    let uuid = [9; 16].as_slice();
    let rest: &[&[u8]] = match protocol {
        ..=758 => &[],
        759 => &[&[0]],
        760 => &[&[0, 1], uuid],
        761..=763 => &[&[1], uuid],
        _ => &[uuid],
    };
    [string(name), rest.concat()].concat()
}

/// A server's connection and the client's view of it.
pub struct Client {
    pub server: Connection,
    pub protocol: i32,
    pub now: Duration,
    pub events: Vec<Event>,
    threshold: Option<usize>,
    received: Vec<u8>,
}

impl Client {
    pub fn new(protocol: i32, config: ServerConfig) -> Self {
        Self {
            server: Connection::new(Arc::new(config), Duration::ZERO),
            protocol,
            now: Duration::ZERO,
            events: Vec::new(),
            threshold: None,
            received: Vec::new(),
        }
    }

    pub fn send_bytes(&mut self, bytes: &[u8]) {
        self.server.receive(bytes, self.now);
        self.collect();
    }

    pub fn frame(&self, packet: i32, data: &[u8]) -> Vec<u8> {
        let plain = [varint(packet), data.to_vec()].concat();
        let content = match self.threshold {
            None => plain,
            Some(threshold) if plain.len() < threshold => [vec![0], plain].concat(),
            Some(_) => {
                let mut zlib =
                    flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
                zlib.write_all(&plain).unwrap();
                [varint(plain.len() as i32), zlib.finish().unwrap()].concat()
            }
        };
        [varint(content.len() as i32), content].concat()
    }

    pub fn send(&mut self, packet: i32, data: &[u8]) {
        let frame = self.frame(packet, data);
        self.send_bytes(&frame);
    }

    /// Sends a packet by its name.
    pub fn say(&mut self, state: State, name: &str, data: &[u8]) {
        self.send(id(self.protocol, state, Direction::Serverbound, name), data);
    }

    pub fn collect(&mut self) {
        while let Some(event) = self.server.poll_event() {
            self.events.push(event);
        }
        while let Some(chunk) = self.server.poll_transmit() {
            self.received.extend_from_slice(&chunk);
        }
    }

    /// Moves the time on, as a driver would: every deadline on the way is handled when it is due.
    pub fn wait(&mut self, duration: Duration) {
        let until = self.now + duration;
        while let Some(due) = self.server.poll_timeout().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            self.server.handle_timeout(self.now);
            self.collect();
        }
        self.now = until;
        self.server.handle_timeout(until);
        self.collect();
    }

    /// What the server has sent and nobody has read.
    pub fn unread(&self) -> &[u8] {
        &self.received
    }

    /// The next packet that the server has sent.
    pub fn next(&mut self) -> Option<(i32, Vec<u8>)> {
        let (len, rest) = read_varint(&self.received)?;
        let content = rest.get(..len as usize)?.to_vec();
        self.received = rest[len as usize..].to_vec();
        let plain = match self.threshold {
            None => content,
            Some(threshold) => {
                let (declared, rest) = read_varint(&content).unwrap();
                if declared == 0 {
                    assert!(
                        rest.len() < threshold,
                        "not compressed from the threshold on"
                    );
                    rest.to_vec()
                } else {
                    assert!(
                        declared as usize >= threshold,
                        "compressed below the threshold"
                    );
                    let mut out = Vec::new();
                    flate2::read::ZlibDecoder::new(rest)
                        .read_to_end(&mut out)
                        .unwrap();
                    assert_eq!(out.len(), declared as usize);
                    out
                }
            }
        };
        let (packet, data) = read_varint(&plain).unwrap();
        Some((packet, data.to_vec()))
    }

    /// The next packet, which must be the named one.
    pub fn expect(&mut self, state: State, name: &str) -> Vec<u8> {
        let wanted = id(self.protocol, state, Direction::Clientbound, name);
        let (packet, data) = self
            .next()
            .unwrap_or_else(|| panic!("nothing came, not {name}"));
        assert_eq!(packet, wanted, "{}: {name} in {state}", self.protocol);
        data
    }

    pub fn expect_nothing(&mut self) {
        assert_eq!(self.next(), None);
        assert!(self.received.is_empty(), "an unfinished packet");
    }

    /// The event that came last, and nothing else since the last call.
    #[track_caller]
    pub fn event(&mut self) -> Event {
        assert_eq!(self.events.len(), 1, "{:?}", self.events);
        self.events.remove(0)
    }

    pub fn handshake(&mut self, next: i32) {
        self.send(0, &handshake_packet(self.protocol, next));
    }

    pub fn login_start(&mut self, name: &str) {
        let data = login_start_packet(self.protocol, name);
        self.say(State::Login, "login_start", &data);
    }

    /// Up to the point where the host decides.
    pub fn reach_decision(&mut self) -> Event {
        self.handshake(2);
        self.login_start("Notch");
        self.event()
    }

    /// Up to [`Event::LoggedIn`].
    pub fn reach_login(&mut self) {
        self.reach_decision();
        self.server
            .login(&GameProfile::offline("Notch"), self.now)
            .unwrap();
        self.collect();
        self.read_login_success();
        if self.protocol >= 764 {
            self.say(State::Login, "login_acknowledged", &[]);
        }
        assert_eq!(self.event(), Event::LoggedIn);
    }

    /// Follows compression where it is announced.
    pub fn read_login_success(&mut self) -> Vec<u8> {
        let (packet, data) = self.next().unwrap();
        if packet == 3 {
            let (threshold, rest) = read_varint(&data).unwrap();
            assert!(rest.is_empty());
            self.threshold = Some(threshold as usize);
            return self.expect(State::Login, "success");
        }
        assert_eq!(
            packet,
            id(
                self.protocol,
                State::Login,
                Direction::Clientbound,
                "success"
            )
        );
        data
    }

    /// Up to [`Event::InPlay`].
    pub fn reach_play(&mut self) {
        self.reach_login();
        self.server.enter_play(self.now).unwrap();
        self.collect();
        if self.protocol >= 764 {
            self.configure();
        }
        assert_eq!(self.event(), Event::InPlay);
        self.expect_nothing();
    }

    /// Answers whatever the configuration phase asks, to its end.
    pub fn configure(&mut self) {
        if self.protocol >= 766 {
            self.say(State::Configuration, "select_known_packs", &varint(0));
        }
        let finish = id(
            self.protocol,
            State::Configuration,
            Direction::Clientbound,
            "finish_configuration",
        );
        while self.next().expect("the configuration ends").0 != finish {}
        self.say(State::Configuration, "finish_configuration", &[]);
    }
}
