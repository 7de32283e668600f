//! A server written by hand, byte by byte: it shares the primitives with the crate, and no layout.
#![allow(dead_code, reason = "each test binary uses a part")]

use std::time::Duration;

use sim_proto::wire::Writer;
use sim_proto::{Client, ClientConfig, Event, Fault, Packet, Remark, Sent, Verdict};
use vb_data::{Direction, State};

/// The thirteen protocols that have data.
pub const PROTOCOLS: &[i32] = &[
    47, 340, 498, 578, 736, 754, 758, 760, 763, 765, 767, 770, 775,
];

/// A client and the bytes that a server sends it.
pub struct Duel {
    pub client: Client,
    pub protocol: i32,
    pub now: Duration,
    pub events: Vec<Event>,
    pub threshold: Option<usize>,
}

impl Duel {
    pub fn new(protocol: i32) -> Duel {
        Duel::with(ClientConfig::new(protocol, "Steve"))
    }

    pub fn with(config: ClientConfig) -> Duel {
        let protocol = config.protocol;
        let mut duel = Duel {
            client: Client::new(config, Duration::ZERO),
            protocol,
            now: Duration::ZERO,
            events: Vec::new(),
            threshold: None,
        };
        duel.drain();
        duel
    }

    pub fn id(&self, name: &str) -> i32 {
        vb_data::packets(self.protocol, self.client.state(), Direction::Clientbound)
            .and_then(|table| table.id(name))
            .unwrap_or_else(|| panic!("{} has no {name} in {}", self.protocol, self.client.state()))
    }

    /// Sends a packet by its name.
    pub fn send(&mut self, name: &str, data: &[u8]) -> &mut Self {
        let id = self.id(name);
        self.send_id(id, data)
    }

    pub fn send_id(&mut self, id: i32, data: &[u8]) -> &mut Self {
        let mut packet = Writer::new();
        packet.varint(id).raw(data);
        let packet = packet.into_bytes();
        let mut body = Writer::new();
        if self.threshold.is_some() {
            body.varint(0);
        }
        body.raw(&packet);
        let body = body.into_bytes();
        let mut frame = Writer::new();
        frame.length(body.len()).raw(&body);
        self.bytes(&frame.into_bytes())
    }

    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.client.receive(bytes, self.now);
        self.drain();
        self
    }

    /// Lets time pass as a driver does: from deadline to deadline.
    pub fn pass(&mut self, time: Duration) -> &mut Self {
        let end = self.now + time;
        while let Some(next) = self.client.poll_timeout().filter(|next| *next <= end) {
            assert!(next >= self.now, "a deadline lies in the past");
            self.now = next;
            self.client.handle_timeout(next);
            self.drain();
        }
        self.now = end;
        self.client.handle_timeout(end);
        self.drain();
        self
    }

    pub fn drain(&mut self) {
        while let Some(event) = self.client.poll_event() {
            self.events.push(event);
        }
        while self.client.poll_transmit().is_some() {}
    }

    pub fn forget(&mut self) -> &mut Self {
        self.events.clear();
        self
    }

    pub fn sent(&self) -> Vec<&Sent> {
        self.events
            .iter()
            .filter_map(|event| {
                if let Event::Sent(sent) = event {
                    Some(sent)
                } else {
                    None
                }
            })
            .collect()
    }

    pub fn sent_names(&self) -> Vec<&'static str> {
        self.sent()
            .iter()
            .map(|sent| sent.name.unwrap_or("?"))
            .collect()
    }

    pub fn fault(&self) -> Option<&Fault> {
        self.events.iter().find_map(|event| {
            if let Event::Fault(fault) = event {
                Some(fault)
            } else {
                None
            }
        })
    }

    pub fn remarks(&self) -> Vec<&Remark> {
        self.events
            .iter()
            .filter_map(|event| {
                if let Event::Remark(remark) = event {
                    Some(remark)
                } else {
                    None
                }
            })
            .collect()
    }

    pub fn packets(&self) -> Vec<&Packet> {
        self.events
            .iter()
            .filter_map(|event| {
                if let Event::Received(received) = event {
                    Some(&received.packet)
                } else {
                    None
                }
            })
            .collect()
    }

    pub fn in_world(&self) -> bool {
        self.client.verdict() == Verdict::InWorld
    }

    /// The rest of the way through login and configuration, with everything that a client needs.
    pub fn log_in(&mut self) -> &mut Self {
        self.send("success", &login_success(self.protocol));
        if self.protocol >= 764 {
            self.configure();
        }
        assert_eq!(self.client.state(), State::Play, "{:?}", self.fault());
        self
    }

    pub fn configure(&mut self) -> &mut Self {
        if self.protocol >= 766 {
            self.send("select_known_packs", &known_packs(self.protocol));
        }
        for packet in registry_packets(self.protocol) {
            self.send("registry_data", &packet);
        }
        self.send("tags", &tags(self.protocol));
        self.send("finish_configuration", &[])
    }

    /// JoinGame and all that the terrain rule asks for.
    pub fn join(&mut self) -> &mut Self {
        self.log_in();
        self.send("login", &join_game(self.protocol));
        self.bring_into_world()
    }

    pub fn bring_into_world(&mut self) -> &mut Self {
        let protocol = self.protocol;
        if protocol >= 758 {
            self.send("spawn_position", &spawn_position(protocol));
        }
        self.send("position", &position(protocol, 0.5, 64.0, 0.5, 7));
        if protocol >= 765 {
            self.send("game_state_change", &game_event(13, 0.0));
        }
        if protocol >= 477 {
            let mut w = Writer::new();
            w.varint(0).varint(0);
            self.send("update_view_position", &w.into_bytes());
        }
        self.send("map_chunk", &empty_chunk(protocol, 0, 0));
        self.pass(Duration::from_millis(150))
    }
}

