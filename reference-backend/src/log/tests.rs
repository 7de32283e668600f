//! The edges of the queue, and what whoever reads the log finds.

use super::queue::{Lost, NOTICE_BYTES};
use super::writer::Sink;
use super::*;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};

/// A line of so many bytes.
fn line(bytes: usize) -> String {
    format!("{}\n", "a".repeat(bytes - 1))
}

/// Takes all that waits; how many entries, and what was lost before each.
fn all_of(queue: &Queue) -> Vec<Lost> {
    std::iter::from_fn(|| queue.try_next())
        .map(|entry| entry.lost_before)
        .collect()
}

fn lost(over_rate: u64, no_room: u64, not_taken: u64) -> Lost {
    Lost {
        over_rate,
        no_room,
        not_taken,
    }
}

#[test]
fn so_many_lines_wait_and_the_next_is_lost_and_counted() {
    let (queue, now) = (Queue::default(), Instant::now());
    for _ in 0..QUEUE_LINES + 2 {
        queue.push(Weight::Needed, "\n", now);
    }
    assert_eq!(all_of(&queue), vec![Lost::default(); QUEUE_LINES]);
    queue.push(Weight::Needed, "\n", now);
    assert_eq!(all_of(&queue), [lost(0, 2, 0)]);
}

#[test]
fn so_many_bytes_wait_and_the_next_is_lost_and_counted() {
    let (queue, start) = (Queue::default(), Instant::now());
    let entries = QUEUE_BYTES / ENTRY_BYTES;
    for second in 0..entries {
        let now = start + Duration::from_secs(second as u64);
        queue.push(Weight::Needed, &line(ENTRY_BYTES), now);
    }
    let later = start + Duration::from_secs(entries as u64);
    queue.push(Weight::Needed, "\n", later);
    assert_eq!(all_of(&queue), vec![Lost::default(); entries]);
    queue.push(Weight::Needed, "\n", later);
    assert_eq!(all_of(&queue), [lost(0, 1, 0)]);
}

#[test]
fn a_second_has_a_bound_for_plugins_one_for_all_and_one_for_errors() {
    let (queue, start) = (Queue::default(), Instant::now());
    let fill = |weight, most: usize, taken: usize, now| {
        let mut left = most - taken;
        while left > 0 {
            let size = left.min(8 << 10);
            queue.push(weight, &line(size), now);
            left -= size;
        }
        assert!(
            all_of(&queue).iter().all(|lost| lost.is_none()),
            "{weight:?}"
        );
        queue.push(weight, "\n", now);
        assert!(all_of(&queue).is_empty(), "{weight:?}: one byte more");
    };
    let steps = [
        (Weight::OfPlugin, PLUGIN_BYTES_PER_SECOND),
        (Weight::Ordinary, ORDINARY_BYTES_PER_SECOND),
        (Weight::Needed, TOTAL_BYTES_PER_SECOND),
    ];
    for (weight, most) in steps {
        // Each begins a second of its own, to the last byte.
        let queue_at = start + Duration::from_secs(most as u64);
        fill(weight, most, 0, queue_at);
        queue.push(Weight::Needed, "\n", queue_at + Duration::from_secs(1));
        assert_eq!(all_of(&queue), [lost(1, 0, 0)]);
    }
    // In one second, each has what the one before leaves.
    let now = start + Duration::from_secs(1 << 30);
    queue.push(Weight::OfPlugin, &line(1 << 10), now);
    assert!(!all_of(&queue).is_empty());
    fill(Weight::OfPlugin, PLUGIN_BYTES_PER_SECOND, 1 << 10, now);
    let notice = NOTICE_BYTES;
    queue.push(Weight::Ordinary, "\n", now);
    assert_eq!(all_of(&queue), [lost(1, 0, 0)]);
    fill(
        Weight::Ordinary,
        ORDINARY_BYTES_PER_SECOND,
        PLUGIN_BYTES_PER_SECOND + 1 + notice,
        now,
    );
    queue.push(Weight::Needed, "\n", now);
    assert_eq!(all_of(&queue), [lost(1, 0, 0)]);
    let taken = ORDINARY_BYTES_PER_SECOND + 1 + notice;
    fill(Weight::Needed, TOTAL_BYTES_PER_SECOND, taken, now);
}

#[test]
fn an_entry_is_cut_between_characters_and_keeps_its_newline() {
    let (queue, now) = (Queue::default(), Instant::now());
    queue.push(Weight::Needed, &line(ENTRY_BYTES), now);
    queue.push(Weight::Needed, &"ß".repeat(ENTRY_BYTES), now);
    let whole = queue.try_next().expect("a line");
    assert_eq!(whole.text, line(ENTRY_BYTES));
    let cut = queue.try_next().expect("a line").text;
    assert!(
        cut.len() <= ENTRY_BYTES && cut.len() > ENTRY_BYTES - 4,
        "{}",
        cut.len()
    );
    assert!(cut.ends_with("ß… (cut)\n"));
}

