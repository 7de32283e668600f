use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use sim_proto::{Client, ClientConfig, CloseReason, Event, Now, Verdict, Version};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

mod acting;

use crate::behaviour::Behaviour;
use crate::clock::{Clock, after};
use crate::outgoing::Outgoing;
use crate::stream::Reset;
use crate::target::{CONNECT_TIMEOUT, ConnectError, Target};
use crate::trace::{NoteKind, Trace};
use acting::Mischief;

/// How many bytes may wait for a server that does not read: four of the largest packets. Past it the client stops
/// reading, and thereby answering, and [`Driver::send_raw`] and [`Driver::chat`] are refused.
pub const MAX_UNSENT: usize = 4 << 21;

/// How much is read at once. A whole chunk of most worlds fits.
pub const READ_BUFFER: usize = 16 * 1024;

/// How long [`Driver::close`] goes on reading, so that what is still on its way does not turn the end into a reset.
pub const CLOSE_DRAIN: Duration = Duration::from_secs(1);

/// A client on a connection. See the [crate's documentation](crate) for what it does by itself.
///
/// Nothing happens while none of its futures is polled: the socket is not read, and deadlines pass unnoticed until the
/// next call.
#[derive(Debug)]
pub struct Driver<S> {
    /// None once the connection is over.
    stream: Option<S>,
    client: Client,
    protocol: i32,
    name: String,
    clock: Clock,
    out: Outgoing,
    /// Whether the server has ended its direction, or reading has failed.
    input_ended: bool,
    /// Whether an end of our own direction is wanted after what is queued.
    finishing: bool,
    closed: Option<CloseReason>,
    error: Option<io::Error>,
    buffer: Box<[u8]>,
    timer: Pin<Box<Sleep>>,
    armed: Option<Instant>,
    trace: Trace,
    mischief: Mischief,
}

/// What was waited for did not come.
#[derive(Clone, Debug, PartialEq, Error)]
#[error("{}", crate::describe::not_seen(self))]
pub struct NotSeen {
    /// How long was waited.
    pub waited: Duration,
    /// Where the client stood then.
    pub verdict: Verdict,
    /// Whether the connection ended, so that waiting longer is of no use.
    pub ended: bool,
}

/// Why something could not be sent.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SendError {
    /// The client cannot send it.
    #[error(transparent)]
    Client(#[from] sim_proto::SendError),
    /// The server does not read: this many bytes wait already.
    #[error("the server does not read: {unsent} bytes are waiting, of {MAX_UNSENT} that may")]
    QueueFull {
        /// Bytes that are queued.
        unsent: usize,
    },
}

impl Driver<TcpStream> {
    /// Connects to `address` (`host:port`, the port being 25565 if it is left out) within [`CONNECT_TIMEOUT`]. The
    /// handshake says the same host and port, whatever the configuration holds.
    pub async fn connect_tcp(address: &str, config: ClientConfig) -> Result<Self, ConnectError> {
        let target: Target = address.parse().map_err(|source| ConnectError::Address {
            given: address.to_owned(),
            source,
        })?;
        Self::connect_target(&target, config, CONNECT_TIMEOUT).await
    }

    /// Like [`Driver::connect_tcp`], within `limit`.
    pub async fn connect_target(
        target: &Target,
        mut config: ClientConfig,
        limit: Duration,
    ) -> Result<Self, ConnectError> {
        config.address.clone_from(&target.host);
        config.port = target.port;
        Ok(Driver::new(target.connect(limit).await?, config))
    }
}

