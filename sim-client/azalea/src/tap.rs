//! A tap sits between azalea and the server: azalea connects to it, it connects to the server, and bytes pass unchanged.
//! So azalea stays as it is published, and everything that passes is seen, in order, before the other side can answer it.

use std::fs::File;
use std::io;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::bots::Health;
use crate::outcome::{End, Outcome};
use crate::output::Output;
use crate::session::{Direction, Session};

/// How many bytes are passed on at once. A full chunk with its light is about as much.
const CHUNK: usize = 16 * 1024;

/// How long azalea may take for an update before it is taken for hung. With many clients on a busy machine one may take
/// seconds.
const MAX_UPDATE: Duration = Duration::from_secs(10);

/// What every client is to do.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The server.
    pub(crate) server: SocketAddr,
    /// How long connecting may take, and then coming into the world.
    pub(crate) limit: Duration,
    /// How long to stay in the world.
    pub(crate) stay: Duration,
    /// Where every byte of the server goes besides.
    pub(crate) record: Option<Arc<File>>,
}

/// A client that azalea is to start.
#[derive(Clone, Debug)]
pub(crate) struct Join {
    /// Its player's name.
    pub(crate) name: String,
    /// The tap that it is to connect to.
    pub(crate) tap: SocketAddr,
}

/// Taps one connection a name, all at once, until each has ended. Clients to start are sent to `joins`; `health` is
/// azalea's. The outcomes are in the order of the names.
///
/// # Errors
///
/// When the system gives no event queue.
pub(crate) fn run(
    plan: &Plan,
    names: Vec<String>,
    joins: &Sender<Join>,
    health: &watch::Receiver<Health>,
    output: &Arc<Output>,
) -> io::Result<Vec<Outcome>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()?;
    Ok(runtime.block_on(async {
        let mut taps = JoinSet::new();
        for (index, name) in names.into_iter().enumerate() {
            let tap = Tap {
                plan: plan.clone(),
                name,
                session: Mutex::new(Session::new(output.verbose())),
                health: health.clone(),
                output: Arc::clone(output),
            };
            let joins = joins.clone();
            taps.spawn(async move { (index, tap.watch(&joins).await) });
        }
        // Panics of a tap are passed on; its tasks are never cancelled.
        let mut outcomes = taps.join_all().await;
        outcomes.sort_by_key(|(index, _)| *index);
        outcomes.into_iter().map(|(_, outcome)| outcome).collect()
    }))
}

struct Tap {
    plan: Plan,
    name: String,
    session: Mutex<Session>,
    health: watch::Receiver<Health>,
    output: Arc<Output>,
}

impl Tap {
    async fn watch(self, joins: &Sender<Join>) -> Outcome {
        let end = match self.connect(joins).await {
            Ok((server, azalea)) => self.pass(server, azalea).await,
            Err(reason) => End::NotConnected(reason),
        };
        let reason = match &end {
            End::Kicked(text) => text.clone(),
            end => end.reason().map_or(Value::Null, Value::from),
        };
        let event = match &end {
            End::Stayed => json!({ "event": "left" }),
            End::NotConnected(_) => json!({ "event": "not-connected", "reason": reason }),
            End::NotInWorld => json!({ "event": "not-in-world", "reason": reason }),
            _ => json!({ "event": "disconnected", "reason": reason }),
        };
        self.output.event(event);
        let session = self.session();
        Outcome {
            name: self.name.clone(),
            end,
            counts: session.counts(),
            in_world: session.in_world(),
            ended: self.output.now(),
        }
    }

