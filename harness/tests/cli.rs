//! The program as a user meets it: every fault ends with its exit code and a message that names the fault.

mod support;

use std::path::PathBuf;
use std::process::{Command, Output};

use vbspec::exit::Exit;

/// What the program said and how it ended.
struct Said {
    out: String,
    err: String,
    code: Option<i32>,
}

impl Said {
    /// Asserts the exit code, and that each of the words was said somewhere.
    #[track_caller]
    fn expect(&self, exit: Exit, words: &[&str]) {
        assert_eq!(
            self.code,
            Some(i32::from(exit.code())),
            "{}\n{}",
            self.out,
            self.err
        );
        for word in words {
            assert!(
                self.out.contains(word) || self.err.contains(word),
                "no `{word}` in:\n{}\n{}",
                self.out,
                self.err
            );
        }
    }
}

fn vbspec(arguments: &[&str]) -> Said {
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(env!("CARGO_BIN_EXE_vbspec"))
        .args(arguments)
        .output()
        .expect("the program runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    Said {
        out: text(stdout),
        err: text(stderr),
        code: status.code(),
    }
}

/// The same with a standard output that nobody reads: what it says on standard error, and how it ends.
fn unread(arguments: &[&str]) -> Said {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let output = Command::new(env!("CARGO_BIN_EXE_vbspec"))
        .args(arguments)
        .stdout(writer)
        .output()
        .expect("the program runs");
    Said {
        out: String::new(),
        err: String::from_utf8(output.stderr).expect("UTF-8"),
        code: output.status.code(),
    }
}

fn path(artifact: &str) -> String {
    support::artifact(artifact).to_string_lossy().into_owned()
}

/// Judges the broken lobby on one protocol by some cases.
fn mutant(name: &str, protocol: &str, cases: &[&str]) -> Said {
    let (file, config) = (path("faulty.wasm"), format!("mutant={name}"));
    let mut arguments = vec!["guest", &file, "--config", &config, "--protocol", protocol];
    for case in cases {
        arguments.extend(["--case", case]);
    }
    vbspec(&arguments)
}

/// A file of the test's own with these bytes.
fn file(name: &str, bytes: &[u8]) -> String {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, bytes).expect("the file can be written");
    path.to_string_lossy().into_owned()
}

#[test]
fn a_good_guest_is_as_expected() {
    let said = vbspec(&[
        "guest",
        &path("lobby.wasm"),
        "--protocol",
        "1.21.1",
        "--case",
        "KA",
        "--case",
        "TXT",
    ]);
    said.expect(Exit::AsExpected, &["pass in"]);
    assert!(
        !said.out.contains('\u{1b}'),
        "no colours where there is no terminal"
    );
}

#[test]
fn a_guest_without_keep_alives() {
    mutant("no-keep-alive", "767", &["KA"]).expect(
        Exit::Nonconforming,
        &[
            "VB-KA-01",
            "nothing came after",
            "there had been 0 keep-alives",
            "--case never-silent-for-the-read-timeout",
        ],
    );
}

#[test]
fn a_guest_without_join_game() {
    mutant("no-join-game", "767", &["JOIN"])
        .expect(Exit::Nonconforming, &["VB-JOIN-02", "no JoinGame came"]);
}

#[test]
fn a_join_game_of_another_protocol_is_shown_byte_by_byte() {
    mutant("neighbour-layout", "767", &["JOIN-03"]).expect(
        Exit::Nonconforming,
        &[
            "VB-JOIN-03",
            "the layout of protocol 767",
            "login (id 0x2b)",
            "entityId",
            "guest's log",
            "repeat   vbspec guest",
        ],
    );
}

#[test]
fn a_trap_in_the_start() {
    mutant("trap-in-start", "767", &["JOIN-08"]).expect(
        Exit::Nonconforming,
        &["the guest trapped", "virtual-backend-on-session-start"],
    );
}

#[test]
fn a_loop_in_the_start() {
    mutant("spin-in-start", "767", &["JOIN-02", "JOIN-08"]).expect(
        Exit::Nonconforming,
        &["used up its CPU budget in virtual-backend-on-session-start"],
    );
}

