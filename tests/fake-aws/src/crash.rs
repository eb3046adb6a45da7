//! Crash points: the caller dies around its k-th call, like a function that runs out of time or
//! memory.

use std::future::Future;
use std::sync::Mutex;

use tokio::sync::watch;

use crate::fake::{FakeAws, lock};
use crate::meter::Call;

/// When the caller dies: around one call, counted from 1 when the crash is planned.
///
/// All calls that reach the fake count, including refused and throttled ones, unless [`Crash::of`]
/// restricts them.
pub struct Crash {
    moment: Moment,
    nth: usize,
    matches: Box<dyn Fn(&Call) -> bool + Send + Sync>,
}

/// Before the operation is carried out, or after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    Before,
    After,
}

impl Crash {
    /// The nth call is made but not carried out.
    pub fn before(nth: usize) -> Self {
        Self { moment: Moment::Before, nth, matches: Box::new(|_| true) }
    }

    /// The nth call is carried out, and its response never arrives.
    pub fn after(nth: usize) -> Self {
        Self { moment: Moment::After, ..Self::before(nth) }
    }

    /// Only matching calls count. For a crash before the call, status, code and response are not
    /// known yet.
    #[must_use]
    pub fn of(mut self, matches: impl Fn(&Call) -> bool + Send + Sync + 'static) -> Self {
        self.matches = Box::new(matches);
        self
    }
}

impl std::fmt::Debug for Crash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Crash({:?} call {})", self.moment, self.nth)
    }
}

/// The successive lives of the caller.
#[derive(Debug)]
pub(crate) struct Lives {
    life: Mutex<Life>,
    dead: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct Life {
    number: u64,
    dead: bool,
    crash: Option<Crash>,
    seen: usize,
}

impl Lives {
    pub(crate) fn new() -> Self {
        Self { life: Mutex::default(), dead: watch::Sender::new(false) }
    }

    /// The number of the caller's life; `None` while it is dead.
    pub(crate) fn present(&self) -> Option<u64> {
        let life = lock(&self.life);
        (!life.dead).then_some(life.number)
    }

    /// Counts the call, and ends the caller's life if its time has come.
    pub(crate) fn end(&self, moment: Moment, call: &Call) -> bool {
        let mut life = lock(&self.life);
        let Life { dead, crash: Some(crash), seen, .. } = &mut *life else { return false };
        if crash.moment == moment && (crash.matches)(call) {
            *seen += 1;
            *dead |= *seen == crash.nth;
        }
        *dead
    }

    /// Notifies those who wait for the caller's end.
    pub(crate) fn announce(&self) {
        self.dead.send_replace(true);
    }
}

impl FakeAws {
    /// Plans the caller's end, replacing an earlier plan.
    pub fn crash(&self, crash: Crash) {
        let mut life = lock(&self.state().lives.life);
        life.crash = Some(crash);
        life.seen = 0;
    }

    /// The caller dies after its nth call from now on has taken effect, before it receives the
    /// response.
    pub fn crash_after(&self, nth: usize) {
        self.crash(Crash::after(nth));
    }

    /// The caller dies at its nth call from now on, which is not carried out.
    pub fn crash_before(&self, nth: usize) {
        self.crash(Crash::before(nth));
    }

    /// Whether the caller is dead. Its calls then wait forever, and neither count nor change
    /// anything.
    pub fn has_crashed(&self) -> bool {
        self.state().lives.present().is_none()
    }

    /// Waits for the caller's end; returns at once if it is dead. For `tokio::select!` next to the
    /// caller's own future, which must be dropped then.
    pub fn crashed(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut dead = self.state().lives.dead.subscribe();
        async move {
            if dead.wait_for(|dead| *dead).await.is_err() {
                // The fake was dropped, and the caller's end with it.
                std::future::pending::<()>().await;
            }
        }
    }

    /// A new caller takes over: calls are answered again, except those of the dead one. Discards a
    /// crash that did not happen.
    pub fn revive(&self) {
        let lives = &self.state().lives;
        let mut life = lock(&lives.life);
        *life = Life { number: life.number + 1, ..Life::default() };
        drop(life);
        lives.dead.send_replace(false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_matches_and_ends_once() {
        let lives = Lives::new();
        let call = |operation: &str| Call { operation: operation.to_owned(), ..Call::default() };
        lock(&lives.life).crash = Some(Crash::after(2).of(|call| call.operation == "a"));
        let mut ends = |operation| {
            let call = call(operation);
            (lives.end(Moment::Before, &call), lives.end(Moment::After, &call))
        };
        assert_eq!(["a", "b", "a"].map(&mut ends), [(false, false), (false, false), (false, true)]);
        assert_eq!(lives.present(), None);
        assert_eq!(format!("{:?}", Crash::before(3)), "Crash(Before call 3)");
    }
}
