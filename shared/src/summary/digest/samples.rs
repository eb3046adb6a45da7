//! Notices for tests.

use jiff::{SignedDuration, Timestamp};

use crate::alarm::{MetricSource, Notice, NoticeKind};
use crate::catalogue::{AWS_ECS, find};
use crate::evaluate::AlarmState;
use crate::metric::{Period, Statistic, Unit};
use crate::rule::{Comparison, Severity};
use crate::subject::Subject;

pub(in crate::summary) fn now() -> Timestamp {
    "2026-11-22T10:05:00Z".parse().unwrap()
}

/// The memory of a service of cluster `shop`, over 80 % in two of three minutes.
pub(in crate::summary) fn notice(service: &str) -> Notice {
    let subject = Subject::Service("shop".parse().unwrap(), service.parse().unwrap());
    let metric = find(AWS_ECS, "MemoryUtilization").unwrap().of(&subject).unwrap();
    Notice {
        id: format!("memory-high#{subject}#0#ALARM"),
        kind: NoticeKind::Began,
        rule: "memory-high".to_owned(),
        severity: Severity::Warning,
        subject,
        from: AlarmState::Ok,
        to: AlarmState::Alarm,
        at: now() - SignedDuration::from_mins(2),
        since: None,
        label: "memory".to_owned(),
        unit: Unit::Percent,
        comparison: Comparison::GreaterThanThreshold,
        threshold: 80.0,
        values: vec![Some(78.0), Some(90.0), Some(93.1)],
        period: Period::MINUTE,
        message: Some("Tasks are killed at 100 % of their memory.\nRaise it or look for a leak.".to_owned()),
        late: None,
        why: None,
        pod: None,
        values_end: None,
        sampled_at: Vec::new(),
        source: Some(MetricSource { metrics: vec![metric], statistic: Statistic::Average }),
    }
}
