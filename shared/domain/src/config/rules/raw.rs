//! A rule as written in the file. Editors show the doc comments of the fields, through the JSON
//! Schema.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::super::read::{At, Either};
use crate::model::metric::Unit;
use crate::rules::pattern::NamePattern;
use crate::rules::{Comparison, DurationText, MissingData, Scope, Severity, SourceKind, ThresholdText};

/// An alarm rule: what it evaluates, the threshold, and how it notifies.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename = "rule", deny_unknown_fields, rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::config) struct RawRule {
    /// Name, unique in the file: up to 100 characters, none of them `#`. A rule with the name of a
    /// built-in one replaces it.
    #[cfg_attr(test, schemars(required, length(min = 1, max = 100), regex(pattern = "^[^#]*$")))]
    pub name: Option<At<String>>,
    /// Whether the rule is evaluated. `false` turns off the built-in rule with this name; no other
    /// keys are needed then. Default: true.
    pub enabled: Option<At<bool>>,
    /// The measure: a word such as `memory-percent`, namespace and name of an ECS metric such as
    /// `ECS/ContainerInsights CpuUtilized`, any CloudWatch metric by its namespace, name and
    /// dimensions, or what a saved query of logs finds.
    #[cfg_attr(test, schemars(required))]
    pub what: Option<Either<WhatText, RawMetric>>,
    /// For `task-deaths`: the classes that count, such as OOM or PULL_*, from docs/causes.md.
    /// Default: all failures.
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub classes: Option<At<Vec<At<NamePattern>>>>,
    /// For `http-5xx-percent` and `response-time`: a period with fewer requests does not count.
    /// Default: every period counts.
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub minimum_samples: Option<At<u32>>,
    /// The source of a measure that has several: cloudwatch or ecs-api. Default: the first one that
    /// has the data.
    pub source: Option<At<SourceKind>>,
    /// How the samples of a period become one value: Average, Maximum, Minimum, Sum, `SampleCount`,
    /// or a percentile such as p99. Default: Average; Maximum for EKS samples, Sum for counters of
    /// `AWS/EKS`.
    pub statistic: Option<At<StatisticText>>,
    /// What the rule is evaluated for: each cluster as a whole, each ECS service or task definition
    /// family, each EKS workload, or each log group. Default: service; for a saved query of logs,
    /// what the query names.
    pub scope: Option<At<Scope>>,
    /// Cluster name patterns, `*` for any part. Default: all.
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub clusters: Option<At<Vec<At<NamePattern>>>>,
    /// Service name patterns, for the scopes service, task and container. Default: all.
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub services: Option<At<Vec<At<NamePattern>>>>,
    /// What the tasks of the service run on, for scope service: fargate, fargate-spot, ec2,
    /// managed-instances or external, or patterns of them. Default: all.
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub runs_on: Option<At<Vec<At<NamePattern>>>>,
    /// Task family patterns, for the scopes task-family, task and container. Default: all.
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub task_families: Option<At<Vec<At<NamePattern>>>>,
    /// Container name patterns, for scope container. Default: all.
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub containers: Option<At<Vec<At<NamePattern>>>>,
    /// Kubernetes namespace patterns, for scope workload. Default: all.
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub namespaces: Option<At<Vec<At<NamePattern>>>>,
    /// Workload name patterns, for scope workload. Default: all.
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub workloads: Option<At<Vec<At<NamePattern>>>>,
    /// Tags that the cluster must have: keys with value patterns. Default: none.
    pub tags: Option<At<BTreeMap<String, At<NamePattern>>>>,
    /// The threshold: a number in the unit of the measure, or with a unit such as `80 %`, `0.8
    /// vCPU`, `4 GB`.
    #[cfg_attr(test, schemars(required))]
    pub threshold: Option<At<ThresholdText>>,
    /// An alarm ends only when values no longer breach this threshold either. Default: the
    /// threshold itself.
    pub clear_threshold: Option<At<ThresholdText>>,
    /// The comparison by which a value breaches the threshold.
    #[cfg_attr(test, schemars(required))]
    pub comparison: Option<At<Comparison>>,
    /// Length of a period in seconds, a multiple of 60. Default: 60; 300 for EKS samples and logs.
    #[cfg_attr(test, schemars(range(min = 60, max = 86400), extend("multipleOf" = 60)))]
    pub period: Option<At<i64>>,
    /// N: the number of periods to evaluate, which may cover at most a day.
    #[cfg_attr(test, schemars(required, range(min = 1, max = 60)))]
    pub evaluation_periods: Option<At<u32>>,
    /// M: how many of the N periods must breach. Default: all.
    #[cfg_attr(test, schemars(range(min = 1, max = 60)))]
    pub datapoints_to_alarm: Option<At<u32>>,
    /// What a period without data counts as. Default: missing.
    pub treat_missing_data: Option<At<MissingData>>,
    /// Minimum duration of an alarm, such as 10m; at most 7d. Default: it ends as soon as values
    /// recover.
    pub minimum_hold: Option<At<DurationText>>,
    /// The severity. Default: warning.
    pub severity: Option<At<Severity>>,
    /// What to do about it, shown in the notification.
    pub message: Option<At<String>>,
    /// Interval of reminders while an alarm lasts, 5m to 30d, or never. Default: 24h.
    pub remind_every: Option<At<RemindText>>,
    /// Planned maintenance, during which nothing is notified.
    pub maintenance: Option<At<Vec<At<RawMaintenance>>>>,
    /// Whether nothing is notified about a service while it is being deployed. Default: false.
    pub quiet_during_deployment: Option<At<bool>>,
    /// Names of other rules. While one of them is in alarm on the same subject or its cluster, this
    /// rule does not notify.
    pub unless: Option<Either<String, Vec<At<String>>>>,
}

