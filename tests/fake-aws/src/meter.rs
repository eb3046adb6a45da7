//! The meter: every call in order, and what they would cost.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// One answered (or cut) call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Call {
    /// `service:Operation`, as IAM policies write it.
    pub operation: String,
    /// What the call is about: a cluster's short name (several with commas between), an account setting's name, an item's
    /// key (`PK/SK`), `BUCKET/KEY`, a topic or a role; or "".
    pub subject: String,
    /// The SDK's app name, or "".
    pub app: String,
    /// The account that was called.
    pub account: String,
    /// The Region that was called.
    pub region: String,
    /// Bytes of the request body.
    pub bytes_in: usize,
    /// Bytes of the answer's body.
    pub bytes_out: usize,
    /// The HTTP status; 0 when no answer came: the connection was closed, or the caller died.
    pub status: u16,
    /// The error code, or "".
    pub code: String,
    /// The answer's header `x-amzn-requestid`.
    pub request_id: String,
    /// When the call arrived, since the fake started.
    pub at: Duration,
}

impl std::fmt::Display for Call {
    /// `ecs:UpdateClusterSettings shop 200`, with the error code behind the status.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.operation)?;
        if !self.subject.is_empty() {
            write!(f, " {}", self.subject)?;
        }
        write!(f, " {}", self.status)?;
        if self.code.is_empty() { Ok(()) } else { write!(f, " {}", self.code) }
    }
}

/// A snapshot of what was called.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    /// In the order of their answers.
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

    /// The calls in order, a line each: operation, subject, status, error code.
    pub fn log(&self) -> Vec<String> {
        self.calls.iter().map(Call::to_string).collect()
    }

    /// All calls.
    pub fn count_all(&self) -> usize {
        self.calls.len()
    }

    /// Calls that met a throttling error, from a bucket or from the fault plan.
    pub fn throttled(&self) -> usize {
        self.throttled
    }

    /// What the metrics requested cost: $0.01 per 1,000. Nothing else that fargaze calls has a price beyond the
    /// free tier that is worth counting. <https://aws.amazon.com/cloudwatch/pricing/>
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

    /// Bytes of all request bodies and of all answers' bodies.
    pub fn bytes(&self) -> (usize, usize) {
        self.calls.iter().fold((0, 0), |(sent, got), call| (sent + call.bytes_in, got + call.bytes_out))
    }
}
