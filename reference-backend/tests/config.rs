//! The configuration: what it reads, and what it says of mistakes.

use reference_backend::config::{host_limits, limits};
use reference_backend::{
    Capability, Duplicate, EventKind, HostConfig, HostLimits, Instances, Limits, Names,
};
use serde::Serialize;
use std::collections::BTreeMap;

fn parse(text: &str) -> HostConfig {
    HostConfig::parse(text, "host.toml").unwrap_or_else(|error| panic!("{error}"))
}

fn error(text: &str) -> String {
    HostConfig::parse(text, "host.toml")
        .expect_err("a mistake")
        .to_string()
}

#[test]
fn the_example_of_the_specification() {
    let config = parse(
        r#"
bind = "127.0.0.1:25565"
plugins_dir = "./plugins"

[servers.survival]
address = "127.0.0.1:25570"

[plugins.lobby]
permissions = ["virtual-backend"]
deny = ["scheduler"]
fallback = "survival"
instances = "per-session"

[plugins.lobby.config]
greeting = "hello"
count = 3
loud = true
"#,
    );
    assert_eq!(config.servers["survival"].address, "127.0.0.1:25570");
    let lobby = &config.plugins["lobby"];
    assert!(lobby.grants().allows(Capability::VirtualBackend));
    assert!(!lobby.grants().allows(Capability::Scheduler));
    assert_eq!(lobby.instances, Instances::PerSession);
    let read = |key: &str| lobby.config[key].as_str();
    assert_eq!(
        (read("greeting"), read("count"), read("loud")),
        ("hello", "3", "true")
    );
}

#[test]
fn nothing_is_a_configuration() {
    assert_eq!(parse(""), HostConfig::default());
}

#[test]
fn an_unknown_key_is_shown_with_its_place_and_the_nearest_name() {
    assert_eq!(
        error("[plugins.lobby]\npermission = []\n"),
        "host.toml:2:1: unknown key `permission`\n  | permission = []\n  | ^\n  = help: did you mean `permissions`?"
    );
    let message = error("bond = \"x\"\n");
    assert!(
        message.contains("host.toml:1:1") && message.contains("`bind`"),
        "{message}"
    );
    let message = error("[plugins.lobby.limits]\nmemroy = 1\n");
    assert!(
        message.contains("host.toml:2:1") && message.contains("`memory`"),
        "{message}"
    );
    let message = error("[plugins.lobby]\nzzzzzz = 1\n");
    assert!(
        message.contains("known here: permissions, deny"),
        "{message}"
    );
}

#[test]
fn capability_names_are_exact() {
    for key in ["permissions", "deny"] {
        let message = error(&format!("[plugins.lobby]\n{key} = [\"virtual_backend\"]\n"));
        assert!(message.starts_with("host.toml:2:"), "{message}");
        assert!(
            message.contains(
                "unknown capability \"virtual_backend\", did you mean \"virtual-backend\"?"
            ),
            "{message}"
        );
    }
}

#[test]
fn gates_are_named_or_all_of_them_or_none() {
    let gates = |table: &str| {
        let config = parse(&format!("[plugins.lobby]\n{table}\n"));
        let lobby = &config.plugins["lobby"];
        (lobby.gates.clone(), lobby.required)
    };
    assert_eq!(gates(""), (None, None));
    assert_eq!(gates("gates = []"), (Some([].into()), None));
    let both = || EventKind::GATES.into();
    assert_eq!(
        gates("gates = [\"server-pre-connect\", \"pre-login\", \"pre-login\"]"),
        (Some(both()), None)
    );
    assert_eq!(gates("required = true"), (None, Some(true)));
    for (table, said) in [
        (
            "gates = [\"pre_login\"]",
            "host.toml:2:9: unknown gate \"pre_login\", did you mean \"pre-login\"?",
        ),
        (
            "gates = [\"post-login\"]",
            "the event \"post-login\" is no gate; the gates are pre-login, server-pre-connect",
        ),
        (
            "gates = \"pre-login\"",
            "host.toml:2:9: invalid type: string \"pre-login\", expected a sequence",
        ),
        ("gates = true", "expected a sequence"),
        ("required = 1", "host.toml:2:12: "),
        ("gate = []", "did you mean `gates`?"),
        ("requird = true", "did you mean `required`?"),
        (
            "gates = []\nrequired = true",
            "plugins.lobby has both `gates` and `required`\n  = help: leave one out",
        ),
    ] {
        let message = error(&format!("[plugins.lobby]\n{table}\n"));
        assert!(message.contains(said), "{table}: {message}");
    }
}

