use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use sim_proto::{CloseReason, Event, Packet};
use vb_data::{Direction, State};

use crate::describe;

/// How many of the first entries a trace keeps: the whole of a join, which is where most goes wrong.
pub const TRACE_FIRST: usize = 256;

/// How many of the latest entries a trace keeps besides: half a minute of a quiet session.
pub const TRACE_LAST: usize = 256;

/// How many bytes of each packet a trace keeps. A chunk or a registry is cut; their fields of interest come first.
pub const TRACE_BYTES: usize = 4096;

/// A packet that passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PacketRecord {
    /// The state it belongs to.
    pub state: State,
    /// Which way it went.
    pub direction: Direction,
    /// As it was on the wire.
    pub id: i32,
    /// None for an id that the protocol does not have.
    pub name: Option<&'static str>,
    /// Bytes after the id, all of them.
    pub length: usize,
    /// The first [`TRACE_BYTES`] of them.
    pub data: Bytes,
}

/// What a trace remembers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A packet.
    Packet(PacketRecord),
    /// Something else that happened, in words.
    Note {
        /// What sort of thing.
        kind: NoteKind,
        /// One line.
        text: String,
    },
}

/// What a note is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoteKind {
    /// The connection passed to another state.
    State,
    /// The client left "Loading terrain".
    InWorld,
    /// The player reads a message.
    Chat,
    /// Something is wrong that a real client tolerates.
    Remark,
    /// A real client would have disconnected or crashed.
    Fault,
    /// The server disconnected the client, or the connection ended or broke.
    End,
    /// The client's user did something: reset, half-close, stop reading.
    Local,
}

impl Record {
    /// Whether it is a packet.
    pub fn is_packet(&self) -> bool {
        matches!(self, Record::Packet(_))
    }

    /// What a trace remembers of an event, packets cut to [`TRACE_BYTES`].
    pub fn of(event: &Event) -> Self {
        let note = |kind, text| Record::Note { kind, text };
        match event {
            Event::Received(packet) => Record::Packet(PacketRecord {
                state: packet.state,
                direction: Direction::Clientbound,
                id: packet.id,
                name: Some(packet.name),
                length: packet.data.len(),
                data: kept(&packet.data),
            }),
            Event::Sent(packet) => Record::Packet(PacketRecord {
                state: packet.state,
                direction: Direction::Serverbound,
                id: packet.id,
                name: packet.name,
                length: packet.data.len(),
                data: kept(&packet.data),
            }),
            Event::StateChanged { from, to } => note(NoteKind::State, format!("{from} -> {to}")),
            Event::InWorld(by) => note(NoteKind::InWorld, describe::in_world(*by).to_owned()),
            Event::Remark(remark) => note(NoteKind::Remark, remark.to_string()),
            Event::Fault(fault) => note(NoteKind::Fault, fault.to_string()),
            Event::Disconnected { state, reason } => note(
                NoteKind::End,
                format!(
                    "disconnected by the server in {state}: {}",
                    describe::text(reason)
                ),
            ),
            // Why has been noted just before.
            Event::Closed(CloseReason::Disconnected(_) | CloseReason::Fault(_)) => {
                note(NoteKind::End, "the client closes the connection".to_owned())
            }
            Event::Closed(reason) => note(NoteKind::End, describe::close_reason(reason)),
        }
    }
}

/// A record and its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceEntry {
    /// Counted from 0, the forgotten ones included.
    pub number: u64,
    /// Since the driver was made.
    pub at: Duration,
    /// What happened.
    pub record: Record,
}

/// What a connection saw, in order: the first [`TRACE_FIRST`] entries and the last [`TRACE_LAST`]. What lies between is
/// counted. Takes at most `(TRACE_FIRST + TRACE_LAST) * TRACE_BYTES` bytes of packets.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    first: Vec<TraceEntry>,
    last: VecDeque<TraceEntry>,
    omitted: u64,
    next: u64,
    received: u64,
    sent: u64,
}

impl Trace {
    /// Everything that is kept, in order. Entries are missing between the first [`TRACE_FIRST`] and the rest when
    /// [`Trace::omitted`] is not 0.
    pub fn entries(&self) -> impl Iterator<Item = &TraceEntry> {
        self.first.iter().chain(&self.last)
    }

