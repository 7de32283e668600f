//! What a seed draws: a protocol, guests, clients with their scripts, a network, and what whoever runs the host does.
//! It is made of parts that can be left out one by one, so that a world that fails can be made small.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use crate::rng::Rng;
use crate::subject::network::{Cut, CutKind, Way, Weather, When};

/// Clients of a world besides the bystander, at most.
const ACTORS: usize = 5;

/// Steps of a client's script, at most.
const STEPS: usize = 6;

/// Things that a native handler does in a session besides echoing, at most.
const DEEDS: usize = 3;

/// Things that whoever runs the host does, at most.
const ORDERS: usize = 3;

/// Places of a host that has few of them: at least one for each who is there whatever happens, and more at most.
const LEAST_PLACES: usize = 3;
const PLACES: usize = 6;

/// Connections of a crowd, at most.
const CROWD: usize = 40;

/// The longest that nothing runs. Anything over the start's deadline of 10 s would let sessions fail by right.
const STANDSTILL_MS: usize = 5_000;

/// The latest that a client comes.
const ARRIVAL_MS: usize = 3_000;

/// The latest that an order comes.
const ORDER_MS: usize = 8_000;

/// Everything that happens, as drawn from a seed.
#[derive(Debug, Clone, PartialEq)]
pub struct World {
    /// Where it comes from.
    pub seed: u64,
    /// What all its clients speak.
    pub protocol: i32,
    /// As in the host's configuration.
    pub compression: i32,
    /// Who plays server for the clients of [`Backend::Guest`].
    pub guest: Guest,
    /// Whether each session has an instance of the guest of its own.
    pub per_session: bool,
    /// Connections that the host takes at one time, where there are few.
    pub places: Option<u32>,
    /// The clients.
    pub actors: Vec<Actor>,
    /// What whoever runs the host does.
    pub orders: Vec<(Duration, Order)>,
}

/// A guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guest {
    /// The lobby.
    Lobby,
    /// The probe, which does what a client tells it.
    Probe,
}

/// Who plays server for a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// The world's guest.
    Guest,
    /// The native handler, which echoes.
    Native,
    /// The host's own idle world.
    Limbo,
    /// Nobody: the client is turned away.
    Nobody,
}

/// A client, its connection and its session.
#[derive(Debug, Clone, PartialEq)]
pub struct Actor {
    /// Its place in the world as drawn, which is its name too.
    pub number: usize,
    /// When it connects.
    pub arrives: Duration,
    /// Who plays server for it.
    pub backend: Backend,
    /// How long the listener thinks that sends it there.
    pub thinks: Duration,
    /// How its connection treats bytes.
    pub weather: Weather,
    /// How its connection ends before its time, if it does.
    pub cut: Option<Cut>,
    /// What it does, one after the other, from the moment it connects. Then it lives on for a while and leaves.
    pub steps: Vec<Step>,
    /// What its native handler does besides echoing.
    pub deeds: Vec<Deed>,
    /// How long it lives on after its last step.
    pub lingers: Duration,
}

impl Actor {
    /// The name that it logs in with.
    #[must_use]
    pub fn name(&self) -> String {
        format!("client{}", self.number)
    }

    /// Whether it does nothing that ends its session, slows it down, or keeps it from reading.
    #[must_use]
    pub fn is_patient(&self) -> bool {
        let quiet = |step: &Step| matches!(step, Step::Join | Step::Wait(_) | Step::Chat("hello"));
        self.cut.is_none() && self.steps.iter().all(quiet)
    }
}

/// What a client does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Nothing until it is in play, or its time for that is over.
    Join,
    /// Nothing for a while, but it lives.
    Wait(Duration),
    /// Says something.
    Chat(&'static str),
    /// Sends so many packets of any ids and so many bytes each.
    Packets(usize, usize),
    /// Tells the probe something.
    Command(&'static str),
    /// Reads nothing for a while; what it sends is written.
    Freeze(Duration),
    /// Sends a packet that no client sends: a negative id.
    Misbehave,
    /// Ends its own direction after all that it has said.
    HalfClose,
    /// Breaks the connection.
    Reset,
    /// Goes away without a word.
    Vanish,
}

/// What a native handler does in a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deed {
    /// When.
    pub at: Moment,
    /// What.
    pub act: Act,
}

