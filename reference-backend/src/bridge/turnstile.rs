//! One at a time.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, TryLockError};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// A lock for which nobody stands in line: whoever looks first once it is free has it. A place in a line would be kept
/// for tasks whose turn is long in coming (see `host::turns`), and all behind them would wait for that.
#[derive(Debug, Default)]
pub(super) struct Turnstile<T> {
    value: Mutex<T>,
    free: Notify,
}

/// Is in until dropped. The fields are dropped in this order.
pub(super) struct Inside<'a, T> {
    value: MutexGuard<'a, T>,
    _out: Out<'a>,
}

struct Out<'a>(&'a Notify);

impl Drop for Out<'_> {
    fn drop(&mut self) {
        self.0.notify_waiters();
    }
}

impl<T> Turnstile<T> {
    pub fn try_enter(&self) -> Option<Inside<'_, T>> {
        let value = match self.value.try_lock() {
            Ok(value) => value,
            // A call that panicked leaves what the next one can do without.
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        Some(Inside {
            value,
            _out: Out(&self.free),
        })
    }

    /// Is ready when somebody has left since this was called.
    pub fn left(&self) -> Notified<'_> {
        self.free.notified()
    }

    pub async fn enter(&self) -> Inside<'_, T> {
        loop {
            let left = self.left();
            if let Some(inside) = self.try_enter() {
                return inside;
            }
            left.await;
        }
    }
}

impl<T> Deref for Inside<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Inside<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Waker};

    #[test]
    fn who_waits_and_is_not_asked_keeps_nobody_out() {
        let turnstile = Turnstile::<u32>::default();
        let mut context = Context::from_waker(Waker::noop());
        let first = turnstile.try_enter().unwrap();
        assert!(turnstile.try_enter().is_none());
        let mut idle = pin!(turnstile.enter());
        assert!(idle.as_mut().poll(&mut context).is_pending());
        drop(first);
        let mut second = turnstile.try_enter().expect("free, whoever waits");
        *second += 1;
        assert!(idle.as_mut().poll(&mut context).is_pending());
        drop(second);
        let std::task::Poll::Ready(last) = idle.as_mut().poll(&mut context) else {
            panic!("was told that it is free");
        };
        assert_eq!(*last, 1);
    }
}
