use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::LazyLock;

use bytes::Bytes;
use infrarust_protocol::packets::Packet;
use infrarust_protocol::{
    ConnectionState, PacketRegistry, ProtocolVersion, build_default_registry,
};
use sim_proto::wire::Field;
use vb_data::{Direction, State};
use witness_packets::{Meant, Problem, Proof, Recorded, Recording, Value};

static REGISTRY: LazyLock<PacketRegistry> = LazyLock::new(build_default_registry);

/// Direction, state and our name of a packet.
pub(crate) type Kind = (Direction, State, String);

/// What differs between two readings of one packet.
#[derive(Debug, Default)]
pub(crate) struct Differences {
    found: Vec<String>,
    /// What it read, field by field, as text.
    said: BTreeMap<String, String>,
}

impl Differences {
    /// Notes a field as it read it, and whether we read it otherwise.
    pub(crate) fn field<T: PartialEq + fmt::Debug>(&mut self, name: &str, theirs: T, ours: T) {
        self.said(name, &theirs);
        self.compare(name, theirs, ours);
    }

    /// A field that we say the protocol does not have is not compared: if they had it, there would be bytes for it.
    pub(crate) fn optional<T: PartialEq + fmt::Debug>(
        &mut self,
        name: &str,
        theirs: T,
        ours: Option<T>,
    ) {
        if let Some(ours) = ours {
            self.field(name, theirs, ours);
        }
    }

    /// Notes whether we read a field otherwise.
    pub(crate) fn compare<T: PartialEq + fmt::Debug>(&mut self, name: &str, theirs: T, ours: T) {
        if theirs != ours {
            self.note(format!("{name} is {theirs:?} to it and {ours:?} to us"));
        }
    }

    /// Notes a field as it read it.
    pub(crate) fn said(&mut self, name: &str, theirs: impl fmt::Debug) {
        self.said.insert(name.to_owned(), format!("{theirs:?}"));
    }

    /// Notes that something cannot be compared.
    pub(crate) fn note(&mut self, text: impl Into<String>) {
        self.found.push(text.into());
    }

    /// Notes each field that it read otherwise than it was meant.
    fn against(&mut self, meant: &[Meant]) {
        for Meant { field, value } in meant {
            let names = field.trim_start_matches('?').split('|');
            let read = names
                .into_iter()
                .find_map(|name| Some((name, self.said.get(name)?)));
            if let Some((name, read)) = read
                && !texts(value).contains(read)
            {
                let text = format!("{name} is {read} to it, {value:?} was meant");
                self.found.push(text);
            }
        }
    }
}

/// A value in the texts that a reading of it may have.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Int(value) | Value::Choice(value, _) => vec![format!("{value:?}")],
        Value::Float(value) => vec![format!("{value:?}")],
        Value::Double(value) => vec![format!("{value:?}")],
        Value::Bool(value) => vec![format!("{value:?}")],
        Value::Str(value) => vec![format!("{value:?}")],
        Value::Strs(value) => vec![format!("{value:?}")],
        Value::Text(value) => vec![format!("{:?}", Some(value))],
        Value::Uuid(value) => vec![format!("{value:?}")],
        Value::Block(value) => vec![format!("{value:?}")],
        // A game mode that there is not has a number too.
        Value::Absent => vec!["None".to_owned(), "-1".to_owned()],
    }
}

/// One protocol's judgement.
pub(crate) struct Run<'a> {
    pub(crate) version: ProtocolVersion,
    recording: &'a Recording,
    kinds: BTreeSet<Kind>,
    ids: BTreeMap<Kind, i32>,
    problems: Vec<Problem>,
    ours_read: usize,
    theirs_read: usize,
    /// Clientbound packets of its own that we read whole and as meant.
    proved: BTreeSet<(State, String)>,
}

impl<'a> Run<'a> {
    pub(crate) fn new(version: ProtocolVersion, recording: &'a Recording) -> Self {
        let kinds = BTreeSet::new();
        Self {
            version,
            recording,
            kinds,
            ids: BTreeMap::new(),
            problems: Vec::new(),
            ours_read: 0,
            theirs_read: 0,
            proved: BTreeSet::new(),
        }
    }

