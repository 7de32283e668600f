//! How a client can misbehave, each way by a name that cases and the command line share.
//!
//! ```text
//! close@login-start     a deed, and the step of the join at which it is done
//! flood=500             a deed with a number; each has a usual one, and a usual step
//! ```
//!
//! - [`Behaviour`] = a [`Deed`] at a [`Step`]; [`Driver::behaving`](crate::Driver::behaving) has a client do it.
//! - `craft`: frames that no client makes. When they are sent is the driver's business.

pub(crate) mod craft;

use std::fmt;
use std::str::FromStr;

use sim_proto::{Event, Packet, Version};
use thiserror::Error;
use vb_data::State;

pub use craft::{BOMB_BYTES, UNASKED_KEEP_ALIVE, UNKNOWN_IDS};

/// Seconds that a late keep-alive answer takes if nothing else is said: what a guest must put up with (VB-KA-05).
pub const LATE_SECONDS: u32 = 10;

/// Packets a second of a flood if nothing else is said.
pub const FLOOD_RATE: u32 = 10_000;

/// Most packets a second that a flood may be asked for: what one core can still make.
pub const MAX_FLOOD_RATE: u32 = 1_000_000;

/// A way of not behaving, and when. Written `name`, `name=number`, `name@step` or `name=number@step`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Behaviour {
    /// What is done.
    pub deed: Deed,
    /// From when on, or after what.
    pub at: Step,
}

/// What a client does that no client does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Deed {
    /// Answers no keep-alive.
    KeepAliveNever,
    /// Answers keep-alives with the id plus one.
    KeepAliveWrong,
    /// Answers each keep-alive twice.
    KeepAliveTwice,
    /// Answers keep-alives after so many seconds.
    KeepAliveLate(u32),
    /// Answers a keep-alive that nobody sent, [`UNASKED_KEEP_ALIVE`], once.
    KeepAliveUnasked,
    /// Writes each byte by itself, one a millisecond.
    Split,
    /// Writes one byte a second.
    Drip,
    /// Sends a packet of another state: before play the last of play, in play `configuration_acknowledged` (764+) or
    /// another login start.
    WrongState,
    /// Sends ids that no protocol has, each without a payload: [`UNKNOWN_IDS`].
    UnknownIds,
    /// Sends a packet whose id is -1, and nothing more.
    NegativeId,
    /// Announces a frame of 2,097,152 bytes, one more than can be, and sends nothing more.
    OversizedLength,
    /// Announces a frame of -1 bytes, and sends nothing more.
    NegativeLength,
    /// Announces a frame of one byte in a length of four, sends that byte, and nothing more.
    OverlongLength,
    /// Sends a compressed packet that declares 2,097,151 bytes and holds [`BOMB_BYTES`], and nothing more. Done where
    /// the server has turned compression on.
    CompressionBomb,
    /// Sends a compressed packet of one byte less than the threshold, and nothing more. Done where the server's
    /// threshold is over 1.
    CompressedBelowThreshold,
    /// Ends the connection.
    Close,
    /// Ends its own direction and reads on.
    HalfClose,
    /// Reads nothing any more, and so answers nothing.
    NeverRead,
    /// Sends so many small packets a second, without end: plugin messages, and login starts before configuration.
    Flood(u32),
    /// Cuts packets. Before play: the step's own, to so many bytes after its id or else by its last one, and sends
    /// nothing more; done where the packet is longer. From play on: one of each kind that a client sends, to so many
    /// bytes or else to every length there is, and goes on.
    Truncated(Option<u32>),
}

/// A moment of the join: right after what it is named after, before anything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// The connection is open, and nothing has been sent.
    Connected,
    /// The handshake has been sent.
    Handshake,
    /// Login start has been sent.
    LoginStart,
    /// Login success has been acknowledged (764+).
    LoginAcknowledged,
    /// The known packs have been answered (766+).
    KnownPacks,
    /// The play state has begun; from 764 on the end of the configuration has been acknowledged.
    Play,
    /// JoinGame has come.
    JoinGame,
    /// The client is in the world.
    InWorld,
}

/// Why a text names no behaviour. The text says what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BehaviourError {
    /// There is no such deed.
    #[error("there is no behaviour `{given}`; there are: {}", names().collect::<Vec<_>>().join(", "))]
    Unknown {
        /// As it was written.
        given: String,
    },
    /// There is no such step.
    #[error("there is no step `{given}`; there are: {}", steps())]
    Step {
        /// As it was written.
        given: String,
    },
    /// The deed is never done at that step.
    #[error("`{name}` is not done at `{at}`, but at: {}", list(.possible))]
    NotThere {
        /// The deed.
        name: &'static str,
        /// The step.
        at: Step,
        /// Where it can be done.
        possible: Vec<Step>,
    },
    /// The number does not fit, or there is none to give.
    #[error("`{name}` takes {expected}, not `{given}`")]
    Number {
        /// The deed.
        name: &'static str,
        /// What it takes.
        expected: String,
        /// As it was written.
        given: String,
    },
}

