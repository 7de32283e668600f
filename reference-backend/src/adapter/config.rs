//! A start as the configuration that an operator would have written, so that what is wrong with it is told in the same
//! words.

use super::message::{Plugin, Start};
use crate::config::HostConfig;
use crate::fault::Faults;
use std::fmt::Write as _;

/// Where a host listens: on a port that is free.
pub(super) const BIND: &str = "127.0.0.1:0";

/// Limits that a start may set.
pub(super) const LIMITS: [&str; 10] = [
    "memory",
    "fuel",
    "queue_packets",
    "queue_bytes",
    "sessions",
    "kept_sessions",
    "tasks",
    "listeners",
    "handlers",
    "log_lines",
];

/// The configuration of a host that starts so.
pub(super) fn read(start: &Start, faults: Faults) -> Result<HostConfig, String> {
    let file = format!("host-{}.toml", start.host);
    let read = faults.parse(&text(start), &file);
    let config = read.map_err(|error| error.to_string())?;
    let mut limits = start.plugins.iter().flat_map(|plugin| plugin.limits.keys());
    match limits.find(|limit| !LIMITS.contains(&limit.as_str())) {
        None => Ok(config),
        Some(limit) => Err(format!(
            "`{limit}` is no limit that a start can set; it can set {}",
            LIMITS.join(", ")
        )),
    }
}

/// What the file would hold.
fn text(start: &Start) -> String {
    let mut text = String::new();
    put(&mut text, "bind", &string(BIND));
    if let Some(bytes) = &start.compression {
        put(&mut text, "compression_threshold", &bytes.to_string());
    }
    if let Some(folder) = &start.files {
        put(&mut text, "data_dir", &string(folder));
    }
    if let Some(duplicate) = &start.duplicate {
        text.push_str("\n[players]\n");
        put(&mut text, "duplicate", &string(duplicate));
    }
    for plugin in &start.plugins {
        put_plugin(&mut text, plugin);
    }
    text
}

fn put_plugin(text: &mut String, plugin: &Plugin) {
    let table = format!("plugins.{}", key(&plugin.name));
    let _ = writeln!(text, "\n[{table}]");
    put(text, "permissions", &list(&plugin.permissions));
    put(text, "deny", &list(&plugin.deny));
    if let Some(instances) = &plugin.instances {
        put(text, "instances", &string(instances));
    }
    if let Some(gates) = &plugin.gates {
        put(text, "gates", &list(gates));
    }
    let _ = writeln!(text, "\n[{table}.config]");
    for (name, value) in &plugin.config {
        put(text, name, &string(value));
    }
    let _ = writeln!(text, "\n[{table}.limits]");
    for (name, value) in &plugin.limits {
        put(text, name, &value.to_string());
    }
}

fn put(text: &mut String, name: &str, value: &str) {
    let _ = writeln!(text, "{} = {value}", key(name));
}

/// Bare where it can be, as a person writes it.
fn key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !name.is_empty() && name.chars().all(bare) {
        name.to_owned()
    } else {
        string(name)
    }
}

fn list(values: &[String]) -> String {
    let values: Vec<String> = values.iter().map(|value| string(value)).collect();
    format!("[{}]", values.join(", "))
}

