use std::collections::BTreeSet;

use serde_json::json;
use sim_proto::Context;
use vb_data::{Direction, State};

/// Who wrote a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Writer {
    /// The guests' kit.
    Kit,
    /// The reference backend.
    Backend,
    /// The simulated client.
    Client,
}

impl Writer {
    /// Its crate.
    pub const fn name(self) -> &'static str {
        match self {
            Writer::Kit => "guest-kit",
            Writer::Backend => "backend-proto",
            Writer::Client => "sim-proto",
        }
    }
}

/// What a field is meant to say.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A whole number.
    Int(i64),
    /// A number of four bytes, in the value that they can hold.
    Float(f32),
    /// A number of eight bytes.
    Double(f64),
    /// A flag.
    Bool(bool),
    /// A string.
    Str(String),
    /// Strings, in order.
    Strs(Vec<String>),
    /// A number, or the name that a decoder may give it.
    Choice(i64, &'static str),
    /// A text component that reads so.
    Text(String),
    /// A UUID, in whatever form.
    Uuid(u128),
    /// Block coordinates.
    Block([i32; 3]),
    /// Nothing: an optional field that is not there.
    Absent,
}

/// A field and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Meant {
    /// minecraft-data's name for it, or several names with `|` between them. With a leading `?`, a field that not every
    /// protocol has.
    pub field: &'static str,
    /// What it says.
    pub value: Value,
}

/// One packet.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// The state that it belongs to.
    pub state: State,
    /// Where it goes.
    pub direction: Direction,
    /// Its id.
    pub id: i32,
    /// Its name in the packet tables.
    pub name: String,
    /// Its bytes after the id.
    pub data: Vec<u8>,
    /// Who wrote it.
    pub writer: Writer,
    /// What it is meant to say, as far as that is known outside of the writer. Not every field need be there.
    pub meant: Vec<Meant>,
}

/// All packets of one protocol.
#[derive(Clone, Debug)]
pub struct Recording {
    /// The protocol.
    pub protocol: i32,
    /// In the order in which they were written.
    pub packets: Vec<Recorded>,
    /// What went wrong: a session that broke, a packet that nobody wrote.
    pub faults: Vec<String>,
    /// What a client knows that has joined, for reading chunks.
    pub context: Context,
}

impl Recording {
    /// Whether there is such a packet.
    pub fn has(&self, state: State, direction: Direction, name: &str) -> bool {
        self.packets.iter().any(|packet| {
            packet.state == state && packet.direction == direction && packet.name == name
        })
    }

    /// Keeps the first of packets that are equal: a client sends the same movement every tick.
    pub(crate) fn drop_repetitions(&mut self) {
        let mut seen = BTreeSet::new();
        self.packets.retain(|packet| {
            seen.insert((
                packet.state,
                packet.direction,
                packet.id,
                packet.writer,
                packet.data.clone(),
            ))
        });
    }

    /// JSON, one packet a line and then one fault a line.
    pub fn lines(&self) -> impl Iterator<Item = String> + use<'_> {
        let packets = self.packets.iter().map(|packet| {
            let hex: String = packet
                .data
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            let meant: Vec<_> = packet.meant.iter().map(meant_json).collect();
            json!({
                "protocol": self.protocol,
                "state": packet.state.to_string(),
                "direction": packet.direction.to_string(),
                "id": packet.id,
                "name": packet.name,
                "writer": packet.writer.name(),
                "hex": hex,
                "meant": meant,
            })
            .to_string()
        });
        let faults = self
            .faults
            .iter()
            .map(|fault| json!({ "protocol": self.protocol, "fault": fault }).to_string());
        packets.chain(faults)
    }
}

fn meant_json(meant: &Meant) -> serde_json::Value {
    let (kind, value) = match &meant.value {
        // As text, since not every reader of JSON has 64 bits.
        Value::Int(value) => ("int", json!(value.to_string())),
        Value::Float(value) => ("float", json!(value)),
        Value::Double(value) => ("float", json!(value)),
        Value::Bool(value) => ("bool", json!(value)),
        Value::Str(value) => ("string", json!(value)),
        Value::Strs(value) => ("strings", json!(value)),
        Value::Choice(number, name) => ("choice", json!([number.to_string(), name])),
        Value::Text(value) => ("text", json!(value)),
        Value::Uuid(value) => ("uuid", json!(format!("{value:032x}"))),
        Value::Block(value) => ("block", json!(value)),
        Value::Absent => ("absent", serde_json::Value::Null),
    };
    let optional = meant.field.starts_with('?');
    let fields: Vec<_> = meant.field.trim_start_matches('?').split('|').collect();
    json!({ "fields": fields, "optional": optional, "kind": kind, "value": value })
}
