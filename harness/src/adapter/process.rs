//! One adapter: a child process that is told and asked by lines of JSON.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command as Process, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
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
        let why = match self.ended_within(GO) {
            Some(status) => format!("the adapter has ended ({status})"),
            None => "the adapter has closed its standard output".to_owned(),
        };
        self.fail(why);
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
            failure: Mutex::default(),
        });
        if let Some(stderr) = stderr {
            let shared = Arc::clone(&shared);
            thread::spawn(move || keep_last_lines(stderr, &shared.last));
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
        let answer = runtime.block_on(adapter.ask_within(order, HELLO))?;
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
                within.as_secs()
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