#[test]
fn values_of_another_kind_are_refused_with_their_place() {
    assert!(
        error("bind = 5").starts_with("host.toml:1:8: "),
        "{}",
        error("bind = 5")
    );
    let message = error("[plugins.lobby]\ninstances = \"own\"\n");
    assert!(message.contains("unknown value `own`"), "{message}");
    let message = error("[plugins.lobby.config]\nlist = [1]\n");
    assert!(
        message.contains("a string, a number or a boolean"),
        "{message}"
    );
    assert!(error("bind = \"").starts_with("host.toml:1:"));
}

#[test]
fn sizes_may_have_a_unit_and_nothing_else_may() {
    let config = parse(
        "[limits]\nstack_bytes = \"1 MiB\"\n[plugins.p.limits]\nmemory = \"128 MiB\"\ndata_bytes = \"1 GiB\"\nconfig_bytes = \"512 B\"\n",
    );
    let limits = &config.plugins["p"].limits;
    assert_eq!(
        (limits.memory, limits.data_bytes, limits.config_bytes),
        (128 << 20, 1 << 30, 512)
    );
    assert_eq!(config.limits.stack_bytes, 1 << 20);
    for (line, said) in [
        (
            "memory = \"64 MB\"",
            "\"64 MB\" is no size: write a whole number with B, KiB, MiB or GiB, such as \"64 MiB\"",
        ),
        ("memory = \"64\"", "is no size"),
        (
            "memory = \"1 GiB\"",
            "1073741824 is out of bounds, use 65536 to 268435456",
        ),
        (
            "memory = 6.5",
            "expected a whole number of bytes, or a text such as \"64 MiB\"",
        ),
        (
            "cpu_ms = \"10 s\"",
            "expected a whole number without a unit",
        ),
        (
            "tasks = \"1 KiB\"",
            "expected a whole number without a unit",
        ),
    ] {
        let message = error(&format!("[plugins.p.limits]\n{line}\n"));
        assert!(message.starts_with("host.toml:2:"), "{message}");
        assert!(message.contains(said), "{message}");
    }
}

#[test]
fn connections_are_at_least_one() {
    assert_eq!(parse("max_connections = 1\n").max_connections, 1);
    assert_eq!(
        parse("max_connections = 1000000\n").max_connections,
        1_000_000
    );
    for value in ["0", "-1", "1000001"] {
        let message = error(&format!("max_connections = {value}\n"));
        assert!(
            message.starts_with("host.toml:1:19: ") && message.contains("use 1 to 1000000"),
            "{message}"
        );
    }
}

#[test]
fn an_address_without_a_port_is_told_how_it_is_written() {
    let message = error("bind = \"127.0.0.1\"\n");
    assert_eq!(
        message,
        "host.toml: bind is \"127.0.0.1\": it has no port\n  = help: write it as \"127.0.0.1:25565\""
    );
    let message = error("bind = \"127.0.0.1:99999\"\n");
    assert_eq!(
        message,
        "host.toml: bind is \"127.0.0.1:99999\": there is no port 99999\n  = help: use 1 to 65535, or 0 for any that is free"
    );
    parse("bind = \"[::1]:0\"\n");
}

