//! The configuration: one TOML file, unknown keys refused.

mod amount;
mod bind;
mod error;
mod gates;
pub mod host_limits;
pub mod limits;

pub use bind::{BindError, check_bind};
pub use error::ConfigError;
pub use host_limits::HostLimits;
pub use limits::Limits;

use crate::capability::{Capability, Grants};
use crate::events::{EventKind, MAX_SERVER_NAME};
use crate::file::read_file;
use crate::nearest::nearest;
use serde::{Deserialize, Deserializer, de};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

/// Where the host listens when the configuration says nothing: this machine only.
pub const DEFAULT_BIND: &str = "127.0.0.1:25565";
/// Connections at one time, in login or beyond.
pub const DEFAULT_MAX_CONNECTIONS: u32 = 1024;
/// A host that takes nobody is none.
pub const MIN_CONNECTIONS: u64 = 1;
/// More than a system has files for.
pub const MAX_CONNECTIONS: u64 = 1_000_000;
/// Packets this size and over are compressed: vanilla's default.
pub const DEFAULT_COMPRESSION_THRESHOLD: i32 = 256;

/// The configuration file: the largest table that one plugin may have, and as much besides.
pub const CONFIG_FILE_BYTES: u64 = 2 * limits::MAX_CONFIG_BYTES;

/// The host's whole configuration.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HostConfig {
    /// Address and port to listen on.
    pub bind: String,
    /// Where `NAME.wasm` lies for each `[plugins.NAME]`; relative to the configuration file.
    pub plugins_dir: PathBuf,
    /// Where each guest that asks WASI for folders has one of its own, `NAME`; relative to the configuration file. None:
    /// guests have no files.
    pub data_dir: Option<PathBuf>,
    /// The line under the server's name in the client's list.
    pub motd: String,
    /// The server that a player goes to when no plugin says otherwise.
    pub initial_server: Option<String>,
    /// Packets this many bytes and over are compressed; -1 turns compression off.
    pub compression_threshold: i32,
    /// Connections at one time; more are closed at once.
    #[serde(deserialize_with = "amount::small::<_, MIN_CONNECTIONS, MAX_CONNECTIONS>")]
    pub max_connections: u32,
    /// Who may log in, and how often.
    pub players: PlayersConfig,
    /// What the host as a whole may use up, and how long it waits for clients.
    pub limits: HostLimits,
    /// Servers that players can be sent to.
    pub servers: BTreeMap<String, ServerConfig>,
    /// The plugins, by name.
    pub plugins: BTreeMap<String, PluginConfig>,
}

impl Default for HostConfig {
    fn default() -> Self {
        Self {
            bind: DEFAULT_BIND.to_owned(),
            plugins_dir: PathBuf::from("./plugins"),
            data_dir: None,
            motd: "A virtual backend".to_owned(),
            initial_server: None,
            compression_threshold: DEFAULT_COMPRESSION_THRESHOLD,
            max_connections: DEFAULT_MAX_CONNECTIONS,
            players: PlayersConfig::default(),
            limits: HostLimits::default(),
            servers: BTreeMap::new(),
            plugins: BTreeMap::new(),
        }
    }
}

/// The `[players]` table.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PlayersConfig {
    /// What becomes of a second connection of a player, by UUID.
    pub duplicate: Duplicate,
    /// Which names may log in.
    pub names: Names,
}

/// What becomes of a second connection of one player.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Duplicate {
    /// The earlier one ends first, as in vanilla: who has lost a connection that has not ended yet comes in again.
    #[default]
    Replace,
    /// It is refused, as some proxies do: nobody is put out by another who takes the same name.
    Refuse,
    /// Both stay. What a plugin keeps by UUID is then its own affair.
    Allow,
}

/// Which names may log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Names {
    /// 1 to 16 letters a-z and A-Z, digits and `_`, as accounts have.
    #[default]
    Strict,
    /// Any that the protocol takes: at most 16 UTF-16 units, no white space, no control characters.
    Any,
}

/// A `[servers.NAME]` table.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerConfig {
    /// Address and port.
    pub address: String,
}

/// How sessions are spread over instances of a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Instances {
    /// All sessions on one instance.
    #[default]
    Shared,
    /// One instance a session: a trap takes one player.
    PerSession,
}

