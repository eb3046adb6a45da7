//! Notices for tests.

use jiff::{SignedDuration, Timestamp};

use crate::alarms::evaluate::AlarmState;
use crate::alarms::{Evaluation, MetricSource, Notice, NoticeBody, NoticeKind};
use crate::model::catalogue::{AWS_ECS, find};
use crate::model::metric::{Period, Statistic, Unit};
use crate::model::subject::Subject;
use crate::rules::{Comparison, Severity};

pub(in crate::notify) fn now() -> Timestamp {
    "2026-11-22T10:05:00Z".parse().unwrap()
}

/// The memory of a service of cluster `shop`, over 80 % in two of three minutes.
pub(in crate::notify) fn notice(service: &str) -> Notice {
    let subject = Subject::Service("shop".parse().unwrap(), service.parse().unwrap());
    let evaluation = evaluation(service);
    Notice {
        id: format!("memory-high#{subject}#0#ALARM"),
        rule: "memory-high".to_owned(),
        severity: Severity::Warning,
        subject,
        from: AlarmState::Ok,
        to: AlarmState::Alarm,
        at: now() - SignedDuration::from_mins(2),
        since: None,
        body: NoticeBody::Began {
            evaluation,
            late: None,
            why: None,
            pod: None,
            deaths: Vec::new(),
            hidden: Vec::new(),
        },
    }
}

/// Its evaluation.
pub(in crate::notify) fn evaluation(service: &str) -> Evaluation {
    let subject = Subject::Service("shop".parse().unwrap(), service.parse().unwrap());
    let metric = find(AWS_ECS, "MemoryUtilization").unwrap().of(&subject).unwrap();
    Evaluation {
        label: "memory".to_owned(),
        unit: Unit::Percent,
        comparison: Comparison::GreaterThanThreshold,
        threshold: 80.0,
        values: vec![Some(78.0), Some(90.0), Some(93.1)],
        period: Period::MINUTE,
        until: now() - SignedDuration::from_mins(2),
        sampled_at: Vec::new(),
        source: Some(MetricSource { metrics: vec![metric], statistic: Statistic::Average }),
        message: Some("Tasks are killed at 100 % of their memory.\nRaise it or look for a leak.".to_owned()),
    }
}

/// The notice with a changed evaluation.
pub(in crate::notify) fn but(notice: Notice, change: impl FnOnce(&mut Evaluation)) -> Notice {
    let mut evaluation = notice.evaluation().unwrap().clone();
    change(&mut evaluation);
    let body = body(notice.kind(), evaluation);
    Notice { body, ..notice }
}

/// The body of a notice of this kind, without further details.
pub(in crate::notify) fn body(kind: NoticeKind, evaluation: Evaluation) -> NoticeBody {
    match kind {
        NoticeKind::Began => NoticeBody::Began {
            evaluation,
            late: None,
            why: None,
            pod: None,
            deaths: Vec::new(),
            hidden: Vec::new(),
        },
        NoticeKind::Ended => NoticeBody::Ended { evaluation },
        NoticeKind::Reminder => NoticeBody::Reminder { evaluation, why: None, pod: None, deaths: Vec::new() },
        NoticeKind::Blind => NoticeBody::Blind { evaluation, why: None },
        NoticeKind::NoData => NoticeBody::NoData { evaluation, why: None },
        NoticeKind::SeenAgain => NoticeBody::SeenAgain { evaluation },
        NoticeKind::Deleted => NoticeBody::Deleted,
    }
}