    /// The entries from before the gap.
    pub fn first(&self) -> &[TraceEntry] {
        &self.first
    }

    /// The entries from after the gap.
    pub fn last(&self) -> impl Iterator<Item = &TraceEntry> {
        self.last.iter()
    }

    /// The entries that are kept from this number on, for somebody who reads along.
    pub fn since(&self, number: u64) -> impl Iterator<Item = &TraceEntry> {
        self.entries()
            .skip_while(move |entry| entry.number < number)
    }

    /// The number of the next entry; how many there have been.
    pub fn next_number(&self) -> u64 {
        self.next
    }

    /// The packets that are kept, with their times.
    pub fn packets(&self) -> impl Iterator<Item = (Duration, &PacketRecord)> {
        self.entries().filter_map(|entry| match &entry.record {
            Record::Packet(packet) => Some((entry.at, packet)),
            Record::Note { .. } => None,
        })
    }

    /// How many entries have been forgotten.
    pub fn omitted(&self) -> u64 {
        self.omitted
    }

    /// How many packets came, the forgotten ones included.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// How many packets went, the forgotten ones included.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// Remembers an event of the protocol machine.
    pub(crate) fn event(&mut self, at: Duration, event: &Event) {
        match Record::of(event) {
            Record::Packet(packet) => self.packet(at, packet),
            Record::Note { kind, text } => self.note(at, kind, text),
        }
        if let Event::Received(received) = event
            && let Packet::SystemChat(chat) = &received.packet
        {
            let text = format!("the player reads: {}", describe::text(&chat.text));
            self.note(at, NoteKind::Chat, text);
        }
    }

    pub(crate) fn note(&mut self, at: Duration, kind: NoteKind, text: String) {
        self.push(at, Record::Note { kind, text });
    }

    fn packet(&mut self, at: Duration, packet: PacketRecord) {
        match packet.direction {
            Direction::Clientbound => self.received += 1,
            Direction::Serverbound => self.sent += 1,
        }
        self.push(at, Record::Packet(packet));
    }

    fn push(&mut self, at: Duration, record: Record) {
        let entry = TraceEntry {
            number: self.next,
            at,
            record,
        };
        self.next += 1;
        if self.first.len() < TRACE_FIRST {
            self.first.push(entry);
            return;
        }
        if self.last.len() == TRACE_LAST {
            self.last.pop_front();
            self.omitted += 1;
        }
        self.last.push_back(entry);
    }
}

/// Copied, since a slice would keep the whole buffer that the packet was read into.
fn kept(data: &Bytes) -> Bytes {
    Bytes::copy_from_slice(&data[..data.len().min(TRACE_BYTES)])
}

#[cfg(test)]
mod tests {
    use sim_proto::Sent;

    use super::*;

    fn traced(packets: usize, length: usize) -> Trace {
        let mut trace = Trace::default();
        for id in 0..packets {
            let event = Event::Sent(Sent {
                state: State::Play,
                id: id as i32,
                name: None,
                data: Bytes::from(vec![0; length]),
            });
            trace.event(Duration::from_millis(id as u64), &event);
        }
        trace
    }

    fn ids(trace: &Trace) -> Vec<i32> {
        trace.packets().map(|(_, packet)| packet.id).collect()
    }

    #[test]
    fn nothing_is_forgotten_up_to_the_bound() {
        let trace = traced(TRACE_FIRST + TRACE_LAST, 0);
        assert_eq!(trace.omitted(), 0);
        assert_eq!(ids(&trace), (0..512).collect::<Vec<_>>());
    }

    #[test]
    fn past_the_bound_the_middle_is_forgotten() {
        let trace = traced(TRACE_FIRST + TRACE_LAST + 1, 0);
        assert_eq!(trace.omitted(), 1);
        assert_eq!((trace.sent(), trace.received()), (513, 0));
        assert_eq!(ids(&trace), (0..256).chain(257..513).collect::<Vec<_>>());
    }

    #[test]
    fn long_packets_are_cut_and_keep_their_length() {
        for (length, kept) in [(TRACE_BYTES, TRACE_BYTES), (TRACE_BYTES + 1, TRACE_BYTES)] {
            let trace = traced(1, length);
            let (_, packet) = trace.packets().next().unwrap();
            assert_eq!((packet.length, packet.data.len()), (length, kept));
        }
    }
}
