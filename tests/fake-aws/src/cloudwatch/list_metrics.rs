//! `ListMetrics`: 500 a page, filtered by namespace, name, dimensions and recent activity.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_ListMetrics.html>

use serde::Deserialize;

use super::Dimension;
use crate::estate::{Estate, Series, SeriesKey};
use crate::wire::{Outcome, Refusal, cbor};

const PAGE: usize = 500;
const THREE_HOURS: i64 = 3 * 60;
const TWO_WEEKS: i64 = 14 * 24 * 60;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    namespace: Option<String>,
    metric_name: Option<String>,
    #[serde(default)]
    dimensions: Vec<Dimension>,
    next_token: Option<String>,
    recently_active: Option<String>,
}

pub(super) fn call(input: &Input, estate: &Estate) -> Outcome {
    let refuse = |message: &str| Refusal::bad("InvalidParameterValue", message);
    if input.recently_active.as_deref().is_some_and(|active| active != "PT3H") {
        return Err(refuse("The only allowed value of RecentlyActive is PT3H."));
    }
    if input.dimensions.len() > 10 {
        return Err(refuse("Dimensions must not have more than 10 filters."));
    }
    let start = match &input.next_token {
        None => 0,
        Some(token) => token
            .strip_prefix("from:")
            .and_then(|place| place.parse().ok())
            .filter(|place| *place <= estate.series.len())
            .ok_or_else(|| refuse("NextToken is not valid."))?,
    };
    let mut page: Vec<&SeriesKey> = Vec::new();
    let mut token = None;
    for (place, (key, series)) in estate.series.iter().enumerate().skip(start) {
        if !(matches(input, key) && is_listed(input, series, estate)) {
            continue;
        }
        if page.len() == PAGE {
            token = Some(format!("from:{place}"));
            break;
        }
        page.push(key);
    }

    let mut out = cbor::Writer::with_capacity(100 + page.len() * 150);
    out.map(if token.is_some() { 2 } else { 1 }).text("Metrics").array(page.len());
    for key in page {
        out.map(3).text("Namespace").text(&key.namespace).text("MetricName").text(&key.name);
        out.text("Dimensions").array(key.dimensions.len());
        for (name, value) in &key.dimensions {
            out.map(2).text("Name").text(name).text("Value").text(value);
        }
    }
    if let Some(token) = token {
        out.text("NextToken").text(&token);
    }
    Ok(out.output())
}

/// Dimension filters are subsets: the metric may have more.
fn matches(input: &Input, key: &SeriesKey) -> bool {
    input.namespace.as_ref().is_none_or(|wanted| *wanted == key.namespace)
        && input.metric_name.as_ref().is_none_or(|wanted| *wanted == key.name)
        && input.dimensions.iter().all(|wanted| {
            key.dimensions.iter().any(|(name, value)| {
                *name == wanted.name && wanted.value.as_ref().is_none_or(|wanted| wanted == value)
            })
        })
}

/// Metrics without data for two weeks are not listed. Without its own clock the estate's points
/// have no age.
fn is_listed(input: &Input, series: &Series, estate: &Estate) -> bool {
    let now = estate.this_minute();
    if input.recently_active.is_some() {
        series.has_any(now - THREE_HOURS, now)
    } else {
        estate.horizon().is_none_or(|now| series.has_any(now - TWO_WEEKS, now))
    }
}