/// One row of the table of deeds.
struct Kind {
    name: &'static str,
    /// With its usual number.
    deed: Deed,
    usual: Step,
    possible: &'static [Step],
    /// Least, most and what of; none without a number.
    number: Option<(u32, u32, &'static str)>,
    about: &'static str,
}

const ALL_STEPS: &[Step] = &[
    Step::Connected,
    Step::Handshake,
    Step::LoginStart,
    Step::LoginAcknowledged,
    Step::KnownPacks,
    Step::Play,
    Step::JoinGame,
    Step::InWorld,
];
const FROM_LOGIN_ACKNOWLEDGED: &[Step] = &[
    Step::LoginAcknowledged,
    Step::KnownPacks,
    Step::Play,
    Step::JoinGame,
    Step::InWorld,
];
const AT_CONNECTED: &[Step] = &[Step::Connected];
/// Where there is a packet with contents to cut.
const CUTTABLE: &[Step] = &[
    Step::Handshake,
    Step::LoginStart,
    Step::KnownPacks,
    Step::Play,
    Step::JoinGame,
    Step::InWorld,
];

const fn kind(
    name: &'static str,
    deed: Deed,
    (usual, possible): (Step, &'static [Step]),
    number: Option<(u32, u32, &'static str)>,
    about: &'static str,
) -> Kind {
    Kind {
        name,
        deed,
        usual,
        possible,
        number,
        about,
    }
}

#[rustfmt::skip]
const KINDS: &[Kind] = &[
    kind("keep-alive-never", Deed::KeepAliveNever, (Step::Connected, AT_CONNECTED), None, "answers no keep-alive"),
    kind("keep-alive-wrong", Deed::KeepAliveWrong, (Step::Connected, AT_CONNECTED), None, "answers keep-alives with the id plus one"),
    kind("keep-alive-twice", Deed::KeepAliveTwice, (Step::Connected, AT_CONNECTED), None, "answers each keep-alive twice"),
    kind("keep-alive-late", Deed::KeepAliveLate(LATE_SECONDS), (Step::Connected, AT_CONNECTED), Some((1, 3600, "seconds")), "answers keep-alives so many seconds late"),
    kind("keep-alive-unasked", Deed::KeepAliveUnasked, (Step::Play, FROM_LOGIN_ACKNOWLEDGED), None, "answers a keep-alive that nobody sent"),
    kind("split", Deed::Split, (Step::Connected, ALL_STEPS), None, "writes each byte by itself, one a millisecond"),
    kind("drip", Deed::Drip, (Step::Connected, ALL_STEPS), None, "writes one byte a second"),
    kind("wrong-state", Deed::WrongState, (Step::LoginStart, ALL_STEPS), None, "sends a packet of another state"),
    kind("unknown-ids", Deed::UnknownIds, (Step::Play, ALL_STEPS), None, "sends ids that no protocol has"),
    kind("negative-id", Deed::NegativeId, (Step::Play, ALL_STEPS), None, "sends a packet with the id -1, then nothing"),
    kind("oversized-length", Deed::OversizedLength, (Step::Play, ALL_STEPS), None, "announces a frame of 2,097,152 bytes, then nothing"),
    kind("negative-length", Deed::NegativeLength, (Step::Play, ALL_STEPS), None, "announces a frame of -1 bytes, then nothing"),
    kind("overlong-length", Deed::OverlongLength, (Step::Play, ALL_STEPS), None, "announces a frame in a length of four bytes, then nothing"),
    kind("compression-bomb", Deed::CompressionBomb, (Step::Play, FROM_LOGIN_ACKNOWLEDGED), None, "sends a small frame that inflates to 16 MiB, then nothing"),
    kind("compressed-below-threshold", Deed::CompressedBelowThreshold, (Step::Play, FROM_LOGIN_ACKNOWLEDGED), None, "compresses a packet that is too small for it, then nothing"),
    kind("close", Deed::Close, (Step::InWorld, ALL_STEPS), None, "ends the connection"),
    kind("half-close", Deed::HalfClose, (Step::InWorld, ALL_STEPS), None, "ends its own direction and reads on"),
    kind("never-read", Deed::NeverRead, (Step::Play, ALL_STEPS), None, "reads nothing any more, and so answers nothing"),
    kind("flood", Deed::Flood(FLOOD_RATE), (Step::Play, ALL_STEPS), Some((1, MAX_FLOOD_RATE, "packets a second")), "sends so many packets a second, without end"),
    kind("truncated", Deed::Truncated(None), (Step::Play, CUTTABLE), Some((0, 1 << 16, "bytes")), "cuts packets to so many bytes; in play, to every length"),
];

/// The names of the deeds, in the order of the table.
pub fn names() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|kind| kind.name)
}

impl Behaviour {
    /// Each deed at its usual step, with its usual number.
    pub fn usual() -> impl Iterator<Item = Behaviour> {
        KINDS.iter().map(|kind| Behaviour {
            deed: kind.deed,
            at: kind.usual,
        })
    }