#[test]
fn the_notice_fits_what_is_counted_for_it() {
    let most = lost(u64::MAX / 3, u64::MAX / 3, u64::MAX / 3);
    assert!(
        most.words().len() + "2026-11-28T14:26:28.123456Z  WARN reference_backend::log: \n".len()
            <= NOTICE_BYTES
    );
}

/// Takes so many bytes and then fails, as a disk does that is full.
#[derive(Default)]
struct Disk {
    room: usize,
    text: Vec<u8>,
}

impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.room.min(bytes.len());
        if taken == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.room -= taken;
        self.text.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn the_first_line_that_can_be_written_says_how_many_could_not() {
    let disk = Disk {
        room: "one\ntw".len(),
        ..Disk::default()
    };
    let mut sink = Sink::new(disk);
    for text in ["one\n", "two\n", "three\n"] {
        sink.put(Lost::default(), text);
    }
    sink.put(lost(5, 7, 0), "four\n");
    sink.of().room = usize::MAX;
    sink.put(Lost::default(), "five\n");
    sink.put(Lost::default(), "six\n");
    let text = String::from_utf8(sink.of().text.clone()).expect("text");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 5, "{text}");
    assert_eq!(
        [lines[0], lines[1], lines[3], lines[4]],
        ["one", "tw", "five", "six"]
    );
    let told = " WARN reference_backend::log: 15 lines are lost before this one: 5 over the rate, 7 while nobody read, 3 not taken by the system";
    assert!(lines[2].ends_with(told), "{text}");
}

/// Takes each line only when the test says so.
struct Gate {
    begun: Sender<()>,
    open: Receiver<()>,
    text: Arc<Mutex<Vec<u8>>>,
}

impl Write for Gate {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.begun.send(());
        let _ = self.open.recv();
        self.text.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn nobody_waits_for_a_reader_who_has_stopped() {
    let (begun, has_begun) = channel();
    let (opens, open) = channel();
    let text = Arc::default();
    let log = Log::to(Gate {
        begun,
        open,
        text: Arc::clone(&text),
    });
    log.say("held");
    has_begun.recv().expect("the writer writes");
    // In a thread that has to go on whatever the writer does.
    for number in 0..QUEUE_LINES + 3 {
        log.say(number);
    }
    assert!(!log.flush(Duration::ZERO), "something waits");
    drop(opens);
    assert!(log.flush(Duration::from_secs(60)), "all is written");
    let told = String::from_utf8(text.lock().unwrap().clone()).expect("text");
    assert!(
        told.ends_with(" not taken by the system\n"),
        "losses that no line follows, too"
    );
    log.say("after");
    assert!(log.flush(Duration::from_secs(60)));
    let text = String::from_utf8(text.lock().unwrap().clone()).expect("text");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[..2], ["held", "0"]);
    assert_eq!(lines.len(), QUEUE_LINES + 3, "{lines:?}");
    assert!(
        lines[QUEUE_LINES + 1].contains("3 lines are lost before this one"),
        "{lines:?}"
    );
    assert_eq!(lines.last(), Some(&"after"));
}

/// Hands on each line.
struct Wire(Sender<String>);

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.0.send(String::from_utf8_lossy(bytes).into_owned());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn losses_that_no_line_follows_are_told_when_nothing_comes() {
    let (sends, lines) = channel();
    let log = Log::to(Wire(sends));
    let size = 8 << 10;
    let taken = TOTAL_BYTES_PER_SECOND / size;
    for _ in 0..2 * taken {
        log.queue.push(Weight::Needed, &line(size), Instant::now());
    }
    let mut written = lines.iter();
    assert!(written.any(|line| line.contains(" lines are lost before this one: ")));
}

/// Takes a line only at the second try, as a pipe does that must not wait.
#[derive(Default)]
struct Shy {
    asked: bool,
    text: Vec<u8>,
}

