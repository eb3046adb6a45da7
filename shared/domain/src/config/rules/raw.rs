//! A rule as the file has it. Doc comments of the fields are what editors show, by way of the JSON Schema.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::super::read::{At, Either};
use crate::model::metric::Unit;
use crate::rules::pattern::NamePattern;
use crate::rules::{Comparison, DurationText, MissingData, Scope, Severity, SourceKind, ThresholdText};

/// What is judged, against which threshold, and what it means when it fires.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename = "rule", deny_unknown_fields, rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::config) struct RawRule {
    /// Name, unique in the file: up to 100 characters, none of them `#`. A rule with the name of a built-in one replaces it.
    #[cfg_attr(test, schemars(required, length(min = 1, max = 100), regex(pattern = "^[^#]*$")))]
    pub name: Option<At<String>>,
    /// Whether the rule is judged. With `false` a built-in rule of this name is turned off, and nothing else is needed.
    /// Default: true.
    pub enabled: Option<At<bool>>,
    /// What is judged: a word such as `memory-percent`, a namespace and a metric of ECS such as
    /// `ECS/ContainerInsights CpuUtilized`, or any metric of CloudWatch by its namespace, name and dimensions.
    #[cfg_attr(test, schemars(required))]
    pub what: Option<Either<WhatText, RawMetric>>,
    /// Which source of the measure is asked, where it has several: cloudwatch or ecs-api. Default: the first that can answer.
    pub source: Option<At<SourceKind>>,
    /// How the samples of a period become one value: Average, Maximum, Minimum, Sum, `SampleCount`, or a percentile such as
    /// p99. Default: Average, Maximum of what is sampled on EKS, and Sum of counters of `AWS/EKS`.
    pub statistic: Option<At<StatisticText>>,
    /// Whether each cluster as a whole, each service or family of task definitions of ECS, or each workload on EKS is judged.
    /// Default: service.
    pub scope: Option<At<Scope>>,
    /// Patterns of cluster names, `*` for any part. Default: all.
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub clusters: Option<At<Vec<At<NamePattern>>>>,
    /// Patterns of service names, for scope service. Default: all.
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub services: Option<At<Vec<At<NamePattern>>>>,
    /// Patterns of task families, for scope task-family. Default: all.
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub task_families: Option<At<Vec<At<NamePattern>>>>,
    /// Patterns of Kubernetes namespaces, for scope workload. Default: all.
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub namespaces: Option<At<Vec<At<NamePattern>>>>,
    /// Patterns of names of workloads, for scope workload. Default: all.
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub workloads: Option<At<Vec<At<NamePattern>>>>,
    /// Tags that the cluster must have: keys with patterns of their values. Default: none.
    pub tags: Option<At<BTreeMap<String, At<NamePattern>>>>,
    /// The threshold: a number in the unit of the measure, or with a unit such as `80 %`, `0.8 vCPU`, `4 GB`.
    #[cfg_attr(test, schemars(required))]
    pub threshold: Option<At<ThresholdText>>,
    /// An alarm ends only when this threshold is kept, too. Default: the threshold itself.
    pub clear_threshold: Option<At<ThresholdText>>,
    /// How a value is compared with the threshold to breach it.
    #[cfg_attr(test, schemars(required))]
    pub comparison: Option<At<Comparison>>,
    /// Length of a period in seconds, a multiple of 60. Default: 60, and 300 of what is sampled on EKS.
    #[cfg_attr(test, schemars(range(min = 60, max = 86400), extend("multipleOf" = 60)))]
    pub period: Option<At<i64>>,
    /// N: how many periods are looked at. N periods are at most a day.
    #[cfg_attr(test, schemars(required, range(min = 1, max = 60)))]
    pub evaluation_periods: Option<At<u32>>,
    /// M: how many of the N periods must breach. Default: all of them.
    #[cfg_attr(test, schemars(range(min = 1, max = 60)))]
    pub datapoints_to_alarm: Option<At<u32>>,
    /// What a period without data counts as. Default: missing.
    pub treat_missing_data: Option<At<MissingData>>,
    /// How long an alarm lasts at least, such as 10m; at most 7d. Default: it ends as soon as it may.
    pub minimum_hold: Option<At<DurationText>>,
    /// How bad it is. Default: warning.
    pub severity: Option<At<Severity>>,
    /// What to do about it, for the reader of the mail.
    pub message: Option<At<String>>,
    /// An alarm that lasts is told again after this time, 5m to 30d, or never. Default: 24h.
    pub remind_every: Option<At<RemindText>>,
    /// When nothing is told because work is planned.
    pub maintenance: Option<At<Vec<At<RawMaintenance>>>>,
    /// Whether nothing is told of a service while it is being deployed. Default: false.
    pub quiet_during_deployment: Option<At<bool>>,
    /// Names of other rules. While one of them is in alarm on the same subject or its cluster, nothing is told.
    pub unless: Option<Either<String, Vec<At<String>>>>,
}