pub fn login_success(protocol: i32) -> Vec<u8> {
    let mut w = Writer::new();
    match protocol {
        4 => w.string("00112233445566778899aabbccddeeff"),
        5..=578 => w.string("00112233-4455-6677-8899-aabbccddeeff"),
        _ => w.uuid(0x0011_2233_4455_6677_8899_aabb_ccdd_eeff),
    };
    w.string("Steve");
    if protocol >= 759 {
        w.varint(0);
    }
    if protocol == 766 || protocol == 767 {
        w.bool(true);
    }
    if protocol >= 776 {
        w.uuid(1);
    }
    w.into_bytes()
}

pub fn known_packs(protocol: i32) -> Vec<u8> {
    let packs = vb_data::known_packs(protocol);
    let mut w = Writer::new();
    w.length(packs.len());
    for pack in packs {
        w.string(pack.namespace)
            .string(pack.id)
            .string(pack.version);
    }
    w.into_bytes()
}

/// The packets of `registry_data`, with data for every entry.
pub fn registry_packets(protocol: i32) -> Vec<Vec<u8>> {
    if protocol < 766 {
        return vec![codec(protocol, &|_, _| true)];
    }
    vb_data::registries(protocol)
        .iter()
        .map(|registry| registry_packet(registry, true))
        .collect()
}

pub fn registry_packet(registry: &vb_data::Registry, with_data: bool) -> Vec<u8> {
    let mut w = Writer::new();
    w.string(registry.name).length(registry.entries.len());
    for entry in registry.entries {
        w.string(entry.name).bool(with_data);
        if with_data {
            w.u8(root_kind(registry)).raw(entry.element);
        }
    }
    w.into_bytes()
}

/// The type byte before an element of a registry.
pub fn root_kind(registry: &vb_data::Registry) -> u8 {
    match registry.element_kind() {
        vb_data::ElementKind::Compound => 10,
        vb_data::ElementKind::List => 9,
    }
}

pub fn tags(protocol: i32) -> Vec<u8> {
    let mut w = Writer::new();
    let groups = vb_data::tags(protocol);
    w.length(groups.len());
    for group in groups {
        w.string(group.registry).length(group.tags.len());
        for tag in group.tags {
            w.string(tag.name).length(tag.entries.len());
            for entry in tag.entries {
                w.varint(*entry);
            }
        }
    }
    w.into_bytes()
}

/// NBT: a name as it stands before a value.
pub fn named(w: &mut Writer, kind: u8, name: &str) {
    w.u8(kind)
        .u16(u16::try_from(name.len()).unwrap())
        .raw(name.as_bytes());
}

