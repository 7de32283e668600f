//! A network between client and host that splits, delays and cuts, from a seed and in virtual time. It keeps order and
//! duplicates nothing, as TCP does.
//!
//! [`link`] makes one connection: an end for each side and a [`Tap`] that tells what has passed. Each direction has a
//! delay, a bound on what is on the way, and a size beyond which a write or a read is taken in pieces; the connection
//! may be cut once, at a byte of a direction or at a time.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use sim_client::Reset;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use crate::rng::Rng;

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From the client.
    ToHost,
    /// From the host.
    ToClient,
}

/// When a connection is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// After so many bytes of one direction have been written.
    Byte(Way, u64),
    /// So long after it was opened.
    Time(Duration),
}

/// What a cut looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CutKind {
    /// Both sides read what is on the way and then the end; what is written later is lost.
    End,
    /// Both sides get an error at once; what is on the way is lost.
    Reset,
    /// Nothing arrives any more in either direction, and nobody is told before the other side goes away.
    Silence,
}

/// A cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// When.
    pub when: When,
    /// How.
    pub kind: CutKind,
}

/// How a connection treats what it carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weather {
    /// How long a byte is on the way at least.
    pub delay: Duration,
    /// How much longer it may be.
    pub jitter: Duration,
    /// At most so many bytes are taken at a time, in each direction; 1 and more.
    pub piece: [usize; 2],
    /// At most so many bytes are on the way in each direction.
    pub room: usize,
}

impl Weather {
    /// No delay, no split that a socket would not make.
    pub const CALM: Self = Self {
        delay: Duration::ZERO,
        jitter: Duration::ZERO,
        piece: [64 << 10; 2],
        room: 64 << 10,
    };
}

/// A connection: the client's end, the host's end, and what tells of it. Must be called within a runtime.
#[must_use]
pub fn link(weather: Weather, cut: Option<Cut>, rng: Rng) -> (LinkEnd, LinkEnd, Tap) {
    let opened = Instant::now();
    let shared = Arc::new(Mutex::new(Shared {
        weather,
        cut,
        rng,
        opened,
        lanes: [Lane::new(opened), Lane::new(opened)],
        reset: false,
        silent: false,
    }));
    let end = |side| LinkEnd {
        shared: Arc::clone(&shared),
        side,
        timer: Box::pin(tokio::time::sleep_until(opened)),
    };
    (end(CLIENT), end(HOST), Tap(Arc::clone(&shared)))
}

/// What has passed on a connection.
#[derive(Debug, Clone)]
pub struct Tap(Arc<Mutex<Shared>>);

impl Tap {
    /// Bytes that were written in this direction so far.
    #[must_use]
    pub fn written(&self, way: Way) -> u64 {
        lock(&self.0).lane(way).written
    }

    /// Bytes that were read in this direction so far.
    #[must_use]
    pub fn read(&self, way: Way) -> u64 {
        lock(&self.0).lane(way).read
    }

    /// A hash over every piece that was written, with its time, in both directions: equal runs have equal ones.
    #[must_use]
    pub fn digest(&self) -> u64 {
        let shared = lock(&self.0);
        shared.lanes[CLIENT].hash ^ shared.lanes[HOST].hash.rotate_left(1)
    }

    /// Whether the cut has come.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        let shared = lock(&self.0);
        shared.reset || shared.silent || shared.lanes.iter().any(|lane| lane.severed)
    }
}

const CLIENT: usize = 0;
const HOST: usize = 1;

#[derive(Debug)]
struct Shared {
    weather: Weather,
    /// None once it has come.
    cut: Option<Cut>,
    rng: Rng,
    opened: Instant,
    /// By the side that writes.
    lanes: [Lane; 2],
    reset: bool,
    silent: bool,
}

/// One direction.
#[derive(Debug)]
struct Lane {
    /// What is on the way, and when it arrives.
    pieces: VecDeque<(Instant, Bytes)>,
    on_the_way: usize,
    last: Instant,
    written: u64,
    read: u64,
    hash: u64,
    /// The writer has said that nothing follows, or is gone.
    ended: bool,
    /// The reader is gone.
    deaf: bool,
    /// By the cut: what is written from now on is lost.
    severed: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Lane {
    fn new(opened: Instant) -> Self {
        Self {
            pieces: VecDeque::new(),
            on_the_way: 0,
            last: opened,
            written: 0,
            read: 0,
            hash: 0xcbf2_9ce4_8422_2325,
            ended: false,
            deaf: false,
            severed: false,
            reader: None,
            writer: None,
        }
    }

    fn wake(&mut self) {
        self.reader.take().into_iter().for_each(Waker::wake);
        self.writer.take().into_iter().for_each(Waker::wake);
    }

    fn note(&mut self, at: Duration, bytes: &[u8]) {
        self.written += bytes.len() as u64;
        let nanos = u64::try_from(at.as_nanos()).unwrap_or(u64::MAX);
        let mut mix = |word: u64| self.hash = (self.hash ^ word).wrapping_mul(0x0100_0000_01b3);
        mix(nanos);
        mix(bytes.len() as u64);
        for part in bytes.chunks(8) {
            let mut word = [0; 8];
            word.iter_mut().zip(part).for_each(|(to, from)| *to = *from);
            mix(u64::from_le_bytes(word));
        }
    }
}

impl Shared {
    fn lane(&self, way: Way) -> &Lane {
        match way {
            Way::ToHost => &self.lanes[CLIENT],
            Way::ToClient => &self.lanes[HOST],
        }
    }