#[test]
fn players_have_a_table() {
    let config = parse("[players]\nduplicate = \"refuse\"\nnames = \"any\"\n");
    assert_eq!(config.players.duplicate, Duplicate::Refuse);
    assert_eq!(config.players.names, Names::Any);
    let message = error("[players]\nduplicate = \"replaced\"\n");
    assert!(message.contains("did you mean `replace`?"), "{message}");
    let message = error("[players]\nname = \"any\"\n");
    assert!(message.contains("did you mean `names`?"), "{message}");
}

#[test]
fn servers_must_be_configured() {
    let message =
        error("[servers.survival]\naddress = \"a\"\n[plugins.lobby]\nfallback = \"survivel\"\n");
    assert!(
        message.contains("plugins.lobby.fallback") && message.contains("\"survival\"?"),
        "{message}"
    );
    let message = error("initial_server = \"hub\"\n");
    assert!(message.contains("add a table [servers.hub]"), "{message}");
}

#[test]
fn names_of_servers_are_as_long_as_answers_may_name_them() {
    let server = |bytes| format!("[servers.{}]\naddress = \"a\"\n", "s".repeat(bytes));
    parse(&server(255));
    let message = error(&server(256));
    assert!(
        message.contains("a server's name has 256 bytes") && message.contains("use at most 255"),
        "{message}"
    );
}

#[test]
fn names_of_plugins_name_files() {
    assert!(error("[plugins.\"../x\"]\n").contains("no name for a plugin"));
    assert!(error("[plugins.Lobby]\n").contains("no name for a plugin"));
    parse("[plugins.a-b_1]\n");
}

#[test]
fn each_limit_has_bounds_at_which_it_is_taken_and_past_which_it_is_not() {
    let bounds: BTreeMap<&str, (u64, u64)> = BTreeMap::from([
        ("sessions", (0, limits::MAX_COUNT)),
        ("resources", (0, limits::MAX_COUNT)),
        ("data_bytes", (0, limits::MAX_DATA_BYTES)),
        ("data_entries", (0, limits::MAX_DATA_ENTRIES)),
        ("data_open", (0, limits::MAX_DATA_OPEN)),
        ("data_ms", (0, limits::MAX_DATA_MS)),
        (
            "data_call_bytes",
            (limits::MIN_DATA_CALL_BYTES, limits::MAX_DATA_CALL_BYTES),
        ),
        ("table_elements", (0, limits::MAX_TABLE_ELEMENTS)),
        ("config_bytes", (0, limits::MAX_CONFIG_BYTES)),
        (
            "listener_deadline_ms",
            (
                limits::MIN_LISTENER_DEADLINE_MS,
                limits::MAX_LISTENER_DEADLINE_MS,
            ),
        ),
        ("restarts", (0, limits::MAX_RESTARTS)),
        (
            "restart_window_ms",
            (limits::MIN_RESTART_WINDOW_MS, limits::MAX_RESTART_WINDOW_MS),
        ),
        (
            "restart_delay_ms",
            (limits::MIN_RESTART_DELAY_MS, limits::MAX_RESTART_DELAY_MS),
        ),
        (
            "compile_ms",
            (limits::MIN_COMPILE_MS, limits::MAX_COMPILE_MS),
        ),
        (
            "component_items",
            (limits::MIN_COMPONENT_ITEMS, limits::MAX_COMPONENT_ITEMS),
        ),
        (
            "module_items",
            (limits::MIN_MODULE_ITEMS, limits::MAX_MODULE_ITEMS),
        ),
        (
            "call_bytes",
            (limits::MIN_CALL_BYTES, limits::MAX_CALL_BYTES),
        ),
        ("memory", (limits::MIN_MEMORY, limits::MAX_MEMORY)),
        ("cpu_ms", (limits::MIN_CPU_MS, limits::MAX_CPU_MS)),
        ("fuel", (limits::MIN_FUEL, limits::MAX_FUEL)),
        (
            "start_deadline_ms",
            (limits::MIN_START_DEADLINE_MS, limits::MAX_START_DEADLINE_MS),
        ),
        (
            "queue_packets",
            (limits::MIN_QUEUE_PACKETS, limits::MAX_QUEUE_PACKETS),
        ),
        (
            "queue_bytes",
            (limits::MIN_QUEUE_BYTES, limits::MAX_QUEUE_BYTES),
        ),
        (
            "buffered_packets",
            (limits::MIN_BUFFERED_PACKETS, limits::MAX_BUFFERED_PACKETS),
        ),
        (
            "buffered_bytes",
            (limits::MIN_BUFFERED_BYTES, limits::MAX_BUFFERED_BYTES),
        ),
        ("kept_sessions", (0, limits::MAX_COUNT)),
        ("tasks", (0, limits::MAX_COUNT)),
        ("listeners", (0, limits::MAX_COUNT)),
        ("handlers", (0, limits::MAX_COUNT)),
        ("log_lines", (0, limits::MAX_COUNT)),
        ("log_bytes", (0, limits::MAX_LOG_BYTES)),
        (
            "component_bytes",
            (limits::MIN_COMPONENT_BYTES, limits::MAX_COMPONENT_BYTES),
        ),
    ]);
    let settable = defaults(&Limits::default());
    assert!(
        bounds
            .keys()
            .copied()
            .eq(settable.keys().map(String::as_str))
    );
    for (key, bounds) in bounds {
        has_bounds("plugins.p.limits", key, bounds);
    }
    assert_eq!(
        parse("[plugins.p]\n").plugins["p"].limits,
        Limits::default()
    );
}