    /// Each deed at each step at which it can be done, with its usual number.
    pub fn all() -> impl Iterator<Item = Behaviour> {
        KINDS.iter().flat_map(|kind| {
            kind.possible.iter().map(|at| Behaviour {
                deed: kind.deed,
                at: *at,
            })
        })
    }

    /// What it is, in a sentence without a full stop.
    pub fn about(&self) -> &'static str {
        self.kind().map_or("", |kind| kind.about)
    }

    /// Whether the protocol has the step, and at it what the deed needs.
    pub fn fits(&self, version: Version) -> bool {
        let compresses = matches!(
            self.deed,
            Deed::CompressionBomb | Deed::CompressedBelowThreshold
        );
        self.at.exists_on(version) && (version.has_compression() || !compresses)
    }

    fn kind(&self) -> Option<&'static Kind> {
        KINDS
            .iter()
            .find(|kind| std::mem::discriminant(&kind.deed) == std::mem::discriminant(&self.deed))
    }
}

impl Deed {
    fn number(self) -> Option<u32> {
        match self {
            Deed::KeepAliveLate(number) | Deed::Flood(number) => Some(number),
            Deed::Truncated(number) => number,
            _ => None,
        }
    }

    fn with_number(self, number: u32) -> Deed {
        match self {
            Deed::KeepAliveLate(_) => Deed::KeepAliveLate(number),
            Deed::Flood(_) => Deed::Flood(number),
            Deed::Truncated(_) => Deed::Truncated(Some(number)),
            other => other,
        }
    }
}

impl Step {
    /// All of them, in their order.
    pub const ALL: &'static [Step] = ALL_STEPS;

    /// Whether a client of this protocol passes it.
    pub fn exists_on(self, version: Version) -> bool {
        match self {
            Step::LoginAcknowledged => version.has_configuration_phase(),
            Step::KnownPacks => version.has_known_packs(),
            _ => true,
        }
    }

    /// How the server understands what comes next.
    pub(crate) fn state(self) -> State {
        match self {
            Step::Connected => State::Handshaking,
            Step::Handshake | Step::LoginStart => State::Login,
            Step::LoginAcknowledged | Step::KnownPacks => State::Configuration,
            Step::Play | Step::JoinGame | Step::InWorld => State::Play,
        }
    }

    /// The step that an event of the client leads to.
    pub(crate) fn after(event: &Event) -> Option<Step> {
        Some(match event {
            Event::Sent(sent) => match (sent.state, sent.name?) {
                (State::Handshaking, "set_protocol") => Step::Handshake,
                (State::Login, "login_start") => Step::LoginStart,
                (State::Login, "login_acknowledged") => Step::LoginAcknowledged,
                (State::Configuration, "select_known_packs") => Step::KnownPacks,
                _ => return None,
            },
            Event::StateChanged { to, .. } if *to == State::Play => Step::Play,
            Event::Received(received) if matches!(received.packet, Packet::JoinGame(_)) => {
                Step::JoinGame
            }
            Event::InWorld(_) => Step::InWorld,
            _ => return None,
        })
    }

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Step::Connected => "connected",
            Step::Handshake => "handshake",
            Step::LoginStart => "login-start",
            Step::LoginAcknowledged => "login-acknowledged",
            Step::KnownPacks => "known-packs",
            Step::Play => "play",
            Step::JoinGame => "join-game",
            Step::InWorld => "in-world",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// As [`FromStr`] reads it, with the step where the deed has several.
impl fmt::Display for Behaviour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(kind) = self.kind() else {
            return Ok(());
        };
        f.write_str(kind.name)?;
        if let Some(number) = self.deed.number() {
            write!(f, "={number}")?;
        }
        if kind.possible.len() > 1 {
            write!(f, "@{}", self.at)?;
        }
        Ok(())
    }
}

