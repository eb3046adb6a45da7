//! Runs, targets and notices by name.

use std::collections::BTreeMap;

use fargaze::alarm::{MetricSource, Notice, NoticeKind};
use fargaze::catalogue::{AWS_ECS, find};
use fargaze::evaluate::AlarmState;
use fargaze::fault::{Fault, FaultKind};
use fargaze::metric::{Period, Statistic, Unit};
use fargaze::operation::Operation;
use fargaze::outcome::{Coverage, Outcome, OutcomeKind};
use fargaze::rule::{Comparison, KubernetesMeasure, SAMPLE_PERIOD, Severity};
use fargaze::run::{Part, Platform, Run, RunKind, Target};
use fargaze::subject::{Subject, Workload};
use fargaze::summary::TargetResult;
use jiff::{SignedDuration, Timestamp};

pub(crate) fn now() -> Timestamp {
    "2026-11-22T10:05:00Z".parse().unwrap()
}

pub(crate) fn minutes_ago(minutes: i64) -> Timestamp {
    now() - SignedDuration::from_mins(minutes)
}

pub(crate) fn run(kind: RunKind) -> Run {
    Run::new(kind, now(), SignedDuration::from_mins(2), SignedDuration::from_mins(22), None)
}

pub(crate) fn target(region: &str) -> Target {
    Target {
        platform: fargaze::run::Platform::Ecs,
        account: "123456789012".parse().unwrap(),
        region: region.parse().unwrap(),
        part: Part::WHOLE,
        role: None,
    }
}

/// A target of which everything was seen.
pub(crate) fn seen(region: &str, clusters: usize, notices: Vec<Notice>) -> TargetResult {
    let target = target(region);
    let services = clusters * 10;
    let coverage = Coverage {
        clusters,
        clusters_seen: clusters,
        services,
        metrics: services * 2,
        with_data: services * 2 - 2,
        without_data: 2,
        ..Coverage::default()
    };
    alarms(target, coverage, notices)
}

/// What an alarms run brought, without an owner.
fn alarms(target: Target, coverage: Coverage, notices: Vec<Notice>) -> TargetResult {
    let (rules, snapshot, owners) = (Vec::new(), String::new(), BTreeMap::new());
    let kind = OutcomeKind::Alarms { notices, rules, snapshot, owners };
    TargetResult { target: target.clone(), result: Ok(Outcome { target, coverage, kind }) }
}

pub(crate) fn denied() -> Fault {
    Fault {
        operation: Operation::EcsListClusters,
        subject: String::new(),
        kind: FaultKind::Denied,
        code: "AccessDeniedException".to_owned(),
        message: "User: arn:aws:sts::210987654321:assumed-role/fargaze/run is not authorized to perform: \
                  ecs:ListClusters on resource: * because no identity-based policy allows the action"
            .to_owned(),
    }
}

pub(crate) fn throttled(cluster: &str) -> Fault {
    Fault {
        operation: Operation::CloudwatchGetMetricData,
        subject: cluster.to_owned(),
        kind: FaultKind::Throttled,
        code: "ThrottlingException".to_owned(),
        message: "Rate exceeded".to_owned(),
    }
}

/// The service of a cluster.
pub(crate) fn service(cluster: &str, service: &str) -> Subject {
    Subject::Service(cluster.parse().unwrap(), service.parse().unwrap())
}

