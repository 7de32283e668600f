//! What an instance has open, and the time that it has spent with it.

use super::node::Node;
use super::types::DirectoryEntry;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Below are the streams that need no table: see [`STDOUT`](super::STDOUT).
const FIRST: u32 = 16;

/// What a handle of a guest stands for.
pub(super) enum Handle {
    Descriptor(Arc<Node>),
    /// A stream from the file, and where it is.
    Input(Arc<Node>, u64),
    /// A stream into the file, and where it is; none at the end, wherever that is.
    Output(Arc<Node>, Option<u64>),
    /// What is left of a folder's names, the last first, and how many they were.
    Entries(Vec<DirectoryEntry>, u64),
}

/// Files of one instance.
#[derive(Default)]
pub(crate) struct Files {
    handles: BTreeMap<u32, Handle>,
    next: u32,
    /// Names of folders that are being read.
    names: u64,
    pub time: FileTime,
}

impl Files {
    pub(super) fn insert(&mut self, handle: Handle) -> u32 {
        if let Handle::Entries(_, names) = &handle {
            self.names += names;
        }
        while self.next < FIRST || self.handles.contains_key(&self.next) {
            self.next = self.next.wrapping_add(1).max(FIRST);
        }
        self.handles.insert(self.next, handle);
        self.next
    }

    pub(super) fn remove(&mut self, number: u32) {
        if let Some(Handle::Entries(_, names)) = self.handles.remove(&number) {
            self.names -= names;
        }
    }

    pub(super) fn get(&mut self, number: u32) -> Option<&mut Handle> {
        self.handles.get_mut(&number)
    }

    pub(super) fn names(&self) -> u64 {
        self.names
    }
}

/// The time of one callback in calls for files, where time is measured. What a thread waits is no CPU time of it.
#[derive(Debug, Default)]
pub(crate) struct FileTime {
    spent: Duration,
}

impl FileTime {
    /// A callback begins.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    /// Whether a call may still be made.
    pub(super) fn is_left(&self, limit: Duration) -> bool {
        self.spent < limit
    }

    pub(super) fn spend(&mut self, time: Duration) {
        self.spent += time;
    }

    pub fn spent(&self) -> Duration {
        self.spent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_not_those_of_the_streams_and_names_count_until_they_are_dropped() {
        let mut files = Files::default();
        let first = files.insert(Handle::Entries(Vec::new(), 3));
        assert_eq!(first, FIRST);
        files.next = u32::MAX;
        assert_eq!(files.insert(Handle::Entries(Vec::new(), 4)), u32::MAX);
        assert_eq!(files.insert(Handle::Entries(Vec::new(), 5)), FIRST + 1);
        assert_eq!(files.names(), 12);
        files.remove(first);
        files.remove(first);
        assert_eq!(files.names(), 9);
    }

    #[test]
    fn the_time_of_a_callback_has_an_edge() {
        let mut time = FileTime::default();
        let limit = Duration::from_millis(30);
        assert!(!time.is_left(Duration::ZERO));
        time.spend(Duration::from_micros(29_999));
        assert!(time.is_left(limit));
        time.spend(Duration::from_micros(1));
        assert!(!time.is_left(limit));
        time.reset();
        assert!(time.is_left(limit));
    }
}
