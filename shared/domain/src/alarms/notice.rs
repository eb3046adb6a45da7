//! What people are told about an alarm.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::alarms::evaluate::AlarmState;
use crate::evidence::pods::NamedPod;
use crate::model::metric::{Metric, Period, Statistic, Unit};
use crate::model::subject::Subject;
use crate::rules::{Comparison, Mute, Severity};

/// What a notice is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoticeKind {
    /// An alarm began.
    Began,
    /// An alarm that was told ended.
    Ended,
    /// An alarm that was told goes on.
    Reminder,
    /// The alarm could not be judged for longer than its rule looks back.
    Blind,
    /// CloudWatch has no data where there should be some: an alarm that people know of, or a service whose tasks run.
    NoData,
    /// It can be judged again.
    SeenAgain,
    /// Nothing judges the alarm any more: its service or its rule is gone.
    Gone,
}

/// One thing to tell about an alarm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// Stable id: the same notice has the same id however often it is found.
    pub id: String,
    /// Name of the rule.
    pub rule: String,
    /// Severity of the rule.
    pub severity: Severity,
    /// What the alarm is about.
    pub subject: Subject,
    /// State before.
    pub from: AlarmState,
    /// State after.
    pub to: AlarmState,
    /// End of the period that decided it: where the alarm began or ended. Of the others, end of the newest period.
    pub at: Timestamp,
    /// Since when the state before had lasted; of a reminder the alarm itself, of `Blind`, `NoData` and `SeenAgain`
    /// since when it could not be judged. None if it is not remembered.
    pub since: Option<Timestamp>,
    /// What it is about, with what a notice of that kind says.
    #[serde(flatten)]
    pub body: NoticeBody,
}

/// What a notice says, by its kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum NoticeBody {
    /// An alarm began.
    Began {
        /// What was evaluated; of an alarm that was kept silent, the newest values.
        #[serde(flatten)]
        evaluation: Evaluation,
        /// What kept it silent, if the alarm had begun earlier than it is told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        late: Option<Mute>,
        /// What is known of the reason, such as what ECS says of the service.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
        /// The pod of a workload to look at first, if `why` names one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pod: Option<NamedPod>,
    },
    /// An alarm that was told ended.
    Ended {
        /// What was evaluated.
        #[serde(flatten)]
        evaluation: Evaluation,
    },
    /// An alarm that was told goes on.
    Reminder {
        /// What was evaluated.
        #[serde(flatten)]
        evaluation: Evaluation,
        /// What is known of the reason now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
        /// The pod of a workload to look at first, if `why` names one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pod: Option<NamedPod>,
    },
    /// The alarm could not be judged for longer than its rule looks back.
    Blind {
        /// What was evaluated.
        #[serde(flatten)]
        evaluation: Evaluation,
        /// Why it could not be judged.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
    /// CloudWatch has no data where there should be some.
    NoData {
        /// What was evaluated.
        #[serde(flatten)]
        evaluation: Evaluation,
        /// Why there should be some: how many tasks run, if ECS was asked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
    /// It can be judged again.
    SeenAgain {
        /// What was evaluated.
        #[serde(flatten)]
        evaluation: Evaluation,
    },
    /// Nothing judges the alarm any more.
    Gone,
}

/// What was evaluated, and by which condition of the rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// What was judged: its name and unit.
    pub label: String,
    /// Unit of the values.
    pub unit: Unit,
    /// How values were compared with the threshold.
    pub comparison: Comparison,
    /// The threshold.
    pub threshold: f64,
    /// Values of the newest N periods, oldest first; `None` where there was no data. If only older periods of the
    /// evaluation range have a value, all of the range.
    pub values: Vec<Option<f64>>,
    /// End of the newest of the values.
    #[serde(rename = "values_end")]
    pub until: Timestamp,
    /// Length of a period.
    #[serde(rename = "period_seconds")]
    pub period: Period,
    /// When each of the values was sampled; empty if they are those of periods.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sampled_at: Vec<Timestamp>,
    /// What was asked of CloudWatch; none if it was ECS that said it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<MetricSource>,
    /// What the rule says to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// The metrics that a value was made of: one, or the two of a derived value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetricSource {
    /// The metrics.
    pub metrics: Vec<Metric>,
    /// Statistic of each period.
    pub statistic: Statistic,
}

impl Notice {
    /// What it is about.
    pub fn kind(&self) -> NoticeKind {
        self.body.kind()
    }

    /// What was evaluated; nothing of what is gone.
    pub fn evaluation(&self) -> Option<&Evaluation> {
        match &self.body {
            NoticeBody::Began { evaluation, .. }
            | NoticeBody::Ended { evaluation }
            | NoticeBody::Reminder { evaluation, .. }
            | NoticeBody::Blind { evaluation, .. }
            | NoticeBody::NoData { evaluation, .. }
            | NoticeBody::SeenAgain { evaluation } => Some(evaluation),
            NoticeBody::Gone => None,
        }
    }

    /// What is known of the reason.
    pub fn why(&self) -> Option<&str> {
        match &self.body {
            NoticeBody::Began { why, .. }
            | NoticeBody::Reminder { why, .. }
            | NoticeBody::Blind { why, .. }
            | NoticeBody::NoData { why, .. } => why.as_deref(),
            NoticeBody::Ended { .. } | NoticeBody::SeenAgain { .. } | NoticeBody::Gone => None,
        }
    }

    /// The pod of a workload to look at first.
    pub fn pod(&self) -> Option<&NamedPod> {
        match &self.body {
            NoticeBody::Began { pod, .. } | NoticeBody::Reminder { pod, .. } => pod.as_ref(),
            _ => None,
        }
    }

    /// What kept an alarm silent that began earlier than it is told.
    pub fn late(&self) -> Option<&Mute> {
        match &self.body {
            NoticeBody::Began { late, .. } => late.as_ref(),
            _ => None,
        }
    }
}

impl NoticeBody {
    /// The kind alone.
    pub fn kind(&self) -> NoticeKind {
        match self {
            Self::Began { .. } => NoticeKind::Began,
            Self::Ended { .. } => NoticeKind::Ended,
            Self::Reminder { .. } => NoticeKind::Reminder,
            Self::Blind { .. } => NoticeKind::Blind,
            Self::NoData { .. } => NoticeKind::NoData,
            Self::SeenAgain { .. } => NoticeKind::SeenAgain,
            Self::Gone => NoticeKind::Gone,
        }
    }
}

impl Evaluation {
    /// The worst value for the reader with its time: the start of its period, which is how CloudWatch stamps it, and of a
    /// sample the time at which it was taken. Of equal ones the newest.
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

    /// When the oldest of the values begins: the start of its period, or the time of the sample.
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

    /// Of all values the worst for the reader.
    pub fn worst(&self) -> Option<f64> {
        self.values.iter().flatten().copied().reduce(|a, b| self.comparison.worse(a, b))
    }
}