    /// Connects to the server first, so that azalea is only bothered with servers that are there.
    async fn connect(&self, joins: &Sender<Join>) -> Result<(TcpStream, TcpStream), String> {
        let Plan { server, limit, .. } = self.plan;
        let cannot = |what: &dyn std::fmt::Display| format!("cannot connect to {server}: {what}");
        let stream = match timeout(limit, TcpStream::connect(server)).await {
            Ok(stream) => stream.map_err(|error| cannot(&error))?,
            Err(_) => {
                return Err(cannot(&format_args!(
                    "no answer in {} s",
                    limit.as_secs_f64()
                )));
            }
        };
        self.output
            .event(json!({ "event": "connected", "server": server.to_string() }));
        let tap = |error: io::Error| format!("cannot tap the connection: {error}");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .map_err(tap)?;
        let join = Join {
            name: self.name.clone(),
            tap: listener.local_addr().map_err(tap)?,
        };
        let nobody = || "azalea did not connect to its tap".to_owned();
        joins.send(join).map_err(|_| nobody())?;
        let (azalea, _) = timeout(limit, listener.accept())
            .await
            .map_err(|_| nobody())?
            .map_err(tap)?;
        for stream in [&stream, &azalea] {
            stream.set_nodelay(true).map_err(tap)?;
        }
        Ok((stream, azalea))
    }

    async fn pass(&self, server: TcpStream, azalea: TcpStream) -> End {
        let (from_server, to_server) = server.into_split();
        let (from_azalea, to_azalea) = azalea.into_split();
        let (arrived, in_world) = watch::channel(false);
        let mut health = self.health.clone();
        let end = tokio::select! {
            biased;
            Ok(_) = health.wait_for(|health| *health == Health::Panicked) => End::Panicked,
            end = self.relay(Direction::Clientbound, from_server, to_azalea, &arrived) => end,
            end = self.relay(Direction::Serverbound, from_azalea, to_server, &arrived) => end,
            end = self.clock(in_world) => end,
        };
        // Whoever closes first, a reason that was given before is the reason.
        match self.session().kicked() {
            Some(reason) if end != End::Panicked => End::Kicked(reason.clone()),
            _ => end,
        }
    }

    /// Ends when the client has stayed as long as it should, or when it takes too long to come. That azalea still runs is
    /// looked at then: while it hangs, its connection looks no different from a quiet one.
    async fn clock(&self, mut in_world: watch::Receiver<bool>) -> End {
        // The senders live as long as the connection.
        let arrived = timeout(self.plan.limit, in_world.wait_for(|arrived| *arrived));
        let arrived = matches!(arrived.await, Ok(Ok(_)));
        let end = if arrived {
            sleep(self.plan.stay).await;
            End::Stayed
        } else {
            End::NotInWorld
        };
        let mut health = self.health.clone();
        health.mark_unchanged();
        match timeout(MAX_UPDATE, health.changed()).await {
            Ok(_) => end,
            Err(_) => End::Hung,
        }
    }

    async fn relay(
        &self,
        direction: Direction,
        mut from: impl AsyncRead + Unpin,
        mut to: impl AsyncWrite + Unpin,
        arrived: &watch::Sender<bool>,
    ) -> End {
        let mut chunk = vec![0; CHUNK];
        loop {
            let bytes = match from.read(&mut chunk).await {
                Ok(0) => return closed(direction, "the server closed the connection"),
                Ok(read) => chunk.get(..read).unwrap_or_default(),
                Err(error) => return closed(direction, &format!("the connection broke: {error}")),
            };
            if let (Direction::Clientbound, Some(file)) = (direction, &self.plan.record)
                && let Err(error) = file.as_ref().write_all(bytes)
            {
                return End::Broken(format!("cannot record: {error}"));
            }
            let mut lines = Vec::new();
            let followed = self
                .session()
                .receive(direction, bytes, self.output.now(), &mut lines);
            for line in &lines {
                self.output.line(line);
            }
            if let Err(error) = followed {
                return End::Broken(error);
            }
            if self.output.closed() {
                return End::Broken("nobody reads the output any more".to_owned());
            }
            if let Err(error) = to.write_all(bytes).await {
                return match direction {
                    Direction::Clientbound => End::Left,
                    Direction::Serverbound => End::Lost(format!("the connection broke: {error}")),
                };
            }
            // After the bytes have gone out, so that the server has heard of it however short the stay.
            if self.session().in_world().is_some() {
                arrived.send_if_modified(|arrived| !std::mem::replace(arrived, true));
            }
        }
    }

    fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The side that bytes come from has closed.
fn closed(direction: Direction, by_server: &str) -> End {
    match direction {
        Direction::Clientbound => End::Lost(by_server.to_owned()),
        Direction::Serverbound => End::Left,
    }
}
