//! The value of `log-retention`.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use super::aspects::Named;
use crate::config::read::{At, Problems, ScalarText};
use crate::reconcile::{Aspect, Desired};

/// The days that log groups may have (CloudWatch Logs API, `PutRetentionPolicy`).
pub(in crate::config) const DAYS: [u32; 22] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

const FORMS: &str = "days such as 30d, {exactly: 30d}, or leave";

/// `leave`, `30d`, or `{exactly: 30d}`.
#[derive(Debug, Clone)]
pub(in crate::config) enum RawRetention {
    /// A word, or days for new groups.
    Plain(String),
    /// A key and its value.
    Pairs(Vec<(String, String)>),
}

impl<'de> Deserialize<'de> for RawRetention {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WordOrPair;
        impl<'de> Visitor<'de> for WordOrPair {
            type Value = RawRetention;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(FORMS)
            }
            fn visit_str<E>(self, text: &str) -> Result<RawRetention, E> {
                Ok(RawRetention::Plain(text.to_owned()))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawRetention, A::Error> {
                let mut pairs = Vec::new();
                while let Some((key, ScalarText(value))) = map.next_entry::<String, ScalarText>()? {
                    pairs.push((key, value));
                }
                Ok(RawRetention::Pairs(pairs))
            }
        }
        deserializer.deserialize_any(WordOrPair)
    }
}

/// The retention that a policy names.
pub(super) fn retention(raw: Option<At<RawRetention>>, problems: &Problems) -> Option<Named> {
    let At { line, value } = raw?;
    Some(Named::new(Aspect::LogRetention, (line, value), |raw, (line, label)| {
        let read = match &raw {
            RawRetention::Plain(text) if text == "leave" => Ok(Desired::Leave),
            RawRetention::Plain(text) => days(text).map(Desired::Retention),
            RawRetention::Pairs(pairs) => match pairs.as_slice() {
                [(key, text)] if key == "exactly" => days(text).map(Desired::ExactRetention),
                _ => Err(format!("expected {FORMS}")),
            },
        };
        read.map_err(|why| problems.add(line, label, why)).ok()
    }))
}

fn days(text: &str) -> Result<u32, String> {
    let number = text.trim().strip_suffix('d').and_then(|number| number.parse::<u32>().ok());
    let Some(days) = number else {
        let unit = text.parse::<u32>().map(|days| format!("; did you mean `{days}d`?")).unwrap_or_default();
        return Err(format!("`{text}` is not a number of days: expected {FORMS}{unit}"));
    };
    if DAYS.contains(&days) {
        return Ok(days);
    }
    let longer = DAYS.into_iter().find(|other| *other > days);
    let near = longer.map(|longer| format!("; the next longer one is {longer}d")).unwrap_or_default();
    let all: Vec<String> = DAYS.iter().map(u32::to_string).collect();
    Err(format!("CloudWatch Logs has no retention of {days} days{near}. It has {}", all.join(", ")))
}