    /// The kinds of packets that were judged.
    pub(crate) fn kinds(&self) -> &BTreeSet<Kind> {
        &self.kinds
    }

    /// The ids that it gives the packets that it was asked about.
    pub(crate) fn ids(&self) -> &BTreeMap<Kind, i32> {
        &self.ids
    }

    pub(crate) fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// How many packets of ours it read.
    pub(crate) fn ours_read(&self) -> usize {
        self.ours_read
    }

    /// How many packets of its own we read.
    pub(crate) fn theirs_read(&self) -> usize {
        self.theirs_read
    }

    /// The layouts that its packets prove.
    pub(crate) fn proofs(&self) -> impl Iterator<Item = Proof> + use<'_> {
        self.proved.iter().map(|(state, packet)| Proof {
            state: *state,
            packet: packet.clone(),
            protocol: self.version.0,
        })
    }

    /// Since a protocol.
    pub(crate) fn since(&self, protocol: i32) -> bool {
        self.version.0 >= protocol
    }

    /// How many sections a chunk has in the world that the client joined.
    pub(crate) fn sections(&self) -> usize {
        self.recording
            .context
            .world
            .map_or(0, |world| world.sections())
    }

    /// Whether both sides have the packet, with the same id. The first question of all.
    fn common<T: Packet>(&mut self, name: &'static str) -> Option<Kind> {
        let state = state_of(T::STATE);
        let direction = match T::DIRECTION {
            infrarust_protocol::Direction::Clientbound => Direction::Clientbound,
            infrarust_protocol::Direction::Serverbound => Direction::Serverbound,
        };
        let kind = (direction, state, name.to_owned());
        let theirs = REGISTRY.get_packet_id::<T>(self.version);
        let ours =
            vb_data::packets(self.version.0, state, direction).and_then(|table| table.id(name));
        if let Some(theirs) = theirs {
            self.ids.insert(kind.clone(), theirs);
        }
        match (theirs, ours) {
            (Some(theirs), Some(ours)) if theirs == ours => {
                self.kinds.insert(kind.clone());
                Some(kind)
            }
            (Some(theirs), Some(ours)) => {
                self.kinds.insert(kind.clone());
                self.problem(&kind, format!("its id is {theirs:#04x}, ours {ours:#04x}"));
                Some(kind)
            }
            (Some(theirs), None) => {
                self.problem(
                    &kind,
                    format!("it has id {theirs:#04x}, our tables have no such packet"),
                );
                None
            }
            // It knows nothing of it: counted among what it was not asked.
            (None, _) => None,
        }
    }

    fn problem(&mut self, kind: &Kind, text: String) {
        let (direction, state, name) = kind;
        let problem = Problem {
            packet: format!("{direction} {state} {name}"),
            text,
        };
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    /// For packets whose contents it passes on unread: the id alone.
    pub(crate) fn id_only<T: Packet>(&mut self, name: &'static str) {
        let _ = self.common::<T>(name);
    }

    /// A clientbound packet: it reads ours and we read its samples, and both readings of each say the same.
    pub(crate) fn clientbound<T: Packet>(
        &mut self,
        name: &'static str,
        samples: Vec<T>,
        compare: impl Fn(&T, &sim_proto::Packet, &mut Differences),
    ) {
        let Some(kind) = self.common::<T>(name) else {
            return;
        };
        let recording = self.recording;
        let read = |data: &[u8]| read_clientbound(&recording.context, &kind, data);
        self.ours(&kind, read, &compare);
        if self.its(&kind, &samples, read, &compare) && self.walks(&kind, &samples) {
            self.proved.insert((kind.1, kind.2));
        }
    }

    /// A clientbound packet that it only writes, read by its layout and compared by the values in order. Whether its
    /// samples say enough to prove the layout is for the caller to say.
    pub(crate) fn by_layout<T: Packet>(
        &mut self,
        name: &'static str,
        samples: Vec<Told<T>>,
        proof: bool,
    ) {
        let Some(kind) = self.common::<T>(name) else {
            return;
        };
        let protocol = self.version.0;
        let context = self.recording.context.clone();
        let layout = vb_data::layout(protocol, kind.1, name).map(|packet| packet.layout);
        let read = |data: &[u8]| {
            read_clientbound(&context, &kind, data)?;
            let layout = layout.ok_or("there is no layout of it")?;
            witness_packets::walk(protocol, layout, data).map_err(|error| error.to_string())
        };
        let mut good = proof && !samples.is_empty();
        for Told { packet, says } in samples {
            good &= self.its(&kind, &[packet], read, &|_, ours: &Walked, out| {
                in_order(&says, ours, out);
            });
        }
        if good {
            self.proved.insert((kind.1, kind.2));
        }
    }

    /// Whether it can write this on its protocol.
    pub(crate) fn can_write<T: Packet>(&self, packet: &T) -> bool {
        self.encoded(packet).is_ok()
    }

    /// Whether all samples can be read by the layout; what is wrong is a problem.
    fn walks<T: Packet>(&mut self, kind: &Kind, samples: &[T]) -> bool {
        let protocol = self.version.0;
        let Some(packet) = vb_data::layout(protocol, kind.1, &kind.2) else {
            return false;
        };
        let mut good = true;
        for sample in samples {
            let walked = self.encoded(sample).and_then(|data| {
                witness_packets::walk(protocol, packet.layout, &data)
                    .map_err(|error| error.to_string())
            });
            if let Err(error) = walked {
                good = false;
                self.problem(kind, format!("its, by our layout: {error}"));
            }
        }
        good
    }

    /// A clientbound packet that it only writes.
    pub(crate) fn written_only<T: Packet>(
        &mut self,
        name: &'static str,
        samples: Vec<T>,
        compare: impl Fn(&T, &sim_proto::Packet, &mut Differences),
    ) {
        let Some(kind) = self.common::<T>(name) else {
            return;
        };
        let recording = self.recording;
        let read = |data: &[u8]| read_clientbound(&recording.context, &kind, data);
        if self.its(&kind, &samples, read, &compare) && self.walks(&kind, &samples) {
            self.proved.insert((kind.1, kind.2));
        }
    }

    /// A serverbound packet: it reads ours, and our dumps read its samples.
    pub(crate) fn serverbound<T: Packet>(
        &mut self,
        name: &'static str,
        samples: Vec<T>,
        compare: impl Fn(&T, &Fields, &mut Differences),
    ) {
        let Some(kind) = self.common::<T>(name) else {
            return;
        };
        let protocol = self.version.0;
        let read = |data: &[u8]| read_serverbound(protocol, &kind, data);
        self.ours(&kind, read, &compare);
        self.its(&kind, &samples, read, &compare);
    }

    fn ours<T: Packet, R>(
        &mut self,
        kind: &Kind,
        read: impl Fn(&[u8]) -> Result<R, String>,
        compare: &impl Fn(&T, &R, &mut Differences),
    ) {
        for Recorded { data, meant, .. } in self.recorded(kind) {
            self.ours_read += 1;
            let theirs = self.decoded::<T>(kind, data);
            match read(data) {
                Err(error) => self.problem(kind, format!("ours, to us: {error}")),
                Ok(ours) => {
                    if let Some(theirs) = theirs {
                        let _ =
                            self.compare(kind, "ours", meant, |out| compare(&theirs, &ours, out));
                    }
                }
            }
        }
    }

    /// Whether there are samples, and we read them all and say the same.
    fn its<T: Packet, R>(
        &mut self,
        kind: &Kind,
        samples: &[T],
        read: impl Fn(&[u8]) -> Result<R, String>,
        compare: &impl Fn(&T, &R, &mut Differences),
    ) -> bool {
        let mut good = !samples.is_empty();
        for sample in samples {
            self.theirs_read += 1;
            match self.encoded(sample).and_then(|data| read(&data)) {
                Err(error) => {
                    good = false;
                    self.problem(kind, format!("its, to us: {error}"));
                }
                Ok(ours) => {
                    good &= self.compare(kind, "its", &[], |out| compare(sample, &ours, out));
                }
            }
        }
        good
    }

    fn compare(
        &mut self,
        kind: &Kind,
        whose: &str,
        meant: &[Meant],
        compare: impl FnOnce(&mut Differences),
    ) -> bool {
        let mut differences = Differences::default();
        compare(&mut differences);
        differences.against(meant);
        let equal = differences.found.is_empty();
        for difference in differences.found {
            self.problem(kind, format!("{whose}: {difference}"));
        }
        equal
    }

    fn recorded(&self, kind: &Kind) -> impl Iterator<Item = &'a Recorded> + use<'a> {
        let (direction, state, name) = kind.clone();
        let packets: &'a [Recorded] = &self.recording.packets;
        packets.iter().filter(move |packet| {
            packet.direction == direction && packet.state == state && packet.name == name
        })
    }

    /// What it reads of a packet of ours. Bytes that it leaves are a problem, but no reason not to look at the rest.
    fn decoded<T: Packet>(&mut self, kind: &Kind, data: &[u8]) -> Option<T> {
        let mut rest = data;
        match T::decode(&mut rest, self.version) {
            Ok(packet) => {
                if !rest.is_empty() {
                    let left = rest.len();
                    self.problem(kind, format!("ours, to it: {left} bytes left over"));
                }
                Some(packet)
            }
            Err(error) => {
                self.problem(kind, format!("ours, to it: {error}"));
                None
            }
        }
    }

    fn encoded<T: Packet>(&self, packet: &T) -> Result<Vec<u8>, String> {
        let mut data = Vec::new();
        packet
            .encode(&mut data, self.version)
            .map_err(|error| format!("it cannot write this: {error}"))?;
        Ok(data)
    }
}

