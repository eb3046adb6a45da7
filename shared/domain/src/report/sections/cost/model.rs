//! What fargaze itself used and cost, as data and in words.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::sources::usage::{Usage, price};
use crate::text::words::{about_dollars, dollars, thousands, utc};

/// What fargaze itself used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Cost {
    /// Metrics that this report asked for.
    pub report_metrics: u64,
    /// US dollars for them.
    pub report_dollars: f64,
    /// All runs since the last report; none if it is not known.
    pub usage: Option<Usage>,
    /// US dollars for what all runs asked.
    pub usage_dollars: Option<f64>,
    /// The same pace for thirty days.
    pub dollars_a_month: Option<f64>,
}

impl Cost {
    /// What a report cost that asked for so many metrics, and what all runs used until then.
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
                    .map(|month| format!(", at this rate_limiter {} a month", about_dollars(month)));
                format!(
                    "Since {} fargaze made {}, and asked CloudWatch for {} in {}: {}{}.",
                    utc(usage.since),
                    counted(usage.runs, "run"),
                    counted(usage.metrics, "metric"),
                    counted(usage.calls, "call"),
                    dollars(spent),
                    month.unwrap_or_default()
                )
            }
            _ => "What fargaze used since the last report is not known.".to_owned(),
        };
        text.push_str(&format!(
            " This report asked CloudWatch for {}, billed {}.",
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
