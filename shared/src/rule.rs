//! Alarm rules: what is judged, against which threshold, and what it means when it fires.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::catalogue::{self, AWS_ECS, CONTAINER_INSIGHTS, CatalogueMetric, DimensionSet};
use crate::cluster::{BadName, ClusterName, ServiceName};
use crate::derive::Formula;
use crate::insights::InsightsLevel;
use crate::metric::{CPU_UNITS_PER_VCPU, Period, Statistic, Unit};
use crate::pattern::NamePattern;

/// A rule of the user's file, checked: it can be judged.
#[derive(Debug, Clone, PartialEq)]
pub struct AlarmRule {
    /// Name, unique in the file.
    pub name: String,
    /// What is judged.
    pub measure: Measure,
    /// Statistic of each period.
    pub statistic: Statistic,
    /// Whether clusters or services are judged.
    pub scope: Scope,
    /// Clusters it applies to: those that fit one of the patterns.
    pub clusters: Vec<NamePattern>,
    /// Services it applies to: those that fit one of the patterns.
    pub services: Vec<NamePattern>,
    /// When it fires.
    pub condition: Condition,
    /// Length of a period.
    pub period: Period,
    /// How bad it is.
    pub severity: Severity,
    /// What to do about it, for the reader of the summary.
    pub message: Option<String>,
}

/// When a rule fires: M of the newest N periods breach the threshold (CloudWatch User Guide, "Evaluating an alarm").
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Condition {
    /// How a value is compared with the threshold to breach it.
    pub comparison: Comparison,
    /// The threshold, in the unit of the measure.
    pub threshold: f64,
    /// N: how many periods are looked at.
    pub evaluation_periods: u32,
    /// M: how many of them must breach.
    pub datapoints_to_alarm: u32,
    /// What a period without data counts as.
    pub treat_missing_data: MissingData,
}

/// CloudWatch's words for comparing a value with the threshold (`ComparisonOperator`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Comparison {
    /// `>`
    GreaterThanThreshold,
    /// `>=`
    GreaterThanOrEqualToThreshold,
    /// `<`
    LessThanThreshold,
    /// `<=`
    LessThanOrEqualToThreshold,
}

impl Comparison {
    /// Whether the value breaches the threshold.
    pub fn breaches(self, value: f64, threshold: f64) -> bool {
        match self {
            Self::GreaterThanThreshold => value > threshold,
            Self::GreaterThanOrEqualToThreshold => value >= threshold,
            Self::LessThanThreshold => value < threshold,
            Self::LessThanOrEqualToThreshold => value <= threshold,
        }
    }

    /// The comparison in words, as in "were over 80 %".
    pub fn words(self) -> &'static str {
        match self {
            Self::GreaterThanThreshold => "over",
            Self::GreaterThanOrEqualToThreshold => "at or over",
            Self::LessThanThreshold => "under",
            Self::LessThanOrEqualToThreshold => "at or under",
        }
    }

    /// Of two values the one that is worse for the reader.
    pub fn worse(self, a: f64, b: f64) -> f64 {
        match self {
            Self::GreaterThanThreshold | Self::GreaterThanOrEqualToThreshold => a.max(b),
            Self::LessThanThreshold | Self::LessThanOrEqualToThreshold => a.min(b),
        }
    }
}

/// CloudWatch's words for what a period without data counts as (`TreatMissingData`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MissingData {
    /// Nothing: with no data at all the state is `INSUFFICIENT_DATA`.
    #[default]
    Missing,
    /// Nothing: the state stays what it was.
    Ignore,
    /// A period that breaches.
    Breaching,
    /// A period that does not.
    NotBreaching,
}

/// How bad an alarm is; the worst comes first in a summary.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Users notice.
    Critical,
    /// Users will notice if nobody acts.
    #[default]
    Warning,
    /// Good to know.
    Info,
}

impl Severity {
    /// The word of the user's file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

/// What a rule is judged on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Each cluster as a whole.
    Cluster,
    /// Each service.
    #[default]
    Service,
}

/// What is judged: one metric, a value derived from two, or what ECS itself says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Measure {
    /// A metric of the catalogue.
    Metric(&'static CatalogueMetric),
    /// A value computed from two metrics with the same dimensions.
    Derived {
        /// How it is computed.
        formula: Formula,
        /// Left side of the formula.
        first: &'static CatalogueMetric,
        /// Right side of the formula.
        second: &'static CatalogueMetric,
        /// Unit of the result.
        unit: Unit,
        /// What the result is called in a summary.
        label: &'static str,
    },
    /// Tasks that should run while not a single one does, by `DescribeServices`. Such a service publishes no metrics,
    /// so no metric can tell.
    NothingRunning,
}

