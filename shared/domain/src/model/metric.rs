//! Metrics (namespace, name, exact dimensions) and their queries (statistic, period, unit).

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize, Serializer};

use crate::model::cluster::BadName;

/// Identity of a CloudWatch metric. Metrics with the same name but different dimensions are
/// different metrics: a metric published per cluster and service cannot be queried per cluster
/// (CloudWatch User Guide, "Dimensions").
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Metric {
    /// CloudWatch namespace such as `AWS/ECS`.
    pub namespace: Cow<'static, str>,
    /// Name, case-sensitive.
    pub name: Cow<'static, str>,
    /// Exact set of dimensions.
    pub dimensions: Dimensions,
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.namespace, self.name, self.dimensions)
    }
}

/// A set of dimensions, sorted by name, because CloudWatch ignores their order.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(from = "std::collections::BTreeMap<String, String>")]
pub struct Dimensions(Vec<(Cow<'static, str>, String)>);

impl Dimensions {
    /// A set of name-value pairs.
    pub fn new<N: Into<Cow<'static, str>>, V: Into<String>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        let mut pairs: Vec<(Cow<'static, str>, String)> =
            pairs.into_iter().map(|(n, v)| (n.into(), v.into())).collect();
        pairs.sort();
        Self(pairs)
    }

    /// Name-value pairs, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), value.as_str()))
    }

    /// Value of the dimension with that name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(n, _)| *n == name).map(|(_, value)| value)
    }

    /// Number of dimensions.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no dimension.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<std::collections::BTreeMap<String, String>> for Dimensions {
    fn from(map: std::collections::BTreeMap<String, String>) -> Self {
        Self(map.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }
}

impl Serialize for Dimensions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl fmt::Display for Dimensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (i, (name, value)) in self.iter().enumerate() {
            write!(f, "{}{name}={value}", if i == 0 { "" } else { ", " })?;
        }
        f.write_str("}")
    }
}

/// How the samples of a period are aggregated (CloudWatch User Guide, "CloudWatch statistics
/// definitions").
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub enum Statistic {
    /// Mean of the samples: `Sum / SampleCount`. For task metrics this is the mean per task, not a
    /// total.
    Average,
    /// Largest sample.
    Maximum,
    /// Smallest sample.
    Minimum,
    /// Number of samples.
    SampleCount,
    /// Sum of the samples.
    Sum,
    /// A percentile such as `p99` or `p99.9`.
    Percentile(String),
}

impl Statistic {
    /// CloudWatch's spelling.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Average => "Average",
            Self::Maximum => "Maximum",
            Self::Minimum => "Minimum",
            Self::SampleCount => "SampleCount",
            Self::Sum => "Sum",
            Self::Percentile(text) => text,
        }
    }
}

impl FromStr for Statistic {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        match text {
            "Average" => Ok(Self::Average),
            "Maximum" => Ok(Self::Maximum),
            "Minimum" => Ok(Self::Minimum),
            "SampleCount" => Ok(Self::SampleCount),
            "Sum" => Ok(Self::Sum),
            _ if is_percentile(text) => Ok(Self::Percentile(text.to_owned())),
            _ => Err(BadName {
                text: text.to_owned(),
                what: "statistic",
                expected: "Average, Maximum, Minimum, SampleCount, Sum, or a percentile such as p99",
            }),
        }
    }
}

fn is_percentile(text: &str) -> bool {
    text.strip_prefix('p').is_some_and(|number| {
        number.bytes().all(|b| b.is_ascii_digit() || b == b'.')
            && number.starts_with(|c: char| c.is_ascii_digit())
            && number.parse::<f64>().is_ok_and(|p| p <= 100.0)
    })
}

impl TryFrom<String> for Statistic {
    type Error = BadName;

    fn try_from(text: String) -> Result<Self, BadName> {
        text.parse()
    }
}

impl Serialize for Statistic {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl fmt::Display for Statistic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Length of one datapoint: a multiple of 60 seconds. Only high-resolution metrics have shorter
/// periods, and ECS publishes none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct Period(i32);

impl Period {
    /// 60 seconds, the resolution of ECS's metrics.
    pub const MINUTE: Self = Self(60);
    /// 300 seconds.
    pub const FIVE_MINUTES: Self = Self(300);
    /// 3600 seconds.
    pub const HOUR: Self = Self(3600);

    /// A period with this many seconds.
    pub fn from_seconds(seconds: i64) -> Result<Self, BadName> {
        match i32::try_from(seconds) {
            Ok(valid) if valid > 0 && valid <= 86_400 && valid % 60 == 0 => Ok(Self(valid)),
            _ => Err(BadName {
                text: seconds.to_string(),
                what: "period",
                expected: "a multiple of 60 seconds, at most 86400",
            }),
        }
    }

    /// Length in seconds.
    pub fn seconds(self) -> i64 {
        i64::from(self.0)
    }

    /// Start of the period that contains an instant, in epoch seconds.
    pub fn start_of(self, instant: Timestamp) -> i64 {
        instant.as_second().div_euclid(self.seconds()) * self.seconds()
    }

