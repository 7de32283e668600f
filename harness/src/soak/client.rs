//! A client that follows its script and remembers what passed in play.

use std::time::Duration;

use bytes::Bytes;
use sim_client::Driver;
use sim_proto::{ClientConfig, Event, Packet};
use tokio::time::{Instant, timeout_at};
use vb_data::State;

use super::world::{Actor, Step};
use crate::rng::Rng;
use crate::subject::network::LinkEnd;

/// The packet id that the probe takes for a command.
const COMMAND: i32 = 0x7777;

/// How long a client waits to come into play.
const JOIN_LIMIT: Duration = Duration::from_secs(15);

/// How long a client tries to get rid of what it has said before it leaves.
const FLUSH_LIMIT: Duration = Duration::from_secs(5);

/// How long a client that has ended its direction reads on.
const DRAIN: Duration = Duration::from_secs(3);

/// Ids above this no protocol has.
const STRANGE_IDS: usize = 0x90;

/// A packet that reached the client in play.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Got {
    /// Its id.
    pub id: i32,
    /// Its bytes after the id.
    pub data: Bytes,
    /// Whether it is a message.
    pub message: bool,
    /// Whether it is a disconnect.
    pub disconnect: bool,
}

/// What passed, as the client saw it.
#[derive(Debug, Default)]
pub struct View {
    /// What it sent in the login state, its name first, in order. Where there is no configuration phase the host takes for play what
    /// comes after its login success, though the client may not have seen that when it spoke.
    pub early: Vec<(i32, Bytes)>,
    /// What it sent in play, in order.
    pub sent: Vec<(i32, Bytes)>,
    /// What reached it in play, in order.
    pub got: Vec<Got>,
    /// How many of what it sent had all gone when it ended its own direction in an orderly way.
    pub said_all: Option<usize>,
    /// What it was told when it was disconnected, in whatever state.
    pub told: Option<String>,
    /// When it began to leave, since it connected; none when it did not.
    pub left: Option<Duration>,
}

struct Client {
    driver: Option<Driver<LinkEnd>>,
    view: View,
    rng: Rng,
    began: Instant,
}

/// Follows the script to its end.
pub async fn follow(actor: &Actor, protocol: i32, seed: u64, stream: LinkEnd) -> View {
    let config = ClientConfig {
        // A packet of movement twenty times a second is a lot of the same.
        send_movement: actor.number.is_multiple_of(3),
        ..super::play::tolerant(protocol, &actor.name())
    };
    let number = i32::try_from(actor.number).unwrap_or(i32::MAX);
    let mut client = Client {
        driver: Some(Driver::new(stream, config)),
        view: View::default(),
        rng: Rng::for_purpose(seed, "client", number),
        began: Instant::now(),
    };
    for step in &actor.steps {
        client.step(step).await;
    }
    client.live(actor.lingers).await;
    client.leave().await;
    client.view
}

impl Client {
    async fn step(&mut self, step: &Step) {
        match step {
            Step::Join => self.join().await,
            Step::Wait(time) => self.live(*time).await,
            Step::Chat(text) => self.driver.iter_mut().for_each(|driver| {
                // Refused outside of play, which is as good as not saying it.
                let _ = driver.chat(text);
            }),
            Step::Packets(count, size) => {
                for _ in 0..*count {
                    let id = i32::try_from(self.rng.below(STRANGE_IDS)).unwrap_or(0);
                    let data = self.rng.bytes(*size);
                    self.send(id, &data);
                }
            }
            Step::Command(text) => self.send(COMMAND, text.as_bytes()),
            Step::Freeze(time) => {
                self.driver.iter_mut().for_each(Driver::stop_reading);
                self.live(*time).await;
                self.driver.iter_mut().for_each(Driver::resume);
            }
            Step::Misbehave => self.send(-1, &[]),
            Step::HalfClose => self.leave().await,
            Step::Reset => {
                self.view.left.get_or_insert(self.began.elapsed());
                self.driver.take().map(Driver::reset);
            }
            Step::Vanish => {
                self.view.left.get_or_insert(self.began.elapsed());
                self.driver = None;
            }
        }
    }

    fn send(&mut self, id: i32, data: &[u8]) {
        if let Some(driver) = &mut self.driver {
            // Refused when the connection is over or nobody reads, and then it is not sent.
            let _ = driver.send_raw(id, data);
        }
    }

    async fn join(&mut self) {
        let deadline = Instant::now() + JOIN_LIMIT;
        while self.driver.as_ref().is_some_and(|driver| {
            driver.client().state() != State::Play && driver.closed().is_none()
        }) && Instant::now() < deadline
        {
            self.live(Duration::from_millis(50)).await;
        }
    }

    /// Lets the client live for a while, with its connection or without.
    async fn live(&mut self, time: Duration) {
        let deadline = Instant::now() + time;
        while let Some(driver) = &mut self.driver {
            match timeout_at(deadline, driver.next_event()).await {
                Ok(Some(event)) => self.view.note(event),
                Ok(None) => break,
                Err(_) => return,
            }
        }
        tokio::time::sleep_until(deadline).await;
    }

    /// Ends its own direction after all that it has said, reads on for a while, and is gone.
    async fn leave(&mut self) {
        let Some(driver) = &self.driver else {
            return;
        };
        let open = driver.closed().is_none();
        let deadline = Instant::now() + FLUSH_LIMIT;
        loop {
            self.live(Duration::from_millis(5)).await;
            let unsent = self.driver.as_ref().map_or(0, Driver::unsent);
            if unsent == 0 || Instant::now() >= deadline {
                break;
            }
        }
        self.view.left.get_or_insert(self.began.elapsed());
        if let Some(driver) = &mut self.driver {
            if open && driver.closed().is_none() && driver.unsent() == 0 {
                self.view.said_all = Some(self.view.sent.len());
            }
            driver.half_close();
        }
        let drained = Instant::now() + DRAIN;
        while let Some(driver) = &mut self.driver {
            match timeout_at(drained, driver.next_event()).await {
                Ok(Some(event)) => self.view.note(event),
                Ok(None) | Err(_) => break,
            }
        }
        self.driver = None;
    }
}

impl View {
    fn note(&mut self, event: Event) {
        match event {
            Event::Sent(sent) if sent.state == State::Login => {
                self.early.push((sent.id, sent.data))
            }
            Event::Sent(sent) if sent.state == State::Play => self.sent.push((sent.id, sent.data)),
            Event::Received(received) if received.state == State::Play => self.got.push(Got {
                id: received.id,
                message: matches!(received.packet, Packet::SystemChat(_)),
                disconnect: matches!(received.packet, Packet::Disconnect(_)),
                data: received.data,
            }),
            Event::Disconnected { reason, .. } => self.told = Some(reason.plain),
            _ => {}
        }
    }
}