impl<S: Reset> Driver<S> {
    /// Breaks the connection: RST on TCP, a dropped pipe in memory. What is queued is lost.
    pub fn reset(mut self) -> Trace {
        let at = self.clock.real();
        self.trace
            .note(at, NoteKind::Local, "reset by the client".to_owned());
        if let Some(stream) = self.stream.take() {
            stream.reset();
        }
        self.trace
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Driver<S> {
    /// A client on a connection that is open. Its time starts now; it sends its first packets when it is first polled.
    /// Must be called within a runtime, whose clock it follows.
    pub fn new(stream: S, config: ClientConfig) -> Self {
        let clock = Clock::start();
        Driver {
            stream: Some(stream),
            protocol: config.protocol,
            name: config.name.clone(),
            client: Client::new(config, Now::ZERO),
            timer: Box::pin(tokio::time::sleep_until(clock.instant(Now::ZERO))),
            clock,
            out: Outgoing::default(),
            input_ended: false,
            finishing: false,
            closed: None,
            error: None,
            buffer: vec![0; READ_BUFFER].into_boxed_slice(),
            armed: None,
            trace: Trace::default(),
            mischief: Mischief::default(),
        }
    }

    /// Has the client misbehave. To be said before it is first polled; several deeds at one step are done in this order.
    /// One that does not fit the protocol is never done: see [`Behaviour::fits`] and [`Driver::misdeeds`].
    #[must_use]
    pub fn behaving(mut self, behaviours: impl IntoIterator<Item = Behaviour>) -> Self {
        self.plan(behaviours);
        self
    }

    /// What it has done of that, and when, as in the trace.
    pub fn misdeeds(&self) -> &[(Duration, Behaviour)] {
        self.mischief.done()
    }

    /// The next thing that happens, in order; none once the connection is over, [`Event::Closed`] being the last.
    ///
    /// Cancel-safe: a future that is dropped has taken nothing with it.
    pub async fn next_event(&mut self) -> Option<Event> {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    /// [`Driver::next_event`] for hand-written futures.
    ///
    /// What is queued is written first, then events that wait are given out, then one buffer is read, then deadlines are
    /// kept: so a server that floods delays neither answers nor deadlines, one that does not read keeps nobody from
    /// reading what it sends, and a driver that was not polled for long does not find its client timed out by packets
    /// that had come.
    pub fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        loop {
            self.poll_output(cx);
            if let Some(event) = self.take_event() {
                self.saw(&event);
                if self.closed.is_some() {
                    self.finishing = true;
                    self.timer.as_mut().reset(after(CLOSE_DRAIN));
                    self.poll_output(cx);
                }
                return Poll::Ready(Some(event));
            }
            if self.stream.is_none() {
                return Poll::Ready(None);
            }
            if self.closed.is_some() {
                return self.poll_leaving(cx);
            }
            let read = self.poll_input(cx);
            let due = self.keep_deadline() | self.poll_flood(cx);
            if !read && !due && !self.poll_timer(cx) {
                return Poll::Pending;
            }
        }
    }

    /// Waits for the first event that `predicate` accepts, at most for `limit`. What comes before it goes to the trace
    /// only.
    pub async fn run_until(
        &mut self,
        mut predicate: impl FnMut(&Event) -> bool,
        limit: Duration,
    ) -> Result<Event, NotSeen> {
        let started = Instant::now();
        let deadline = after(limit);
        loop {
            // The event is asked for first: what has come at the deadline has come in time.
            match tokio::time::timeout_at(deadline, self.next_event()).await {
                Ok(Some(event)) if predicate(&event) => return Ok(event),
                // A server that always has more to say would keep the deadline from being looked at.
                Ok(Some(_)) if Instant::now() <= deadline => {}
                Ok(Some(_)) | Err(_) => return Err(self.not_seen(started, false)),
                Ok(None) => return Err(self.not_seen(started, true)),
            }
        }
    }

    /// Lets `time` pass. True while the connection lasts, which need not have taken the whole time otherwise.
    pub async fn run_for(&mut self, time: Duration) -> bool {
        match self.run_until(|_| false, time).await {
            Ok(_) => true,
            Err(not_seen) => !not_seen.ended,
        }
    }

    /// Waits until the client is in the world, at most for `limit`; at once if it is.
    pub async fn run_until_in_world(&mut self, limit: Duration) -> Result<(), NotSeen> {
        if self.verdict() == Verdict::InWorld {
            return Ok(());
        }
        self.run_until(|event| matches!(event, Event::InWorld(_)), limit)
            .await
            .map(drop)
    }

    /// Waits for the end of the connection, at most for `limit`, and says why it ended.
    pub async fn run_to_end(&mut self, limit: Duration) -> Result<CloseReason, NotSeen> {
        if let Some(reason) = &self.closed {
            return Ok(reason.clone());
        }
        match self
            .run_until(|event| matches!(event, Event::Closed(_)), limit)
            .await?
        {
            Event::Closed(reason) => Ok(reason),
            _ => Err(self.not_seen(Instant::now(), true)),
        }
    }

    /// Waits until everything that is queued has been handed to the connection, at most for `limit`. Events meanwhile
    /// go to the trace only.
    pub async fn run_until_flushed(&mut self, limit: Duration) -> Result<(), NotSeen> {
        let started = Instant::now();
        let deadline = after(limit);
        loop {
            let step = poll_fn(|cx| {
                self.poll_output(cx);
                if self.out.is_empty() && !self.mischief.holds() {
                    return Poll::Ready(None);
                }
                self.poll_event(cx).map(Some)
            });
            match tokio::time::timeout_at(deadline, step).await {
                Ok(None) => return Ok(()),
                Ok(Some(Some(_))) => {}
                Ok(Some(None)) => return Err(self.not_seen(started, true)),
                Err(_) => return Err(self.not_seen(started, false)),
            }
        }
    }

    /// Queues a packet of the current state, as it is. Sent by the next call that waits.
    pub fn send_raw(&mut self, id: i32, data: &[u8]) -> Result<(), SendError> {
        self.room()?;
        self.client.send_raw(id, data)?;
        self.collect();
        Ok(())
    }

    /// Queues a chat message, or a command if it starts with `/`, as the protocol wants it. Sent by the next call that
    /// waits.
    pub fn chat(&mut self, text: &str) -> Result<(), SendError> {
        self.room()?;
        self.client.chat(text)?;
        self.collect();
        Ok(())
    }

    /// Leaves as a player does: what is queued is written, then the connection is ended (FIN on TCP). Reads on for at
    /// most [`CLOSE_DRAIN`]; a server that does not read is left behind after as long.
    pub async fn close(&mut self) {
        self.client.close();
        self.finishing = true;
        let _ = self.run_to_end(CLOSE_DRAIN).await;
        let drained = poll_fn(|cx| self.poll_drain(cx));
        let _ = tokio::time::timeout(CLOSE_DRAIN, drained).await;
        self.stream = None;
    }

    /// Ends the client's own direction after what is queued, and goes on reading. What the client would send from now
    /// on is dropped. Done by the next call that waits.
    pub fn half_close(&mut self) {
        self.note(NoteKind::Local, "the client's direction is ended");
        self.collect();
        self.finishing = true;
    }

    /// Freezes the client: it reads nothing, and its own time stands still, so that it neither answers, ticks nor loses
    /// patience. What the caller sends is still written.
    pub fn stop_reading(&mut self) {
        if self.clock.pause() {
            self.note(NoteKind::Local, "stops reading");
        }
    }

    /// Undoes [`Driver::stop_reading`].
    pub fn resume(&mut self) {
        if self.clock.resume() {
            self.note(NoteKind::Local, "reads on");
        }
    }

    /// Where the client stands.
    pub fn verdict(&self) -> Verdict {
        self.client.verdict()
    }

    /// What has happened so far.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// What has happened, without the driver.
    pub fn into_trace(self) -> Trace {
        self.trace
    }

    /// Time since the driver was made, as in the trace.
    pub fn now(&self) -> Duration {
        self.clock.real()
    }

    /// The protocol that is spoken.
    pub fn version(&self) -> Version {
        Version::new(self.protocol)
    }

    /// The name that the client logs in with.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The protocol machine, for what it can be asked.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// How many bytes are queued that the connection has not taken.
    pub fn unsent(&self) -> usize {
        self.out.len()
    }

    /// Why the connection ended. None until [`Event::Closed`] has been given out.
    pub fn closed(&self) -> Option<&CloseReason> {
        self.closed.as_ref()
    }

    /// The first error of the connection itself, such as a reset. An end without one is a FIN.
    pub fn io_error(&self) -> Option<&io::Error> {
        self.error.as_ref()
    }

    fn room(&self) -> Result<(), SendError> {
        match self.out.len() {
            unsent if unsent >= MAX_UNSENT => Err(SendError::QueueFull { unsent }),
            _ => Ok(()),
        }
    }

    /// Writes what can be written, and ends the direction when that is due.
    fn poll_output(&mut self, cx: &mut Context<'_>) {
        self.collect();
        let Some(stream) = &mut self.stream else {
            return;
        };
        if let Err(error) = self.out.poll_write(Pin::new(stream), self.finishing, cx) {
            // Not the end: what the server said before it went away can still be read.
            self.failed("writing", error);
        }
    }

    /// Whether a deadline of the client had passed.
    fn keep_deadline(&mut self) -> bool {
        let now = self.clock.now();
        let due = !self.clock.paused() && self.client.poll_timeout().is_some_and(|at| at <= now);
        if due {
            self.client.handle_timeout(now);
        }
        due
    }

    /// Whether the timer has run out meanwhile. If not, it wakes the task when the next deadline comes.
    fn poll_timer(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(at) = self.client.poll_timeout().filter(|_| !self.clock.paused()) else {
            return false;
        };
        let at = self.clock.instant(at);
        if self.armed != Some(at) {
            self.timer.as_mut().reset(at);
            self.armed = Some(at);
        }
        let over = self.timer.as_mut().poll(cx).is_ready();
        if over {
            self.armed = None;
        }
        over
    }

    /// Whether something was read, the end included.
    fn poll_input(&mut self, cx: &mut Context<'_>) -> bool {
        if self.input_ended || self.clock.paused() || self.out.len() >= MAX_UNSENT {
            return false;
        }
        let Some(stream) = &mut self.stream else {
            return false;
        };
        let mut buffer = ReadBuf::new(&mut self.buffer);
        match Pin::new(stream).poll_read(cx, &mut buffer) {
            Poll::Pending => return false,
            Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                self.client.receive(buffer.filled(), self.clock.now());
            }
            Poll::Ready(result) => {
                self.input_ended = true;
                match result {
                    Ok(()) => self.note(NoteKind::End, "the server ended its direction"),
                    Err(error) => self.failed("reading", error),
                }
                self.client.connection_closed(self.clock.now());
            }
        }
        true
    }

    /// After the last event: until what is queued has been written, the server has gone, or [`CLOSE_DRAIN`] is over.
    fn poll_leaving(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        let drained = self.poll_drain(cx).is_ready();
        let late = self.timer.as_mut().poll(cx).is_ready();
        if drained || late || self.out.ended() {
            self.stream = None;
            return Poll::Ready(None);
        }
        Poll::Pending
    }

    /// Reads and forgets until the server's end, writing what is left meanwhile.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            self.poll_output(cx);
            let Some(stream) = self.stream.as_mut().filter(|_| !self.input_ended) else {
                return Poll::Ready(());
            };
            let mut buffer = ReadBuf::new(&mut self.buffer);
            match Pin::new(stream).poll_read(cx, &mut buffer) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {}
                Poll::Ready(_) => self.input_ended = true,
            }
        }
    }

    fn failed(&mut self, doing: &str, error: io::Error) {
        self.note(NoteKind::End, &format!("{doing} failed: {error}"));
        self.error.get_or_insert(error);
    }

    fn note(&mut self, kind: NoteKind, text: &str) {
        self.trace.note(self.clock.real(), kind, text.to_owned());
    }

    fn saw(&mut self, event: &Event) {
        let at = self.clock.real();
        self.trace.event(at, event);
        if let Event::Closed(reason) = event {
            self.closed = Some(reason.clone());
        }
    }

    pub(crate) fn not_seen(&self, started: Instant, ended: bool) -> NotSeen {
        NotSeen {
            waited: started.elapsed(),
            verdict: self.verdict(),
            ended,
        }
    }
}
