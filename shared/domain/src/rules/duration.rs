//! Durations in the user's file.

use std::str::FromStr;

use jiff::{SignedDuration, Span, SpanRelativeTo};

use crate::model::cluster::BadName;

/// A duration such as `90s`, `10m`, `2h`, `1d` or `1h 30m`. A day is 24 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "String")]
pub struct DurationText(pub SignedDuration);

impl FromStr for DurationText {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        duration(text).map(Self).ok_or_else(|| BadName {
            text: text.to_owned(),
            what: "duration",
            expected: "a number with s, m, h or d, such as 10m or 1h 30m",
        })
    }
}

impl TryFrom<String> for DurationText {
    type Error = BadName;

    fn try_from(text: String) -> Result<Self, BadName> {
        text.parse()
    }
}

/// Whole seconds, and no unit longer than a day: months differ in length.
fn duration(text: &str) -> Option<SignedDuration> {
    let span: Span = text.trim().parse().ok()?;
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    (!duration.is_negative() && duration.subsec_nanos() == 0).then_some(duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_in_their_units_and_nonsense_is_rejected() {
        for (text, seconds) in [
            ("90s", 90),
            ("10m", 600),
            ("10 m", 600),
            ("2h", 7200),
            ("1d", 86_400),
            ("1h 30m", 5400),
            ("1h30m", 5400),
            ("0s", 0),
            ("1.5h", 5400),
            ("10 minutes", 600),
        ] {
            assert_eq!(text.parse::<DurationText>().unwrap().0.as_secs(), seconds, "{text}");
        }
        for text in ["", "10", "m", "-10m", "10 months", "1y", "1h 30", "1.5s", "99999999999999999999s", "é"]
        {
            assert!(text.parse::<DurationText>().is_err(), "{text}");
        }
    }
}
