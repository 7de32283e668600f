//! A plugin's data folder: what a guest can do in it, that nothing leads out of it, and how much of it there is. The guest
//! is `fixtures/guests/files`, which does line by line what its setting says and logs what comes of it.

mod support;

use reference_backend::{
    CpuMeter, GuestComponent, GuestEngine, Host, HostBuilder, HostConfig, HostEvent, PluginConfig,
    StartError, TrapKind,
};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use support::{Recorder, artifact};

/// A folder of the test's own with `data`, in which the guest's folder `files` lies, and `secret` beside it.
struct Place {
    base: PathBuf,
}

const SECRET: &str = "secret";

impl Place {
    fn new(name: &str) -> Self {
        let base = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join("files")
            .join(name);
        if base.exists() {
            fs::remove_dir_all(&base).expect("what an earlier run left can be removed");
        }
        fs::create_dir_all(base.join("data/files/sub")).expect("the folder can be made");
        fs::write(base.join("secret"), SECRET).expect("the file can be written");
        Self { base }
    }

    fn data(&self) -> PathBuf {
        self.base.join("data")
    }

    fn own(&self, path: &str) -> PathBuf {
        self.data().join("files").join(path)
    }

    fn put(&self, path: &str, text: &str) {
        fs::write(self.own(path), text).expect("the file can be written");
    }

    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.own(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    fn builder(&self) -> HostBuilder {
        Host::builder(HostConfig {
            data_dir: Some(self.data()),
            ..HostConfig::default()
        })
    }

    async fn run(&self, script: &str) -> Vec<String> {
        self.run_with(script, |_| {}).await
    }

    /// What the guest answered to each line.
    async fn run_with(&self, script: &str, change: impl FnOnce(&mut PluginConfig)) -> Vec<String> {
        let (answers, recorder) = run(self.builder(), artifact("files"), script, change).await;
        assert_eq!(
            recorder.count(|event| matches!(event, HostEvent::Trap { .. })),
            0,
            "{:?}",
            recorder.events()
        );
        answers
    }

    /// Each line with the answer that is expected.
    async fn holds(&self, lines: &[(&str, &str)]) {
        self.holds_with(lines, |_| {}).await;
    }

    async fn holds_with(&self, lines: &[(&str, &str)], change: impl FnOnce(&mut PluginConfig)) {
        let script: Vec<&str> = lines.iter().map(|(line, _)| *line).collect();
        let answers = self.run_with(&script.join("\n"), change).await;
        let expected: Vec<String> = lines
            .iter()
            .map(|(line, answer)| format!("{line}: {answer}"))
            .collect();
        assert_eq!(answers, expected);
    }
}

async fn run(
    builder: HostBuilder,
    guest: GuestComponent,
    script: &str,
    change: impl FnOnce(&mut PluginConfig),
) -> (Vec<String>, Arc<Recorder>) {
    let mut config = PluginConfig::default();
    config.config.insert("do".to_owned(), script.to_owned());
    change(&mut config);
    let recorder = Recorder::new();
    let host = builder
        .guest("files", guest, config)
        .observer(recorder.clone())
        .start()
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    host.shutdown("over").await;
    (recorder.lines(), recorder)
}

#[tokio::test]
async fn a_guest_reads_and_writes_in_its_folder_and_finds_it_again() {
    let place = Place::new("again");
    place
        .holds(&[
            ("folders", "ok /"),
            ("open 0 sub/a create exclusive read write", "ok 1"),
            ("write 1 0 hello", "ok 5"),
            ("write 1 5 -there", "ok 6"),
            ("read 1 100 0", "ok hello-there"),
            ("read 1 2 6", "ok th"),
            ("read 1 2 11", "ok  end"),
            ("sync 1", "ok"),
            ("sync-data 1", "ok"),
            ("size 1 5", "ok"),
            ("stat 1", "ok DescriptorType::RegularFile 5"),
            ("type 0", "ok DescriptorType::Directory"),
        ])
        .await;
    assert_eq!(place.text("sub/a"), "hello");
    place
        .holds(&[
            ("open 0 sub/a read", "ok 1"),
            ("read 1 100 0", "ok hello"),
            ("open 0 sub/a truncate write", "ok 2"),
            ("stat-at 0 sub/a", "ok DescriptorType::RegularFile 0"),
            ("put 0 b text", "ok 4"),
            ("cat 0 /b", "not-permitted"),
            ("cat 0 b", "ok text"),
        ])
        .await;
}

#[tokio::test]
async fn streams_read_to_the_end_and_write_where_they_are() {
    let place = Place::new("streams");
    place
        .holds(&[
            ("open 0 a create read write", "ok 1"),
            ("pour 1 0 hello", "ok"),
            ("append 1 -there", "ok"),
            ("pour 1 1 a", "ok"),
            ("stream 1 0", "ok hallo-there"),
            ("stream 1 6", "ok there"),
            ("stream 1 99", "ok"),
            ("flood 1 0 100000", "ok"),
            ("stream 1 0", "ok #100000"),
            ("open 0 a read", "ok 2"),
            ("pour 2 0 x", "bad-descriptor"),
            ("open 0 a write", "ok 3"),
            ("stream 3 0", "bad-descriptor"),
        ])
        .await;
}

#[tokio::test]
async fn folders_are_made_read_and_removed() {
    let place = Place::new("folders");
    place
        .holds(&[
            ("mkdir 0 b", "ok"),
            ("mkdir 0 b", "exist"),
            ("open 0 b directory read", "ok 1"),
            ("open 1 x create write", "ok 2"),
            ("open 1 a create write", "ok 3"),
            ("mkdir 1 y", "ok"),
            ("list 1", "ok a x y/"),
            ("list 0", "ok b/ sub/"),
            ("rename 1 x 0 sub/z", "ok"),
            ("list 1", "ok a y/"),
            ("rmdir 0 b", "not-empty"),
            ("unlink 0 b/a", "ok"),
            ("unlink 0 b/y", "is-directory"),
            ("rmdir 0 b/y", "ok"),
            ("rmdir 0 b", "ok"),
            ("list 0", "ok sub/"),
            ("list 3", "not-directory"),
            ("same 0 0", "ok true"),
            ("open 0 sub directory read", "ok 4"),
            ("same 0 4", "ok false"),
            ("open 4 z read", "ok 5"),
            ("same 2 5", "ok true"),
        ])
        .await;
}

#[tokio::test]
async fn what_goes_wrong_has_a_code() {
    let place = Place::new("codes");
    place.put("a", "text");
    let long = "x".repeat(4097);
    let lines = [
        ("open 0 nothing read", "no-entry"),
        ("open 0 a create exclusive write", "exist"),
        ("open 0 a directory read", "not-directory"),
        ("open 0 a/b read", "not-directory"),
        ("open 0 sub write", "is-directory"),
        ("open 0 sub create", "is-directory"),
        ("open 0 b create directory", "invalid"),
        ("open 0 a read sync", "unsupported"),
        ("open 0 a read", "ok 1"),
        ("write 1 0 x", "bad-descriptor"),
        ("size 1 0", "bad-descriptor"),
        ("open 1 b read", "not-directory"),
        ("read 0 1 0", "is-directory"),
        ("open 0 a write", "ok 2"),
        ("read 2 1 0", "bad-descriptor"),
        ("flags 1", "ok DescriptorFlags { bits: 1 }"),
        ("write 2 18446744073709551615 xx", "file-too-large"),
        ("read 1 1 18446744073709551615", "invalid"),
        ("rmdir 0 a", "not-directory"),
        ("readlink 0 a", "invalid"),
    ];
    place.holds(&lines).await;
    let answers = place
        .run(&format!("open 0 {long} read\nmkdir 0 {long}"))
        .await;
    assert!(
        answers.iter().all(|line| line.ends_with(": name-too-long")),
        "{answers:?}"
    );
}

#[tokio::test]
async fn no_path_leads_out() {
    let place = Place::new("paths");
    place.put("a", "mine");
    let secret = place.base.join("secret").display().to_string();
    let own = place.own("a").display().to_string();
    // Allowed: the way back within the folder.
    place
        .holds(&[
            ("open 0 sub/../a read", "ok 1"),
            ("read 1 9 0", "ok mine"),
            ("open 0 ./a read", "ok 2"),
            ("open 0 sub directory read", "ok 3"),
        ])
        .await;
    for path in [
        "../../secret",
        "sub/../../../secret",
        "..",
        "../files/a",
        "sub/../../files/a",
        &secret,
        &own,
        "/",
        "/a",
    ] {
        place
            .holds(&[
                (&format!("open 0 {path} read"), "not-permitted"),
                (&format!("open 0 {path} create write"), "not-permitted"),
                (&format!("stat-at 0 {path}"), "not-permitted"),
                (&format!("hash-at 0 {path}"), "not-permitted"),
                (&format!("touch-at 0 {path} 1"), "not-permitted"),
            ])
            .await;
    }
    for path in ["../../new", "../new", "sub/../../new", "/tmp/new"] {
        place
            .holds(&[
                (&format!("open 0 {path} create write"), "not-permitted"),
                (&format!("mkdir 0 {path}"), "not-permitted"),
                (&format!("rename 0 a 0 {path}"), "not-permitted"),
            ])
            .await;
    }
    place
        .holds(&[
            ("unlink 0 ../../secret", "not-permitted"),
            ("rename 0 ../../secret 0 b", "not-permitted"),
            ("rmdir 0 ../../data", "not-permitted"),
            ("open 0 sub directory read", "ok 1"),
            // From a folder below, the folder itself is out of reach too: its parent is not what was lent.
            ("open 1 ../a read", "not-permitted"),
            ("open 1 .. directory read", "not-permitted"),
        ])
        .await;
    assert_eq!(
        fs::read_to_string(place.base.join("secret")).unwrap(),
        SECRET
    );
    assert_eq!(place.text("a"), "mine");
    let names = |path: PathBuf| fs::read_dir(path).unwrap().count();
    assert_eq!((names(place.base.clone()), names(place.data())), (2, 1));
}

#[cfg(unix)]
#[tokio::test]
async fn links_lead_nowhere_else() {
    use std::os::unix::fs::symlink;
    let place = Place::new("links");
    place.put("a", "mine");
    place.put("sub/b", "mine too");
    for (target, link) in [
        ("a", "good"),
        ("sub", "good-folder"),
        ("sub/../a", "good-way-back"),
        ("../../secret", "out"),
        ("../..", "out-folder"),
        ("sub/../../../secret", "out-by-detour"),
        ("../files/a", "out-and-in"),
        ("ring", "ring"),
        ("nothing", "dangling"),
        ("../../new", "dangling-out"),
    ] {
        symlink(target, place.own(link)).unwrap();
    }
    symlink(place.base.join("secret"), place.own("absolute")).unwrap();
    symlink(place.own("a"), place.own("absolute-in")).unwrap();
    fs::hard_link(place.base.join("secret"), place.own("hard")).unwrap();
    let written = fs::metadata(place.base.join("secret"))
        .unwrap()
        .modified()
        .unwrap();

    // Allowed: links that stay within.
    place
        .holds(&[
            ("open 0 good read", "ok 1"),
            ("read 1 99 0", "ok mine"),
            ("open 0 good-folder/b read", "ok 2"),
            ("read 2 99 0", "ok mine too"),
            ("open 0 good-way-back read", "ok 3"),
            ("readlink 0 good", "ok a"),
            ("stat-at 0 good", "ok DescriptorType::RegularFile 4"),
            ("lstat 0 good", "ok DescriptorType::SymbolicLink 1"),
            ("open 0 good nofollow read", "loop"),
            ("open 0 ring read", "loop"),
            ("open 0 dangling read", "no-entry"),
        ])
        .await;
    for link in [
        "out",
        "out-folder/secret",
        "out-by-detour",
        "out-and-in",
        "absolute",
        "absolute-in",
        "good-folder/../../../secret",
    ] {
        place
            .holds(&[
                (&format!("open 0 {link} read"), "not-permitted"),
                (&format!("open 0 {link} write"), "not-permitted"),
                (&format!("open 0 {link} truncate write"), "not-permitted"),
                (&format!("stat-at 0 {link}"), "not-permitted"),
                (&format!("touch-at 0 {link} 1"), "not-permitted"),
            ])
            .await;
    }
    place
        .holds(&[
            ("open 0 dangling-out create write", "not-permitted"),
            ("open 0 out-folder directory read", "not-permitted"),
            ("open 0 out-folder/new create write", "not-permitted"),
            ("mkdir 0 out-folder/new", "not-permitted"),
            ("rename 0 a 0 out-folder/new", "not-permitted"),
            ("unlink 0 out-folder/secret", "not-permitted"),
            ("readlink 0 absolute", "not-permitted"),
            // A hard link is the file itself: with more than one name it may be anybody's.
            ("open 0 hard read", "not-permitted"),
            ("open 0 hard write", "not-permitted"),
            ("open 0 hard truncate write", "not-permitted"),
            // What is asked for by name is done to what is opened, and links are not opened.
            ("touch-at 0 hard 1", "not-permitted"),
            ("open 0 hard nofollow read", "not-permitted"),
            // Guests make no links, not even within.
            ("symlink 0 ../../secret new", "not-permitted"),
            ("symlink 0 a new", "not-permitted"),
            ("link 0 a 0 new", "not-permitted"),
            ("link 0 out 0 new", "not-permitted"),
            // A link is removed and moved as what it is.
            ("unlink 0 out", "ok"),
            ("rename 0 absolute 0 moved", "ok"),
            ("open 0 moved read", "not-permitted"),
        ])
        .await;
    assert_eq!(
        fs::read_to_string(place.base.join("secret")).unwrap(),
        SECRET
    );
    assert_eq!(
        fs::metadata(place.base.join("secret"))
            .unwrap()
            .modified()
            .unwrap(),
        written
    );
    assert!(!place.base.join("new").exists());
}

#[cfg(unix)]
#[tokio::test]
async fn what_would_block_is_not_opened() {
    let place = Place::new("pipes");
    let made = std::process::Command::new("mkfifo")
        .arg(place.own("pipe"))
        .status();
    assert!(made.is_ok_and(|made| made.success()));
    let _listener = std::os::unix::net::UnixListener::bind(place.own("socket"));
    place
        .holds(&[
            ("open 0 pipe read", "not-permitted"),
            ("open 0 pipe write", "not-permitted"),
            ("open 0 pipe truncate write", "not-permitted"),
            ("stat-at 0 pipe", "ok DescriptorType::Fifo 0"),
            ("open 0 socket read", "not-permitted"),
            ("unlink 0 pipe", "ok"),
        ])
        .await;
}

#[tokio::test]
async fn without_a_data_folder_there_are_none() {
    let builder = Host::builder(HostConfig::default());
    let (answers, _) = run(builder, artifact("files"), "folders\nopen 0 a read", |_| {}).await;
    assert_eq!(
        answers,
        ["folders: ok", "open 0 a read: no descriptor \"0\""]
    );
}

fn bytes(most: u64) -> impl FnOnce(&mut PluginConfig) {
    move |config| config.limits.data_bytes = most
}

#[tokio::test]
async fn bytes_of_the_folder_have_an_edge() {
    let place = Place::new("bytes");
    place
        .holds_with(
            &[
                ("open 0 a create read write", "ok 1"),
                ("fill 1 0 10", "ok 10"),
                ("write 1 10 x", "quota"),
                ("pour 1 10 x", "quota"),
                ("append 1 x", "quota"),
                ("size 1 11", "quota"),
                // What is there already can be written over.
                ("write 1 9 x", "ok 1"),
                ("open 0 b create write", "ok 2"),
                ("write 2 0 x", "quota"),
                ("size 1 9", "ok"),
                ("write 2 0 x", "ok 1"),
                ("write 2 1 x", "quota"),
                // So can what is given back, in each way.
                ("unlink 0 b", "ok"),
                ("close 2", "ok"),
                ("size 1 10", "ok"),
                ("open 0 a truncate write", "ok 3"),
                ("fill 1 0 10", "ok 10"),
                ("open 0 c create write", "ok 4"),
                ("rename 0 c 0 a", "ok"),
                ("close 1", "ok"),
                ("close 3", "ok"),
                ("fill 4 0 10", "ok 10"),
                ("fill 4 10 1", "quota"),
            ],
            bytes(10),
        )
        .await;
    // A hole counts like everything else.
    let place = Place::new("holes");
    place
        .holds_with(
            &[
                ("open 0 a create write", "ok 1"),
                ("write 1 10 x", "quota"),
                ("write 1 9 x", "ok 1"),
                ("write 1 9223372036854775806 x", "quota"),
                ("size 1 18446744073709551615", "quota"),
            ],
            bytes(10),
        )
        .await;
}

#[tokio::test]
async fn what_is_there_at_the_start_counts() {
    let place = Place::new("start");
    place.put("a", "12345");
    place.put("sub/b", "1234");
    let lines = [
        ("open 0 c create write", "ok 1"),
        ("write 1 0 x", "ok 1"),
        ("write 1 1 x", "quota"),
        ("mkdir 0 d", "quota"),
    ];
    place
        .holds_with(&lines, |config| {
            config.limits.data_bytes = 10;
            config.limits.data_entries = 4;
        })
        .await;
    // And more than may be there can only be made less.
    let lines = [
        ("open 0 a write", "ok 1"),
        ("write 1 0 x", "ok 1"),
        ("write 1 5 x", "quota"),
        ("unlink 0 sub/b", "ok"),
        ("unlink 0 c", "ok"),
        ("write 1 5 x", "quota"),
        ("size 1 0", "ok"),
        ("write 1 0 x", "ok 1"),
    ];
    place.holds_with(&lines, bytes(1)).await;
}

#[tokio::test]
async fn a_file_that_is_removed_counts_until_it_is_closed() {
    let place = Place::new("removed");
    let lines = [
        ("open 0 a create write", "ok 1"),
        ("fill 1 0 10", "ok 10"),
        ("unlink 0 a", "ok"),
        ("open 0 b create write", "ok 2"),
        ("write 2 0 x", "quota"),
        ("close 1", "ok"),
        ("fill 2 0 10", "ok 10"),
    ];
    place.holds_with(&lines, bytes(10)).await;
}

#[tokio::test]
async fn entries_have_an_edge() {
    let place = Place::new("entries");
    let lines = [
        // One is there.
        ("open 0 a create write", "ok 1"),
        ("mkdir 0 b", "ok"),
        ("mkdir 0 c", "quota"),
        ("open 0 c create write", "quota"),
        ("open 0 a create write", "ok 2"),
        ("rename 0 a 0 c", "ok"),
        ("rmdir 0 b", "ok"),
        ("open 0 a create write", "ok 3"),
        ("mkdir 0 b", "quota"),
        ("rename 0 a 0 c", "ok"),
        ("close 1", "ok"),
        ("close 2", "ok"),
        ("mkdir 0 b", "ok"),
        ("mkdir 0 b", "quota"),
        ("rmdir 0 nothing", "no-entry"),
        ("mkdir 0 d", "quota"),
    ];
    let limit = |config: &mut PluginConfig| config.limits.data_entries = 3;
    place.holds_with(&lines, limit).await;
    // What cannot be made takes no room.
    let place = Place::new("entries-not-made");
    let lines = [
        ("mkdir 0 sub", "exist"),
        ("mkdir 0 nothing/b", "no-entry"),
        ("open 0 nothing/b create write", "no-entry"),
        ("mkdir 0 b", "ok"),
        ("mkdir 0 c", "quota"),
    ];
    let limit = |config: &mut PluginConfig| config.limits.data_entries = 2;
    place.holds_with(&lines, limit).await;
}

#[tokio::test]
async fn open_files_have_an_edge() {
    let place = Place::new("open");
    place.put("a", "text");
    let limit = |config: &mut PluginConfig| config.limits.data_open = 3;
    let lines = [
        ("often 3 0 a read", "ok 3 all"),
        ("often 4 0 a read", "ok 3 insufficient-memory"),
        ("often 4 0 sub directory read", "ok 3 insufficient-memory"),
        ("often 4 0 nothing read", "ok 0 no-entry"),
        ("often 3 0 a read", "ok 3 all"),
    ];
    place.holds_with(&lines, limit).await;
}

#[tokio::test]
async fn open_files_are_handles_too() {
    let place = Place::new("handles");
    place.put("a", "text");
    let limit = |config: &mut PluginConfig| config.limits.resources = 3;
    place
        .holds_with(&[("often 2 0 a read", "ok 2 all")], limit)
        .await;
    let (_, recorder) = run(
        place.builder(),
        artifact("files"),
        "often 3 0 a read",
        limit,
    )
    .await;
    let trapped = |event: &HostEvent| matches!(event, HostEvent::Trap { kind: TrapKind::HostCall(why), .. } if why == "the limit of 3 resources is reached");
    assert!(recorder.count(trapped) > 0, "{:?}", recorder.events());
}

#[tokio::test]
async fn names_that_are_being_read_have_an_edge() {
    let place = Place::new("names");
    place.put("a", "");
    place.put("sub/b", "");
    // Two names a stream of the folder, three entries in all: one stream and one of `sub`, as a walk has them.
    let lines = [
        ("lists 1 0", "ok 1 all"),
        ("lists 2 0", "ok 1 insufficient-memory"),
        ("open 0 sub directory read", "ok 1"),
        ("lists 3 1", "ok 3 all"),
        ("lists 4 1", "ok 3 insufficient-memory"),
    ];
    let limit = |config: &mut PluginConfig| config.limits.data_entries = 3;
    place.holds_with(&lines, limit).await;
}

#[tokio::test]
async fn one_call_moves_so_many_bytes() {
    let place = Place::new("call");
    let limit = |config: &mut PluginConfig| config.limits.data_call_bytes = 4096;
    let lines = [
        ("open 0 a create read write", "ok 1"),
        ("fill 1 0 4096", "ok 4096"),
        ("fill 1 0 4097", "ok 4096"),
        ("fill 1 4096 4096", "ok 4096"),
        ("read 1 4096 0", "ok #4096"),
        ("read 1 4097 0", "ok #4096"),
        ("stream 1 0", "ok #8192"),
        ("flood 1 0 10000", "ok"),
        ("stat 1", "ok DescriptorType::RegularFile 10000"),
    ];
    place.holds_with(&lines, limit).await;
    // Into a stream goes what `check-write` allows.
    let pour = |length: usize| format!("open 0 a write\npour 1 0 {}", "x".repeat(length));
    assert!(place.run_with(&pour(4096), limit).await[1].ends_with(": ok"));
    let (_, recorder) = run(place.builder(), artifact("files"), &pour(4097), limit).await;
    let trapped = |event: &HostEvent| matches!(event, HostEvent::Trap { kind: TrapKind::HostCall(why), .. } if why == "at most 4096 bytes at a time, as `check-write` says");
    assert!(recorder.count(trapped) > 0, "{:?}", recorder.events());
}

#[tokio::test]
async fn dates_are_kept_but_where_runs_must_repeat() {
    let place = Place::new("dates");
    let script =
        "open 0 a create write\ntouch 1 1000000000\ndates 1\ntouch-at 0 a 1100000000\ndates 1";
    let answers = place.run(script).await;
    assert_eq!(answers[2], "dates 1: ok 1000000000 1000000000");
    assert_eq!(answers[4], "dates 1: ok 1000000000 1100000000");
    let seeded = place.builder().seed(1);
    let (answers, _) = run(seeded, artifact("files"), script, |_| {}).await;
    assert_eq!(answers[4], "dates 1: ok 0 0");
}

#[tokio::test]
async fn calls_cost_fuel_where_it_is_counted() {
    let place = Place::new("fuel");
    let used = async |calls: usize| {
        let script = format!(
            "hash 0\n{}",
            "folders\n".repeat(10 - calls) + &"hash 0\n".repeat(calls)
        );
        let (_, recorder) = run(place.builder(), artifact("files"), &script, |_| {}).await;
        let fuel = recorder
            .events()
            .into_iter()
            .filter_map(|event| match event {
                HostEvent::FuelUsed { fuel, .. } => Some(fuel),
                _ => None,
            });
        fuel.max().unwrap_or_default()
    };
    let (few, many) = (used(0).await, used(10).await);
    assert!(many > few + 100_000, "{few}, {many}");
    // And so many calls are an end of it.
    let script = "hash 0\n".repeat(10);
    let (_, recorder) = run(place.builder(), artifact("files"), &script, |config| {
        config.limits.fuel = 100_000;
    })
    .await;
    let trapped = |event: &HostEvent| {
        matches!(
            event,
            HostEvent::Trap {
                kind: TrapKind::CpuBudget,
                ..
            }
        )
    };
    assert!(recorder.count(trapped) > 0, "{:?}", recorder.events());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn calls_have_a_time_where_it_is_measured() {
    let place = Place::new("time");
    let engine = GuestEngine::new(CpuMeter::Epoch).expect("wasmtime runs here");
    let bytes = format!(
        "{}/../fixtures/artifacts/files.wasm",
        env!("CARGO_MANIFEST_DIR")
    );
    let bytes = fs::read(bytes).expect("the guest is there");
    let guest = engine
        .load("files", &bytes)
        .unwrap_or_else(|error| panic!("{error}"));
    let script = "open 0 a create write\nsync 1";
    let (answers, _) = run(place.builder(), guest.clone(), script, |_| {}).await;
    assert_eq!(answers, ["open 0 a create write: ok 1", "sync 1: ok"]);
    let none = |config: &mut PluginConfig| config.limits.data_ms = 0;
    let (answers, _) = run(place.builder(), guest, "open 0 a read", none).await;
    assert_eq!(answers, ["open 0 a read: busy"]);
}

/// Why the host does not start.
async fn refusal(builder: HostBuilder, name: &str) -> String {
    let start =
        |builder: HostBuilder| builder.guest(name, artifact("files"), PluginConfig::default());
    match start(builder).start().await {
        Err(error @ StartError::DataFolder { .. }) => error.to_string(),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it started"),
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_keeps_the_host_from_starting() {
    let place = Place::new("refused");
    for name in ["..", "a/b", "/tmp/a", "", "A"] {
        let why = refusal(place.builder(), name).await;
        assert!(
            why.contains(&format!(
                "cannot be named after the plugin \"{name}\"\n  = help: use 1 to 64"
            )),
            "{why}"
        );
    }
    fs::write(place.data().join("other"), "").unwrap();
    let why = refusal(place.builder(), "other").await;
    let path = place.data().join("other").display().to_string();
    assert_eq!(
        why,
        format!(
            "plugin other: its data folder {path} is no folder\n  = help: move away what is there, or set `data_dir` to a folder"
        )
    );
    let in_a_file = |at: &str| {
        Host::builder(HostConfig {
            data_dir: Some(place.base.join(at)),
            ..HostConfig::default()
        })
    };
    let why = refusal(in_a_file("secret"), "files").await;
    assert!(why.contains("secret/files cannot be made: "), "{why}");
    let why = refusal(in_a_file("secret/deeper"), "files").await;
    assert!(
        why.contains("secret/deeper/files cannot be made: "),
        "{why}"
    );
    assert!(
        why.contains("\n  = help: give the host's user the right to it"),
        "{why}"
    );
}

#[tokio::test]
async fn checking_makes_no_folder() {
    let place = Place::new("checked");
    let check = |at: &str| {
        let builder = Host::builder(HostConfig {
            data_dir: Some(place.base.join(at)),
            ..HostConfig::default()
        });
        builder
            .guest("files", artifact("files"), PluginConfig::default())
            .check()
    };
    assert_eq!(check("new"), Ok(()));
    assert!(!place.base.join("new").exists());
    assert!(check("secret").is_err());
}

#[tokio::test]
async fn a_hash_tells_files_apart() {
    let place = Place::new("hashes");
    place.put("a", "");
    place.put("b", "");
    let script = "open 0 a read\nhash 1\nhash-at 0 a\nhash-at 0 sub/../a\nhash-at 0 b\nhash 0";
    let answers = place.run(script).await;
    let hash = |at: usize| answers[at].rsplit(' ').next().unwrap_or_default();
    assert_eq!([hash(1), hash(1)], [hash(2), hash(3)]);
    assert!(hash(1).len() > 16 && hash(1) != hash(4) && hash(1) != hash(5));
}

#[tokio::test]
async fn each_plugin_has_a_folder_of_its_own() {
    let place = Place::new("plugins");
    let config = |script: &str| {
        let mut config = PluginConfig::default();
        config.config.insert("do".to_owned(), script.to_owned());
        config
    };
    let recorder = Recorder::new();
    let host = place
        .builder()
        .same_ids()
        .guest("files", artifact("files"), config("put 0 a mine"))
        .guest(
            "more",
            artifact("files"),
            config("cat 0 a\ncat 0 ../files/a\nput 0 b more"),
        )
        .observer(recorder.clone())
        .start()
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    host.shutdown("over").await;
    let expected = [
        "put 0 a mine: ok 4",
        "cat 0 a: no-entry",
        "cat 0 ../files/a: not-permitted",
        "put 0 b more: ok 4",
    ];
    assert_eq!(recorder.lines(), expected);
    assert!(place.data().join("more/b").exists());
}

/// Only guests that ask for folders get one.
#[tokio::test]
async fn who_asks_for_no_folder_gets_none() {
    let place = Place::new("unasked");
    let host = place
        .builder()
        .guest("lobby", artifact("lobby"), support::granted())
        .start()
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    host.shutdown("over").await;
    assert!(!place.data().join("lobby").exists());
}
