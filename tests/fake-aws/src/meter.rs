//! The meter: every call in order, and the cost of all.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// One answered (or cut) call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Call {
    /// `service:Operation`, as IAM policies write it.
    pub operation: String,
    /// The subject of the call: a cluster's short name (several separated by commas), an account
    /// setting's name, an item's key (`PK/SK`), `BUCKET/KEY`, a topic or a role; or "".
    pub subject: String,
    /// The SDK's app name, or "".
    pub app: String,
    /// The account that was called.
    pub account: String,
    /// The Region that was called.
    pub region: String,
    /// Bytes of the request body.
    pub bytes_in: usize,
    /// Bytes of the response body.
    pub bytes_out: usize,
    /// The HTTP status; 0 without a response: the connection was closed, or the caller died.
    pub status: u16,
    /// The error code, or "".
    pub code: String,
    /// The response header `x-amzn-requestid`.
    pub request_id: String,
    /// When the call arrived, since the fake started.
    pub at: Duration,
}

impl std::fmt::Display for Call {
    /// `ecs:UpdateClusterSettings shop 200`, followed by the error code.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.operation)?;
        if !self.subject.is_empty() {
            write!(f, " {}", self.subject)?;
        }
        write!(f, " {}", self.status)?;
        if self.code.is_empty() { Ok(()) } else { write!(f, " {}", self.code) }
    }
}

/// A snapshot of the calls.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    /// In the order of their responses.
    pub calls: Vec<Call>,
    /// Metrics requested by `GetMetricData`; the pages of one request count once.
    pub billed_metrics: u64,
    pub(crate) throttled: usize,
}

impl Meter {
    /// Calls of one operation.
    pub fn count(&self, operation: &str) -> usize {
        self.calls.iter().filter(|call| call.operation == operation).count()
    }

    /// The calls in order, one per line: operation, subject, status, error code.
    pub fn log(&self) -> Vec<String> {
        self.calls.iter().map(Call::to_string).collect()
    }

    /// All calls.
    pub fn count_all(&self) -> usize {
        self.calls.len()
    }

    /// Calls with a throttling error, from a bucket or from the fault plan.
    pub fn throttled(&self) -> usize {
        self.throttled
    }

    /// The cost of the requested metrics: $0.01 per 1,000. No other call of fargaze has a relevant
    /// price beyond the free tier. <https://aws.amazon.com/cloudwatch/pricing/>
    pub fn dollars(&self) -> f64 {
        self.billed_metrics as f64 / 1_000.0 * 0.01
    }

    /// The operations that each app called.
    pub fn calls_by_app(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut apps: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for call in &self.calls {
            apps.entry(call.app.clone()).or_default().insert(call.operation.clone());
        }
        apps
    }

    /// Number of calls by operation.
    pub fn calls_by_operation(&self) -> BTreeMap<String, usize> {
        let mut operations: BTreeMap<String, usize> = BTreeMap::new();
        for call in &self.calls {
            *operations.entry(call.operation.clone()).or_default() += 1;
        }
        operations
    }

    /// Bytes of all request and response bodies.
    pub fn bytes(&self) -> (usize, usize) {
        self.calls.iter().fold((0, 0), |(sent, got), call| (sent + call.bytes_in, got + call.bytes_out))
    }
}
