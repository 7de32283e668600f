//! One adapter: a child process that is told and asked by lines of JSON.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command as Process, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, Weak};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

use super::lock;
use super::protocol::{Answer, Command, Event, Hello, Message, Order, VERSION};

/// The longest line of an adapter: from the protocol.
pub const LINE_BYTES: usize = 1 << 20;

/// Lines of an adapter's standard error that are kept for who must mend it.
const LAST_LINES: usize = 20;

/// Bytes of such a line that are shown.
const SHOWN_BYTES: usize = 400;

/// How long `hello` may take: from the protocol.
const HELLO: Duration = Duration::from_secs(20);

/// How long everything else may take, the stop of a host aside: from the protocol.
const ANSWER: Duration = Duration::from_secs(25);

/// How long a host may take to stop: from the protocol.
const STOP: Duration = Duration::from_secs(30);

/// How long the last words of an adapter that has ended may take.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// How long an adapter that is told to go may take.
const GO: Duration = Duration::from_secs(5);

/// Hears what a host of an adapter tells.
pub trait Listener: Send + Sync {
    /// An event of the host.
    fn hear(&self, event: Event);
}

/// An adapter that runs.
pub struct Adapter {
    /// What it has said of itself.
    pub hello: Hello,
    shared: Arc<Shared>,
    next: AtomicU64,
}

struct Shared {
    child: Mutex<Child>,
    input: Mutex<Option<ChildStdin>>,
    pending: Mutex<BTreeMap<u64, oneshot::Sender<Answer>>>,
    hosts: Mutex<BTreeMap<u64, Weak<dyn Listener>>>,
    last: Mutex<VecDeque<String>>,
    /// Whether standard error has ended, and who waits for that.
    silent: (Mutex<bool>, Condvar),
    /// Why it is of no more use; the first reason stays.
    failure: Mutex<Option<String>>,
}

impl Shared {
    fn fail(&self, why: impl Into<String>) {
        lock(&self.failure).get_or_insert_with(|| why.into());
        // Whoever waits for an answer hears at once.
        lock(&self.pending).clear();
    }

    /// How the process has ended, if it does within a time.
    fn ended_within(&self, time: Duration) -> Option<ExitStatus> {
        const STEP: Duration = Duration::from_millis(10);
        let mut waited = Duration::ZERO;
        loop {
            if let Ok(Some(status)) = lock(&self.child).try_wait() {
                return Some(status);
            }
            if waited >= time {
                return None;
            }
            thread::sleep(STEP);
            waited += STEP;
        }
    }

    /// There is nothing more to hear.
    fn closed(&self) {
        let Some(status) = self.ended_within(GO) else {
            return self.fail("the adapter has closed its standard output");
        };
        // Its last words are on their way, unless a child of its own holds the pipe.
        let silent = self
            .silent
            .1
            .wait_timeout_while(lock(&self.silent.0), LAST_WORDS, |silent| !*silent);
        drop(silent);
        self.fail(format!("the adapter has ended ({status})"));
    }

    fn with_last_lines(&self, why: &str) -> String {
        let last = lock(&self.last);
        if last.is_empty() {
            return why.to_owned();
        }
        let lines: Vec<String> = last.iter().map(|line| format!("\n  | {line}")).collect();
        format!(
            "{why}; the last lines of its standard error:{}",
            lines.concat()
        )
    }

    fn take(&self, line: &str) {
        match serde_json::from_str::<Message>(line) {
            Ok(Message::Answer(answer)) => {
                let waiting = lock(&self.pending).remove(&answer.answer);
                match waiting {
                    // Who has given up does not hear it.
                    Some(waiting) => drop(waiting.send(answer)),
                    None if line.is_empty() => {}
                    None => self.fail(format!(
                        "the adapter answered a command that nobody waits for: {}",
                        shown(line)
                    )),
                }
            }
            Ok(Message::Event(event)) => {
                let host = match &event {
                    Event::Log { host, .. }
                    | Event::Dropped { host, .. }
                    | Event::Denied { host, .. }
                    | Event::Failed { host, .. }
                    | Event::Note { host, .. } => *host,
                    Event::Unknown => return,
                };
                let listener = lock(&self.hosts).get(&host).and_then(Weak::upgrade);
                if let Some(listener) = listener {
                    listener.hear(event);
                }
            }
            Err(_) => self.fail(format!(
                "the adapter wrote a line that is no message of the protocol: {}",
                shown(line)
            )),
        }
    }
}

/// A line on its way into a message: of one line and bounded length.
fn shown(line: &str) -> String {
    let mut cut: String = line.chars().take(SHOWN_BYTES).collect();
    if cut.len() < line.len() {
        cut.push_str("...");
    }
    format!("{:?}", cut.trim_end())
}

