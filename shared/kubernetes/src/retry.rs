//! When a failed request is sent again.

use std::time::Duration;

use super::error::{Cause, Explanation};

/// The first wait without a `Retry-After`; it doubles.
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// The first and the longest wait after a connection broke: another connection is ready at once,
/// and a load balancer removes a dead server within seconds.
const FIRST_WAIT_AFTER_BREAK: Duration = Duration::from_millis(50);
const LONGEST_WAIT_AFTER_BREAK: Duration = Duration::from_millis(800);

/// How often a connection may break: if half of them break, as behind a load balancer with one of
/// two servers killed, still one request in a thousand fails. If no process listens, the attempts
/// take some 5 s.
const BREAKS: u32 = 10;

/// The server that finally responds to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Server {
    /// The API server itself.
    Api,
    /// A server behind it with its own API group, such as Metrics Server.
    Aggregated,
    /// A kubelet behind it, through the node proxy.
    Kubelet,
}

impl Server {
    /// The server for a path.
    pub(super) fn of(path: &str) -> Self {
        match path {
            path if path.contains("/proxy/") => Self::Kubelet,
            path if path.starts_with("/apis/metrics.k8s.io/") => Self::Aggregated,
            _ => Self::Api,
        }
    }

    /// How often its connection may break. If the cause is a server behind the API server, it does
    /// not recover within seconds.
    fn breaks(self) -> u32 {
        match self {
            Self::Api => BREAKS,
            Self::Aggregated => 6,
            Self::Kubelet => 3,
        }
    }
}

/// Maximum attempts of a request that fails with this cause.
///
/// An API group whose server is down (503 as text) and a kubelet behind the node proxy get one more
/// attempt: neither recovers within seconds. 503 and 504 may arrive after the work was done, so
/// only a request that changes nothing is repeated; 429 is sent before any work. After a broken
/// connection it is equally unknown what was done.
pub(super) fn tries(cause: &Cause, safe: bool, server: Server) -> u32 {
    match cause {
        Cause::TooManyRequests(_) => 3,
        cause if cause.is_break() && safe => server.breaks(),
        // One of two servers was killed without notice. A server behind the API server stays
        // silent.
        Cause::Stalled { .. } if safe && server == Server::Api => 2,
        // An overloaded name server, one silent address of two, a server of an API group: each
        // attempt takes seconds.
        Cause::Dns(_) | Cause::ConnectTimeout(_) | Cause::Unavailable(Explanation::Text(_)) if safe => 2,
        Cause::Unavailable(_) | Cause::Status { code: 504, .. } if safe && server == Server::Kubelet => 2,
        Cause::Unavailable(_) | Cause::Status { code: 504, .. } if safe => 3,
        _ => 1,
    }
}

/// How long the next attempt may be silent, from the time `whole` allowed for it. The first attempt
/// leaves time for another; a server that has never responded gets a quarter for the second.
pub(super) fn silence(whole: Duration, stalls: u32, left: Duration, has_answered: bool) -> Duration {
    match stalls {
        0 => whole.min(left / 2),
        _ if has_answered => whole,
        _ => whole / 4,
    }
}

/// How long to wait after the given number of attempts. `jitter` of 0 to 1 adds up to a half, so
/// that requests that failed together are not repeated together.
pub(super) fn wait(tries: u32, retry_after: Option<Duration>, longest: Duration, jitter: f64) -> Duration {
    let doubled = FIRST_WAIT.saturating_mul(1 << tries.saturating_sub(1).min(16));
    retry_after.unwrap_or(doubled).mul_f64(1.0 + jitter.clamp(0.0, 1.0) / 2.0).min(longest)
}

/// How long to wait after so many breaks.
pub(super) fn wait_after_break(breaks: u32, longest: Duration, jitter: f64) -> Duration {
    let doubled = FIRST_WAIT_AFTER_BREAK.saturating_mul(1 << breaks.saturating_sub(1).min(16));
    doubled.min(LONGEST_WAIT_AFTER_BREAK).mul_f64(1.0 + jitter.clamp(0.0, 1.0) / 2.0).min(longest)
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
    fn errors_that_a_retry_cannot_fix_are_not_retried() {
        let text = || Explanation::Text("service unavailable".to_owned());
        let status = || Explanation::Status { reason: String::new(), message: String::new() };
        let server = |proxied| if proxied { Server::Kubelet } else { Server::Api };
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
            (Cause::Dns("no".to_owned()), true, false, 2),
            (Cause::ConnectTimeout(LONGEST), true, false, 2),
            (Cause::ConnectTimeout(LONGEST), false, false, 1),
            (Cause::Stalled { waited: LONGEST, bytes: 0 }, false, false, 1),
            (Cause::Stalled { waited: LONGEST, bytes: 0 }, true, true, 1),
            (Cause::Malformed("no".to_owned()), true, false, 1),
            (Cause::Gone(status()), true, false, 1),
        ] {
            assert_eq!(tries(&cause, safe, server(proxied)), most, "{cause:?} {safe} {proxied}");
        }
    }

    /// Issue 13, point 16.
    #[test]
    fn a_connection_that_broke_is_replaced_for_what_changes_nothing() {
        let said = || "x".to_owned();
        let breaks = [
            Cause::Refused,
            Cause::Connect(said()),
            Cause::Handshake(said()),
            Cause::Broken(said()),
            Cause::Cut { bytes: 28_188 },
        ];
        for cause in breaks {
            let paths =
                ["/api/v1/pods", "/apis/metrics.k8s.io/v1/pods", "/api/v1/nodes/n/proxy/metrics/cadvisor"];
            let most = paths.map(|path| tries(&cause, true, Server::of(path)));
            assert_eq!(most, [BREAKS, 6, 3], "{cause:?}");
            assert_eq!(tries(&cause, false, Server::Api), 1, "{cause:?}");
        }
    }

    /// Issue 13, point 16.
    #[test]
    fn a_connection_that_goes_silent_is_replaced_once_for_what_changes_nothing() {
        for bytes in [0, 28_188] {
            let stalled = Cause::Stalled { waited: LONGEST, bytes };
            let most = [Server::Api, Server::Aggregated, Server::Kubelet]
                .map(|server| tries(&stalled, true, server));
            assert_eq!((most, tries(&stalled, false, Server::Api)), ([2, 1, 1], 1));
        }
        let seconds = Duration::from_secs;
        for (stalls, left, has_answered, awaited) in
            [(0, 85, false, 20), (0, 85, true, 20), (0, 8, true, 4), (1, 65, true, 20), (1, 65, false, 5)]
        {
            assert_eq!(silence(seconds(20), stalls, seconds(left), has_answered), seconds(awaited));
        }
    }

    #[test]
    fn the_waits_after_breaks_are_short_and_end() {
        let waits: Vec<u128> = (1..BREAKS).map(|n| wait_after_break(n, LONGEST, 0.0).as_millis()).collect();
        assert_eq!(waits, [50, 100, 200, 400, 800, 800, 800, 800, 800]);
        assert_eq!(wait_after_break(3, LONGEST, 1.0), Duration::from_millis(300));
        assert_eq!(wait_after_break(9, Duration::from_millis(1), 1.0), Duration::from_millis(1));
    }
}
