//! Durations as Go prints them, such as the `window` of the Metrics API.

use jiff::SignedDuration;

/// Text that is no duration of Go.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a duration: expected numbers with units such as 14.713s, 1m0s or 250ms")]
pub struct BadDuration {
    /// What was read.
    pub text: String,
}

/// Reads what Go's `time.ParseDuration` reads: an optional sign, then numbers, with or without a fraction, each with one of
/// the units `ns`, `us` (also `µs`), `ms`, `s`, `m`, `h`; or `0`. What is finer than a nanosecond is cut off.
pub fn go_duration(text: &str) -> Result<SignedDuration, BadDuration> {
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let nanos = if rest == "0" { Some(0) } else { nanos(rest) };
    let signed = nanos.map(|nanos| if negative { -nanos } else { nanos });
    // Go holds 64 bits of nanoseconds, some 292 years.
    signed
        .and_then(|nanos| i64::try_from(nanos).ok())
        .map(SignedDuration::from_nanos)
        .ok_or_else(|| BadDuration { text: text.to_owned() })
}

fn nanos(text: &str) -> Option<i128> {
    let mut rest = text;
    let mut total = 0_i128;
    loop {
        let number = split(rest, |c| c.is_ascii_digit() || c == '.');
        let unit = split(number.1, |c| !c.is_ascii_digit() && c != '.');
        total = total.checked_add(amount(number.0, length(unit.0)?)?)?;
        rest = unit.1;
        if rest.is_empty() {
            return Some(total);
        }
    }
}

/// The longest beginning whose characters all pass, and the rest.
fn split(text: &str, passes: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !passes(c)).unwrap_or(text.len()))
}

/// Nanoseconds of a unit.
fn length(unit: &str) -> Option<i128> {
    Some(match unit {
        "ns" => 1,
        // The micro sign and the Greek letter look the same, and Go takes both.
        "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    })
}

fn amount(number: &str, unit: i128) -> Option<i128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.len() + fraction.len() == 0 || fraction.contains('.') {
        return None;
    }
    let whole = if whole.is_empty() { 0 } else { whole.parse::<i128>().ok()? };
    // Nanoseconds of an hour have thirteen digits: none behind the eighteenth would be kept.
    let (behind, scale) = fraction.bytes().take(18).fold((0_i128, 1_i128), |(behind, scale), digit| {
        (behind * 10 + i128::from(digit - b'0'), scale * 10)
    });
    whole.checked_mul(unit)?.checked_add(unit * behind / scale)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_of_go_are_read() {
        for (text, nanos) in [
            ("1m0s", 60_000_000_000),
            ("14.713s", 14_713_000_000),
            ("1h2m3.5s", 3_723_500_000_000),
            ("250ms", 250_000_000),
            ("0", 0),
            ("0s", 0),
            ("-1.5h", -5_400_000_000_000),
            ("+5s", 5_000_000_000),
            (".5s", 500_000_000),
            ("1.s", 1_000_000_000),
            ("3us", 3_000),
            ("3\u{b5}s", 3_000),
            ("3\u{3bc}s", 3_000),
            ("7ns", 7),
            ("1.9ns", 1),
            ("0.1000000000000000000000000001s", 100_000_000),
            ("2562047h47m16.854775807s", i64::MAX),
        ] {
            assert_eq!(go_duration(text), Ok(SignedDuration::from_nanos(nanos)), "{text}");
        }
    }

    #[test]
    fn what_go_does_not_read_is_refused() {
        for text in ["", "-", "1", ".s", "s", "1x", "1 s", "1.2.3s", "1s ", "1h1", "2562048h", "٣s", "1d"] {
            assert!(go_duration(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".*|[0-9.nuµmsh+-]*") {
            let _ = go_duration(&text);
        }

        #[test]
        fn seconds_and_their_thousandths_come_back(seconds in 0..1_000_000_i64, millis in 0..1000_i64) {
            let duration = go_duration(&format!("{seconds}.{millis:03}s"));
            prop_assert_eq!(duration, Ok(SignedDuration::from_millis(seconds * 1000 + millis)));
        }
    }
}
