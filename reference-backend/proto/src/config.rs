//! What the host decides once for all connections.

use std::time::Duration;

use serde_json::json;

use crate::connection::{ACKNOWLEDGE_TIMEOUT, LOGIN_TIMEOUT};
use crate::fault::Faults;
use crate::profile::Names;
use crate::text::TextComponent;
use crate::version::Version;

/// Shared by all connections.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Shown in the server list.
    pub motd: TextComponent,
    /// Shown in the server list; nothing is enforced by it.
    pub max_players: u32,
    /// Packets of this many bytes (id and payload) or more are compressed, from protocol 47 on. None leaves them alone.
    pub compression_threshold: Option<u32>,
    /// Shown on the client's debug screen, from protocol 764 on.
    pub brand: String,
    /// How long a client may take for each step before the configuration phase.
    pub login_timeout: Duration,
    /// How long a client may take for each acknowledgement in the configuration phase, keep-alives included.
    pub answer_timeout: Duration,
    /// Which names may log in.
    pub names: Names,
    /// What is broken on purpose: nothing, unless the build can.
    pub faults: Faults,
}

/// Vanilla's threshold.
pub const DEFAULT_COMPRESSION_THRESHOLD: u32 = 256;

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            motd: TextComponent::cut("A virtual backend"),
            max_players: 100,
            compression_threshold: Some(DEFAULT_COMPRESSION_THRESHOLD),
            brand: "vbspec".to_owned(),
            login_timeout: LOGIN_TIMEOUT,
            answer_timeout: ACKNOWLEDGE_TIMEOUT,
            names: Names::default(),
            faults: Faults::default(),
        }
    }
}

impl ServerConfig {
    /// The answer to a status request. A supported client sees its own protocol; any other sees the nearest supported
    /// one below it (or the lowest), and so shows the versions in place of the player count.
    pub(crate) fn status(&self, version: Version, online: u32) -> String {
        json!({
            "version": {
                "name": supported_range(),
                "protocol": nearest_supported(version.protocol()),
            },
            "players": { "max": self.max_players, "online": online },
            "description": self.motd.to_value(),
        })
        .to_string()
    }
}

/// What a client of an unsupported protocol is told.
pub(crate) fn refusal(version: Version) -> TextComponent {
    let theirs = vb_data::release(version.protocol())
        .and_then(|release| release.versions.last())
        .map(|name| format!("Minecraft {name} (protocol {version})"))
        .unwrap_or_else(|| format!("Protocol {version}"));
    let names: Vec<_> = vb_data::supported()
        .iter()
        .map(|protocol| newest_name(*protocol))
        .collect();
    TextComponent::cut(format!(
        "{theirs} is not supported here. Supported versions: {}.",
        names.join(", ")
    ))
}

fn newest_name(protocol: i32) -> String {
    vb_data::release(protocol)
        .and_then(|release| release.versions.last())
        .map_or_else(|| format!("protocol {protocol}"), |name| (*name).to_owned())
}

/// `1.7.2 to 26.3`.
pub(crate) fn supported_range() -> String {
    match vb_data::supported() {
        [] => "no version".to_owned(),
        [only] => newest_name(*only),
        [first, .., last] => format!("{} to {}", newest_name(*first), newest_name(*last)),
    }
}

fn nearest_supported(protocol: i32) -> i32 {
    let supported = vb_data::supported();
    let above = supported.partition_point(|known| *known <= protocol);
    supported
        .get(above.saturating_sub(1))
        .copied()
        .unwrap_or(protocol)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn status_tells_the_nearest_supported_protocol() {
        let supported = vb_data::supported();
        let (first, last) = (supported[0], supported[supported.len() - 1]);
        for (asked, answered) in [
            (-1, first),
            (0, first),
            (first, first),
            (last, last),
            (i32::MAX, last),
        ] {
            let status = ServerConfig::default().status(Version::new(asked), 3);
            let status: Value = serde_json::from_str(&status).unwrap();
            assert_eq!(status["version"]["protocol"], answered, "{asked}");
            assert_eq!(status["players"], json!({ "max": 100, "online": 3 }));
            assert_eq!(
                status["description"],
                json!({ "text": "A virtual backend" })
            );
        }
    }

    #[test]
    fn the_refusal_names_what_is_supported() {
        let text = refusal(Version::new(3));
        assert!(
            text.as_json().contains("Protocol 3 is not supported"),
            "{}",
            text.as_json()
        );
        for protocol in vb_data::supported() {
            assert!(
                text.as_json().contains(&newest_name(*protocol)),
                "{protocol}"
            );
        }
    }
}
