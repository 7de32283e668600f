//! Many connections that say nothing, from many addresses.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::net::{TcpSocket, TcpStream};
use tokio::runtime::Runtime;

/// Each address stands for a machine, and one is left to the healthy player.
const PER_ADDRESS: usize = 16;
/// What is not taken in this time stays outside.
const PATIENCE: Duration = Duration::from_secs(5);

/// They are there until this is dropped.
pub struct Crowd {
    held: Vec<TcpStream>,
    _runtime: Runtime,
}

impl Crowd {
    /// As many as the system lets in within a few seconds.
    pub fn of(count: usize, host: SocketAddr) -> Result<Self, String> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| error.to_string())?;
        let held = runtime.block_on(async {
            let come = (0..count).map(|number| {
                tokio::spawn(
                    async move { tokio::time::timeout(PATIENCE, connect(number, host)).await },
                )
            });
            let mut held = Vec::new();
            for one in come.collect::<Vec<_>>() {
                if let Ok(Ok(Ok(stream))) = one.await {
                    held.push(stream);
                }
            }
            held
        });
        if held.is_empty() {
            return Err("none of the crowd came in".to_owned());
        }
        Ok(Self {
            held,
            _runtime: runtime,
        })
    }

    pub fn count(&self) -> usize {
        self.held.len()
    }
}

async fn connect(number: usize, host: SocketAddr) -> std::io::Result<TcpStream> {
    let machine = u16::try_from(number / PER_ADDRESS).unwrap_or(u16::MAX);
    let [high, low] = machine.to_be_bytes();
    let socket = TcpSocket::new_v4()?;
    // The whole of 127.0.0.0/8 is this machine.
    socket.bind((IpAddr::V4(Ipv4Addr::new(127, 1, high, low)), 0).into())?;
    socket.connect(host).await
}
