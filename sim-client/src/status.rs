use std::time::Duration;

use serde_json::Value;
use sim_proto::legacy::{self, LegacyError, LegacyForm, LegacyStatus};
use sim_proto::{CloseReason, Event, Packet, Text, Version};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::Instant;
use vb_data::State;

use crate::driver::{Driver, NotSeen};

/// What a server says of itself in the server list.
#[derive(Clone, Debug, PartialEq)]
pub struct Status {
    /// The version of the client that asked, which decides what of it can be read.
    pub client: Version,
    /// The answer as it came.
    pub json: Value,
    /// How long the ping took. None if the server ended the connection instead, which a real client shows as no
    /// connection.
    pub ping: Option<Duration>,
}

/// Why there is no status.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum StatusError {
    /// It did not come.
    #[error("no status: {0}")]
    NotSeen(NotSeen),
    /// It is not JSON.
    #[error("the status is not JSON: {0}")]
    Json(String),
}

impl Status {
    /// The version's name, as old or new clients are shown it in place of the number of players.
    pub fn version(&self) -> Option<&str> {
        self.json.pointer("/version/name")?.as_str()
    }

    /// The protocol that the server speaks, or says it does.
    pub fn protocol(&self) -> Option<i64> {
        self.json.pointer("/version/protocol")?.as_i64()
    }

    /// How many players are there.
    pub fn online(&self) -> Option<i64> {
        self.json.pointer("/players/online")?.as_i64()
    }

    /// How many may be.
    pub fn max(&self) -> Option<i64> {
        self.json.pointer("/players/max")?.as_i64()
    }

    /// The text under the server's name. None if there is none or a client could not read it.
    pub fn description(&self) -> Option<Text> {
        let description = self.json.get("description")?;
        Text::from_value(self.client, description).ok()
    }
}

/// Waits for the status and the ping of a client whose intent is [`sim_proto::Intent::Status`], for at most `limit`
/// altogether.
pub async fn status<S>(driver: &mut Driver<S>, limit: Duration) -> Result<Status, StatusError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let started = Instant::now();
    let mut json = None;
    let mut pinged = None;
    let mut ping = None;
    let ended = driver
        .run_until(
            |event| {
                match event {
                    Event::Received(received) => match &received.packet {
                        Packet::StatusResponse(text) => json = Some(text.clone()),
                        Packet::StatusPong(_) => ping = pinged.map(|at: Instant| at.elapsed()),
                        _ => {}
                    },
                    Event::Sent(sent) if sent.state == State::Status => {
                        pinged = Some(Instant::now())
                    }
                    _ => {}
                }
                matches!(event, Event::Closed(_))
            },
            limit,
        )
        .await;
    let verdict = match ended {
        // A server may leave the ping unanswered; what it said stands.
        Ok(Event::Closed(CloseReason::Fault(_))) | Err(_) => None,
        Ok(_) => json,
    };
    let Some(text) = verdict else {
        return Err(StatusError::NotSeen(
            driver.not_seen(started, driver.closed().is_some()),
        ));
    };
    let json = serde_json::from_str(&text).map_err(|error| StatusError::Json(error.to_string()))?;
    Ok(Status {
        client: driver.version(),
        json,
        ping,
    })
}

/// Why an old client would show no status.
#[derive(Debug, Error)]
pub enum LegacyStatusError {
    /// The connection broke.
    #[error("no status: {0}")]
    Io(#[from] std::io::Error),
    /// It did not come within the limit.
    #[error("no status within {:.3} s, only {received} bytes", .waited.as_secs_f64())]
    TimedOut {
        /// How long was waited.
        waited: Duration,
        /// What came meanwhile.
        received: usize,
    },
    /// The server closed the connection before the answer was whole.
    #[error("the server closed the connection after {received} bytes of the answer")]
    Incomplete {
        /// What came before.
        received: usize,
    },
    /// It is not what an old client reads.
    #[error("an old client cannot read the status: {0}")]
    Malformed(#[from] LegacyError),
}

/// Asks for the status as clients before 1.7 did, and waits for the answer, for at most `limit` altogether. `host` and
/// `port` are what the form of 1.6 says of where it connects to.
///
/// # Errors
///
/// When an old client would show nothing.
pub async fn legacy_status<S>(
    mut stream: S,
    form: LegacyForm,
    (host, port): (&str, u16),
    limit: Duration,
) -> Result<LegacyStatus, LegacyStatusError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    // Grows to the longest answer at most, after which it is complete or wrong.
    let mut received = Vec::new();
    let exchange = async {
        stream.write_all(&legacy::request(form, host, port)).await?;
        stream.flush().await?;
        loop {
            if let Some(status) = legacy::answer(&received)? {
                return Ok(status);
            }
            if stream.read_buf(&mut received).await? == 0 {
                let received = received.len();
                return Err(LegacyStatusError::Incomplete { received });
            }
        }
    };
    match tokio::time::timeout(limit, exchange).await {
        Ok(result) => result,
        Err(_) => Err(LegacyStatusError::TimedOut {
            waited: limit,
            received: received.len(),
        }),
    }
}
