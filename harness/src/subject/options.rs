//! A guest as it was given on the command line.

use std::collections::BTreeMap;
use std::path::Path;

use reference_backend::{Capability, PluginConfig};

use super::OptionsError;

/// A guest as it was given on the command line.
#[derive(Debug, Clone)]
pub struct GuestOptions {
    pub(super) file: String,
    config: BTreeMap<String, String>,
    grant: Vec<Capability>,
    pub(super) deny: Vec<Capability>,
    /// The words that repeat all this.
    pub(super) words: Vec<String>,
}

impl GuestOptions {
    /// A file, lines of configuration, and capabilities besides `virtual-backend`.
    ///
    /// # Errors
    /// When a line is not `KEY=VALUE` or a capability is not known.
    pub fn new(
        file: &str,
        config: &[String],
        grant: &[String],
        deny: &[String],
    ) -> Result<Self, OptionsError> {
        let mut words = vec!["guest".to_owned(), file.to_owned()];
        let mut lines = BTreeMap::new();
        for line in config {
            let (key, value) = line
                .split_once('=')
                .ok_or_else(|| OptionsError::Config(line.clone()))?;
            lines.insert(key.to_owned(), value.to_owned());
            words.extend(["--config".to_owned(), line.clone()]);
        }
        let mut capabilities = |option: &'static str, names: &[String]| {
            names
                .iter()
                .map(|name| {
                    words.extend([format!("--{option}"), name.clone()]);
                    name.parse::<Capability>()
                        .map_err(|fault| OptionsError::Capability {
                            option,
                            given: name.clone(),
                            fault: fault.to_string(),
                        })
                })
                .collect::<Result<Vec<_>, _>>()
        };
        let mut permissions = vec![Capability::VirtualBackend];
        permissions.extend(capabilities("grant", grant)?);
        let deny = capabilities("deny", deny)?;
        Ok(Self {
            file: file.to_owned(),
            config: lines,
            grant: permissions,
            deny,
            words,
        })
    }

    /// The file.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The words that repeat all this on a command line.
    #[must_use]
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// The plugin's name: the file's, as far as it makes a name.
    #[must_use]
    pub fn plugin_name(&self) -> String {
        let stem = Path::new(&self.file)
            .file_stem()
            .map(|stem| stem.to_string_lossy().to_lowercase());
        let name: String = stem
            .unwrap_or_default()
            .chars()
            .map(|c| {
                if c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' {
                    c
                } else {
                    '-'
                }
            })
            .take(64)
            .collect();
        if name.starts_with(|c: char| c.is_ascii_lowercase()) {
            name
        } else {
            "guest".to_owned()
        }
    }

    /// The plugin's table in the host's configuration.
    #[must_use]
    pub fn plugin_config(&self) -> PluginConfig {
        PluginConfig {
            permissions: self.grant.clone(),
            deny: self.deny.clone(),
            config: self.config.clone(),
            ..PluginConfig::default()
        }
    }
}
