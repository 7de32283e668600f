//! Where to listen.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// What is wrong with an address to listen on, and how it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindError {
    /// What is wrong.
    pub problem: String,
    /// How to mend it.
    pub help: String,
}

impl std::error::Error for BindError {}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.problem, self.help)
    }
}

/// Whether this is an address and a port, or a name and a port. Whether the machine has the address is found out when it
/// listens.
///
/// # Errors
/// What is missing, with an example made of what was written.
pub fn check_bind(text: &str) -> Result<(), BindError> {
    let error = |problem: &str, help: String| {
        Err(BindError {
            problem: problem.to_owned(),
            help,
        })
    };
    let written = |host: &str| format!("write it as \"{host}:25565\"");
    if text.parse::<SocketAddr>().is_ok() {
        return Ok(());
    }
    match text.parse() {
        Ok(IpAddr::V6(address)) => {
            return error("it has no port", written(&format!("[{address}]")));
        }
        Ok(IpAddr::V4(address)) => return error("it has no port", written(&address.to_string())),
        Err(_) => {}
    }
    let Some((host, port)) = text.rsplit_once(':') else {
        let host = if text.is_empty() { "127.0.0.1" } else { text };
        return error("it has no port", written(host));
    };
    if host.is_empty() {
        return error("it has no address", written("0.0.0.0"));
    }
    if host.contains(':') && !host.starts_with('[') {
        return error(
            "an address of IPv6 stands in brackets",
            format!("write it as \"[{host}]:{port}\""),
        );
    }
    if port.is_empty() || !port.bytes().all(|digit| digit.is_ascii_digit()) {
        return error("its port is no number", written(host));
    }
    if port.parse::<u16>().is_err() {
        return error(
            &format!("there is no port {port}"),
            "use 1 to 65535, or 0 for any that is free".to_owned(),
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_port() {
        for good in [
            "127.0.0.1:25565",
            "0.0.0.0:0",
            "[::1]:65535",
            "localhost:1",
            "play.example.org:25565",
        ] {
            assert_eq!(check_bind(good), Ok(()));
        }
        for (bad, said) in [
            (
                "127.0.0.1",
                "it has no port; write it as \"127.0.0.1:25565\"",
            ),
            (
                "localhost",
                "it has no port; write it as \"localhost:25565\"",
            ),
            ("::1", "it has no port; write it as \"[::1]:25565\""),
            ("", "it has no port; write it as \"127.0.0.1:25565\""),
            (":25565", "it has no address; write it as \"0.0.0.0:25565\""),
            (
                "127.0.0.1:",
                "its port is no number; write it as \"127.0.0.1:25565\"",
            ),
            (
                "127.0.0.1:x",
                "its port is no number; write it as \"127.0.0.1:25565\"",
            ),
            (
                "127.0.0.1:-1",
                "its port is no number; write it as \"127.0.0.1:25565\"",
            ),
            (
                "127.0.0.1:65536",
                "there is no port 65536; use 1 to 65535, or 0 for any that is free",
            ),
            (
                "fe80::1:2:3:4:5:6:7:8",
                "an address of IPv6 stands in brackets; write it as \"[fe80::1:2:3:4:5:6:7]:8\"",
            ),
        ] {
            let error = check_bind(bad).unwrap_err().to_string();
            assert_eq!(error, said, "{bad}");
        }
    }
}