/// A text between quotes. Each escape of JSON means the same in TOML, which wants one more.
fn string(value: &str) -> String {
    let value = serde_json::Value::from(value);
    value.to_string().replace('\u{7f}', "\\u007f")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::Capability;
    use crate::config::{Duplicate, Instances};
    use std::collections::BTreeMap;

    fn start(change: impl FnOnce(&mut Start, &mut Plugin)) -> Result<HostConfig, String> {
        let mut start = Start {
            host: 3,
            ..Start::default()
        };
        let mut plugin = Plugin {
            name: "probe".to_owned(),
            ..Plugin::default()
        };
        change(&mut start, &mut plugin);
        start.plugins.push(plugin);
        read(&start, Faults::default())
    }

    #[test]
    fn all_that_is_said_arrives() {
        let evil = "\"\\\n\r\t\0\u{7f}\u{1b}ß\u{202e}'''\"\"\"] = #";
        let config = start(|start, plugin| {
            start.compression = Some((-1).into());
            start.duplicate = Some("refuse".to_owned());
            start.files = Some(format!("/tmp/{evil}"));
            plugin.permissions = vec!["virtual-backend".to_owned()];
            plugin.deny = vec!["scheduler".to_owned()];
            plugin.instances = Some("per-session".to_owned());
            plugin.gates = Some(vec!["pre-login".to_owned()]);
            plugin.limits.insert("fuel".to_owned(), 5000.into());
            for key in ["plain", "in.start", "", evil] {
                plugin.config.insert(key.to_owned(), evil.to_owned());
            }
        })
        .unwrap();
        assert_eq!(config.bind, BIND);
        assert_eq!(config.compression_threshold, -1);
        assert_eq!(config.players.duplicate, Duplicate::Refuse);
        assert_eq!(config.data_dir, Some(format!("/tmp/{evil}").into()));
        let plugin = &config.plugins["probe"];
        assert!(plugin.grants().allows(Capability::VirtualBackend));
        assert!(!plugin.grants().allows(Capability::Scheduler));
        assert_eq!(plugin.instances, Instances::PerSession);
        assert_eq!(plugin.gates.as_ref().map(|gates| gates.len()), Some(1));
        assert_eq!(plugin.limits.fuel, 5000);
        assert_eq!(plugin.config.len(), 4);
        assert!(plugin.config.values().all(|value| value == evil));
        assert_eq!(plugin.config["in.start"], evil);
    }

    #[test]
    fn what_is_not_said_is_the_operators_default() {
        let config = start(|_, _| {}).unwrap();
        let mut default = HostConfig {
            bind: BIND.to_owned(),
            ..HostConfig::default()
        };
        default
            .plugins
            .insert("probe".to_owned(), Default::default());
        assert_eq!(config, default);
    }

    #[test]
    fn what_is_wrong_is_told_in_the_operators_words() {
        type Change = fn(&mut Start, &mut Plugin);
        let cases: [(Change, &str); 10] = [
            (
                |_, plugin| plugin.permissions = vec!["virtual_backend".to_owned()],
                "host-3.toml:4:15: unknown capability",
            ),
            (
                |_, plugin| plugin.name = "a]b".to_owned(),
                "\"a]b\" is no name for a plugin",
            ),
            (
                |_, plugin| plugin.name = "Upper".to_owned(),
                "use 1 to 64 lower-case",
            ),
            (
                |start, _| start.compression = Some((-2).into()),
                "use -1 for no compression",
            ),
            (
                |start, _| start.duplicate = Some("replaced".to_owned()),
                "did you mean `replace`?",
            ),
            (
                |start, _| start.files = Some(String::new()),
                "data_dir is empty",
            ),
            (
                |_, plugin| plugin.gates = Some(vec!["prelogin".to_owned()]),
                "did you mean \"pre-login\"?",
            ),
            (
                |_, plugin| plugin.limits = BTreeMap::from([("fuel".to_owned(), 1.into())]),
                "1 is out of bounds, use 1000 to 100000000000",
            ),
            (
                |_, plugin| {
                    plugin.limits = BTreeMap::from([("queue_packet".to_owned(), 5000.into())])
                },
                "did you mean `queue_packets`?",
            ),
            (
                |_, plugin| {
                    plugin.limits = BTreeMap::from([("compile_ms".to_owned(), 5000.into())])
                },
                "`compile_ms` is no limit that a start can set; it can set memory, fuel",
            ),
        ];
        for (change, part) in cases {
            let told = start(change).unwrap_err();
            assert!(told.contains(part), "no {part:?} in {told}");
        }
        let twice = start(|start, plugin| {
            start.plugins.push(Plugin {
                name: plugin.name.clone(),
                ..Plugin::default()
            });
        });
        assert!(twice.unwrap_err().contains("duplicate"));
    }
}
