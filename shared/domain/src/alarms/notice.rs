//! Notices: what fargaze notifies people of about an alarm.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::alarms::evaluate::AlarmState;
use crate::deaths::DeathSummary;
use crate::evidence::pods::NamedPod;
use crate::model::metric::{Metric, Period, Statistic, Unit};
use crate::model::subject::Subject;
use crate::rules::{Comparison, Mute, Severity};

/// The kind of a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoticeKind {
    /// An alarm began.
    Began,
    /// An alarm ended after it was notified.
    Ended,
    /// A notified alarm is still active.
    Reminder,
    /// The alarm could not be evaluated for longer than its rule looks back.
    Blind,
    /// CloudWatch has no data where there should be some: for a notified alarm, or a service with
    /// running tasks.
    NoData,
    /// The alarm can be evaluated again.
    SeenAgain,
    /// The alarm is no longer evaluated: its service or its rule was deleted.
    Deleted,
}

/// A notification about an alarm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// Stable id: the same notice has the same id, however often it is produced.
    pub id: String,
    /// Name of the rule.
    pub rule: String,
    /// Severity of the rule.
    pub severity: Severity,
    /// The subject of the alarm.
    pub subject: Subject,
    /// State before.
    pub from: AlarmState,
    /// State after.
    pub to: AlarmState,
    /// End of the period in which the alarm began or ended; for other kinds, end of the newest
    /// period.
    pub at: Timestamp,
    /// Since when the previous state had lasted; for a reminder since when the alarm has lasted,
    /// for `Blind`, `NoData` and `SeenAgain` since when it could not be evaluated. `None` if
    /// unknown.
    pub since: Option<Timestamp>,
    /// Its kind, with the content of that kind.
    #[serde(flatten)]
    pub body: NoticeBody,
}

/// The content of a notice, by kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum NoticeBody {
    /// An alarm began.
    Began {
        /// What was evaluated; for an alarm that was muted, the newest values.
        #[serde(flatten)]
        evaluation: Evaluation,
        /// What muted the alarm, if it began before this notification.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        late: Option<Mute>,
        /// The known reason, such as what ECS reports about the service.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
        /// The pod to check first, if `why` names one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pod: Option<NamedPod>,
        /// The deaths of tasks behind it, for a service.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        deaths: Vec<DeathSummary>,
        /// Rules whose alarms on the same subject are not notified because of this one.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        hidden: Vec<String>,
    },
    /// An alarm ended after it was notified.
    Ended {
        /// What was evaluated.
        #[serde(flatten)]
        evaluation: Evaluation,
    },
    /// A notified alarm is still active.
    Reminder {
        /// What was evaluated.
        #[serde(flatten)]
        evaluation: Evaluation,
        /// The currently known reason.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
        /// The pod to check first, if `why` names one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pod: Option<NamedPod>,
        /// The deaths of tasks behind it, for a service.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        deaths: Vec<DeathSummary>,
    },
    /// The alarm could not be evaluated for longer than its rule looks back.
    Blind {
        /// What was evaluated.
        #[serde(flatten)]
        evaluation: Evaluation,
        /// Why it could not be evaluated.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
    /// CloudWatch has no data where there should be some.
    NoData {
        /// What was evaluated.
        #[serde(flatten)]
        evaluation: Evaluation,
        /// Why there should be some: how many tasks run, if the service was described.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
    /// The alarm can be evaluated again.
    SeenAgain {
        /// What was evaluated.
        #[serde(flatten)]
        evaluation: Evaluation,
    },
    /// The alarm is no longer evaluated.
    Deleted,
}

/// What was evaluated, and with which condition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Name of the measure.
    pub label: String,
    /// Unit of the values.
    pub unit: Unit,
    /// How values are compared with the threshold.
    pub comparison: Comparison,
    /// The threshold.
    pub threshold: f64,
    /// Values of the newest N periods, oldest first; `None` where there was no data. If only older
    /// periods of the evaluation range have a value, the values of the whole range.
    pub values: Vec<Option<f64>>,
    /// End of the newest of the values.
    #[serde(rename = "values_end")]
    pub until: Timestamp,
    /// Length of a period.
    #[serde(rename = "period_seconds")]
    pub period: Period,
    /// When each value was sampled; empty if the values belong to periods.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sampled_at: Vec<Timestamp>,
    /// The CloudWatch query; `None` if the value came from ECS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<MetricSource>,
    /// The rule's message: what to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// The metrics behind a value: one, or the two of a derived value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetricSource {
    /// The metrics.
    pub metrics: Vec<Metric>,
    /// Statistic for each period.
    pub statistic: Statistic,
}