/// When a native handler does something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// In the start callback.
    Start,
    /// In the callback of this packet, counted from 0.
    Packet(u64),
    /// In a task of its own, so long after the start, whether the session lasts or not.
    Later(Duration),
}

/// What a native handler does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Holds the callback up.
    Pause(Duration),
    /// Sends so many packets of so many random bytes, until it is refused.
    Flood(usize, usize),
    /// Sends so many packets in a batch.
    Batch(usize),
    /// Sends a packet that is invalid, which must be refused.
    Invalid,
    /// Sends a message.
    Message,
    /// Disconnects the client.
    Disconnect,
}

/// What whoever runs the host does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Kicks the client of this number, if it is there.
    Kick(usize),
    /// Stops the host.
    Shutdown,
    /// Not an order, but what the world does to the host: so many connections come at once and say nothing.
    Crowd(usize),
    /// Nothing runs for so long, as when a machine sleeps: all that is due meanwhile comes at once.
    Standstill(Duration),
}

/// A part of a world that can be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Actor(usize),
    Cut(usize),
    Weather(usize),
    Thinking(usize),
    Step(usize, usize),
    Deed(usize, usize),
    Order(usize),
    Places,
}

impl World {
    /// The world of a seed.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        let protocols = vb_data::supported();
        let mut draw = Draw(Rng::for_purpose(seed, "soak", 0));
        let protocol = draw.of(protocols).unwrap_or_default();
        let compression = draw.of(&[-1, 0, 64, 256, 256]).unwrap_or(256);
        let guest = draw
            .of(&[Guest::Lobby, Guest::Probe])
            .unwrap_or(Guest::Lobby);
        let per_session = draw.one_in(3);
        let actors: Vec<_> = (0..=draw.below(ACTORS))
            .map(|number| draw.actor(number, guest))
            .collect();
        let orders: Vec<_> = (0..draw.below(ORDERS + 1))
            .map(|_| {
                let at = draw.millis(ORDER_MS);
                let order = if draw.one_in(4) {
                    Order::Shutdown
                } else {
                    Order::Kick(draw.below(actors.len()))
                };
                (at, order)
            })
            .collect();
        let mut world = Self {
            seed,
            protocol,
            compression,
            guest,
            per_session,
            places: None,
            actors,
            orders,
        };
        world.made_scarce(Draw(Rng::for_purpose(seed, "scarcity", 0)));
        world
    }

    /// What the world does to the host besides.
    fn made_scarce(&mut self, mut draw: Draw) {
        if draw.one_in(3) {
            self.places = Some(u32::try_from(LEAST_PLACES + draw.below(PLACES)).unwrap_or(1));
        }
        if draw.one_in(3) {
            let crowd = Order::Crowd(1 + draw.below(CROWD));
            self.orders.push((draw.millis(ORDER_MS), crowd));
        }
        if draw.one_in(4) {
            let still = Order::Standstill(draw.millis(STANDSTILL_MS));
            self.orders.push((draw.millis(ORDER_MS), still));
        }
    }

    /// How many parts it has that can be left out, counted from 0 in an order that hangs on the seed alone.
    #[must_use]
    pub fn parts(&self) -> usize {
        self.list().len()
    }

    /// The world with these of its parts only. What belongs to a part that is left out goes with it.
    #[must_use]
    pub fn keeping(&self, parts: &BTreeSet<usize>) -> Self {
        let list = self.list();
        let kept: BTreeSet<Part> = parts
            .iter()
            .filter_map(|&part| list.get(part).copied())
            .collect();
        let has = |part: Part| kept.contains(&part);
        let actors = self
            .actors
            .iter()
            .enumerate()
            .filter(|(i, _)| has(Part::Actor(*i)));
        let actors = actors.map(|(i, actor)| Actor {
            cut: actor.cut.filter(|_| has(Part::Cut(i))),
            weather: if has(Part::Weather(i)) {
                actor.weather
            } else {
                Weather::CALM
            },
            thinks: if has(Part::Thinking(i)) {
                actor.thinks
            } else {
                Duration::ZERO
            },
            steps: keep(&actor.steps, |j| has(Part::Step(i, j))),
            deeds: keep(&actor.deeds, |j| has(Part::Deed(i, j))),
            ..actor.clone()
        });
        Self {
            actors: actors.collect(),
            places: self.places.filter(|_| has(Part::Places)),
            orders: keep(&self.orders, |k| has(Part::Order(k))),
            ..self.clone()
        }
    }

    fn list(&self) -> Vec<Part> {
        let mut parts = Vec::new();
        for (i, actor) in self.actors.iter().enumerate() {
            parts.push(Part::Actor(i));
            parts.extend(actor.cut.map(|_| Part::Cut(i)));
            parts.push(Part::Weather(i));
            parts.extend((!actor.thinks.is_zero()).then_some(Part::Thinking(i)));
            parts.extend((0..actor.steps.len()).map(|j| Part::Step(i, j)));
            parts.extend((0..actor.deeds.len()).map(|j| Part::Deed(i, j)));
        }
        parts.extend((0..self.orders.len()).map(Part::Order));
        parts.extend(self.places.map(|_| Part::Places));
        parts
    }
}

