//! Bytes in and out of one connection.

use super::broken;
use super::link::Link;
use super::turns;
use crate::api::EndCause;
use bytes::Bytes;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::time::Instant;

/// Bytes taken from the socket at a time: a handful of typical packets; larger ones come in several turns.
const READ_CHUNK: usize = 16 << 10;

/// Bytes moved in a row before other tasks get a turn. Loopback takes some 30 µs for them.
const TURN_BYTES: usize = 128 << 10;

/// How long a closed connection is read on. A socket closed with bytes unread is reset, and a reset can overtake the
/// last packets, which say why the connection ends.
const LINGER: Duration = Duration::from_secs(1);

/// Moves bytes until the connection is closed and all that could be sent is sent.
pub(super) async fn run<S: AsyncRead + AsyncWrite>(link: &Link, stream: S) {
    let (reader, writer) = tokio::io::split(stream);
    let mut pump = Pump {
        link,
        reader,
        writer,
        buffer: vec![0; READ_CHUNK],
        hand: Bytes::new(),
        progress: Instant::now(),
        starved: None,
        half_closed: false,
        deaf: false,
    };
    if pump.transfer().await {
        pump.hang_up().await;
    }
}

struct Pump<'a, S> {
    link: &'a Link,
    reader: ReadHalf<S>,
    writer: WriteHalf<S>,
    buffer: Vec<u8>,
    /// Taken from the machine and not yet written.
    hand: Bytes,
    /// When bytes were last written, or last began to wait.
    progress: Instant,
    /// Since when the client is not read for want of memory. It may have gone, and nobody would notice.
    starved: Option<Instant>,
    /// The client sends no more.
    half_closed: bool,
    /// The client takes no more. What it sent before is read all the same.
    deaf: bool,
}

impl<S: AsyncRead + AsyncWrite> Pump<'_, S> {
    /// True when the connection has ended in an orderly way: everything is written, and the client may have time to close.
    async fn transfer(&mut self) -> bool {
        let mut closed_since = None;
        // Bytes moved, and whether the client may have sent more than was read.
        let (mut moved, mut more) = (turns::Row::new(TURN_BYTES), false);
        loop {
            moved.rest().await;
            let idle = self.hand.is_empty();
            let step = self.link.step(&mut self.hand);
            if self.hand.is_empty() && !more {
                moved.waited();
            }
            if self.deaf {
                self.hand.clear();
            }
            let now = Instant::now();
            if idle && !self.deaf {
                self.progress = now;
            }
            if step.closed {
                if self.hand.is_empty() {
                    return !step.given_up;
                }
                let since = *closed_since.get_or_insert(now);
                if now >= since + step.flush_limit {
                    return false;
                }
            }
            if !step.starved {
                self.starved = None;
            } else if now >= *self.starved.get_or_insert(now) + self.link.stall_limit {
                self.starved = None;
                self.link.starved();
                continue;
            }
            let mut give_up = self.progress + self.link.stall_limit;
            if let Some(since) = closed_since {
                give_up = give_up.min(since + step.flush_limit);
            }
            let waiting = self.deaf || !self.hand.is_empty();
            if waiting && now >= give_up {
                self.link.lost(EndCause::ClientStalled);
                return false;
            }
            tokio::select! {
                biased;
                written = turns::uncounted(self.writer.write(&self.hand)), if !self.hand.is_empty() => match written {
                    Ok(count) if count > 0 => {
                        self.link.written(count);
                        moved.had(count);
                        let _ = self.hand.split_to(count);
                        self.progress = Instant::now();
                    }
                    _ => {
                        self.deaf = true;
                        self.link.unreachable();
                    }
                },
                read = turns::uncounted(self.reader.read(&mut self.buffer)), if step.want_input && !self.half_closed => {
                    match read {
                        Ok(count) if count > 0 => {
                            self.link.receive(&self.buffer[..count]);
                            moved.had(count);
                            more = count == READ_CHUNK;
                        }
                        Ok(_) => {
                            broken::half_closed(self.link, &mut self.writer).await;
                            self.half_closed = true;
                            self.link.peer_closed();
                        }
                        Err(_) => {
                            broken::reset(self.link);
                            self.link.lost(EndCause::ClientLeft);
                            return false;
                        }
                    }
                }
                () = self.link.pump_woken() => {}
                () = tokio::time::sleep_until(give_up), if waiting => {}
                () = sleep_until(step.deadline), if step.deadline.is_some() => {}
            }
        }
    }

    async fn hang_up(&mut self) {
        let hang_up = async {
            if self.deaf || self.writer.shutdown().await.is_err() || self.half_closed {
                return;
            }
            while matches!(self.reader.read(&mut self.buffer).await, Ok(count) if count > 0) {}
        };
        // Either way the stream is dropped next.
        let _ = tokio::time::timeout(LINGER, hang_up).await;
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
