//! What fargaze itself used and cost, as data and in words.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::sources::usage::{Usage, price};
use crate::text::words::{about_dollars, dollars, thousands, utc};

/// What fargaze itself used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Cost {
    /// Metrics that this report requested.
    pub report_metrics: u64,
    /// Their price in US dollars.
    pub report_dollars: f64,
    /// Usage of all runs since the last report; null if unknown.
    pub usage: Option<Usage>,
    /// Price of that usage in US dollars.
    pub usage_dollars: Option<f64>,
    /// US dollars for thirty days at the same rate.
    pub dollars_a_month: Option<f64>,
}

impl Cost {
    /// The cost of a report that requested `metrics` metrics, and the usage of all runs up to now.
    pub(crate) fn of(metrics: usize, usage: Option<Usage>, now: Timestamp) -> Self {
        let metrics = u64::try_from(metrics).unwrap_or(u64::MAX);
        Self {
            report_metrics: metrics,
            report_dollars: price(metrics),
            usage,
            usage_dollars: usage.map(|usage| usage.dollars()),
            dollars_a_month: usage.and_then(|usage| usage.dollars_a_month(now)),
        }
    }

    /// What was used and what it cost.
    pub(crate) fn sentences(&self) -> String {
        let mut text = match (&self.usage, self.usage_dollars) {
            (Some(usage), Some(spent)) => {
                let month = self
                    .dollars_a_month
                    .map(|month| format!(", at this rate {} a month", about_dollars(month)));
                format!(
                    "Since {}, fargaze made {} and requested {} from CloudWatch in {}: {}{}.",
                    utc(usage.since),
                    counted(usage.runs, "run"),
                    counted(usage.metrics, "metric"),
                    counted(usage.calls, "call"),
                    dollars(spent),
                    month.unwrap_or_default()
                )
            }
            _ => "The usage of fargaze since the last report is not known.".to_owned(),
        };
        text.push_str(&format!(
            " This report requested {} from CloudWatch, billed {}.",
            counted(self.report_metrics, "metric"),
            dollars(self.report_dollars)
        ));
        text
    }
}

/// `1 run`, `4,032 metrics`.
fn counted(n: u64, word: &str) -> String {
    format!("{} {word}{}", thousands(n), if n == 1 { "" } else { "s" })
}
