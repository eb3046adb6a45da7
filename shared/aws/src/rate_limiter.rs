//! Keeps calls below an API's published rate, so that it does not throttle them.
//!
//! Retrying throttled calls loses work under load: of 400 calls against a bucket of 100 + 20 a
//! second, the SDKs' standard retry fails half. Waiting for a token of a client-side bucket loses
//! none; docs/performance.md has the measurement.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Share of a published rate that fargaze uses: the bucket is shared by the whole account.
const SHARE: f64 = 0.9;

/// A token bucket: `burst` calls at once, then `per_second`.
#[derive(Debug)]
pub(super) struct RateLimiter {
    burst: f64,
    per_second: f64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    tokens: f64,
    at: Option<Instant>,
}

impl RateLimiter {
    /// Creates the bucket for an API's published burst and rate.
    pub(super) fn new(burst: u32, per_second: u32) -> Self {
        Self::sharing(burst, per_second, SHARE)
    }

    /// Creates a bucket with another share of the published burst and rate.
    pub(super) fn sharing(burst: u32, per_second: u32, share: f64) -> Self {
        let (burst, per_second) = (f64::from(burst) * share, f64::from(per_second) * share);
        Self { burst, per_second, state: Mutex::new(State { tokens: burst, at: None }) }
    }

    /// Empties the bucket.
    pub(super) fn spent(self) -> Self {
        let state = Mutex::new(State { tokens: 0.0, at: Some(Instant::now()) });
        Self { state, ..self }
    }

    /// Waits until a call may be made.
    pub(super) async fn ready(&self) {
        let wait = self.take(Instant::now());
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }

    /// Takes a token at `now`, on credit if there is none, and returns how long to wait for it.
    /// Concurrent callers thus proceed one after the other.
    fn take(&self, now: Instant) -> Duration {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let elapsed = state.at.map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        state.tokens = (state.tokens + elapsed.as_secs_f64() * self.per_second).min(self.burst) - 1.0;
        state.at = Some(now);
        Duration::from_secs_f64((-state.tokens / self.per_second).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_burst_needs_no_wait_and_the_rest_waits_at_the_rate() {
        let rate_limiter = RateLimiter::new(100, 20);
        let now = Instant::now();
        let waits: Vec<Duration> = (0..108).map(|_| rate_limiter.take(now)).collect();
        assert!(waits[..90].iter().all(Duration::is_zero));
        // 18 a second: the 108th call waits a second.
        assert_eq!(waits[107].as_millis(), 1000);
        assert!(waits[90..].windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn tokens_are_refilled_up_to_the_burst() {
        let rate_limiter = RateLimiter::new(10, 10);
        let now = Instant::now();
        (0..9).for_each(|_| assert!(rate_limiter.take(now).is_zero()));
        assert!(!rate_limiter.take(now).is_zero());
        let later = now + Duration::from_secs(60);
        assert!((0..9).all(|_| rate_limiter.take(later).is_zero()));
        assert!(!rate_limiter.take(later).is_zero());
    }
}
