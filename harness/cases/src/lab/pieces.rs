//! A connection that comes and goes in pieces.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::rng::Rng;

/// One side of a connection that is given no more than a few bytes at a time, and rid of no more, as networks may do it.
#[derive(Debug)]
pub struct Pieces<S> {
    stream: S,
    rng: Rng,
    longest: usize,
}

impl<S> Pieces<S> {
    /// Pieces of 1 to `longest` bytes, which the seed draws.
    #[must_use]
    pub fn new(stream: S, seed: u64, longest: usize) -> Self {
        Self {
            stream,
            rng: Rng::new(seed),
            longest,
        }
    }

    fn length(&mut self) -> usize {
        1 + self.rng.below(self.longest)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Pieces<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let length = self.length().min(buf.remaining());
        let mut piece = ReadBuf::new(buf.initialize_unfilled_to(length));
        let read = Pin::new(&mut self.stream).poll_read(cx, &mut piece);
        let filled = piece.filled().len();
        buf.advance(filled);
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Pieces<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let length = self.length().min(data.len());
        let piece = data.get(..length).unwrap_or(data);
        Pin::new(&mut self.stream).poll_write(cx, piece)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn bytes_come_in_pieces_and_all_the_same() {
        let (mut far, near) = tokio::io::duplex(1 << 10);
        let mut near = Pieces::new(near, 1, 7);
        let sent: Vec<u8> = (0..200).collect();
        far.write_all(&sent).await.unwrap();
        let mut came = Vec::new();
        while came.len() < sent.len() {
            let mut buffer = [0; 64];
            let count = near.read(&mut buffer).await.unwrap();
            assert!((1..=7).contains(&count), "{count}");
            came.extend_from_slice(&buffer[..count]);
        }
        assert_eq!(came, sent);
        assert!((1..=7).contains(&near.write(&sent).await.unwrap()));
    }
}