/// The short words for `what:` that need no namespace.
pub const WORDS: [&str; 7] = [
    "memory-percent",
    "cpu-percent",
    "memory-percent-of-reservation",
    "cpu-percent-of-reservation",
    "ephemeral-storage-percent",
    "running-below-desired",
    "nothing-running",
];

impl Measure {
    /// Unit of its values.
    pub fn unit(self) -> Unit {
        match self {
            Self::Metric(metric) => metric.unit,
            Self::Derived { unit, .. } => unit,
            Self::NothingRunning => Unit::Count,
        }
    }

    /// What it is called in a summary, such as `memory` in "memory 93.1 %".
    pub fn label(self) -> &'static str {
        match self {
            Self::Metric(metric) if metric.namespace == AWS_ECS && metric.name == "MemoryUtilization" => {
                "memory"
            }
            Self::Metric(metric) if metric.namespace == AWS_ECS && metric.name == "CPUUtilization" => "CPU",
            Self::Metric(metric) => metric.name,
            Self::Derived { label, .. } => label,
            Self::NothingRunning => "tasks missing",
        }
    }

    /// Metrics that must be asked for.
    pub fn metrics(self) -> impl Iterator<Item = &'static CatalogueMetric> {
        let (first, second) = match self {
            Self::Metric(metric) => (Some(metric), None),
            Self::Derived { first, second, .. } => (Some(first), Some(second)),
            Self::NothingRunning => (None, None),
        };
        first.into_iter().chain(second)
    }

    /// Least setting of Container Insights with which a cluster publishes what is needed.
    pub fn needs(self) -> InsightsLevel {
        self.metrics().map(|metric| metric.needs).max().unwrap_or_default()
    }

    /// Whether it exists for that scope.
    pub fn supports(self, scope: Scope) -> bool {
        let set = match scope {
            Scope::Cluster => DimensionSet::Cluster,
            Scope::Service => DimensionSet::Service,
        };
        (self != Self::NothingRunning || scope == Scope::Service)
            && self.metrics().all(|metric| metric.dimension_sets.contains(&set))
    }
}

impl FromStr for Measure {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        let bad = || BadName {
            text: text.to_owned(),
            what: "measure",
            expected: "memory-percent, cpu-percent, memory-percent-of-reservation, cpu-percent-of-reservation, \
                       ephemeral-storage-percent, running-below-desired, nothing-running, or a namespace and a metric \
                       of the catalogue such as `ECS/ContainerInsights CpuUtilized`",
        };
        let metric = |namespace, name| catalogue::find(namespace, name).ok_or_else(bad);
        let derived = |formula, first, second, unit, label| {
            let (first, second) = (metric(CONTAINER_INSIGHTS, first)?, metric(CONTAINER_INSIGHTS, second)?);
            Ok(Self::Derived { formula, first, second, unit, label })
        };
        let percent = |first, second, label| derived(Formula::PercentOf, first, second, Unit::Percent, label);
        match text {
            "memory-percent" => Ok(Self::Metric(metric(AWS_ECS, "MemoryUtilization")?)),
            "cpu-percent" => Ok(Self::Metric(metric(AWS_ECS, "CPUUtilization")?)),
            "memory-percent-of-reservation" => percent("MemoryUtilized", "MemoryReserved", "memory"),
            "cpu-percent-of-reservation" => percent("CpuUtilized", "CpuReserved", "CPU"),
            "ephemeral-storage-percent" => {
                percent("EphemeralStorageUtilized", "EphemeralStorageReserved", "ephemeral storage")
            }
            "running-below-desired" => {
                let (desired, running) = ("DesiredTaskCount", "RunningTaskCount");
                derived(Formula::Minus, desired, running, Unit::Count, "tasks missing")
            }
            "nothing-running" => Ok(Self::NothingRunning),
            _ => {
                let (namespace, name) = text.split_once(' ').ok_or_else(bad)?;
                Ok(Self::Metric(metric(namespace, name.trim())?))
            }
        }
    }
}

/// A threshold as a person writes it: a number in the measure's own unit, or a number with `vCPU`, `%`, `MB` or `GB`.
#[derive(Debug, Clone, PartialEq)]
pub struct ThresholdText(pub String);

