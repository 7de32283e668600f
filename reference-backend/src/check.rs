//! What `check` says besides that all is good: what the limits come to together, and which of them will bite first.

use reference_backend::{FileRoom, GuestComponent, HostConfig, Instances, PluginConfig};

/// What is known of one plugin.
pub struct Plugin<'a> {
    pub name: &'a str,
    pub config: &'a PluginConfig,
    /// Whether it has a data folder.
    pub folder: bool,
}

/// How much of its limits a component takes.
pub fn component(name: &str, component: &GuestComponent, config: &PluginConfig) -> String {
    let limits = &config.limits;
    let imports: Vec<&str> = component.imports().collect();
    format!(
        "{name}: good; {} of {} bytes, {} of {} items, {} of {} in core modules; imports {}",
        component.size(),
        limits.component_bytes,
        component.component_items(),
        limits.component_items,
        component.module_items(),
        limits.module_items,
        imports.join(", ")
    )
}

/// Files that plugins may have open in their data folders.
pub fn data_files(config: &HostConfig, plugins: &[Plugin<'_>]) -> u64 {
    let with_folders = plugins
        .iter()
        .filter(|plugin| config.data_dir.is_some() && plugin.folder);
    with_folders
        .map(|plugin| plugin.config.limits.data_open)
        .sum()
}

/// What the limits come to, a line each; those that begin with `note: ` say which will bite and what to do. `room` is what
/// the system gives of files, `backlog` that it lets too few connections wait, `memory` the machine's bytes, where it tells.
pub fn sums(
    config: &HostConfig,
    plugins: &[Plugin<'_>],
    room: &FileRoom,
    backlog: Option<String>,
    memory: Option<u64>,
) -> Vec<String> {
    let mut lines = Vec::new();
    memory_sum(config, plugins, memory, &mut lines);
    let in_folders = data_files(config, plugins);
    lines.push(format!(
        "files at the limits: {} connections, {in_folders} in data folders, {} of its own; the system allows {}",
        room.wanted,
        room.kept.saturating_sub(in_folders),
        room.limit
    ));
    if room.is_short() {
        lines.push(format!("note: {room}"));
    }
    lines.extend(backlog.map(|backlog| format!("note: {backlog}")));
    instance_sum(config, plugins, &mut lines);
    lines
}

/// Sessions that a plugin can have at one time.
fn sessions(config: &HostConfig, plugin: &Plugin<'_>) -> u64 {
    u64::from(plugin.config.limits.sessions.min(config.max_connections))
}

/// Instances that a plugin can have at one time, as far as it is up to its table.
fn instances(config: &HostConfig, plugin: &Plugin<'_>) -> u64 {
    match plugin.config.instances {
        Instances::Shared => 1,
        Instances::PerSession => 1 + sessions(config, plugin),
    }
}

fn memory_sum(
    config: &HostConfig,
    plugins: &[Plugin<'_>],
    machine: Option<u64>,
    lines: &mut Vec<String>,
) {
    let all = |of: &dyn Fn(&Plugin<'_>) -> u64| {
        plugins
            .iter()
            .fold(0_u64, |sum, plugin| sum.saturating_add(of(plugin)))
    };
    // No more instances than the host may have, the largest first.
    let mut left = config.limits.instances;
    let mut by_size: Vec<&Plugin<'_>> = plugins.iter().collect();
    by_size.sort_by_key(|plugin| std::cmp::Reverse(plugin.config.limits.memory));
    let mut guests = 0_u64;
    for plugin in by_size {
        let count = instances(config, plugin).min(left);
        left -= count;
        guests = guests.saturating_add(count.saturating_mul(plugin.config.limits.memory));
    }
    // One connection is a session of one plugin: the largest queue counts for all of them.
    let most = |of: &dyn Fn(&Plugin<'_>) -> u64| plugins.iter().map(of).max().unwrap_or(0);
    let played = all(&|plugin| sessions(config, plugin)).min(config.max_connections.into());
    let out = played.saturating_mul(most(&|plugin| plugin.config.limits.queue_bytes));
    let into = played.saturating_mul(most(&|plugin| plugin.config.limits.buffered_bytes));
    // Whatever each queue may hold, all of them have their own limit.
    let waiting = out.saturating_add(into).min(config.limits.memory);
    let sum = guests.saturating_add(waiting);
    let has = machine.map_or_else(
        || "the system does not say how much there is".to_owned(),
        |memory| format!("this machine has {}", size(memory)),
    );
    lines.push(format!(
        "memory at the limits: {} in guests, {} waiting between them and {played} clients: {}; {has}",
        size(guests),
        size(waiting),
        size(sum)
    ));
    if machine.is_some_and(|memory| sum > memory) {
        lines.push(
            "note: the memory would not do if all used what they may; lower `memory` of the plugins, or `instances` or `memory` under [limits]"
                .to_owned(),
        );
    }
}

fn instance_sum(config: &HostConfig, plugins: &[Plugin<'_>], lines: &mut Vec<String>) {
    let limit = config.limits.instances;
    let least = plugins.len() as u64;
    if least > limit {
        lines.push(format!(
            "note: {least} plugins need an instance each, and `instances` under [limits] is {limit}: some will not start"
        ));
        return;
    }
    let own = |plugin: &&Plugin<'_>| plugin.config.instances == Instances::PerSession;
    for plugin in plugins.iter().filter(own) {
        let players = sessions(config, plugin);
        if players > limit - least {
            lines.push(format!(
                "note: {} has an instance for each of {players} players, and `instances` under [limits] leaves {}: the others are turned away",
                plugin.name,
                limit - least
            ));
        }
    }
}

/// Bytes as people write them.
fn size(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    for (unit, name) in UNITS {
        if bytes >= unit {
            let tenths = u128::from(bytes) * 10 / u128::from(unit);
            return match tenths % 10 {
                0 => format!("{} {name}", tenths / 10),
                tenth => format!("{}.{tenth} {name}", tenths / 10),
            };
        }
    }
    format!("{bytes} B")
}

/// The machine's memory, or the container's where that is less.
pub fn memory() -> Option<u64> {
    let machine = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = machine.lines().find(|line| line.starts_with("MemTotal:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    let container = std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
    let container = container.and_then(|most| most.trim().parse().ok());
    Some((kib << 10).min(container.unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(connections: u32) -> FileRoom {
        FileRoom {
            connections,
            wanted: 1024,
            kept: 104,
            limit: 1088,
        }
    }

    fn notes(config: &HostConfig, table: &PluginConfig, memory: Option<u64>) -> Vec<String> {
        let plugins = [Plugin {
            name: "lobby",
            config: table,
            folder: true,
        }];
        sums(config, &plugins, &room(1024), None, memory)
            .into_iter()
            .filter(|line| line.starts_with("note: "))
            .collect()
    }

    #[test]
    fn the_sums_are_told_and_what_bites_is_noted() {
        let config = HostConfig {
            data_dir: Some("data".into()),
            ..HostConfig::default()
        };
        let table = PluginConfig::default();
        let plugins = [Plugin {
            name: "lobby",
            config: &table,
            folder: true,
        }];
        let backlog = Some("too short".to_owned());
        let lines = sums(&config, &plugins, &room(984), backlog, Some(256 << 20));
        assert_eq!(lines[4], "note: too short");
        assert_eq!(
            lines[..3],
            [
                "memory at the limits: 64 MiB in guests, 256 MiB waiting between them and 1024 clients: 320 MiB; this machine has 256 MiB",
                "note: the memory would not do if all used what they may; lower `memory` of the plugins, or `instances` or `memory` under [limits]",
                "files at the limits: 1024 connections, 64 in data folders, 40 of its own; the system allows 1088",
            ]
        );
        assert!(lines[3].starts_with("note: "), "{lines:?}");
    }

    #[test]
    fn each_note_has_an_edge() {
        let mut config = HostConfig {
            max_connections: 10,
            ..HostConfig::default()
        };
        let mut table = PluginConfig::default();
        // One instance, and ten sessions of 8 and 1 MiB.
        let memory = (64 + 10 * 9) << 20;
        assert_eq!(notes(&config, &table, Some(memory)), [""; 0]);
        assert!(notes(&config, &table, Some(memory - 1))[0].contains("memory"));
        assert_eq!(notes(&config, &table, None), [""; 0]);
        table.instances = Instances::PerSession;
        config.limits.instances = 11;
        assert_eq!(notes(&config, &table, None), [""; 0]);
        config.limits.instances = 10;
        assert!(notes(&config, &table, None)[0].contains("leaves 9"));
        config.limits.instances = 0;
        assert!(notes(&config, &table, None)[0].contains("will not start"));
    }

    #[test]
    fn sizes_are_written_as_people_write_them() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1 << 10, "1 KiB"),
            (3 << 19, "1.5 MiB"),
            (u64::MAX, "17179869183.9 GiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }
}
