use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;
use tokio::net::TcpStream;

/// The game's own port, taken where an address names none.
pub const DEFAULT_PORT: u16 = 25565;

/// How long a server may take to accept a connection. Vanilla's client gives up after as long.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// The longest host name, in characters: DNS allows 253, and the handshake's field 255.
pub const MAX_HOST: usize = 253;

/// Where to connect, which the handshake repeats to the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// A host name or an IP address, the latter without brackets. Never empty, at most [`MAX_HOST`] characters.
    pub host: String,
    /// Not 0.
    pub port: u16,
}

/// Why a text is no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TargetError {
    /// `:25565`.
    #[error("the host is missing; write HOST:PORT")]
    NoHost,
    /// More than [`MAX_HOST`] characters.
    #[error("the host is longer than {MAX_HOST} characters")]
    LongHost,
    /// Not a number from 1 to 65535.
    #[error("the port must be a number from 1 to 65535")]
    Port,
    /// `[::1`, `[::1]x`, or several colons without brackets.
    #[error("write an IPv6 address in brackets, as in [::1]:25565")]
    Brackets,
    /// White space or a control character.
    #[error("the host holds white space or a control character")]
    Character,
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (host, rest) = rest.split_once(']').ok_or(TargetError::Brackets)?;
                match rest.strip_prefix(':') {
                    Some(port) => (host, Some(port)),
                    None if rest.is_empty() => (host, None),
                    None => return Err(TargetError::Brackets),
                }
            }
            None => match text.split_once(':') {
                Some((_, rest)) if rest.contains(':') => return Err(TargetError::Brackets),
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            },
        };
        if host.is_empty() {
            return Err(TargetError::NoHost);
        }
        if host.chars().count() > MAX_HOST {
            return Err(TargetError::LongHost);
        }
        if host.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(TargetError::Character);
        }
        let port = match port {
            Some(port) => port.parse().map_err(|_| TargetError::Port)?,
            None => DEFAULT_PORT,
        };
        if port == 0 {
            return Err(TargetError::Port);
        }
        Ok(Target {
            host: host.to_owned(),
            port,
        })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl From<SocketAddr> for Target {
    fn from(address: SocketAddr) -> Self {
        Target {
            host: address.ip().to_string(),
            port: address.port(),
        }
    }
}

/// Why there is no connection.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// The text is no address.
    #[error("`{given}` is no address: {source}")]
    Address {
        /// As it was written.
        given: String,
        /// What is wrong with it.
        source: TargetError,
    },
    /// The name has no address.
    #[error("cannot find an address of `{host}`: {source}")]
    Unresolvable {
        /// The name.
        host: String,
        /// What the resolver says.
        source: std::io::Error,
    },
    /// Nobody accepted.
    #[error("cannot connect to {target}: {source}")]
    Refused {
        /// Where to.
        target: Target,
        /// The last address's answer.
        source: std::io::Error,
    },
    /// Nobody answered in time.
    #[error("cannot connect to {target}: no answer within {} s", .after.as_secs_f64())]
    TimedOut {
        /// Where to.
        target: Target,
        /// The time that was given.
        after: Duration,
    },
}

impl Target {
    /// Opens a socket to the first of the target's addresses that accepts, within `limit` for resolving and connecting
    /// together.
    pub async fn connect(&self, limit: Duration) -> Result<TcpStream, ConnectError> {
        match tokio::time::timeout(limit, self.try_connect()).await {
            Ok(result) => result,
            Err(_) => Err(ConnectError::TimedOut {
                target: self.clone(),
                after: limit,
            }),
        }
    }

    async fn try_connect(&self) -> Result<TcpStream, ConnectError> {
        let unresolvable = |source| ConnectError::Unresolvable {
            host: self.host.clone(),
            source,
        };
        let mut last = None;
        for address in tokio::net::lookup_host((self.host.as_str(), self.port))
            .await
            .map_err(unresolvable)?
        {
            match TcpStream::connect(address).await {
                Ok(stream) => {
                    // Packets are small and answers are awaited. A socket that cannot do it is only slower.
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Err(error) => last = Some(error),
            }
        }
        match last {
            Some(source) => Err(ConnectError::Refused {
                target: self.clone(),
                source,
            }),
            None => Err(unresolvable(std::io::Error::new(
                std::io::ErrorKind::NotFound,
                "the name has no addresses",
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_written_alike() {
        for (text, host, port, shown) in [
            ("localhost", "localhost", 25565, "localhost:25565"),
            ("localhost:1", "localhost", 1, "localhost:1"),
            ("127.0.0.1:65535", "127.0.0.1", 65535, "127.0.0.1:65535"),
            ("[::1]", "::1", 25565, "[::1]:25565"),
            ("[::1]:7", "::1", 7, "[::1]:7"),
        ] {
            let target: Target = text.parse().unwrap();
            assert_eq!((target.host.as_str(), target.port), (host, port));
            assert_eq!(target.to_string(), shown);
            assert_eq!(shown.parse(), Ok(target));
        }
    }

    #[test]
    fn what_is_no_address_says_why() {
        let longest = "h".repeat(MAX_HOST);
        assert!(longest.parse::<Target>().is_ok());
        for (text, error) in [
            ("", TargetError::NoHost),
            (":25565", TargetError::NoHost),
            ("[]:25565", TargetError::NoHost),
            ("h:0", TargetError::Port),
            ("h:65536", TargetError::Port),
            ("h:", TargetError::Port),
            ("h:x", TargetError::Port),
            ("::1", TargetError::Brackets),
            ("[::1", TargetError::Brackets),
            ("[::1]1", TargetError::Brackets),
            ("a b:1", TargetError::Character),
            (&format!("{longest}h"), TargetError::LongHost),
        ] {
            assert_eq!(text.parse::<Target>(), Err(error), "{text}");
        }
    }
}