#[test]
fn each_limit_of_the_host_has_bounds_too() {
    let timeout = (host_limits::MIN_TIMEOUT_MS, host_limits::MAX_TIMEOUT_MS);
    let stack = (host_limits::MIN_STACK_BYTES, host_limits::MAX_STACK_BYTES);
    let instances = (host_limits::MIN_INSTANCES, host_limits::MAX_INSTANCES);
    let bounds = BTreeMap::from([
        ("answer_timeout_ms", timeout),
        (
            "backlog",
            (host_limits::MIN_BACKLOG, host_limits::MAX_BACKLOG),
        ),
        ("client_stall_ms", timeout),
        (
            "connections_per_address",
            (
                host_limits::MIN_CONNECTIONS_PER_ADDRESS,
                host_limits::MAX_CONNECTIONS_PER_ADDRESS,
            ),
        ),
        (
            "connections_per_second",
            (
                host_limits::MIN_CONNECTIONS_PER_SECOND,
                host_limits::MAX_CONNECTIONS_PER_SECOND,
            ),
        ),
        ("instances", instances),
        (
            "login_share",
            (host_limits::MIN_LOGIN_SHARE, host_limits::MAX_LOGIN_SHARE),
        ),
        ("login_timeout_ms", timeout),
        (
            "login_timeout_short_ms",
            (
                host_limits::MIN_LOGIN_TIMEOUT_SHORT_MS,
                host_limits::MAX_TIMEOUT_MS,
            ),
        ),
        ("memory", (host_limits::MIN_MEMORY, host_limits::MAX_MEMORY)),
        ("stack_bytes", stack),
    ]);
    let settable = defaults(&HostLimits::default());
    assert!(
        bounds
            .keys()
            .copied()
            .eq(settable.keys().map(String::as_str))
    );
    for (key, bounds) in bounds {
        has_bounds("limits", key, bounds);
    }
}

fn has_bounds(table: &str, key: &str, (least, most): (u64, u64)) {
    let text = |value: i128| format!("[{table}]\n{key} = {value}\n");
    let (least, most) = (i128::from(least), i128::from(most));
    parse(&text(least));
    parse(&text(most));
    for past in [least - 1, most + 1] {
        let message = error(&text(past));
        assert!(message.starts_with("host.toml:2:"), "{message}");
        assert!(
            message.contains(&format!("use {least} to {most}")),
            "{key}: {message}"
        );
    }
}