#[test]
fn a_loop_in_on_enable() {
    mutant("spins-in-on-enable", "767", &["JOIN-02"]).expect(
        Exit::SubjectDoesNotStart,
        &["does not start", "used up its CPU budget in on-enable"],
    );
}

#[test]
fn memory_without_end() {
    mutant("eat-in-start", "767", &["JOIN-02", "JOIN-08"]).expect(
        Exit::Nonconforming,
        &["memory limit of 67108864 bytes in virtual-backend-on-session-start"],
    );
}

#[test]
fn a_guest_that_never_registers() {
    mutant("unregistered-zero", "767", &["META-02"]).expect(
        Exit::Nonconforming,
        &["VB-META-02", "the guest answered virtual-backend(0)"],
    );
}

#[test]
fn an_empty_file() {
    vbspec(&["guest", &file("empty.wasm", b"")])
        .expect(Exit::SubjectDoesNotStart, &["the file is empty"]);
}

#[test]
fn a_missing_file() {
    vbspec(&["guest", "no-such-guest.wasm"]).expect(
        Exit::SubjectDoesNotStart,
        &["cannot read no-such-guest.wasm", "No such file"],
    );
}

#[test]
fn a_core_module() {
    let module = file("module.wasm", b"\0asm\x01\0\0\0");
    vbspec(&["guest", &module]).expect(
        Exit::SubjectDoesNotStart,
        &["a core module, expected a component"],
    );
}

#[test]
fn text_instead_of_a_component() {
    let text = file("text.wasm", b"(component)");
    vbspec(&["guest", &text]).expect(Exit::SubjectDoesNotStart, &["not WebAssembly"]);
}

#[test]
fn a_component_of_another_world() {
    let empty = file("stranger.wasm", b"\0asm\x0d\0\x01\0");
    vbspec(&["guest", &empty]).expect(
        Exit::SubjectDoesNotStart,
        &[
            "another world",
            "expected infrarust:plugin/guest@0.4.0-vb.1",
        ],
    );
}

#[test]
fn a_guest_that_lacks_the_capability() {
    vbspec(&["guest", &path("lobby.wasm"), "--deny", "virtual-backend"]).expect(
        Exit::SubjectDoesNotStart,
        &[
            "infrarust:plugin/virtual-backend@0.4.0-vb.1",
            "virtual-backend",
            "leave out --deny",
        ],
    );
}

#[test]
fn a_plugin_that_is_no_virtual_backend() {
    let marker = support::componentized(&support::text("marker.wat"), "plugin");
    let plugin = file("marker.wasm", &marker);
    vbspec(&["guest", &plugin]).expect(
        Exit::SubjectDoesNotStart,
        &[
            "no virtual backend",
            "does not export virtual-backend-handler",
        ],
    );
}

#[test]
fn a_guest_that_takes_nobody_conforms() {
    let guest = support::componentized(&support::text("refuses.wat"), "virtual-backend-plugin");
    let guest = file("refuses.wasm", &guest);
    let said = vbspec(&["guest", &guest, "--protocol", "4,340,777"]);
    said.expect(
        Exit::AsExpected,
        &[
            "metadata-is-stable (VB-META-01): pass on 777",
            "judged nowhere",
            "memory-returns-after-sessions",
            "Nobody plays here.",
        ],
    );
}

#[test]
fn a_guest_of_some_protocols_is_judged_on_them_by_every_case() {
    let lobby = path("lobby.wasm");
    for (serves, cases) in [
        (
            "47,340",
            [
                "memory-returns-after-sessions (VB-END-01): pass on 47",
                "flood-stops-no-keep-alive (VB-RAW-05): pass on 340",
                "unknown-protocol-is-refused (VB-JOIN-15): pass on 340",
            ],
        ),
        (
            "766+",
            [
                "memory-returns-after-sessions (VB-END-01): pass on 766",
                "flood-stops-no-keep-alive (VB-RAW-05): pass on 767",
                "unknown-protocol-is-refused (VB-JOIN-15): pass on 767",
            ],
        ),
    ] {
        let config = format!("protocols={serves}");
        let said = vbspec(&[
            "guest",
            &lobby,
            "--config",
            &config,
            "--protocol",
            "4,47,340,393,766,767",
        ]);
        said.expect(Exit::AsExpected, &cases);
        assert!(!said.out.contains("untestable"), "{}", said.out);
    }
}

