use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use sim_proto::Client;
use tokio::io::AsyncWrite;
use tokio::time::Sleep;

/// Bytes on their way to the server.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    queue: VecDeque<Bytes>,
    len: usize,
    /// Whether something was written that the stream may still hold.
    unflushed: bool,
    /// Whether this direction is over: ended by us, or broken.
    ended: bool,
    /// Where bytes go one by one.
    pace: Option<Pace>,
}

/// One byte, and then nothing for a while.
#[derive(Debug)]
struct Pace {
    interval: Duration,
    /// Runs since the last byte.
    pause: Option<Pin<Box<Sleep>>>,
}

impl Outgoing {
    /// Takes over what the client has queued. After the end it is dropped.
    pub(crate) fn collect(&mut self, client: &mut Client) {
        while let Some(bytes) = client.poll_transmit() {
            self.push(bytes);
        }
    }

    /// Queues these. After the end they are dropped.
    pub(crate) fn push(&mut self, bytes: Bytes) {
        if !self.ended && !bytes.is_empty() {
            self.len += bytes.len();
            self.queue.push_back(bytes);
        }
    }

    /// From now on one byte at a time, this far apart.
    pub(crate) fn pace(&mut self, interval: Duration) {
        self.pace = Some(Pace {
            interval,
            pause: None,
        });
    }

    /// Bytes that the connection has not taken.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn ended(&self) -> bool {
        self.ended
    }

    /// Writes until the connection takes no more, and then ends the direction if that is wanted. After an error it is
    /// ended and the queue gone.
    pub(crate) fn poll_write<S: AsyncWrite>(
        &mut self,
        stream: Pin<&mut S>,
        finish: bool,
        cx: &mut Context<'_>,
    ) -> io::Result<()> {
        if self.ended {
            return Ok(());
        }
        match self.try_write(stream, finish, cx) {
            Poll::Ready(Err(error)) => {
                self.queue.clear();
                self.len = 0;
                self.ended = true;
                Err(error)
            }
            Poll::Ready(Ok(())) | Poll::Pending => Ok(()),
        }
    }

    fn try_write<S: AsyncWrite>(
        &mut self,
        mut stream: Pin<&mut S>,
        finish: bool,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while let Some(bytes) = self.queue.front_mut() {
            let mut most = bytes.len();
            if let Some(pace) = &mut self.pace {
                if let Some(pause) = &mut pace.pause {
                    // The last byte must not wait in a buffer meanwhile.
                    ready!(stream.as_mut().poll_flush(cx))?;
                    ready!(pause.as_mut().poll(cx));
                    pace.pause = None;
                }
                most = 1;
            }
            let written = ready!(stream.as_mut().poll_write(cx, &bytes[..most]))?;
            if let Some(pace) = &mut self.pace {
                pace.pause = Some(Box::pin(tokio::time::sleep(pace.interval)));
            }
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.unflushed = true;
            self.len -= written;
            bytes.advance(written);
            if bytes.is_empty() {
                self.queue.pop_front();
            }
        }
        if self.unflushed {
            ready!(stream.as_mut().poll_flush(cx))?;
            self.unflushed = false;
        }
        if finish {
            ready!(stream.poll_shutdown(cx))?;
            self.ended = true;
        }
        Poll::Ready(Ok(()))
    }
}
