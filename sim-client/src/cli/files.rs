//! Open files: each client needs one.

/// What the program needs besides: its own streams, the runtime's, a name that is looked up.
const BESIDES: u64 = 24;

/// Raises the process's limit of open files to what so many clients need, as far as the system lets it.
///
/// # Errors
/// The limit where it is too low.
pub(super) fn room_for(clients: u16) -> Result<(), u64> {
    let needed = u64::from(clients) + BESIDES;
    match raise(needed) {
        limit if limit < needed => Err(limit),
        _ => Ok(()),
    }
}

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