#[test]
fn what_is_not_known_is_answered_with_what_is_near() {
    let lobby = path("lobby.wasm");
    vbspec(&["guest", &lobby, "--case", "client-come-in-world"]).expect(
        Exit::Usage,
        &[
            "`client-come-in-world`",
            "Did you mean client-comes-in-world?",
        ],
    );
    vbspec(&["guest", &lobby, "--case", "KA-99"]).expect(Exit::Usage, &["`KA-99`"]);
    vbspec(&["guest", &lobby, "--protocol", "1.21.11x"])
        .expect(Exit::Usage, &["`1.21.11x`", "1.21.11"]);
    vbspec(&["guest", &lobby, "--protocol", "3"]).expect(Exit::Usage, &["`3` is no protocol"]);
    vbspec(&["guest", &lobby, "--grant", "virtual_backend"])
        .expect(Exit::Usage, &["virtual_backend", "virtual-backend"]);
    vbspec(&["guest", &lobby, "--config", "nonsense"])
        .expect(Exit::Usage, &["nonsense", "KEY=VALUE"]);
    vbspec(&["guest", &lobby, "--xfail", "nothing"]).expect(Exit::Usage, &["`nothing`"]);
    vbspec(&["guest", &lobby, "--report", "html=x"]).expect(Exit::Usage, &["FORMAT=PATH"]);
    vbspec(&["explain", "VB-KA-1"]).expect(Exit::Usage, &["Did you mean", "VB-KA-01"]);
    vbspec(&["gest"]).expect(Exit::Usage, &["gest"]);
}

#[test]
fn nothing_selected_is_no_success() {
    vbspec(&[
        "guest",
        &path("lobby.wasm"),
        "--protocol",
        "767",
        "--case",
        "KA-08",
    ])
    .expect(Exit::NothingSelected, &["nothing is selected"]);
}

#[test]
fn what_is_expected_to_fail_and_fails_is_as_expected() {
    let (file, run) = (
        path("faulty.wasm"),
        ["--protocol", "767", "--case", "KA-01"],
    );
    let broken = [
        "guest",
        &file,
        "--config",
        "mutant=no-keep-alive",
        "--xfail",
        "KA-01",
    ];
    vbspec(&[&broken[..], &run[..]].concat()).expect(Exit::AsExpected, &["1 xfail"]);
    let elsewhere = [
        "guest",
        &file,
        "--config",
        "mutant=no-keep-alive",
        "--xfail",
        "KA-01@47",
    ];
    vbspec(&[&elsewhere[..], &run[..]].concat()).expect(Exit::Nonconforming, &["1 fail"]);
    let whole = ["guest", &file, "--xfail", "KA-01"];
    vbspec(&[&whole[..], &run[..]].concat())
        .expect(Exit::Nonconforming, &["1 xpass", "expected to fail"]);
}

#[test]
fn a_should_that_is_not_followed_is_a_warning() {
    mutant("every-25s", "767", &["KA-03"])
        .expect(Exit::AsExpected, &["1 warn", "VB-KA-03", "SHOULD"]);
}

#[test]
fn the_same_failure_on_many_protocols_is_told_once() {
    let said = mutant("no-join-game", "765,767,770", &["JOIN-02"]);
    said.expect(Exit::Nonconforming, &["the same on 767 and 770", "3 fail"]);
    assert_eq!(said.out.matches("instead").count(), 1, "{}", said.out);
}

#[test]
fn one_seed_gives_one_stream() {
    let stream = || {
        let file = path("faulty.wasm");
        let said = vbspec(&[
            "guest",
            &file,
            "--config",
            "mutant=no-keep-alive",
            "--protocol",
            "47,767",
            "--case",
            "KA",
            "--case",
            "JOIN-14",
            "--format",
            "jsonl",
            "--seed",
            "7",
        ]);
        said.expect(Exit::Nonconforming, &[]);
        let mut lines: Vec<serde_json::Value> = said
            .out
            .lines()
            .map(|line| serde_json::from_str(line).expect("each line is JSON"))
            .collect();
        for line in &mut lines {
            line.as_object_mut().expect("an object").remove("wall_us");
        }
        lines
    };
    let first = stream();
    assert_eq!(first, stream());
    let names: Vec<&str> = first
        .iter()
        .filter_map(|line| line["event"].as_str())
        .collect();
    assert_eq!(
        (names.first(), names.last()),
        (Some(&"run-started"), Some(&"run-finished"))
    );
    assert_eq!(first[0]["planned"], names.len() - 2);
}

