use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Parser;

/// How many clients one process may run: each needs four sockets with its tap, and most systems allow a process 1,024.
const MAX_CLIENTS: u16 = 200;

/// The longest time that can be asked for, in seconds: a day.
const MAX_SECONDS: f64 = 86_400.0;

/// The longest name that the protocol's login can carry, in characters.
const MAX_NAME: usize = 16;

const EXIT_CODES: &str = "\
Exit codes:
  0  every client came into the world and stayed there for --for
  1  one did not: refused, stuck, disconnected, or a packet that azalea cannot read
  2  the command line is wrong, or the address cannot be found";

/// Joins a Minecraft 26.1 server with azalea, and prints what passes as JSON lines.
#[derive(Clone, Debug, Parser)]
#[command(name = "azalea-witness", version, after_help = EXIT_CODES)]
pub(crate) struct Args {
    /// Where to; the port is 25565 if it is left out.
    #[arg(value_name = "HOST:PORT")]
    pub(crate) target: Target,
    /// How many clients join at once. With more than one, only what became of each is printed.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=i64::from(MAX_CLIENTS)))]
    pub(crate) count: u16,
    /// How long to stay in the world, in seconds.
    #[arg(long = "for", value_name = "SECONDS", default_value = "0", value_parser = seconds)]
    pub(crate) stay: Duration,
    /// Name to log in with; with --count, what the names begin with.
    #[arg(long, value_name = "PREFIX", default_value = "azalea", value_parser = name)]
    pub(crate) name: String,
    /// How long connecting may take, and then coming into the world, in seconds.
    #[arg(long, value_name = "SECONDS", default_value = "40", value_parser = seconds)]
    pub(crate) timeout: Duration,
    /// Writes every byte that the server sends to this file, for another client to read. For one client only.
    #[arg(long, value_name = "FILE", conflicts_with = "count")]
    pub(crate) record: Option<PathBuf>,
}

impl Args {
    /// The names of the clients: the name itself for one, else the name and a number from 0.
    ///
    /// # Errors
    ///
    /// In words, when a name with its number is longer than a login can carry.
    pub(crate) fn names(&self) -> Result<Vec<String>, String> {
        if self.count == 1 {
            return Ok(vec![self.name.clone()]);
        }
        let names: Vec<_> = (0..self.count)
            .map(|number| format!("{}{number}", self.name))
            .collect();
        match names.last() {
            Some(longest) if longest.len() > MAX_NAME => Err(format!(
                "`{longest}` is longer than the {MAX_NAME} characters a name may have; shorten --name"
            )),
            _ => Ok(names),
        }
    }
}

/// A server's address as the player types it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// A name or an IP address, without brackets.
    pub(crate) host: String,
    /// The TCP port.
    pub(crate) port: u16,
}

/// The port that a Minecraft client takes where none is given.
const DEFAULT_PORT: u16 = 25565;

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (host, rest) = rest
                    .split_once(']')
                    .ok_or("`[` without `]`; an IPv6 address is written [::1]:25565")?;
                (
                    host,
                    rest.strip_prefix(':').or(rest.is_empty().then_some("")),
                )
            }
            None => match text.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, Some("")),
            },
        };
        let port = match port.ok_or("expected `:` and a port after `]`")? {
            "" if !text.ends_with(':') => DEFAULT_PORT,
            port => port.parse().ok().filter(|port| *port != 0).ok_or_else(|| {
                format!("`{port}` is no port; a port is a number from 1 to 65535")
            })?,
        };
        if host.is_empty() {
            return Err("the host is missing; write HOST:PORT".to_owned());
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

fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.0..=MAX_SECONDS).contains(&seconds) => {
            Ok(Duration::from_secs_f64(seconds))
        }
        _ => Err(format!("a number of seconds from 0 to {MAX_SECONDS}")),
    }
}

fn name(text: &str) -> Result<String, String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if (1..=MAX_NAME).contains(&text.len()) && text.chars().all(allowed) {
        Ok(text.to_owned())
    } else {
        Err(format!("1 to {MAX_NAME} letters, digits and underscores"))
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn addresses_are_read_as_players_write_them() {
        let target = |text: &str| {
            text.parse::<Target>()
                .map(|target| (target.host, target.port))
        };
        assert_eq!(target("localhost"), Ok(("localhost".to_owned(), 25565)));
        assert_eq!(target("127.0.0.1:1"), Ok(("127.0.0.1".to_owned(), 1)));
        assert_eq!(target("[::1]:65535"), Ok(("::1".to_owned(), 65535)));
        assert_eq!(target("[::1]"), Ok(("::1".to_owned(), 25565)));
        for wrong in [
            "",
            ":1",
            "host:",
            "host:0",
            "host:65536",
            "host:a",
            "[::1",
            "[::1]1",
            "::1",
        ] {
            assert!(target(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn numbers_make_names_longer() {
        let names = |prefix: &str, count: &str| {
            Args::parse_from(["azalea-witness", "host", "--name", prefix, "--count", count]).names()
        };
        assert_eq!(
            names("sixteen_letters_", "1").map(|names| names.len()),
            Ok(1)
        );
        assert_eq!(
            names("fourteen_lette", "100").map(|names| names.len()),
            Ok(100)
        );
        assert!(names("fourteen_lette", "101").is_err());
    }

    #[test]
    fn seconds_and_names_have_bounds() {
        assert_eq!(seconds("86400"), Ok(Duration::from_secs(86_400)));
        for wrong in ["86401", "-1", "NaN", ""] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
        assert!(name("a234567890123456").is_ok());
        for wrong in ["a2345678901234567", "", "a b", "ä"] {
            assert!(name(wrong).is_err(), "{wrong}");
        }
    }
}
