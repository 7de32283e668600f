//! A listener whose queue holds a crowd.

use std::io;
use tokio::net::{TcpListener, TcpSocket, lookup_host};

/// Where Linux says how long a listener's queue may be at most.
const SOMAXCONN: &str = "/proc/sys/net/core/somaxconn";

/// Listens on an address, or on the first of a name's that can be had. The system keeps `backlog` connections waiting
/// until the host takes them; it may cut that to a limit of its own, see [`backlog_limit`].
///
/// # Errors
/// When the name has no address, and when none of its addresses can be listened on.
pub async fn listen(bind: &str, backlog: u32) -> io::Result<TcpListener> {
    let mut failed = None;
    for address in lookup_host(bind).await? {
        let listening = || {
            let socket = if address.is_ipv4() {
                TcpSocket::new_v4()?
            } else {
                TcpSocket::new_v6()?
            };
            // As every server does on Unix: the port of one that has just ended can be had again. On Windows it would
            // let two servers share a port.
            #[cfg(unix)]
            socket.set_reuseaddr(true)?;
            socket.bind(address)?;
            socket.listen(backlog)
        };
        match listening() {
            Ok(listener) => return Ok(listener),
            Err(error) => failed = Some(error),
        }
    }
    Err(failed
        .unwrap_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the name has no address")))
}

/// The system's limit of a listener's queue, where it says so.
#[must_use]
pub fn backlog_limit() -> Option<u32> {
    std::fs::read_to_string(SOMAXCONN).ok()?.trim().parse().ok()
}
