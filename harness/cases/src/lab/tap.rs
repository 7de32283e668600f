//! A tap on a client's connection, through which a case slips in bytes that no client would write.

use sim_client::Stream;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::mpsc;

/// Bytes that each direction holds on the client's side of the tap.
const BUFFER: usize = 64 << 10;

/// Says what is slipped in.
#[derive(Debug)]
pub struct Tap(mpsc::UnboundedSender<Vec<u8>>);

impl Tap {
    /// Puts itself between a client and `host`, whose end it takes; the other end is the client's. Must be called
    /// within a runtime.
    #[must_use]
    pub fn on(host: Stream) -> (Self, Stream) {
        let (client, ours) = tokio::io::duplex(BUFFER);
        let (slip, slips) = mpsc::unbounded_channel();
        tokio::spawn(pass(ours, host, slips));
        (Self(slip), client.into())
    }

    /// Writes these bytes to the host behind what the client has written so far. The client knows nothing of it.
    pub fn slip_in(&self, bytes: Vec<u8>) {
        // The connection may be over; then nobody is there to read them.
        let _ = self.0.send(bytes);
    }
}

/// Passes bytes on until one side has ended.
async fn pass(client: DuplexStream, host: Stream, mut slips: mpsc::UnboundedReceiver<Vec<u8>>) {
    let (mut from_client, mut to_client) = tokio::io::split(client);
    let (mut from_host, mut to_host) = tokio::io::split(host);
    let serverbound = async {
        let mut buffer = vec![0; BUFFER];
        loop {
            let written = tokio::select! {
                biased;
                read = from_client.read(&mut buffer) => match read {
                    Ok(count) if count > 0 => to_host.write_all(&buffer[..count]).await,
                    _ => to_host.shutdown().await.and(Err(std::io::ErrorKind::UnexpectedEof.into())),
                },
                Some(bytes) = slips.recv() => to_host.write_all(&bytes).await,
            };
            if written.is_err() {
                return;
            }
        }
    };
    let clientbound = async {
        // Either way both ends are dropped next.
        let _ = tokio::io::copy(&mut from_host, &mut to_client).await;
        let _ = to_client.shutdown().await;
    };
    tokio::join!(serverbound, clientbound);
}