/// The codec of JoinGame or of 764 and 765, as a root; `keep` says which entries of which registries.
pub fn codec(protocol: i32, keep: &dyn Fn(&str, &str) -> bool) -> Vec<u8> {
    let mut w = Writer::new();
    w.u8(10);
    if protocol < 764 {
        w.u16(0);
    }
    for registry in vb_data::registries(protocol) {
        let entries: Vec<_> = registry
            .entries
            .iter()
            .filter(|entry| keep(registry.name, entry.name))
            .collect();
        if protocol < 751 {
            named(&mut w, 9, "dimension");
            w.u8(10).i32(i32::try_from(entries.len()).unwrap());
            for entry in entries {
                w.raw(entry.element);
            }
            continue;
        }
        if !keep(registry.name, "") {
            continue;
        }
        named(&mut w, 10, registry.name);
        named(&mut w, 8, "type");
        w.u16(u16::try_from(registry.name.len()).unwrap())
            .raw(registry.name.as_bytes());
        named(&mut w, 9, "value");
        let kind = if entries.is_empty() { 0 } else { 10 };
        w.u8(kind).i32(i32::try_from(entries.len()).unwrap());
        for (entry, id) in entries.iter().zip(0..) {
            named(&mut w, 8, "name");
            w.u16(u16::try_from(entry.name.len()).unwrap())
                .raw(entry.name.as_bytes());
            named(&mut w, 3, "id");
            w.i32(id);
            named(&mut w, 10, "element");
            w.raw(entry.element).u8(0);
        }
        w.u8(0);
    }
    w.u8(0);
    w.into_bytes()
}

/// What may be varied in JoinGame.
pub struct Join {
    pub game_mode: u8,
    pub previous: i8,
    pub worlds: Vec<&'static str>,
    pub codec: Option<Vec<u8>>,
    pub dimension: &'static str,
    pub index: i32,
    pub number: i32,
    pub view_distance: i32,
}

impl Default for Join {
    fn default() -> Self {
        Join {
            game_mode: 1,
            previous: -1,
            worlds: vec!["minecraft:overworld"],
            codec: None,
            dimension: "minecraft:overworld",
            index: 0,
            number: 0,
            view_distance: 8,
        }
    }
}

pub fn join_game(protocol: i32) -> Vec<u8> {
    join_game_with(protocol, &Join::default())
}

/// JoinGame, written from the list of changes (protocol-facts, section 3), not from the crate's tables.
pub fn join_game_with(p: i32, join: &Join) -> Vec<u8> {
    let mut w = Writer::new();
    w.i32(42);
    if p >= 751 {
        w.bool(false);
    }
    let modes = |w: &mut Writer| {
        if p >= 777 {
            w.varint(i32::from(join.game_mode))
                .varint(i32::from(join.previous) + 1);
        } else {
            w.u8(join.game_mode);
            if p >= 735 {
                w.i8(join.previous);
            }
        }
    };
    let worlds = |w: &mut Writer| {
        w.length(join.worlds.len());
        for world in &join.worlds {
            w.string(world);
        }
    };
    if p < 735 {
        modes(&mut w);
        if p >= 108 {
            w.i32(join.number);
        } else {
            w.i8(i8::try_from(join.number).unwrap());
        }
        if p >= 573 {
            w.i64(99);
        }
        if p < 477 {
            w.u8(1);
        }
        w.u8(20).string("default");
        if p >= 477 {
            w.varint(join.view_distance);
        }
        if p >= 47 {
            w.bool(false);
        }
        if p >= 573 {
            w.bool(true);
        }
        return w.into_bytes();
    }
    if p < 764 {
        modes(&mut w);
        worlds(&mut w);
        w.raw(&join.codec.clone().unwrap_or_else(|| codec(p, &|_, _| true)));
        if (751..759).contains(&p) {
            let dimensions = &vb_data::registries(p)
                .iter()
                .find(|r| r.name.ends_with("dimension_type"))
                .unwrap();
            w.u8(10)
                .u16(0)
                .raw(dimensions.entry(join.dimension).unwrap().element);
        } else {
            w.string(join.dimension);
        }
        w.string("minecraft:overworld").i64(99);
        if p >= 751 {
            w.varint(20);
        } else {
            w.u8(20);
        }
        w.varint(join.view_distance);
        if p >= 757 {
            w.varint(8);
        }
        w.bool(false).bool(true).bool(false).bool(true);
        if p >= 759 {
            w.bool(true).string("minecraft:the_nether").i64(-1);
        }
        if p >= 763 {
            w.varint(3);
        }
        return w.into_bytes();
    }
    worlds(&mut w);
    w.varint(20)
        .varint(join.view_distance)
        .varint(8)
        .bool(false)
        .bool(true)
        .bool(false);
    if p >= 766 {
        w.varint(join.index);
    } else {
        w.string(join.dimension);
    }
    w.string("minecraft:overworld").i64(99);
    modes(&mut w);
    w.bool(false).bool(true).bool(false).varint(3);
    if p >= 768 {
        w.varint(63);
    }
    if p >= 776 {
        w.bool(false);
    }
    if p >= 766 {
        w.bool(false);
    }
    w.into_bytes()
}

