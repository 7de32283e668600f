//! What a guest sent in one case, in few words: enough to see that another build of it sends something else.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sim_proto::Fnv;
use vb_contract::{DenyReason, HostEvent, Text};
use vb_data::{Direction, State};

use crate::lab::recorder::Recorder;
use crate::verdict::micros;

/// What a guest sent, over all sessions of a case. Hashes are FNV-1a with 64 bits, in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Sent {
    /// By the packet's name in the play state, or its id where the protocol has none; `message`, `disconnect` and
    /// `denial` are what the host writes for the guest.
    pub packets: BTreeMap<String, Digest>,
    /// Over all of it in its order, with the times and for whom.
    pub order: String,
}

/// All packets of one name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    /// How many.
    pub count: u64,
    /// Over their bytes, in their order.
    pub hash: String,
}

impl Sent {
    /// What the host told of.
    pub(crate) fn seen_by(recorder: &Recorder, protocol: i32) -> Self {
        let table = vb_data::packets(protocol, State::Play, Direction::Clientbound);
        let mut packets: BTreeMap<String, (u64, Fnv)> = BTreeMap::new();
        let mut order = Fnv::default();
        recorder.all(|seen| {
            let (name, id, bytes): (String, i32, &[u8]) = match &seen.event {
                HostEvent::PacketOut { packet, .. } => {
                    let id = packet.packet_id;
                    let name = table.and_then(|table| table.name(id));
                    let name = name.map_or_else(|| format!("0x{id:02x}"), str::to_owned);
                    (name, id, &packet.data)
                }
                HostEvent::MessageOut { message, .. } => worded("message", message),
                HostEvent::DisconnectOut { reason, .. } => worded("disconnect", reason),
                HostEvent::Denied {
                    reason: DenyReason::ByPlugin,
                    text,
                    ..
                } => worded("denial", text),
                _ => return None::<()>,
            };
            let player = seen.event.player().map_or(0, |player| player.0);
            order.write(&micros(seen.at).to_le_bytes());
            order.write(&player.to_le_bytes());
            let (count, of_name) = packets.entry(name).or_default();
            *count += 1;
            for hash in [&mut order, of_name] {
                hash.write(&id.to_le_bytes());
                hash.write(&bytes.len().to_le_bytes());
                hash.write(bytes);
            }
            None
        });
        let digest = |(name, (count, hash)): (String, (u64, Fnv))| {
            let hash = hash.hex();
            (name, Digest { count, hash })
        };
        Self {
            packets: packets.into_iter().map(digest).collect(),
            order: order.hex(),
        }
    }
}

/// What the host writes for the guest, under a name and with a number that no packet has.
fn worded<'a>(name: &str, text: &'a Text) -> (String, i32, &'a [u8]) {
    match text {
        Text::Plain(text) => (name.to_owned(), -1, text.as_bytes()),
        Text::Json(text) => (name.to_owned(), -2, text.as_bytes()),
    }
}
