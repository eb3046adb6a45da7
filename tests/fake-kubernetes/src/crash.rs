//! Crash points: the caller dies around its n-th call, like a function that runs out of time or
//! memory.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// When the caller dies: around one call, counted from 1 when the crash is planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// The call is made but not carried out.
    Before(usize),
    /// The call is carried out, and its response never arrives.
    After(usize),
}

/// Before a request is answered, or after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    Before,
    After,
}

/// The life of the caller.
pub(crate) struct Life {
    crash: Mutex<Option<Crash>>,
    dead: watch::Sender<bool>,
}

impl Life {
    pub(crate) fn new() -> Self {
        Self { crash: Mutex::default(), dead: watch::Sender::new(false) }
    }

    pub(crate) fn plan(&self, crash: Crash) {
        *self.planned() = Some(crash);
    }

    pub(crate) fn begin(&self) {
        *self.planned() = None;
        self.dead.send_replace(false);
    }

    pub(crate) async fn ended(&self) {
        // The sender lives in this value, so this only returns at the caller's end.
        let _ = self.dead.subscribe().wait_for(|dead| *dead).await;
    }

    /// Counts a call, and never returns if the caller is dead.
    pub(crate) async fn pass(&self, moment: Moment) {
        if self.ends_at(moment) {
            self.dead.send_replace(true);
        }
        if *self.dead.borrow() {
            std::future::pending::<()>().await;
        }
    }

    fn ends_at(&self, moment: Moment) -> bool {
        let mut crash = self.planned();
        let ((Some(Crash::Before(left)), Moment::Before) | (Some(Crash::After(left)), Moment::After)) =
            (&mut *crash, moment)
        else {
            return false;
        };
        *left -= 1;
        let ends = *left == 0;
        if ends {
            *crash = None;
        }
        ends
    }

    fn planned(&self) -> MutexGuard<'_, Option<Crash>> {
        self.crash.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_comes_once_at_its_call_and_moment() {
        let life = Life::new();
        life.plan(Crash::After(2));
        let mut calls = Vec::new();
        for _ in 0..3 {
            calls.extend([life.ends_at(Moment::Before), life.ends_at(Moment::After)]);
        }
        assert_eq!(calls, [false, false, false, true, false, false]);
    }
}
