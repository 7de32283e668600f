//! What waits to be written.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Lines that wait to be written: what a thousand players log while they come in.
pub const QUEUE_LINES: usize = 4096;
/// Bytes that wait to be written: a second of the most that is taken.
pub const QUEUE_BYTES: usize = 1 << 20;
/// Bytes of all lines that are taken in a second: somebody may read a few hundred lines, and a disk of 20 GB lasts for
/// six hours of the worst.
pub const TOTAL_BYTES_PER_SECOND: usize = 1 << 20;
/// Of those, what is left for errors of the host's is free of all others.
pub const ORDINARY_BYTES_PER_SECOND: usize = TOTAL_BYTES_PER_SECOND / 8 * 7;
/// Of those, what lines of and about plugins may take up, so that players' lines have room beside them.
pub const PLUGIN_BYTES_PER_SECOND: usize = TOTAL_BYTES_PER_SECOND / 8 * 6;
/// Most bytes of one entry. A line is far shorter, since its values are; this holds for a program's own words too.
pub const ENTRY_BYTES: usize = 64 << 10;

/// What the line that tells of losses takes up at most.
pub(super) const NOTICE_BYTES: usize = 256;

const SECOND: Duration = Duration::from_secs(1);

/// How much the host can do without a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    /// A line of a plugin's or about one.
    OfPlugin,
    /// Any other.
    Ordinary,
    /// An error of the host's, or its own words.
    Needed,
}

impl Weight {
    fn bytes_per_second(self) -> usize {
        match self {
            Self::OfPlugin => PLUGIN_BYTES_PER_SECOND,
            Self::Ordinary => ORDINARY_BYTES_PER_SECOND,
            Self::Needed => TOTAL_BYTES_PER_SECOND,
        }
    }
}

/// Lines that were not written, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Lost {
    /// More came in a second than is taken.
    pub over_rate: u64,
    /// More waited than there is room for.
    pub no_room: u64,
    /// The system did not take them.
    pub not_taken: u64,
}

impl Lost {
    pub fn is_none(self) -> bool {
        self == Self::default()
    }

    pub fn and(self, more: Self) -> Self {
        Self {
            over_rate: self.over_rate.saturating_add(more.over_rate),
            no_room: self.no_room.saturating_add(more.no_room),
            not_taken: self.not_taken.saturating_add(more.not_taken),
        }
    }

    /// What the log says of it, without a newline; less than [`NOTICE_BYTES`] with time and level before it.
    pub fn words(self) -> String {
        let Self {
            over_rate,
            no_room,
            not_taken,
        } = self;
        let all = over_rate.saturating_add(no_room).saturating_add(not_taken);
        format!(
            "{all} lines are lost before this one: {over_rate} over the rate, {no_room} while nobody read, {not_taken} not taken by the system"
        )
    }
}

/// One line, or words of several.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Between the entry before and this one.
    pub lost_before: Lost,
    /// With its newline.
    pub text: String,
}

#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    /// Something has come, for the writer.
    filled: Condvar,
    /// Nothing waits any more, for whoever wants to leave.
    emptied: Condvar,
}

#[derive(Default)]
struct State {
    entries: VecDeque<Entry>,
    bytes: usize,
    /// Since the last entry.
    lost: Lost,
    /// The writer has something in hand.
    writing: bool,
    /// Somebody waits for the end, and wants to have losses told before it.
    flushing: bool,
    /// There is no writer.
    closed: bool,
    /// Of the second that the rate counts.
    second: Option<Instant>,
    taken: usize,
}

impl Queue {
    /// Takes it, or loses and counts it. Never waits for the writer.
    pub fn push(&self, weight: Weight, text: &str, now: Instant) {
        let mut state = self.lock();
        if state.closed {
            state.lost.not_taken += 1;
            return;
        }
        if state
            .second
            .is_none_or(|second| now.saturating_duration_since(second) >= SECOND)
        {
            state.second = Some(now);
            state.taken = 0;
        }
        let notice = if state.lost.is_none() {
            0
        } else {
            NOTICE_BYTES
        };
        let size = text.len().min(ENTRY_BYTES) + notice;
        if state.taken + size > weight.bytes_per_second() {
            state.lost.over_rate += 1;
            return;
        }
        if state.entries.len() >= QUEUE_LINES || state.bytes + size > QUEUE_BYTES {
            state.lost.no_room += 1;
            return;
        }
        state.taken += size;
        let text = within(text);
        state.bytes += text.len();
        let lost_before = std::mem::take(&mut state.lost);
        state.entries.push_back(Entry { lost_before, text });
        drop(state);
        self.filled.notify_one();
    }

    /// The next, for the one writer there is: its last call's entry is written or lost by now. Waits for it, or until
    /// losses that no entry follows are a second old or somebody waits for the end; they come with an empty text.
    pub fn next(&self) -> Entry {
        let mut state = self.lock();
        state.writing = false;
        loop {
            if let Some(entry) = state.entries.pop_front() {
                state.bytes -= entry.text.len();
                state.writing = true;
                return entry;
            }
            if state.lost.is_none() {
                self.emptied.notify_all();
                state = wait(self.filled.wait(state));
                continue;
            }
            if !state.flushing {
                let waited = self.filled.wait_timeout(state, SECOND);
                let (again, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
                state = again;
                if !timeout.timed_out() || !state.entries.is_empty() {
                    continue;
                }
            }
            // Once for whoever waits: with a flood under way there is always more.
            state.flushing = false;
            state.writing = true;
            return Entry {
                lost_before: std::mem::take(&mut state.lost),
                text: String::new(),
            };
        }
    }

    /// The next, if there is one.
    #[cfg(test)]
    pub fn try_next(&self) -> Option<Entry> {
        let mut state = self.lock();
        let entry = state.entries.pop_front()?;
        state.bytes -= entry.text.len();
        Some(entry)
    }

    /// There is nobody to write.
    pub fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.writing = false;
        state.flushing = false;
        state.lost.not_taken += state.entries.len() as u64;
        state.entries.clear();
        state.bytes = 0;
        self.emptied.notify_all();
    }

    pub fn wait_until_empty(&self, longest: Duration) -> bool {
        let mut state = self.lock();
        state.flushing = !state.closed;
        self.filled.notify_one();
        let busy = |state: &mut State| {
            let untold = state.flushing && !state.lost.is_none();
            !state.entries.is_empty() || state.writing || untold
        };
        let waited = self.emptied.wait_timeout_while(state, longest, busy);
        let (mut state, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        state.flushing = false;
        !timeout.timed_out()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wait<T>(waited: Result<T, PoisonError<T>>) -> T {
    waited.unwrap_or_else(PoisonError::into_inner)
}

/// Cut to [`ENTRY_BYTES`], with its newline.
fn within(text: &str) -> String {
    if text.len() <= ENTRY_BYTES {
        return text.to_owned();
    }
    let mark = format!("{}\n", crate::shown::CUT);
    let end = text.floor_char_boundary(ENTRY_BYTES - mark.len());
    format!("{}{mark}", &text[..end])
}