#[test]
fn reports_go_to_files() {
    let junit = file("report.xml", b"");
    let jsonl = file("report.jsonl", b"");
    let said = vbspec(&[
        "guest",
        &path("faulty.wasm"),
        "--config",
        "mutant=no-join-game",
        "--protocol",
        "767",
        "--case",
        "JOIN-02",
        "--report",
        &format!("junit={junit}"),
        "--report",
        &format!("jsonl={jsonl}"),
    ]);
    said.expect(Exit::Nonconforming, &["VB-JOIN-02"]);
    let xml = std::fs::read_to_string(junit).expect("the report is there");
    for word in [
        "<testsuites",
        "join-game-within-five-seconds::767",
        "VB-JOIN-02 MUST",
        "<failure",
        "failures=\"1\"",
    ] {
        assert!(xml.contains(word), "no `{word}` in {xml}");
    }
    let lines = std::fs::read_to_string(jsonl).expect("the report is there");
    assert_eq!(lines.lines().count(), 3, "{lines}");
}

#[test]
fn a_verdict_does_not_depend_on_who_reads_it() {
    let (lobby, faulty) = (path("lobby.wasm"), path("faulty.wasm"));
    let good = ["guest", &lobby, "--protocol", "767", "--case", "JOIN-02"];
    let broken = [
        "guest",
        &faulty,
        "--config",
        "mutant=no-join-game",
        "--protocol",
        "765,767",
        "--case",
        "JOIN-02",
    ];
    for format in ["terminal", "jsonl", "junit"] {
        let said = unread(&[&good[..], &["--format", format]].concat());
        said.expect(Exit::AsExpected, &[]);
        let (junit, jsonl) = (
            file(&format!("unread-{format}.xml"), b""),
            file(&format!("unread-{format}.jsonl"), b""),
        );
        let said = unread(
            &[
                &broken[..],
                &["--format", format],
                &["--report", &format!("junit={junit}")],
                &["--report", &format!("jsonl={jsonl}")],
            ]
            .concat(),
        );
        said.expect(Exit::Nonconforming, &[]);
        assert_eq!(said.err, "", "{format}");
        let xml = std::fs::read_to_string(junit).expect("the report is there");
        assert!(xml.contains("failures=\"2\""), "{xml}");
        let lines = std::fs::read_to_string(jsonl).expect("the report is there");
        assert_eq!(lines.lines().count(), 4, "{lines}");
    }
    unread(&["guest", &file("unread.wasm", b"")]).expect(Exit::SubjectDoesNotStart, &[]);
    let host = ["--protocol", "47", "--case", "LOG-02"];
    unread(&[&["host"], &host[..]].concat()).expect(Exit::AsExpected, &[]);
    let fault = ["host", "--fault", "waits-for-ever"];
    unread(&[&fault[..], &host[..]].concat()).expect(Exit::Nonconforming, &[]);
    for format in ["terminal", "jsonl"] {
        let soak = ["soak", "--seeds", "0..3", "--format", format];
        unread(&soak).expect(Exit::AsExpected, &[]);
    }
}

#[test]
fn what_judges_nothing_says_that_nobody_reads_it() {
    for arguments in [
        &["list"][..],
        &["list", "--protocols"],
        &["explain", "KA-03"],
        &["--help"],
    ] {
        let said = unread(arguments);
        said.expect(Exit::OutputClosed, &[]);
        assert_eq!(said.err, "");
    }
    unread(&["explain", "VB-KA-1"]).expect(Exit::Usage, &["VB-KA-01"]);
}

