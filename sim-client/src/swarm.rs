use std::future::Future;
use std::time::Duration;

use futures::future::join_all;
use sim_proto::{ClientConfig, CloseReason, Verdict};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use crate::driver::{Driver, SendError};
use crate::target::ConnectError;
use crate::trace::Trace;

/// The longest name that the game allows, in UTF-16 units.
pub const MAX_NAME: usize = 16;

/// What each client of a swarm does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// How long it may take to come into the world.
    pub limit: Duration,
    /// How long it stays there before it leaves.
    pub stay: Duration,
    /// What it says when it is there.
    pub chat: Option<String>,
}

/// What became of one client.
#[derive(Debug)]
pub struct Outcome {
    /// Its name.
    pub name: String,
    /// How long it took to connect, or to give it up, since the swarm began; nothing for a client that was connected.
    pub connecting: Duration,
    /// How far it came.
    pub end: End,
    /// What it saw; empty if there was no connection.
    pub trace: Trace,
}

/// How far a client of a swarm came.
#[derive(Debug)]
pub enum End {
    /// Into the world, and it stayed for as long as was planned.
    Stayed {
        /// When it was in the world, since it connected.
        in_world: Duration,
        /// Where it stood at the end: on the terrain screen again, if the server sent it there.
        verdict: Verdict,
    },
    /// Into the world, and then the connection ended.
    Lost {
        /// When it was in the world, since it connected.
        in_world: Duration,
        /// When it was lost, since it connected.
        lost: Duration,
        /// Why.
        reason: CloseReason,
    },
    /// Not into the world, within the limit or before the connection ended.
    NotInWorld {
        /// Where it stood then.
        verdict: Verdict,
    },
    /// Into the world, but what it was to say could not be sent.
    NotSent(SendError),
    /// It could not connect.
    NotConnected(ConnectError),
}

impl Outcome {
    /// Whether the client came into the world, stayed, and was there at the end.
    pub fn succeeded(&self) -> bool {
        matches!(
            self.end,
            End::Stayed {
                verdict: Verdict::InWorld,
                ..
            }
        )
    }

    /// When it was in the world, since the swarm began; none if it never was or could not speak.
    pub fn in_world(&self) -> Option<Duration> {
        match self.end {
            End::Stayed { in_world, .. } | End::Lost { in_world, .. } => {
                Some(self.connecting + in_world)
            }
            _ => None,
        }
    }
}

/// A name of a swarm would be longer than the game allows.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the name `{name}` is longer than {MAX_NAME} UTF-16 units; take a shorter prefix")]
pub struct NameTooLong {
    /// The first that is too long.
    pub name: String,
}

/// The names of a swarm: `prefix` and a number from 1 on; the prefix alone for a swarm of one.
pub fn names(prefix: &str, count: usize) -> Result<Vec<String>, NameTooLong> {
    let names: Vec<String> = match count {
        1 => vec![prefix.to_owned()],
        _ => (1..=count)
            .map(|number| format!("{prefix}{number}"))
            .collect(),
    };
    match names
        .iter()
        .find(|name| name.encode_utf16().count() > MAX_NAME)
    {
        Some(name) => Err(NameTooLong { name: name.clone() }),
        None => Ok(names),
    }
}

/// Lets one client do what the plan says, and leave.
pub async fn join_one<S>(mut driver: Driver<S>, plan: &Plan) -> Outcome
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let name = driver.name().to_owned();
    let end = match driver.run_until_in_world(plan.limit).await {
        Err(not_seen) => End::NotInWorld {
            verdict: not_seen.verdict,
        },
        Ok(()) => stay(&mut driver, plan).await,
    };
    driver.close().await;
    Outcome {
        name,
        connecting: Duration::ZERO,
        end,
        trace: driver.into_trace(),
    }
}

async fn stay<S>(driver: &mut Driver<S>, plan: &Plan) -> End
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let in_world = driver.now();
    if let Some(text) = &plan.chat
        && let Err(error) = driver.chat(text)
    {
        return End::NotSent(error);
    }
    match driver.run_to_end(plan.stay).await {
        Ok(reason) => End::Lost {
            in_world,
            lost: driver.now(),
            reason,
        },
        Err(not_seen) => End::Stayed {
            in_world,
            verdict: not_seen.verdict,
        },
    }
}

/// Lets many clients follow the plan at once, within the calling task, and collects what became of them in the order
/// of `configs`. `connect` makes the connection of each.
pub async fn join_many<S, F, C>(
    configs: impl IntoIterator<Item = ClientConfig>,
    plan: &Plan,
    mut connect: C,
) -> Vec<Outcome>
where
    S: AsyncRead + AsyncWrite + Unpin,
    F: Future<Output = Result<Driver<S>, ConnectError>>,
    C: FnMut(ClientConfig) -> F,
{
    let began = Instant::now();
    let clients = configs.into_iter().map(|config| {
        let name = config.name.clone();
        let connected = connect(config);
        async move {
            let connected = connected.await;
            let connecting = began.elapsed();
            match connected {
                Ok(driver) => Outcome {
                    connecting,
                    ..join_one(driver, plan).await
                },
                Err(error) => Outcome {
                    name,
                    connecting,
                    end: End::NotConnected(error),
                    trace: Trace::default(),
                },
            }
        }
    });
    join_all(clients).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart_and_fit() {
        assert_eq!(names("sim", 1).unwrap(), ["sim"]);
        assert_eq!(names("sim", 3).unwrap(), ["sim1", "sim2", "sim3"]);
        assert!(names(&"n".repeat(14), 99).is_ok());
        assert_eq!(
            names(&"n".repeat(14), 100).unwrap_err().name,
            format!("{}100", "n".repeat(14))
        );
        assert!(names(&"n".repeat(16), 1).is_ok());
        assert!(names(&"n".repeat(17), 1).is_err());
        assert_eq!(names("sim", 0).unwrap(), Vec::<String>::new());
    }
}