    /// Length.
    pub fn length(self) -> SignedDuration {
        SignedDuration::from_secs(self.seconds())
    }
}

impl TryFrom<i64> for Period {
    type Error = BadName;

    fn try_from(seconds: i64) -> Result<Self, BadName> {
        Self::from_seconds(seconds)
    }
}

impl From<Period> for i64 {
    fn from(period: Period) -> Self {
        period.seconds()
    }
}

/// Unit of a metric's values (CloudWatch API, `StandardUnit`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Unit {
    /// 0 to 100, or more where bursting is possible.
    Percent,
    /// A number of things.
    Count,
    /// CPU units, for which ECS publishes the unit `None`: 1024 are one vCPU.
    #[serde(rename = "None")]
    CpuUnits,
    /// Bytes.
    Bytes,
    /// Bytes per second.
    #[serde(rename = "Bytes/Second")]
    BytesPerSecond,
    /// Megabytes.
    Megabytes,
    /// Gigabytes.
    Gigabytes,
    /// Seconds; used by other namespaces, not by ECS.
    Seconds,
    /// Milliseconds; used by other namespaces, not by ECS.
    Milliseconds,
}

impl Unit {
    /// A value with its unit, such as `93.1 %`, `0.80 vCPU` or `412 MB`.
    pub fn show(self, value: f64) -> String {
        match self {
            Self::Percent => format!("{} %", short(value, 1)),
            Self::Count => short(value, 2),
            Self::CpuUnits => format!("{:.2} vCPU", value / CPU_UNITS_PER_VCPU),
            Self::Bytes => format!("{value:.0} bytes"),
            Self::BytesPerSecond => format!("{value:.0} bytes/s"),
            Self::Megabytes => format!("{value:.0} MB"),
            Self::Gigabytes => format!("{} GB", short(value, 1)),
            Self::Seconds if value.abs() >= 7200.0 => format!("{} h", short(value / 3600.0, 1)),
            Self::Seconds if value.abs() >= 120.0 => format!("{} min", short(value / 60.0, 1)),
            Self::Seconds => format!("{} s", short(value, 2)),
            Self::Milliseconds => format!("{value:.0} ms"),
        }
    }
}

/// Rounds to at most `digits` decimal places and removes trailing zeros: most thresholds are round
/// numbers.
fn short(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// CPU units in one vCPU (Amazon ECS Developer Guide, "Task size").
pub const CPU_UNITS_PER_VCPU: f64 = 1024.0;

/// One query to CloudWatch; each time `GetMetricData` requests it, it is billed as one metric.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MetricQuery {
    /// The metric.
    pub metric: Metric,
    /// Statistic of each period.
    pub statistic: Statistic,
    /// Length of a period.
    #[serde(rename = "period_seconds")]
    pub period: Period,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_shown_without_insignificant_digits() {
        for (unit, value, text) in [
            (Unit::Percent, 80.0, "80 %"),
            (Unit::Percent, 93.14, "93.1 %"),
            (Unit::Percent, -0.01, "0 %"),
            (Unit::Count, 2.0, "2"),
            (Unit::Count, 100.0 / 3.0, "33.33"),
            (Unit::Count, 1200.0, "1200"),
            (Unit::CpuUnits, 819.2, "0.80 vCPU"),
            (Unit::Gigabytes, 20.0, "20 GB"),
            (Unit::Seconds, 90.0, "90 s"),
            (Unit::Seconds, 900.0, "15 min"),
            (Unit::Seconds, 9000.0, "2.5 h"),
            (Unit::Seconds, 0.25, "0.25 s"),
            (Unit::Milliseconds, 12.6, "13 ms"),
        ] {
            assert_eq!(unit.show(value), text, "{unit:?}");
        }
    }

    #[test]
    fn the_order_of_dimensions_does_not_matter() {
        let one = Dimensions::new([("ServiceName", "web"), ("ClusterName", "shop")]);
        let other = Dimensions::new([("ClusterName", "shop"), ("ServiceName", "web")]);
        assert_eq!(one, other);
        assert_eq!(one.to_string(), "{ClusterName=shop, ServiceName=web}");
        assert_ne!(one, Dimensions::new([("ClusterName", "shop")]));
    }

    #[test]
    fn statistics_are_spelled_as_in_cloudwatch() {
        for text in ["Average", "Maximum", "Minimum", "SampleCount", "Sum", "p99", "p99.9", "p0", "p100"] {
            assert_eq!(text.parse::<Statistic>().unwrap().as_str(), text);
        }
        for text in ["average", "p101", "p", "p-1", "pNaN", "p1e1", "Mean"] {
            assert!(text.parse::<Statistic>().is_err(), "{text}");
        }
    }

    #[test]
    fn periods_are_whole_minutes() {
        assert_eq!(Period::from_seconds(300).unwrap(), Period::FIVE_MINUTES);
        for seconds in [0, -60, 59, 90, 86_460, i64::MAX] {
            assert!(Period::from_seconds(seconds).is_err(), "{seconds}");
        }
    }
}