/// A `[plugins.NAME]` table.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PluginConfig {
    /// Capabilities besides the baseline.
    pub permissions: Vec<Capability>,
    /// Capabilities taken away; beats `permissions`.
    pub deny: Vec<Capability>,
    /// The server that a player goes to when the plugin fails. Checked, but without effect until the host can connect
    /// to servers; a warning says so at the start.
    pub fallback: Option<String>,
    /// The gates that stay shut while the plugin is not up, whatever it has subscribed to. Without it, and without
    /// `required`, all of them until the plugin has once come up: nobody can know before what it guards.
    #[serde(deserialize_with = "gates::gates")]
    pub gates: Option<BTreeSet<EventKind>>,
    /// The short form of `gates`: all of them, or none.
    pub required: Option<bool>,
    /// How sessions are spread over instances.
    pub instances: Instances,
    /// What the plugin reads through `config-service`.
    #[serde(deserialize_with = "scalars")]
    pub config: BTreeMap<String, String>,
    /// What the plugin may use up.
    pub limits: Limits,
}

impl PluginConfig {
    /// A plugin with these permissions and nothing else said.
    #[must_use]
    pub fn with_permissions(permissions: &[Capability]) -> Self {
        Self {
            permissions: permissions.to_vec(),
            ..Self::default()
        }
    }

    /// What the plugin may use.
    #[must_use]
    pub fn grants(&self) -> Grants {
        Grants::new(&self.permissions, &self.deny)
    }

    /// The gates that the table says it holds; none where the table says nothing.
    #[must_use]
    pub fn stated_gates(&self) -> Option<BTreeSet<EventKind>> {
        let all = |required| EventKind::GATES.into_iter().filter(move |_| required);
        self.gates
            .clone()
            .or_else(|| self.required.map(|required| all(required).collect()))
    }

    /// Whether a table for `config-service` fits; `name` is the plugin's.
    ///
    /// # Errors
    /// When it is larger than `config_bytes` allows.
    pub fn check_table(
        &self,
        name: &str,
        table: &BTreeMap<String, String>,
    ) -> Result<(), TableError> {
        let bytes = table.iter().map(|(key, value)| key.len() + value.len());
        let bytes = bytes.sum::<usize>() as u64;
        let limit = self.limits.config_bytes;
        if bytes > limit {
            return Err(TableError {
                plugin: name.to_owned(),
                bytes,
                limit,
            });
        }
        Ok(())
    }
}

/// A plugin's own table that is larger than its limit `config_bytes` allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableError {
    /// The plugin.
    pub plugin: String,
    /// Bytes of its keys and values together.
    pub bytes: u64,
    /// How many they may be.
    pub limit: u64,
}

impl TableError {
    fn problem(&self) -> String {
        let Self {
            plugin,
            bytes,
            limit,
        } = self;
        format!("plugins.{plugin}.config holds {bytes} bytes, at most {limit} are allowed")
    }

    fn help(&self) -> String {
        let plugin = &self.plugin;
        format!("raise `config_bytes` under [plugins.{plugin}.limits]")
    }
}

impl std::error::Error for TableError {}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n  = help: {}", self.problem(), self.help())
    }
}

impl HostConfig {
    /// Reads a configuration; `file` is for messages.
    ///
    /// # Errors
    /// Bad TOML, an unknown key or capability, a value out of its bounds, a server name that leads nowhere.
    pub fn parse(text: &str, file: &str) -> Result<Self, ConfigError> {
        let config: Self =
            toml::from_str(text).map_err(|error| ConfigError::from_toml(file, text, &error))?;
        config.check(file)?;
        Ok(config)
    }

