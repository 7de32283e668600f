//! What a driver does that no client does.
//!
//! Where something is planned, each frame of the client is held until its event is given out. So deeds, which follow
//! from events, come between the frames that they belong between, even where the client made several at once.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use sim_proto::{Event, KeepAlivePolicy, Sent, serverbound};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, Sleep};
use vb_data::{Direction, State};

use super::Driver;
use crate::behaviour::craft::{self, Plain, UNASKED_KEEP_ALIVE, UNKNOWN_IDS};
use crate::behaviour::{Behaviour, Deed, Step};
use crate::trace::NoteKind;

/// From one byte to the next of a client that writes each by itself: the finest that timers tell apart.
const SPLIT_INTERVAL: Duration = Duration::from_millis(1);

/// From one byte to the next of a client that drips.
const DRIP_INTERVAL: Duration = Duration::from_secs(1);

/// Bytes of a flood that may wait for a server that reads more slowly: what a socket holds.
const FLOOD_BACKLOG: usize = 256 * 1024;

#[derive(Debug, Default)]
pub(super) struct Mischief {
    planned: Vec<Behaviour>,
    done: Vec<(Duration, Behaviour)>,
    /// Frames of the client whose events have not been given out.
    held: VecDeque<Bytes>,
    /// What was sent besides.
    events: VecDeque<Event>,
    /// Nothing more is sent.
    muted: bool,
    /// The client has gone: what it had read and not told of, it never saw.
    left: bool,
    flood: Option<Flood>,
}

#[derive(Debug)]
struct Flood {
    rate: u64,
    since: Instant,
    sent: u64,
    timer: Pin<Box<Sleep>>,
}

impl Mischief {
    pub(super) fn done(&self) -> &[(Duration, Behaviour)] {
        &self.done
    }

    pub(super) fn holds(&self) -> bool {
        !self.held.is_empty()
    }