fn read_clientbound(
    context: &sim_proto::Context,
    (_, state, name): &Kind,
    data: &[u8],
) -> Result<sim_proto::Packet, String> {
    let data = Bytes::copy_from_slice(data);
    sim_proto::decode(context, *state, name, &data).map_err(|error| error.to_string())
}

fn read_serverbound(protocol: i32, kind: &Kind, data: &[u8]) -> Result<Fields, String> {
    let context = sim_proto::Context::new(sim_proto::Version::new(protocol));
    read_dump(&context, kind, data)
}

fn read_dump(
    context: &sim_proto::Context,
    (direction, state, name): &Kind,
    data: &[u8],
) -> Result<Fields, String> {
    let table = vb_data::packets(context.version.protocol(), *state, *direction);
    let id = table.and_then(|table| table.id(name)).unwrap_or(-1);
    let annotated = sim_proto::annotate_in(context, *state, *direction, id, data);
    if let Some(error) = annotated.error {
        return Err(error.to_string());
    }
    match annotated.fields.iter().find(|field| field.path == NOT_READ) {
        Some(rest) => Err(format!("{} not read", rest.value)),
        None => Ok(Fields(annotated.fields)),
    }
}

/// What a dump calls bytes that it did not take apart.
const NOT_READ: &str = "(not read)";