pub fn position(p: i32, x: f64, y: f64, z: f64, id: i32) -> Vec<u8> {
    let mut w = Writer::new();
    if p >= 768 {
        w.varint(id);
    }
    w.f64(x).f64(y).f64(z);
    if p >= 768 {
        w.f64(0.0).f64(0.0).f64(0.0);
    }
    w.f32(90.0).f32(10.0);
    if p >= 768 {
        w.i32(0);
    } else {
        w.u8(0);
    }
    if (107..768).contains(&p) {
        w.varint(id);
    }
    if (755..762).contains(&p) {
        w.bool(false);
    }
    w.into_bytes()
}

pub fn game_event(event: u8, value: f32) -> Vec<u8> {
    let mut w = Writer::new();
    w.u8(event).f32(value);
    w.into_bytes()
}

pub fn spawn_position(p: i32) -> Vec<u8> {
    let mut w = Writer::new();
    if p >= 773 {
        w.string("minecraft:overworld");
    }
    w.i64(0);
    if p >= 755 {
        w.f32(0.0);
    }
    if p >= 773 {
        w.f32(0.0);
    }
    w.into_bytes()
}

/// Sections of the overworld of a protocol.
pub fn overworld_sections(p: i32) -> usize {
    if p >= 757 { 24 } else { 16 }
}

/// A column of air in plains.
pub fn empty_chunk(p: i32, x: i32, z: i32) -> Vec<u8> {
    chunk_with(p, x, z, overworld_sections(p), 0)
}

/// A column of so many sections of air; biome ids are those given (757+).
pub fn chunk_with(p: i32, x: i32, z: i32, sections: usize, biome: i32) -> Vec<u8> {
    let mut w = Writer::new();
    w.i32(x).i32(z);
    if p >= 757 {
        heightmaps(&mut w, p);
        let mut data = Writer::new();
        for _ in 0..sections {
            data.i16(0);
            if p >= 775 {
                data.i16(0);
            }
            for value in [0, biome] {
                data.u8(0).varint(value);
                if p < 770 {
                    data.varint(0);
                }
            }
        }
        let data = data.into_bytes();
        w.length(data.len()).raw(&data).varint(0);
        if p < 763 {
            w.bool(true);
        }
        for _ in 0..6 {
            w.varint(0);
        }
        return w.into_bytes();
    }
    if p < 755 {
        w.bool(true);
    }
    if (735..751).contains(&p) {
        w.bool(true);
    }
    // One section of air; on 47 a column without any would be an unload.
    match p {
        ..107 => w.u16(1),
        107..755 => w.varint(1),
        755.. => w.varint(1).i64(1),
    };
    if p >= 477 {
        heightmaps(&mut w, p);
    }
    match p {
        573..751 => {
            w.raw(&[0; 4096]);
        }
        751..755 => {
            w.length(1024).raw(&[0; 1024]);
        }
        755..757 => {
            w.length(1024).raw(&[0; 1024]);
        }
        _ => {}
    }
    let mut data = Writer::new();
    if p == 47 {
        data.raw(&[0; 8192 + 4096]);
    } else {
        if p >= 477 {
            data.i16(0);
        }
        data.u8(4).varint(1).varint(0).varint(256).raw(&[0; 2048]);
        if p < 477 {
            data.raw(&[0; 4096]);
        }
    }
    match p {
        ..393 => {
            data.raw(&[1; 256]);
        }
        393..573 => {
            data.raw(&[0; 1024]);
        }
        _ => {}
    }
    let data = data.into_bytes();
    w.length(data.len()).raw(&data);
    if p >= 110 {
        w.varint(0);
    }
    w.into_bytes()
}

fn heightmaps(w: &mut Writer, p: i32) {
    if p >= 770 {
        w.varint(1).varint(4).varint(37).raw(&[0; 37 * 8]);
        return;
    }
    w.u8(10);
    if p < 764 {
        w.u16(0);
    }
    named(w, 12, "MOTION_BLOCKING");
    w.i32(37).raw(&[0; 37 * 8]).u8(0);
}

/// Keeps a client from timing out, without touching its world.
pub fn keep_alive(duel: &mut Duel, seconds: u64) {
    for _ in 0..seconds {
        let data = keep_alive_bytes(duel.protocol, 5);
        duel.send("keep_alive", &data).pass(Duration::from_secs(1));
    }
}

pub fn keep_alive_bytes(protocol: i32, id: i64) -> Vec<u8> {
    let mut w = Writer::new();
    match protocol {
        ..47 => w.i32(i32::try_from(id).unwrap()),
        47..340 => w.varint(i32::try_from(id).unwrap()),
        340.. => w.i64(id),
    };
    w.into_bytes()
}