impl Notice {
    /// Its kind.
    pub fn kind(&self) -> NoticeKind {
        self.body.kind()
    }

    /// What was evaluated; `None` for an alarm that is no longer evaluated.
    pub fn evaluation(&self) -> Option<&Evaluation> {
        match &self.body {
            NoticeBody::Began { evaluation, .. }
            | NoticeBody::Ended { evaluation }
            | NoticeBody::Reminder { evaluation, .. }
            | NoticeBody::Blind { evaluation, .. }
            | NoticeBody::NoData { evaluation, .. }
            | NoticeBody::SeenAgain { evaluation } => Some(evaluation),
            NoticeBody::Deleted => None,
        }
    }

    /// The known reason.
    pub fn why(&self) -> Option<&str> {
        match &self.body {
            NoticeBody::Began { why, .. }
            | NoticeBody::Reminder { why, .. }
            | NoticeBody::Blind { why, .. }
            | NoticeBody::NoData { why, .. } => why.as_deref(),
            NoticeBody::Ended { .. } | NoticeBody::SeenAgain { .. } | NoticeBody::Deleted => None,
        }
    }

    /// The pod to check first.
    pub fn pod(&self) -> Option<&NamedPod> {
        match &self.body {
            NoticeBody::Began { pod, .. } | NoticeBody::Reminder { pod, .. } => pod.as_ref(),
            _ => None,
        }
    }

    /// The deaths of tasks behind it.
    pub fn deaths(&self) -> &[DeathSummary] {
        match &self.body {
            NoticeBody::Began { deaths, .. } | NoticeBody::Reminder { deaths, .. } => deaths,
            _ => &[],
        }
    }

    /// Rules whose alarms on the same subject are not notified because of this one.
    pub fn hidden(&self) -> &[String] {
        match &self.body {
            NoticeBody::Began { hidden, .. } => hidden,
            _ => &[],
        }
    }

    /// What muted the alarm, if it began before this notification.
    pub fn late(&self) -> Option<&Mute> {
        match &self.body {
            NoticeBody::Began { late, .. } => late.as_ref(),
            _ => None,
        }
    }
}

impl NoticeBody {
    /// The kind.
    pub fn kind(&self) -> NoticeKind {
        match self {
            Self::Began { .. } => NoticeKind::Began,
            Self::Ended { .. } => NoticeKind::Ended,
            Self::Reminder { .. } => NoticeKind::Reminder,
            Self::Blind { .. } => NoticeKind::Blind,
            Self::NoData { .. } => NoticeKind::NoData,
            Self::SeenAgain { .. } => NoticeKind::SeenAgain,
            Self::Deleted => NoticeKind::Deleted,
        }
    }
}

impl Evaluation {
    /// The worst value and its time: the start of its period, as in CloudWatch, or the time at
    /// which the sample was taken. The newest among equals.
    pub fn worst_at(&self) -> Option<(f64, Timestamp)> {
        let worst = self.worst()?;
        let age = self.values.iter().rev().position(|value| *value == Some(worst))?;
        if let Some(sampled) = self.sampled_at.iter().rev().nth(age) {
            return Some((worst, *sampled));
        }
        let seconds = i64::try_from(age + 1).ok()?.checked_mul(self.period.seconds())?;
        let time = self.until.checked_sub(SignedDuration::from_secs(seconds)).ok()?;
        Some((worst, time))
    }

    /// Start of the oldest value: the start of its period, or the time of the sample.
    pub fn begin(&self) -> Timestamp {
        if let Some(first) = self.sampled_at.first() {
            return *first;
        }
        let seconds = i64::try_from(self.values.len()).unwrap_or(0).saturating_mul(self.period.seconds());
        self.until - SignedDuration::from_secs(seconds)
    }

    /// Values that breached.
    pub fn breaching(&self) -> impl Iterator<Item = f64> + '_ {
        self.values.iter().flatten().copied().filter(|&value| self.comparison.breaches(value, self.threshold))
    }

    /// The worst of all values.
    pub fn worst(&self) -> Option<f64> {
        self.values.iter().flatten().copied().reduce(|a, b| self.comparison.worse(a, b))
    }
}
