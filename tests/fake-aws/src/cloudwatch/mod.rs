//! Amazon CloudWatch. <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/>

mod get_metric_data;
mod get_metric_statistics;
mod list_metrics;
mod statistic;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::estate::{Estate, SeriesKey, minute_of};
use crate::request::Request;
use crate::service::Target;
use crate::wire::{Outcome, Refusal, cbor, cbor_as_json};
use crate::world::World;

pub(crate) fn call(request: &Request, target: &Target, world: &mut World, billed: &mut u64) -> Outcome {
    let estate = world.estate(&request.account, &request.region);
    let answer = match target.operation.as_str() {
        "GetMetricData" => get_metric_data::call(&input(request)?, estate, billed),
        "GetMetricStatistics" => get_metric_statistics::call(&input(request)?, estate),
        "ListMetrics" => list_metrics::call(&input(request)?, estate),
        _ => Err(target.unknown()),
    }?;
    Ok(if is_json(request) { cbor_as_json::answer(answer) } else { answer })
}

/// Clients choose one of the protocols that the model lists; only the JSON protocols name their
/// target in a header.
fn is_json(request: &Request) -> bool {
    !request.header("x-amz-target").is_empty()
}

fn input<T: DeserializeOwned>(request: &Request) -> Result<T, Refusal> {
    if is_json(request) {
        serde_json::from_slice(&request.body)
            .map_err(|error| Refusal::bad("SerializationException", error.to_string()))
    } else {
        cbor::input(&request.body)
    }
}

/// A dimension; the value is absent in some filters of `ListMetrics`.
#[derive(Clone, Debug, Deserialize, Hash)]
#[serde(rename_all = "PascalCase")]
struct Dimension {
    name: String,
    #[serde(default)]
    value: Option<String>,
}

fn key_of(namespace: &str, name: &str, dimensions: &[Dimension]) -> SeriesKey {
    let dimensions = dimensions
        .iter()
        .map(|dimension| (dimension.name.clone(), dimension.value.clone().unwrap_or_default()));
    SeriesKey::sorted(namespace.to_owned(), name.to_owned(), dimensions.collect())
}

/// The minutes of a request: from the first, up to and without the last.
#[derive(Clone, Copy, Debug)]
struct Window {
    from: i64,
    until: i64,
    /// In minutes.
    period: i64,
}

impl Window {
    /// Start is rounded down to the minute. Buckets count from it: the API page says no more and
    /// advises clients to align both ends with the period.
    fn new(start: f64, end: f64, period: i64) -> Self {
        let until = (end / 60.0).ceil() as i64;
        Self { from: minute_of(start.floor() as i64), until, period: period / 60 }
    }

    /// The first minutes of all buckets that can hold points. Points beyond the estate's clock do
    /// not exist, nor do those with a period finer than the retention for their age: 15 days of
    /// minutes, 63 days of five minutes, 455 days of hours.
    fn buckets(&self, estate: &Estate) -> impl DoubleEndedIterator<Item = (i64, i64)> + use<> {
        const DAY: i64 = 24 * 60;
        let Self { from, mut until, period } = *self;
        if let Some(horizon) = estate.horizon() {
            until = until.min(horizon);
            let grain = match horizon - from {
                age if age > 455 * DAY => i64::MAX,
                age if age > 63 * DAY => 60,
                age if age > 15 * DAY => 5,
                _ => 1,
            };
            if period % grain != 0 {
                until = from;
            }
        }
        let count = (until - from).max(0).div_euclid(period)
            + i64::from((until - from).max(0).rem_euclid(period) > 0);
        (0..count).map(move |bucket| {
            let start = from + bucket * period;
            (start, (start + period).min(until))
        })
    }
}

/// The epoch seconds of a required timestamp.
fn required_time(name: &str, value: Option<&ciborium::Value>) -> Result<f64, Refusal> {
    value
        .and_then(cbor::seconds)
        .ok_or_else(|| Refusal::bad("MissingParameter", format!("The parameter {name} is required.")))
}