fn keep<T: Clone>(all: &[T], kept: impl Fn(usize) -> bool) -> Vec<T> {
    let kept = all.iter().enumerate().filter(|(index, _)| kept(*index));
    kept.map(|(_, item)| item.clone()).collect()
}

/// Draws of a world.
struct Draw(Rng);

impl Draw {
    fn below(&mut self, bound: usize) -> usize {
        self.0.below(bound)
    }

    fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> Option<T> {
        all.get(self.below(all.len())).copied()
    }

    fn millis(&mut self, below: usize) -> Duration {
        Duration::from_millis(self.below(below) as u64)
    }

    fn actor(&mut self, number: usize, guest: Guest) -> Actor {
        let backends = [
            Backend::Guest,
            Backend::Guest,
            Backend::Native,
            Backend::Native,
            Backend::Native,
            Backend::Limbo,
            Backend::Nobody,
        ];
        let backend = self.of(&backends).unwrap_or(Backend::Native);
        let arrives = self.millis(ARRIVAL_MS);
        let thinks = if self.one_in(4) {
            self.millis(3_000)
        } else {
            Duration::ZERO
        };
        let weather = self.weather();
        let cut = self.one_in(3).then(|| self.cut());
        // One in four begins at once, so that it does what it does in the middle of its login.
        let join = (!self.one_in(4)).then_some(Step::Join);
        let steps = (0..self.below(STEPS + 1)).map(|_| self.step(backend, guest));
        let steps = join.into_iter().chain(steps).collect();
        let deeds = if backend == Backend::Native {
            self.below(DEEDS + 1)
        } else {
            0
        };
        let deeds = (0..deeds).map(|_| self.deed()).collect();
        Actor {
            number,
            arrives,
            backend,
            thinks,
            weather,
            cut,
            steps,
            deeds,
            lingers: self.millis(2_000),
        }
    }

    fn weather(&mut self) -> Weather {
        if self.one_in(4) {
            return Weather::CALM;
        }
        Weather {
            delay: self.millis(80),
            jitter: self.millis(40),
            piece: [
                self.of(&[1, 3, 16, 200, 4096]).unwrap_or(16),
                self.of(&[256, 1500, 4096, 16_384]).unwrap_or(4096),
            ],
            room: self.of(&[2048, 8192, 65_536]).unwrap_or(8192),
        }
    }

    fn cut(&mut self) -> Cut {
        let when = match self.below(3) {
            0 => When::Byte(Way::ToHost, self.below(400) as u64),
            1 => When::Byte(Way::ToClient, self.below(60_000) as u64),
            _ => When::Time(self.millis(4_000)),
        };
        let kinds = [
            CutKind::End,
            CutKind::Reset,
            CutKind::Reset,
            CutKind::Silence,
        ];
        let kind = self.of(&kinds).unwrap_or(CutKind::Reset);
        Cut { when, kind }
    }

    fn step(&mut self, backend: Backend, guest: Guest) -> Step {
        if backend == Backend::Guest && guest == Guest::Probe && self.one_in(2) {
            return Step::Command(self.of(&COMMANDS).unwrap_or("info"));
        }
        match self.below(16) {
            0..5 => Step::Wait(self.millis(1_500)),
            5..7 => Step::Chat(
                self.of(&["hello", "/leave", "/nonsense"])
                    .unwrap_or("hello"),
            ),
            7..11 => Step::Packets(1 + self.below(40), self.below(300)),
            11 => Step::Packets(400, 1000),
            12 => Step::Freeze(
                self.of(&[200, 3_000, 35_000])
                    .map_or(Duration::ZERO, Duration::from_millis),
            ),
            13 => Step::HalfClose,
            14 => self.of(&[false, true]).map_or(Step::Reset, |gone| {
                if gone { Step::Vanish } else { Step::Reset }
            }),
            _ => Step::Misbehave,
        }
    }

