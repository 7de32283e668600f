//! Turns: who needs much waits for those who need little.
//!
//! A runtime has as few workers as the machine has cores, and asks each task in turn. With hundreds of connections that
//! always have something left to do, a connection that has one packet a tick would wait for all of them; and with as
//! many calls under way as there are workers that compute for their whole budget, for those. So what has a long turn,
//! one that uses up what a turn may in packets, bytes or time, goes on in a second runtime, which has fewer threads than
//! the machine has cores, and comes back when its turns are short again. Those who need little have the first one to
//! themselves.
//!
//! What is long about a turn is mostly a plugin's call. A plugin that has used up its share of the first runtime is
//! called in the second for a while, whoever it is called for: connections that come, are long once and go would else
//! never be there.
//!
//! A runtime of one thread has nothing to share out; there all this does nothing, and runs repeat exactly.

use super::lock;
use crate::clock::thread_time;
use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Handle, Runtime, RuntimeFlavor};
use tokio::task::JoinHandle;

/// A turn that takes this much CPU time is felt by others: twenty times what a packet's round trip costs the host.
const LONG: Duration = Duration::from_micros(500);

/// After so many short turns a connection comes back. Two moves between threads cost less than one long turn.
const SHORT_TURNS: u32 = 4;

/// A plugin may use one part in so many of the time in long light turns. One that has used more is called in the second
/// runtime until the time has come for what it has used.
const SHARE: u32 = 100;

/// And so much at once. The system charges a thread for some of what it does for others, and a player's join is long
/// once; neither makes a plugin heavy.
const AT_ONCE: Duration = Duration::from_millis(5);

/// What is run of one connection, or for one plugin.
pub(crate) type Work<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Where the tasks of one host have their turns.
#[derive(Default)]
pub(crate) struct Turns {
    runtimes: Mutex<Option<Runtimes>>,
}

struct Runtimes {
    /// That of the host.
    light: Handle,
    /// Made when it is first needed.
    heavy: Option<Runtime>,
}

/// What the turn is that this thread gives at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// Of something that is not asked to share.
    Free,
    Light,
    Heavy,
}

thread_local! {
    static TURN: Cell<Turn> = const { Cell::new(Turn::Free) };
    /// Whether the turn has used up what it may.
    static USED_UP: Cell<bool> = const { Cell::new(false) };
    /// Time that was not counted, of all turns.
    static UNCOUNTED: Cell<Duration> = const { Cell::new(Duration::ZERO) };
    /// Whose calls are the last in this turn, and since when.
    static CALLED: RefCell<Option<(Arc<Pace>, Since)>> = const { RefCell::new(None) };
}

/// Says that this turn has had its share. The caller yields next.
fn used_up() {
    USED_UP.set(true);
}

/// What a task has had without waiting in between: packets, or bytes.
pub(crate) struct Row {
    had: usize,
    most: usize,
}

impl Row {
    /// One that is as long as it may be with `most`.
    pub fn new(most: usize) -> Self {
        Self { had: 0, most }
    }

    pub fn had(&mut self, more: usize) {
        self.had += more;
    }

    pub fn waited(&mut self) {
        self.had = 0;
    }

    /// Does `work`; where that has to wait, what was had before does not count.
    pub async fn after<F: Future>(&mut self, work: F) -> F::Output {
        let mut work = pin!(work);
        poll_fn(|context| {
            let polled = work.as_mut().poll(context);
            if polled.is_pending() {
                self.waited();
            }
            polled
        })
        .await
    }

    /// Ends the turn where the row is as long as it may be.
    pub async fn rest(&mut self) {
        if self.had >= self.most {
            self.had = 0;
            used_up();
            tokio::task::yield_now().await;
        }
    }
}

/// What this takes of the system is not counted: while a thread sends and receives, the system has it do the same for
/// others, as much as there is to do. Bytes are counted in place of it.
pub(crate) async fn uncounted<F: Future>(work: F) -> F::Output {
    let mut work = pin!(work);
    poll_fn(|context| {
        let began = Instant::now();
        let polled = work.as_mut().poll(context);
        UNCOUNTED.set(UNCOUNTED.get() + began.elapsed());
        polled
    })
    .await
}

