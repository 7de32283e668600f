//! The program behind the adapter protocol, as whoever judges hosts from outside has it.

use serde_json::{Value, json};
use sim_client::Driver;
use sim_proto::ClientConfig;
use std::io::{BufRead, BufReader, Read as _, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;
use tokio::net::TcpStream;

/// Longer than anything that is waited for, however busy the machine is.
const LONG: Duration = Duration::from_secs(120);

/// The adapter, running.
struct Adapter {
    child: Child,
    input: ChildStdin,
    lines: Receiver<Value>,
    /// All that came so far, for messages.
    seen: Vec<Value>,
    next_id: u64,
}

impl Adapter {
    /// Before anything was said.
    fn spawn(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_reference-backend"))
            .arg("adapter")
            .args(arguments)
            .env_remove("RUST_LOG")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let input = child.stdin.take().expect("it is piped");
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        let (sends, lines) = channel();
        std::thread::spawn(move || {
            for line in output.lines() {
                let line = line.expect("it is text");
                let message = serde_json::from_str(&line).expect("each line is JSON");
                if sends.send(message).is_err() {
                    return;
                }
            }
        });
        Self {
            child,
            input,
            lines,
            seen: Vec::new(),
            next_id: 1,
        }
    }

    /// After the greeting.
    fn greeted() -> Self {
        let mut adapter = Self::spawn(&[]);
        adapter.ask("hello", json!({"protocol": 1}));
        adapter
    }

    /// Sends a command; answers its id.
    fn send(&mut self, word: &str, mut keys: Value) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        keys["id"] = id.into();
        keys["do"] = word.into();
        writeln!(self.input, "{keys}").expect("it reads");
        id
    }

    /// Sends a command and waits for its answer.
    fn ask(&mut self, word: &str, keys: Value) -> Value {
        let id = self.send(word, keys);
        self.answer(id)
    }

    fn answer(&mut self, id: u64) -> Value {
        self.wait(|line| line["answer"] == id)
    }

    /// What a command is refused with.
    fn refused(&mut self, word: &str, keys: Value) -> String {
        let answer = self.ask(word, keys);
        answer["refused"].as_str().expect("refused").to_owned()
    }

    /// Starts a host with the probe; answers its address.
    fn start(&mut self, host: u64, config: Value) -> String {
        let answer = self.ask(
            "start",
            json!({"host": host, "plugins": [probe("probe", config)]}),
        );
        let address = answer["address"].as_str();
        address.unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    /// Waits for a line of the probe's.
    fn log(&mut self, host: u64, begins: &str) -> Value {
        self.wait(|line| {
            let text = line["text"].as_str().unwrap_or_default();
            line["event"] == "log" && line["host"] == host && text.starts_with(begins)
        })
    }

    /// Waits for the first line from now on that is accepted.
    fn wait(&mut self, accept: impl Fn(&Value) -> bool) -> Value {
        loop {
            let Ok(line) = self.lines.recv_timeout(LONG) else {
                panic!("it never came; what did: {:#?}", self.seen);
            };
            self.seen.push(line.clone());
            if accept(&line) {
                return line;
            }
        }
    }

    /// How it ends once its input has ended, and what it says.
    fn end(self) -> (Option<i32>, String) {
        let Self {
            mut child, input, ..
        } = self;
        drop(input);
        let mut said = String::new();
        let mut errors = child.stderr.take().expect("it is piped");
        errors.read_to_string(&mut said).expect("it is text");
        (child.wait().expect("it ends").code(), said)
    }
}

fn artifact(name: &str) -> String {
    let folder = env!("CARGO_MANIFEST_DIR");
    format!("{folder}/../fixtures/artifacts/{name}.wasm")
}

fn probe(name: &str, config: Value) -> Value {
    json!({
        "name": name,
        "component": artifact("probe"),
        "permissions": ["virtual-backend"],
        "deny": [],
        "config": config,
    })
}

fn in_world() -> Value {
    json!({"join": "true"})
}

/// A client in the world. It lives only while it is waited for.
async fn join(address: &str, name: &str) -> Driver<TcpStream> {
    let mut client = connect(address, name).await;
    if let Err(not_seen) = client.run_until_in_world(LONG).await {
        panic!("{not_seen}");
    }
    client
}

async fn connect(address: &str, name: &str) -> Driver<TcpStream> {
    let config = ClientConfig::new(767, name);
    Driver::connect_tcp(address, config)
        .await
        .expect("it listens")
}

/// What a client is told at the end.
async fn told(mut client: Driver<TcpStream>) -> String {
    let reason = client.run_to_end(LONG).await.expect("it ends");
    format!("{reason:?}")
}

#[test]
fn the_greeting_comes_first_and_once_and_says_what_is_offered() {
    let mut adapter = Adapter::spawn(&[]);
    let early = adapter.refused("start", json!({"host": 1, "plugins": []}));
    assert_eq!(early, "`hello` comes first");
    let newer = adapter.refused("hello", json!({"protocol": 2}));
    assert!(
        newer.contains("version 1 of the protocol, not 2"),
        "{newer}"
    );
    let offer = adapter.ask("hello", json!({"protocol": 1, "new": true}));
    assert_eq!(offer["protocol"], 1);
    assert_eq!(offer["name"], "reference-backend");
    assert_eq!(offer["contract"], "infrarust:plugin@0.4.0-vb.1");
    assert_eq!(offer["protocols"], json!(vb_data::supported()));
    let features = offer["features"].as_array().expect("a list");
    assert!(features.contains(&json!("kick")));
    let again = adapter.refused("hello", json!({"protocol": 1}));
    assert_eq!(again, "`hello` comes once");
    assert_eq!(adapter.refused("dance", json!({})), "no such command");
    assert_eq!(adapter.end(), (Some(0), String::new()));
}

#[tokio::test]
async fn who_joins_is_seen_and_who_is_there_is_told_why_the_host_stops() {
    let mut adapter = Adapter::greeted();
    let address = adapter.start(1, in_world());
    let client = join(&address, "Alice").await;
    let enabled = adapter
        .seen
        .iter()
        .position(|line| line["text"] == "enable");
    let answered = adapter
        .seen
        .iter()
        .position(|line| line["address"] == *address);
    assert!(
        enabled.is_some() && enabled < answered,
        "{:#?}",
        adapter.seen
    );
    let start = adapter.log(1, "start handler=1 ");
    assert_eq!(
        (&start["plugin"], &start["level"]),
        (&json!("probe"), &json!("info"))
    );
    assert!(start["text"].as_str().expect("text").contains("name=Alice"));
    let stop = adapter.send("stop", json!({"host": 1, "reason": "The end."}));
    let told = told(client).await;
    assert!(told.contains("The end."), "{told}");
    adapter.log(1, "end handler=1 ");
    adapter.log(1, "disable");
    assert_eq!(adapter.answer(stop), json!({"answer": stop}));
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens");
    let stopped = adapter.refused("stop", json!({"host": 1, "reason": "x"}));
    assert_eq!(stopped, "there is no host 1");
    let again = adapter.refused("start", json!({"host": 1, "plugins": []}));
    assert!(
        again.contains("the number 1 was given to a host before"),
        "{again}"
    );
}

#[test]
fn a_host_that_must_not_start_is_refused_in_the_operators_words() {
    let mut adapter = Adapter::greeted();
    let mut ungranted = probe("probe", json!({}));
    ungranted["permissions"] = json!([]);
    let mut misspelled = probe("probe", json!({}));
    misspelled["permissions"] = json!(["virtual_backend"]);
    let mut missing = probe("probe", json!({}));
    missing["component"] = "/nowhere/probe.wasm".into();
    let mut text = probe("probe", json!({}));
    text["component"] = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml").into();
    let cases = [
        (
            ungranted,
            "grant it with `permissions = [\"virtual-backend\"]`",
        ),
        (misspelled, "did you mean \"virtual-backend\"?"),
        (missing, "/nowhere/probe.wasm: cannot be read: "),
        (text, "plugin probe: not WebAssembly"),
    ];
    for (host, (plugin, part)) in (1..).zip(cases) {
        let told = adapter.refused("start", json!({"host": host, "plugins": [plugin]}));
        assert!(told.contains(part), "no {part:?} in {told}");
    }
}

#[tokio::test]
async fn hosts_run_side_by_side_with_a_component_under_several_names() {
    let mut adapter = Adapter::greeted();
    let plugins = json!([
        probe("lobby", in_world()),
        probe("guard", json!({"register": "false"}))
    ]);
    let first = adapter.send("start", json!({"host": 1, "plugins": plugins}));
    let second = adapter.send(
        "start",
        json!({"host": 2, "plugins": plugins, "compression": 64}),
    );
    let mut addresses = Vec::new();
    for _ in [first, second] {
        let started = adapter.wait(|line| line["answer"].is_u64());
        addresses.push((started["answer"].clone(), started["address"].clone()));
    }
    addresses.sort_by_key(|(id, _)| id.as_u64());
    let mut clients = Vec::new();
    for (host, (_, address)) in (1..).zip(&addresses) {
        let address = address.as_str().expect("started");
        clients.push(join(address, "Alice").await);
        assert_eq!(adapter.log(host, "start handler=1 ")["plugin"], "lobby");
    }
    let other = clients.pop().expect("two");
    let first = clients.pop().expect("two");
    let stop = adapter.send("stop", json!({"host": 1, "reason": "One."}));
    assert!(told(first).await.contains("One."));
    adapter.answer(stop);
    let down = adapter.send("shutdown", json!({}));
    assert!(told(other).await.contains("The server is stopping."));
    assert_eq!(adapter.answer(down), json!({"answer": down}));
    // Its input is open.
    assert_eq!(adapter.child.wait().expect("it ends").code(), Some(0));
}

#[tokio::test]
async fn the_newest_player_of_a_name_can_be_kicked() {
    let mut adapter = Adapter::greeted();
    let plugins = json!([probe("probe", in_world())]);
    let started = adapter.ask(
        "start",
        json!({"host": 1, "plugins": plugins, "duplicate": "allow"}),
    );
    let address = started["address"].as_str().expect("started");
    let kick = |name: &str, why: &str| json!({"host": 1, "player": name, "reason": why});
    let nobody = adapter.refused("kick", kick("Alice", "x"));
    assert_eq!(nobody, "no player \"Alice\" is here");
    let older = join(address, "Alice").await;
    let newer = join(address, "Alice").await;
    adapter.ask("kick", kick("Alice", "You are new."));
    assert!(told(newer).await.contains("You are new."));
    adapter.log(1, "end handler=1 ");
    adapter.ask("kick", kick("Alice", "You too."));
    assert!(told(older).await.contains("You too."));
}

#[tokio::test]
async fn a_later_instance_has_the_new_table() {
    let mut adapter = Adapter::greeted();
    let mut plugin = probe("probe", in_world());
    plugin["instances"] = "per-session".into();
    let started = adapter.ask("start", json!({"host": 1, "plugins": [plugin]}));
    let address = started["address"].as_str().expect("started");
    let change = |plugin: &str, table: Value| json!({"host": 1, "plugin": plugin, "config": table});
    let unknown = adapter.refused("reconfigure", change("prob", json!({})));
    assert_eq!(unknown, "there is no plugin \"prob\"");
    let large = json!({"join": "x".repeat(1 << 17)});
    let large = adapter.refused("reconfigure", change("probe", large));
    assert!(large.contains("raise `config_bytes`"), "{large}");
    let done = adapter.ask(
        "reconfigure",
        change("probe", json!({"join": "true", "handlers": "1"})),
    );
    assert!(done.get("refused").is_none(), "{done}");
    let _client = join(address, "Alice").await;
    // With the key it says so; the first instance had none.
    adapter.log(1, "result register ");
}

#[tokio::test]
async fn who_is_turned_away_is_named_with_the_reason() {
    let mut adapter = Adapter::greeted();
    let address = adapter.start(1, json!({"pre-login": "denied:Not today."}));
    let told = told(connect(&address, "Bob").await).await;
    assert!(told.contains("Not today."), "{told}");
    let denied = adapter.wait(|line| line["event"] == "denied");
    let expected =
        json!({"event": "denied", "host": 1, "player": "Bob", "reason": "denied by the plugin"});
    assert_eq!(denied, expected);
}

#[tokio::test]
async fn a_plugin_that_fails_is_told_of_with_what_it_was_doing() {
    let mut adapter = Adapter::greeted();
    let address = adapter.start(1, json!({"in.start": "trap"}));
    told(connect(&address, "Bob").await).await;
    let mut failed = adapter.wait(|line| line["event"] == "failed");
    let text = failed["text"].take();
    let unreachable = text
        .as_str()
        .is_some_and(|text| text.contains("unreachable"));
    assert!(unreachable, "{text}");
    let expected = json!({
        "event": "failed", "host": 1, "plugin": "probe", "callback": "virtual-backend-on-session-start", "text": null,
    });
    assert_eq!(failed, expected);
}

#[test]
fn a_line_that_is_no_command_ends_it_with_2() {
    for (line, part) in [
        (
            "{\"id\":2,\"do\":".to_owned(),
            "line 2 of standard input is no command: EOF",
        ),
        ("x".repeat(2 << 20), "it is longer than 1048576 bytes"),
    ] {
        let mut adapter = Adapter::greeted();
        // What it does not read of it is lost.
        let _ = writeln!(adapter.input, "{line}");
        let (code, said) = adapter.end();
        assert_eq!(code, Some(2), "{said}");
        assert!(said.starts_with("Error: ") && said.contains(part), "{said}");
        assert!(said.contains("harness/adapter/PROTOCOL.md"), "{said}");
    }
}

#[tokio::test]
async fn players_are_told_when_the_input_ends() {
    let mut adapter = Adapter::greeted();
    let address = adapter.start(1, in_world());
    let client = join(&address, "Alice").await;
    let (end, told) = tokio::join!(tokio::task::spawn_blocking(|| adapter.end()), told(client),);
    let (code, said) = end.expect("no panic");
    assert_eq!(code, Some(0), "{said}");
    assert!(told.contains("The server is stopping."), "{told}");
}

#[cfg(feature = "faults")]
#[test]
fn every_host_can_be_broken_on_purpose() {
    let mut adapter = Adapter::spawn(&["--fault", "accepts-snake-case"]);
    adapter.ask("hello", json!({"protocol": 1}));
    let mut misspelled = probe("probe", json!({}));
    misspelled["permissions"] = json!(["virtual_backend"]);
    let started = adapter.ask("start", json!({"host": 1, "plugins": [misspelled]}));
    assert!(started["address"].is_string(), "{started}");
    let (code, said) = Adapter::spawn(&["--fault", "accepts-snake-cas"]).end();
    assert_eq!(code, Some(2));
    assert!(
        said.contains("similar value exists: 'accepts-snake-case'"),
        "{said}"
    );
}