    fn deed(&mut self) -> Deed {
        let at = match self.below(3) {
            0 => Moment::Start,
            1 => Moment::Packet(self.below(20) as u64),
            _ => Moment::Later(self.millis(3_000)),
        };
        let act = match self.below(12) {
            0..3 => Act::Pause(self.millis(400)),
            3 => Act::Pause(Duration::from_secs(11)),
            4..6 => Act::Flood(20 + self.below(100), self.below(600)),
            6 => Act::Flood(1500, 1000),
            7 => Act::Batch(1 + self.below(30)),
            8 => Act::Invalid,
            9 => Act::Message,
            _ => Act::Disconnect,
        };
        Deed { at, act }
    }
}

/// What clients tell the probe.
const COMMANDS: [&str; 12] = [
    "info",
    "acquire",
    "kept-message plain kept",
    "message plain hello",
    "disconnect plain told to",
    "switch nowhere",
    "schedule 300",
    "repeat 50 200",
    "echo on",
    "send 0x7fffffff 00",
    "trap",
    "flood 300 0x7ffffffe 600",
];

impl fmt::Display for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let instances = if self.per_session {
            "one a session"
        } else {
            "shared"
        };
        write!(
            f,
            "protocol {}, compression {}, guest {:?} (instances: {instances})",
            self.protocol, self.compression, self.guest
        )?;
        if let Some(places) = self.places {
            write!(f, ", {places} places")?;
        }
        for actor in &self.actors {
            write!(
                f,
                "\nclient {}: comes at {:?}, to {:?}",
                actor.number, actor.arrives, actor.backend
            )?;
            if !actor.thinks.is_zero() {
                write!(f, ", whose listener thinks for {:?}", actor.thinks)?;
            }
            if actor.weather != Weather::CALM {
                let Weather {
                    delay,
                    jitter,
                    piece,
                    room,
                } = actor.weather;
                write!(
                    f,
                    "\n  network: {delay:?} + {jitter:?}, pieces {piece:?}, room {room}"
                )?;
            }
            if let Some(Cut { when, kind }) = actor.cut {
                write!(f, "\n  cut: {kind:?} at {when:?}")?;
            }
            for deed in &actor.deeds {
                write!(f, "\n  handler: {:?} at {:?}", deed.act, deed.at)?;
            }
            for step in &actor.steps {
                write!(f, "\n  does: {step:?}")?;
            }
            write!(f, "\n  leaves after {:?}", actor.lingers)?;
        }
        for (at, order) in &self.orders {
            write!(f, "\noperator: {order:?} at {at:?}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_a_world_and_all_its_parts_are_it() {
        for seed in 0..200 {
            let world = World::of(seed);
            assert_eq!(world, World::of(seed));
            let all = (0..world.parts()).collect();
            assert_eq!(world.keeping(&all), world);
        }
    }

    #[test]
    fn a_part_that_is_left_out_is_gone() {
        let world = World::of(1);
        assert_eq!(world.keeping(&BTreeSet::new()).actors, Vec::new());
        let one = world.keeping(&BTreeSet::from([0]));
        assert_eq!(one.actors.len(), 1);
        assert!(one.actors[0].steps.is_empty() && one.orders.is_empty());
    }

    #[test]
    fn seeds_draw_everything() {
        let worlds: Vec<World> = (0..2000).map(World::of).collect();
        let text: String = worlds.iter().map(ToString::to_string).collect();
        for word in [
            "Lobby",
            "Probe",
            "one a session",
            "Native",
            "Limbo",
            "Nobody",
            "Silence",
            "Reset",
            "End",
            "Vanish",
            "Freeze(35s)",
            "HalfClose",
            "Misbehave",
            "Flood(1500",
            "Pause(11s)",
            "Disconnect",
            "Kick",
            "Shutdown",
            "Crowd",
            "Standstill",
            "3 places",
        ] {
            assert!(text.contains(word), "{word}");
        }
        let protocols: BTreeSet<i32> = worlds.iter().map(|world| world.protocol).collect();
        assert_eq!(protocols.len(), vb_data::supported().len());
    }
}
