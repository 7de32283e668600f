//! The packets of one client by name: bounded, and with what repeats folded, so that ten quiet minutes do not bury
//! the packet that matters.

use std::collections::VecDeque;
use std::time::Duration;

use vb_data::{Direction, State};

use crate::verdict::TraceLine;
use crate::verdict::micros;

/// How many lines are kept. A join is about twenty.
const LINES: usize = 48;

/// How far back a line may lie that takes up a packet of its name: a tick's packets come in turns of two or three.
const FOLD: usize = 3;

/// The latest packets and notes.
#[derive(Debug, Clone, Default)]
pub struct Trail {
    lines: VecDeque<TraceLine>,
    left_out: u64,
}

impl Trail {
    /// A packet went by.
    pub fn packet(
        &mut self,
        at: Duration,
        state: State,
        direction: Direction,
        id: i32,
        name: &str,
        len: usize,
    ) {
        let at_us = micros(at);
        let same = |line: &&mut TraceLine| {
            line.name == name
                && line.id == id
                && line.direction == direction.name()
                && line.state == state.name()
        };
        if let Some(line) = self.lines.iter_mut().rev().take(FOLD).find(same) {
            line.repeats += 1;
            line.last_us = at_us;
            return;
        }
        self.push(TraceLine {
            at_us,
            last_us: at_us,
            repeats: 0,
            direction: direction.name().to_owned(),
            state: state.name().to_owned(),
            id,
            name: name.to_owned(),
            len,
        });
    }

    /// Something else happened.
    pub fn note(&mut self, at: Duration, text: String) {
        let at_us = micros(at);
        self.push(TraceLine {
            at_us,
            last_us: at_us,
            repeats: 0,
            direction: "note".to_owned(),
            state: String::new(),
            id: 0,
            name: text,
            len: 0,
        });
    }

    /// The lines that are kept, oldest first.
    pub fn lines(&self) -> Vec<TraceLine> {
        self.lines.iter().cloned().collect()
    }

    /// How many lines are not.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    fn push(&mut self, line: TraceLine) {
        if self.lines.len() == LINES {
            self.lines.pop_front();
            self.left_out += 1;
        }
        self.lines.push_back(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(trail: &mut Trail, second: u64, name: &str) {
        trail.packet(
            Duration::from_secs(second),
            State::Play,
            Direction::Serverbound,
            1,
            name,
            0,
        );
    }

    #[test]
    fn what_repeats_takes_one_line() {
        let mut trail = Trail::default();
        for second in 0..100 {
            packet(&mut trail, second, "flying");
            packet(&mut trail, second, "tick_end");
        }
        let lines = trail.lines();
        assert_eq!(lines.len(), 2);
        assert_eq!(
            (lines[0].repeats, lines[0].at_us, lines[0].last_us),
            (99, 0, 99_000_000)
        );
    }

    #[test]
    fn the_oldest_lines_go_at_the_bound() {
        let mut trail = Trail::default();
        for second in 0..=LINES as u64 {
            packet(&mut trail, second, &second.to_string());
        }
        assert_eq!((trail.lines().len(), trail.left_out()), (LINES, 1));
        assert_eq!(trail.lines()[0].name, "1");
    }
}
