//! When a refused request is sent again.

use std::time::Duration;

use super::error::{Cause, Explanation};

/// The first wait without a `Retry-After`; it doubles.
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// How often a request is sent at most, if it fails with this.
///
/// An API group whose server is down (503 as text) and a kubelet behind the node proxy get one more try: neither comes
/// back within seconds. 503 and 504 may come after the work was done, so only a request that changes nothing is sent
/// again; 429 is said before any work.
pub(super) fn tries(cause: &Cause, safe: bool, proxied: bool) -> u32 {
    match cause {
        Cause::TooManyRequests(_) => 3,
        Cause::Unavailable(Explanation::Text(_)) if safe => 2,
        Cause::Unavailable(_) | Cause::Status { code: 504, .. } if safe && proxied => 2,
        Cause::Unavailable(_) | Cause::Status { code: 504, .. } if safe => 3,
        _ => 1,
    }
}

/// How long to wait after the given number of tries. `jitter` of 0 to 1 adds up to a half, so that the requests that
/// were refused together do not come back together.
pub(super) fn wait(tries: u32, retry_after: Option<Duration>, longest: Duration, jitter: f64) -> Duration {
    let doubled = FIRST_WAIT.saturating_mul(1 << tries.saturating_sub(1).min(16));
    retry_after.unwrap_or(doubled).mul_f64(1.0 + jitter.clamp(0.0, 1.0) / 2.0).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONGEST: Duration = Duration::from_secs(10);

    #[test]
    fn the_server_says_how_long_to_wait_within_the_limit() {
        for (tries, retry_after, jitter, millis) in [
            (1, None, 0.0, 500),
            (2, None, 0.0, 1_000),
            (2, None, 1.0, 1_500),
            (1, Some(1), 0.0, 1_000),
            (1, Some(1), 1.0, 1_500),
            (1, Some(0), 1.0, 0),
            (1, Some(600), 0.0, 10_000),
            (40, None, 1.0, 10_000),
        ] {
            let waited = wait(tries, retry_after.map(Duration::from_secs), LONGEST, jitter);
            assert_eq!(waited, Duration::from_millis(millis), "{tries} {retry_after:?} {jitter}");
        }
    }

    #[test]
    fn what_cannot_help_is_not_tried_again() {
        let text = || Explanation::Text("service unavailable".to_owned());
        let status = || Explanation::Status { reason: String::new(), message: String::new() };
        for (cause, safe, proxied, most) in [
            (Cause::TooManyRequests(text()), true, false, 3),
            (Cause::TooManyRequests(text()), false, false, 3),
            (Cause::Unavailable(text()), true, false, 2),
            (Cause::Unavailable(status()), true, false, 3),
            (Cause::Unavailable(status()), true, true, 2),
            (Cause::Unavailable(status()), false, false, 1),
            (Cause::Status { code: 504, explanation: text() }, true, false, 3),
            (Cause::Status { code: 500, explanation: text() }, true, false, 1),
            (Cause::Forbidden(status()), true, false, 1),
            (Cause::Gone(status()), true, false, 1),
        ] {
            assert_eq!(tries(&cause, safe, proxied), most, "{cause:?} {safe} {proxied}");
        }
    }
}
