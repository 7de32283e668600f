//! Connections from a listener, no faster than the host takes them.
//!
//! A listener ends by an error of its own only. Where files or memory are short, the newest connection is taken with a
//! file that is kept for it and closed, so that nobody hangs in the system's queue until the shortage ends.

use super::Host;
use rustix::io::Errno;
use std::fs::File;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep_until};

/// After the first failure in a row that nothing could be done about; doubled for each.
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// However long a shortage lasts: a player hardly notices, and a host that looks once a second costs nothing.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A shortage is over when there was none for so long. Under a crowd it comes and goes with each connection.
const CALM: Duration = Duration::from_secs(10);

/// The step of the runtime's timers: within it connections are taken at once.
const STEPS_PER_SECOND: u64 = 1000;

/// Until the host stops, or the listener itself cannot be used any more.
pub(super) async fn serve<L: Source>(host: &Host, listener: &L) -> io::Result<()> {
    let mut stopping = host.inner.stopping.subscribe();
    let limits = &host.inner.services.config.limits;
    let mut rate = Rate::new(limits.connections_per_second);
    let mut shortage = Shortage::new();
    loop {
        let over = shortage.over_at();
        let next = async {
            shortage.pause().await;
            rate.wait().await;
            host.room_for_login().await;
            poll_fn(|cx| listener.poll_accept(cx)).await
        };
        let accepted = tokio::select! {
            biased;
            _ = stopping.wait_for(|stopping| *stopping) => return Ok(()),
            accepted = next => accepted,
            () = sleep_until(over.unwrap_or_else(Instant::now)), if over.is_some() => {
                shortage.end();
                continue;
            }
        };
        match accepted {
            Ok((stream, peer)) => {
                shortage.passes();
                rate.took();
                host.accept(stream, peer);
            }
            Err(error) => match Trouble::of(&error) {
                Trouble::Connection => tracing::debug!("a connection was lost: {error}"),
                Trouble::Shortage => {
                    rate.took();
                    shortage.met(&error, listener).await;
                }
                Trouble::Listener => return Err(error),
            },
        }
    }
}

/// Where connections come from.
pub(super) trait Source {
    type Stream: AsyncRead + AsyncWrite + Send + 'static;

    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(Self::Stream, SocketAddr)>>;
}

impl Source for TcpListener {
    type Stream = TcpStream;

    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        let accepted = std::task::ready!(TcpListener::poll_accept(self, cx));
        if let Ok((stream, _)) = &accepted {
            // Game packets are small and should not wait for each other. Failing at it costs only that.
            let _ = stream.set_nodelay(true);
        }
        Poll::Ready(accepted)
    }
}

/// Whose an error of `accept` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    /// The connection's, which is gone: the next may be taken at once. So says accept(2) of Linux.
    Connection,
    /// The process or the system has not enough of something; also whatever nobody has thought of.
    Shortage,
    /// The listener's: no connection will ever come from it.
    Listener,
}

impl Trouble {
    fn of(error: &io::Error) -> Self {
        match Errno::from_io_error(error) {
            Some(
                Errno::CONNABORTED
                | Errno::CONNRESET
                | Errno::INTR
                | Errno::PERM
                | Errno::PROTO
                | Errno::NETDOWN
                | Errno::NETUNREACH
                | Errno::HOSTDOWN
                | Errno::HOSTUNREACH
                | Errno::NOPROTOOPT
                | Errno::TIMEDOUT,
            ) => Self::Connection,
            Some(Errno::BADF | Errno::INVAL | Errno::NOTSOCK | Errno::FAULT) => Self::Listener,
            _ => Self::Shortage,
        }
    }
}

/// A time in which connections cannot be taken, mostly for want of files. It may last for ever.
struct Shortage {
    /// Its place is free for a connection that is closed at once.
    spare: Option<File>,
    /// None outside of a shortage.
    since: Option<Instant>,
    last: Instant,
    /// Connections that were closed in it.
    closed: u64,
    pause: Duration,
    /// Until then nothing is tried.
    until: Option<Instant>,
}

impl Shortage {
    fn new() -> Self {
        Self {
            spare: spare(),
            since: None,
            last: Instant::now(),
            closed: 0,
            pause: FIRST_PAUSE,
            until: None,
        }
    }