    fn is_active(&self) -> bool {
        !self.planned.is_empty()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Driver<S> {
    pub(super) fn plan(&mut self, behaviours: impl IntoIterator<Item = Behaviour>) {
        let version = self.version();
        let fitting = behaviours.into_iter().filter(|one| one.fits(version));
        self.mischief.planned.extend(fitting);
        self.act_at(Step::Connected);
    }

    /// Takes over what the client has queued.
    pub(super) fn collect(&mut self) {
        if self.mischief.is_active() {
            while let Some(frame) = self.client.poll_transmit() {
                self.mischief.held.push_back(frame);
            }
        } else {
            self.out.collect(&mut self.client);
        }
    }

    /// What happened next, a deed included.
    pub(super) fn take_event(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.mischief.events.pop_front() {
                return Some(event);
            }
            let event = self.client.poll_event()?;
            if !self.mischief.is_active() {
                return Some(event);
            }
            if self.mischief.left && !matches!(event, Event::Closed(_)) {
                continue;
            }
            let step = Step::after(&event);
            let event = match event {
                Event::Sent(sent) => self.release(sent, step).map(Event::Sent),
                other => Some(other),
            };
            if let Some(step) = step.filter(|_| !self.mischief.muted) {
                self.act_at(step);
            }
            if event.is_some() {
                return event;
            }
        }
    }

    /// Floods on. Whether anything was sent; if not, the task is woken when it is time.
    pub(super) fn poll_flood(&mut self, cx: &mut Context<'_>) -> bool {
        if self.mischief.muted || self.out.ended() {
            self.mischief.flood = None;
        }
        let Some(mut flood) = self.mischief.flood.take() else {
            return false;
        };
        let due = flood.due();
        let state = self.client.state();
        for number in flood.sent..due {
            if self.out.len() >= FLOOD_BACKLOG {
                break;
            }
            let packet = craft::of_a_flood(self.client.config(), state, number);
            self.inject(state, packet);
        }
        let went_on = !self.mischief.events.is_empty();
        // A server that takes less gets less: what is not sent in time is not made up for.
        flood.sent = due;
        if !went_on {
            let next = flood.next();
            flood.timer.as_mut().reset(next);
            if flood.timer.as_mut().poll(cx) == Poll::Ready(()) {
                cx.waker().wake_by_ref();
            }
        }
        self.mischief.flood = Some(flood);
        went_on
    }

    /// Lets one frame go, or a part of it, or nothing.
    fn release(&mut self, sent: Sent, step: Option<Step>) -> Option<Sent> {
        self.collect();
        let frame = self.mischief.held.pop_front();
        if self.mischief.muted {
            return None;
        }
        if let Some(behaviour) = step.and_then(|step| self.cut_at(step)) {
            return Some(self.send_cut(behaviour, sent, frame));
        }
        if let Some(frame) = frame {
            self.out.push(frame);
        }
        Some(sent)
    }

    /// The plan to cut this step's own packet.
    fn cut_at(&self, step: Step) -> Option<Behaviour> {
        let cuts = |one: &&Behaviour| matches!(one.deed, Deed::Truncated(_)) && one.at == step;
        self.mischief.planned.iter().find(cuts).copied()
    }

    fn send_cut(&mut self, behaviour: Behaviour, mut sent: Sent, frame: Option<Bytes>) -> Sent {
        let length = match behaviour.deed {
            Deed::Truncated(Some(length)) => usize::try_from(length).unwrap_or(usize::MAX),
            _ => sent.data.len().saturating_sub(1),
        };
        if length < sent.data.len() {
            sent.data.truncate(length);
            let threshold = self.client.compression();
            self.out.push(craft::frame(threshold, sent.id, &sent.data));
            self.did(behaviour);
            self.mischief.muted = true;
        } else if let Some(frame) = frame {
            self.out.push(frame);
        }
        sent
    }

    fn act_at(&mut self, step: Step) {
        let planned = self.mischief.planned.clone();
        for behaviour in planned.into_iter().filter(|one| one.at == step) {
            // A respawn or another configuration phase may lead to a step again.
            let again = self
                .mischief
                .done
                .iter()
                .any(|(_, done)| *done == behaviour);
            if !again && !self.mischief.muted && self.act(behaviour) {
                self.did(behaviour);
            }
        }
    }

    fn did(&mut self, behaviour: Behaviour) {
        let at = self.clock.real();
        self.mischief.done.push((at, behaviour));
        self.note(NoteKind::Local, &format!("misbehaves: {behaviour}"));
    }

    /// Whether it could be done.
    fn act(&mut self, behaviour: Behaviour) -> bool {
        let Behaviour { deed, at } = behaviour;
        let state = at.state();
        match deed {
            Deed::KeepAliveNever => self.client.set_keep_alive(KeepAlivePolicy::Never),
            Deed::KeepAliveWrong => self.client.set_keep_alive(KeepAlivePolicy::WrongId),
            Deed::KeepAliveTwice => self.client.set_keep_alive(KeepAlivePolicy::Twice),
            Deed::KeepAliveLate(seconds) => {
                let delay = Duration::from_secs(u64::from(seconds));
                self.client.set_keep_alive(KeepAlivePolicy::Delay(delay));
            }
            Deed::KeepAliveUnasked => return self.answer_unasked(state),
            Deed::Split => self.out.pace(SPLIT_INTERVAL),
            Deed::Drip => self.out.pace(DRIP_INTERVAL),
            Deed::WrongState => {
                let packet = craft::of_another_state(self.client.config(), state);
                self.inject(state, packet);
            }
            Deed::UnknownIds => UNKNOWN_IDS
                .iter()
                .for_each(|id| self.inject_empty(state, *id)),
            Deed::NegativeId => {
                self.inject_empty(state, -1);
                self.mischief.muted = true;
            }
            Deed::OversizedLength => self.last_words(Bytes::from_static(craft::OVERSIZED)),
            Deed::NegativeLength => self.last_words(Bytes::from_static(craft::NEGATIVE)),
            Deed::OverlongLength => self.last_words(Bytes::from_static(craft::OVERLONG)),
            Deed::CompressionBomb => match self.client.compression() {
                Some(_) => self.last_words(craft::bomb()),
                None => return false,
            },
            Deed::CompressedBelowThreshold => {
                match self.client.compression().and_then(craft::below) {
                    Some(frame) => self.last_words(frame),
                    None => return false,
                }
            }
            Deed::Close => {
                self.client.close();
                self.mischief.muted = true;
                self.mischief.left = true;
            }
            Deed::HalfClose => {
                self.half_close();
                self.mischief.muted = true;
            }
            Deed::NeverRead => self.stop_reading(),
            Deed::Flood(rate) => self.mischief.flood = Some(Flood::new(rate)),
            Deed::Truncated(length) => return state == State::Play && self.cut_each_kind(length),
        }
        true
    }

    fn answer_unasked(&mut self, state: State) -> bool {
        let name = "keep_alive";
        let table = vb_data::packets(self.protocol, state, Direction::Serverbound);
        let Some(id) = table.and_then(|table| table.id(name)) else {
            return false;
        };
        let data = serverbound::keep_alive(self.version(), UNASKED_KEEP_ALIVE);
        let name = Some(name);
        self.inject(state, Plain { id, name, data });
        true
    }

    fn cut_each_kind(&mut self, length: Option<u32>) -> bool {
        let length = length.map(|length| usize::try_from(length).unwrap_or(usize::MAX));
        for packet in craft::of_each_kind(self.client.config()) {
            let whole = packet.data.len();
            let lengths = match length {
                Some(length) => length..whole.min(length.saturating_add(1)),
                None => 0..whole,
            };
            for length in lengths {
                let mut cut = packet.clone();
                cut.data.truncate(length);
                self.inject(State::Play, cut);
            }
        }
        true
    }

    /// Bytes that are no frame, after which nothing comes.
    fn last_words(&mut self, bytes: Bytes) {
        self.out.push(bytes);
        self.mischief.muted = true;
    }

    fn inject_empty(&mut self, state: State, id: i32) {
        let (name, data) = (None, Vec::new());
        self.inject(state, Plain { id, name, data });
    }

    /// Sends a packet that the client knows nothing of.
    fn inject(&mut self, state: State, packet: Plain) {
        let Plain { id, name, data } = packet;
        self.out
            .push(craft::frame(self.client.compression(), id, &data));
        let data = Bytes::from(data);
        self.mischief.events.push_back(Event::Sent(Sent {
            state,
            id,
            name,
            data,
        }));
    }
}

impl Flood {
    fn new(rate: u32) -> Self {
        Flood {
            rate: u64::from(rate),
            since: Instant::now(),
            sent: 0,
            timer: Box::pin(tokio::time::sleep(Duration::ZERO)),
        }
    }

    /// How many should have been sent by now.
    fn due(&self) -> u64 {
        let millis = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        millis.saturating_mul(self.rate) / 1000
    }

    /// When the next one is due.
    fn next(&self) -> Instant {
        let millis = self.sent.saturating_add(1).saturating_mul(1000);
        self.since + Duration::from_millis(millis.div_ceil(self.rate))
    }
}