impl Write for Shy {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.asked = !self.asked;
        if self.asked {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_sink_that_may_not_wait_is_asked_again() {
    let mut sink = Sink::new(Shy::default());
    sink.put(Lost::default(), "one\n");
    sink.put(Lost::default(), "two\n");
    assert_eq!(sink.of().text, b"one\ntwo\n");
}

#[test]
fn nobody_waits_for_a_writer_that_is_not_there() {
    let queue = Queue::default();
    queue.push(Weight::Needed, "waits\n", Instant::now());
    queue.close();
    queue.push(Weight::Needed, "late\n", Instant::now());
    assert!(queue.wait_until_empty(Duration::from_secs(60)));
    assert_eq!(queue.try_next(), None);
}

/// What a log holds in memory.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What the events of this come to.
fn logged(colours: bool, events: impl FnOnce()) -> Vec<String> {
    let memory = Memory::default();
    let log = Log::to(memory.clone());
    tracing::subscriber::with_default(log.subscriber(EnvFilter::new("trace"), colours), events);
    assert!(log.flush(Duration::from_secs(60)));
    let text = String::from_utf8(memory.0.lock().unwrap().clone()).expect("text");
    text.lines().map(str::to_owned).collect()
}

#[test]
fn no_value_of_a_line_makes_another() {
    let evil = "x\n2026-11-28T00:00:00Z ERROR host: forged\r\u{1b}[2K\u{202e}\u{2028}";
    let shown = "x\\n2026-11-28T00:00:00Z ERROR host: forged\\r\\u{1b}[2K\\u{202e}\\u{2028}";
    let error = io::Error::other(evil);
    let lines = logged(false, || {
        tracing::warn!(player = %evil, "{evil}");
        tracing::warn!(player = ?evil, evil, error = &error as &dyn std::error::Error, "text");
        tracing::info_span!("span", text = %evil).in_scope(|| tracing::info!("{}", error));
    });
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[0].ends_with(&format!(
        " WARN reference_backend::log::tests: {shown} player={shown}"
    )));
    assert!(lines[2].contains(shown) && lines[2].contains("span{text="));
    for line in &lines {
        assert!(
            !line.chars().any(char::is_control) && !line.contains('\u{202e}'),
            "{line}"
        );
    }
}

#[test]
fn every_value_of_a_line_is_cut() {
    let long = "ä".repeat(1 << 20);
    let lines = logged(
        false,
        || tracing::warn!(plugin = %long, other = long, "{long}"),
    );
    assert_eq!(lines.len(), 1);
    assert!(
        lines[0].len() < MESSAGE_BYTES + 2 * FIELD_BYTES + 200,
        "{}",
        lines[0].len()
    );
    assert_eq!(lines[0].matches(crate::CUT).count(), 3);
    let fits = "a".repeat(MESSAGE_BYTES);
    let lines = logged(false, || tracing::warn!("{fits}"));
    assert!(lines[0].ends_with(&fits));
}

#[test]
fn a_terminal_has_colours_of_the_hosts_and_of_nobody_else() {
    let lines = logged(true, || tracing::warn!(plugin = "lobby", "\u{1b}[31mred"));
    assert!(lines[0].contains("\u{1b}[33m"), "{}", lines[0]);
    assert!(
        lines[0].contains("\\u{1b}[31mred \u{1b}[3mplugin"),
        "{}",
        lines[0]
    );
}

#[test]
fn lines_about_plugins_weigh_least_and_errors_of_the_host_most() {
    let weights = Arc::new(Mutex::new(Vec::new()));
    struct Weighs(Arc<Mutex<Vec<Weight>>>);
    impl<'a> MakeWriter<'a> for Weighs {
        type Writer = io::Sink;
        fn make_writer(&'a self) -> io::Sink {
            io::sink()
        }
        fn make_writer_for(&'a self, meta: &Metadata<'_>) -> io::Sink {
            self.0.lock().unwrap().push(weight(meta));
            io::sink()
        }
    }
    let subscriber = tracing_subscriber::fmt().with_writer(Weighs(Arc::clone(&weights)));
    tracing::subscriber::with_default(subscriber.finish(), || {
        tracing::error!(target: GUEST, plugin = "p", "a guest's own");
        tracing::warn!(plugin = "p", "refused");
        tracing::error!(plugin = "p", "trapped");
        tracing::warn!("anything");
    });
    let expected = [
        Weight::OfPlugin,
        Weight::OfPlugin,
        Weight::Needed,
        Weight::Ordinary,
    ];
    assert_eq!(*weights.lock().unwrap(), expected);
}

/// Files in which a line about a plugin may be written without a rate, and why.
const UNRATED: [&str; 2] = [
    // The rate itself.
    "host/services.rs",
    // Once for each plugin at the start, of a folder of the operator's.
    "bridge/wasi/folder.rs",
];

/// Files that may write anywhere but into the log.
const WRITES: [&str; 2] = ["log/mod.rs", "main.rs"];

#[test]
fn no_line_goes_past_the_rate_and_the_log() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("the sources") {
            let path = entry.expect("the sources").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path
                .strip_prefix(&root)
                .expect("within")
                .display()
                .to_string();
            let text = std::fs::read_to_string(&path).expect("text");
            if name == "log/tests.rs" {
                continue;
            }
            for event in ["error", "warn", "info", "debug", "trace", "event"] {
                let begins = format!("tracing::{event}!(");
                for call in text.split(&begins).skip(1) {
                    seen += 1;
                    let call = call.split(';').next().unwrap_or_default();
                    let plugin = call.contains("plugin =") || call.contains("%plugin");
                    assert!(
                        !plugin || UNRATED.contains(&name.as_str()),
                        "{name}: what is said of a plugin goes through `Services::note` or `Services::tell`: {call}"
                    );
                }
            }
            for write in [
                "println!",
                "eprintln!",
                "print!(",
                "eprint!(",
                "dbg!(",
                "stderr()",
                "stdout()",
            ] {
                assert!(
                    !text.contains(write) || WRITES.contains(&name.as_str()),
                    "{name}: `{write}` waits for whoever reads it; write to the log"
                );
            }
        }
    }
    assert!(seen > 20, "the sources are elsewhere");
}
