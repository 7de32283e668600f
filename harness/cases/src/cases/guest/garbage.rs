//! What clients send that a guest has no use for, and a client that sends it.

use std::time::Duration;

use sim_proto::serverbound::{self, Movement};
use sim_proto::{Settings, TeleportAnswer, Version};
use vb_data::{Direction, PacketTable, State};

use crate::lab::guest::GuestLab;
use crate::lab::player::Player;
use crate::lab::recorder::TrapSeen;
use crate::verdict::{Outcome, Stop};

/// Between two packets; nothing in virtual time waits less.
const PAUSE: Duration = Duration::from_millis(1);

/// The same where a packet takes time on its way, to a guest and back in its end.
const REAL_PAUSE: Duration = Duration::from_millis(5);

/// Says that the client has left the play state, which the host ends the connection for.
const STATE_CHANGE: &str = "configuration_acknowledged";

/// The serverbound play packets of a protocol that can reach a guest.
pub fn packets(protocol: i32) -> impl Iterator<Item = (i32, &'static str)> {
    table(protocol)
        .into_iter()
        .flat_map(|table| table.iter())
        .filter(|(_, name)| *name != STATE_CHANGE)
}

/// The lowest serverbound id that a protocol does not have.
pub fn first_unknown_id(protocol: i32) -> i32 {
    let count = table(protocol).map_or(0, |table| table.len());
    i32::try_from(count).unwrap_or(i32::MAX)
}

fn table(protocol: i32) -> Option<PacketTable> {
    vb_data::packets(protocol, State::Play, Direction::Serverbound)
}

/// Well-formed payloads of a packet whose layout is known here; none for another.
pub fn well_formed(version: Version, name: &str) -> Option<Vec<Vec<u8>>> {
    const POSITION: [f64; 3] = [8.5, 65.0, 8.5];
    const ROTATION: [f32; 2] = [90.0, -10.0];
    let chat = |text: &str| {
        let (sent_as, data) = serverbound::chat(version, text);
        (sent_as == name).then(|| vec![data])
    };
    let moved = |position, rotation| {
        let movement = Movement {
            position,
            rotation,
            on_ground: true,
        };
        vec![serverbound::movement(version, &movement).1]
    };
    Some(match name {
        "chat" | "chat_message" => chat("hello")?,
        "chat_command" => chat("/help")?,
        "custom_payload" => vec![
            serverbound::brand(version, "vanilla"),
            serverbound::plugin_message(version, version.brand_channel(), b"odd"),
        ],
        "settings" => {
            vec![serverbound::settings(version, &Settings::default())]
        }
        "keep_alive" => vec![serverbound::keep_alive(version, 77)],
        "pong" => vec![serverbound::pong(77)],
        "cookie_response" => vec![
            serverbound::cookie_response("vbspec:none", None),
            serverbound::cookie_response("vbspec:some", Some(b"crumbs")),
        ],
        "chunk_batch_received" => vec![serverbound::chunk_batch_received(9.0)],
        "teleport_confirm" => vec![match version.teleport_answer() {
            TeleportAnswer::ConfirmWithPosition => {
                serverbound::teleport_confirm_at(77, POSITION, ROTATION)
            }
            _ => serverbound::teleport_confirm(77),
        }],
        "flying" => moved(None, None),
        "position" => moved(Some(POSITION), None),
        "look" => moved(None, Some(ROTATION)),
        "position_look" => moved(Some(POSITION), Some(ROTATION)),
        "tick_end" | "player_loaded" => vec![Vec::new()],
        _ => return None,
    })
}

/// Zeros in every length up to a line of text: one of them is well-formed for nearly every packet, since zeros are a
/// number of any type, an empty text, an empty list and nothing optional.
pub fn zeros() -> impl Iterator<Item = Vec<u8>> {
    const LONGEST: usize = 40;
    (0..=LONGEST).map(|length| vec![0; length])
}

/// A client that sends what it is told, and joins again when the guest has had enough of it.
pub struct Sender<'a> {
    lab: &'a GuestLab,
    /// The client.
    pub player: Player,
    mark: usize,
}

impl<'a> Sender<'a> {
    /// In world.
    ///
    /// # Errors
    /// When no client can join.
    pub async fn join(lab: &'a GuestLab) -> Result<Self, Stop> {
        Ok(Self {
            player: lab.join().await?,
            mark: lab.recorder.mark(),
            lab,
        })
    }

    /// Sends a packet and gives the guest the time to handle it. The trap that came of it, if any.
    ///
    /// # Errors
    /// When the client was disconnected and cannot join again.
    pub async fn send(&mut self, id: i32, data: &[u8]) -> Result<Option<TrapSeen>, Stop> {
        if self.player.closed().is_some() {
            self.player.leave().await;
            self.player = self.lab.join().await?;
        }
        self.mark = self.lab.recorder.mark();
        self.player.send_raw(id, data);
        let pause = match self.lab.is_virtual() {
            true => PAUSE,
            false => REAL_PAUSE,
        };
        self.player.live(pause).await;
        self.lab.settle_if_over(&self.player).await;
        Ok(self.trap())
    }

    /// Sends a packet that must not make the guest trap: `what` it is, in words.
    ///
    /// # Errors
    /// The broken clause, or as [`Self::send`].
    pub async fn must_pass(
        &mut self,
        clause: &'static str,
        (id, data): (i32, &[u8]),
        what: &str,
    ) -> Outcome {
        match self.send(id, data).await? {
            None => Ok(()),
            Some(trap) => Err(self.trapped(clause, what, &trap)),
        }
    }

    /// Waits for what the last packets may have caused, where that takes time.
    ///
    /// # Errors
    /// The broken clause.
    pub async fn end(self, clause: &'static str) -> Outcome {
        self.lab.settle().await;
        match self.trap() {
            None => Ok(()),
            Some(trap) => Err(self.trapped(clause, "the last packets", &trap)),
        }
    }

    fn trapped(&self, clause: &'static str, what: &str, trap: &TrapSeen) -> Stop {
        let mut got = format!("the guest trapped: {trap}");
        if !self.lab.is_virtual() {
            got.push_str(", on this or on what came just before it");
        }
        let expected = format!("no trap on {what}");
        let finding = self.player.finding(clause, expected, got);
        finding.at(trap.at).into()
    }

    /// Sends a packet that is not what the case is about: when the guest traps on it, nothing can be said.
    ///
    /// # Errors
    /// What is in the way.
    pub async fn control(&mut self, (id, data): (i32, &[u8]), what: &str) -> Outcome {
        match self.send(id, data).await? {
            None => Ok(()),
            Some(trap) => Err(self
                .player
                .untestable(format!("the guest traps already on {what}: {trap}"))),
        }
    }

    fn trap(&self) -> Option<TrapSeen> {
        if self.lab.trap_since(self.mark).is_some() {
            self.lab.recorder.traps().pop()
        } else {
            None
        }
    }
}