    /// When a cut is due by the clock.
    fn cut_time(&self) -> Option<Instant> {
        match self.cut?.when {
            When::Time(after) => Some(self.opened + after),
            When::Byte(..) => None,
        }
    }

    /// So many bytes may be written by `side` before a cut at a byte.
    fn before_cut(&self, side: usize) -> Option<u64> {
        let way = if side == CLIENT {
            Way::ToHost
        } else {
            Way::ToClient
        };
        match self.cut?.when {
            When::Byte(of, at) if of == way => Some(at.saturating_sub(self.lanes[side].written)),
            _ => None,
        }
    }

    /// Does the cut when it is due.
    fn weather_the_cut(&mut self, now: Instant) {
        let Some(cut) = self.cut else {
            return;
        };
        let due = match cut.when {
            When::Time(_) => self.cut_time().is_some_and(|at| at <= now),
            When::Byte(way, at) => self.lane(way).written >= at,
        };
        if !due {
            return;
        }
        self.cut = None;
        match cut.kind {
            CutKind::End => self.lanes.iter_mut().for_each(|lane| {
                lane.ended = true;
                lane.severed = true;
            }),
            CutKind::Reset => self.break_off(),
            CutKind::Silence => self.silent = true,
        }
        self.lanes.iter_mut().for_each(Lane::wake);
    }

    fn break_off(&mut self) {
        self.reset = true;
        for lane in &mut self.lanes {
            lane.pieces.clear();
            lane.wake();
        }
    }

    fn arrival(&mut self, side: usize, now: Instant) -> Instant {
        let Weather { delay, jitter, .. } = self.weather;
        let micros = usize::try_from(jitter.as_micros()).unwrap_or(usize::MAX);
        let extra = Duration::from_micros(self.rng.below(micros.saturating_add(1)) as u64);
        (now + delay + extra).max(self.lanes[side].last)
    }
}

/// One side's end of a connection. Dropping it ends both directions: the other side reads what is on the way, and
/// cannot write any more.
#[derive(Debug)]
pub struct LinkEnd {
    shared: Arc<Mutex<Shared>>,
    side: usize,
    timer: Pin<Box<Sleep>>,
}

impl LinkEnd {
    /// Polls the timer for `at`; whether it has come.
    fn comes(&mut self, at: Instant, cx: &mut Context<'_>) -> bool {
        if self.timer.deadline() != at {
            self.timer.as_mut().reset(at);
        }
        self.timer.as_mut().poll(cx).is_ready()
    }
}

impl Reset for LinkEnd {
    fn reset(self) {
        lock(&self.shared).break_off();
    }
}

impl Drop for LinkEnd {
    fn drop(&mut self) {
        let mut shared = lock(&self.shared);
        if shared.silent {
            // The other side's system finds out in the end that nobody is there.
            shared.break_off();
        }
        shared.lanes[self.side].ended = true;
        shared.lanes[1 - self.side].deaf = true;
        shared.lanes.iter_mut().for_each(Lane::wake);
    }
}

impl AsyncRead for LinkEnd {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        loop {
            let now = Instant::now();
            let wait = {
                let mut guard = lock(&this.shared);
                let shared = &mut *guard;
                shared.weather_the_cut(now);
                if shared.reset {
                    return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
                }
                let cut = shared.cut_time();
                let from = 1 - this.side;
                let lane = &mut shared.lanes[from];
                let front = lane
                    .pieces
                    .front()
                    .map(|(at, _)| *at)
                    .filter(|_| !shared.silent);
                match front {
                    Some(at) if at <= now => {
                        let Some((_, piece)) = lane.pieces.front_mut() else {
                            return Poll::Pending;
                        };
                        let most = piece.len().min(buf.remaining());
                        let some = 1 + shared.rng.below(shared.weather.piece[from].min(most));
                        let part = piece.split_to(some.min(most));
                        if piece.is_empty() {
                            lane.pieces.pop_front();
                        }
                        buf.put_slice(&part);
                        lane.on_the_way -= part.len();
                        lane.read += part.len() as u64;
                        lane.writer.take().into_iter().for_each(Waker::wake);
                        return Poll::Ready(Ok(()));
                    }
                    None if lane.ended && !shared.silent && lane.pieces.is_empty() => {
                        return Poll::Ready(Ok(()));
                    }
                    _ => {}
                }
                lane.reader = Some(cx.waker().clone());
                front.into_iter().chain(cut).min()
            };
            match wait {
                Some(at) if this.comes(at, cx) => {}
                _ => return Poll::Pending,
            }
        }
    }
}