impl RawRule {
    /// Its name, if it has one.
    pub(super) fn name(&self) -> Option<&str> {
        self.name.as_ref()?.value.as_deref()
    }

    /// Whether it is judged.
    pub(super) fn is_enabled(&self) -> bool {
        self.enabled.as_ref().and_then(|at| at.value).unwrap_or(true)
    }
}

/// Any metric of CloudWatch.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "metric"))]
pub(in crate::config) struct RawMetric {
    /// Namespace such as AWS/SQS.
    #[cfg_attr(test, schemars(required, length(min = 1)))]
    pub namespace: Option<At<String>>,
    /// Name of the metric.
    #[cfg_attr(test, schemars(required, length(min = 1)))]
    pub metric: Option<At<String>>,
    /// The exact set of its dimensions. Values may hold {cluster}, {service}, {task-family}, {namespace}
    /// and {workload}. Default: none.
    pub dimensions: Option<At<BTreeMap<String, At<String>>>>,
    /// Unit of its values, to read the threshold and to write the mail. Default: none.
    pub unit: Option<At<UnitWord>>,
}

/// Planned work that comes again.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "maintenance"))]
pub(in crate::config) struct RawMaintenance {
    /// When it begins: minute, hour, day of the month, month and weekday, as in crontab(5).
    #[cfg_attr(test, schemars(required, regex(pattern = r"^\s*\S+(\s+\S+){4}\s*$")))]
    pub cron: Option<At<String>>,
    /// How long it lasts, such as 2h: 1m to 7d.
    #[cfg_attr(test, schemars(required))]
    pub duration: Option<At<DurationText>>,
    /// IANA name of the time zone such as Europe/Berlin. Default: UTC.
    pub time_zone: Option<At<String>>,
}

/// A word for what is judged, or namespace and metric.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub(in crate::config) struct WhatText(pub String);

/// A statistic's name.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub(in crate::config) struct StatisticText(pub String);

/// A duration or `never`.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub(in crate::config) struct RemindText(pub String);

/// Unit of a metric that the user spells out.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "unit"))]
pub(in crate::config) enum UnitWord {
    Percent,
    Count,
    CpuUnits,
    Megabytes,
    Gigabytes,
    Bytes,
    #[serde(rename = "bytes/second")]
    BytesPerSecond,
    Seconds,
    Milliseconds,
    None,
}

impl From<UnitWord> for Unit {
    fn from(word: UnitWord) -> Self {
        match word {
            UnitWord::Percent => Self::Percent,
            UnitWord::Count | UnitWord::None => Self::Count,
            UnitWord::CpuUnits => Self::CpuUnits,
            UnitWord::Megabytes => Self::Megabytes,
            UnitWord::Gigabytes => Self::Gigabytes,
            UnitWord::Bytes => Self::Bytes,
            UnitWord::BytesPerSecond => Self::BytesPerSecond,
            UnitWord::Seconds => Self::Seconds,
            UnitWord::Milliseconds => Self::Milliseconds,
        }
    }
}
