//! What Logs Insights answers.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// A complete answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    /// Its rows.
    pub rows: Vec<QueryRow>,
    /// Bytes that were scanned, which are billed.
    pub bytes_scanned: u64,
    /// Events that matched.
    pub matched: u64,
}

/// A row: fields with their values, which are always text, in the order of the answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueryRow(pub Vec<(String, String)>);

impl QueryRow {
    /// The value of a field.
    pub fn get(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == field).map(|(_, value)| value.as_str())
    }

    /// The value of a field as a number.
    pub(super) fn number(&self, field: &str) -> Option<f64> {
        self.get(field)?.trim().parse().ok().filter(|number: &f64| number.is_finite())
    }

    /// The log group: `@log` is `ACCOUNT:GROUP`.
    pub(super) fn group(&self) -> Option<&str> {
        self.get("@log").map(|log| log.split_once(':').map_or(log, |(_, group)| group))
    }

    /// The start of the bin, if there is one.
    pub(super) fn bin(&self) -> Option<Timestamp> {
        let (_, text) = self.0.iter().find(|(name, _)| is_bin(name))?;
        time(text)
    }
}

/// Whether a field is that of `bin(...)`.
pub(super) fn is_bin(field: &str) -> bool {
    field.trim().to_ascii_lowercase().starts_with("bin(")
}

/// A time as Logs Insights writes it: `2026-12-01 10:05:00.000`, in UTC.
pub(super) fn time(text: &str) -> Option<Timestamp> {
    let civil: DateTime = text.trim().parse().ok()?;
    civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}
