//! Open files: how many the process may have, and how many connections that leaves room for.

use std::fmt;

/// What the process opens later than it has counted: the spare file of the listener, a second runtime, the log, names
/// that are looked up, a plugin that is loaded again.
const LATER: u64 = 16;

/// Connections that have no place and are still there need a file each.
const WITHOUT_PLACE: u64 = crate::host::WITHOUT_PLACE as u64;

/// What is open where the system does not say.
const OPEN: u64 = 16;

/// How many connections fit the files that the process may open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileRoom {
    /// Connections at one time.
    pub connections: u32,
    /// Connections that were asked for.
    pub wanted: u32,
    /// Files that are kept for everything else.
    pub kept: u64,
    /// Files that the process may open in all.
    pub limit: u64,
}

impl FileRoom {
    /// Raises the process's limit of open files (`RLIMIT_NOFILE`, which most systems set to 1,024) to what so many
    /// connections need, as far as the system lets it, and answers how many fit. `data_files` are those that plugins may
    /// have open in their data folders; they are given half of what there is at the most.
    #[must_use]
    pub fn make(connections: u32, data_files: u64) -> Self {
        let kept = open_files() + LATER + WITHOUT_PLACE;
        let limit = raise(kept + data_files + u64::from(connections));
        fit(connections, kept, data_files, limit)
    }

    /// Whether fewer fit than were asked for.
    #[must_use]
    pub fn is_short(&self) -> bool {
        self.connections < self.wanted
    }
}

impl fmt::Display for FileRoom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            connections,
            wanted,
            kept,
            limit,
        } = self;
        write!(
            f,
            "{connections} connections at one time instead of the {wanted} of `max_connections`: the process may open \
             {limit} files, of which {kept} are kept for plugins and the host itself; raise the hard limit \
             (`ulimit -Hn`, or LimitNOFILE of a systemd unit), or lower `max_connections`"
        )
    }
}

fn fit(wanted: u32, kept: u64, data_files: u64, limit: u64) -> FileRoom {
    let left = limit.saturating_sub(kept);
    let data_files = data_files.min(left / 2);
    let connections = u32::try_from(left - data_files).unwrap_or(u32::MAX);
    FileRoom {
        connections: connections.clamp(1, wanted.max(1)),
        wanted,
        kept: kept + data_files,
        limit,
    }
}

/// Files that are open now.
fn open_files() -> u64 {
    std::fs::read_dir("/dev/fd").map_or(OPEN, |all| all.count() as u64)
}

/// Answers the limit that holds then.
#[cfg(unix)]
fn raise(needed: u64) -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let now = getrlimit(Resource::Nofile);
    let soft = now.current.unwrap_or(u64::MAX);
    if soft >= needed {
        return soft;
    }
    let raised = needed.min(now.maximum.unwrap_or(u64::MAX));
    let limit = Rlimit {
        current: Some(raised),
        maximum: now.maximum,
    };
    match setrlimit(Resource::Nofile, limit) {
        Ok(()) => raised,
        Err(_) => soft,
    }
}

#[cfg(not(unix))]
fn raise(_needed: u64) -> u64 {
    u64::MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_get_what_is_left_and_never_more_than_was_asked_for() {
        let fits = |limit| fit(1000, 40, 100, limit).connections;
        assert_eq!(fits(1140), 1000);
        assert_eq!(fits(1139), 999);
        assert_eq!(fits(u64::MAX), 1000);
        assert!(fit(1000, 40, 100, 1139).is_short());
        assert!(!fit(1000, 40, 100, 1140).is_short());
    }

    #[test]
    fn data_folders_leave_half_to_connections() {
        let room = fit(1000, 40, 100, 140);
        assert_eq!((room.connections, room.kept), (50, 90));
        assert_eq!(fit(1000, 40, 0, 140).connections, 100);
    }

    #[test]
    fn there_is_always_one_place() {
        assert_eq!(fit(1000, 40, 100, 3).connections, 1);
        assert_eq!(fit(1, 40, 0, 41).connections, 1);
    }

    #[test]
    fn who_is_told_learns_the_number_and_what_to_do() {
        let text = fit(1024, 40, 0, 64).to_string();
        assert!(text.starts_with("24 connections"), "{text}");
        assert!(text.contains("may open 64 files"), "{text}");
        assert!(text.contains("ulimit -Hn"), "{text}");
    }
}