impl RawRule {
    /// Its name, if it has one.
    pub(super) fn name(&self) -> Option<&str> {
        self.name.as_ref()?.value.as_deref()
    }

    /// Whether it is evaluated.
    pub(super) fn is_enabled(&self) -> bool {
        self.enabled.as_ref().and_then(|at| at.value).unwrap_or(true)
    }
}

/// Any CloudWatch metric, or what a saved query of logs finds.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "metric"))]
pub(in crate::config) struct RawMetric {
    /// Namespace such as AWS/SQS.
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub namespace: Option<At<String>>,
    /// Name of the metric.
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub metric: Option<At<String>>,
    /// The exact set of its dimensions. Values may hold {cluster}, {service}, {task-family},
    /// {namespace} and {workload}. Default: none.
    pub dimensions: Option<At<BTreeMap<String, At<String>>>>,
    /// Unit of its values, for reading the threshold and for notifications. Default: none.
    pub unit: Option<At<UnitWord>>,
    /// Name of a saved query, which runs with alarms; instead of namespace and metric.
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub log_query: Option<At<String>>,
    /// What is read of the query's result: count, the number of selected events of a period, or a
    /// field of its own. Default: count.
    pub field: Option<At<String>>,
}

/// A recurring maintenance window.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "maintenance"))]
pub(in crate::config) struct RawMaintenance {
    /// When it starts: minute, hour, day of the month, month and weekday, as in crontab(5).
    #[cfg_attr(test, schemars(required, regex(pattern = r"^\s*\S+(\s+\S+){4}\s*$")))]
    pub cron: Option<At<String>>,
    /// How long it lasts, such as 2h: 1m to 7d.
    #[cfg_attr(test, schemars(required))]
    pub duration: Option<At<DurationText>>,
    /// IANA name of the time zone such as Europe/Berlin. Default: UTC.
    pub time_zone: Option<At<String>>,
}

/// A word for the measure, or namespace and metric.
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

/// Unit of a custom metric.
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
