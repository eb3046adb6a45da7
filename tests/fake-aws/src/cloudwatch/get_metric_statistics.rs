//! `GetMetricStatistics`: one metric, up to 1,440 points, in no order.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricStatistics.html>

use serde::Deserialize;

use super::statistic::Statistic;
use super::{Dimension, Window, key_of, required_time};
use crate::estate::Estate;
use crate::wire::{Outcome, Refusal, cbor};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    namespace: String,
    metric_name: String,
    #[serde(default)]
    dimensions: Vec<Dimension>,
    start_time: Option<ciborium::Value>,
    end_time: Option<ciborium::Value>,
    period: i64,
    #[serde(default)]
    statistics: Vec<String>,
    #[serde(default)]
    extended_statistics: Vec<String>,
    unit: Option<String>,
}

/// A bucket's start in epoch seconds and the statistics that it has.
type Point = (i64, Vec<(String, f64)>);

pub(super) fn call(input: &Input, estate: &Estate) -> Outcome {
    let start = required_time("StartTime", input.start_time.as_ref())?;
    let end = required_time("EndTime", input.end_time.as_ref())?;
    let extended = !input.extended_statistics.is_empty();
    let asked = if extended { &input.extended_statistics } else { &input.statistics };
    let statistics = validate(input, asked, start, end)?;

    let key = key_of(&input.namespace, &input.metric_name, &input.dimensions);
    let unit = key.unit();
    let mut points: Vec<Point> = Vec::new();
    if let Some(series) = estate.find_series(&key)
        && input.unit.as_deref().is_none_or(|wanted| wanted == unit)
    {
        let buckets = Window::new(start, end, input.period).buckets(estate);
        points.extend(buckets.filter_map(|(from, until)| {
            let minutes = series.fold(from, until);
            let values: Vec<(String, f64)> = statistics
                .iter()
                .filter_map(|(name, statistic)| Some((name.clone(), statistic.of(minutes)?)))
                .collect();
            (!values.is_empty()).then_some((from * 60, values))
        }));
    }
    // The order is not guaranteed, so it must not be right by accident: the odd positions first,
    // backwards.
    let mut place = 0;
    points.sort_by_cached_key(|_| {
        place += 1;
        if place % 2 == 0 { -place } else { place }
    });
    Ok(output(&input.metric_name, &points, extended, unit))
}

fn validate(
    input: &Input,
    asked: &[String],
    start: f64,
    end: f64,
) -> Result<Vec<(String, Statistic)>, Refusal> {
    let combination = |message: &str| Err(Refusal::bad("InvalidParameterCombination", message));
    let value = |message: String| Err(Refusal::bad("InvalidParameterValue", message));
    if start >= end {
        return combination("The parameter StartTime must be less than the parameter EndTime.");
    }
    if input.statistics.is_empty() && input.extended_statistics.is_empty() {
        let message = "Must specify either Statistics or ExtendedStatistics.";
        return Err(Refusal::bad("MissingParameter", message));
    }
    if !input.statistics.is_empty() && !input.extended_statistics.is_empty() {
        return combination("Statistics and ExtendedStatistics cannot both be specified.");
    }
    if input.period < 60 || input.period % 60 != 0 {
        return value(format!("The parameter Period must be a multiple of 60, is {}.", input.period));
    }
    let points = ((end - start) / input.period as f64).ceil();
    if points > 1_440.0 {
        return combination(&format!(
            "You have requested up to {points} datapoints, which exceeds the limit of 1,440. You may reduce the \
             datapoints requested by increasing Period, or decreasing the time range."
        ));
    }
    let percentile = |statistic: &Statistic| matches!(statistic, Statistic::Percentile(_));
    let wants_percentiles = input.statistics.is_empty();
    let mut statistics = Vec::new();
    for name in asked {
        match Statistic::parse(name) {
            Some(statistic) if percentile(&statistic) == wants_percentiles => {
                statistics.push((name.clone(), statistic));
            }
            _ => return value(format!("The statistic {name} is not valid here, or not faked.")),
        }
    }
    Ok(statistics)
}

fn output(label: &str, points: &[Point], extended: bool, unit: &str) -> crate::wire::Answer {
    let mut out = cbor::Writer::default();
    out.map(2).text("Label").text(label).text("Datapoints").array(points.len());
    for (seconds, values) in points {
        out.map(if extended { 3 } else { 2 + values.len() });
        out.text("Timestamp").timestamp(*seconds).text("Unit").text(unit);
        if extended {
            out.text("ExtendedStatistics").map(values.len());
        }
        for (name, value) in values {
            out.text(name).double(*value);
        }
    }
    out.output()
}