impl AsyncWrite for LinkEnd {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let now = Instant::now();
        let side = self.side;
        let mut guard = lock(&self.shared);
        let shared = &mut *guard;
        shared.weather_the_cut(now);
        if shared.reset {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        if shared.lanes[side].deaf || (shared.lanes[side].ended && !shared.lanes[side].severed) {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if shared.lanes[side].severed {
            return Poll::Ready(Ok(data.len()));
        }
        let room = shared
            .weather
            .room
            .saturating_sub(shared.lanes[side].on_the_way);
        if room == 0 {
            shared.lanes[side].writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let mut most = data.len().min(room);
        if let Some(left) = shared.before_cut(side) {
            most = most.min(usize::try_from(left).unwrap_or(usize::MAX));
        }
        let some = 1 + shared.rng.below(shared.weather.piece[side].min(most));
        let part = data.get(..some.min(most)).unwrap_or_default();
        let arrives = shared.arrival(side, now);
        let at = now - shared.opened;
        let lane = &mut shared.lanes[side];
        lane.last = arrives;
        lane.pieces
            .push_back((arrives, Bytes::copy_from_slice(part)));
        lane.on_the_way += part.len();
        lane.note(at, part);
        lane.reader.take().into_iter().for_each(Waker::wake);
        shared.weather_the_cut(now);
        Poll::Ready(Ok(part.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut shared = lock(&self.shared);
        let lane = &mut shared.lanes[self.side];
        lane.ended = true;
        lane.wake();
        Poll::Ready(Ok(()))
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    // Nothing under this lock panics half-way.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::lab::clock::in_virtual_time;

    const ROUGH: Weather = Weather {
        delay: Duration::from_millis(40),
        jitter: Duration::from_millis(20),
        piece: [7, 100],
        room: 500,
    };

    fn bytes(count: usize) -> Vec<u8> {
        Rng::new(1).bytes(count)
    }

    async fn carry(cut: Option<Cut>, sent: Vec<u8>) -> (Vec<u8>, io::Result<()>, Tap) {
        let (mut client, mut host, tap) = link(ROUGH, cut, Rng::new(2));
        let write = async move {
            let done = client.write_all(&sent).await;
            let _ = client.shutdown().await;
            // Kept open for the answer that does not come.
            let mut rest = Vec::new();
            let _ = client.read_to_end(&mut rest).await;
            done
        };
        let read = async move {
            let deadline = Instant::now() + Duration::from_secs(60);
            let mut got = Vec::new();
            let mut buffer = [0; 64];
            let end = loop {
                match tokio::time::timeout_at(deadline, host.read(&mut buffer)).await {
                    Ok(Ok(0)) => break Ok(()),
                    Ok(Ok(count)) => got.extend_from_slice(&buffer[..count]),
                    Ok(Err(error)) => break Err(error),
                    Err(_) => break Err(io::ErrorKind::TimedOut.into()),
                }
            };
            (got, end)
        };
        let ((got, read), _) = tokio::join!(biased; read, write);
        (got, read, tap)
    }

    #[test]
    fn what_goes_in_comes_out_late_in_pieces_and_in_order() {
        let sent = bytes(5000);
        let (got, read, tap) = in_virtual_time(carry(None, sent.clone())).unwrap();
        assert_eq!(got, sent);
        assert!(read.is_ok());
        assert_eq!(
            (tap.written(Way::ToHost), tap.read(Way::ToHost)),
            (5000, 5000)
        );
        assert!(!tap.is_cut());
    }

    #[test]
    fn an_end_lets_through_exactly_what_came_before() {
        for at in [0, 1, 4999] {
            let cut = Cut {
                when: When::Byte(Way::ToHost, at),
                kind: CutKind::End,
            };
            let sent = bytes(5000);
            let (got, read, tap) = in_virtual_time(carry(Some(cut), sent.clone())).unwrap();
            assert_eq!(got, sent[..usize::try_from(at).unwrap()], "{at}");
            assert!(read.is_ok() && tap.is_cut());
        }
    }

    #[test]
    fn a_reset_is_an_error_and_silence_is_nothing() {
        for (kind, error) in [
            (CutKind::Reset, io::ErrorKind::ConnectionReset),
            (CutKind::Silence, io::ErrorKind::TimedOut),
        ] {
            let cut = Cut {
                when: When::Time(Duration::from_millis(300)),
                kind,
            };
            let sent = bytes(5000);
            let (got, read, _) = in_virtual_time(carry(Some(cut), sent.clone())).unwrap();
            assert_eq!(read.unwrap_err().kind(), error);
            assert!(got.len() < sent.len() && sent.starts_with(&got), "{kind:?}");
        }
    }

    #[test]
    fn the_same_seed_carries_the_same_pieces() {
        let digest = || {
            in_virtual_time(carry(None, bytes(3000)))
                .unwrap()
                .2
                .digest()
        };
        assert_eq!(digest(), digest());
    }
}