/// Lets another thread take the worker's place for what is sure to wait. A runtime of one thread has nobody to put there.
pub(crate) fn give_way<R>(wait: impl FnOnce() -> R) -> R {
    let flavor = Handle::try_current().map(|handle| handle.runtime_flavor());
    if matches!(flavor, Ok(RuntimeFlavor::MultiThread)) {
        tokio::task::block_in_place(wait)
    } else {
        wait()
    }
}

/// How the calls of one plugin are made.
#[derive(Debug)]
pub(crate) struct Pace {
    origin: Instant,
    /// When the time will have come for what it has used, in nanoseconds since then; 0 where it has.
    due: AtomicU64,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            origin: Instant::now(),
            due: AtomicU64::new(0),
        }
    }
}

impl Pace {
    /// Waits for a turn in which the next call may be made.
    pub async fn turn(self: &Arc<Self>) {
        if TURN.get() == Turn::Free {
            return;
        }
        if self.is_heavy() {
            poll_fn(|context| {
                if TURN.get() != Turn::Light {
                    return Poll::Ready(());
                }
                used_up();
                context.waker().wake_by_ref();
                Poll::Pending
            })
            .await;
        }
        self.begin();
    }

    /// What the turn takes from here on, until [`settled`] or another's call, is this plugin's.
    pub fn begin(self: &Arc<Self>) {
        if TURN.get() == Turn::Free {
            return;
        }
        CALLED.with_borrow_mut(|called| match called {
            Some((last, _)) if Arc::ptr_eq(last, self) => {}
            _ => {
                settle(called.take());
                *called = Some((Arc::clone(self), Since::now()));
            }
        });
    }

    /// Whether the next call is.
    fn is_heavy(&self) -> bool {
        let due = self.due.load(Ordering::Relaxed);
        if due == 0 {
            return false;
        }
        let now = self.now();
        if due <= now {
            // Unless it has used more meanwhile.
            let _ = self
                .due
                .compare_exchange(due, 0, Ordering::Relaxed, Ordering::Relaxed);
        }
        due > now.saturating_add(shares(AT_ONCE))
    }

    /// Has used so much time in a long light turn.
    fn used(&self, time: Duration) {
        let now = self.now();
        let more = |due: u64| Some(due.max(now).saturating_add(shares(time)));
        // It always answers something, and so never fails.
        let _ = self
            .due
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
    }

    fn now(&self) -> u64 {
        nanoseconds(self.origin.elapsed())
    }
}

/// How long a plugin's share needs to come to this.
fn shares(time: Duration) -> u64 {
    nanoseconds(time.saturating_mul(SHARE))
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl Turns {
    /// Starts `work` as a task of the host, wherever this is called.
    pub fn spawn<T: Send + 'static>(self: &Arc<Self>, work: Work<T>) -> JoinHandle<T> {
        let turns = Arc::clone(self);
        let task = async move { turns.run(work).await };
        match self.light() {
            Some(light) => light.spawn(task),
            None => tokio::spawn(task),
        }
    }

    /// Runs `work`.
    async fn run<T: Send + 'static>(&self, mut work: Work<T>) -> T {
        if self.light().is_none() {
            return work.await;
        }
        loop {
            let stint = Stint::new(Turn::Light, work).await;
            let moved = match stint {
                Ended::Done(done) => return done,
                Ended::Moves(work) => work,
            };
            let Some(heavy) = self.heavy() else {
                return moved.await;
            };
            let mut task = Aborted(heavy.spawn(Stint::new(Turn::Heavy, moved)));
            work = match (&mut task.0).await {
                Ok(Ended::Done(done)) => return done,
                Ok(Ended::Moves(work)) => work,
                Err(failed) if failed.is_panic() => std::panic::resume_unwind(failed.into_panic()),
                // The second runtime has been shut down, which the end of the host alone does.
                Err(_) => std::future::pending().await,
            };
        }
    }

    /// The host's runtime; none where it has one thread.
    fn light(&self) -> Option<Handle> {
        let mut runtimes = lock(&self.runtimes);
        if runtimes.is_none() {
            let light = Handle::try_current().ok()?;
            if light.runtime_flavor() != RuntimeFlavor::MultiThread {
                return None;
            }
            *runtimes = Some(Runtimes { light, heavy: None });
        }
        runtimes.as_ref().map(|runtimes| runtimes.light.clone())
    }

    /// The second runtime; none where the system has no thread for it.
    fn heavy(&self) -> Option<Handle> {
        let mut runtimes = lock(&self.runtimes);
        let runtimes = runtimes.as_mut()?;
        if runtimes.heavy.is_none() {
            let all_but_one = runtimes.light.metrics().num_workers().saturating_sub(1);
            runtimes.heavy = Builder::new_multi_thread()
                .worker_threads(all_but_one.max(1))
                .thread_name("heavy-turns")
                .enable_all()
                .build()
                .ok();
        }
        runtimes.heavy.as_ref().map(|heavy| heavy.handle().clone())
    }
}

