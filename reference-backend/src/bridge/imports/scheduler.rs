//! `scheduler`: tasks, in milliseconds of the host's clock.

use crate::api::TaskId;
use crate::bridge::bindings::infrarust::plugin::scheduler::{
    Host, SchedulerError, SchedulerErrorKind,
};
use crate::bridge::broken;
use crate::bridge::state::GuestState;
use crate::bridge::tasks::{MIN_PERIOD, TaskError};
use std::time::Duration;
use tokio::time::Instant;

impl Host for GuestState {
    fn schedule(&mut self, delay: u64) -> wasmtime::Result<Result<u64, SchedulerError>> {
        self.add(delay, None)
    }

    fn schedule_repeating(
        &mut self,
        delay: u64,
        period: u64,
    ) -> wasmtime::Result<Result<u64, SchedulerError>> {
        self.add(delay, Some(Duration::from_millis(period)))
    }

    fn cancel(&mut self, task: u64) -> wasmtime::Result<bool> {
        self.not_in_metadata()?;
        if broken::leaks_tasks(&self.plugin) {
            return Ok(true);
        }
        Ok(self.tasks.cancel(TaskId(task)))
    }

    fn now(&mut self) -> wasmtime::Result<u64> {
        self.not_in_metadata()?;
        Ok(u64::try_from(GuestState::now(self).as_millis()).unwrap_or(u64::MAX))
    }
}

impl GuestState {
    fn add(
        &mut self,
        delay: u64,
        period: Option<Duration>,
    ) -> wasmtime::Result<Result<u64, SchedulerError>> {
        self.not_in_metadata()?;
        let task = self
            .tasks
            .schedule(Instant::now(), Duration::from_millis(delay), period);
        Ok(task.map(|task| task.0).map_err(|error| match error {
            TaskError::Quota(limit) => SchedulerError {
                kind: SchedulerErrorKind::QuotaExceeded,
                message: format!("the limit of {limit} waiting tasks is reached"),
            },
            TaskError::Period => SchedulerError {
                kind: SchedulerErrorKind::InvalidPeriod,
                message: format!("a period has at least {} ms", MIN_PERIOD.as_millis()),
            },
        }))
    }
}
