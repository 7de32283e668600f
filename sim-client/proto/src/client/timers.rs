//! What happens when nothing comes: ticks, delayed answers, the read timeout.

use std::collections::VecDeque;

use vb_data::State;

use super::Client;
use super::world::{LONG_WAIT, SECOND, TICK};
use crate::fault::{Fault, FaultKind};
use crate::serverbound::{self, Movement};
use crate::version::TerrainRule;
use crate::{KeepAlivePolicy, Now};

/// Most ticks that are made up for at once; a driver that sleeps longer loses the rest, as a frozen client does.
const MAX_CATCH_UP: u32 = 40;
/// Most answers that are put off; a client that gets more is flooded, and drops the oldest.
const MAX_DELAYED: usize = 4096;

/// Deadlines that do not depend on a world.
#[derive(Debug)]
pub(super) struct Timers {
    last_heard: Now,
    /// When the state was entered.
    since: Now,
    delayed: VecDeque<Delayed>,
}

/// An answer to a keep-alive that is put off.
#[derive(Debug)]
struct Delayed {
    due: Now,
    state: State,
    id: i64,
}

impl Timers {
    pub(super) fn new(now: Now) -> Timers {
        Timers {
            last_heard: now,
            since: now,
            delayed: VecDeque::new(),
        }
    }

    pub(super) fn heard(&mut self, now: Now) {
        self.last_heard = now;
    }

    pub(super) fn entered(&mut self, now: Now) {
        self.since = now;
    }

    /// Whether the client has been in play for 30 s without JoinGame.
    pub(super) fn waits_in_vain_for_join_game(&self, state: State, now: Now) -> bool {
        let long = TICK.saturating_mul(u32::try_from(LONG_WAIT).unwrap_or(u32::MAX));
        state == State::Play && now.saturating_sub(self.since) >= long
    }
}

impl Client {
    /// When [`Client::handle_timeout`] wants to be called next; None when the connection is over.
    pub fn poll_timeout(&self) -> Option<Now> {
        if self.closed.is_some() {
            return None;
        }
        let mut next = self.timers.last_heard + self.version.read_timeout();
        if let Some(delayed) = self.timers.delayed.front() {
            next = next.min(delayed.due);
        }
        if let Some(tick) = self.next_tick_of_interest() {
            next = next.min(tick);
        }
        Some(next)
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Now) {
        self.now = now;
        if self.closed.is_some() {
            return;
        }
        let timeout = self.version.read_timeout();
        if now.saturating_sub(self.timers.last_heard) >= timeout {
            let kind = FaultKind::ReadTimeout {
                seconds: timeout.as_secs(),
            };
            return self.fault(Fault::bare(self.state, kind));
        }
        while let Some(delayed) = self
            .timers
            .delayed
            .pop_front_if(|delayed| delayed.due <= now)
        {
            // An answer in another state would be another packet.
            if delayed.state == self.state {
                self.send(
                    "keep_alive",
                    &serverbound::keep_alive(self.version, delayed.id),
                );
            }
        }
        self.make_ticks(now);
    }

    pub(super) fn keep_alive(&mut self, id: i64) {
        let data = serverbound::keep_alive(self.version, id);
        match self.config.keep_alive {
            KeepAlivePolicy::Answer => self.send("keep_alive", &data),
            KeepAlivePolicy::Never => {}
            KeepAlivePolicy::WrongId => {
                let data = serverbound::keep_alive(self.version, id.wrapping_add(1));
                self.send("keep_alive", &data);
            }
            KeepAlivePolicy::Twice => {
                self.send("keep_alive", &data);
                self.send("keep_alive", &data);
            }
            KeepAlivePolicy::Delay(delay) => {
                if self.timers.delayed.len() == MAX_DELAYED {
                    self.timers.delayed.pop_front();
                }
                self.timers.delayed.push_back(Delayed {
                    due: self.now + delay,
                    state: self.state,
                    id,
                });
            }
        }
    }

    fn make_ticks(&mut self, now: Now) {
        for _ in 0..MAX_CATCH_UP {
            match &mut self.world {
                Some(world) if world.next_tick <= now => world.next_tick += TICK,
                _ => return,
            }
            self.tick();
        }
        if let Some(world) = &mut self.world
            && world.next_tick <= now
        {
            world.next_tick = now + TICK;
        }
    }

    fn tick(&mut self) {
        let Some(world) = &mut self.world else {
            return;
        };
        world.age += 1;
        let entered = match self.version.terrain_rule() {
            TerrainRule::FirstPosition => None,
            _ => world.tick_terrain(),
        };
        let unasked =
            world.entered.is_none() && entered.is_none() && world.age.is_multiple_of(SECOND);
        if let Some(by) = entered {
            self.enter_world(by);
        }
        if unasked && self.sends_unasked_keep_alives() {
            self.send("keep_alive", &serverbound::keep_alive(self.version, 0));
        }
        self.tick_movement();
        if self.config.send_movement && self.version.has_tick_end() {
            self.send("tick_end", &[]);
        }
    }

    fn tick_movement(&mut self) {
        if !self.moves() {
            return;
        }
        let every_tick = self.version.moves_every_tick();
        let Some(player) = self.world.as_mut().and_then(|world| world.player.as_mut()) else {
            return;
        };
        player.idle += 1;
        let full = player.idle >= SECOND || player.moved;
        if !full && !every_tick {
            return;
        }
        let movement = Movement {
            position: full.then_some(player.position),
            rotation: player.moved.then_some(player.rotation),
            on_ground: false,
        };
        if full {
            player.idle = 0;
        }
        player.moved = false;
        self.move_to(&movement);
    }

    /// Whether the player's movement ticks: after the first position, and from 769 on after the terrain screen.
    ///
    /// No chunk is needed for it: the game asks whether the player's chunk is there, but a client's world always says yes
    /// (`ClientLevel.hasChunk`, as decompiled from several versions). Before the first position a real client of some
    /// versions moves too, around the origin; that is left out.
    fn moves(&self) -> bool {
        let Some(world) = &self.world else {
            return false;
        };
        self.config.send_movement
            && world.player.is_some()
            && (world.entered.is_some() || !self.version.has_player_loaded())
    }

    fn sends_unasked_keep_alives(&self) -> bool {
        self.config.unasked_keep_alive && self.version.has_unasked_keep_alive()
    }

    fn next_tick_of_interest(&self) -> Option<Now> {
        let world = self.world.as_ref()?;
        let loading = world.entered.is_none();
        let every = (self.config.send_movement && self.version.has_tick_end())
            || (loading && self.version.terrain_rule() != TerrainRule::FirstPosition)
            || (self.moves() && self.version.moves_every_tick());
        let mut ticks = if every { Some(0) } else { None };
        let mut within = |left: u64| ticks = Some(ticks.map_or(left, |known: u64| known.min(left)));
        if loading {
            // The unasked keep-alive, and the moment from which the client is stuck.
            within(SECOND - 1 - world.age % SECOND);
        }
        if let Some(player) = world.player.filter(|_| self.moves()) {
            within(if player.moved {
                0
            } else {
                SECOND.saturating_sub(player.idle + 1)
            });
        }
        // Without a reason of its own the machine still wakes once a second, so that ticks are not lost.
        let ticks = ticks.unwrap_or(SECOND - 1);
        Some(world.next_tick + TICK.saturating_mul(u32::try_from(ticks).unwrap_or(0)))
    }
}
