//! A client that logged in, and is fed what the server sent.

use core::time::Duration;

use bytes::Bytes;
use sim_proto::{Client, ClientConfig, Context, Event, Remark};
use vb_data::{Direction, State};

/// The player that login success names; the one of the captures is not known to the client, nor does it matter.
const NAME: &str = "Witness";
const UUID: u128 = 0x0123_4567_89ab_4cde_8f01_2345_6789_abcd;

/// A connection in the play state, or what is left of it.
pub(crate) struct Session {
    client: Client,
}

impl Session {
    /// A client that has been logged in by made-up packets: the captures begin with JoinGame.
    pub(crate) fn logged_in(protocol: i32) -> Result<Self, String> {
        let client = Client::new(ClientConfig::new(protocol, NAME), Duration::ZERO);
        let mut session = Session { client };
        let success = vb_data::packets(protocol, State::Login, Direction::Clientbound)
            .and_then(|table| table.id("success"))
            .ok_or("the protocol has no login success")?;
        let mut packet = varint(success);
        packet.extend(profile(protocol));
        session.feed(&packet)?;
        match session.client.state() {
            State::Play => Ok(session),
            other => Err(format!("login success leads to the {other} state")),
        }
    }

    /// Feeds a packet, from its id on; what the client remarks on the way.
    pub(crate) fn feed(&mut self, packet: &[u8]) -> Result<Vec<Remark>, String> {
        let length = i32::try_from(packet.len()).map_err(|_| "too long for a frame")?;
        let mut frame = varint(length);
        frame.extend(packet);
        self.client.receive(&frame, Duration::ZERO);
        let mut remarks = Vec::new();
        while let Some(event) = self.client.poll_event() {
            match event {
                Event::Remark(remark) => remarks.push(remark),
                Event::Fault(fault) => return Err(fault.to_string()),
                Event::Closed(reason) => return Err(format!("the client left: {reason:?}")),
                _ => {}
            }
        }
        // What it answers is nobody's concern here.
        while self.client.poll_transmit().is_some() {}
        Ok(remarks)
    }

    /// What the client knows for reading packets.
    pub(crate) fn context(&self) -> &Context {
        self.client.context()
    }
}

/// A packet's id, and its data behind it.
pub(crate) fn split(raw: &[u8]) -> Option<(i32, Bytes)> {
    let mut id = 0_u32;
    for (index, byte) in raw.iter().enumerate().take(3) {
        id |= u32::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            let id = i32::try_from(id).ok()?;
            return Some((id, Bytes::copy_from_slice(&raw[index + 1..])));
        }
    }
    None
}

/// The data of a login success, in the form of protocols below 764: the UUID as text until 578, as 16 bytes then, and
/// from 759 on a count of properties.
fn profile(protocol: i32) -> Vec<u8> {
    const BINARY_UUID: i32 = 735;
    const PROPERTIES: i32 = 759;
    let mut data = Vec::new();
    if protocol >= BINARY_UUID {
        data.extend(UUID.to_be_bytes());
    } else {
        let digits = format!("{UUID:032x}");
        let groups = [
            &digits[..8],
            &digits[8..12],
            &digits[12..16],
            &digits[16..20],
            &digits[20..],
        ];
        data.extend(string(&groups.join("-")));
    }
    data.extend(string(NAME));
    if protocol >= PROPERTIES {
        data.push(0);
    }
    data
}

fn string(text: &str) -> Vec<u8> {
    let mut data = varint(i32::try_from(text.len()).unwrap_or_default());
    data.extend(text.as_bytes());
    data
}

fn varint(value: i32) -> Vec<u8> {
    let mut rest = value.cast_unsigned();
    let mut data = Vec::new();
    loop {
        let low = (rest & 0x7f).to_le_bytes()[0];
        rest >>= 7;
        if rest == 0 {
            data.push(low);
            return data;
        }
        data.push(low | 0x80);
    }
}
