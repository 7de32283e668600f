//! What waits to be written, its bounds, and the thread that writes.

use super::message::{Event, Reply};
use crate::host::lock;
use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// Bytes of lines that wait to be written: with more, events are lost and no command is read. Half a minute of ten
/// guests that log all they may.
pub const WAITING_BYTES: usize = 64 << 20;

/// Where answers and events go. Clones are the same output.
#[derive(Clone)]
pub(super) struct Output {
    queue: Arc<Queue>,
}

struct Queue {
    /// Bytes that may wait.
    most: usize,
    state: Mutex<State>,
    /// Something has come, for the writer.
    filled: Condvar,
    /// Something has been written, for whoever waits for that.
    written: Condvar,
}

#[derive(Default)]
struct State {
    lines: VecDeque<String>,
    bytes: usize,
    /// Events since the last line for which there was no room, by host.
    lost: BTreeMap<u64, Lost>,
    /// The writer has a line in hand.
    writing: bool,
    /// There is no writer any more.
    closed: bool,
}

#[derive(Default)]
struct Lost {
    /// Lines of guests, by plugin.
    logs: BTreeMap<String, u64>,
    others: u64,
}

impl Output {
    /// Has a thread write what comes, and tells once when it cannot any more.
    pub fn start(
        sink: impl Write + Send + 'static,
    ) -> io::Result<(Self, oneshot::Receiver<io::Error>)> {
        Self::within(WAITING_BYTES, sink)
    }

    fn within(
        most: usize,
        sink: impl Write + Send + 'static,
    ) -> io::Result<(Self, oneshot::Receiver<io::Error>)> {
        let queue = Arc::new(Queue {
            most,
            state: Mutex::default(),
            filled: Condvar::new(),
            written: Condvar::new(),
        });
        let (fails, failed) = oneshot::channel();
        let own = Closes(Arc::clone(&queue));
        let thread = std::thread::Builder::new().name("adapter-output".to_owned());
        thread.spawn(move || {
            let error = write(&own.0, sink);
            drop(own);
            // Nobody asks any more where the adapter has ended.
            let _ = fails.send(error);
        })?;
        Ok((Self { queue }, failed))
    }

    /// Writes an answer. There is always room: no command is read where there is none.
    pub fn answer(&self, id: u64, reply: &Reply) {
        let line = reply.line(id);
        self.queue.lock().push(line);
        self.queue.filled.notify_one();
    }

    /// Writes an event, or counts it as lost. Never waits for the writer.
    pub fn event(&self, event: &Event<'_>) {
        let line = event.line();
        let mut state = self.queue.lock();
        if state.closed {
            return;
        }
        if state.bytes + line.len() > self.queue.most {
            state.lose(event);
            return;
        }
        state.tell_lost();
        state.push(line);
        drop(state);
        self.queue.filled.notify_one();
    }

    /// Blocks until no more than half of what may wait does, or nobody writes any more.
    pub fn wait_for_room(&self) {
        let half = self.queue.most / 2;
        self.queue
            .wait_while(Duration::MAX, |state| state.bytes > half);
    }

    /// Blocks until all is written, or nobody writes any more, or so long.
    pub fn flush(&self, longest: Duration) {
        self.queue.wait_while(longest, |state| {
            !state.lines.is_empty() || state.writing || !state.lost.is_empty()
        });
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn wait_while(&self, longest: Duration, busy: impl Fn(&State) -> bool) {
        let state = self.lock();
        let waits = |state: &mut State| !state.closed && busy(state);
        let waited = self.written.wait_timeout_while(state, longest, waits);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// The next line, for the one writer there is: its last call's is written by now.
    fn next(&self) -> String {
        let mut state = self.lock();
        state.writing = false;
        loop {
            if state.lines.is_empty() {
                state.tell_lost();
            }
            self.written.notify_all();
            if let Some(line) = state.lines.pop_front() {
                state.bytes -= line.len();
                state.writing = true;
                return line;
            }
            let waited = self.filled.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl State {
    fn push(&mut self, line: String) {
        if !self.closed {
            self.bytes += line.len();
            self.lines.push_back(line);
        }
    }

    fn lose(&mut self, event: &Event<'_>) {
        let lost = self.lost.entry(event.host()).or_default();
        let (plugin, lines) = match event {
            Event::Log { plugin, .. } => (*plugin, 1),
            Event::Dropped { plugin, lines, .. } => (*plugin, *lines),
            _ => {
                lost.others += 1;
                return;
            }
        };
        match lost.logs.get_mut(plugin) {
            Some(count) => *count += lines,
            None => {
                lost.logs.insert(plugin.to_owned(), lines);
            }
        }
    }

    /// In the place of what is lost.
    fn tell_lost(&mut self) {
        for (host, lost) in std::mem::take(&mut self.lost) {
            for (plugin, lines) in &lost.logs {
                let lines = *lines;
                self.push(
                    Event::Dropped {
                        host,
                        plugin,
                        lines,
                    }
                    .line(),
                );
            }
            if lost.others > 0 {
                let text = format!("{} events are lost: nobody read them", lost.others);
                self.push(Event::Note { host, text }.line());
            }
        }
    }
}

/// Nobody waits for a writer that is gone, whatever became of it.
struct Closes(Arc<Queue>);

impl Drop for Closes {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        *state = State {
            closed: true,
            ..State::default()
        };
        self.0.written.notify_all();
    }
}

/// Writes until it cannot.
fn write(queue: &Queue, mut sink: impl Write) -> io::Error {
    loop {
        let line = queue.next();
        if let Err(error) = sink.write_all(line.as_bytes()).and_then(|()| sink.flush()) {
            return error;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, Sender, channel};

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
            lock(&self.text).extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn log(text: &str) -> Event<'_> {
        Event::Log {
            host: 1,
            plugin: "p",
            level: "info",
            text,
        }
    }

    #[test]
    fn nobody_waits_for_a_reader_who_has_stopped_and_what_is_lost_is_told() {
        let (begun, has_begun) = channel();
        let (opens, open) = channel();
        let text = Arc::default();
        let gate = Gate {
            begun,
            open,
            text: Arc::clone(&text),
        };
        let (output, _failed) = Output::within(4000, gate).unwrap();
        output.event(&log("first"));
        has_begun.recv().expect("the writer writes");
        let long = "x".repeat(1900);
        for _ in 0..5 {
            output.event(&log(&long));
        }
        output.event(&log(&long));
        output.event(&Event::Note {
            host: 2,
            text: long.clone(),
        });
        output.answer(7, &Reply::done());
        drop(opens);
        output.flush(Duration::from_secs(60));
        output.event(&log("last"));
        output.flush(Duration::from_secs(60));
        let text = String::from_utf8(lock(&text).clone()).unwrap();
        let lines: Vec<&str> = text.lines().filter(|line| line.len() < 1000).collect();
        assert_eq!(text.lines().count(), lines.len() + 2);
        assert_eq!(
            lines,
            [
                log("first").line().trim_end(),
                "{\"answer\":7}",
                "{\"event\":\"dropped\",\"host\":1,\"plugin\":\"p\",\"lines\":4}",
                "{\"event\":\"note\",\"host\":2,\"text\":\"1 events are lost: nobody read them\"}",
                log("last").line().trim_end(),
            ]
        );
    }

    #[test]
    fn nobody_waits_for_a_writer_that_is_gone() {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let (output, failed) = Output::start(writer).unwrap();
        output.answer(1, &Reply::done());
        let error = failed.blocking_recv().expect("it says why");
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
        output.answer(2, &Reply::done());
        output.wait_for_room();
        output.flush(Duration::MAX);
    }
}