    /// Closes the newest connection, or has the next one wait for a while.
    async fn met<L: Source>(&mut self, error: &io::Error, listener: &L) {
        let now = Instant::now();
        self.last = now;
        if self.since.is_none() {
            self.since = Some(now);
            tracing::warn!(
                "no connection can be taken: {error}; new ones are closed until there is room again"
            );
        }
        self.spare = None;
        let taken = poll_fn(|cx| Poll::Ready(listener.poll_accept(cx))).await;
        let closed = matches!(taken, Poll::Ready(Ok(_)));
        drop(taken);
        self.spare = spare();
        if closed {
            self.closed += 1;
            self.passes();
        } else {
            self.until = Some(now + self.pause);
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Loses nothing when it is dropped.
    async fn pause(&self) {
        if let Some(until) = self.until {
            sleep_until(until).await;
        }
    }

    /// One was taken.
    fn passes(&mut self) {
        self.pause = FIRST_PAUSE;
        self.until = None;
    }

    fn over_at(&self) -> Option<Instant> {
        self.since.map(|_| self.last + CALM)
    }

    fn end(&mut self) {
        if let Some(since) = self.since.take() {
            let lasted = self.last.duration_since(since).as_secs();
            let closed = std::mem::take(&mut self.closed);
            tracing::warn!(
                "connections are taken again; in {lasted} s without room {closed} were closed"
            );
        }
    }
}

fn spare() -> Option<File> {
    File::open("/dev/null").ok()
}

/// So many at once, and the next when their time is over: at most what was asked for, and less as timers are late.
struct Rate {
    at_once: u64,
    time: Duration,
    /// Since then.
    taken: u64,
    since: Instant,
}

impl Rate {
    /// One a second at least.
    fn new(per_second: u64) -> Self {
        let at_once = (per_second / STEPS_PER_SECOND).max(1);
        Self {
            at_once,
            time: Duration::from_nanos(at_once * 1_000_000_000 / per_second.max(1)),
            taken: 0,
            since: Instant::now(),
        }
    }

    /// Until one more may be taken. Loses nothing when it is dropped.
    async fn wait(&mut self) {
        if self.taken >= self.at_once {
            sleep_until(self.since + self.time).await;
            self.taken = 0;
        }
    }

    fn took(&mut self) {
        if self.taken == 0 {
            self.since = Instant::now();
        }
        self.taken += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::HostConfig;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicU64, Ordering};
    use tokio::io::DuplexStream;
    use tokio::time::sleep;

    /// Fails in this way until so much time has passed, and then has one connection; what is behind that never comes.
    struct Failing {
        error: Errno,
        until: Instant,
        /// Whether a connection can be taken with the file that is kept for it.
        spare: bool,
        asked: AtomicU64,
        left: Mutex<Option<DuplexStream>>,
    }

    impl Failing {
        fn new(error: Errno, time: Duration, spare: bool) -> (Self, DuplexStream) {
            let (client, server) = tokio::io::duplex(64);
            let failing = Self {
                error,
                until: Instant::now() + time,
                spare,
                asked: AtomicU64::new(0),
                left: Mutex::new(Some(server)),
            };
            (failing, client)
        }
    }

    impl Source for Failing {
        type Stream = DuplexStream;

        fn poll_accept(&self, _: &mut Context<'_>) -> Poll<io::Result<(DuplexStream, SocketAddr)>> {
            let asked = self.asked.fetch_add(1, Ordering::Relaxed);
            let peer = ([192, 0, 2, 1], 1).into();
            if Instant::now() < self.until {
                if self.spare && asked % 2 == 1 {
                    return Poll::Ready(Ok((tokio::io::duplex(1).0, peer)));
                }
                return Poll::Ready(Err(self.error.into()));
            }
            let left = self.left.lock().expect("no test panicked").take();
            left.map_or(Poll::Pending, |stream| Poll::Ready(Ok((stream, peer))))
        }
    }

    async fn host() -> Host {
        let host = Host::builder(HostConfig::default()).start().await;
        host.expect("a host without plugins starts")
    }

    /// How often a listener was asked that fails for a time and is served for that and a little longer.
    async fn outlived(error: Errno, time: Duration, spare: bool) -> u64 {
        let host = host().await;
        let (failing, _client) = Failing::new(error, time, spare);
        let served = serve(&host, &failing);
        let served = tokio::time::timeout(time + Duration::from_secs(2), served).await;
        assert!(served.is_err(), "it was given up: {served:?}");
        assert_eq!(host.connection_count(), 1, "the next one is taken");
        failing.asked.load(Ordering::Relaxed)
    }

    const HOUR: Duration = Duration::from_secs(3600);

    #[tokio::test(start_paused = true)]
    async fn no_shortage_is_fatal_however_long() {
        for error in [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM] {
            let asked = outlived(error, HOUR, false).await;
            assert!(
                (3600..8000).contains(&asked),
                "{error}: asked {asked} times"
            );
        }
        // Nor is what nobody has thought of, and it does not keep a core busy.
        assert!(outlived(Errno::XDEV, HOUR, false).await < 8000);
    }

    #[tokio::test(start_paused = true)]
    async fn in_a_shortage_connections_are_closed_at_the_listeners_own_pace() {
        let asked = outlived(Errno::MFILE, Duration::from_secs(1), true).await;
        assert!((7900..8200).contains(&asked), "asked {asked} times");
    }

    #[tokio::test(start_paused = true)]
    async fn what_happens_to_a_connection_keeps_no_other_waiting() {
        let host = host().await;
        for error in [Errno::CONNABORTED, Errno::INTR, Errno::PERM, Errno::PROTO] {
            assert_eq!(Trouble::of(&error.into()), Trouble::Connection);
        }
        let (failing, _client) = Failing::new(Errno::CONNABORTED, Duration::ZERO, false);
        let began = Instant::now();
        let served = tokio::time::timeout(Duration::from_millis(1), serve(&host, &failing)).await;
        assert!(served.is_err());
        assert_eq!(host.connection_count(), 1);
        assert!(began.elapsed() < FIRST_PAUSE);
    }

    #[tokio::test(start_paused = true)]
    async fn an_error_of_the_listener_itself_ends_it() {
        let host = host().await;
        for error in [Errno::BADF, Errno::INVAL, Errno::NOTSOCK] {
            let (failing, _client) = Failing::new(error, HOUR, false);
            let ended = serve(&host, &failing).await.unwrap_err();
            assert_eq!(Errno::from_io_error(&ended), Some(error));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_grow_to_a_second_and_a_shortage_ends_when_it_is_calm() {
        let (failing, _client) = Failing::new(Errno::MFILE, HOUR, false);
        let mut shortage = Shortage::new();
        let mut pauses = Vec::new();
        for _ in 0..9 {
            let error = Errno::MFILE.into();
            shortage.met(&error, &failing).await;
            let began = Instant::now();
            shortage.pause().await;
            pauses.push(began.elapsed().as_millis());
        }
        assert_eq!(pauses, [10, 20, 40, 80, 160, 320, 640, 1000, 1000]);
        let last = shortage.last;
        assert_eq!(shortage.over_at(), Some(last + CALM));
        shortage.end();
        assert_eq!(shortage.over_at(), None);
    }

    /// When each of so many was taken, in microseconds, where all of them wait from the start.
    async fn taken(per_second: u64, count: usize) -> Vec<u128> {
        let began = Instant::now();
        let mut rate = Rate::new(per_second);
        let mut times = Vec::new();
        for _ in 0..count {
            rate.wait().await;
            rate.took();
            times.push(began.elapsed().as_micros());
        }
        times
    }

    #[tokio::test(start_paused = true)]
    async fn so_many_are_taken_in_a_second_and_no_more() {
        assert_eq!(
            taken(4000, 9).await,
            [0, 0, 0, 0, 1000, 1000, 1000, 1000, 2000]
        );
        assert_eq!(taken(1, 3).await, [0, 1_000_000, 2_000_000]);
        assert_eq!(taken(999, 2).await, [0, 2000]);
        for per_second in [1, 7, 1000, 1999, 4000, 1_000_000] {
            let count = usize::try_from(per_second).expect("small");
            let last = taken(per_second, count + 1).await[count];
            assert!(last >= 1_000_000, "{per_second}: {last}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_after_a_pause_is_taken_at_once() {
        let mut rate = Rate::new(2000);
        rate.took();
        rate.took();
        sleep(Duration::from_secs(9)).await;
        let began = Instant::now();
        for _ in 0..2 {
            rate.wait().await;
            rate.took();
        }
        assert_eq!(began.elapsed(), Duration::ZERO);
        rate.wait().await;
        assert_eq!(began.elapsed(), Duration::from_millis(1));
    }
}
