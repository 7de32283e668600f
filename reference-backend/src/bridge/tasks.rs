//! Scheduled tasks of one instance.

use crate::api::TaskId;
use crate::host::lock;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// Shortest period of a repeating task, from the contract.
pub(crate) const MIN_PERIOD: Duration = Duration::from_millis(10);

/// Longer delays are cut to this: nobody waits for them, and sums with the clock stay within its range.
const MAX_DELAY: Duration = Duration::from_secs(10 * 365 * 86_400);

/// The tasks of one instance that wait. A queue that is closed takes no more and runs none.
pub(crate) struct TaskQueue {
    tasks: Mutex<Tasks>,
    /// The earliest task is another one.
    changed: Notify,
}

struct Tasks {
    due: BTreeMap<(Instant, TaskId), Option<Duration>>,
    when: BTreeMap<TaskId, Instant>,
    next: u64,
    limit: u32,
    closed: bool,
}

/// Why a task was refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum TaskError {
    Quota(u32),
    Period,
}

impl TaskQueue {
    pub fn new(limit: u32) -> Self {
        Self {
            tasks: Mutex::new(Tasks {
                due: BTreeMap::new(),
                when: BTreeMap::new(),
                next: 1,
                limit,
                closed: false,
            }),
            changed: Notify::new(),
        }
    }

    pub fn schedule(
        &self,
        now: Instant,
        delay: Duration,
        period: Option<Duration>,
    ) -> Result<TaskId, TaskError> {
        if period.is_some_and(|period| period < MIN_PERIOD) {
            return Err(TaskError::Period);
        }
        let mut tasks = lock(&self.tasks);
        if tasks.closed || tasks.when.len() >= tasks.limit as usize {
            return Err(TaskError::Quota(tasks.limit));
        }
        let id = TaskId(tasks.next);
        tasks.next += 1;
        let at = now + delay.min(MAX_DELAY);
        tasks.insert(at, id, period.map(|period| period.min(MAX_DELAY)));
        if tasks
            .due
            .first_key_value()
            .is_some_and(|(first, _)| *first == (at, id))
        {
            self.changed.notify_one();
        }
        Ok(id)
    }

    pub fn cancel(&self, id: TaskId) -> bool {
        let mut tasks = lock(&self.tasks);
        let Some(at) = tasks.when.remove(&id) else {
            return false;
        };
        tasks.due.remove(&(at, id));
        true
    }

    /// No task runs from now on.
    pub fn close(&self) {
        let mut tasks = lock(&self.tasks);
        tasks.closed = true;
        tasks.due.clear();
        tasks.when.clear();
    }

    /// Takes the first task that is due. One that repeats waits for the next time that is still to come, so that runs
    /// that were missed are made up for by this one.
    pub fn take_due(&self, now: Instant) -> Option<TaskId> {
        let mut tasks = lock(&self.tasks);
        let ((at, id), period) = tasks.due.pop_first()?;
        if at > now {
            tasks.due.insert((at, id), period);
            return None;
        }
        tasks.when.remove(&id);
        if let Some(period) = period {
            let mut next = at + period;
            if next <= now {
                let missed = (now - at).as_nanos() / period.as_nanos();
                let missed = u32::try_from(missed).unwrap_or(u32::MAX);
                next = at + period.saturating_mul(missed);
                if next <= now {
                    next += period;
                }
            }
            tasks.insert(next, id, Some(period));
        }
        Some(id)
    }

    /// Returns when a task is due.
    pub async fn wait(&self) {
        loop {
            let changed = self.changed.notified();
            let first = lock(&self.tasks)
                .due
                .first_key_value()
                .map(|((at, _), _)| *at);
            match first {
                None => changed.await,
                Some(at) => tokio::select! {
                    biased;
                    () = tokio::time::sleep_until(at) => return,
                    () = changed => {}
                },
            }
        }
    }
}

impl Tasks {
    fn insert(&mut self, at: Instant, id: TaskId, period: Option<Duration>) {
        self.due.insert((at, id), period);
        self.when.insert(id, at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_task_runs_once_when_due_and_in_order() {
        let queue = TaskQueue::new(8);
        let now = Instant::now();
        let later = queue.schedule(now, 20 * MS, None).unwrap();
        let sooner = queue.schedule(now, 10 * MS, None).unwrap();
        assert_eq!(queue.take_due(now + 9 * MS), None);
        assert_eq!(queue.take_due(now + 30 * MS), Some(sooner));
        assert_eq!(queue.take_due(now + 30 * MS), Some(later));
        assert_eq!(queue.take_due(now + 30 * MS), None);
        assert!(!queue.cancel(later));
    }

    #[test]
    fn a_cancelled_task_does_not_run() {
        let queue = TaskQueue::new(8);
        let now = Instant::now();
        let task = queue.schedule(now, MS, None).unwrap();
        assert!(queue.cancel(task));
        assert!(!queue.cancel(task));
        assert_eq!(queue.take_due(now + MS), None);
    }

    #[test]
    fn missed_runs_are_made_up_for_by_one() {
        let queue = TaskQueue::new(8);
        let now = Instant::now();
        let task = queue.schedule(now, 10 * MS, Some(10 * MS)).unwrap();
        assert_eq!(queue.take_due(now + 35 * MS), Some(task));
        assert_eq!(queue.take_due(now + 35 * MS), None);
        assert_eq!(queue.take_due(now + 39 * MS), None);
        assert_eq!(queue.take_due(now + 40 * MS), Some(task));
        assert!(queue.cancel(task));
        assert_eq!(queue.take_due(now + 100 * MS), None);
    }

    #[test]
    fn a_run_in_time_is_followed_by_the_next_period() {
        let queue = TaskQueue::new(8);
        let now = Instant::now();
        let task = queue.schedule(now, 10 * MS, Some(10 * MS)).unwrap();
        for run in 1..=5 {
            assert_eq!(queue.take_due(now + run * 10 * MS), Some(task), "{run}");
            assert_eq!(queue.take_due(now + run * 10 * MS), None, "{run}");
        }
    }

    #[test]
    fn the_quota_and_the_period_have_edges() {
        let queue = TaskQueue::new(2);
        let now = Instant::now();
        assert_eq!(
            queue.schedule(now, MS, Some(MIN_PERIOD - MS)),
            Err(TaskError::Period)
        );
        let first = queue.schedule(now, MS, Some(MIN_PERIOD)).unwrap();
        queue.schedule(now, Duration::MAX, None).unwrap();
        assert_eq!(queue.schedule(now, MS, None), Err(TaskError::Quota(2)));
        assert!(queue.cancel(first));
        assert!(queue.schedule(now, MS, None).is_ok());
    }

    #[test]
    fn a_closed_queue_runs_nothing() {
        let queue = TaskQueue::new(2);
        let now = Instant::now();
        queue.schedule(now, MS, None).unwrap();
        queue.close();
        assert_eq!(queue.take_due(now + MS), None);
        assert!(queue.schedule(now, MS, None).is_err());
    }
}