#[test]
fn the_host_keeps_its_clauses() {
    vbspec(&[
        "host",
        "--protocol",
        "47,775",
        "--case",
        "ENF",
        "--case",
        "LOG",
    ])
    .expect(Exit::AsExpected, &["pass in"]);
}

#[test]
fn lists_and_explains() {
    vbspec(&["list", "--clauses"]).expect(
        Exit::AsExpected,
        &["VB-KA-03", "no case yet", "without a case yet"],
    );
    vbspec(&["list", "--cases"])
        .expect(Exit::AsExpected, &["client-comes-in-world", "[VB-JOIN-09]"]);
    vbspec(&["list", "--protocols"]).expect(
        Exit::AsExpected,
        &[
            "1.21.1",
            "clauses of every protocol: VB-JOIN-01",
            "VB-KA-08",
        ],
    );
    vbspec(&["list", "--layouts"]).expect(
        Exit::AsExpected,
        &[
            "play title  proved 47-754 (capture",
            "play swing_animation  unknown 777",
            "status ping  ",
            " 777 26.3 ",
            "clientbound packets proved (",
        ],
    );
    let some = vbspec(&["list", "--layouts", "--protocol", "47,335-340"]);
    some.expect(Exit::AsExpected, &["play title  proved 47, 335-340"]);
    vbspec(&["list", "--protocol", "47"]).expect(Exit::Usage, &["--layouts"]);
    vbspec(&["explain", "ka-03"]).expect(
        Exit::AsExpected,
        &["SHOULD", "every-25s", "Why", "keep-alive-every-15-seconds"],
    );
    vbspec(&["explain", "keep-alive-every-15-seconds"]).expect(Exit::AsExpected, &["VB-KA-03"]);
    vbspec(&["--help"]).expect(
        Exit::AsExpected,
        &["Exit codes", "the subject does not start"],
    );
}

#[test]
fn builds_of_a_guest_are_compared() {
    let few = [
        "--protocol",
        "769-771",
        "--case",
        "JOIN-10",
        "--case",
        "KA-03",
    ];
    let diff = |old: &str, new: &str, more: &[&str]| {
        let arguments = [&["diff", old, new][..], &few, more].concat();
        vbspec(&arguments)
    };
    let (lobby, faulty) = (path("lobby.wasm"), path("faulty.wasm"));
    diff(&lobby, &lobby, &[]).expect(
        Exit::AsExpected,
        &["nothing differs on 3 protocols; 6 verdicts compared"],
    );
    let arguments = [&["guest", &lobby, "--format", "jsonl"][..], &few].concat();
    let run = file("diff.jsonl", vbspec(&arguments).out.as_bytes());
    diff(&run, &lobby, &[]).expect(Exit::AsExpected, &["nothing differs"]);
    let broken = ["--config", "mutant=biome-9999"];
    diff(&run, &faulty, &broken).expect(
        Exit::Nonconforming,
        &[
            "on 769-771\n",
            "chunks-decode-whole (VB-JOIN-10): fail, was pass: play packet `map_chunk`",
            "map_chunk sent with other bytes (first in chunks-decode-whole)",
            "3 of 3 protocols differ",
        ],
    );
}

#[test]
fn what_cannot_be_compared_ends_with_its_code() {
    let lobby = path("lobby.wasm");
    let text = file("diff.txt", b"{}\n");
    let said = vbspec(&["diff", &text, &lobby]);
    said.expect(
        Exit::Usage,
        &["diff.txt, line 1: neither a component nor a run"],
    );
    let empty = file("diff-empty.jsonl", b"");
    vbspec(&["diff", &lobby, &empty]).expect(Exit::Usage, &["it has no `run-finished`"]);
    vbspec(&["diff", "absent.wasm", &lobby])
        .expect(Exit::SubjectDoesNotStart, &["cannot read absent.wasm"]);
    let few = ["--protocol", "769", "--case", "KA-03"];
    let arguments = [&["guest", &lobby, "--format", "jsonl"][..], &few].concat();
    let run = file("diff-few.jsonl", vbspec(&arguments).out.as_bytes());
    vbspec(&["diff", &run, &lobby, "--protocol", "47"])
        .expect(Exit::NothingSelected, &["nothing is selected"]);
}
