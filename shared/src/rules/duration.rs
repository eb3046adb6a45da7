//! Durations as a person writes them.

use std::str::FromStr;

use jiff::SignedDuration;

use crate::cluster::BadName;

/// A duration such as `90s`, `10m`, `2h`, `1d` or `1h 30m`. A day is 24 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "String")]
pub struct DurationText(pub SignedDuration);

impl FromStr for DurationText {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        seconds(text).map(|seconds| Self(SignedDuration::from_secs(seconds))).ok_or_else(|| BadName {
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

fn seconds(text: &str) -> Option<i64> {
    let mut rest = text.trim();
    let mut total = 0_i64;
    loop {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: i64 = rest[..digits].parse().ok()?;
        let unit = rest[digits..].trim_start();
        let length = match unit.chars().next()? {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            _ => return None,
        };
        total = total.checked_add(number.checked_mul(length)?)?;
        rest = unit[1..].trim_start();
        if rest.is_empty() {
            return Some(total);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_in_their_units_and_nonsense_is_none() {
        for (text, seconds) in [
            ("90s", 90),
            ("10m", 600),
            ("10 m", 600),
            ("2h", 7200),
            ("1d", 86_400),
            ("1h 30m", 5400),
            ("1h30m", 5400),
            ("0s", 0),
        ] {
            assert_eq!(text.parse::<DurationText>().unwrap().0.as_secs(), seconds, "{text}");
        }
        for text in ["", "10", "m", "-10m", "1.5h", "10 minutes", "1y", "1h 30", "99999999999999999999s", "é"]
        {
            assert!(text.parse::<DurationText>().is_err(), "{text}");
        }
    }
}