impl Adapter {
    /// Starts it and has it say hello.
    ///
    /// # Errors
    /// Why it is of no use, in one sentence, with its last lines.
    pub fn start(words: &[String]) -> Result<Self, String> {
        Self::start_within(words, HELLO)
    }

    fn start_within(words: &[String], hello: Duration) -> Result<Self, String> {
        let (program, arguments) = words
            .split_first()
            .ok_or_else(|| "the adapter's command is empty".to_owned())?;
        let mut child = Process::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("the adapter `{program}` does not start: {error}"))?;
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let shared = Arc::new(Shared {
            child: Mutex::new(child),
            input: Mutex::new(stdin),
            pending: Mutex::default(),
            hosts: Mutex::default(),
            last: Mutex::default(),
            silent: Default::default(),
            failure: Mutex::default(),
        });
        if let Some(stderr) = stderr {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                keep_last_lines(stderr, &shared.last);
                *lock(&shared.silent.0) = true;
                shared.silent.1.notify_all();
            });
        }
        if let Some(stdout) = stdout {
            let shared = Arc::clone(&shared);
            thread::spawn(move || read_messages(stdout, &shared));
        }
        let mut adapter = Self {
            hello: Hello {
                protocol: VERSION,
                name: String::new(),
                version: String::new(),
                contract: String::new(),
                protocols: Vec::new(),
                hosts: 1,
                features: Vec::new(),
                limits: Vec::new(),
                choices: super::protocol::DeclaredChoices::default(),
            },
            shared,
            next: AtomicU64::new(1),
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .map_err(|error| format!("no runtime: {error}"))?;
        let order = Order::Hello { protocol: VERSION };
        let answer = runtime.block_on(adapter.ask_within(order, hello))?;
        if let Some(refused) = answer.refused {
            return Err(adapter.fail(&format!("the adapter refuses `hello`: {refused}")));
        }
        adapter.hello = answer.hello.ok_or_else(|| {
            adapter.fail("the answer to `hello` lacks one of `protocol`, `name`, `version`, `contract` and `protocols`")
        })?;
        if adapter.hello.protocol != VERSION {
            let theirs = adapter.hello.protocol;
            return Err(adapter.fail(&format!(
                "the adapter speaks version {theirs} of the protocol, this vbspec version {VERSION}"
            )));
        }
        Ok(adapter)
    }

    /// Why it is of no more use, if it is.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        let failure = lock(&self.shared.failure).clone();
        failure.map(|why| self.shared.with_last_lines(&why))
    }

    /// It is of no more use from now on; the words that say so.
    pub fn fail(&self, why: &str) -> String {
        self.shared.fail(why);
        self.failure().unwrap_or_else(|| why.to_owned())
    }

    /// From now on `listener` hears what this host tells.
    pub fn listen(&self, host: u64, listener: &Arc<dyn Listener>) {
        lock(&self.shared.hosts).insert(host, Arc::downgrade(listener));
    }

    /// Nobody hears it any more.
    pub fn forget(&self, host: u64) {
        lock(&self.shared.hosts).remove(&host);
    }

    /// Tells the adapter to do something and waits for its answer, as long as the protocol allows.
    ///
    /// # Errors
    /// Why it is of no more use.
    pub async fn ask(&self, order: Order) -> Result<Answer, String> {
        let within = match order {
            Order::Stop { .. } => STOP,
            _ => ANSWER,
        };
        self.ask_within(order, within).await
    }

    async fn ask_within(&self, order: Order, within: Duration) -> Result<Answer, String> {
        let what = name(&order);
        let waiting = self.send(order);
        match tokio::time::timeout(within, waiting).await {
            Ok(Ok(answer)) => Ok(answer),
            // The sender is dropped by whoever noticed the failure.
            Ok(Err(_)) => Err(self.fail("the adapter has gone")),
            Err(_) => Err(self.fail(&format!(
                "the adapter did not answer `{what}` within {} s",
                within.as_secs_f64()
            ))),
        }
    }

    /// Tells the adapter to do something. Nothing comes when it is of no use any more.
    pub fn send(&self, order: Order) -> oneshot::Receiver<Answer> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = oneshot::channel();
        lock(&self.shared.pending).insert(id, sender);
        let line = serde_json::to_string(&Command { id, order });
        let written = match (line, lock(&self.shared.input).as_mut()) {
            (Ok(line), Some(input)) => writeln!(input, "{line}").and_then(|()| input.flush()),
            _ => Err(std::io::ErrorKind::BrokenPipe.into()),
        };
        if written.is_err() {
            self.shared.closed();
        }
        receiver
    }
}