    /// Reads a file. A relative `plugins_dir` or `data_dir` is taken from the file's folder.
    ///
    /// # Errors
    /// As [`parse`](Self::parse), and a file that cannot be read.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let file = path.display().to_string();
        let unreadable = |why: String| {
            ConfigError::whole(
                &file,
                format!("cannot be read: {why}"),
                Some("give the path of a TOML file with --config".to_owned()),
            )
        };
        let bytes =
            read_file(path, CONFIG_FILE_BYTES).map_err(|error| unreadable(error.to_string()))?;
        let text =
            String::from_utf8(bytes).map_err(|error| unreadable(format!("no UTF-8: {error}")))?;
        let mut config = Self::parse(&text, &file)?;
        if let Some(folder) = path.parent() {
            config.plugins_dir = folder.join(&config.plugins_dir);
            config.data_dir = config.data_dir.map(|data_dir| folder.join(data_dir));
        }
        Ok(config)
    }

    /// What no single value can show to be wrong.
    fn check(&self, file: &str) -> Result<(), ConfigError> {
        let server = |key: String, name: &Option<String>| match name {
            Some(name) if !self.servers.contains_key(name) => {
                let near = nearest(name, self.servers.keys().map(String::as_str));
                Err(ConfigError::whole(
                    file,
                    format!("{key} names the server \"{name}\", which is not configured"),
                    Some(near.map_or_else(
                        || format!("add a table [servers.{name}] with an address"),
                        |near| format!("did you mean \"{near}\"?"),
                    )),
                ))
            }
            _ => Ok(()),
        };
        if let Err(error) = check_bind(&self.bind) {
            let message = format!("bind is \"{}\": {}", self.bind, error.problem);
            return Err(ConfigError::whole(file, message, Some(error.help)));
        }
        server("initial_server".to_owned(), &self.initial_server)?;
        for (name, plugin) in &self.plugins {
            server(format!("plugins.{name}.fallback"), &plugin.fallback)?;
            plugin
                .check_table(name, &plugin.config)
                .map_err(|error| ConfigError::whole(file, error.problem(), Some(error.help())))?;
            if plugin.gates.is_some() && plugin.required.is_some() {
                return Err(ConfigError::whole(
                    file,
                    format!("plugins.{name} has both `gates` and `required`"),
                    Some(
                        "leave one out: `required = true` is short for all gates, `required = false` for none"
                            .to_owned(),
                    ),
                ));
            }
            if !is_plugin_name(name) {
                return Err(ConfigError::whole(
                    file,
                    format!("\"{name}\" is no name for a plugin"),
                    Some(PLUGIN_NAME_RULE.to_owned()),
                ));
            }
        }
        let mut servers = self.servers.keys();
        if let Some(name) = servers.find(|name| name.len() > MAX_SERVER_NAME) {
            return Err(ConfigError::whole(
                file,
                format!("a server's name has {} bytes", name.len()),
                Some(format!(
                    "use at most {MAX_SERVER_NAME}: a plugin could not name it otherwise"
                )),
            ));
        }
        if self
            .data_dir
            .as_ref()
            .is_some_and(|path| path.as_os_str().is_empty())
        {
            return Err(ConfigError::whole(
                file,
                "data_dir is empty",
                Some(
                    "give the path of a folder, or leave data_dir out: guests have no files then"
                        .to_owned(),
                ),
            ));
        }
        if self.compression_threshold < -1 {
            return Err(ConfigError::whole(
                file,
                format!("compression_threshold is {}", self.compression_threshold),
                Some("use -1 for no compression, or 0 and more".to_owned()),
            ));
        }
        Ok(())
    }
}

/// What a plugin's name looks like: it names a file and a table.
pub const PLUGIN_NAME_RULE: &str =
    "use 1 to 64 lower-case letters, digits, `-` and `_`, starting with a letter";

/// Whether `name` follows [`PLUGIN_NAME_RULE`].
#[must_use]
pub fn is_plugin_name(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_')
}

/// A guest reads text; a table of the plugin's own may hold numbers and booleans all the same.
struct Scalar(String);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Scalar;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string, a number or a boolean")
            }

            fn visit_str<E: de::Error>(self, value: &str) -> Result<Scalar, E> {
                Ok(Scalar(value.to_owned()))
            }

            fn visit_bool<E: de::Error>(self, value: bool) -> Result<Scalar, E> {
                Ok(Scalar(value.to_string()))
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Scalar, E> {
                Ok(Scalar(value.to_string()))
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Scalar, E> {
                Ok(Scalar(value.to_string()))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

fn scalars<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    let table = BTreeMap::<String, Scalar>::deserialize(deserializer)?;
    Ok(table
        .into_iter()
        .map(|(key, value)| (key, value.0))
        .collect())
}