impl Drop for Turns {
    fn drop(&mut self) {
        let runtimes = lock(&self.runtimes).take();
        if let Some(heavy) = runtimes.and_then(|runtimes| runtimes.heavy) {
            // The host may be dropped in a task, where nobody may wait.
            heavy.shutdown_background();
        }
    }
}

/// A task that ends with whoever waits for it.
struct Aborted<T>(JoinHandle<T>);

impl<T> Drop for Aborted<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Turns of one kind, one after the other.
struct Stint<T> {
    turn: Turn,
    work: Option<Work<T>>,
    /// Short turns in a row.
    short: u32,
}

enum Ended<T> {
    Done(T),
    /// To the other runtime, where it is asked at once.
    Moves(Work<T>),
}

impl<T> Stint<T> {
    fn new(turn: Turn, work: Work<T>) -> Self {
        Self {
            turn,
            work: Some(work),
            short: 0,
        }
    }
}

impl<T> Future for Stint<T> {
    type Output = Ended<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Ended<T>> {
        let this = &mut *self;
        let Some(work) = &mut this.work else {
            return Poll::Pending;
        };
        let (polled, long) = take(this.turn, || work.as_mut().poll(context));
        if this.turn == Turn::Heavy {
            // Whoever waits for this core has it now, and not when the system next looks, which can be milliseconds.
            std::thread::yield_now();
        }
        if let Poll::Ready(done) = polled {
            return Poll::Ready(Ended::Done(done));
        }
        this.short = if long { 0 } else { this.short + 1 };
        let moves = match this.turn {
            Turn::Light => long,
            _ => this.short >= SHORT_TURNS,
        };
        match this.work.take_if(|_| moves) {
            Some(work) => Poll::Ready(Ended::Moves(work)),
            None => Poll::Pending,
        }
    }
}

/// Gives a turn; answers whether it was long.
fn take<T>(turn: Turn, poll: impl FnOnce() -> T) -> (T, bool) {
    /// Also when the work panics: the thread goes on to give turns to others.
    struct Over;
    impl Drop for Over {
        fn drop(&mut self) {
            TURN.set(Turn::Free);
            USED_UP.set(false);
            CALLED.take();
        }
    }
    let _over = Over;
    TURN.set(turn);
    let began = Since::now();
    let polled = poll();
    let long = began.long().is_some();
    if long {
        settled();
    }
    (polled, long || USED_UP.get())
}

/// What the turn takes from here on is no plugin's.
pub(crate) fn settled() {
    settle(CALLED.take());
}

fn settle(called: Option<(Arc<Pace>, Since)>) {
    if let Some((pace, since)) = called
        && TURN.get() == Turn::Light
        && let Some(used) = since.long()
    {
        pace.used(used);
    }
}

/// A moment of a thread.
#[derive(Clone, Copy)]
struct Since {
    real: Instant,
    cpu: Duration,
    uncounted: Duration,
}

impl Since {
    fn now() -> Self {
        Self {
            real: Instant::now(),
            cpu: thread_time(),
            uncounted: UNCOUNTED.get(),
        }
    }