/// Fields with their paths.
type Walked = Vec<(String, String)>;

/// Notes the first value that no field has after those before it.
fn in_order(says: &[String], read: &Walked, out: &mut Differences) {
    let mut fields = read.iter();
    for value in says {
        if !fields.any(|(_, read)| read.contains(value)) {
            return out.note(format!("{value} does not follow in {read:?}"));
        }
    }
}

/// A packet of its own, and what its fields must say, in order.
pub(crate) struct Told<T> {
    /// The packet.
    pub(crate) packet: T,
    /// Parts of the values of fields.
    pub(crate) says: Vec<String>,
}

/// A packet as our dumps show it.
pub(crate) struct Fields(Vec<Field>);

impl Fields {
    /// The text of a field; None when the packet does not have it.
    pub(crate) fn get(&self, path: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|field| field.path == path)
            .map(|field| field.value.as_str())
    }

    /// How many bytes a field has.
    pub(crate) fn length(&self, path: &str) -> Option<usize> {
        self.0
            .iter()
            .find(|field| field.path == path)
            .map(|field| field.len)
    }
}

fn state_of(state: ConnectionState) -> State {
    match state {
        ConnectionState::Handshake => State::Handshaking,
        ConnectionState::Status => State::Status,
        ConnectionState::Login => State::Login,
        ConnectionState::Config => State::Configuration,
        ConnectionState::Play => State::Play,
    }
}
