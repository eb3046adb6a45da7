//! fargaze's own AWS usage, shown in the report: counted from the outcomes of the runs.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::sources::plan::DOLLARS_PER_THOUSAND_METRICS;

/// fargaze's own AWS usage since a point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Usage {
    /// Start of the count.
    #[cfg_attr(test, schemars(with = "String"))]
    pub since: Timestamp,
    /// Number of runs.
    pub runs: u64,
    /// Metrics requested by `GetMetricData`: what CloudWatch bills.
    pub metrics: u64,
    /// Calls of `GetMetricData`, up to 500 metrics each.
    pub calls: u64,
}

impl Usage {
    /// No usage yet.
    pub fn none(since: Timestamp) -> Self {
        Self { since, runs: 0, metrics: 0, calls: 0 }
    }

    /// US dollars for the metrics. Calls are left out: they are far below AWS's free allowance.
    pub fn dollars(&self) -> f64 {
        price(self.metrics)
    }

    /// US dollars for thirty days at the same rate; `None` within the first hour.
    pub fn dollars_a_month(&self, now: Timestamp) -> Option<f64> {
        let hours = now.duration_since(self.since).as_secs_f64() / 3600.0;
        (hours >= 1.0).then(|| self.dollars() * 30.0 * 24.0 / hours)
    }
}

/// US dollars for this many requested metrics.
#[expect(clippy::cast_precision_loss, reason = "no run requests 2^52 metrics")]
pub fn price(metrics: u64) -> f64 {
    metrics as f64 * DOLLARS_PER_THOUSAND_METRICS / 1000.0
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn a_day_costs_its_metrics_and_a_month_thirty_times_that() {
        let since: Timestamp = "2026-11-21T05:00:00Z".parse().unwrap();
        let day = Usage { since, runs: 288, metrics: 57_600, calls: 900 };
        assert!((day.dollars() - 0.576).abs() < 1e-9);
        let now = since + SignedDuration::from_hours(24);
        assert!((day.dollars_a_month(now).unwrap() - 17.28).abs() < 1e-9);
        assert_eq!(day.dollars_a_month(since + SignedDuration::from_mins(5)), None);
    }
}