impl ThresholdText {
    /// The threshold in the measure's unit. CloudWatch counts CPU in units of 1/1024 vCPU, so `0.8 vCPU` is 819.2.
    pub fn in_unit(&self, unit: Unit) -> Result<f64, BadName> {
        let text = self.0.trim();
        let split = text.find(|c: char| c.is_alphabetic() || c == '%').unwrap_or(text.len());
        let (number, suffix) = (text[..split].trim(), text[split..].trim());
        let factor = match (suffix, unit) {
            ("", _) | ("%", Unit::Percent) | ("MB", Unit::Megabytes) | ("GB", Unit::Gigabytes) => Some(1.0),
            ("vCPU", Unit::CpuUnits) => Some(CPU_UNITS_PER_VCPU),
            ("GB", Unit::Megabytes) => Some(1024.0),
            _ => None,
        };
        match (number.parse::<f64>(), factor) {
            (Ok(value), Some(factor)) if value.is_finite() => Ok(value * factor),
            _ => Err(BadName {
                text: self.0.clone(),
                what: "threshold for this measure",
                expected: match unit {
                    Unit::Percent => "a number of percent such as 80 or `80 %`",
                    Unit::CpuUnits => "CPU units such as 819.2, or `0.8 vCPU`",
                    Unit::Megabytes => "a number of megabytes such as 412, or `412 MB` or `2 GB`",
                    Unit::Gigabytes => "a number of gigabytes such as 18 or `18 GB`",
                    Unit::Count | Unit::Bytes | Unit::BytesPerSecond => "a number",
                },
            }),
        }
    }
}

impl AlarmRule {
    /// Whether the rule applies to the cluster.
    pub fn selects_cluster(&self, cluster: &ClusterName) -> bool {
        self.clusters.iter().any(|pattern| pattern.matches(cluster.as_str()))
    }

    /// Whether the rule applies to the service.
    pub fn selects_service(&self, cluster: &ClusterName, service: &ServiceName) -> bool {
        self.selects_cluster(cluster) && self.services.iter().any(|pattern| pattern.matches(service.as_str()))
    }
}

/// What a verdict is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Subject {
    /// The cluster.
    pub cluster: ClusterName,
    /// The service; none if the cluster as a whole is meant.
    pub service: Option<ServiceName>,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.service {
            Some(service) => write!(f, "{}/{service}", self.cluster),
            None => write!(f, "{}", self.cluster),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn threshold(text: &str, unit: Unit) -> Result<f64, BadName> {
        ThresholdText(text.to_owned()).in_unit(unit)
    }

    #[test]
    fn every_word_is_a_measure_and_nonsense_is_none() {
        for word in WORDS {
            assert!(word.parse::<Measure>().unwrap().supports(Scope::Service), "{word}");
        }
        assert!("ECS/ContainerInsights CpuUtilized".parse::<Measure>().unwrap().supports(Scope::Cluster));
        for text in ["memory", "AWS/ECS memoryutilization", "AWS/EC2 CPUUtilization", ""] {
            assert!(text.parse::<Measure>().is_err(), "{text}");
        }
    }

    #[test]
    fn t1_a_percentage_threshold_is_only_taken_by_a_percentage() {
        let percent: Measure = "memory-percent-of-reservation".parse().unwrap();
        assert_eq!(percent.unit(), Unit::Percent);
        let amount: Measure = "ECS/ContainerInsights MemoryUtilized".parse().unwrap();
        assert!(threshold("80 %", amount.unit()).is_err());
    }

    #[test]
    fn t2_a_threshold_in_vcpu_is_scaled_to_cpu_units() {
        assert_eq!(threshold("0.8 vCPU", Unit::CpuUnits).unwrap(), 819.2);
        assert_eq!(threshold("819.2", Unit::CpuUnits).unwrap(), 819.2);
        assert_eq!(threshold("2 GB", Unit::Megabytes).unwrap(), 2048.0);
        assert!(threshold("0.8 vCPU", Unit::Percent).is_err());
        for text in ["", "high", "% 80", "80 % %", "inf"] {
            assert!(threshold(text, Unit::Percent).is_err(), "{text}");
        }
    }

    #[test]
    fn needs_follow_the_catalogue() {
        assert_eq!("cpu-percent".parse::<Measure>().unwrap().needs(), InsightsLevel::Disabled);
        assert_eq!("running-below-desired".parse::<Measure>().unwrap().needs(), InsightsLevel::Enabled);
        let enhanced: Measure = "ECS/ContainerInsights TaskCpuUtilization".parse().unwrap();
        assert_eq!(enhanced.needs(), InsightsLevel::Enhanced);
    }
}