    /// The CPU time since then where it is long. Others can keep a thread from running, which is none of its doing; but
    /// real time is the cheaper one to look at.
    fn long(self) -> Option<Duration> {
        let uncounted = UNCOUNTED.get().saturating_sub(self.uncounted);
        if self.real.elapsed() < LONG + uncounted {
            return None;
        }
        let used = thread_time().saturating_sub(self.cpu + uncounted);
        (used >= LONG).then_some(used)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::task::Waker;

    fn runtime(workers: usize) -> Runtime {
        Builder::new_multi_thread()
            .worker_threads(workers)
            .build()
            .unwrap()
    }

    fn turn() -> Turn {
        TURN.get()
    }

    /// The kind of each turn of a task whose turns are long where this says so.
    async fn turns_of(long: Vec<bool>) -> Vec<Turn> {
        let mut turns = vec![turn()];
        for long in long {
            if long {
                used_up();
            }
            tokio::task::yield_now().await;
            turns.push(turn());
        }
        turns
    }

    /// The kind of the turns after a row that may be 10 long and had this.
    fn turns_after(had: usize) -> [Turn; 2] {
        let turns = Arc::new(Turns::default());
        let work = async move {
            let mut row = Row::new(10);
            row.had(had);
            row.rest().await;
            let first = turn();
            tokio::task::yield_now().await;
            [first, turn()]
        };
        let task = runtime(2).block_on(async { turns.spawn(Box::pin(work)).await });
        task.unwrap()
    }

    fn spend(time: Duration) {
        let began = thread_time();
        while thread_time() - began < time {}
    }

    #[test]
    fn a_long_turn_is_followed_by_heavy_ones_until_they_are_short() {
        let turns = Arc::new(Turns::default());
        let long = vec![false, true, false, true, false, false, false, false, false];
        let task = runtime(2).block_on(async { turns.spawn(Box::pin(turns_of(long))).await });
        use Turn::{Heavy, Light};
        assert_eq!(
            task.unwrap(),
            [
                Light, Light, Heavy, Heavy, Heavy, Heavy, Heavy, Heavy, Light, Light
            ]
        );
    }

    #[test]
    fn a_runtime_of_one_thread_shares_nothing_out() {
        let turns = Arc::new(Turns::default());
        let runtime = Builder::new_current_thread().build().unwrap();
        let task = turns_of(vec![true, true]);
        let seen = runtime.block_on(async { turns.spawn(Box::pin(task)).await });
        assert_eq!(seen.unwrap(), [Turn::Free; 3]);
        assert!(lock(&turns.runtimes).is_none());
    }

    #[test]
    fn a_row_ends_the_turn_at_its_length_and_not_before() {
        use Turn::{Heavy, Light};
        for (had, kind) in [(0, Light), (9, Light), (10, Heavy), (11, Heavy)] {
            assert_eq!(turns_after(had), [kind; 2], "{had}");
        }
        // Once it has ended one, it begins anew.
        let mut row = Row::new(10);
        row.had(10);
        let rests = |row: &mut Row| {
            let mut rest = pin!(row.rest());
            rest.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        };
        assert!(rests(&mut row).is_pending());
        assert!(rests(&mut row).is_ready());
    }

    #[test]
    fn what_had_to_wait_begins_a_new_row() {
        let row_after = |waits: bool| {
            let mut row = Row::new(10);
            row.had(9);
            {
                let mut work = pin!(row.after(async {
                    if waits {
                        tokio::task::yield_now().await;
                    }
                }));
                let mut context = Context::from_waker(Waker::noop());
                while work.as_mut().poll(&mut context).is_pending() {}
            }
            row.had
        };
        assert_eq!(row_after(false), 9);
        assert_eq!(row_after(true), 0);
    }

    #[test]
    fn light_turns_go_on_while_everything_heavy_waits() {
        let turns = Arc::new(Turns::default());
        let workers = 3;
        runtime(workers).block_on(async {
            let (go, gate) = mpsc::channel::<()>();
            let gate = Arc::new(Mutex::new(gate));
            let (here, mut arrived) = tokio::sync::mpsc::unbounded_channel();
            // More than the threads of both runtimes together.
            let heavy: Vec<_> = (0..8)
                .map(|_| {
                    let (gate, here) = (Arc::clone(&gate), here.clone());
                    turns.spawn(Box::pin(async move {
                        used_up();
                        tokio::task::yield_now().await;
                        let _ = here.send(());
                        let _ = lock(&gate).recv();
                    }))
                })
                .collect();
            for _ in 1..workers {
                arrived.recv().await.unwrap();
            }
            for _ in 0..100 {
                let light = turns.spawn(Box::pin(turns_of(vec![false])));
                assert_eq!(light.await.unwrap(), [Turn::Light; 2]);
            }
            drop(go);
            for task in heavy {
                task.await.unwrap();
            }
        });
    }

    #[test]
    fn a_plugin_that_takes_more_than_its_share_is_called_in_heavy_turns() {
        let turns = Arc::new(Turns::default());
        runtime(2).block_on(async {
            let (slow, quick) = (Arc::new(Pace::default()), Arc::new(Pace::default()));
            let (called, idle) = (Arc::clone(&slow), Arc::clone(&quick));
            let first = turns.spawn(Box::pin(async move {
                called.turn().await;
                spend(AT_ONCE + LONG);
                // What is called after it did not take that time.
                idle.turn().await;
            }));
            first.await.unwrap();
            for (pace, kind) in [(slow, Turn::Heavy), (quick, Turn::Light)] {
                let next = turns.spawn(Box::pin(async move {
                    pace.turn().await;
                    turn()
                }));
                assert_eq!(next.await.unwrap(), kind);
            }
        });
    }

    #[test]
    fn a_plugin_has_its_share_and_something_at_once() {
        let mut pace = Pace::default();
        pace.used(AT_ONCE);
        assert!(!pace.is_heavy());
        pace.used(Duration::from_secs(36));
        assert!(pace.is_heavy());
        pace.origin -= Duration::from_secs(3599);
        assert!(pace.is_heavy());
        pace.origin -= Duration::from_secs(2);
        assert!(!pace.is_heavy());
        pace.origin -= AT_ONCE * SHARE;
        assert!(!pace.is_heavy() && pace.due.into_inner() == 0);
    }

    #[test]
    fn what_is_aborted_or_panics_in_a_heavy_turn_is_let_go_of() {
        let turns = Arc::new(Turns::default());
        runtime(2).block_on(async {
            let held = Arc::new(());
            let (holds, (here, arrived)) = (Arc::clone(&held), tokio::sync::oneshot::channel());
            let task = turns.spawn(Box::pin(async move {
                used_up();
                tokio::task::yield_now().await;
                let _ = here.send(());
                std::future::pending::<()>().await;
                drop(holds);
            }));
            arrived.await.unwrap();
            task.abort();
            assert!(task.await.unwrap_err().is_cancelled());
            while Arc::strong_count(&held) > 1 {
                tokio::task::yield_now().await;
            }
            let task = turns.spawn::<()>(Box::pin(async {
                used_up();
                tokio::task::yield_now().await;
                panic!("in a heavy turn");
            }));
            assert!(task.await.unwrap_err().is_panic());
        });
    }

    #[test]
    fn what_the_system_has_a_thread_do_makes_no_turn_long() {
        for (counted, long) in [(false, false), (true, true)] {
            let (_, was_long) = take(Turn::Light, || {
                if counted {
                    return spend(LONG);
                }
                let mut work = pin!(uncounted(async { spend(LONG) }));
                let done = work.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                assert!(done.is_ready());
            });
            assert_eq!(was_long, long);
        }
    }

    /// One worker and a call that waits for another task: without giving way neither would end.
    #[test]
    fn a_call_that_gives_way_lets_the_other_tasks_run() {
        runtime(1).block_on(async {
            let (send, receive) = mpsc::channel();
            let call = tokio::spawn(async move { give_way(|| receive.recv()) });
            let other = tokio::spawn(async move { send.send(7) });
            assert_eq!(call.await.unwrap(), Ok(7));
            assert!(other.await.unwrap().is_ok());
        });
    }
}