impl Drop for Adapter {
    fn drop(&mut self) {
        drop(self.send(Order::Shutdown));
        // The end of its input is the last word.
        lock(&self.shared.input).take();
        if self.shared.ended_within(GO).is_none() {
            let mut child = lock(&self.shared.child);
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn name(order: &Order) -> &'static str {
    match order {
        Order::Hello { .. } => "hello",
        Order::Start(_) => "start",
        Order::Stop { .. } => "stop",
        Order::Kick { .. } => "kick",
        Order::Reconfigure { .. } => "reconfigure",
        Order::Shutdown => "shutdown",
    }
}

fn read_messages(stdout: impl Read, shared: &Shared) {
    let mut reader = BufReader::new(stdout);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut reader)
            .take(LINE_BYTES as u64 + 1)
            .read_until(b'\n', &mut line);
        match read {
            Ok(0) | Err(_) => return shared.closed(),
            Ok(_) if line.len() > LINE_BYTES => {
                return shared.fail(format!(
                    "the adapter wrote a line of more than {LINE_BYTES} bytes"
                ));
            }
            Ok(_) => {}
        }
        match std::str::from_utf8(&line) {
            Ok(text) if text.trim().is_empty() => {}
            Ok(text) => shared.take(text.trim_end()),
            Err(_) => {
                let text = String::from_utf8_lossy(&line);
                return shared.fail(format!(
                    "the adapter wrote a line that is not UTF-8: {}",
                    shown(&text)
                ));
            }
        }
        if lock(&shared.failure).is_some() {
            return;
        }
    }
}

fn keep_last_lines(stderr: impl Read, last: &Mutex<VecDeque<String>>) {
    let mut reader = BufReader::new(stderr);
    let mut line = Vec::new();
    loop {
        line.clear();
        // What is longer than a line may be goes on as another line.
        let read = (&mut reader)
            .take(LINE_BYTES as u64)
            .read_until(b'\n', &mut line);
        if !matches!(read, Ok(count) if count > 0) {
            return;
        }
        let text = String::from_utf8_lossy(&line);
        let mut last = lock(last);
        if last.len() == LAST_LINES {
            last.pop_front();
        }
        last.push_back(text.trim_end().chars().take(SHOWN_BYTES).collect());
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    /// A program for the shell as an adapter.
    fn started(program: &str) -> Result<Adapter, String> {
        let words = ["sh", "-c", program].map(str::to_owned);
        Adapter::start_within(&words, Duration::from_millis(500))
    }

    fn said(program: &str) -> String {
        started(program).map(|_| ()).unwrap_err()
    }

    const HELLO_LINE: &str =
        r#"{"answer":1,"protocol":1,"name":"a","version":"1","contract":"c","protocols":[47]}"#;

    #[test]
    fn whatever_is_wrong_with_an_adapter_is_one_sentence() {
        let long = "head -c 1100000 /dev/zero | tr '\\0' x; sleep 1";
        let version = HELLO_LINE.replace("protocol\":1", "protocol\":7");
        for (program, words) in [
            ("exit 4", "the adapter has ended (exit status: 4)"),
            (
                "echo oh no >&2; exit 4",
                "the adapter has ended (exit status: 4); the last lines of its standard error:\n  | oh no",
            ),
            (
                "echo ready; sleep 1",
                "the adapter wrote a line that is no message of the protocol: \"ready\"",
            ),
            (
                "printf '\\377\\n'; sleep 1",
                "the adapter wrote a line that is not UTF-8",
            ),
            (long, "the adapter wrote a line of more than 1048576 bytes"),
            ("sleep 1", "the adapter did not answer `hello` within 0.5 s"),
            (
                r#"read -r hello; echo '{"answer":1,"refused":"not today"}'; sleep 1"#,
                "the adapter refuses `hello`: not today",
            ),
            (
                r#"read -r hello; echo '{"answer":1,"name":"a"}'; sleep 1"#,
                "the answer to `hello` lacks one of",
            ),
            (
                r#"echo '{"answer":9}'; sleep 1"#,
                "the adapter answered a command that nobody waits for",
            ),
            (
                &format!("read -r hello; echo '{version}'; sleep 1"),
                "the adapter speaks version 7 of the protocol, this vbspec version 1",
            ),
        ] {
            let said = said(program);
            assert!(said.starts_with(words), "{program}: {said}");
        }
        let words = ["/nowhere/to/be/found".to_owned()];
        let said = Adapter::start(&words).map(|_| ()).unwrap_err();
        assert!(said.contains("does not start: No such file"), "{said}");
    }

    #[test]
    fn what_it_says_of_itself_is_kept_and_what_it_leaves_out_is_the_least() {
        let adapter = started(&format!(
            "read -r hello; echo '{HELLO_LINE}'; cat >/dev/null"
        ))
        .unwrap();
        let hello = &adapter.hello;
        assert_eq!((hello.name.as_str(), hello.hosts), ("a", 1));
        assert!(hello.features.is_empty() && hello.limits.is_empty());
        assert_eq!(adapter.failure(), None);
    }
}