/// Every key that can be set, with its default.
fn defaults(limits: &impl Serialize) -> BTreeMap<String, u64> {
    let table = toml::Table::try_from(limits).expect("limits are numbers");
    let number = |value: toml::Value| {
        value
            .as_integer()
            .and_then(|value| u64::try_from(value).ok())
    };
    table
        .into_iter()
        .map(|(key, value)| (key, number(value).expect("limits are numbers")))
        .collect()
}

/// What the README says of limits, by the table of the configuration that they stand in.
fn documented(table: &str) -> BTreeMap<String, u64> {
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");
    let readme = std::fs::read_to_string(readme).expect("the README is there");
    let (_, section) = readme
        .split_once(&format!("under `[{table}]`:\n"))
        .expect("the README has the table");
    let rows = section.lines().skip_while(|line| !line.starts_with('|'));
    rows.take_while(|line| line.starts_with('|'))
        .filter_map(|row| {
            let mut cells = row.trim_matches('|').split('|').map(str::trim);
            let key = cells.next()?.strip_prefix('`')?.strip_suffix('`')?;
            let default = amount(cells.next()?);
            assert!(!cells.next()?.is_empty(), "{key} has no reason");
            Some((key.to_owned(), default))
        })
        .collect()
}

fn amount(text: &str) -> u64 {
    let (number, unit) = text.split_once(' ').unwrap_or((text, ""));
    let number: u64 = number.replace(',', "").parse().expect("a number");
    number
        * match unit {
            "" | "ms" => 1,
            "s" => 1_000,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            other => panic!("no unit: {other}"),
        }
}

#[test]
fn every_limit_in_bytes_and_no_other_may_have_a_unit() {
    for (table, limits) in [
        ("limits", defaults(&HostLimits::default())),
        ("plugins.p.limits", defaults(&Limits::default())),
    ] {
        for (key, default) in limits {
            let text = format!("[{table}]\n{key} = \"{default} B\"\n");
            let taken = HostConfig::parse(&text, "host.toml").is_ok();
            let is_size = key == "memory" || key.ends_with("_bytes");
            assert_eq!(taken, is_size, "{table}: {key}");
        }
    }
}

#[test]
fn the_readme_tells_every_limit_with_its_default() {
    assert_eq!(
        documented("plugins.NAME.limits"),
        defaults(&Limits::default())
    );
    assert_eq!(documented("limits"), defaults(&HostLimits::default()));
}

#[test]
fn a_plugins_own_table_has_a_limit_with_an_edge() {
    let text = |value: &str| {
        format!("[plugins.p.limits]\nconfig_bytes = 8\n[plugins.p.config]\nkey = \"{value}\"\n")
    };
    parse(&text("12345"));
    let message = error(&text("123456"));
    assert!(
        message.contains("plugins.p.config holds 9 bytes, at most 8 are allowed")
            && message.contains("`config_bytes` under [plugins.p.limits]"),
        "{message}"
    );
}

#[test]
fn the_data_folder_is_a_path_beside_the_file_and_not_empty() {
    assert_eq!(parse("").data_dir, None);
    let message = error("data_dir = \"\"\n");
    assert!(
        message.contains("data_dir is empty") && message.contains("or leave data_dir out"),
        "{message}"
    );
    assert!(error("data_dir = 7\n").starts_with("host.toml:1:"));
    assert!(error("data_dirs = \"x\"\n").contains("did you mean `data_dir`?"));
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("data_dir.toml");
    std::fs::write(&file, "data_dir = \"data\"\n").expect("the file can be written");
    let config = HostConfig::load(&file).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(config.data_dir, Some(file.with_file_name("data")));
}

#[test]
fn a_file_that_is_not_there_says_so() {
    let error = HostConfig::load("/nowhere/host.toml".as_ref())
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("/nowhere/host.toml: cannot be read: "),
        "{error}"
    );
}