/// Memory of a service over 80 %, since two minutes ago.
pub(crate) fn memory(subject: Subject, values: &[Option<f64>]) -> Notice {
    let metric = find(AWS_ECS, "MemoryUtilization").unwrap().of(&subject).unwrap();
    let at = minutes_ago(2);
    Notice {
        id: format!("memory-high#{subject}#{}#ALARM", at.as_second()),
        kind: NoticeKind::Began,
        rule: "memory-high".to_owned(),
        severity: Severity::Warning,
        subject,
        from: AlarmState::Ok,
        to: AlarmState::Alarm,
        at,
        since: Some(minutes_ago(65)),
        label: "memory".to_owned(),
        unit: Unit::Percent,
        comparison: Comparison::GreaterThanThreshold,
        threshold: 80.0,
        values: values.to_vec(),
        period: Period::MINUTE,
        message: Some(
            "A task is killed at 100 % of its memory. Raise the task's memory, or look for a leak."
                .to_owned(),
        ),
        late: None,
        why: None,
        pod: None,
        values_end: None,
        sampled_at: Vec::new(),
        source: Some(MetricSource { metrics: vec![metric], statistic: Statistic::Average }),
    }
}

/// A service without a running task.
pub(crate) fn nothing_running(subject: Subject, missing: f64) -> Notice {
    Notice {
        rule: "nothing-running".to_owned(),
        severity: Severity::Critical,
        label: "tasks missing".to_owned(),
        unit: Unit::Count,
        threshold: 0.0,
        message: Some(
            "No task runs although some should. Read the service's events and the reason of its stopped tasks."
                .to_owned(),
        ),
        why: Some("ECS says: its deployment is IN_PROGRESS, 12 tasks failed.".to_owned()),
        source: None,
        ..memory(subject, &[Some(missing)])
    }
}

/// The same target of EKS.
pub(crate) fn eks_target(region: &str) -> Target {
    Target { platform: Platform::Eks, ..target(region) }
}

/// A target of EKS of which everything was seen; its workloads are counted where services are.
pub(crate) fn eks_seen(region: &str, clusters: usize, notices: Vec<Notice>) -> TargetResult {
    let TargetResult { result, .. } = seen(region, clusters, notices);
    let target = eks_target(region);
    let result = result.map(|outcome| {
        let coverage = Coverage {
            services: clusters * 6,
            metrics: 0,
            with_data: 0,
            without_data: 0,
            ..outcome.coverage
        };
        Outcome { target: target.clone(), coverage, ..outcome }
    });
    TargetResult { target, result }
}

/// A workload of the cluster `payments`: `shop/Deployment/web`.
pub(crate) fn workload(path: &str) -> Subject {
    let mut parts = path.split('/').map(ToOwned::to_owned);
    let mut next = || parts.next().unwrap();
    let workload = Workload { namespace: next(), kind: next(), name: next() };
    Subject::Workload("payments".parse().unwrap(), workload)
}

/// What Kubernetes says of a workload, in the samples of the newest runs.
pub(crate) fn sampled(
    measure: KubernetesMeasure,
    subject: Subject,
    threshold: f64,
    values: &[f64],
) -> Notice {
    let values: Vec<Option<f64>> = values.iter().map(|value| value.is_finite().then_some(*value)).collect();
    let source = MetricSource { metrics: vec![measure.of(&subject)], statistic: Statistic::Maximum };
    let count = i64::try_from(values.len()).unwrap();
    let sampled_at = (0..count).map(|sample| minutes_ago(2 + 5 * (count - 1 - sample))).collect();
    Notice {
        id: format!("{}#{subject}#0#ALARM", measure.word()),
        rule: measure.word().to_owned(),
        label: measure.label().to_owned(),
        unit: measure.unit(),
        threshold,
        period: SAMPLE_PERIOD,
        message: None,
        subject,
        values,
        sampled_at,
        source: Some(source),
        ..memory(service("shop", "web"), &[])
    }
}

/// The end of an alarm that lasted an hour.
pub(crate) fn over(notice: Notice, newest: f64) -> Notice {
    let values = vec![Some(85.0), Some(60.0), Some(newest)];
    let sampled_at = if notice.sampled_at.is_empty() { Vec::new() } else { vec![notice.at; values.len()] };
    Notice {
        kind: NoticeKind::Ended,
        from: AlarmState::Alarm,
        to: AlarmState::Ok,
        values,
        sampled_at,
        ..notice
    }
}
