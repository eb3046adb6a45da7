//! What queries cost, and how much of it the user allows.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::logs::LogGroup;

/// US dollars for a GB that Logs Insights scans (`CloudWatch` pricing, us-east-1, November 2026).
pub const DOLLARS_PER_GB_SCANNED: f64 = 0.005;

/// Bytes of a gigabyte on the bill.
const GB: f64 = 1_073_741_824.0;

/// What a month allows, and what was spent or reserved so far.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Budget {
    /// US dollars a month.
    pub dollars: f64,
    /// US dollars that queries of this month have cost, or were estimated to cost.
    pub spent: f64,
}

impl Budget {
    /// Whether it does not allow to spend this much more.
    pub fn refuses(&self, dollars: f64) -> bool {
        self.spent + dollars > self.dollars
    }
}

/// What scanning so many bytes costs, in US dollars.
#[expect(clippy::cast_precision_loss, reason = "it is an amount of money")]
pub fn dollars_scanned(bytes: u64) -> f64 {
    bytes as f64 / GB * DOLLARS_PER_GB_SCANNED
}

/// The month that a query is paid in, such as `2026-12`, in UTC.
pub fn month_of(time: Timestamp) -> String {
    time.strftime("%Y-%m").to_string()
}

/// An estimate of what a query over `window` scans of a group: its stored bytes, spread evenly over
/// the time for which it keeps events. 0 for a group whose size is not known: what was scanned is
/// counted afterwards in any case.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is an estimate of a size, never negative"
)]
pub fn estimated_scan(group: &LogGroup, window: SignedDuration, now: Timestamp) -> u64 {
    let Some(stored) = group.stored_bytes else { return 0 };
    let day = SignedDuration::from_hours(24);
    let age = group.created_at.map_or(day, |created| now.duration_since(created).max(day));
    let kept = group.retention_days.map(|days| day * i32::try_from(days).unwrap_or(i32::MAX));
    let span = kept.map_or(age, |kept| kept.min(age).max(day));
    let share = (window.as_secs_f64() / span.as_secs_f64()).min(1.0);
    (stored as f64 * share) as u64
}