impl FromStr for Behaviour {
    type Err = BehaviourError;

    fn from_str(text: &str) -> Result<Self, BehaviourError> {
        let (rest, step) = match text.split_once('@') {
            Some((rest, step)) => (rest, Some(step)),
            None => (text, None),
        };
        let (name, number) = match rest.split_once('=') {
            Some((name, number)) => (name, Some(number)),
            None => (rest, None),
        };
        let kind =
            KINDS
                .iter()
                .find(|kind| kind.name == name)
                .ok_or_else(|| BehaviourError::Unknown {
                    given: name.to_owned(),
                })?;
        let deed = match number {
            Some(number) => kind.deed.with_number(kind.parse_number(number)?),
            None => kind.deed,
        };
        let at = match step {
            Some(step) => kind.parse_step(step)?,
            None => kind.usual,
        };
        Ok(Behaviour { deed, at })
    }
}

impl Kind {
    fn parse_number(&self, given: &str) -> Result<u32, BehaviourError> {
        let wrong = |expected| BehaviourError::Number {
            name: self.name,
            expected,
            given: given.to_owned(),
        };
        let Some((least, most, unit)) = self.number else {
            return Err(wrong("no number".to_owned()));
        };
        given
            .parse()
            .ok()
            .filter(|number| (least..=most).contains(number))
            .ok_or_else(|| wrong(format!("{least} to {most} {unit}")))
    }

    fn parse_step(&self, given: &str) -> Result<Step, BehaviourError> {
        let step = *ALL_STEPS
            .iter()
            .find(|step| step.name() == given)
            .ok_or_else(|| BehaviourError::Step {
                given: given.to_owned(),
            })?;
        if self.possible.contains(&step) {
            return Ok(step);
        }
        Err(BehaviourError::NotThere {
            name: self.name,
            at: step,
            possible: self.possible.to_vec(),
        })
    }
}

fn steps() -> String {
    list(ALL_STEPS)
}

fn list(steps: &[Step]) -> String {
    let names: Vec<_> = steps.iter().map(|step| step.name()).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_is_read() {
        for behaviour in Behaviour::all() {
            assert_eq!(behaviour.to_string().parse(), Ok(behaviour), "{behaviour}");
            assert!(!behaviour.about().is_empty());
        }
        for (text, deed, at) in [
            ("close", Deed::Close, Step::InWorld),
            ("close@connected", Deed::Close, Step::Connected),
            ("flood=1", Deed::Flood(1), Step::Play),
            (
                "flood=1000000@in-world",
                Deed::Flood(1_000_000),
                Step::InWorld,
            ),
            (
                "truncated=0@login-start",
                Deed::Truncated(Some(0)),
                Step::LoginStart,
            ),
            ("truncated", Deed::Truncated(None), Step::Play),
            (
                "keep-alive-late=3600",
                Deed::KeepAliveLate(3600),
                Step::Connected,
            ),
        ] {
            assert_eq!(text.parse(), Ok(Behaviour { deed, at }), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_what_would_be_right() {
        for (text, part) in [
            (
                "",
                "there is no behaviour ``; there are: keep-alive-never, ",
            ),
            ("clos", "there is no behaviour `clos`"),
            (
                "close@login",
                "there is no step `login`; there are: connected, ",
            ),
            ("close=3", "`close` takes no number, not `3`"),
            (
                "flood=0",
                "`flood` takes 1 to 1000000 packets a second, not `0`",
            ),
            ("flood=1000001", "not `1000001`"),
            ("flood=", "not ``"),
            (
                "keep-alive-never@play",
                "is not done at `play`, but at: connected",
            ),
            (
                "truncated@login-acknowledged",
                "but at: handshake, login-start, known-packs",
            ),
        ] {
            let error = text.parse::<Behaviour>().unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn no_two_have_one_name_and_each_has_its_usual_step() {
        let names: std::collections::BTreeSet<_> = names().collect();
        assert_eq!(names.len(), KINDS.len());
        for kind in KINDS {
            assert!(kind.possible.contains(&kind.usual), "{}", kind.name);
        }
    }

    #[test]
    fn steps_belong_to_protocols() {
        let fits = |text: &str, protocol| {
            let behaviour: Behaviour = text.parse().unwrap();
            behaviour.fits(Version::new(protocol))
        };
        assert!(!fits("close@login-acknowledged", 763));
        assert!(fits("close@login-acknowledged", 764));
        assert!(!fits("close@known-packs", 765));
        assert!(fits("close@known-packs", 766));
        assert!(fits("close", 4));
        assert!(!fits("compression-bomb", 5));
        assert!(fits("compression-bomb", 47));
    }
}
